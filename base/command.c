#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "secret.h"

#define MESSAGES_KEPT 65536

void
command_result_release (struct command_result *result)
{
  strbuf_release (&result->output);
  strbuf_release (&result->messages);
}

char *
wait_status_text (int status)
{
  if (WIFSIGNALED (status))
    return xasprintf ("killed by signal %d (%s)", WTERMSIG (status),
                      strsignal (WTERMSIG (status)));
  return xasprintf ("exit status %d", WEXITSTATUS (status));
}

struct pipes {
  int in[2], out[2], msg[2], fail[2]; /* fail tells us of a failed exec */
};

static void
pipes_close (struct pipes *p)
{
  int *all[] = {p->in, p->out, p->msg, p->fail};

  for (size_t i = 0; i < ARRAY_SIZE (all); i++)
    for (int j = 0; j < 2; j++)
      if (all[i][j] >= 0)
        close (all[i][j]);
}

static int
pipes_open (struct pipes *p, unsigned flags)
{
  memset (p, -1, sizeof *p);
  if (pipe2 (p->in, O_CLOEXEC) == -1 || pipe2 (p->out, O_CLOEXEC) == -1 ||
      pipe2 (p->fail, O_CLOEXEC) == -1)
    return -1;
  if (flags & CHILD_CAPTURE_MESSAGES)
    return pipe2 (p->msg, O_CLOEXEC);
  return 0;
}

static void __attribute__ ((noreturn))
become_child (const char *const *argv, unsigned flags, const struct pipes *p,
              pid_t parent)
{
  sigset_t none;
  int e;

  if (flags & CHILD_OWN_GROUP)
    setpgid (0, 0);
  if (flags & CHILD_DIES_WITH_US) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
      _exit (127); /* the parent was gone before the line above */
  }
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGPIPE, SIG_DFL);
  signal (SIGXFSZ, SIG_DFL);
  if (dup2 (p->in[0], STDIN_FILENO) != -1 &&
      dup2 (p->out[1], STDOUT_FILENO) != -1 &&
      (p->msg[1] < 0 || dup2 (p->msg[1], STDERR_FILENO) != -1))
    execvp (argv[0], (char *const *)argv);
  e = errno;
  (void)!write (p->fail[1], &e, sizeof e);
  _exit (127);
}

int
child_start (const char *const *argv, unsigned flags, struct child *child,
             struct err **err)
{
  struct pipes p;
  pid_t parent = getpid (), pid;
  int e = 0;

  if (pipes_open (&p, flags) == -1) {
    err_set_errno (err, errno, "%s: pipe", argv[0]);
    pipes_close (&p);
    return -1;
  }
  pid = fork ();
  if (pid == -1) {
    err_set_errno (err, errno, "%s: fork", argv[0]);
    pipes_close (&p);
    return -1;
  }
  if (pid == 0)
    become_child (argv, flags, &p, parent);
  close (p.fail[1]);
  p.fail[1] = -1;
  if (read (p.fail[0], &e, sizeof e) == sizeof e) {
    waitpid (pid, NULL, 0);
    pipes_close (&p);
    return err_set_errno (err, e, "%s", argv[0]);
  }
  child->pid = pid;
  child->in = p.in[1];
  child->out = p.out[0];
  child->msg = p.msg[0];
  p.in[1] = p.out[0] = p.msg[0] = -1;
  pipes_close (&p);
  fd_set_nonblocking (child->in);
  fd_set_nonblocking (child->out);
  if (child->msg >= 0)
    fd_set_nonblocking (child->msg);
  return 0;
}

void
child_close (struct child *child)
{
  int *fds[] = {&child->in, &child->out, &child->msg};

  for (size_t i = 0; i < ARRAY_SIZE (fds); i++)
    if (*fds[i] >= 0) {
      close (*fds[i]);
      *fds[i] = -1;
    }
}

/* Reads what there is; closes *fd at its end.  -1 if max is passed. */
static int
drain (int *fd, struct strbuf *sb, size_t max, bool keep_last)
{
  char chunk[16384];
  ssize_t n;

  while ((n = read (*fd, chunk, sizeof chunk)) > 0) {
    strbuf_add (sb, chunk, (size_t)n);
    wipe (chunk, (size_t)n);
    if (sb->len > max) {
      if (!keep_last)
        return -1;
      strbuf_consume (sb, sb->len - max);
    }
  }
  if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    close (*fd);
    *fd = -1;
  }
  return 0;
}

static void
feed (struct child *child, const char **input, size_t *left)
{
  ssize_t n = *left ? write (child->in, *input, *left) : 0;

  if (n > 0) {
    *input += n;
    *left -= (size_t)n;
  }
  if (*left == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
    close (child->in);
    child->in = -1;
  }
}

static int
converse (struct child *child, const char *name, const char *input,
          int64_t limit_ms, size_t max_output, struct command_result *result,
          struct err **err)
{
  size_t left = input ? strlen (input) : 0;
  int64_t end = clock_now_ms (&real_clock) + limit_ms;

  while (child->out >= 0 || child->msg >= 0) {
    struct pollfd fds[3] = {{child->out, POLLIN, 0},
                            {child->msg, POLLIN, 0},
                            {child->in, POLLOUT, 0}};
    int64_t wait_ms = end - clock_now_ms (&real_clock);

    if (wait_ms <= 0)
      return err_set (err, ERR_TIMEOUT, "%s: not done after %lld ms", name,
                      (long long)limit_ms);
    if (poll (fds, 3, wait_ms > 60000 ? 60000 : (int)wait_ms) == -1 &&
        errno != EINTR)
      return err_set_errno (err, errno, "%s: poll", name);
    if (fds[2].revents)
      feed (child, &input, &left);
    if (fds[0].revents &&
        drain (&child->out, &result->output, max_output, false) == -1)
      return err_set (err, ERR_IO, "%s: more than %zu bytes of output", name,
                      max_output);
    if (fds[1].revents)
      drain (&child->msg, &result->messages, MESSAGES_KEPT, true);
  }
  return 0;
}

/* A child need not read its input.  Other threads may run commands too, so the
 * signal is held back for this thread alone. */
static void
hold_sigpipe (sigset_t *before)
{
  sigset_t pipe_only;

  sigemptyset (&pipe_only);
  sigaddset (&pipe_only, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe_only, before);
}

static void
drop_sigpipe (const sigset_t *before)
{
  struct timespec now = {0, 0};
  sigset_t pipe_only;

  sigemptyset (&pipe_only);
  sigaddset (&pipe_only, SIGPIPE);
  if (!sigismember (before, SIGPIPE))
    while (sigtimedwait (&pipe_only, NULL, &now) == SIGPIPE)
      ;
  pthread_sigmask (SIG_SETMASK, before, NULL);
}

static bool
is_program (const char *path)
{
  struct stat st;

  return stat (path, &st) == 0 && S_ISREG (st.st_mode) &&
         access (path, X_OK) == 0;
}

int
command_check (const char *program, struct err **err)
{
  const char *path = getenv ("PATH");
  bool found = strchr (program, '/') && is_program (program);

  while (path && *path && !found && strchr (program, '/') == NULL) {
    size_t len = strcspn (path, ":");
    CLEANUP_FREE char *full =
        len ? xasprintf ("%.*s/%s", (int)len, path, program)
            : xstrdup (program);

    found = *program && is_program (full);
    path += len + (path[len] == ':');
  }
  if (found)
    return 0;
  return err_set (
      err, ERR_USAGE, "%s: there is no such program, or it may not be run%s",
      program,
      strpbrk (program, " |;<>&")
          ? "; it is started without a shell and without arguments: "
            "put such a line into a script"
          : "");
}

int
command_run (const char *const *argv, const char *input, int64_t limit_ms,
             size_t max_output, struct command_result *result, struct err **err)
{
  struct child child;
  sigset_t before;
  int status, r;

  memset (result, 0, sizeof *result);
  result->output.secret = result->messages.secret = true;
  if (child_start (argv, CHILD_DIES_WITH_US | CHILD_CAPTURE_MESSAGES, &child,
                   err) == -1)
    return -1;
  hold_sigpipe (&before);
  r = converse (&child, argv[0], input, limit_ms, max_output, result, err);
  drop_sigpipe (&before);
  if (r == -1)
    kill (child.pid, SIGKILL);
  child_close (&child);
  while (waitpid (child.pid, &status, 0) == -1 && errno == EINTR)
    ;
  result->exit_status =
      WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
  return r;
}

static const char *
last_line (struct strbuf *sb)
{
  char *newline;

  if (sb->len == 0)
    return "";
  while (sb->len && sb->buf[sb->len - 1] == '\n')
    sb->buf[--sb->len] = '\0';
  newline = strrchr (sb->buf, '\n');
  return newline ? newline + 1 : sb->buf;
}

int
command_run_ok (const char *const *argv, const char *input, int64_t limit_ms,
                size_t max_output, struct command_result *result,
                struct err **err)
{
  if (command_run (argv, input, limit_ms, max_output, result, err) == -1)
    return -1;
  if (result->exit_status != 0)
    return err_set (err, ERR_IO, "%s: exit status %d: %s", argv[0],
                    result->exit_status, last_line (&result->messages));
  return 0;
}
