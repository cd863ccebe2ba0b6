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

/* What is asked of a provider in place is cheap: always all. */
enum depth
job_depth (const struct job *job)
{
  if (job_is_in_place (job) || job_has_flag (job, STEP_WHOLE))
    return DEPTH_WHOLE;
  return job_has_flag (job, STEP_REFUSALS) ? DEPTH_REFUSALS : DEPTH_BRIEF;
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
  if (job->disk)
    return false;
  err_set (err, ERR_NOT_FOUND, "its OS disk %s does not exist any more",
           json_str (job->before, "os_disk.id", ""));
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
