#include "supervisor.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <base/log.h>
#include <protocol/protocol.h>

#include "arrival.h"
#include "gather.h"
#include "supervisor-state.h"

#define GATHER_QUIET_MS   150
#define GATHER_LONGEST_MS 1000
#define GATHER_SHARE      8
/* The controller does not read: let the workers wait too. */
#define MAX_UNSENT     (8u << 20)
#define FLUSH_GRACE_MS 2000

static void
say_hello (struct supervisor *s)
{
  json_t *hello = message_new ("event", "hello");
  char host[HOST_NAME_MAX + 1] = "";

  (void)gethostname (host, sizeof host - 1);
  json_put_str (hello, "agent", BOOTMEND_VERSION);
  json_put_int (hello, "protocol", PROTOCOL_VERSION);
  json_put_str (hello, "host", host);
  json_put_int (hello, "pid", getpid ());
  json_put_int (hello, "workers", s->options->workers);
  json_put_int (hello, "batch", s->options->batch);
  json_put_bool (hello, "asks", true);
  send_event (s, hello);
}

/* The batch can't be started at all: its disks get that as their result. */
static void
fail_batch (struct supervisor *s, const struct job_vec *jobs,
            const struct err *err)
{
  for (size_t i = 0; i < jobs->len; i++)
    end_job (s, jobs->ptr[i], result_failed (jobs->ptr[i]->id, err, false));
}

static void
start_batch (struct supervisor *s, const struct job_vec *jobs)
{
  CLEANUP_ERR struct err *err = NULL;
  int number = ++s->workers_started;
  char *folder = scratch_folder (&s->scratch, number, &err);
  struct slot *slot = folder ? slot_start (number, jobs, s->options, folder,
                                           clock_now_ms (s->clock), &err)
                             : NULL;

  if (slot == NULL)
    fail_batch (s, jobs, err);
  else
    slot_vec_push (&s->slots, slot);
}

/* Starts what can start.  Returns when to look again, -1: not by time. */
static int64_t
start_waiting (struct supervisor *s)
{
  struct job_vec picked = VEC_EMPTY;
  int64_t wait_ms = -1;

  while (!s->stopping && s->slots.len < (size_t)s->options->workers) {
    struct gather_rules rules = {.batch = (size_t)s->options->batch,
                                 .share = GATHER_SHARE,
                                 .idle_slots =
                                     (size_t)s->options->workers - s->slots.len,
                                 .quiet_ms = GATHER_QUIET_MS,
                                 .longest_ms = GATHER_LONGEST_MS};

    if (gather (&s->jobs, &rules, clock_now_ms (s->clock), &picked, &wait_ms) ==
        0)
      break;
    start_batch (s, &picked);
  }
  job_vec_release (&picked);
  return wait_ms;
}

/* Disks that have shown up may be worked on; those that do not, get that as
 * their result.  Returns when to look again; -1: none is awaited. */
static int64_t
look_for_disks (struct supervisor *s)
{
  int64_t wait_ms = -1;

  for (size_t i = 0; i < s->jobs.len; i++) {
    CLEANUP_ERR struct err *err = NULL;
    struct job *job = s->jobs.ptr[i];

    if (job->state != JOB_AWAITED)
      continue;
    arrival_look (job, clock_now_ms (s->clock), &err);
    if (err)
      end_job (s, job, result_failed (job->id, err, false));
    else if (job->state == JOB_AWAITED)
      wait_ms = ARRIVAL_LOOK_MS;
  }
  return wait_ms;
}

static int64_t
sooner (int64_t a_ms, int64_t b_ms)
{
  return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

static void
drop_ended_jobs (struct supervisor *s)
{
  size_t kept = 0;

  for (size_t i = 0; i < s->jobs.len; i++) {
    struct job *job = s->jobs.ptr[i];
    bool in_slot = false;

    for (size_t j = 0; j < s->slots.len; j++)
      for (size_t k = 0; k < s->slots.ptr[j]->jobs.len; k++)
        in_slot = in_slot || s->slots.ptr[j]->jobs.ptr[k] == job;
    if (job->state != JOB_ENDED || in_slot)
      s->jobs.ptr[kept++] = job;
    else
      job_free (job);
  }
  s->jobs.len = kept;
}

/* Milliseconds until the next limit or gathering ends; -1: none. */
static int
time_to_wait (const struct supervisor *s, int64_t gather_ms)
{
  int64_t now_ms = clock_now_ms (s->clock), wait_ms = gather_ms;

  for (size_t i = 0; i < s->slots.len; i++) {
    int64_t left_ms = slot_deadline_ms (s->slots.ptr[i], s->options) - now_ms;

    if (s->slots.ptr[i]->lost)
      continue; /* killed already: its end comes by pidfd */
    if (left_ms < 0)
      left_ms = 0;
    if (wait_ms == -1 || wait_ms > left_ms)
      wait_ms = left_ms;
  }
  if (s->silence_ms)
    wait_ms = sooner (wait_ms, s->silence_ms / 4 + 1);
  return wait_ms > 60000 ? 60000 : (int)wait_ms;
}

static void
wait_for_events (struct supervisor *s, int64_t gather_ms)
{
  size_t n = 0,
         room = CHANNEL_MAX_FDS + 1 + s->slots.len * (CHANNEL_MAX_FDS + 1);
  CLEANUP_FREE struct pollfd *fds = xcalloc (room, sizeof *fds);
  bool reading = s->ch.out.len < MAX_UNSENT;

  n = channel_fds (&s->ch, fds, true);
  fds[n++] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
  for (size_t i = 0; i < s->slots.len; i++) {
    n += channel_fds (&s->slots.ptr[i]->ch, fds + n, reading);
    fds[n++] = (struct pollfd){.fd = s->slots.ptr[i]->pidfd, .events = POLLIN};
  }
  (void)poll (fds, n, time_to_wait (s, gather_ms));
}

static bool
has_ended (const struct slot *slot)
{
  struct pollfd fd = {.fd = slot->pidfd, .events = POLLIN};

  return poll (&fd, 1, 0) == 1;
}

static void
serve_workers (struct supervisor *s)
{
  for (size_t i = 0; i < s->slots.len;) {
    struct slot *slot = s->slots.ptr[i];

    if (s->ch.out.len < MAX_UNSENT)
      hear_worker (s, slot);
    else
      channel_flush (&slot->ch);
    slot_enforce (slot, s->options, clock_now_ms (s->clock));
    if (!has_ended (slot)) {
      i++;
      continue;
    }
    worker_ended (s, slot);
    slot_vec_remove (&s->slots, i);
    slot_free (slot);
  }
  drop_ended_jobs (s);
}

static void
serve_signals (struct supervisor *s)
{
  struct signalfd_siginfo info;

  while (read (s->signal_fd, &info, sizeof info) == sizeof info)
    supervisor_stop (s, "the agent was told to stop by a signal");
}

/* The last words, for as long as the controller cares to listen. */
static void
flush (struct supervisor *s)
{
  int64_t end_ms = clock_now_ms (s->clock) + FLUSH_GRACE_MS, left_ms;
  struct pollfd fds[CHANNEL_MAX_FDS];

  for (;;) {
    channel_flush (&s->ch);
    left_ms = end_ms - clock_now_ms (s->clock);
    if (s->ch.out.len == 0 || left_ms <= 0)
      return;
    (void)poll (fds, channel_fds (&s->ch, fds, false), (int)left_ms);
  }
}

static int
catch_signals (struct err **err)
{
  sigset_t set;
  int fd;

  signal (SIGPIPE, SIG_IGN);
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  sigprocmask (SIG_BLOCK, &set, NULL);
  fd = signalfd (-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  return fd == -1 ? err_set_errno (err, errno, "signalfd") : fd;
}

static void
supervisor_release (struct supervisor *s)
{
  for (size_t i = 0; i < s->jobs.len; i++)
    job_free (s->jobs.ptr[i]);
  job_vec_release (&s->jobs);
  slot_vec_release (&s->slots);
  channel_release (&s->ch);
  scratch_close (&s->scratch);
  if (s->signal_fd >= 0)
    close (s->signal_fd);
}

int
supervisor_main (const struct agent_options *options, int in_fd, int out_fd,
                 const struct clock *clock)
{
  struct supervisor s = {.options = options, .clock = clock};
  CLEANUP_ERR struct err *err = NULL;

  channel_init (&s.ch, in_fd, out_fd);
  channel_take_orders (&s.ch);
  s.signal_fd = catch_signals (&err);
  if (s.signal_fd == -1 ||
      scratch_open (&s.scratch, options->scratch, &err) == -1) {
    log_error ("%s", err->msg);
    supervisor_release (&s);
    return AGENT_ERROR;
  }
  s.heard_ms = clock_now_ms (clock);
  say_hello (&s);
  while (!s.stopping || s.slots.len > 0) {
    int64_t look_ms = look_for_disks (&s);
    int64_t gather_ms = start_waiting (&s);

    channel_flush (&s.ch);
    wait_for_events (&s, sooner (gather_ms, look_ms));
    serve_signals (&s);
    hear_controller (&s);
    serve_workers (&s);
  }
  flush (&s);
  supervisor_release (&s);
  if (s.exit_code != AGENT_OK)
    return s.exit_code;
  return s.undone_work ? AGENT_STOPPED : AGENT_OK;
}
