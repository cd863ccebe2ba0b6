/* Steps before anything is touched: what the VM shows (preflight), and what the
 * provider tells of one VM a call only (protection).  Refusals and warnings of
 * both are judged alike, by the policy's --allow. */

#include "steps-internal.h"

#include <string.h>

#include <base/clock.h>
#include <providers/vm.h>

#include "helpers.h"
#include "mutation.h"
#include "plan.h"
#include "policy.h"

static bool
is_allowed (const struct job *job, const json_t *refusal)
{
  size_t i;
  json_t *code;

  if (!json_bool (refusal, "allow", false))
    return false;
  json_array_foreach (job->policy->allow, i, code)
  {
    if (strcmp (json_string_value (code), json_str (refusal, "code", "")) == 0)
      return true;
  }
  return false;
}

/* A plan's own strategy only checks; the real one waits in a fact. */
static bool
is_meant (const struct job *job, const json_t *refusal)
{
  const json_t *only = json_object_get (refusal, "strategies");
  const char *name = json_str (job->facts, "strategy", job->strategy->name);
  json_t *item;
  size_t i;

  json_array_foreach ((json_t *)only, i, item)
  {
    if (strcmp (json_string_value (item), name) == 0)
      return true;
  }
  return only == NULL;
}

static int
check_refusals (const struct job *job, const json_t *vm, struct err **err)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_at (vm, "refusals"), i, item)
  {
    if (!is_meant (job, item) || is_allowed (job, item))
      continue;
    return err_set (err, ERR_REFUSED, "%s: %s%s%s",
                    json_str (item, "code", "?"), json_str (item, "text", ""),
                    json_bool (item, "allow", false) ? "; --allow " : "",
                    json_bool (item, "allow", false)
                        ? json_str (item, "code", "?")
                        : "");
  }
  return 0;
}

/* The warnings of `vm` but for the first `known`, which were told before. */
static void
note_warnings (struct job *job, const json_t *vm, size_t known)
{
  const json_t *list = json_at (vm, "warnings");

  for (size_t i = known; i < json_array_size (list); i++)
    job_note (job, "%s: %s",
              json_str (json_array_get (list, i), "code", "warning"),
              json_str (json_array_get (list, i), "text", ""));
}

/* A plan is for the VM as it was then. */
static int
check_planned (const struct job *job, struct err **err)
{
  const json_t *planned = json_at (job->facts, "planned");
  CLEANUP_FREE char *difference =
      planned ? plan_difference (planned, job->now, false) : NULL;

  if (difference == NULL)
    return 0;
  return err_set (err, ERR_REFUSED, "changed-since-plan: %s", difference);
}

/* Its campaign has given no sign of life for as long as its lease.  A time that
 * can't be read, or lies ahead (clocks are set), is no sign of death. */
static bool
is_stale (const struct job *job)
{
  int64_t since_ms;

  if (time_parse_ms (json_str (job->now, "mark.since", ""), &since_ms) == -1)
    return false;
  return job->wall_ms - since_ms > job->policy->lease_ms;
}

/* Another campaign's mark is a lock: it holds until its lease is over, or the
 * operator says that it is dead. */
int
job_check_mark (const struct job *job, struct err **err)
{
  const char *other = json_str (job->now, "mark.campaign", NULL);

  if (other == NULL || strcmp (other, job->policy->campaign) == 0 ||
      job->policy->take_over || is_stale (job) || mutated ("ignore-mark"))
    return 0;
  return err_set (
      err, ERR_REFUSED,
      "in-work: campaign %s (%s) has this VM, last sign of life %s; "
      "see 'bootmend status %s', or give --take-over if that "
      "campaign is lost",
      other, json_str (job->now, "mark.controller", "?"),
      json_str (job->now, "mark.since", "?"), other);
}

/* A helper that is stopped takes the disks of others with it.  A plan knows
 * helpers by their ids only. */
static int
check_is_helper (const struct job *job, struct err **err)
{
  const struct policy *policy = job->policy;
  bool is = policy->helpers
                ? helpers_include (policy->helpers, job->now)
                : json_object_get (policy->helper_ids,
                                   json_str (job->now, "id", "")) != NULL;

  if (!is)
    return 0;
  return err_set (err, ERR_REFUSED,
                  "is-helper: it is a helper of this campaign, which has to "
                  "run: leave it out of the selection, and repair it in a "
                  "campaign with another helper");
}

/* A disk is attached only within its own zone. */
static int
check_helper (const struct job *job, struct err **err)
{
  if (!job_attaches (job) || job->policy->helpers == NULL ||
      job->policy->recipe == NULL ||
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
  if (check_refusals (job, job->now, err) == -1)
    return VERDICT_FAIL;
  if (json_at (job->now, "os_disk") == NULL) {
    err_set (err, ERR_REFUSED, "no-os-disk: this VM has no OS disk");
    return VERDICT_FAIL;
  }
  if (check_planned (job, err) == -1 || job_check_mark (job, err) == -1 ||
      check_is_helper (job, err) == -1 || check_power (job, err) == -1 ||
      check_helper (job, err) == -1)
    return VERDICT_FAIL;
  note_warnings (job, job->now, 0);
  json_decref (job->before);
  job->before = json_deep_copy (job->now);
  json_object_del (job->before, "mark");
  job->changed = true;
  return VERDICT_YES;
}

/* --- what takes a call of its own ------------------------------------------
 */

bool
protection_wanted (const struct job *job)
{
  return job_has_op (job, OP_PREFLIGHT);
}

int
protection_act (struct job *job, struct effect *effect, struct err **err)
{
  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = OP_PREFLIGHT;
  effect->in = json_make ("{s:O}", "vm", job->before);
  return 0;
}

/* A job that never passed this has touched nothing: it is as if it had not
 * begun. */
enum verdict
protection_reply (struct job *job, json_t *out, struct err **err)
{
  const json_t *vm = json_at (out, "vm");
  size_t known = json_array_size (json_at (job->before, "warnings"));

  if (check_refusals (job, vm, err) == -1)
    return VERDICT_FAIL;
  note_warnings (job, vm, known);
  return VERDICT_YES;
}
