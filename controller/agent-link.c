#include "agent-link.h"

#include "agent-ssh.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/command.h>
#include <base/files.h>
#include <base/secret.h>
#include <base/text.h>
#include <protocol/channel.h>
#include <protocol/protocol.h>

/* For one that has no disk in its hands, or has had its grace. */
#define SHORT_GRACE_MS 5000
#define MESSAGES_KEPT  8192

struct agent_link {
  char *name;            /* argv[0], for messages */
  struct agent_ssh *ssh; /* NULL: it is a child of ours */
  bool boots;            /* ssh has not got so far that the agent runs */
  int64_t moved_ms;      /* when something was last read or written */
  pid_t pid;             /* 0: reaped */
  int status;
  int msg_fd;
  struct channel channel;
  struct strbuf messages; /* the end of its stderr */
  struct strbuf held;     /* lines for the agent, while it boots */
  bool up;
};

/* In its own group: ^C on a terminal is for the controller, which lets the
 * agent finish what it has in its hands. */
static struct agent_link *
start (const char *const *argv, const char *name, struct err **err)
{
  struct agent_link *link;
  struct child child;

  if (child_start (argv, CHILD_OWN_GROUP | CHILD_CAPTURE_MESSAGES, &child,
                   err) == -1)
    return NULL;
  link = xcalloc (1, sizeof *link);
  link->name = xstrdup (name);
  link->pid = child.pid;
  link->msg_fd = child.msg;
  link->moved_ms = clock_now_ms (&real_clock);
  channel_init (&link->channel, child.out, child.in);
  return link;
}

struct agent_link *
agent_link_start (const char *const *argv, struct err **err)
{
  struct agent_link *link = start (argv, argv[0], err);

  if (link == NULL)
    err_wrap (err, "agent (installed beside bootmend, or named by "
                   "BOOTMEND_AGENT)");
  return link;
}

struct agent_link *
agent_link_start_ssh (const json_t *spec, struct err **err)
{
  struct agent_ssh *ssh = agent_ssh_new (spec, err);
  struct agent_link *link;

  if (ssh == NULL)
    return NULL;
  link = start (agent_ssh_argv (ssh), agent_ssh_name (ssh), err);
  if (link == NULL) {
    err_wrap (err, "%s", agent_ssh_name (ssh));
    agent_ssh_free (ssh);
    return NULL;
  }
  link->ssh = ssh;
  link->held.secret = true;
  link->boots = true;
  return link;
}

/* The folder of the running program, or NULL. */
static char *
own_folder (void)
{
  char path[4096];
  ssize_t n = readlink ("/proc/self/exe", path, sizeof path - 1);
  char *slash;

  if (n <= 0)
    return NULL;
  path[n] = '\0';
  slash = strrchr (path, '/');
  if (slash == NULL)
    return NULL;
  *slash = '\0';
  return xstrdup (path);
}

char *
agent_link_local_program (void)
{
  CLEANUP_FREE char *own = own_folder ();
  const char *const folders[] = {own, BOOTMEND_BINDIR};
  const char *given = getenv ("BOOTMEND_AGENT");

  if (given && *given)
    return xstrdup (given);
  for (size_t i = 0; i < ARRAY_SIZE (folders); i++) {
    CLEANUP_FREE char *path =
        folders[i] ? path_join (folders[i], "bootmend-agent") : NULL;

    if (path && access (path, X_OK) == 0)
      return TAKE (path);
  }
  return xstrdup ("bootmend-agent");
}

struct agent_link *
agent_link_start_local (struct err **err)
{
  CLEANUP_FREE char *program = agent_link_local_program ();
  const char *argv[] = {program, NULL};

  return agent_link_start (argv, err);
}

size_t
agent_link_fds (const struct agent_link *link, struct pollfd *fds, size_t max)
{
  size_t n = 0;

  if (max < CHANNEL_MAX_FDS + 1)
    return 0;
  n = channel_fds (&link->channel, fds, true);
  if (link->msg_fd >= 0)
    fds[n++] = (struct pollfd){link->msg_fd, POLLIN, 0};
  return n;
}

/* Its stderr: whole lines go to our debug log, the end is kept for the error
 * that may follow. */
static void
read_messages (struct agent_link *link)
{
  char chunk[4096];
  ssize_t n;

  if (link->msg_fd < 0)
    return;
  while ((n = read (link->msg_fd, chunk, sizeof chunk)) > 0) {
    strbuf_add (&link->messages, chunk, (size_t)n);
    if (link->messages.len > MESSAGES_KEPT)
      strbuf_consume (&link->messages, link->messages.len - MESSAGES_KEPT);
  }
  if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    close (link->msg_fd);
    link->msg_fd = -1;
  }
}

static char *
last_message (struct agent_link *link)
{
  struct strbuf *sb = &link->messages;
  char *newline;

  while (sb->len && strchr ("\r\n", sb->buf[sb->len - 1]))
    sb->buf[--sb->len] = '\0';
  if (sb->len == 0)
    return xstrdup ("it said nothing");
  newline = strrchr (sb->buf, '\n');
  return text_printable (newline ? newline + 1 : sb->buf);
}

/* Waits for the process for at most ms. */
static bool
reap (struct agent_link *link, int64_t ms)
{
  int64_t end = clock_now_ms (&real_clock) + ms;

  while (link->pid) {
    pid_t got = waitpid (link->pid, &link->status, WNOHANG);

    if (got == link->pid || (got == -1 && errno != EINTR))
      link->pid = 0;
    else if (clock_now_ms (&real_clock) >= end)
      return false;
    else
      usleep (10000);
  }
  return true;
}

/* ssh has ended: its own words are what helps. */
static int
ssh_gone (struct agent_link *link, const char *how, const char *said,
          struct err **err)
{
  const char *advice = agent_ssh_advice (said);

  return err_set (err, ERR_UNREACHABLE, "%s: %s: %s: %s%s%s", link->name,
                  link->up      ? "the connection is lost"
                  : link->boots ? "no connection"
                                : "the agent does not start",
                  how, said, advice ? ": " : "", advice ? advice : "");
}

static int
gone (struct agent_link *link, struct err **err)
{
  CLEANUP_FREE char *how = NULL, *said = NULL;

  read_messages (link);
  how = reap (link, 1000) ? wait_status_text (link->status)
                          : xstrdup ("it closed its output");
  said = last_message (link);
  if (link->ssh)
    return ssh_gone (link, how, said, err);
  return err_set (err, link->up ? ERR_TRANSIENT : ERR_PROTOCOL,
                  "the agent (%s) is gone: %s: %s", link->name, how, said);
}

static int
check_hello (struct agent_link *link, const json_t *event, struct err **err)
{
  if (strcmp (json_str (event, "event", ""), "hello") != 0)
    return err_set (err, ERR_PROTOCOL,
                    "%s: its first word is no hello; is this a bootmend-agent?",
                    link->name);
  if (json_int (event, "protocol", PROTOCOL_VERSION) != PROTOCOL_VERSION)
    return err_set (err, ERR_PROTOCOL,
                    "%s: the agent (%s) speaks protocol %lld, this bootmend "
                    "speaks %d: install the same version on both sides",
                    link->name, json_str (event, "agent", "?"),
                    (long long)json_int (event, "protocol", 0),
                    PROTOCOL_VERSION);
  if (link->ssh &&
      strcmp (json_str (event, "agent", "?"), BOOTMEND_VERSION) != 0)
    return err_set (err, ERR_PROTOCOL,
                    "%s: the agent there is of version %s, this bootmend is "
                    "%s: install the same, or leave out ,agent= and it is "
                    "copied",
                    link->name, json_str (event, "agent", "?"),
                    BOOTMEND_VERSION);
  link->up = true;
  return 0;
}

/* Reads and writes; notes whether anything moved. */
static int
do_io (struct agent_link *link, struct err **err)
{
  size_t in = link->channel.in.len, out = link->channel.out.len;
  size_t said = link->messages.len;

  read_messages (link);
  if (channel_io (&link->channel, err) == -1)
    return err_wrap (err, "%s", link->name);
  if (link->channel.in.len != in || link->channel.out.len != out ||
      link->messages.len != said)
    link->moved_ms = clock_now_ms (&real_clock);
  return 0;
}

/* 1: the agent runs; else as agent_link_step. */
static int
boot (struct agent_link *link, struct err **err)
{
  int r =
      agent_ssh_boot (link->ssh, &link->channel.in, &link->channel.out, err);

  if (r == 0)
    return link->channel.ended ? gone (link, err) : 0;
  if (r == -1)
    return -1;
  link->boots = false;
  if (link->held.len) /* what was to be said meanwhile */
    strbuf_add (&link->channel.out, link->held.buf, link->held.len);
  strbuf_release (&link->held);
  channel_flush (&link->channel);
  return 1;
}

int
agent_link_step (struct agent_link *link, json_t **event, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  int r;

  if (do_io (link, err) == -1)
    return -1;
  if (link->boots && (r = boot (link, err)) <= 0)
    return r;
  r = channel_next (&link->channel, event, &why);
  if (r == -1 && why->code == ERR_PROTOCOL)
    return err_set (err, ERR_PROTOCOL, "%s: %s%s", link->name, why->msg,
                    link->up ? "" : "; is this a bootmend-agent?");
  if (r <= 0) /* half a line at the end is an end too */
    return link->channel.ended ? gone (link, err) : 0;
  if (!link->up && check_hello (link, *event, err) == -1) {
    json_decref (TAKE (*event));
    return -1;
  }
  return 1;
}

int
agent_link_await_hello (struct agent_link *link, int64_t limit_ms,
                        struct err **err)
{
  int64_t end = clock_now_ms (&real_clock) + limit_ms;

  while (!link->up) {
    struct pollfd fds[CHANNEL_MAX_FDS + 1];
    json_t *event = NULL;
    int r;

    poll (fds, agent_link_fds (link, fds, ARRAY_SIZE (fds)), 200);
    r = agent_link_step (link, &event, err);
    json_decref (event);
    if (r == -1)
      return -1;
    if (!link->up && clock_now_ms (&real_clock) > end &&
        agent_link_quiet_ms (link) > limit_ms)
      return err_set (err, ERR_TIMEOUT,
                      "%s: it said nothing for %lld s; is this a "
                      "bootmend-agent?",
                      link->name, (long long)(limit_ms / 1000));
  }
  return 0;
}

int64_t
agent_link_quiet_ms (const struct agent_link *link)
{
  return clock_now_ms (&real_clock) - link->moved_ms;
}

bool
agent_link_is_up (const struct agent_link *link)
{
  return link->up;
}

int
agent_link_send (struct agent_link *link, const json_t *message,
                 struct err **err)
{
  if (link->boots) {
    char *line = message_line (message);

    strbuf_addstr (&link->held, line);
    wipe (line, strlen (line)); /* it may hold a key */
    free (line);
    return 0;
  }
  channel_send (&link->channel, message);
  channel_flush (&link->channel);
  if (link->channel.out_fd < 0)
    return gone (link, err);
  return 0;
}

/* reap, while its last words are taken from it and dropped: an agent that
 * waits for a reader does not end. */
static bool
drain_and_reap (struct agent_link *link, int64_t ms)
{
  int64_t end = clock_now_ms (&real_clock) + ms;

  while (!reap (link, 0)) {
    if (clock_now_ms (&real_clock) >= end)
      return false;
    read_messages (link);
    (void)!channel_io (&link->channel, NULL);
    strbuf_reset (&link->channel.in);
    usleep (10000);
  }
  return true;
}

void
agent_link_stop (struct agent_link *link)
{
  CLEANUP_JSON json_t *quit = message_new ("request", "quit");
  int64_t grace_ms;

  if (link == NULL)
    return;
  if (!link->boots)
    channel_send (&link->channel, quit);
  channel_flush (&link->channel);
  channel_close_output (&link->channel);
  if (link->channel.out_fd >= 0) { /* it does not read; it shall see the end */
    close (link->channel.out_fd);
    link->channel.out_fd = -1;
  }
  grace_ms =
      link->up ? PROTOCOL_STOP_GRACE_MS + PROTOCOL_STOP_END_MS : SHORT_GRACE_MS;
  if (!drain_and_reap (link, grace_ms)) {
    kill (link->pid, SIGTERM);
    if (!drain_and_reap (link, SHORT_GRACE_MS)) {
      kill (-link->pid, SIGKILL); /* and what it started, as ssh does */
      reap (link, SHORT_GRACE_MS);
    }
  }
  if (link->msg_fd >= 0)
    close (link->msg_fd);
  channel_release (&link->channel);
  strbuf_release (&link->messages);
  strbuf_release (&link->held);
  agent_ssh_free (link->ssh);
  free (link->name);
  free (link);
}
