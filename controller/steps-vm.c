/* Steps on the VM itself: preflight, mark, power, attributes. */

#include "steps-internal.h"

#include <string.h>

#include <providers/vm.h>

#include "helpers.h"
#include "plan.h"
#include "policy.h"

bool
job_has_op (const struct job *job, enum op_id op)
{
  return job->binding->provider->ops[op].name != NULL;
}

static bool
is_allowed (const struct job *job, const json_t *refusal)
{
  size_t i;
  json_t *code;

  if (!json_bool (refusal, "allow", false))
    return false;
  json_array_foreach (job->policy->allow, i,
                      code) if (strcmp (json_string_value (code),
                                        json_str (refusal, "code", "")) ==
                                0) return true;
  return false;
}

/* A plan is for the VM as it was then. */
static int
check_planned (const struct job *job, struct err **err)
{
  const json_t *planned = json_at (job->facts, "planned");
  CLEANUP_FREE char *difference =
      planned ? plan_difference (planned, job->now) : NULL;

  if (difference == NULL)
    return 0;
  return err_set (err, ERR_REFUSED, "changed-since-plan: %s", difference);
}

/* Another campaign's mark is a lock: only the operator's word breaks it. */
static int
check_mark (const struct job *job, struct err **err)
{
  const char *other = json_str (job->now, "mark.campaign", NULL);

  if (other == NULL || strcmp (other, job->policy->campaign) == 0 ||
      job->policy->take_over)
    return 0;
  return err_set (err, ERR_REFUSED,
                  "in-work: campaign %s has marked this VM since %s; see "
                  "'bootmend status %s', or give --take-over if that campaign "
                  "is lost",
                  other, json_str (job->now, "mark.since", "?"), other);
}

/* A disk is attached only within its own zone. */
static int
check_helper (const struct job *job, struct err **err)
{
  if (!job_attaches (job) || job->policy->helpers == NULL ||
      helpers_serve (job->policy->helpers, job->binding, job->now))
    return 0;
  return err_set (err, ERR_REFUSED,
                  "no-helper: there is no helper with a free slot in its zone "
                  "'%s'; give one with --helper",
                  json_str (job->now, "zone", ""));
}

static int
check_power (const struct job *job, struct err **err)
{
  const char *power = json_str (job->now, "power", "other");

  if (strcmp (power, "running") == 0 || strcmp (power, "stopped") == 0)
    return 0;
  return err_set (err, ERR_REFUSED,
                  "power-state: it is neither running nor stopped, but '%s': "
                  "try again when that is over",
                  power);
}

enum verdict
preflight_seen (struct job *job, struct err **err)
{
  const json_t *refusals = json_at (job->now, "refusals");
  json_t *item;
  size_t i;

  json_array_foreach (refusals, i, item) if (!is_allowed (job, item))
  {
    err_set (err, ERR_REFUSED, "%s: %s", json_str (item, "code", "?"),
             json_str (item, "text", ""));
    return VERDICT_FAIL;
  }
  if (json_at (job->now, "os_disk") == NULL) {
    err_set (err, ERR_REFUSED, "no-os-disk: this VM has no OS disk");
    return VERDICT_FAIL;
  }
  if (check_planned (job, err) == -1 || check_mark (job, err) == -1 ||
      check_power (job, err) == -1 || check_helper (job, err) == -1)
    return VERDICT_FAIL;
  json_array_foreach (json_at (job->now, "warnings"), i, item)
      job_note (job, "%s: %s", json_str (item, "code", "warning"),
                json_str (item, "text", ""));
  json_decref (job->before);
  job->before = json_deep_copy (job->now);
  json_object_del (job->before, "mark");
  job->changed = true;
  return VERDICT_YES;
}

/* --- mark --------------------------------------------------------------- */

static bool
marked_by_us (const struct job *job)
{
  return strcmp (json_str (job->now, "mark.campaign", ""),
                 job->policy->campaign) == 0;
}

enum verdict
mark_seen (struct job *job, struct err **err)
{
  if (!job_has_op (job, OP_MARK) || marked_by_us (job))
    return VERDICT_YES;
  return check_mark (job, err) == -1 ? VERDICT_FAIL : VERDICT_NO;
}

enum verdict
unmark_seen (struct job *job, struct err **err)
{
  (void)err;
  return !job_has_op (job, OP_UNMARK) || !marked_by_us (job) ? VERDICT_YES
                                                             : VERDICT_NO;
}

static int
batch_effect (const struct job *job, enum op_id op, struct effect *effect)
{
  effect->kind = EFFECT_OP;
  effect->op = op;
  effect->in = json_make ("{s:[O]}", "vms", job->now);
  return 0;
}

/* Serves both rows: which of them the job is at says which. */
int
mark_act (struct job *job, struct effect *effect, struct err **err)
{
  bool unmark = strcmp (job->step->name, "unmark") == 0;

  (void)err;
  batch_effect (job, unmark ? OP_UNMARK : OP_MARK, effect);
  json_put (effect->in, "mark",
            json_make ("{s:s}", "campaign", job->policy->campaign));
  return 0;
}

enum verdict
batch_reply (struct job *job, json_t *out, struct err **err)
{
  const char *id = json_str (job->now, "id", "");
  json_t *item;
  size_t i;

  json_array_foreach (json_at (out, "failed"), i,
                      item) if (strcmp (json_str (item, "id", ""), id) == 0)
  {
    err_move (err, json_to_err (json_at (item, "error")));
    return VERDICT_FAIL;
  }
  return VERDICT_YES;
}

/* --- power -------------------------------------------------------------- */

/* Whoever marked it since is at work on it. */
enum verdict
stop_seen (struct job *job, struct err **err)
{
  if (!job->back && check_mark (job, err) == -1)
    return VERDICT_FAIL;
  if (!vm_is_power (job->now, "stopped"))
    return VERDICT_NO;
  job_set_fact (job, "shutdown", NULL);
  return VERDICT_YES;
}

/* A guest that loops does not answer a shutdown request; it gets the time that
 * the policy gives from when the request was accepted, then its power is cut.
 * A request that it may still answer is remembered: see settle_stop in
 * engine-job.c. */
int
stop_act (struct job *job, struct effect *effect, struct err **err)
{
  const char *shutdown = json_str (job->facts, "shutdown", "");
  bool force = job->policy->shutdown_ms == 0 ||
               (job->attempt > 1 && (strcmp (shutdown, "accepted") == 0 ||
                                     strcmp (shutdown, "cut") == 0));

  (void)err;
  batch_effect (job, OP_STOP, effect);
  json_put_bool (effect->in, "force", force);
  if (!force)
    job_set_fact (job, "shutdown", json_string ("asked"));
  else if (*shutdown)
    job_set_fact (job, "shutdown", json_string ("cut"));
  return 0;
}

enum verdict
stop_reply (struct job *job, json_t *out, struct err **err)
{
  enum verdict verdict = batch_reply (job, out, err);

  if (verdict == VERDICT_YES &&
      strcmp (json_str (job->facts, "shutdown", ""), "asked") == 0)
    job_set_fact (job, "shutdown", json_string ("accepted"));
  return verdict;
}

bool
start_wanted (const struct job *job)
{
  return job_was_running (job);
}

enum verdict
start_seen (struct job *job, struct err **err)
{
  (void)err;
  return vm_is_power (job->now, "running") ? VERDICT_YES : VERDICT_NO;
}

int
start_act (struct job *job, struct effect *effect, struct err **err)
{
  (void)err;
  return batch_effect (job, OP_START, effect);
}

/* --- attributes --------------------------------------------------------- */

enum verdict
attributes_seen (struct job *job, struct err **err)
{
  CLEANUP_JSON json_t *differences = vm_differences (job->before, job->now);

  (void)err;
  if (json_array_size (differences) == 0)
    return VERDICT_YES;
  job_set_fact (job, "differences", json_incref (differences));
  if (job_has_op (job, OP_RESTORE_ATTRIBUTES))
    return VERDICT_NO;
  return VERDICT_YES; /* "compare" will say so at the end */
}

int
attributes_act (struct job *job, struct effect *effect, struct err **err)
{
  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = OP_RESTORE_ATTRIBUTES;
  effect->in = json_make ("{s:O,s:O}", "vm", job->now, "saved", job->before);
  return 0;
}

/* The last word on "everything as it was": differences are facts that decide
 * the outcome, not errors.  Where describes may be old, only one that can't be
 * is believed to show a difference. */
enum verdict
compare_seen (struct job *job, struct err **err)
{
  json_t *differences = vm_differences (job->before, job->now);
  bool same = json_array_size (differences) == 0 &&
              (!job_was_running (job) || vm_is_power (job->now, "running"));
  int64_t settled_ms = job->step_began_ms + job->binding->provider->settle_ms;

  (void)err;
  job_set_fact (job, "differences", differences);
  return same || job->now_at_ms >= settled_ms ? VERDICT_YES : VERDICT_NO;
}
