/* Steps of providers whose disks are attached to a helper: a disk goes from its
 * VM to the helper and back.
 *
 *   move       detach, attach-helper, (repair), detach-helper, attach
 *   others     lend, (repair-copy), reclaim; swap-out, swap-in (steps-swap.c)
 *
 * They are the same functions, about different disks: the row says which
 * (job_step_disk).  Where a disk is, the disk itself says (OP_DESCRIBE_DISKS,
 * job->disk); each pair is the other's way back. */

#include "steps-internal.h"

#include <string.h>

#include <providers/vm.h>

#include "helpers.h"
#include "mutation.h"
#include "policy.h"

bool
job_attaches (const struct job *job)
{
  return !(job->binding->provider->caps & CAP_IN_PLACE);
}

enum place {
  PLACE_FREE,   /* attached to nothing */
  PLACE_MOVING, /* on its way, whatever way that is */
  PLACE_VM,
  PLACE_HELPER, /* the one that the job has claimed */
  PLACE_OTHER,
  PLACE_UNKNOWN,
  PLACES /* how many */
};

/* What a place means to a step. */
enum sight {
  SIGHT_LOST = 0,
  SIGHT_BEFORE, /* where the step finds it */
  SIGHT_COMING,
  SIGHT_THERE
};

static enum place
place_of (const struct job *job)
{
  const char *state = json_str (job->disk, "state", "");
  const char *to = json_str (job->disk, "attached_to", "");

  if (strcmp (state, "available") == 0)
    return PLACE_FREE;
  if (strcmp (state, "busy") == 0 || strcmp (state, "other") == 0)
    return PLACE_MOVING;
  if (strcmp (state, "attached") != 0)
    return PLACE_UNKNOWN;
  if (strcmp (to, json_str (job->before, "id", "")) == 0)
    return PLACE_VM;
  return strcmp (to, json_str (job->facts, "helper.vm", "-")) == 0
             ? PLACE_HELPER
             : PLACE_OTHER;
}

/* A describe may be older than the one before it: what it shows without a
 * request of this step is believed only when it can't be. */
static bool
is_settled (const struct job *job)
{
  int64_t since_ms =
      job->acted_ms > job->step_began_ms ? job->acted_ms : job->step_began_ms;

  return job->disk_at_ms >= since_ms + binding_settle_ms (job->binding);
}

static enum verdict
there (const struct job *job)
{
  return job->attempt > 0 || is_settled (job) ? VERDICT_YES : VERDICT_WAIT;
}

static enum verdict
lost (const struct job *job, struct err **err)
{
  const char *id = json_str (job_step_disk (job), "id", "");

  if (!is_settled (job))
    return VERDICT_WAIT;
  if (place_of (job) == PLACE_UNKNOWN)
    err_set (err, ERR_REFUSED, "its OS disk %s is in state '%s'", id,
             json_str (job->disk, "state", "unknown"));
  else
    err_set (err, ERR_REFUSED,
             "its OS disk %s is attached to %s now: somebody else did that", id,
             json_str (job->disk, "attached_to", "?"));
  return VERDICT_FAIL;
}

static enum verdict
verdict_of (const struct job *job, const enum sight places[static PLACES],
            struct err **err)
{
  switch (places[place_of (job)]) {
  case SIGHT_THERE:
    return there (job);
  case SIGHT_COMING:
    return VERDICT_WAIT;
  case SIGHT_BEFORE:
    return VERDICT_NO;
  default:
    return lost (job, err);
  }
}

/* The same for a step that ends what the job wants of a helper. */
static enum verdict
verdict_of_last (struct job *job, const enum sight places[static PLACES],
                 struct err **err)
{
  enum verdict verdict = verdict_of (job, places, err);

  if (verdict == VERDICT_YES)
    helpers_release (job->policy->helpers, job);
  return verdict;
}

/* A slot of a helper that died before the disk was sent there. */
static void
leave_dead_slot (struct job *job)
{
  const char *name = json_str (job->facts, "helper.name", NULL);
  const char *top = job_undo_top (job);

  if (name && !job->back &&
      !(top &&
        (strcmp (top, "attach-helper") == 0 || strcmp (top, "lend") == 0)) &&
      helpers_dead (job->policy->helpers, name, 0, INT64_MAX))
    helpers_release (job->policy->helpers, job);
}

enum verdict
helper_ready (struct job *job, struct err **err)
{
  struct helpers *helpers = job->policy->helpers;

  /* What is not wanted needs no slot. */
  if (!job->step->wanted (job))
    return VERDICT_YES;
  leave_dead_slot (job);
  if (helpers_claim (helpers, job))
    return VERDICT_YES;
  if (helpers_may_clear (helpers, job))
    return VERDICT_WAIT;
  err_set (err, ERR_REFUSED,
           "no slot of a helper in zone '%s' will become free: give another "
           "helper with --helper",
           json_str (job->before, "zone", ""));
  return VERDICT_FAIL;
}

/* --- the VM's side -------------------------------------------------------- */

/* The answer is taken for the effect.  (Clouds that show a disk as attached
 * until it has left have no state in between that could be misread.) */
static bool
is_hasty (const struct job *job, enum place before, bool mutation)
{
  return mutation && (place_of (job) == PLACE_MOVING ||
                      (place_of (job) == before && job->attempt > 0));
}

enum verdict
detach_seen (struct job *job, struct err **err)
{
  static const enum sight places[PLACES] = {[PLACE_FREE] = SIGHT_THERE,
                                            [PLACE_HELPER] = SIGHT_THERE,
                                            [PLACE_MOVING] = SIGHT_COMING,
                                            [PLACE_VM] = SIGHT_BEFORE};

  return verdict_of (job, places, err);
}

static int
check_power_off (const struct job *job, struct err **err)
{
  if (vm_is_power (job->now, "stopped") || mutated ("hasty-detach"))
    return 0;
  return err_set (err, ERR_CONFLICT,
                  "its OS disk stays where it is while the "
                  "VM is '%s'",
                  json_str (job->now, "power", "other"));
}

int
detach_act (struct job *job, struct effect *effect, struct err **err)
{
  if (check_power_off (job, err) == -1)
    return -1;
  effect->kind = EFFECT_OP;
  effect->op = OP_DETACH_OS;
  effect->in =
      json_make ("{s:O,s:O}", "vm", job->now, "disk", job_step_disk (job));
  return 0;
}

enum verdict
attach_seen (struct job *job, struct err **err)
{
  static const enum sight places[PLACES] = {[PLACE_VM] = SIGHT_THERE,
                                            [PLACE_MOVING] = SIGHT_COMING,
                                            [PLACE_FREE] = SIGHT_BEFORE};

  if (is_hasty (job, PLACE_FREE, mutated ("hasty-start")))
    return VERDICT_YES;
  if (place_of (job) == PLACE_MOVING && mutated ("hasty-attach"))
    return VERDICT_NO;
  return verdict_of_last (job, places, err);
}

int
attach_act (struct job *job, struct effect *effect, struct err **err)
{
  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = OP_ATTACH_OS;
  effect->in =
      json_make ("{s:O,s:O}", "vm", job->now, "disk", job_step_disk (job));
  return 0;
}

/* --- the helper's side ---------------------------------------------------- */

enum verdict
attach_helper_seen (struct job *job, struct err **err)
{
  static const enum sight places[PLACES] = {[PLACE_HELPER] = SIGHT_THERE,
                                            [PLACE_MOVING] = SIGHT_COMING,
                                            [PLACE_FREE] = SIGHT_BEFORE};

  return verdict_of (job, places, err);
}

static int
helper_effect (const struct job *job, enum op_id op, struct effect *effect,
               struct err **err)
{
  const char *name = json_str (job->facts, "helper.name", "");
  const json_t *record = helpers_record (job->policy->helpers, name);

  CLEANUP_JSON json_t *only_id =
      json_make ("{s:s}", "id", json_str (job->facts, "helper.vm", ""));

  /* To be taken from a helper that is no more, a disk needs only its id. */
  if (record == NULL && op == OP_HELPER_ATTACH)
    return err_set (err, ERR_USAGE,
                    "helper '%s' is not known: give it with --helper again",
                    name);
  effect->kind = EFFECT_OP;
  effect->op = op;
  effect->in =
      json_make ("{s:O,s:[{s:O,s:s}]}", "helper", record ? record : only_id,
                 "disks", "disk", job_step_disk (job), "slot",
                 json_str (job->facts, "helper.slot", ""));
  if (json_at (job->facts, "alone"))
    json_put_int (effect->in, "alone", job->id);
  return 0;
}

/* A call about several disks may have failed because of some of them. */
enum verdict
helper_reply (struct job *job, json_t *out, struct err **err)
{
  const char *id = json_str (job_step_disk (job), "id", "");
  json_t *item;
  size_t i;

  job_set_fact (job, "alone", NULL);
  json_array_foreach (json_at (out, "failed"), i, item)
  {
    if (strcmp (json_str (item, "id", ""), id) != 0)
      continue;
    if (json_bool (item, "alone", false))
      job_set_fact (job, "alone", json_true ());
    err_move (err, json_to_err (json_at (item, "error")));
    return VERDICT_FAIL;
  }
  return VERDICT_YES;
}

int
attach_helper_act (struct job *job, struct effect *effect, struct err **err)
{
  return helper_effect (job, OP_HELPER_ATTACH, effect, err);
}

enum verdict
detach_helper_seen (struct job *job, struct err **err)
{
  static const enum sight places[PLACES] = {[PLACE_FREE] = SIGHT_THERE,
                                            [PLACE_VM] = SIGHT_THERE,
                                            [PLACE_MOVING] = SIGHT_COMING,
                                            [PLACE_HELPER] = SIGHT_BEFORE};

  if (is_hasty (job, PLACE_HELPER, mutated ("hasty-attach")))
    return VERDICT_YES;
  return verdict_of_last (job, places, err);
}

int
detach_helper_act (struct job *job, struct effect *effect, struct err **err)
{
  return helper_effect (job, OP_HELPER_DETACH, effect, err);
}

/* --- away from a dead helper ---------------------------------------------- */

/* The time for a detach the normal way is over. */
static bool
has_waited (const struct job *job)
{
  return job->disk_at_ms - job->step_began_ms >= job->policy->detach_ms;
}

enum verdict
leave_helper_seen (struct job *job, struct err **err)
{
  enum place place = place_of (job);
  bool there_still = place == PLACE_HELPER || place == PLACE_MOVING;

  if (!there_still)
    return detach_helper_seen (job, err);
  if (!has_waited (job))
    return place == PLACE_HELPER ? VERDICT_NO : VERDICT_WAIT;
  if (job->policy->force_detach)
    return VERDICT_NO;
  err_set (err, ERR_REFUSED,
           "dead helper '%s' does not let go of its disk %s: --force-detach "
           "with `bootmend rollback` tears it off, or detach it by hand",
           json_str (job->facts, "helper.name", ""),
           json_str (job_step_disk (job), "id", ""));
  return VERDICT_FAIL;
}

/* To another one. */
const char *
leave_helper_next (const struct job *job)
{
  return job->strategy->cap == CAP_MOVE ? "attach-helper" : "lend";
}

int
leave_helper_act (struct job *job, struct effect *effect, struct err **err)
{
  if (helper_effect (job, OP_HELPER_DETACH, effect, err) == -1)
    return -1;
  if (has_waited (job) && job->policy->force_detach) {
    json_put_bool (effect->in, "force", true);
    job_note (job, "its disk was torn off dead helper '%s'",
              json_str (job->facts, "helper.name", ""));
  }
  return 0;
}

/* --- where an agent finds it ------------------------------------------------
 */

/* A disk is attached before its helper's kernel and udev have shown it; the
 * agent looks for it under all of its names. */
int
attached_patient (const struct job *job, json_t *patient, struct err **err)
{
  const struct provider *provider = job->binding->provider;
  const json_t *disk = job_work_disk (job);
  CLEANUP_STRV char **paths = NULL;
  const json_t *helper =
      helpers_record (job->policy->helpers,
                      json_str (job->facts, "helper.name", ""));
  const char *devices = json_str (job->facts, "helper.devices", "/dev");
  CLEANUP_JSON json_t *expect = NULL;
  json_t *others;
  size_t n;

  if (place_of (job) != PLACE_HELPER)
    return err_set (err, ERR_CONFLICT,
                    "its OS disk is not attached to helper '%s' yet",
                    json_str (job->facts, "helper.name", "none"));
  if (provider->helper_paths)
    paths =
        provider->helper_paths (disk, json_str (job->facts, "helper.slot", ""),
                                devices);
  if (provider->helper_expect && helper)
    expect = provider->helper_expect (helper, devices);
  json_put_str (patient, "machine", json_str (expect, "machine", NULL));
  n = paths ? strv_length (paths) : 0;
  json_put_str (patient, "path", n ? paths[0] : json_str (disk, "path", ""));
  others = json_array ();
  for (size_t i = 1; i < n; i++)
    json_array_append_new (others, json_string (paths[i]));
  json_put (patient, "paths", others);
  json_put_int (patient, "wait_ms", job->policy->device_ms);
  json_put_str (patient, "format", "raw");
  return 0;
}

static char *
place_text (const struct job *job, const char *id)
{
  if (job->disk == NULL || strcmp (json_str (job->disk, "id", ""), id) != 0)
    return xstrdup (id);
  if (json_at (job->disk, "attached_to"))
    return xasprintf ("%s, attached to %s", id,
                      json_str (job->disk, "attached_to", "?"));
  return xasprintf ("%s, state '%s'", id, json_str (job->disk, "state", "?"));
}

char *
job_disk_place (const struct job *job)
{
  const char *id = json_str (job->before, "os_disk.id", "unknown");
  const char *copy = json_str (job_work_disk (job), "id", id);
  CLEANUP_FREE char *own = NULL, *other = NULL;

  if (!job_attaches (job))
    return xstrdup (id);
  own = place_text (job, id);
  if (strcmp (copy, id) == 0)
    return TAKE (own);
  other = place_text (job, copy);
  return xasprintf ("%s (its repaired copy: %s)", own, other);
}
