/* The workers' side of the supervisor: their events go on to the controller,
 * and what a lost one leaves undone goes back to the queue. */

#include "supervisor-state.h"

#include <string.h>

#include <protocol/protocol.h>

static json_t *
ids_of (const struct job_vec *jobs)
{
  json_t *ids = json_array ();

  for (size_t i = 0; i < jobs->len; i++)
    json_array_append_new (ids, json_string (jobs->ptr[i]->id));
  return ids;
}

static void
on_worker_stage (struct supervisor *s, struct slot *slot, struct job *job,
                 json_t *event)
{
  int64_t now_ms = clock_now_ms (s->clock);
  int stage = protocol_stage_index (json_str (event, "stage", ""));

  if (job == NULL || stage == -1)
    return;
  job->stage = stage;
  slot_turn_to (slot, job, now_ms);
  json_put_int (event, "ms", now_ms - job->started_ms);
  send_event (s, json_incref (event));
}

static void
on_worker_result (struct supervisor *s, struct slot *slot, struct job *job,
                  json_t *event)
{
  if (job == NULL ||
      work_outcome_from_name (json_str (event, "outcome", "")) == -1) {
    slot_kill (slot, "the worker gave a result that makes no sense");
    return;
  }
  end_job (s, job, json_incref (event));
  slot_turn_to (slot, slot_next_job (slot), clock_now_ms (s->clock));
}

static void
on_worker_appliance (struct supervisor *s, struct slot *slot, json_t *event)
{
  const char *phase = json_str (event, "phase", "");

  if (strcmp (phase, "up") == 0) {
    slot->up = true;
    slot_turn_to (slot, slot_next_job (slot), clock_now_ms (s->clock));
  }
  json_put_int (event, "number", slot->number);
  json_put (event, "ids", ids_of (&slot->jobs));
  send_event (s, json_incref (event));
}

static void
on_worker_event (struct supervisor *s, struct slot *slot, json_t *event)
{
  const char *name = json_str (event, "event", "");
  struct job *job = slot_job (slot, json_str (event, "id", ""));

  if (strcmp (name, "stage") == 0)
    on_worker_stage (s, slot, job, event);
  else if ((strcmp (name, "ask") == 0 || strcmp (name, "keys") == 0) && job)
    send_event (s, json_incref (event));
  else if (strcmp (name, "result") == 0)
    on_worker_result (s, slot, job, event);
  else if (strcmp (name, "appliance") == 0)
    on_worker_appliance (s, slot, event);
  else if (strcmp (name, "failed") == 0 && slot->lost == NULL)
    slot->lost = xstrdup (json_str (event, "error.message", "it gave up"));
}

void
hear_worker (struct supervisor *s, struct slot *slot)
{
  CLEANUP_ERR struct err *err = NULL;
  json_t *event;
  int r = channel_io (&slot->ch, &err);

  while (r != -1 && (r = channel_next (&slot->ch, &event, &err)) == 1) {
    on_worker_event (s, slot, event);
    json_decref (event);
  }
  if (r == -1)
    slot_kill (slot, "the worker: %s", err->msg);
}

static void
tell_lost (struct supervisor *s, const struct slot *slot, const char *why)
{
  json_t *event = message_new ("event", "appliance");
  json_t *ids = json_array ();

  for (size_t i = 0; i < slot->jobs.len; i++)
    if (slot->jobs.ptr[i]->state == JOB_RUNNING)
      json_array_append_new (ids, json_string (slot->jobs.ptr[i]->id));
  json_put_str (event, "phase", "lost");
  json_put_int (event, "number", slot->number);
  json_put (event, "ids", ids);
  json_put_str (event, "error", why);
  if (slot->current)
    json_put_str (event, "suspect", slot->current->id);
  send_event (s, event);
}

/* May a disk whose appliance was lost have another one?  A disk that hung
 * alone would hang again; one that may be half written gets one try more,
 * because that try completes it. */
static bool
may_try_again (const struct slot *slot, const struct job *job)
{
  if (slot->jobs.len > 1)
    return true;
  if (job_in_commit (job))
    return job->tries < 3;
  return job->tries < 2 && !slot->timed_out;
}

static void
end_job_lost (struct supervisor *s, const struct slot *slot, struct job *job,
              const char *why)
{
  CLEANUP_ERR struct err *err = NULL;
  bool changed = job_in_commit (job);

  err_set (&err, slot->timed_out ? ERR_TIMEOUT : ERR_DISK,
           "the appliance was lost while working on this disk alone: %s%s%s",
           why, job->suspect ? "; it also took a shared appliance down" : "",
           changed ? "; the disk may be half written: run it again with the "
                     "same evidence folder"
                   : "; the disk is untouched");
  end_job (s, job, result_failed (job->id, err, changed));
}

/* A job whose worker has gone: to the queue again, or ended. */
static void
put_back (struct supervisor *s, struct slot *slot, struct job *job,
          const char *why)
{
  bool shared = slot->jobs.len > 1;

  if (job->cancelled || s->stopping) {
    end_job_stopped (s, job, job->cancelled ? "cancelled" : "stopped");
    return;
  }
  if (!may_try_again (slot, job)) {
    end_job_lost (s, slot, job, why);
    return;
  }
  if (shared && job == slot->current)
    job->suspect = true;
  free (job->lost_before);
  if (shared && slot->current && job != slot->current)
    job->lost_before =
        xasprintf ("the shared one was lost while busy with \"%s\": %s",
                   slot->current->id, why);
  else
    job->lost_before = xasprintf ("the one before was lost: %s", why);
  job->alone = true;
  job->state = JOB_WAITING;
}

void
worker_ended (struct supervisor *s, struct slot *slot)
{
  CLEANUP_FREE char *how = NULL;
  CLEANUP_FREE char *why = NULL;

  how = slot_reap (slot);
  hear_worker (s, slot); /* what is still in the pipe */
  if (slot_open_jobs (slot) > 0) {
    why = slot->lost ? xstrdup (slot->lost)
                     : xasprintf ("the worker ended early: %s",
                                  how ? how : "without results");
    tell_lost (s, slot, why);
  }
  for (size_t i = 0; i < slot->jobs.len; i++)
    if (slot->jobs.ptr[i]->state == JOB_RUNNING)
      put_back (s, slot, slot->jobs.ptr[i], why);
}
