/* Worker threads, and the probes that run on them. */

#include "unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <controller/pool.h>
#include <controller/probe.h>

static void
doze (long ms)
{
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};

  nanosleep (&time, NULL);
}

static void
run_double (struct pool_task *task, json_t **out, struct err **err)
{
  int64_t n = json_int (task->in, "n", -1);

  if (n % 10 == 0)
    err_set (err, ERR_TRANSIENT, "%lld is round", (long long)n);
  else
    *out = json_make ("{s:I}", "n", (json_int_t)(2 * n));
}

static void
run_hang (struct pool_task *task, json_t **out, struct err **err)
{
  (void)err;
  doze (json_int (task->in, "ms", 0));
  *out = json_object ();
}

static bool
collect_within (struct pool *pool, struct completion *completion, int ms)
{
  int64_t end = clock_now_ms (&real_clock) + ms;

  while (!pool_collect (pool, completion)) {
    struct pollfd fd = {pool_fd (pool), POLLIN, 0};
    int64_t left = end - clock_now_ms (&real_clock);

    if (left <= 0)
      return false;
    poll (&fd, 1, (int)left);
  }
  return true;
}

static void
test_every_task_is_answered_once (void)
{
  enum {
    N = 1000
  };
  struct pool *pool = pool_new (4);
  static bool seen[N + 1];

  for (uint64_t i = 1; i <= N; i++) {
    struct pool_task task = {.id = i, .run = run_double};

    task.in = json_make ("{s:I}", "n", (json_int_t)i);
    pool_submit (pool, task);
  }
  for (int i = 0; i < N; i++) {
    struct completion c;

    CU_ASSERT_FATAL (collect_within (pool, &c, 30000));
    CU_ASSERT_FATAL (c.id >= 1 && c.id <= N && !seen[c.id]);
    seen[c.id] = true;
    CU_ASSERT (c.last);
    if (c.id % 10 == 0)
      CU_ASSERT (c.err && c.err->code == ERR_TRANSIENT && c.out == NULL);
    if (c.id % 10)
      CU_ASSERT (json_int (c.out, "n", 0) == (int64_t)(2 * c.id));
    completion_release (&c);
  }
  CU_ASSERT (pool_free (pool));
}

static void
test_end_with_tasks_left (void)
{
  struct pool *pool = pool_new (1);

  for (uint64_t i = 1; i <= 50; i++) {
    struct pool_task task = {.id = i, .run = run_hang};

    task.in = json_make ("{s:i}", "ms", 1);
    pool_submit (pool, task);
  }
  CU_ASSERT (pool_free (pool)); /* must not leak what nobody collected */
}

/* In a child: what a hanging thread may use is left behind for good. */
static int
leave_a_thread (void)
{
  struct pool *pool = pool_new (2);
  struct pool_task task = {.id = 1, .run = run_hang};
  int64_t began = clock_now_ms (&real_clock);

  task.in = json_make ("{s:i}", "ms", 60000);
  pool_submit (pool, task);
  doze (100);
  if (pool_free (pool))
    return 1;
  return clock_now_ms (&real_clock) - began < 30000 ? 0 : 2;
}

/* A call that never returns must not keep the program from ending. */
static void
test_end_with_a_thread_that_hangs (void)
{
  pid_t pid = fork ();
  int status = -1;

  if (pid == 0)
    _exit (leave_a_thread ());
  CU_ASSERT_EQUAL (waitpid (pid, &status, 0), pid);
  CU_ASSERT_EQUAL (status, 0);
}

/* --- probes
 * ---------------------------------------------------------------------- */

static int
listen_on_loopback (char port[8])
{
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t len = sizeof address;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (bind (fd, (struct sockaddr *)&address, sizeof address) == -1 ||
      listen (fd, 4) == -1 ||
      getsockname (fd, (struct sockaddr *)&address, &len) == -1)
    return -1;
  snprintf (port, 8, "%d", ntohs (address.sin_port));
  return fd;
}

static json_t *
probe (json_t *in_taken)
{
  CLEANUP_JSON json_t *in = in_taken;
  json_t *out = NULL;

  probe_run (in, &out, NULL);
  return out;
}

static void
test_tcp_probe (void)
{
  char port[8];
  int fd = listen_on_loopback (port);
  CLEANUP_JSON json_t *open = NULL, *closed = NULL, *unknown = NULL;

  CU_ASSERT_FATAL (fd >= 0);
  open = probe (json_make ("{s:s,s:s,s:s}", "kind", "tcp", "host", "127.0.0.1",
                           "port", port));
  CU_ASSERT (json_bool (open, "healthy", false));
  close (fd);
  closed = probe (json_make ("{s:s,s:s,s:s}", "kind", "tcp", "host",
                             "127.0.0.1", "port", port));
  CU_ASSERT_FALSE (json_bool (closed, "healthy", true));
  CU_ASSERT_PTR_NOT_NULL (strstr (json_str (closed, "why", ""), "refused"));
  unknown = probe (json_make ("{s:s,s:s,s:s}", "kind", "tcp", "host",
                              "no.such.host.invalid", "port", "1"));
  CU_ASSERT_FALSE (json_bool (unknown, "healthy", true));
}

static void
write_script (const char *path, const char *text)
{
  CU_ASSERT_EQUAL (file_write_atomic (path, text, strlen (text), 0700, NULL),
                   0);
}

static json_t *
probe_script (const char *path)
{
  return probe (json_make ("{s:s,s:s,s:{s:s,s:s,s:s,s:[s]}}", "kind", "command",
                           "program", path, "vm", "name", "a b;c", "id", "i-1",
                           "provider", "p", "addresses", "192.0.2.1"));
}

static void
test_command_probe (void)
{
  char path[] = "/tmp/bootmend-probe-XXXXXX";
  int fd = mkstemp (path);
  CLEANUP_JSON json_t *good = NULL, *bad = NULL, *none = NULL;

  close (fd);
  write_script (path, "#!/bin/sh\n"
                      "[ \"$BOOTMEND_VM_NAME\" = 'a b;c' ] &&\n"
                      "[ \"$BOOTMEND_VM_ID\" = i-1 ] &&\n"
                      "[ \"$BOOTMEND_VM_PROVIDER\" = p ] &&\n"
                      "[ \"$BOOTMEND_VM_ADDRESS\" = 192.0.2.1 ]\n");
  good = probe_script (path);
  CU_ASSERT (json_bool (good, "healthy", false));
  write_script (path, "#!/bin/sh\nexit 3\n");
  bad = probe_script (path);
  CU_ASSERT_FALSE (json_bool (bad, "healthy", true));
  CU_ASSERT_PTR_NOT_NULL (strstr (json_str (bad, "why", ""), "exit status 3"));
  unlink (path);
  none = probe_script (path);
  CU_ASSERT_FALSE (json_bool (none, "healthy", true));
}

static void
test_unknown_probe (void)
{
  CLEANUP_JSON json_t *in = json_make ("{s:s}", "kind", "prayer");
  CLEANUP_ERR struct err *err = NULL;
  json_t *out = NULL;

  probe_run (in, &out, &err);
  CU_ASSERT_PTR_NULL (out);
  CU_ASSERT_PTR_NOT_NULL (err);
}

static const struct unit_case cases[] = {
    {"every task is answered once", test_every_task_is_answered_once},
    {"end with tasks left", test_end_with_tasks_left},
    {"end with a thread that hangs", test_end_with_a_thread_that_hangs},
    {"tcp probe", test_tcp_probe},
    {"command probe", test_command_probe},
    {"unknown probe", test_unknown_probe},
};
UNIT_MAIN ("pool", cases)
