/* What must hold: at every request, and at the end against the truth. */

#include <string.h>

#include <controller/step.h>

#include "campaign.h"

/* --- at every request ------------------------------------------------------
 */

static bool
changes (const struct effect *effect)
{
  return effect->kind == EFFECT_WORK ||
         (effect->kind == EFFECT_OP &&
          effect->binding->provider->ops[effect->op].changes);
}

static void
check_journalled (struct sim_campaign *c, const struct job *job)
{
  const char *name = job->step ? job->step->name : "none";
  CLEANUP_FREE char *key = xasprintf ("%lld/%s/%s", (long long)job->id,
                                      job->back ? "back" : "forward", name);
  int64_t sent = json_int (c->sent, key, 0) + 1;
  unsigned announced =
      sim_journal_announced (c->reader, job->id, name, job->back);

  json_put_int (c->sent, key, sent);
  if (sent > announced)
    sim_violation (
        &c->world,
        "%s: '%s' is sent for the %lld. time and journalled %u times",
        job->name, name, (long long)sent, announced);
  if (!job->back && job->step && job->step->undo &&
      !sim_journal_has_undo (c->reader, job->id, name))
    sim_violation (&c->world, "%s: '%s' is sent and its way back is not known",
                   job->name, name);
  if (job->outcome != OUT_OPEN)
    sim_violation (&c->world, "%s: has an outcome, and a change is sent",
                   job->name);
}

void
sim_check_effect (void *opaque, const struct effect *effect)
{
  struct sim_campaign *c = opaque;

  if (!changes (effect))
    return;
  for (size_t i = 0; i < c->jobs.len; i++)
    if (c->jobs.ptr[i]->effect == effect->id)
      check_journalled (c, c->jobs.ptr[i]);
}

/* --- at the end ------------------------------------------------------------
 */

void
sim_check_end (struct sim_campaign *c)
{
  (void)c;
}
