/* fake-cloud-server: a fake cloud behind HTTP, for whole-process tests and for
 * the official clients.
 *
 *   fake-cloud-server --config FILE [--port N] [--no-answer-ms N]
 *       [--tls PEM]                        key and certificate: https
 *   fake-cloud-server --actions          prints the calls that it knows
 *
 * Listens on 127.0.0.1; port 0 (the default) is any, and the first line on
 * stdout says which: "http://127.0.0.1:PORT".  Ends on SIGTERM, SIGINT, or with
 * the process that started it.  Time is the machine's, times "speed" of the
 * configuration.  For tests:
 *
 *   GET  /_fake/state            everything there is
 *   GET  /_fake/object/ID        one object
 *   GET  /_fake/calls[?first=N]  the log of calls
 *   POST /_fake/control          a JSON object, see README.md "Control"
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <fake-cloud/fake-cloud.h>

enum {
  MAX_BODY = 8 << 20,
  MAX_CONFIG = 64 << 20,
  MAX_PEM = 1 << 20
};

struct server {
  struct fake_cloud *cloud;
  pthread_mutex_t lock; /* around the cloud */
  double speed;
  int no_answer_ms;
  int stop_fd; /* readable when the server ends */
  unsigned port;
  char *pem; /* key and certificate; NULL: no TLS */
};

/* One request while it comes in. */
struct incoming {
  char *uri; /* as sent, with its query */
  struct strbuf body;
  bool begun;
};

/* Sleeps, but not beyond the server's end. */
static void
wait_ms (const struct server *server, double ms)
{
  struct pollfd fd = {server->stop_fd, POLLIN, 0};

  if (ms >= 1)
    poll (&fd, 1, (int)ms);
}

static void *
remember_uri (void *context, const char *uri, struct MHD_Connection *connection)
{
  struct incoming *incoming = xcalloc (1, sizeof *incoming);

  (void)context;
  (void)connection;
  incoming->uri = xstrdup (uri);
  return incoming;
}

static void
forget_request (void *context, struct MHD_Connection *connection, void **state,
                enum MHD_RequestTerminationCode why)
{
  struct incoming *incoming = *state;

  (void)context;
  (void)connection;
  (void)why;
  if (incoming == NULL)
    return;
  free (incoming->uri);
  strbuf_release (&incoming->body);
  free (incoming);
  *state = NULL;
}

static enum MHD_Result
add_header (void *context, enum MHD_ValueKind kind, const char *name,
            const char *value)
{
  (void)kind;
  http_header_add (context, name, value ? value : "");
  return MHD_YES;
}

/* ---- replies ---- */

/* The connection ends with a reset, not with an orderly close. */
static enum MHD_Result
reset (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  struct linger now = {1, 0};

  if (info)
    setsockopt (info->connect_fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  return MHD_NO;
}

struct cut_body {
  char *data;
  size_t len;
};

static ssize_t
read_cut_body (void *context, uint64_t at, char *to, size_t max)
{
  const struct cut_body *cut = context;
  size_t n = cut->len - (size_t)at;

  if (at >= cut->len)
    return MHD_CONTENT_READER_END_WITH_ERROR;
  memcpy (to, cut->data + at, n < max ? n : max);
  return (ssize_t)(n < max ? n : max);
}

static void
free_cut_body (void *context)
{
  struct cut_body *cut = context;

  free (cut->data);
  free (cut);
}

static struct MHD_Response *
make_response (const struct http_reply *reply)
{
  struct cut_body *cut;

  if (reply->status != FAKE_TRUNCATED)
    return MHD_create_response_from_buffer (reply->body_len, reply->body,
                                            MHD_RESPMEM_MUST_COPY);
  cut = xmalloc (sizeof *cut);
  cut->data = xmemdup (reply->body, reply->body_len);
  cut->len = reply->body_len;
  return MHD_create_response_from_callback (cut->len * 2, 4096, read_cut_body,
                                            cut, free_cut_body);
}

static enum MHD_Result
send_reply (struct MHD_Connection *connection, const struct http_reply *reply)
{
  struct MHD_Response *response = make_response (reply);
  int status = reply->status == FAKE_TRUNCATED ? 200 : reply->status;
  enum MHD_Result result;

  for (size_t i = 0; i < reply->headers.len; i++)
    MHD_add_response_header (response, reply->headers.ptr[i].name,
                             reply->headers.ptr[i].value);
  result = MHD_queue_response (connection, (unsigned)status, response);
  MHD_destroy_response (response);
  return result;
}

static enum MHD_Result
send_json (struct MHD_Connection *connection, int status, json_t *json_taken)
{
  CLEANUP_JSON json_t *json = json_taken;
  CLEANUP_HTTP_REPLY struct http_reply reply = {.status = status};

  http_header_add (&reply.headers, "Content-Type", "application/json");
  reply.body = json_text_pretty (json);
  reply.body_len = strlen (reply.body);
  return send_reply (connection, &reply);
}

/* ---- the tests' own paths ---- */

static json_t *
look (struct server *server, const char *path, const char *first)
{
  if (strcmp (path, "/_fake/state") == 0)
    return fake_cloud_state (server->cloud);
  if (strcmp (path, "/_fake/calls") == 0)
    return fake_cloud_calls (server->cloud,
                             first ? strtoul (first, NULL, 10) : 0);
  if (strncmp (path, "/_fake/object/", 14) == 0)
    return fake_cloud_object (server->cloud, path + 14);
  return NULL;
}

static enum MHD_Result
own_path (struct server *server, struct MHD_Connection *connection,
          const char *path, const char *method, const struct strbuf *body)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *op = NULL;
  const char *first =
      MHD_lookup_connection_value (connection, MHD_GET_ARGUMENT_KIND, "first");
  json_t *out = NULL;

  pthread_mutex_lock (&server->lock);
  if (strcmp (method, "GET") == 0)
    out = look (server, path, first);
  else if (strcmp (path, "/_fake/control") == 0) {
    op = json_parse (body->buf ? body->buf : "", body->len, "control", &err);
    if (op)
      out = fake_cloud_control (server->cloud, op, &err);
  }
  pthread_mutex_unlock (&server->lock);
  if (out == NULL)
    return send_json (connection, err ? 400 : 404,
                      json_make ("{s:s}", "error",
                                 err ? err->msg : "no such path or object"));
  return send_json (connection, 200, out);
}

/* ---- the cloud's ---- */

static void
handle (struct server *server, const struct http_request *req,
        struct http_reply *reply)
{
  int64_t latency_ms;

  pthread_mutex_lock (&server->lock);
  latency_ms = fake_cloud_handle (server->cloud, req, reply);
  pthread_mutex_unlock (&server->lock);
  wait_ms (server, (double)latency_ms / server->speed);
}

static enum MHD_Result
cloud_path (struct server *server, struct MHD_Connection *connection,
            const struct incoming *incoming, const char *method)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};
  const char *host;

  MHD_get_connection_values (connection, MHD_HEADER_KIND, add_header,
                             &req.headers);
  host = http_header_get (&req.headers, "Host");
  req.method = xstrdup (method);
  req.url = incoming->uri[0] == '/'
                ? xasprintf ("http%s://%s%s", server->pem ? "s" : "",
                             host ? host : "", incoming->uri)
                : xstrdup (incoming->uri);
  req.body = xstrndup (incoming->body.buf ? incoming->body.buf : "",
                       incoming->body.len);
  req.body_len = incoming->body.len;
  handle (server, &req, &reply);
  if (reply.status == FAKE_HOLD) {
    http_reply_release (&reply);
    http_header_add (&req.headers, FAKE_HELD, "1");
    handle (server, &req, &reply);
  }
  if (reply.status == FAKE_NO_ANSWER)
    wait_ms (server, server->no_answer_ms);
  if (reply.status == FAKE_NO_ANSWER || reply.status == FAKE_RESET)
    return reset (connection);
  return send_reply (connection, &reply);
}

static enum MHD_Result
answer (void *context, struct MHD_Connection *connection, const char *path,
        const char *method, const char *version, const char *data, size_t *len,
        void **state)
{
  struct server *server = context;
  struct incoming *incoming = *state;

  (void)version;
  if (*len) {
    if (incoming->body.len + *len > MAX_BODY)
      return MHD_NO;
    strbuf_add (&incoming->body, data, *len);
    *len = 0;
    return MHD_YES;
  }
  /* The first call for a request brings its headers only. */
  if (!incoming->begun) {
    incoming->begun = true;
    return MHD_YES;
  }
  if (strncmp (path, "/_fake/", 7) == 0)
    return own_path (server, connection, path, method, &incoming->body);
  return cloud_path (server, connection, incoming, method);
}

/* ---- life ---- */

static int
usage (const char *me)
{
  fprintf (
      stderr,
      "Usage: %s --config FILE [--port N] [--no-answer-ms N] [--tls PEM]\n",
      me);
  return 2;
}

static struct MHD_Daemon *
listen_at (struct server *server)
{
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons ((uint16_t)server->port),
                                .sin_addr = {htonl (INADDR_LOOPBACK)}};
  struct MHD_OptionItem tls[] = {
      {server->pem ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, server->pem},
      {MHD_OPTION_HTTPS_MEM_CERT, 0, server->pem},
      {MHD_OPTION_END, 0, NULL},
  };

  return MHD_start_daemon (MHD_USE_THREAD_PER_CONNECTION |
                               MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                               (server->pem ? MHD_USE_TLS : 0U),
                           (uint16_t)server->port, NULL, NULL, answer, server,
                           MHD_OPTION_SOCK_ADDR, &address,
                           MHD_OPTION_URI_LOG_CALLBACK, remember_uri, NULL,
                           MHD_OPTION_NOTIFY_COMPLETED, forget_request, NULL,
                           MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static int
serve (struct server *server)
{
  struct MHD_Daemon *daemon = listen_at (server);
  const union MHD_DaemonInfo *info;
  struct pollfd stop = {server->stop_fd, POLLIN, 0};

  if (daemon == NULL) {
    fprintf (stderr, "fake-cloud-server: port %u: %s\n", server->port,
             strerror (errno));
    return 1;
  }
  info = MHD_get_daemon_info (daemon, MHD_DAEMON_INFO_BIND_PORT);
  printf ("http%s://127.0.0.1:%u\n", server->pem ? "s" : "",
          (unsigned)info->port);
  fflush (stdout);
  while (poll (&stop, 1, -1) < 0 && errno == EINTR)
    ;
  MHD_stop_daemon (daemon);
  return 0;
}

static int
start (struct server *server, const char *path, const char *pem)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *config = json_parse_file (path, MAX_CONFIG, &err);
  const json_t *speed = json_object_get (config, "speed");
  sigset_t signals;
  size_t len;
  int result = 1;

  if (config &&
      (pem == NULL || file_read (pem, MAX_PEM, &server->pem, &len, &err) == 0))
    server->cloud = fake_cloud_new (config, &real_clock, &err);
  if (server->cloud == NULL) {
    fprintf (stderr, "fake-cloud-server: %s\n", err->msg);
    return 1;
  }
  server->speed = json_is_number (speed) ? json_number_value (speed) : 1.0;
  sigemptyset (&signals);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGINT);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  signal (SIGPIPE, SIG_IGN);
  server->stop_fd = signalfd (-1, &signals, SFD_CLOEXEC);
  if (server->stop_fd >= 0)
    result = serve (server);
  fake_cloud_free (server->cloud);
  free (server->pem);
  return result;
}

static int
print_actions (void)
{
  CLEANUP_FREE char *actions = fake_cloud_actions ();

  fputs (actions, stdout);
  return 0;
}

int
main (int argc, char **argv)
{
  static const struct option options[] = {
      {"config", required_argument, NULL, 'c'},
      {"port", required_argument, NULL, 'p'},
      {"no-answer-ms", required_argument, NULL, 'n'},
      {"tls", required_argument, NULL, 't'},
      {"actions", no_argument, NULL, 'a'},
      {NULL},
  };
  struct server server = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .no_answer_ms = 30000};
  const char *config = NULL, *pem = NULL;
  int option;

  prctl (PR_SET_PDEATHSIG, SIGTERM);
  while ((option = getopt_long (argc, argv, "", options, NULL)) != -1)
    switch (option) {
    case 'c':
      config = optarg;
      break;
    case 'p':
      server.port = (unsigned)strtoul (optarg, NULL, 10);
      break;
    case 'a':
      return print_actions ();
    case 't':
      pem = optarg;
      break;
    case 'n':
      server.no_answer_ms = (int)strtol (optarg, NULL, 10);
      break;
    default:
      return usage (argv[0]);
    }
  if (config == NULL || optind < argc || server.port > 65535)
    return usage (argv[0]);
  return start (&server, config, pem);
}
