/* What becomes of a job whose helper dies.
 *
 * An agent asks before it writes a disk, and is answered only after the journal
 * has it (facts.committing).  So there are two cases, and a cut connection does
 * not blur them:
 *
 *   not answered   the disk is untouched.  It is detached from the dead helper,
 *                  which also keeps that one from writing any more, and
 *                  repaired at another.
 *   answered       the disk may be half written, and only that helper's folder
 *                  can finish it.  The job waits for that helper, for as long
 *                  as the repair may take; then a person must look.
 *
 * On the way back it is the same: what no agent was allowed to write needs no
 * undo; and an undo that was not allowed to write has left a repair that is
 * whole.  The VM gets it back with that, and the outcome says so. */

#include "engine-internal.h"

#include <string.h>

#include "helpers.h"
#include "policy.h"

static const char *
helper_of (const struct job *job)
{
  return json_str (job->facts, "helper.name", NULL);
}

void
job_asked (struct engine *engine, struct job *job, uint64_t effect)
{
  const char *name = helper_of (job);

  if (name == NULL || job->cancelled || engine->world->allow == NULL)
    return;
  job_set_fact (job, "committing", json_string (name));
  job->allowed = effect;
  job->changed = true;
  id_vec_push (&engine->allowed, effect);
}

void
engine_allow (struct engine *engine)
{
  for (size_t i = 0; i < engine->allowed.len; i++)
    engine->world->allow (engine->world, engine->allowed.ptr[i]);
  engine->allowed.len = 0;
}

/* Only what an agent does says something about it. */
static bool
is_work (const struct job *job)
{
  return job->step && helper_of (job) && job->policy->helpers &&
         (strcmp (job->step->name, "repair") == 0 ||
          strcmp (job->step->name, "repair-copy") == 0 ||
          strcmp (job->step->name, "repair-undo") == 0);
}

void
job_helper_alive (struct engine *engine, const struct job *job, bool done)
{
  (void)engine;
  if (is_work (job))
    helpers_note_alive (job->policy->helpers, helper_of (job), done);
}

void
job_helper_lost (struct engine *engine, const struct job *job,
                 const struct err *err)
{
  if (is_work (job))
    helpers_note_lost (job->policy->helpers, helper_of (job),
                       engine_now (engine), err->msg);
}

/* What only the dead helper could finish.  Agents that never ask may have
 * written. */
static bool
is_half_written (const struct engine *engine, const struct job *job)
{
  if (engine->world->allow == NULL)
    return true;
  return strcmp (json_str (job->facts, "committing", ""), helper_of (job)) == 0;
}

static void
fail_half_written (struct engine *engine, struct job *job, const char *why)
{
  const json_t *list = json_at (job->facts, "created");
  const json_t *made = json_array_get (list, json_array_size (list) - 1);
  struct err *err = NULL;

  err_set (&err, ERR_DISK,
           "helper '%s' was lost while it wrote the disk (%s); the disk may be "
           "half written, and only the folder on that helper can finish it: "
           "bring it back and `bootmend rollback`, or go back to the snapshot "
           "%s",
           helper_of (job), why, json_str (made, "id", "of before, if any"));
  job_step_failed (engine, job, err);
}

static void
leave (struct engine *engine, struct job *job, const char *why)
{
  const char *top = job_undo_top (job);

  job_note (job, "helper '%s' was given up (%s); the disk was untouched",
            helper_of (job), why);
  if (top && strcmp (top, job->step->name) == 0)
    job_undo_pop (job);
  job_set_fact (job, "repair_put_off", NULL);
  job_set_fact (job, "repair_uncertain", NULL);
  job_enter (engine, job, step_by_name ("leave-helper"));
}

/* On the way back, and the disk is whole: the VM gets it as it is. */
static void
forgo_undo (struct engine *engine, struct job *job, const char *why)
{
  const char *repair = json_str (job->facts, "repair.outcome", "");
  bool kept = strcmp (repair, "repaired") == 0;
  CLEANUP_FREE char *reason =
      xasprintf ("what undoes it is on helper '%s', which was given up (%s)",
                 helper_of (job), why);

  if (kept) {
    job_set_fact (job, "repair_kept", json_true ());
    job_set_fact (job, "repair_undo",
                  json_make ("{s:s,s:s}", "outcome", "refused", "reason",
                             reason));
  }
  job_note (job, "helper '%s' was given up (%s); %s", helper_of (job), why,
            kept ? "the repair stays" : "the disk was untouched");
  job_step_over (engine, job, "skipped", NULL);
}

bool
job_helper_is_dead (struct engine *engine, struct job *job)
{
  const char *why;

  if (!is_work (job))
    return false;
  why = helpers_dead (job->policy->helpers, helper_of (job),
                      engine_now (engine), job->policy->helper_lost_ms);
  if (why == NULL)
    return false;
  if (!is_half_written (engine, job)) {
    if (job->back)
      forgo_undo (engine, job, why);
    else
      leave (engine, job, why);
    return true;
  }
  if (job->back || job_is_overdue (engine, job)) {
    fail_half_written (engine, job, why);
    return true;
  }
  return false; /* it is tried again: that is how its return is noticed */
}

/* The refusal is about the helper's own state: it is stopped, or gone. */
static bool
names_helper (const struct job *job, const struct err *err)
{
  const char *vm = json_str (job->facts, "helper.vm", "");

  return (err->code == ERR_NOT_FOUND || err->code == ERR_CONFLICT) && *vm &&
         strstr (err->msg, vm);
}

bool
job_slot_taken (struct engine *engine, struct job *job, const struct err *err)
{
  struct helpers *helpers = job->policy->helpers;
  /* EC2, Azure */
  bool full = strstr (err->msg, "LimitExceeded") != NULL ||
              strstr (err->msg, "maximum number of data disks") != NULL;

  if ((strcmp (job->step->name, "attach-helper") != 0 &&
       strcmp (job->step->name, "lend") != 0) ||
      helpers == NULL || (err->code != ERR_TAKEN && !names_helper (job, err)))
    return false;
  engine_journal_step (engine, job, "again", json_from_err (err));
  if (err->code == ERR_TAKEN)
    helpers_block (helpers, job, full);
  else {
    job_note (job, "helper '%s' was given up: %s", helper_of (job), err->msg);
    helpers_note_dead (helpers, helper_of (job), err->msg);
    helpers_release (helpers, job);
  }
  job_enter (engine, job, job->step);
  return true;
}
