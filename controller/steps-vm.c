/* Steps on the VM itself: mark, power, attributes. */

#include "steps-internal.h"

#include <string.h>

#include <base/clock.h>
#include <providers/vm.h>

#include "mutation.h"
#include "policy.h"

bool
job_has_op (const struct job *job, enum op_id op)
{
  return job->binding->provider->ops[op].name != NULL;
}

/* --- mark --------------------------------------------------------------- */

bool
job_marked_by_us (const struct job *job)
{
  return strcmp (json_str (job->now, "mark.campaign", ""),
                 job->policy->campaign) == 0;
}

enum verdict
mark_seen (struct job *job, struct err **err)
{
  if (!job_has_op (job, OP_MARK) || job_marked_by_us (job))
    return VERDICT_YES;
  return job_check_mark (job, err) == -1 ? VERDICT_FAIL : VERDICT_NO;
}

/* A mark that is being written anew must not come after it was taken away. */
enum verdict
unmark_ready (struct job *job, struct err **err)
{
  (void)err;
  if (mutated ("overtake-lease"))
    return VERDICT_YES;
  if (job->renewed_ms > job->trust_after_ms)
    job->trust_after_ms = job->early_after_ms = job->renewed_ms;
  return job->renewal ? VERDICT_WAIT : VERDICT_YES;
}

enum verdict
unmark_seen (struct job *job, struct err **err)
{
  (void)err;
  return !job_has_op (job, OP_UNMARK) || !job_marked_by_us (job) ||
                 mutated ("keep-mark")
             ? VERDICT_YES
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
  const char *other = json_str (job->now, "mark.campaign", NULL);
  CLEANUP_FREE char *since = NULL;
  json_t *mark;

  (void)err;
  batch_effect (job, unmark ? OP_UNMARK : OP_MARK, effect);
  mark = json_make ("{s:s}", "campaign", job->policy->campaign);
  json_put (effect->in, "mark", mark);
  if (unmark)
    return 0;
  since = time_format_ms (job->wall_ms - job->wall_ms % 1000);
  json_put_str (mark, "controller", job->policy->controller);
  json_put_str (mark, "since", since);
  if (other && strcmp (other, job->policy->campaign) != 0)
    json_put_str (effect->in, "replaces", other);
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

bool
stop_wanted (const struct job *job)
{
  return !job_swaps_live (job);
}

/* Whoever marked it since is at work on it. */
enum verdict
stop_seen (struct job *job, struct err **err)
{
  if (!job->back && job_check_mark (job, err) == -1)
    return VERDICT_FAIL;
  if (!vm_is_power (job->now, "stopped") &&
      !(vm_is_power (job->now, "stopping") && mutated ("hasty-detach")))
    return vm_is_power (job->now, "stopping") &&
                   (job->binding->provider->caps & CAP_STOPS_ONCE)
               ? VERDICT_WAIT
               : VERDICT_NO;
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
  return job_was_running (job) && !job_swaps_live (job);
}

/* A start may be accepted and come to nothing: the VM is stopped again, with a
 * reason of its own (a key that can't be used, no room).  One such fall may
 * pass; a second one is the answer. */
static bool
fell_again (const struct job *job)
{
  const char *reason = json_str (job->now, "power_reason", "");

  return job->attempt >= 2 && *reason && vm_is_power (job->now, "stopped") &&
         job->now_at_ms > job->acted_ms &&
         strcmp (reason, json_str (job->facts, "stopped_why", "")) != 0;
}

enum verdict
start_seen (struct job *job, struct err **err)
{
  if (vm_is_power (job->now, "running"))
    return VERDICT_YES;
  if (!fell_again (job))
    return VERDICT_NO;
  err_set (err, ERR_REFUSED,
           "it was started %lld times and fell back to stopped: %s",
           (long long)job->attempt, json_str (job->now, "power_reason", "?"));
  return VERDICT_FAIL;
}

int
start_act (struct job *job, struct effect *effect, struct err **err)
{
  const char *word = json_str (job->now, "health_at", NULL);

  (void)err;
  if (job->attempt == 1)
    job_set_fact (job, "stopped_why",
                  json_string (json_str (job->now, "power_reason", "")));
  job_set_fact (job, "word_before", word ? json_string (word) : NULL);
  return batch_effect (job, OP_START, effect);
}

/* --- attributes --------------------------------------------------------- */

enum verdict
attributes_seen (struct job *job, struct err **err)
{
  CLEANUP_JSON json_t *expected = job_expected (job);
  CLEANUP_JSON json_t *differences = vm_differences (expected, job->now);

  (void)err;
  if (json_array_size (differences) == 0 || mutated ("forget-attributes"))
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
  CLEANUP_JSON json_t *expected = job_expected (job);
  json_t *differences = vm_differences (expected, job->now);
  bool same = json_array_size (differences) == 0 &&
              (!job_was_running (job) || vm_is_power (job->now, "running"));
  int64_t settled_ms = job->step_began_ms + binding_settle_ms (job->binding);

  (void)err;
  job_set_fact (job, "differences", differences);
  if (json_bool (job->now, "changing", false))
    return VERDICT_NO; /* how it is will be seen when that has ended */
  return same || job->now_at_ms >= settled_ms ? VERDICT_YES : VERDICT_NO;
}
