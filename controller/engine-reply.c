/* What becomes of a reply: the step is done, is watched, or is tried again; and
 * when a job wants to be looked at next. */

#include "engine-internal.h"
#include "health.h"
#include "mutation.h"

#include <string.h>

#define WATCH_MOST_MS    60000
#define PROBE_MOST_MS    15000
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS  30000
/* A step that can't be seen (an agent's work) is not repeated for ever. */
#define BLIND_ATTEMPTS 5
/* What an agent or a worker thread may be late before it is given up. */
#define OVERDUE_MS 120000
/* Power that was cut and is still on after that is cut again. */
#define POWER_CUT_AGAIN_MS 30000
/* A request whose reply was lost may still be on its way for so long. */
#define LATE_MS 2000

void
job_pause (struct engine *engine, struct job *job, int64_t ms)
{
  job->phase = PHASE_PAUSE;
  job->not_before_ms = engine_now (engine) + ms;
}

static int64_t
backoff_ms (struct engine *engine, const struct job *job, const struct err *err)
{
  int64_t ms = BACKOFF_FIRST_MS;

  for (int64_t i = 1; i < job->errors && ms < BACKOFF_LAST_MS; i++)
    ms *= 2;
  if (ms > BACKOFF_LAST_MS)
    ms = BACKOFF_LAST_MS;
  /* Full jitter, so that a thousand jobs do not come back together. */
  ms = 1 + (int64_t)random_below (&engine->random, (uint64_t)ms);
  return err->retry_after_ms > ms ? err->retry_after_ms : ms;
}

int64_t
job_trust_after (const struct engine *engine, const struct job *job,
                 bool uncertain)
{
  if (mutated ("no-settle"))
    return 0;
  return engine_now (engine) + binding_settle_ms (job->binding) +
         (uncertain ? LATE_MS : 0);
}

/* Errors that say for certain: nothing was done. */
static bool
is_refusal (enum err_code code)
{
  switch (code) {
  case ERR_USAGE:
  case ERR_INPUT:
  case ERR_NOT_FOUND:
  case ERR_CONFLICT:
  case ERR_REFUSED:
  case ERR_THROTTLED:
  case ERR_AUTH:
  case ERR_DENIED:
  case ERR_TAKEN:
    return true;
  default:
    return false;
  }
}

/* A describe shows the effect, or its absence, only from some time on. */
static void
distrust (struct engine *engine, struct job *job, bool uncertain)
{
  int64_t after = job_trust_after (engine, job, uncertain);

  if (after > job->trust_after_ms)
    job->trust_after_ms = after;
  if (uncertain)
    job->early_after_ms = job->trust_after_ms;
}

/* What the job has only just made may not be known everywhere yet. */
#define HIDDEN_MS 60000

static bool
may_be_hidden (const struct engine *engine, const struct job *job,
               const struct err *err)
{
  json_t *made;
  size_t i;

  if (err->code != ERR_NOT_FOUND || job->back ||
      engine_now (engine) - job->step_began_ms > HIDDEN_MS)
    return false;
  json_array_foreach (json_at (job->facts, "created"), i, made)
  {
    if (strstr (err->msg, json_str (made, "id", "\n")))
      return true;
  }
  return strcmp (job->step->name, "copy") == 0; /* its id is not known yet */
}

void
job_reply_failed (struct engine *engine, struct job *job, struct err *err_taken)
{
  CLEANUP_ERR struct err *err = err_taken;

  job->effect = 0;
  job->errors++;
  err_free (job->failure);
  job->failure = err_copy (err);
  if (may_be_hidden (engine, job, err))
    err->code = ERR_TRANSIENT;
  if (is_refusal (err->code)) {
    job_request_answered (job);
    job_had_no_effect (job);
  } else {
    job->uncertain = true;
    distrust (engine, job, true);
  }
  if (err->code == ERR_UNREACHABLE)
    job_helper_lost (engine, job, err);
  if (job_slot_taken (engine, job, err))
    return;
  switch (err->code) {
  case ERR_UNREACHABLE:
    if (job_is_overdue (engine, job))
      break;
    engine_journal_step (engine, job, "again", json_from_err (err));
    job_pause (engine, job, backoff_ms (engine, job, err));
    return;
  case ERR_TAKEN:
  case ERR_THROTTLED:
  case ERR_TRANSIENT:
  case ERR_UNKNOWN_EFFECT:
  case ERR_CONFLICT:
  case ERR_TIMEOUT:
    /* Look before anything is repeated: the effect may stand. */
    if (!job_is_overdue (engine, job) &&
        (job->step->seen || job->errors < BLIND_ATTEMPTS)) {
      engine_journal_step (engine, job, "again", json_from_err (err));
      job_pause (engine, job, backoff_ms (engine, job, err));
      return;
    }
    break;
  default:
    break;
  }
  job_step_failed (engine, job, TAKE (err));
}

int64_t
job_again_ms (const struct job *job)
{
  if (job->step->again_ms >= 0)
    return job->step->again_ms;
  return strcmp (json_str (job->facts, "shutdown", ""), "accepted") == 0
             ? job->policy->shutdown_ms
             : POWER_CUT_AGAIN_MS;
}

/* Where each question is a call of its own and many ask, each asks less and
 * less often: its wait grows by half. */
static int64_t
crowded_ms (const struct engine *engine, const struct job *job)
{
  int64_t first = job->policy->probe_interval_ms, ms = first;

  if (!health_asks_alone (job->policy->health, job))
    return 0;
  for (int64_t i = 1; i < job->attempt && ms < PROBE_MOST_MS; i++)
    ms += ms / 2;
  if (ms > PROBE_MOST_MS)
    ms = PROBE_MOST_MS > first ? PROBE_MOST_MS : first;
  return engine_crowd_ms (engine, job->binding, ms - first);
}

/* Who waits for a proof asks often; who only watches does not. */
static int64_t
probe_again_ms (const struct engine *engine, const struct job *job)
{
  int64_t ms = job->policy->probe_interval_ms + crowded_ms (engine, job);

  if (job_has_flag (job, STEP_WATCHES) && job_limit_ms (job) / 20 > ms)
    ms = job_limit_ms (job) / 20 < WATCH_MOST_MS ? job_limit_ms (job) / 20
                                                 : WATCH_MOST_MS;
  return ms;
}

void
job_complete (struct engine *engine, struct job *job,
              struct completion *completion)
{
  struct err *err = NULL;
  enum verdict verdict;

  /* Standing in line is no step's fault. */
  job->step_began_ms += completion->waited_ms;
  if (completion->err) {
    job_reply_failed (engine, job, err_copy (completion->err));
    return;
  }
  job_helper_alive (engine, job, true);
  verdict = job->step->reply ? job->step->reply (job, completion->out, &err)
                             : VERDICT_YES;
  if (verdict == VERDICT_FAIL) {
    job_reply_failed (engine, job, err);
    return;
  }
  job->effect = 0;
  job_no_errors (job);
  job->uncertain = true;
  job_request_answered (job);
  if (job->changes)
    job_set_answered (job, job->step, engine_now (engine));
  if (verdict == VERDICT_NO)
    job_pause (engine, job, probe_again_ms (engine, job));
  else if (job->step->seen) {
    distrust (engine, job, false);
    job->phase = PHASE_WATCH;
    job->need_after_ms = engine_now (engine);
    job->not_before_ms = engine_now (engine) + job_again_ms (job);
    job->changed = true;
  } else
    job_step_over (engine, job, "done", NULL);
}

/* Where tokens are scarce and VMs are many, a request may wait for longer than
 * its step may take; to give it up would only leave it to take effect later. */
static bool
stands_in_line (struct engine *engine, struct job *job)
{
  const struct world *world = engine->world;

  if (world->stands_in_line == NULL ||
      !world->stands_in_line (engine->world, job->effect))
    return false;
  job->acted_ms = engine_now (engine);
  return true;
}

/* A request that nobody answered.  An agent still has the disk in its hands:
 * it is told to end, and waited for.  A provider's request can only be given
 * up; whether it takes effect is seen later. */
void
job_no_reply (struct engine *engine, struct job *job)
{
  struct err *err = NULL;

  if (stands_in_line (engine, job))
    return;
  if (!outbox_give_up (engine, job))
    return;
  err_set (&err, ERR_UNKNOWN_EFFECT, "no reply for %lld s",
           (long long)((engine_now (engine) - job->acted_ms) / 1000));
  job_reply_failed (engine, job, err);
}

/* How long a guest that nobody waits for may take to shut down (a guess). */
#define SHUTDOWN_MOST_MS 60000

/* The reply to a request that was given up.  A guest that is asked to shut down
 * runs on for a while: until then no look tells what comes of it. */
void
job_complete_late (struct engine *engine, struct job *job, enum op_id op)
{
  if (job->abandoned)
    job->abandoned--;
  job->disturbed = true;
  distrust (engine, job, true);
  if (op == OP_STOP) {
    job->trust_after_ms += job->policy->shutdown_ms > SHUTDOWN_MOST_MS
                               ? job->policy->shutdown_ms
                               : SHUTDOWN_MOST_MS;
    job->early_after_ms = job->trust_after_ms;
  }
}

int64_t
job_reply_limit (const struct job *job)
{
  return job->cancelled ? INT64_MAX
                        : job->acted_ms + job_limit_ms (job) + OVERDUE_MS;
}

int64_t
job_deadline (const struct engine *engine, const struct job *job)
{
  if (job->step == NULL || job->phase == PHASE_ENDED ||
      job->phase == PHASE_WAITING)
    return -1;
  if (job->phase == PHASE_ACT)
    return job->cancelled ? -1 : job_reply_limit (job) + 1;
  if (engine->stopping) /* parked */
    return -1;
  if (job->phase == PHASE_ENTER && job->step->ready) /* another's end is it */
    return -1;
  if (job->phase == PHASE_PAUSE)
    return job->not_before_ms;
  /* While nothing can be seen, the poller's own time is what matters. */
  if (poller_is_blind (engine, job->binding))
    return -1;
  return job->step_began_ms + job_limit_ms (job) + 1;
}
