/* What a failed step means for its job: it ends where it stands, it goes on
 * with a note, it turns back, or the whole engine halts. */

#include "engine-internal.h"

#include <string.h>

#include <providers/vm.h>

/* A failure before anything was touched ends the job where it stands. */
static void
end_untouched (struct job *job, const struct err *err)
{
  job_set_reason (job, "%s", err->msg);
  if (err->code != ERR_STOPPED)
    job->outcome = OUT_SKIPPED; /* by a rule, or it could not be looked at */
  else if (json_bool (job->facts, "was_broken", false))
    job->outcome = OUT_RECOVERED;
  else
    job->outcome = OUT_CLEAN;
  if (err->code == ERR_STOPPED)
    job_set_reason (job, "it boots by itself and was left alone; %s", err->msg);
  job->phase = PHASE_ENDED;
  job->step = NULL;
  job->changed = true;
}

static void
end_attention (struct job *job, const struct err *err)
{
  CLEANUP_FREE char *why = xstrdup (job->reason ? job->reason : "rollback");
  CLEANUP_FREE char *disk = job_disk_place (job);

  job_set_reason (job,
                  "%s; going back failed at '%s': %s; its OS disk is %s, the "
                  "VM is '%s'",
                  why, job->step->name, err->msg, disk,
                  json_str (job->now, "power", "gone"));
  job->outcome = OUT_FAILED_ATTENTION;
  job->phase = PHASE_ENDED;
  job->changed = true;
}

void
job_taken_over (struct engine *engine, struct job *job, struct err *err_taken)
{
  CLEANUP_ERR struct err *err = err_taken;
  CLEANUP_FREE char *disk = job_disk_place (job);

  engine_journal_step (engine, job, "failed", json_from_err (err));
  job_set_reason (job, "%s; at '%s' its OS disk was %s", err->msg,
                  job->step->name, disk);
  job->outcome = OUT_FAILED_ATTENTION;
  job->phase = PHASE_ENDED;
  job->changed = true;
}

/* The VM has been repaired and proven; that stands.  What was left to do was
 * not done. */
static void
end_unfinished (struct job *job, const struct err *err)
{
  const char *name = job->step->name;
  CLEANUP_FREE char *why = NULL;

  job->strategy->conclude (job);
  why = xstrdup (job->reason ? job->reason : "");
  job_set_reason (job, "%s: %s; but for that it would be '%s': %s", name,
                  err->msg, outcome_name (job->outcome), why);
  job->outcome = OUT_FAILED_ATTENTION;
}

/* Credentials that do not work concern every VM of the account: nobody is
 * turned back for them, everything waits for the operator. */
static bool
halts_all (struct engine *engine, const struct job *job, const struct err *err)
{
  if (err->code != ERR_AUTH)
    return false;
  engine->stopping = true;
  if (engine->halted == NULL) {
    engine->halted = err_copy (err);
    err_wrap (&engine->halted, "%s: %s", job->binding->provider->name,
              job->binding->account);
  }
  return true;
}

/* Work that was told to end because of a halt: that is no failure. */
static bool
was_cancelled (const struct engine *engine, const struct job *job)
{
  return job->cancelled &&
         (engine->stopping || (engine->waves.draining && !job->back));
}

/* Nothing but our mark stands: the VM is left alone, and that is no failure. */
static bool
leave_alone (struct job *job, const struct err *err)
{
  const char *top = job_undo_top (job);

  if ((top && strcmp (top, "mark") != 0) ||
      (err->code != ERR_STOPPED && err->code != ERR_REFUSED))
    return false;
  job_set_fact (job, "left_alone",
                json_string (outcome_name (
                    err->code == ERR_STOPPED ? OUT_RECOVERED : OUT_SKIPPED)));
  return true;
}

void
job_step_failed (struct engine *engine, struct job *job, struct err *err_taken)
{
  CLEANUP_ERR struct err *err = err_taken;

  job->effect = 0;
  if (halts_all (engine, job, err) || was_cancelled (engine, job)) {
    job->phase = PHASE_ENTER;
    job->cancelled = false; /* what fails next fails by itself */
    job->changed = true;
    return;
  }
  if (job_has_flag (job, STEP_BEST_EFFORT) && err->code != ERR_STOPPED) {
    job_note (job, "%s: %s", job->step->name, err->msg);
    if (job->step->failed)
      job->step->failed (job, err);
    job_step_over (engine, job, "failed", json_from_err (err));
    return;
  }
  engine_journal_step (engine, job, "failed", json_from_err (err));
  if (job->back) {
    end_attention (job, err);
    return;
  }
  if (job_has_flag (job, STEP_FIRST)) {
    end_untouched (job, err);
    return;
  }
  if (job_has_flag (job, STEP_LAST)) {
    end_unfinished (job, err);
    return;
  }
  if (leave_alone (job, err))
    job_set_reason (job, "%s", err->msg);
  else
    job_set_reason (job, "%s: %s", job->step->name, err->msg);
  job_turn_back (job);
  job_next_back (engine, job);
}

void
job_step_timed_out (struct engine *engine, struct job *job, const char *what)
{
  const struct err *last =
      job->failure ? job->failure : poller_error (engine, job->binding);
  struct err *err = NULL;

  if (job_has_flag (job, STEP_WATCHES) && job->errors == 0 &&
      json_at (job->facts, "soak_bad") == NULL) {
    job_step_over (engine, job, "done", NULL); /* nothing bad was seen */
    return;
  }
  err_set (&err, ERR_TIMEOUT, "%s after %lld s%s%s", what,
           (long long)((engine_now (engine) - job->step_began_ms) / 1000),
           last ? ": " : "", last ? last->msg : "");
  job_step_failed (engine, job, err);
}
