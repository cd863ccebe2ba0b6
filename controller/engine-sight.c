/* What a job sees: how fresh a look has to be for its step, how deep, and at
 * what: the VM, its disk, or both. */

#include "engine-internal.h"
#include "mutation.h"

#include <string.h>

bool
job_is_in_place (const struct job *job)
{
  return (job->binding->provider->caps & CAP_IN_PLACE) != 0;
}

bool
job_looks_at_disk (const struct job *job)
{
  return job_has_flag (job, STEP_DISK) && !job_is_in_place (job);
}

/* Before it acts, a step that looks at the disk looks at the VM too; after
 * that, only the disk shows whether it is done. */
bool
job_sees (const struct job *job, enum op_id op)
{
  bool disk = op == OP_DESCRIBE_DISKS;
  int64_t at_ms = disk ? job->disk_at_ms : job->now_at_ms;

  if (disk ? !job_looks_at_disk (job)
           : job->phase == PHASE_WATCH && job_looks_at_disk (job))
    return true;
  /* A clock of milliseconds can't tell a brief look that was answered just now
   * from the one that the step asked for. */
  if (!disk && job->now_depth < (int)job_depth (job))
    return false;
  if (mutated ("stale-look"))
    return at_ms >= 0;
  return at_ms >= 0 && at_ms >= job->need_after_ms &&
         at_ms >= job->trust_after_ms;
}

bool
job_is_fresh (const struct job *job)
{
  if (job_has_flag (job, STEP_QUIET) && job->abandoned &&
      !mutated ("forget-late") && !mutated ("stale-look"))
    return false;
  return job_sees (job, OP_DESCRIBE) && job_sees (job, OP_DESCRIBE_DISKS);
}

/* The last request after which things were not as this step wants them: the one
 * that its undo made; of a step without undo, any other's. */
static int64_t
spoiled_ms (const struct job *job)
{
  int64_t last = INT64_MIN;

  if (job->step->undo)
    return job_answered_ms (job, step_by_name (job->step->undo));
  for (size_t i = 0; i < job->answered.len; i++)
    if (job->answered.ptr[i].step != job->step &&
        !(job->answered.ptr[i].step->flags & STEP_ASIDE) &&
        job->answered.ptr[i].at_ms > last)
      last = job->answered.ptr[i].at_ms;
  return last;
}

/* A look may lag by settle_ms behind.  One that is not older than the request
 * which spoiled what this step wants, even so, can only show it because it has
 * come true since.  What it does not show is not known yet. */
bool
job_sees_early (const struct job *job)
{
  int64_t at_ms = job->now_at_ms, spoiled = spoiled_ms (job);

  if (job->abandoned || job->disturbed || mutated ("stale-look") ||
      job->now_depth < (int)job_depth (job))
    return false;
  if (job_looks_at_disk (job) &&
      (job->phase == PHASE_WATCH || job->disk_at_ms < at_ms))
    at_ms = job->disk_at_ms;
  if (mutated ("early-look"))
    return at_ms >= 0 && at_ms >= job->need_after_ms;
  return at_ms >= 0 && at_ms >= job->need_after_ms &&
         at_ms >= job->early_after_ms &&
         (spoiled == INT64_MIN ||
          at_ms >= spoiled + binding_settle_ms (job->binding));
}

/* What is asked of a provider in place is cheap: always all. */
enum depth
job_depth (const struct job *job)
{
  if (job_is_in_place (job) || job_has_flag (job, STEP_WHOLE))
    return DEPTH_WHOLE;
  return job_has_flag (job, STEP_REFUSALS) ? DEPTH_REFUSALS : DEPTH_BRIEF;
}

/* A look that lags may be from before the disk was made. */
static bool
absence_counts (const struct job *job)
{
  int64_t since_ms =
      job->acted_ms > job->step_began_ms ? job->acted_ms : job->step_began_ms;

  return job->disk_at_ms >= since_ms + binding_settle_ms (job->binding);
}

/* What is looked at does not exist any more. */
bool
job_is_gone (const struct job *job, struct err **err)
{
  if (job->phase != PHASE_WATCH || !job_looks_at_disk (job)) {
    if (!job->gone && job->now)
      return false;
    err_set (err, ERR_NOT_FOUND, "the VM does not exist any more");
    return true;
  }
  if (job->disk || job->step->act == NULL || !absence_counts (job))
    return false; /* not to be seen yet, perhaps */
  err_set (err, ERR_NOT_FOUND, "its OS disk %s does not exist any more",
           json_str (job_step_disk (job), "id", ""));
  return true;
}

bool
job_wants_look (const struct job *job, enum op_id op)
{
  if (job->phase != PHASE_LOOK && job->phase != PHASE_WATCH)
    return false;
  if (!job_sees (job, op))
    return true;
  return op == OP_DESCRIBE && job_has_flag (job, STEP_QUIET) &&
         !job_is_fresh (job);
}

/* How long an answer to "does it boot?" counts, and how often it is asked anew:
 * a service may be so slow that a stop always waits for longer. */
#define HEALTH_HOLDS_MS  55000
#define ASKED_AGAIN_MOST 2

bool
job_asks_again (struct engine *engine, struct job *job)
{
  const struct step *asks = step_by_name ("look-again");
  const char *top = job_undo_top (job);

  if (job->back || job->attempt || job->step->undo == NULL ||
      strcmp (job->step->undo, "start") != 0 ||
      (top && strcmp (top, "mark") != 0) || !asks->wanted (job) ||
      job->asked_again == ASKED_AGAIN_MOST ||
      engine_now (engine) - job->acted_ms <= HEALTH_HOLDS_MS)
    return false;
  job->asked_again++;
  job_enter (engine, job, asks);
  return true;
}
