/* Requests: from the jobs' outbox into calls (filled where one call takes many
 * VMs), on their way, and back to the jobs. */

#include "call-join.h"
#include "engine-internal.h"

/* --- filling calls ---------------------------------------------------------
 *
 * Calls count (the clouds' buckets), so that one which can take many VMs waits
 * a little for those that want the same: provider.gather_ms, as a transaction
 * waits for its group commit. */

static unsigned
ids_per_call (const struct effect *effect)
{
  if (effect->kind != EFFECT_OP)
    return 1;
  return effect->binding->provider->ops[effect->op].max_ids;
}

/* A job's question after its VM's health: whatever it shows may be asked again,
 * and must not be older than what was done to the VM last. */
static bool
is_question (const struct effect *effect)
{
  return effect->kind == EFFECT_OP && effect->op == OP_DESCRIBE;
}

static bool
same_call (const struct effect *a, const struct effect *b)
{
  return a->kind == EFFECT_OP && b->kind == EFFECT_OP &&
         a->binding == b->binding && a->op == b->op &&
         call_may_join (&a->binding->provider->ops[a->op], a->in, b->in);
}

static bool
is_full (const struct outgoing *outgoing)
{
  const json_t *list =
      json_object_get (outgoing->effect.in, call_list (outgoing->effect.in));

  return json_array_size (list) >= ids_per_call (&outgoing->effect);
}

/* A question waits longer: it is asked again and again. */
#define QUESTION_LOOKS 2

static int64_t
hold_ms (const struct engine *engine, const struct effect *effect)
{
  const struct provider *provider = effect->binding->provider;

  if (ids_per_call (effect) <= 1)
    return 0;
  return engine_crowd_ms (engine, effect->binding,
                          is_question (effect)
                              ? QUESTION_LOOKS * provider->poll_ms
                              : provider->gather_ms);
}

/* Joins a call that waits; false: there is none that fits. */
static bool
join (struct engine *engine, struct job *job, const struct effect *effect,
      int64_t not_before_ms)
{
  const char *key = call_list (effect->in);

  for (size_t i = 0; i < engine->outbox.len; i++) {
    struct outgoing *other = &engine->outbox.ptr[i];

    if (is_full (other) || other->due_ms < not_before_ms ||
        !same_call (&other->effect, effect))
      continue;
    json_array_extend (json_object_get (other->effect.in, key),
                       json_object_get (effect->in, key));
    if (job) {
      job_vec_push (&other->jobs, job);
      job->effect = other->effect.id;
    }
    if (other->not_before_ms < not_before_ms)
      other->not_before_ms = not_before_ms;
    return true;
  }
  return false;
}

void
outbox_add (struct engine *engine, struct job *job, struct effect effect)
{
  int64_t now = engine_now (engine);
  struct outgoing outgoing = {.effect = effect, .not_before_ms = now};

  if (job && is_question (&effect) && job->trust_after_ms > now)
    outgoing.not_before_ms = job->trust_after_ms;
  if (ids_per_call (&effect) > 1 &&
      join (engine, job, &effect, outgoing.not_before_ms)) {
    effect_release (&effect);
    return;
  }
  outgoing.due_ms =
      now + (effect.kind == EFFECT_OP ? hold_ms (engine, &effect) : 0);
  if (outgoing.due_ms < outgoing.not_before_ms)
    outgoing.due_ms = outgoing.not_before_ms;
  if (job) /* else it is the campaign's own question */
    job_vec_push (&outgoing.jobs, job);
  outgoing_vec_push (&engine->outbox, outgoing);
}

static bool
is_due (const struct engine *engine, const struct outgoing *outgoing)
{
  int64_t now = engine_now (engine);

  if (engine->stopping || now >= outgoing->due_ms)
    return true;
  return is_full (outgoing) && now >= outgoing->not_before_ms;
}

static void
send (struct engine *engine, struct outgoing *outgoing)
{
  const struct effect *effect = &outgoing->effect;
  struct flight flight = {.id = effect->id,
                          .jobs = outgoing->jobs,
                          .binding = effect->binding,
                          .kind = effect->kind,
                          .op = effect->op,
                          .changes =
                              outgoing->jobs.len &&
                              job_has_effect (outgoing->jobs.ptr[0], effect),
                          .sent_ms = engine_now (engine)};

  flight_vec_push (&engine->flights, flight);
  engine->world->submit (engine->world, *effect);
}

void
outbox_flush (struct engine *engine)
{
  size_t i = 0;

  while (i < engine->outbox.len) {
    struct outgoing outgoing;

    if (!is_due (engine, &engine->outbox.ptr[i])) {
      i++;
      continue;
    }
    outgoing = outgoing_vec_remove (&engine->outbox, i);
    send (engine, &outgoing);
  }
}

int64_t
outbox_deadline (const struct engine *engine)
{
  int64_t next = -1;

  for (size_t i = 0; i < engine->outbox.len; i++)
    if (next < 0 || engine->outbox.ptr[i].due_ms < next)
      next = engine->outbox.ptr[i].due_ms;
  return next;
}

static void
outgoing_release (struct outgoing *outgoing)
{
  job_vec_release (&outgoing->jobs);
  effect_release (&outgoing->effect);
}

void
outbox_drop_questions (struct engine *engine)
{
  size_t i = 0;

  while (i < engine->outbox.len) {
    struct outgoing outgoing;

    if (!is_question (&engine->outbox.ptr[i].effect)) {
      i++;
      continue;
    }
    outgoing = outgoing_vec_remove (&engine->outbox, i);
    for (size_t j = 0; j < outgoing.jobs.len; j++) {
      outgoing.jobs.ptr[j]->effect = 0;
      outgoing.jobs.ptr[j]->phase = PHASE_ENTER;
    }
    outgoing_release (&outgoing);
  }
}

void
outbox_release (struct engine *engine)
{
  for (size_t i = 0; i < engine->outbox.len; i++)
    outgoing_release (&engine->outbox.ptr[i]);
  outgoing_vec_release (&engine->outbox);
}

/* --- on their way -----------------------------------------------------------
 */

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

void
outbox_cancel_work (struct engine *engine, struct job *job)
{
  for (size_t i = 0; i < engine->flights.len; i++) {
    const struct flight *flight = &engine->flights.ptr[i];

    if (flight->id != job->effect || flight->kind != EFFECT_WORK ||
        job->cancelled)
      continue;
    job->cancelled = true;
    engine->world->cancel (engine->world, flight->id);
    return;
  }
}

bool
outbox_withdraw (struct engine *engine, struct job *job)
{
  for (size_t i = 0; i < engine->outbox.len; i++) {
    struct outgoing *outgoing = &engine->outbox.ptr[i];
    json_t *list =
        json_object_get (outgoing->effect.in, call_list (outgoing->effect.in));

    if (outgoing->effect.id != job->effect)
      continue;
    for (size_t j = 0; j < outgoing->jobs.len; j++) {
      if (outgoing->jobs.ptr[j] != job)
        continue;
      job_vec_remove (&outgoing->jobs, j);
      json_array_remove (list, j);
      break;
    }
    if (outgoing->jobs.len == 0) {
      job_vec_release (&outgoing->jobs);
      effect_release (&outgoing->effect);
      outgoing_vec_remove (&engine->outbox, i);
    }
    job->effect = 0;
    return true;
  }
  return false;
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
      job_complete_late (engine, job, flight->op);
  }
}

static void
progress (struct engine *engine, const struct flight *flight,
          const struct completion *completion)
{
  const char *event = json_str (completion->out, "event", "");

  for (size_t i = 0; i < flight->jobs.len; i++) {
    job_helper_alive (engine, flight->jobs.ptr[i], false);
    if (strcmp (event, "ask") == 0 && flight->jobs.ptr[i]->effect == flight->id)
      job_asked (engine, flight->jobs.ptr[i], flight->id);
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
      progress (engine, flight, completion);
      if (engine->hooks.progress && flight->jobs.len)
        engine->hooks.progress (engine->hooks.opaque, flight->jobs.ptr[0],
                                completion->out);
      return;
    }
    done = flight_vec_remove (&engine->flights, i);
    if (done.renewal)
      lease_answer (engine, &done, completion);
    else if (done.jobs.len)
      land (engine, &done, completion);
    else if (done.kind == EFFECT_PROBE)
      waves_answer (engine, completion);
    else
      poller_answer (engine, &done, completion);
    job_vec_release (&done.jobs);
    return;
  }
}
