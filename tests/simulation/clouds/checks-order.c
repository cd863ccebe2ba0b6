/* What must hold at every request. */

#include <string.h>

#include <controller/step.h>

#include "campaign.h"

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

bool
sim_is_at (const json_t *disk, const char *id)
{
  const json_t *at = json_at (disk, "at");

  if (*id == '\0')
    return disk && json_array_size (at) == 0;
  return json_bool (disk, "settled", false) && json_array_size (at) == 1 &&
         strcmp (json_string_value (json_array_get (at, 0)), id) == 0;
}

/* The disk of this job that a request is about: one of several, of a helper. */
static const char *
disk_of (const struct job *job, const struct effect *effect, const json_t *now)
{
  if (effect->op == OP_START)
    return json_str (now, "disk", "");
  if (json_object_get (effect->in, "disks"))
    return json_str (job_step_disk (job), "id", "");
  return json_str (effect->in, "disk.id", "");
}

/* A snapshot, copy or swap in one call is of a VM that is off, but for those
 * that may be on. */
static const char *
not_off (const struct sim_campaign *c, const struct job *job, const json_t *now)
{
  bool live = (job->binding->provider->caps & CAP_SWAP_RUNNING) &&
              json_bool (c->plan->policy, "copy_running", false);

  return live || strcmp (json_str (now, "power", "stopped"), "stopped") == 0
             ? NULL
             : "its VM is not stopped";
}

/* What has to be true when a request is sent; NULL: all is well. */
static const char *
too_early (const struct sim_campaign *c, const struct job *job,
           const struct effect *effect, const struct sim_vm *vm,
           const json_t *now, const json_t *disk)
{
  switch (effect->op) {
  case OP_DETACH_OS:
    return strcmp (json_str (now, "power", "stopped"), "stopped") == 0
               ? NULL
               : "its VM is not stopped";
  case OP_HELPER_ATTACH:
  case OP_ATTACH_OS:
    return sim_is_at (disk, "") ? NULL : "the disk is attached to something";
  case OP_HELPER_DETACH:
    return json_object_get (c->world.held, disk_of (job, effect, now))
               ? "an agent has the disk open"
               : NULL;
  case OP_SNAPSHOT:
  case OP_DISK_FROM:
    return not_off (c, job, now);
  case OP_SWAP_OS:
    return sim_is_at (disk, "") ? not_off (c, job, now)
                                : "the new disk is attached to something";
  case OP_START:
    return sim_is_at (disk, vm->id) ? NULL : "its disk is not attached to it";
  default:
    return NULL;
  }
}

/* Was this very request sent before, by this controller or one that was killed?
 * A cloud that knows its name ignores the second: "the server can check if
 * [the] original operation with the same request ID was received, and if so,
 * will ignore the second request" (Compute Engine, instances.attachDisk,
 * requestId).
 */
static bool
is_repetition (struct sim_campaign *c, const struct effect *effect)
{
  const char *name = json_str (effect->in, "request", NULL);
  CLEANUP_FREE char *key = name ? xasprintf ("request/%s", name) : NULL;
  bool before = key && json_object_get (c->sent, key);

  if (key)
    json_put_int (c->sent, key, 1);
  return before;
}

/* A first request of a step goes by a look at how things are; only requests of
 * ours that come late, others, and a cloud that breaks its word may belie it.
 */
static void
check_order (struct sim_campaign *c, const struct job *job,
             const struct effect *effect)
{
  const struct sim_vm *vm = &c->vms.ptr[job->id - 1];
  CLEANUP_JSON json_t *now = NULL, *disk = NULL;
  const char *why;

  if (effect->kind != EFFECT_OP || is_repetition (c, effect) ||
      job->attempt != 1 || vm->others || c->plan->faults.late ||
      c->plan->fleet.hard)
    return;
  now = c->plan->kind->vm (c->world.cloud, vm->id);
  disk = c->plan->kind->disk (c->world.cloud, disk_of (job, effect, now));
  why = too_early (c, job, effect, vm, now, disk);
  if (why)
    sim_violation (&c->world, "%s: '%s' is sent, and %s", job->name,
                   job->step ? job->step->name : "?", why);
}

void
sim_check_effect (void *opaque, const struct effect *effect)
{
  struct sim_campaign *c = opaque;

  if (!changes (effect))
    return;
  for (size_t i = 0; i < c->jobs.len; i++)
    if (c->jobs.ptr[i]->effect == effect->id) {
      check_journalled (c, c->jobs.ptr[i]);
      check_order (c, c->jobs.ptr[i], effect);
    }
}
