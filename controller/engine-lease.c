/* The mark on a VM is a lock with a lease: while a job is in work, its mark is
 * written anew now and then, so that another controller can tell a campaign
 * that lives from one that died.
 *
 * Who gets it: a controller that finds no mark (or a stale one) writes its own,
 * waits until every look must show it (provider.settle_ms), and reads it back;
 * if two wrote, the last one has it, and the other one leaves the VM alone
 * (steps-truth.c, recheck).  Before its first stop each looks once more, so
 * that one which was slow to write finds the VM changed and leaves it. */

#include "engine-internal.h"
#include "mutation.h"
#include "service-clock.h"

#include <string.h>

#define RENEWALS_IN_LEASE 3
/* ... but as if it were no longer than the default, by which others judge. */
#define LONGEST_LEASE_MS 3600000
/* A renewal that failed is tried again after this part of the lease. */
#define AGAIN_IN_LEASE 12
/* Nobody waits longer for the reply to one; of a short lease, not as long. */
#define REPLY_MS 300000

/* --- what is lost -----------------------------------------------------------
 */

static bool
has_mark (const struct job *job)
{
  const json_t *undo = json_at (job->facts, "undo");
  bool marked = false;
  size_t i;
  json_t *item;

  json_array_foreach (undo, i, item)
  {
    if (strcmp (json_string_value (item), "mark") == 0)
      marked = true;
    else if (strcmp (json_string_value (item), "unmark") == 0)
      marked = false;
  }
  return marked;
}

bool
lease_is_anothers (const struct job *job)
{
  const char *other = json_str (job->now, "mark.campaign", NULL);

  return other && strcmp (other, job->policy->campaign) != 0;
}

bool
lease_is_lost (const struct job *job, struct err **err)
{
  const char *other = json_str (job->now, "mark.campaign", NULL);
  const char *top = job_undo_top (job);

  /* While nothing but the mark stands, there is nothing to lose. */
  if (other == NULL || strcmp (other, job->policy->campaign) == 0 ||
      !has_mark (job) || strcmp (top, "mark") == 0 ||
      job_has_flag (job, STEP_FIRST) || mutated ("ignore-lease"))
    return false;
  err_set (err, ERR_REFUSED,
           "taken-over: campaign %s has taken this VM over (since %s); it is "
           "not touched any more",
           other, json_str (job->now, "mark.since", "?"));
  return true;
}

/* --- renewing ---------------------------------------------------------------
 */

static int64_t
lease_ms (const struct engine *engine)
{
  int64_t ms = engine->policy->lease_ms;

  return ms < LONGEST_LEASE_MS ? ms : LONGEST_LEASE_MS;
}

/* One that is never answered must leave time for the next. */
static int64_t
reply_ms (const struct engine *engine)
{
  int64_t ms = lease_ms (engine) / RENEWALS_IN_LEASE;

  return ms < REPLY_MS ? ms : REPLY_MS;
}

/* The steps that write the mark, or take it away, are left alone. */
static bool
keeps_mark (const struct job *job)
{
  if (job->phase == PHASE_WAITING || job->phase == PHASE_ENDED ||
      job->step == NULL || job->now == NULL || job->gone)
    return false;
  /* Only where a look of ours showed it: it may be another's by now. */
  if (job->now_at_ms < 0 || job->now_at_ms < job->lease_after_ms ||
      strcmp (json_str (job->now, "mark.campaign", ""),
              job->policy->campaign) != 0)
    return false;
  return has_mark (job) && strcmp (job->step->name, "mark") != 0 &&
         strcmp (job->step->name, "unmark") != 0 &&
         job->binding->provider->ops[OP_MARK].name;
}

static int64_t
renew_at_ms (const struct engine *engine, const struct job *job)
{
  return job->marked_ms + lease_ms (engine) / RENEWALS_IN_LEASE;
}

/* The mark of a resumed job is as old as the pause was long: at once. */
void
lease_adopt (struct engine *engine, struct job *job)
{
  job->marked_ms =
      engine_now (engine) - lease_ms (engine) / RENEWALS_IN_LEASE - 1;
  if (job->marked_ms == 0)
    job->marked_ms = -1;
  job->lease_after_ms = job->trust_after_ms;
}

/* When there is something to do: the answer of a renewal is late, or the next
 * is due. */
static int64_t
next_at_ms (const struct engine *engine, const struct job *job)
{
  return job->renewal ? job->renewal_sent_ms + reply_ms (engine)
                      : renew_at_ms (engine, job);
}

/* Asked of every job in every round: what is cheap to know comes first. */
static bool
is_due (struct engine *engine, struct job *job)
{
  int64_t now_ms = engine_now (engine);

  if ((job->marked_ms && now_ms < next_at_ms (engine, job)) ||
      !keeps_mark (job))
    return false;
  if (job->marked_ms == 0) /* it was seen to be there just now */
    job->marked_ms = now_ms;
  if (job->renewal) {
    if (now_ms < next_at_ms (engine, job))
      return false;
    job->renewal = 0; /* its effect may come at any time */
    job->abandoned++;
  }
  return now_ms >= renew_at_ms (engine, job);
}

static json_t *
mark_now (struct engine *engine, const struct binding *binding)
{
  int64_t wall_ms = service_clock_ms (binding, engine->world->clock);
  CLEANUP_FREE char *since = time_format_ms (wall_ms - wall_ms % 1000);

  return json_make ("{s:s,s:s,s:s}", "campaign", engine->policy->campaign,
                    "controller", engine->policy->controller, "since", since);
}

/* As many as one call takes. */
static void
renew (struct engine *engine, const struct binding *binding, size_t first)
{
  const struct provider_op *op = &binding->provider->ops[OP_MARK];
  struct flight flight = {.id = engine->next_effect++,
                          .binding = (struct binding *)binding,
                          .kind = EFFECT_OP,
                          .op = OP_MARK,
                          .renewal = true,
                          .changes = true,
                          .sent_ms = engine_now (engine)};
  struct effect effect = {.id = flight.id,
                          .kind = EFFECT_OP,
                          .binding = flight.binding,
                          .op = OP_MARK};
  json_t *vms = json_array ();

  for (size_t i = first; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->binding != binding || !is_due (engine, job) ||
        json_array_size (vms) >= (op->max_ids ? op->max_ids : 1))
      continue;
    json_array_append (vms, job->now);
    job_vec_push (&flight.jobs, job);
    job->renewal = flight.id;
    job->renewal_sent_ms = engine_now (engine);
  }
  effect.in =
      json_make ("{s:o,s:o}", "vms", vms, "mark", mark_now (engine, binding));
  flight_vec_push (&engine->flights, flight);
  engine->world->submit (engine->world, effect);
}

void
lease_run (struct engine *engine)
{
  if (engine->waves.off || engine->stopping)
    return;
  for (size_t i = 0; i < engine->jobs.len; i++)
    if (is_due (engine, engine->jobs.ptr[i]))
      renew (engine, engine->jobs.ptr[i]->binding, i);
}

int64_t
lease_deadline (const struct engine *engine)
{
  int64_t next = -1;

  for (size_t i = 0; i < engine->jobs.len && !engine->waves.off; i++) {
    const struct job *job = engine->jobs.ptr[i];
    int64_t at = next_at_ms (engine, job);

    if (job->marked_ms && (next < 0 || at < next) && keeps_mark (job))
      next = at;
  }
  return engine->stopping ? -1 : next;
}

static bool
has_failed (const struct job *job, const struct completion *completion)
{
  size_t i;
  json_t *item;

  if (completion->err)
    return true;
  json_array_foreach (json_at (completion->out, "failed"), i, item)
  {
    if (strcmp (json_str (item, "id", ""), json_str (job->now, "id", "")) == 0)
      return true;
  }
  return false;
}

void
lease_answer (struct engine *engine, const struct flight *flight,
              const struct completion *completion)
{
  for (size_t i = 0; i < flight->jobs.len; i++) {
    struct job *job = flight->jobs.ptr[i];
    bool failed = has_failed (job, completion);

    if (job->renewal != flight->id) {
      job_complete_late (engine, job, flight->op);
      continue;
    }
    job->renewal = 0;
    job->marked_ms = failed ? engine_now (engine) -
                                  lease_ms (engine) / RENEWALS_IN_LEASE +
                                  lease_ms (engine) / AGAIN_IN_LEASE
                            : flight->sent_ms;
    /* Who takes the mark away looks after that: it may still be written. */
    if (failed)
      job->renewed_ms = job_trust_after (engine, job, true);
  }
}
