/* How a job ended: the one place where outcomes are decided. */

#include "engine.h"
#include "step.h"

#include <string.h>

#include <providers/vm.h>

#include "policy.h"

static void
end (struct job *job, enum outcome outcome)
{
  job->outcome = outcome;
  job->phase = PHASE_ENDED;
  job->step = NULL;
  job->changed = true;
}

static bool
health_is (const struct job *job, const char *key, const char *state)
{
  CLEANUP_FREE char *path = xasprintf ("%s.state", key);

  return strcmp (json_str (job->facts, path, "unknown"), state) == 0;
}

static void
list_differences (struct job *job, const json_t *differences)
{
  json_t *item;
  size_t i;

  json_array_foreach (differences, i, item)
  {
    CLEANUP_FREE char *before = json_text (json_at (item, "before"));
    CLEANUP_FREE char *after = json_text (json_at (item, "after"));

    job_note (job, "%s was %.200s and is %.200s", json_str (item, "field", "?"),
              before, after);
  }
}

static bool
conclude_differences (struct job *job)
{
  const json_t *differences = json_at (job->facts, "differences");

  if (json_array_size (differences) == 0)
    return false;
  list_differences (job, differences);
  job_set_reason (job,
                  "%zu attributes of the VM are not as they were; the first "
                  "is %s",
                  json_array_size (differences),
                  json_str (json_array_get (differences, 0), "field", "?"));
  end (job, OUT_FAILED_ATTENTION);
  return true;
}

static bool
has_fallen (const struct job *job)
{
  return job_was_running (job) && !vm_is_power (job->now, "running");
}

static void
conclude_repaired (struct job *job)
{
  if (has_fallen (job)) {
    job_set_reason (job, "repaired and started, but it is '%s' now",
                    json_str (job->now, "power", "?"));
    job_set_fact (job, "fallen", json_true ());
    end (job, OUT_REPAIRED_UNPROVEN);
  } else if (!job_was_running (job)) {
    job_set_reason (job, "it was stopped before and stays stopped, so nothing "
                         "shows that it boots");
    end (job, OUT_REPAIRED_UNPROVEN);
  } else if (health_is (job, "health_after", "ok")) {
    job_set_reason (job, "%s", json_str (job->facts, "health_after.why", ""));
    end (job, OUT_REPAIRED);
  } else if (json_at (job->facts, "health_after")) {
    job_set_reason (job, "repaired and started, but no proof that it boots: %s",
                    json_str (job->facts, "health_after.why", ""));
    end (job, OUT_REPAIRED_UNPROVEN);
  } else {
    job_set_reason (job, "repaired and started; nobody asked whether it boots "
                         "(see --health)");
    end (job, OUT_REPAIRED_UNPROVEN);
  }
}

/* "Nothing to repair" is good news only if nothing shows that the VM is still
 * broken. */
static void
conclude_clean (struct job *job)
{
  bool broken = health_is (job, "health_after", "broken") ||
                (health_is (job, "health_before", "broken") &&
                 !health_is (job, "health_after", "ok"));

  if (has_fallen (job)) {
    job_set_reason (job,
                    "nothing was changed on its disk; it was started again, "
                    "but it is '%s' now",
                    json_str (job->now, "power", "?"));
    end (job, OUT_FAILED_ATTENTION);
    return;
  }
  if (broken) {
    job_set_reason (job,
                    "the recipe finds nothing to repair on its disk, and it "
                    "still does not boot: %s",
                    json_str (job->facts, "health_after.why",
                              json_str (job->facts, "health_before.why", "")));
    end (job, OUT_FAILED_RESTORED);
    return;
  }
  job_set_reason (job, "%s",
                  json_str (job->facts, "repair.reason",
                            "the recipe finds nothing to repair on its disk"));
  end (job, OUT_CLEAN);
}

void
job_conclude (struct job *job)
{
  if (conclude_differences (job))
    return;
  if (strcmp (json_str (job->facts, "repair.outcome", ""), "repaired") == 0 ||
      (job->strategy->cap == CAP_RESTORE && job_kept (job)))
    conclude_repaired (job);
  else
    conclude_clean (job);
}

/* What is not as it was; NULL: all is. */
static char *
not_as_before (struct job *job)
{
  CLEANUP_JSON json_t *differences = vm_differences (job->before, job->now);

  list_differences (job, differences);
  if (json_bool (job->facts, "repair_kept", false))
    return xasprintf ("went back, but its disk keeps the repair: %s",
                      json_str (job->facts, "repair_undo.reason",
                                "the undo was refused"));
  if (json_array_size (differences))
    return xasprintf ("went back, but %s is not as it was",
                      json_str (json_array_get (differences, 0), "field", "?"));
  if (has_fallen (job))
    return xasprintf ("went back, but it does not run as before (%s)",
                      json_str (job->now, "power", "?"));
  return NULL;
}

void
job_conclude_back (struct job *job)
{
  CLEANUP_FREE char *but = NULL, *why = NULL;
  const char *left = json_str (job->facts, "left_alone", "");
  int left_alone = outcome_from_name (left);

  if (job->before == NULL) { /* it never began */
    end (job, OUT_SKIPPED);
    return;
  }
  but = not_as_before (job);
  if (but) {
    why = xstrdup (job->reason ? job->reason : "");
    job_set_reason (job, "%s; %s", why, but);
  }
  if (but)
    end (job, OUT_FAILED_ATTENTION);
  else if (left_alone != -1)
    end (job, (enum outcome)left_alone);
  else
    end (job, OUT_FAILED_RESTORED);
  /* Put back by a halt: its turn comes again when the campaign goes on. */
  if (strcmp (json_str (job->facts, "asked_back", ""), "drain") == 0 && !but)
    job_renew (job);
}

/* Only what was changed is taken back; a VM that was left alone, or has been
 * put back already, is as it was. */
static bool
has_way_back (const struct job *job)
{
  return job->outcome == OUT_REPAIRED ||
         job->outcome == OUT_REPAIRED_UNPROVEN ||
         job->outcome == OUT_FAILED_ATTENTION ||
         (job->outcome == OUT_OPEN &&
          (job->phase != PHASE_WAITING || job_undo_top (job)));
}

void
job_roll_back (struct job *job)
{
  bool ended = job->phase == PHASE_ENDED;

  if (job->back && job->phase == PHASE_WAITING)
    return; /* it is going to */
  if (has_way_back (job)) {
    job_set_reason (job, "rolled back at the operator's word");
    job_set_fact (job, "asked_back", json_string ("operator"));
    job_set_fact (job, "left_alone", NULL);
    job_turn_back (job);
    if (ended) /* its turn comes as its group and the policy allow */
      job->phase = PHASE_WAITING;
  } else if (job->phase == PHASE_WAITING) {
    job_set_reason (job, "rolled back before its turn came; never touched");
    end (job, OUT_SKIPPED);
  }
}
