#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/command.h>
#include <base/text.h>
#include <providers/vm.h>

#define CONNECT_MS  5000
#define APPROVAL_MS (24 * 3600 * 1000)
#define COMMAND_MS  60000

static json_t *answer (bool healthy, const char *fmt, ...) ATTR_PRINTF (2, 3);

static json_t *
answer (bool healthy, const char *fmt, ...)
{
  CLEANUP_FREE char *why = NULL;
  json_t *out = json_object ();
  va_list args;

  va_start (args, fmt);
  why = xvasprintf (fmt, args);
  va_end (args);
  json_put_bool (out, "healthy", healthy);
  json_put_str (out, "why", why);
  return out;
}

/* 0, or an errno value. */
static int
connect_to (const struct addrinfo *address)
{
  CLEANUP_CLOSE int fd = socket (address->ai_family,
                                 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct pollfd poll_fd = {fd, POLLOUT, 0};
  socklen_t len = sizeof (int);
  int e = 0;

  if (fd == -1)
    return errno;
  if (connect (fd, address->ai_addr, address->ai_addrlen) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  if (poll (&poll_fd, 1, CONNECT_MS) != 1)
    return ETIMEDOUT;
  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
    return errno;
  return e;
}

static json_t *
probe_tcp (const char *host, const char *port)
{
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
  int rc = getaddrinfo (host, port, &hints, &list), e = 0;

  if (rc != 0)
    return answer (false, "%s: %s", host, gai_strerror (rc));
  for (struct addrinfo *a = list; a; a = a->ai_next) {
    e = connect_to (a);
    if (e == 0)
      break;
  }
  freeaddrinfo (list);
  if (e == 0)
    return answer (true, "%s accepts connections on port %s", host, port);
  return answer (false, "%s port %s: %s", host, port, strerror (e));
}

static json_t *
probe_command (const char *program, const json_t *vm)
{
  const json_t *addresses = json_at (vm, "addresses");
  const char *first = json_string_value (json_array_get (addresses, 0));
  CLEANUP_FREE char *name = xasprintf ("BOOTMEND_VM_NAME=%s", vm_title (vm));
  CLEANUP_FREE char *id =
      xasprintf ("BOOTMEND_VM_ID=%s", json_str (vm, "id", ""));
  CLEANUP_FREE char *provider =
      xasprintf ("BOOTMEND_VM_PROVIDER=%s", json_str (vm, "provider", ""));
  CLEANUP_FREE char *address =
      xasprintf ("BOOTMEND_VM_ADDRESS=%s", first ? first : "");
  /* env(1) sets them for the child alone: other threads run beside us. */
  const char *argv[] = {"env", name, id, provider, address, program, NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *err = NULL;

  if (command_run (argv, NULL, COMMAND_MS, 65536, &result, &err) == -1)
    return answer (false, "%s", err->msg);
  return answer (result.exit_status == 0, "%s: exit status %d", program,
                 result.exit_status);
}

/* A runbook's own decision: its exit status.  A person may be behind it. */
static json_t *
probe_approval (const json_t *in)
{
  const char *program = json_str (in, "program", "");
  CLEANUP_FREE char *campaign =
      xasprintf ("BOOTMEND_CAMPAIGN=%s", json_str (in, "campaign", ""));
  CLEANUP_FREE char *wave =
      xasprintf ("BOOTMEND_WAVE=%lld", (long long)json_int (in, "wave", 0));
  const char *argv[] = {"env", campaign, wave, program, NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *err = NULL;

  if (command_run (argv, NULL, APPROVAL_MS, 65536, &result, &err) == -1)
    return answer (false, "%s", err->msg);
  return answer (result.exit_status == 0, "%s: exit status %d", program,
                 result.exit_status);
}

void
probe_run (const json_t *in, json_t **out, struct err **err)
{
  const char *kind = json_str (in, "kind", "");

  if (strcmp (kind, "tcp") == 0)
    *out = probe_tcp (json_str (in, "host", ""), json_str (in, "port", ""));
  else if (strcmp (kind, "command") == 0)
    *out = probe_command (json_str (in, "program", ""), json_at (in, "vm"));
  else if (strcmp (kind, "approval") == 0)
    *out = probe_approval (in);
  else
    err_set (err, ERR_INTERNAL, "probe '%s' is unknown", kind);
}
