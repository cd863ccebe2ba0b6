/* A server whose faults libmicrohttpd would not commit: one thread, one
 * connection after the other, plain sockets. */

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/mem.h>

#include "server.h"

struct rude_server {
  struct server *server;
  enum rude how;
  int listener;
  int stop[2];
  pthread_t thread;
};

static void
say (int fd, const char *text)
{
  (void)!send (fd, text, strlen (text), MSG_NOSIGNAL);
}

/* Waits for input; false when the server is to stop. */
static bool
readable (const struct rude_server *r, int fd)
{
  struct pollfd fds[2] = {{fd, POLLIN, 0}, {r->stop[0], POLLIN, 0}};

  (void)poll (fds, 2, 20000);
  return fds[1].revents == 0 && fds[0].revents;
}

/* Reads one request (headers; the tests' bodies come along); false at the end
 * of the connection. */
static bool
read_request (struct rude_server *r, int fd)
{
  char text[8192];
  ssize_t n;

  if (!readable (r, fd))
    return false;
  n = recv (fd, text, sizeof text - 1, 0);
  if (n <= 0)
    return false;
  r->server->requests++;
  return true;
}

static void
reset (int fd)
{
  struct linger now = {1, 0};

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void
endless_headers (int fd)
{
  say (fd, "HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 100000; i++)
    say (fd, "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
}

static void
serve (struct rude_server *r, int fd)
{
  if (!read_request (r, fd))
    return;
  switch (r->how) {
  case RUDE_RESET:
    reset (fd);
    break;
  case RUDE_TRUNCATE:
    say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
    break;
  case RUDE_SILENT:
    (void)readable (r, fd);
    break;
  case RUDE_GARBAGE:
    say (fd, "SSH-2.0-OpenSSH_9.2\r\n");
    break;
  case RUDE_HEADERS:
    endless_headers (fd);
    break;
  case RUDE_ONCE:
    say (fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    (void)read_request (r, fd);
    break;
  case RUDE_PROXY_407:
    say (fd, "HTTP/1.1 407 Proxy Authentication Required\r\n"
             "Proxy-Authenticate: Basic realm=\"corp\"\r\n"
             "Content-Length: 0\r\n\r\n");
    break;
  case RUDE_CONTINUE:
    say (fd, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
             "HTTP/1.1 200 OK\r\nX-Late: 1\r\nX-Empty:\r\n"
             "Content-Length: 2\r\n\r\nok");
    break;
  case RUDE_CLOSE:
  case RUDE_NO_LISTEN:
    break;
  }
}

static void *
run (void *opaque)
{
  struct rude_server *r = opaque;

  while (readable (r, r->listener)) {
    int fd = accept (r->listener, NULL, NULL);

    if (fd < 0)
      continue;
    r->server->connections++;
    serve (r, fd);
    close (fd);
  }
  return NULL;
}

struct server *
rude_start (enum rude how)
{
  struct server *s = xcalloc (1, sizeof *s);
  struct rude_server *r = xcalloc (1, sizeof *r);
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  socklen_t len = sizeof a;

  s->impl = r;
  r->server = s;
  r->how = how;
  r->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind (r->listener, (struct sockaddr *)&a, sizeof a) == -1 ||
      getsockname (r->listener, (struct sockaddr *)&a, &len) == -1 ||
      pipe (r->stop) == -1)
    abort ();
  s->port = ntohs (a.sin_port);
  if (how != RUDE_NO_LISTEN && listen (r->listener, 10) == -1)
    abort ();
  if (how != RUDE_NO_LISTEN && pthread_create (&r->thread, NULL, run, r) != 0)
    abort ();
  return s;
}

void
rude_stop (struct server *s)
{
  struct rude_server *r = s->impl;

  (void)!write (r->stop[1], "", 1);
  if (r->how != RUDE_NO_LISTEN)
    pthread_join (r->thread, NULL);
  close (r->listener);
  close (r->stop[0]);
  close (r->stop[1]);
  free (r);
  free (s);
}
