/* The child: gives everything away that a parser does not need, then parses.
 *
 * What is left is memory, the bytes, and a pipe for the answer.  Order matters:
 * the inputs are mapped first, then limits, then the user, then seccomp, which
 * kills for any system call that is not in the table below. */

#include "parse.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/files.h>
#include <base/strbuf.h>

#define NOBODY 65534
/* Bytes that a parser makes (a hive brought up to date). */
#define MAX_OUTPUT (INT64_C (1) << 30)

/* Address sanitizer reserves terabytes of addresses, so they can't be limited
 * where it is built in. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* --- what it may do --- */

/* Memory, the descriptors it has, the clock, its own end. */
static const int allowed[] = {
    SCMP_SYS (read),         SCMP_SYS (readv),          SCMP_SYS (pread64),
    SCMP_SYS (preadv),       SCMP_SYS (write),          SCMP_SYS (writev),
    SCMP_SYS (pwrite64),     SCMP_SYS (lseek),          SCMP_SYS (fstat),
    SCMP_SYS (fstatfs),      SCMP_SYS (ftruncate),      SCMP_SYS (close),
    SCMP_SYS (munmap),       SCMP_SYS (mremap),         SCMP_SYS (madvise),
    SCMP_SYS (brk),          SCMP_SYS (futex),          SCMP_SYS (exit),
    SCMP_SYS (exit_group),   SCMP_SYS (clock_gettime),  SCMP_SYS (gettimeofday),
    SCMP_SYS (getrandom),    SCMP_SYS (getpid),         SCMP_SYS (gettid),
    SCMP_SYS (rt_sigaction), SCMP_SYS (rt_sigprocmask), SCMP_SYS (rt_sigreturn),
    SCMP_SYS (sigaltstack),  SCMP_SYS (restart_syscall)};

/* Libraries ask, and do without the answer. */
static const int denied[] = {SCMP_SYS (open),
                             SCMP_SYS (openat),
                             SCMP_SYS (access),
                             SCMP_SYS (faccessat),
                             SCMP_SYS (faccessat2),
                             SCMP_SYS (stat),
                             SCMP_SYS (lstat),
                             SCMP_SYS (statx),
                             SCMP_SYS (readlink),
                             SCMP_SYS (readlinkat),
                             SCMP_SYS (getcwd),
                             SCMP_SYS (statfs),
                             SCMP_SYS (ioctl),
                             SCMP_SYS (fcntl),
                             SCMP_SYS (uname),
                             SCMP_SYS (sysinfo),
                             SCMP_SYS (prlimit64),
                             SCMP_SYS (getrlimit),
                             SCMP_SYS (getuid),
                             SCMP_SYS (geteuid),
                             SCMP_SYS (getgid),
                             SCMP_SYS (getegid),
                             SCMP_SYS (getppid),
                             SCMP_SYS (dup),
                             SCMP_SYS (prctl),
                             SCMP_SYS (sched_yield),
                             SCMP_SYS (sched_getaffinity)};

/* Libraries and these calls are not there on every architecture. */
static int
add_rules (scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    int r = seccomp_rule_add (filter, action, calls[i], 0);

    if (r != 0 && r != -EDOM && r != -EFAULT)
      return -1;
  }
  return 0;
}

/* Those of which it depends on an argument. */
static int
add_special_rules (scmp_filter_ctx filter)
{
  const struct scmp_arg_cmp not_executable =
      SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  const struct scmp_arg_cmp of_descriptor =
      SCMP_A3 (SCMP_CMP_MASKED_EQ, 0x1000 /* AT_EMPTY_PATH */, 0x1000);
  const struct scmp_arg_cmp of_path = SCMP_A3 (SCMP_CMP_MASKED_EQ, 0x1000, 0);
  const struct scmp_arg_cmp itself =
      SCMP_A0 (SCMP_CMP_EQ, (scmp_datum_t)getpid ());

  return seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mmap), 1,
                           not_executable) ||
                 seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mprotect),
                                   1, not_executable) ||
                 seccomp_rule_add (filter, SCMP_ACT_ALLOW,
                                   SCMP_SYS (newfstatat), 1, of_descriptor) ||
                 seccomp_rule_add (filter, SCMP_ACT_ERRNO (EACCES),
                                   SCMP_SYS (newfstatat), 1, of_path) ||
                 /* abort (3) */
                 seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (tgkill), 1,
                                   itself)
             ? -1
             : 0;
}

static int
load_filter (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_KILL_PROCESS);
  int r = -1;

  if (filter == NULL)
    return -1;
  if (seccomp_attr_set (filter, SCMP_FLTATR_ACT_BADARCH,
                        SCMP_ACT_KILL_PROCESS) == 0 &&
      add_rules (filter, SCMP_ACT_ALLOW, allowed, ARRAY_SIZE (allowed)) == 0 &&
      add_rules (filter, SCMP_ACT_ERRNO (EACCES), denied,
                 ARRAY_SIZE (denied)) == 0 &&
      add_special_rules (filter) == 0)
    r = seccomp_load (filter);
  seccomp_release (filter);
  return r == 0 ? 0 : -1;
}

static bool
kernel_has_seccomp (void)
{
  uint32_t action = SECCOMP_RET_KILL_PROCESS;

  return syscall (SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool
parse_can_confine (char **why)
{
  if (kernel_has_seccomp ())
    return true;
  *why = xasprintf ("this kernel has no seccomp filters: %s", strerror (errno));
  return false;
}

/* --- what it has --- */

static int
limit (int resource, uint64_t value)
{
  const struct rlimit rlimit = {value, value};

  return setrlimit ((__rlimit_resource_t)resource, &rlimit);
}

/* At the first limit it is told by a signal that says of what, at the second it
 * is killed. */
static int
limit_time (int seconds)
{
  const struct rlimit rlimit = {(rlim_t)seconds, (rlim_t)seconds + 1};

  return setrlimit (RLIMIT_CPU, &rlimit);
}

/* Of addresses, above what the program itself takes. */
static int
limit_memory (size_t bytes)
{
  CLEANUP_FREE char *text = NULL;
  size_t len;
  uint64_t pages;

  if (SANITIZED)
    return 0;
  if (file_read ("/proc/self/statm", 4096, &text, &len, NULL) == -1)
    return -1;
  pages = strtoull (text, NULL, 10);
  return limit (RLIMIT_AS, pages * (uint64_t)sysconf (_SC_PAGESIZE) + bytes);
}

static int
become_nobody (void)
{
  if (geteuid () != 0)
    return 0;
  /* what seccomp would keep it from, should there be none */
  if (!kernel_has_seccomp ())
    (void)unshare (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS);
  return setgroups (0, NULL) == -1 ||
                 setresgid (NOBODY, NOBODY, NOBODY) == -1 ||
                 setresuid (NOBODY, NOBODY, NOBODY) == -1
             ? -1
             : 0;
}

/* 1: wholly, 0: without seccomp, -1: not even the rest.  In a name space of
 * users there may be no nobody to become; then seccomp has to do. */
static int
confine (const struct parser *parser, size_t n_fds)
{
  bool nobody, filtered;

  if (limit (RLIMIT_CORE, 0) == -1 ||
      limit_memory (parser->memory_bytes) == -1 ||
      limit_time (parser->seconds) == -1 ||
      limit (RLIMIT_NOFILE, n_fds) == -1 ||
      limit (RLIMIT_FSIZE, MAX_OUTPUT) == -1)
    return -1;
  nobody = become_nobody () == 0;
  if (limit (RLIMIT_NPROC, 0) == -1 || prctl (PR_SET_DUMPABLE, 0) == -1 ||
      prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
    return -1;
  filtered = kernel_has_seccomp () && load_filter () == 0;
  if (!nobody && !filtered)
    return -1;
  return filtered;
}

static int
map_input (int fd, struct parse_input *input)
{
  struct stat st;
  void *ptr;

  if (fstat (fd, &st) == -1 || st.st_size < 0)
    return -1;
  *input = (struct parse_input){(const unsigned char *)"", 0, fd};
  if (st.st_size == 0)
    return 0;
  ptr = mmap (NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (ptr == MAP_FAILED)
    return -1;
  input->ptr = ptr;
  input->len = (size_t)st.st_size;
  return 0;
}

/* --- what it may ask for --- */

static int
read_all (int fd, void *bytes, size_t len)
{
  while (len > 0) {
    ssize_t n = read (fd, bytes, len);

    if (n == -1 && errno == EINTR)
      continue;
    if (n <= 0)
      return -1;
    bytes = (char *)bytes + n;
    len -= (size_t)n;
  }
  return 0;
}

ssize_t
parse_fetch (const struct parse_task *task, uint64_t offset, void *bytes,
             size_t len)
{
  struct parse_request request = {offset, len};
  int64_t n;

  if (task->asks == -1 || len > PARSE_FETCH_BYTES ||
      write_all (task->asks, &request, sizeof request) == -1 ||
      read_all (task->asks, &n, sizeof n) == -1 || n < 0 || (uint64_t)n > len ||
      read_all (task->asks, bytes, (size_t)n) == -1)
    return -1;
  return (ssize_t)n;
}

/* --- the whole --- */

static void __attribute__ ((noreturn)) give_up (const char *what)
{
  fprintf (stderr, "%s: %s\n", what, strerror (errno));
  _exit (PARSE_NOT_STARTED);
}

/* Straight to the end: what runs at an exit has no place here. */
static void __attribute__ ((noreturn))
answer (json_t *result, const struct err *error, bool confined)
{
  json_t *json = json_object ();
  CLEANUP_FREE char *text = NULL;

  json_put_bool (json, "confined", confined);
  if (result)
    json_put (json, "result", result);
  else
    json_put (json, "error", json_from_err (error));
  text = json_text (json);
  _exit (write_all (STDOUT_FILENO, text, strlen (text)) == 0 ? 0 : 126);
}

bool
parse_is_child (int argc, char **argv)
{
  return argc == 6 && strcmp (argv[1], PARSE_OPTION) == 0;
}

void
parse_child_main (const struct parser *const *parsers, int argc, char **argv)
{
  struct parse_task task = {.output = -1, .asks = -1};
  struct err *err = NULL;
  json_t *result;
  const struct parser *parser = NULL;
  size_t n = strtoul (argv[3], NULL, 10);
  int confined, next = PARSE_FIRST_FD;

  (void)argc;
  for (; *parsers && parser == NULL; parsers++)
    if (strcmp ((*parsers)->name, argv[2]) == 0)
      parser = *parsers;
  errno = EINVAL;
  if (parser == NULL || n > PARSE_INPUTS)
    give_up ("no such parser");
  for (; task.n < n; task.n++)
    if (map_input (next++, &task.inputs[task.n]) == -1)
      give_up ("input");
  if (strcmp (argv[4], "output") == 0)
    task.output = next++;
  if (strcmp (argv[5], "asks") == 0)
    task.asks = next++;
  confined = confine (parser, (size_t)next);
  if (confined == -1)
    give_up ("can't be confined");
  result = parser->parse (&task, &err);
  answer (result, err, confined == 1);
}
