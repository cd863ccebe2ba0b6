/* The side that asks: starts the child, waits for it, judges its answer. */

#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

struct start {
  char *argv[6], *envp[8];
  int fds[PARSE_FIRST_FD + PARSE_INPUTS + 1]; /* what gets which number */
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
prepare_start (struct start *start, const struct parse *parse, int answer,
               int messages)
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
  choose_environment (start);
  start->fds[start->n_fds++] = -1; /* /dev/null */
  start->fds[start->n_fds++] = answer;
  start->fds[start->n_fds++] = messages;
  for (size_t i = 0; i < parse->n; i++)
    start->fds[start->n_fds++] = parse->inputs[i];
  if (output)
    start->fds[start->n_fds++] = parse->output;
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
start_parser (const struct parse *parse, int answer, int messages,
              struct err **err)
{
  struct start start;
  pid_t parent = getpid (), pid;

  prepare_start (&start, parse, answer, messages);
  pid = fork ();
  if (pid == 0)
    become_parser (&start, parse->program, parent);
  if (pid == -1)
    err_set_errno (err, errno, "%s: fork", parse->parser->what);
  for (size_t i = 0; start.envp[i]; i++)
    free (start.envp[i]);
  return pid;
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
    close (*fd);
    *fd = -1;
    return 0;
  }
  if (sb->len + (size_t)n > max)
    return -1;
  strbuf_add (sb, chunk, (size_t)n);
  return 0;
}

/* Until both are at their end. */
static int
listen_to (const struct parse *parse, int *answer, int *messages,
           struct strbuf *said, struct strbuf *noise, struct err **err)
{
  int64_t limit_ms =
      START_MS + (int64_t)parse->parser->seconds * PATIENCE * 1000;
  int64_t end = clock_now_ms (&real_clock) + limit_ms;

  while (*answer >= 0 || *messages >= 0) {
    struct pollfd fds[2] = {{*answer, POLLIN, 0}, {*messages, POLLIN, 0}};
    int64_t left = end - clock_now_ms (&real_clock);

    if (left <= 0)
      return err_set (err, ERR_DISK, "not done after %lld s",
                      (long long)(limit_ms / 1000));
    if (poll (fds, 2, left > 60000 ? 60000 : (int)left) == -1)
      continue; /* EINTR */
    if (fds[0].revents && take (answer, said, parse->parser->max_answer) == -1)
      return err_set (err, ERR_DISK, "it answered more than %zu bytes",
                      parse->parser->max_answer);
    /* sanitizers talk a lot; the start says it */
    if (fds[1].revents && take (messages, noise, MAX_MESSAGES) == -1) {
      close (*messages);
      *messages = -1;
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
judge (struct parse *parse, pid_t pid, int *answer, int *messages,
       struct err **err)
{
  CLEANUP_STRBUF struct strbuf said = STRBUF_SECRET;
  CLEANUP_STRBUF struct strbuf noise = STRBUF_EMPTY;
  int r = listen_to (parse, answer, messages, &said, &noise, err), status;

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
  CLEANUP_CLOSE int answer = -1, messages = -1;
  int out[2], msg[2];
  pid_t pid;

  if (parse->program == NULL)
    return err_set (err, ERR_INTERNAL, "%s: this program can't start a parser",
                    parse->parser->what);
  if (pipe2 (out, O_CLOEXEC) == -1)
    return err_set_errno (err, errno, "pipe");
  answer = out[0];
  if (pipe2 (msg, O_CLOEXEC) == -1) {
    close (out[1]);
    return err_set_errno (err, errno, "pipe");
  }
  messages = msg[0];
  pid = start_parser (parse, out[1], msg[1], err);
  close (out[1]);
  close (msg[1]);
  if (pid == -1)
    return -1;
  if (judge (parse, pid, &answer, &messages, err) == -1)
    return -1;
  if (parse->output > 0 && lseek (parse->output, 0, SEEK_SET) == -1)
    return err_set_errno (err, errno, "%s: output", parse->parser->what);
  return 0;
}
