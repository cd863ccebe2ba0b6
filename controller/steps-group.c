/* Steps of VMs that belong to a group which replaces members that are stopped
 * (an Auto Scaling group): out of it before the stop, back after the proof.
 * Such a VM is refused unless the operator allows it. */

#include "steps-internal.h"

#include <string.h>

#include <providers/vm.h>

static bool
group_is (const json_t *vm, const char *state)
{
  return strcmp (json_str (vm, "group.state", ""), state) == 0;
}

/* One that was out of it before stays out. */
bool
group_wanted (const struct job *job)
{
  return job_has_op (job, OP_LEAVE_GROUP) && group_is (job->before, "in");
}

enum verdict
leave_group_seen (struct job *job, struct err **err)
{
  (void)err;
  if (group_is (job->now, "moving"))
    return VERDICT_WAIT;
  return group_is (job->now, "in") ? VERDICT_NO : VERDICT_YES;
}

/* Into a group that would terminate it, because it is stopped? */
static bool
would_be_lost (const struct job *job)
{
  return group_is (job->now, "out") && vm_is_power (job->now, "stopped");
}

enum verdict
join_group_seen (struct job *job, struct err **err)
{
  (void)err;
  if (would_be_lost (job)) {
    /* A look that lags may be from before its start. */
    if (job->now_at_ms < job->step_began_ms + binding_settle_ms (job->binding))
      return VERDICT_WAIT;
    job_note (job,
              "it stays out of its group '%s' (Standby), which would terminate "
              "it while it is stopped: start it, then let it join again",
              json_str (job->now, "group.name", "?"));
    return VERDICT_YES;
  }
  if (group_is (job->now, "moving"))
    return VERDICT_WAIT;
  return group_is (job->now, "out") ? VERDICT_NO : VERDICT_YES;
}

int
group_act (struct job *job, struct effect *effect, struct err **err)
{
  bool leaves = strcmp (job->step->name, "leave-group") == 0;

  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = leaves ? OP_LEAVE_GROUP : OP_JOIN_GROUP;
  effect->in = json_make ("{s:O}", "vm", job->before);
  return 0;
}
