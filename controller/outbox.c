/* Requests: from the jobs' outbox into calls (filled where one call takes many
 * VMs), on their way, and back to the jobs. */

#include "engine-internal.h"

#include <string.h>

void
outbox_add (struct engine *engine, struct job *job, struct effect effect)
{
  struct outgoing outgoing = {job, effect};

  outgoing_vec_push (&engine->outbox, outgoing);
}

/* --- filling calls ---------------------------------------------------------
 */

static unsigned
ids_per_call (const struct effect *effect)
{
  if (effect->kind != EFFECT_OP)
    return 1;
  return effect->binding->provider->ops[effect->op].max_ids;
}

/* The same operation with the same words, but for the VMs? */
static bool
same_call (const struct effect *a, const struct effect *b)
{
  const char *key;
  json_t *value;

  if (b->kind != EFFECT_OP || a->binding != b->binding || a->op != b->op ||
      json_object_size (a->in) != json_object_size (b->in))
    return false;
  json_object_foreach (a->in, key, value)
  {
    if (strcmp (key, "vms") != 0 &&
        !json_equal (value, json_object_get (b->in, key)))
      return false;
  }
  return true;
}

/* Moves what fits into the same call from the rest of the outbox to it. */
static void
fill_call (struct engine *engine, struct effect *effect, struct flight *flight)
{
  json_t *vms = json_object_get (effect->in, "vms");
  size_t i = 0;

  while (vms && i < engine->outbox.len &&
         json_array_size (vms) < ids_per_call (effect)) {
    struct outgoing *other = &engine->outbox.ptr[i];

    if (!same_call (effect, &other->effect)) {
      i++;
      continue;
    }
    json_array_extend (vms, json_object_get (other->effect.in, "vms"));
    job_vec_push (&flight->jobs, other->job);
    other->job->effect = flight->id;
    effect_release (&other->effect);
    outgoing_vec_remove (&engine->outbox, i);
  }
}

void
outbox_flush (struct engine *engine)
{
  while (engine->outbox.len) {
    struct outgoing first = outgoing_vec_remove (&engine->outbox, 0);
    struct flight flight = {.id = first.effect.id,
                            .binding = first.effect.binding,
                            .kind = first.effect.kind,
                            .changes =
                                job_has_effect (first.job, &first.effect),
                            .sent_ms = engine_now (engine)};

    job_vec_push (&flight.jobs, first.job);
    if (ids_per_call (&first.effect) > 1)
      fill_call (engine, &first.effect, &flight);
    flight_vec_push (&engine->flights, flight);
    engine->world->submit (engine->world, first.effect);
  }
}

bool
outbox_give_up (struct engine *engine, struct job *job)
{
  for (size_t i = 0; i < engine->flights.len; i++) {
    const struct flight *flight = &engine->flights.ptr[i];

    if (flight->id != job->effect)
      continue;
    if (flight->kind == EFFECT_WORK) {
      job->cancelled = true;
      engine->world->cancel (engine->world, flight->id);
      return false;
    }
    job->abandoned += flight->changes;
    break;
  }
  job->effect = 0;
  return true;
}

bool
outbox_is_busy (const struct engine *engine)
{
  for (size_t i = 0; i < engine->flights.len; i++) {
    const struct flight *flight = &engine->flights.ptr[i];

    for (size_t j = 0; j < flight->jobs.len; j++)
      if (flight->jobs.ptr[j]->effect == flight->id)
        return true;
  }
  return engine->outbox.len > 0;
}

static void
land (struct engine *engine, const struct flight *flight,
      struct completion *completion)
{
  for (size_t i = 0; i < flight->jobs.len; i++) {
    struct job *job = flight->jobs.ptr[i];

    if (job->effect == flight->id)
      job_complete (engine, job, completion);
    else if (flight->changes)
      job_complete_late (engine, job);
  }
}

void
engine_dispatch (struct engine *engine, struct completion *completion)
{
  for (size_t i = 0; i < engine->flights.len; i++) {
    struct flight *flight = &engine->flights.ptr[i];
    struct flight done;

    if (flight->id != completion->id)
      continue;
    if (!completion->last) {
      if (engine->hooks.progress && flight->jobs.len)
        engine->hooks.progress (engine->hooks.opaque, flight->jobs.ptr[0],
                                completion->out);
      return;
    }
    done = flight_vec_remove (&engine->flights, i);
    if (done.jobs.len)
      land (engine, &done, completion);
    else
      poller_answer (engine, &done, completion);
    job_vec_release (&done.jobs);
    return;
  }
}
