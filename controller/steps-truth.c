/* Steps that keep to the truth: what was so when the VM was looked at first may
 * not be so any more.
 *
 *   recheck       directly before anything is done to a marked VM: is the mark
 *                 ours, and the VM as it was?
 *   look-again    did it come back by itself meanwhile?
 *   reboot-...    --reboot-first: some VMs come back after a reboot or three
 *   soak          --soak: a proven VM is watched before it counts as proven
 *
 * A job that finds out here that its VM is not to be touched goes back (to take
 * its mark away): ERR_REFUSED ends it as skipped, ERR_STOPPED as recovered
 * (engine-fail.c). */

#include "steps-internal.h"

#include <string.h>

#include "mutation.h"
#include "plan.h"
#include "policy.h"

#define BAD_LOOKS 3
/* From another controller's look to its mark; who is slower finds the VM
 * changed. */
#define SLOW_MS 5000

/* --- recheck ----------------------------------------------------------------
 */

enum verdict
recheck_seen (struct job *job, struct err **err)
{
  int64_t settle_ms = binding_settle_ms (job->binding);
  bool brief = !(job->binding->provider->caps & CAP_IN_PLACE);
  CLEANUP_FREE char *change = NULL;

  if (mutated ("no-recheck"))
    return VERDICT_YES;
  /* Who looked before our mark could be seen may write his own until then. */
  if (settle_ms && job->now_at_ms < job->step_began_ms + settle_ms + SLOW_MS)
    return VERDICT_NO;
  if (job_has_op (job, OP_MARK) && !job_marked_by_us (job)) {
    const char *other = json_str (job->now, "mark.campaign", NULL);

    if (other)
      err_set (err, ERR_REFUSED,
               "in-work: campaign %s marked it at the same time, and was the "
               "last: it has this VM",
               other);
    else
      err_set (err, ERR_REFUSED, "in-work: somebody took our mark away");
    return VERDICT_FAIL;
  }
  change = plan_difference (job->before, job->now, brief);
  if (change == NULL)
    return VERDICT_YES;
  err_set (err, ERR_REFUSED, "changed: somebody else is at it: %s", change);
  return VERDICT_FAIL;
}

/* --- look-again -------------------------------------------------------------
 */

enum verdict
look_again_reply (struct job *job, json_t *out, struct err **err)
{
  CLEANUP_FREE char *why = NULL;
  enum health health = health_read (job->policy->health, job, out, &why);

  if (health != HEALTH_OK || job->policy->include_healthy)
    return VERDICT_YES;
  err_set (err, ERR_STOPPED, "it came up by itself and was left alone; %s",
           why);
  return VERDICT_FAIL;
}

/* --- reboot-first -----------------------------------------------------------
 */

bool
reboot_wanted (const struct job *job)
{
  return json_int (job->facts, "reboots", 0) < job->policy->reboot_first &&
         look_wanted (job);
}

bool
reboot_baseline_wanted (const struct job *job)
{
  return reboot_wanted (job) && baseline_wanted (job);
}

/* A crash on the console ends this try; the next one may do better. */
enum verdict
reboot_verify_reply (struct job *job, json_t *out, struct err **err)
{
  int64_t n = json_int (job->facts, "reboots", 0) + 1;
  enum verdict verdict = verify_reply (job, out, err);
  const char *why = json_str (job->facts, "health_after.why", "");

  if (verdict == VERDICT_YES) {
    err_set (err, ERR_STOPPED, "it came up after %lld %s; %s", (long long)n,
             n == 1 ? "reboot" : "reboots", why);
    return VERDICT_FAIL;
  }
  if (verdict == VERDICT_NO &&
      strcmp (json_str (job->facts, "health_after.state", ""), "broken") == 0) {
    err_set (err, ERR_REFUSED, "reboot %lld of %lld: %s", (long long)n,
             (long long)job->policy->reboot_first, why);
    return VERDICT_FAIL;
  }
  return verdict;
}

void
reboot_verify_failed (struct job *job, const struct err *err)
{
  (void)err;
  job_set_fact (job, "reboots",
                json_integer (json_int (job->facts, "reboots", 0) + 1));
  job_set_fact (job, "health_after", NULL);
  job_set_fact (job, "baseline", NULL);
}

const char *
reboot_again (const struct job *job)
{
  return reboot_wanted (job) ? "reboot-stop" : NULL;
}

/* --- soak -------------------------------------------------------------------
 */

bool
soak_wanted (const struct job *job)
{
  return job->policy->soak_ms > 0 &&
         strcmp (json_str (job->facts, "health_after.state", ""), "ok") == 0;
}

/* One bad look may be the network's; several in a row are not. */
enum verdict
soak_reply (struct job *job, json_t *out, struct err **err)
{
  CLEANUP_FREE char *why = NULL;
  enum health health = health_read (job->policy->health, job, out, &why);
  int64_t bad = json_int (job->facts, "soak_bad", 0) + 1;

  if (health == HEALTH_OK) {
    job_set_fact (job, "soak_bad", NULL);
    return VERDICT_NO;
  }
  job_set_fact (job, "soak_bad", json_integer (bad));
  if (bad < BAD_LOOKS)
    return VERDICT_NO;
  err_set (err, ERR_REFUSED, "it was healthy, and is no more: %s", why);
  return VERDICT_FAIL;
}

void
soak_failed (struct job *job, const struct err *err)
{
  json_t *fact = json_object ();

  json_put_str (fact, "state",
                json_at (job->facts, "soak_bad") ? "broken" : "unknown");
  json_put_str (fact, "why", err->msg);
  job_set_fact (job, "health_after", fact);
}
