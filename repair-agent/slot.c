#include "slot.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/files.h>
#include <base/log.h>
#include <protocol/protocol.h>

/* After its last result a worker has only to close its appliance. */
#define LIMIT_CLOSE_MS 60000

static void
send_batch (struct slot *slot, const struct agent_options *options)
{
  CLEANUP_JSON json_t *batch = message_new ("request", "batch");

  json_put_int (batch, "disks", (int64_t)slot->jobs.len);
  json_put_int (batch, "memsize_mb", options->memsize_mb);
  json_put_str (batch, "scratch", slot->scratch);
  channel_send (&slot->ch, batch);
  for (size_t i = 0; i < slot->jobs.len; i++) {
    CLEANUP_JSON json_t *work = json_copy (slot->jobs.ptr[i]->request);

    json_put_int (work, "limit_ms", slot->jobs.ptr[i]->limit_ms);
    channel_send (&slot->ch, work);
  }
}

struct slot *
slot_start (int number, const struct job_vec *jobs,
            const struct agent_options *options, char *scratch_taken,
            int64_t now_ms, struct err **err)
{
  static const char *const argv[] = {"/proc/self/exe", "--worker", NULL};
  struct slot *slot = xcalloc (1, sizeof *slot);

  slot->number = number;
  slot->scratch = scratch_taken;
  slot->started_ms = slot->stage_ms = now_ms;
  slot->pidfd = -1;
  slot->ch.in_fd = slot->ch.out_fd = -1;
  if (child_start (argv, CHILD_OWN_GROUP | CHILD_DIES_WITH_US, &slot->child,
                   err) == -1) {
    err_wrap (err, "start a worker");
    slot_free (slot);
    return NULL;
  }
  channel_init (&slot->ch, slot->child.out, slot->child.in);
  slot->pidfd = pidfd_open (slot->child.pid, 0);
  if (slot->pidfd == -1) {
    err_set_errno (err, errno, "start a worker: pidfd_open");
    slot_kill (slot, "not watchable");
    free (slot_reap (slot));
    slot_free (slot);
    return NULL;
  }
  for (size_t i = 0; i < jobs->len; i++) {
    struct job *job = jobs->ptr[i];

    job_vec_push (&slot->jobs, job);
    job->state = JOB_RUNNING;
    job->tries++;
    job->stage = -1;
    job->allowed = false;
    if (job->started_ms == 0)
      job->started_ms = now_ms;
  }
  send_batch (slot, options);
  return slot;
}

void
slot_kill (struct slot *slot, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  if (slot->lost == NULL)
    slot->lost = xvasprintf (fmt, args);
  va_end (args);
  kill (-slot->child.pid, SIGKILL);
}

/* The limit that runs now, when it began, and a name for it. */
static int64_t
running_limit (const struct slot *slot, const struct agent_options *options,
               int64_t *since_ms)
{
  *since_ms = slot->up ? slot->stage_ms : slot->started_ms;
  if (!slot->up)
    return options->limit_start_ms;
  return slot->current ? slot->current->limit_ms : LIMIT_CLOSE_MS;
}

/* Whatever it says meanwhile, a batch may not go on for ever. */
static int64_t
overall_limit (const struct slot *slot, const struct agent_options *options)
{
  int64_t limit_ms = options->limit_start_ms + LIMIT_CLOSE_MS;

  for (size_t i = 0; i < slot->jobs.len; i++)
    limit_ms += 2 * slot->jobs.ptr[i]->limit_ms;
  return limit_ms;
}

int64_t
slot_deadline_ms (const struct slot *slot, const struct agent_options *options)
{
  int64_t since_ms, limit_ms = running_limit (slot, options, &since_ms);
  int64_t end_ms = slot->started_ms + overall_limit (slot, options);

  if (end_ms > since_ms + limit_ms)
    end_ms = since_ms + limit_ms;
  if (slot->stop_by_ms && end_ms > slot->stop_by_ms)
    end_ms = slot->stop_by_ms;
  return end_ms;
}

void
slot_enforce (struct slot *slot, const struct agent_options *options,
              int64_t now_ms)
{
  int64_t since_ms, limit_ms = running_limit (slot, options, &since_ms);

  if (slot->lost || now_ms < slot_deadline_ms (slot, options))
    return;
  slot->timed_out = true;
  if (slot->stop_by_ms && now_ms >= slot->stop_by_ms)
    slot_kill (slot, "it did not stop in time");
  else if (!slot->up)
    slot_kill (slot, "the appliance did not start within %lld s",
               (long long)limit_ms / 1000);
  else if (slot->current == NULL)
    slot_kill (slot, "the appliance did not close");
  else
    slot_kill (slot, "hung: stage \"%s\" took longer than %lld s",
               slot->current->stage >= 0 ? protocol_stages[slot->current->stage]
                                         : "appliance",
               (long long)limit_ms / 1000);
}

static void
send_cancel (struct slot *slot, const struct job *job)
{
  CLEANUP_JSON json_t *cancel = message_new ("request", "cancel");

  json_put_str (cancel, "id", job->id);
  channel_send (&slot->ch, cancel);
}

void
slot_give_keys (struct slot *slot, const json_t *keys)
{
  channel_send (&slot->ch, keys);
}

void
slot_allow (struct slot *slot, struct job *job)
{
  CLEANUP_JSON json_t *commit = message_new ("request", "commit");

  job->allowed = true;
  json_put_str (commit, "id", job->id);
  channel_send (&slot->ch, commit);
}

void
slot_stop (struct slot *slot, int64_t by_ms)
{
  bool writing = false;

  slot->stop_by_ms = by_ms;
  for (size_t i = 0; i < slot->jobs.len; i++)
    if (slot->jobs.ptr[i]->state == JOB_RUNNING) {
      writing = writing || job_in_commit (slot->jobs.ptr[i]);
      send_cancel (slot, slot->jobs.ptr[i]);
    }
  /* One that has given all its results is only tidying up. */
  if (!writing && slot_open_jobs (slot) > 0)
    slot_kill (slot, "stopped");
}

void
slot_cancel (struct slot *slot, struct job *job)
{
  job->cancelled = true;
  if (slot->jobs.len == 1 && !job_in_commit (job))
    slot_kill (slot, "cancelled");
  else
    send_cancel (slot, job);
}

struct job *
slot_job (const struct slot *slot, const char *id)
{
  for (size_t i = 0; i < slot->jobs.len; i++)
    if (slot->jobs.ptr[i]->state == JOB_RUNNING &&
        strcmp (slot->jobs.ptr[i]->id, id) == 0)
      return slot->jobs.ptr[i];
  return NULL;
}

struct job *
slot_next_job (const struct slot *slot)
{
  for (size_t i = 0; i < slot->jobs.len; i++)
    if (slot->jobs.ptr[i]->state == JOB_RUNNING)
      return slot->jobs.ptr[i];
  return NULL;
}

size_t
slot_open_jobs (const struct slot *slot)
{
  size_t n = 0;

  for (size_t i = 0; i < slot->jobs.len; i++)
    n += slot->jobs.ptr[i]->state == JOB_RUNNING;
  return n;
}

void
slot_turn_to (struct slot *slot, struct job *job, int64_t now_ms)
{
  slot->current = job;
  slot->stage_ms = now_ms;
}

char *
slot_reap (struct slot *slot)
{
  int status = 0;

  /* The pid is ours until it is waited for, so this can't hit a stranger. */
  kill (-slot->child.pid, SIGKILL);
  while (waitpid (slot->child.pid, &status, 0) == -1 && errno == EINTR)
    ;
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return NULL;
  return wait_status_text (status);
}

void
slot_free (struct slot *slot)
{
  CLEANUP_ERR struct err *why = NULL;

  if (slot == NULL)
    return;
  channel_release (&slot->ch);
  if (slot->pidfd >= 0)
    close (slot->pidfd);
  if (slot->scratch && folder_remove (slot->scratch, &why) == -1)
    log_debug ("%s", why->msg);
  job_vec_release (&slot->jobs);
  free (slot->scratch);
  free (slot->lost);
  free (slot);
}
