/* A job from its beginning once more: after a halt that put its VM back, or at
 * the operator's word (`bootmend retry`). */

#include <string.h>

#include "engine.h"
#include "step.h"

/* What is known of the VM and its place in the campaign. */
static const char *const kept[] = {"found", "planned", "group",  "was_broken",
                                   "notes", "tries",   "request"};

/* What was created for it still exists. */
static void
keep_created (const struct job *job, json_t *facts)
{
  json_t *list = json_array (), *entry;
  size_t i;

  json_array_foreach (json_at (job->facts, "created"), i, entry)
  {
    json_t *old = json_deep_copy (entry);

    json_put_bool (old, "old", true);
    json_array_append_new (list, old);
  }
  if (json_array_size (list))
    json_put (facts, "created", json_incref (list));
  json_decref (list);
}

void
job_renew (struct job *job)
{
  json_t *facts = json_make ("{s:[]}", "undo");

  for (size_t i = 0; i < ARRAY_SIZE (kept); i++)
    if (json_object_get (job->facts, kept[i]))
      json_put (facts, kept[i],
                json_incref (json_object_get (job->facts, kept[i])));
  keep_created (job, facts);
  /* Evidence of the last try stays where it is. */
  json_put_int (facts, "tries", json_int (facts, "tries", 0) + 1);
  json_decref (job->facts);
  job->facts = facts;
  json_decref (job->before);
  job->before = NULL;
  job->back = false;
  job->step = NULL;
  job->phase = PHASE_WAITING;
  job->outcome = OUT_OPEN;
  job->attempt = 0;
  job_no_errors (job);
  job->effect = 0;
  job->uncertain = job->disturbed = false;
  job->changed = true;
}

static void
verify_again (struct job *job)
{
  job_set_fact (job, "health_after", NULL);
  job_set_fact (job, "fallen", NULL);
  job->outcome = OUT_OPEN;
  job->step = step_by_name ("verify");
  job->phase = PHASE_WAITING; /* and from there to this step */
  job->changed = true;
}

bool
job_retry (struct job *job)
{
  switch (job->outcome) {
  case OUT_FAILED_RESTORED:
  case OUT_SKIPPED:
    job_renew (job);
    job_set_reason (job, "once more");
    return true;
  case OUT_REPAIRED_UNPROVEN:
    if (!job_was_running (job))
      return false; /* it stays stopped: there is nothing to ask */
    verify_again (job);
    return true;
  case OUT_FAILED_ATTENTION:
    if (job_undo_top (job) == NULL)
      return false;
    job_turn_back (job);
    job->phase = PHASE_WAITING;
    return true;
  default:
    return false;
  }
}
