/* The side that asks: starts the child, waits for it, judges its answer. */

#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/command.h>
#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>

/* A busy machine may be this much slower than a processor of one's own, and
 * slow to start anything. */
#define PATIENCE     10
#define START_MS     20000
#define MAX_MESSAGES 4096
/* Where descriptors wait before they get their numbers. */
#define ASIDE 64
/* A child that does not read what it asked for. */
#define REPLY_SECONDS 20
/* Exit status of a child that could not become the parser. */
#define NOT_EXECUTED 127

extern char **environ;

int
parse_memory (const char *what, struct err **err)
{
  int fd = memfd_create ("guest-data", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  return fd == -1 ? err_set_errno (err, errno, "%s: memory file", what) : fd;
}

int
parse_add_file (struct parse *parse, int fd_taken, struct err **err)
{
  /* so that nothing moves under the parser's eyes, whoever keeps it open */
  const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

  if (parse->n == PARSE_INPUTS)
    err_set (err, ERR_INTERNAL, "more than %d inputs", PARSE_INPUTS);
  else if (fcntl (fd_taken, F_ADD_SEALS, seals) == -1)
    err_set_errno (err, errno, "%s: seal", parse->parser->what);
  else {
    parse->inputs[parse->n++] = fd_taken;
    return 0;
  }
  close (fd_taken);
  return -1;
}

int
parse_add_bytes (struct parse *parse, const void *bytes, size_t len,
                 struct err **err)
{
  int fd = parse_memory (parse->parser->what, err);

  if (fd == -1)
    return -1;
  if (len > 0 && write_all (fd, bytes, len) == -1) {
    err_set_errno (err, errno, "%s: memory file", parse->parser->what);
    close (fd);
    return -1;
  }
  return parse_add_file (parse, fd, err);
}

int
parse_want_output (struct parse *parse, struct err **err)
{
  parse->output = parse_memory (parse->parser->what, err);
  return parse->output == -1 ? -1 : 0;
}

void
parse_release (struct parse *parse)
{
  for (size_t i = 0; i < parse->n; i++)
    close (parse->inputs[i]);
  if (parse->output > 0)
    close (parse->output);
  json_decref (parse->result);
  memset (parse, 0, sizeof *parse);
}

/* --- its start --- */

/* One side of what the two talk through; -1: not there. */
struct pipes {
  int answer, messages, asks;
};

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
pipes_close (struct pipes *pipes)
{
  close_fd (&pipes->answer);
  close_fd (&pipes->messages);
  close_fd (&pipes->asks);
}
#define CLEANUP_PIPES CLEANUP (pipes_close)

/* A child that never reads must not hold us for ever. */
static int
make_asks (const struct parse *parse, struct pipes *ours, struct pipes *child)
{
  const struct timeval limit = {REPLY_SECONDS, 0};
  int both[2];

  if (parse->fetch == NULL || parse->parser->fetches == 0)
    return 0;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == -1)
    return -1;
  ours->asks = both[0];
  child->asks = both[1];
  return setsockopt (ours->asks, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static int
make_pipes (const struct parse *parse, struct pipes *ours, struct pipes *child)
{
  int both[2];

  if (pipe2 (both, O_CLOEXEC) == -1)
    return -1;
  ours->answer = both[0];
  child->answer = both[1];
  if (pipe2 (both, O_CLOEXEC) == -1)
    return -1;
  ours->messages = both[0];
  child->messages = both[1];
  return make_asks (parse, ours, child);
}

struct start {
  char *argv[7], *envp[8];
  int fds[PARSE_FIRST_FD + PARSE_INPUTS + 2]; /* what gets which number */
  size_t n_fds;
  char numbers[2][16];
};

/* Of the environment only what sanitizers read; symbols would take a program of
 * its own, and what is lost at the sudden end is no leak. */
static void
choose_environment (struct start *start)
{
  static const char *const names[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS"};
  size_t n = 0;

  start->envp[n++] = xstrdup ("LC_ALL=C.UTF-8");
  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    const char *value = getenv (names[i]);

    start->envp[n++] =
        xasprintf ("%s=%s%ssymbolize=0:detect_leaks=0", names[i],
                   value ? value : "", value && *value ? ":" : "");
  }
  start->envp[n] = NULL;
}

static void
prepare_start (struct start *start, const struct parse *parse,
               const struct pipes *child)
{
  bool output = parse->output > 0;
  size_t n = 0;

  memset (start, 0, sizeof *start);
  start->argv[n++] = (char *)"bootmend-parser";
  start->argv[n++] = (char *)PARSE_OPTION;
  start->argv[n++] = (char *)parse->parser->name;
  start->argv[n] = start->numbers[0];
  snprintf (start->argv[n++], sizeof start->numbers[0], "%zu", parse->n);
  start->argv[n++] = (char *)(output ? "output" : "no-output");
  start->argv[n++] = (char *)(child->asks >= 0 ? "asks" : "asks-not");
  choose_environment (start);
  start->fds[start->n_fds++] = -1; /* /dev/null */
  start->fds[start->n_fds++] = child->answer;
  start->fds[start->n_fds++] = child->messages;
  for (size_t i = 0; i < parse->n; i++)
    start->fds[start->n_fds++] = parse->inputs[i];
  if (output)
    start->fds[start->n_fds++] = parse->output;
  if (child->asks >= 0)
    start->fds[start->n_fds++] = child->asks;
}

/* After a fork beside threads: system calls only. */
static void __attribute__ ((noreturn))
become_parser (const struct start *start, const char *program, pid_t parent)
{
  int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int aside[ARRAY_SIZE (start->fds)];
  sigset_t none;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent || null == -1)
    _exit (NOT_EXECUTED);
  for (size_t i = 0; i < start->n_fds; i++)
    aside[i] = fcntl (start->fds[i] == -1 ? null : start->fds[i],
                      F_DUPFD_CLOEXEC, ASIDE);
  for (size_t i = 0; i < start->n_fds; i++)
    if (aside[i] == -1 || dup2 (aside[i], (int)i) == -1)
      _exit (NOT_EXECUTED);
  close_range ((unsigned)start->n_fds, ~0U, 0);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  for (int sig = 1; sig < 32; sig++)
    signal (sig, SIG_DFL);
  execve (program, start->argv, start->envp);
  _exit (NOT_EXECUTED);
}

static pid_t
start_parser (const struct parse *parse, const struct pipes *child,
              struct err **err)
{
  struct start start;
  pid_t parent = getpid (), pid;

  prepare_start (&start, parse, child);
  pid = fork ();
  if (pid == 0)
    become_parser (&start, parse->program, parent);
  if (pid == -1)
    err_set_errno (err, errno, "%s: fork", parse->parser->what);
  for (size_t i = 0; start.envp[i]; i++)
    free (start.envp[i]);
  return pid;
}

/* --- what it asks for --- */

struct served {
  size_t fetches, bytes;
};

/* 1, 0: it is gone, or does not read, -1 */
static int
reply (int fd, const void *bytes, size_t len)
{
  const char *p = bytes;

  while (len > 0) {
    ssize_t n = send (fd, p, len, MSG_NOSIGNAL);

    if (n == -1 && errno == EINTR)
      continue;
    if (n <= 0)
      return 0;
    p += n;
    len -= (size_t)n;
  }
  return 1;
}

/* One request.  1, 0: there will be no other, -1: it wants too much */
static int
serve (const struct parse *parse, int fd, struct served *served,
       struct err **err)
{
  const struct parser *parser = parse->parser;
  CLEANUP_FREE unsigned char *bytes = NULL;
  struct parse_request request;
  ssize_t got = recv (fd, &request, sizeof request, MSG_DONTWAIT);
  int64_t n;

  if (got == -1 && (errno == EINTR || errno == EAGAIN))
    return 1;
  if (got <= 0)
    return 0;
  if (got != sizeof request || request.len > PARSE_FETCH_BYTES ||
      served->fetches >= parser->fetches ||
      request.len > parser->fetch_bytes - served->bytes)
    return err_set (err, ERR_DISK, "it asked for more than it may have");
  served->fetches++;
  served->bytes += request.len;
  bytes = xmalloc (request.len + 1);
  n = parse->fetch (parse->fetch_ctx, request.offset, bytes, request.len);
  if (n > (int64_t)request.len)
    n = -1;
  if (reply (fd, &n, sizeof n) == 0)
    return 0;
  return n > 0 ? reply (fd, bytes, (size_t)n) : 1;
}

/* --- its answer --- */

/* Reads what there is, at most max bytes in all; -1: more came. */
static int
take (int *fd, struct strbuf *sb, size_t max)
{
  char chunk[16384];
  ssize_t n = read (*fd, chunk, sizeof chunk);

  if (n == -1 && errno == EINTR)
    return 0;
  if (n <= 0) {
    close_fd (fd);
    return 0;
  }
  if (sb->len + (size_t)n > max)
    return -1;
  strbuf_add (sb, chunk, (size_t)n);
  return 0;
}

static int
limit_error (const struct parse *parse, struct err **err)
{
  return err_set (err, ERR_DISK, "it answered more than %zu bytes",
                  parse->parser->max_answer);
}

/* Until both are at their end.  Our own time is not the child's. */
static int
listen_to (const struct parse *parse, struct pipes *pipes, struct strbuf *said,
           struct strbuf *noise, struct err **err)
{
  int64_t limit_ms =
      START_MS + (int64_t)parse->parser->seconds * PATIENCE * 1000;
  int64_t end = clock_now_ms (&real_clock) + limit_ms;
  struct served served = {0, 0};

  while (pipes->answer >= 0 || pipes->messages >= 0) {
    struct pollfd fds[3] = {{pipes->answer, POLLIN, 0},
                            {pipes->messages, POLLIN, 0},
                            {pipes->asks, POLLIN, 0}};
    int64_t now = clock_now_ms (&real_clock), left = end - now;

    if (left <= 0)
      return err_set (err, ERR_DISK, "not done after %lld s",
                      (long long)(limit_ms / 1000));
    if (poll (fds, 3, left > 60000 ? 60000 : (int)left) == -1)
      continue; /* EINTR */
    if (fds[0].revents &&
        take (&pipes->answer, said, parse->parser->max_answer) == -1)
      return limit_error (parse, err);
    /* sanitizers talk a lot; the start says it */
    if (fds[1].revents && take (&pipes->messages, noise, MAX_MESSAGES) == -1)
      close_fd (&pipes->messages);
    if (fds[2].revents) {
      int r;

      now = clock_now_ms (&real_clock);
      r = serve (parse, pipes->asks, &served, err);
      if (r == -1)
        return -1;
      if (r == 0)
        close_fd (&pipes->asks);
      end += clock_now_ms (&real_clock) - now;
    }
  }
  return 0;
}

/* The line of its messages that says most. */
static char *
words_of (const struct strbuf *noise)
{
  const char *text = noise->len ? noise->buf : "";
  const char *line = strstr (text, "ERROR: ");
  CLEANUP_FREE char *copy = NULL;

  if (line == NULL)
    line = strstr (text, "runtime error: ");
  if (line == NULL)
    line = text;
  copy = xstrndup (line, strcspn (line, "\n"));
  return text_printable (copy);
}

static int
say_death (const struct parse *parse, int status, const struct strbuf *noise,
           struct err **err)
{
  CLEANUP_FREE char *words = words_of (noise);
  CLEANUP_FREE char *end = wait_status_text (status);
  const char *why = "";

  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGSYS)
    why = ": it tried what a parser has no business with";
  else if (WIFSIGNALED (status) && WTERMSIG (status) == SIGXCPU)
    why = ": it took too much processor time";
  return err_set (err, ERR_DISK,
                  "the parser of %s died on it, %s%s%s%s; the data may be made "
                  "to do that",
                  parse->parser->what, end, why, *words ? ": " : "", words);
}

/* {"result": {...}} or {"error": {...}}, and "confined". */
static int
read_answer (struct parse *parse, const struct strbuf *said, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *answer =
      json_parse (said->len ? said->buf : "", said->len, "answer", &why);
  const json_t *result = json_object_get (answer, "result");
  const json_t *error = json_object_get (answer, "error");

  parse->confined = json_bool (answer, "confined", false);
  if (json_is_object (result)) {
    parse->result = json_incref ((json_t *)result);
    return 0;
  }
  if (json_is_object (error)) {
    CLEANUP_FREE char *text =
        text_printable (json_str (error, "message", "damaged"));

    return err_set (err, ERR_DISK, "%s", text);
  }
  parse->died = true;
  return err_set (err, ERR_DISK, "the parser of %s answered garbage",
                  parse->parser->what);
}

static int
judge (struct parse *parse, pid_t pid, struct pipes *pipes, struct err **err)
{
  CLEANUP_STRBUF struct strbuf said = STRBUF_SECRET;
  CLEANUP_STRBUF struct strbuf noise = STRBUF_EMPTY;
  int r = listen_to (parse, pipes, &said, &noise, err), status;

  if (r == -1)
    kill (pid, SIGKILL);
  while (waitpid (pid, &status, 0) == -1 && errno == EINTR)
    ;
  parse->died = r == -1 || !WIFEXITED (status) || WEXITSTATUS (status) != 0;
  if (r == -1)
    return err_wrap (err, "the parser of %s was killed", parse->parser->what);
  if (WIFEXITED (status) && (WEXITSTATUS (status) == NOT_EXECUTED ||
                             WEXITSTATUS (status) == PARSE_NOT_STARTED)) {
    CLEANUP_FREE char *words = words_of (&noise);

    parse->died = false;
    return err_set (err, ERR_IO, "the parser of %s could not be started: %s",
                    parse->parser->what, *words ? words : parse->program);
  }
  if (parse->died)
    return say_death (parse, status, &noise, err);
  return read_answer (parse, &said, err);
}

int
parse_run (struct parse *parse, struct err **err)
{
  CLEANUP_PIPES struct pipes ours = {-1, -1, -1};
  struct pipes child = ours;
  pid_t pid;

  if (parse->program == NULL)
    return err_set (err, ERR_INTERNAL, "%s: this program can't start a parser",
                    parse->parser->what);
  if (make_pipes (parse, &ours, &child) == -1)
    pid = err_set_errno (err, errno, "pipe");
  else
    pid = start_parser (parse, &child, err);
  pipes_close (&child);
  if (pid == -1 || judge (parse, pid, &ours, err) == -1)
    return -1;
  if (parse->output > 0 && lseek (parse->output, 0, SEEK_SET) == -1)
    return err_set_errno (err, errno, "%s: output", parse->parser->what);
  return 0;
}
