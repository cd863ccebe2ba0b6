/* Requests: from the jobs' outbox into calls (filled where one call takes many
 * VMs), on their way, and back to the jobs; and the shared poller. */

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
                            .sent_ms = engine_now (engine)};

    job_vec_push (&flight.jobs, first.job);
    if (ids_per_call (&first.effect) > 1)
      fill_call (engine, &first.effect, &flight);
    flight_vec_push (&engine->flights, flight);
    engine->world->submit (engine->world, first.effect);
  }
}

/* --- the shared poller ------------------------------------------------------
 */

static void
send_describe (struct engine *engine, struct watcher *watcher, json_t *ids)
{
  struct flight flight = {.id = engine->next_effect++,
                          .binding = watcher->binding,
                          .sent_ms = engine_now (engine)};
  struct effect effect = {.id = flight.id,
                          .kind = EFFECT_OP,
                          .binding = watcher->binding,
                          .op = OP_DESCRIBE,
                          .in = json_object ()};

  json_put (effect.in, "ids", ids);
  flight_vec_push (&engine->flights, flight);
  watcher->in_flight++;
  watcher->last_ms = flight.sent_ms;
  engine->world->submit (engine->world, effect);
}

static void
describe_wanted (struct engine *engine, struct watcher *watcher)
{
  unsigned most = watcher->binding->provider->ops[OP_DESCRIBE].max_ids;
  json_t *ids = json_array ();

  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->binding != watcher->binding || !job_wants_look (job))
      continue;
    json_array_append_new (ids, json_string (
                                    json_str (job->now ? job->now : job->before,
                                              "id", "")));
    if (json_array_size (ids) >= (most ? most : 1)) {
      send_describe (engine, watcher, ids);
      ids = json_array ();
    }
  }
  if (json_array_size (ids))
    send_describe (engine, watcher, ids);
  else
    json_decref (ids);
}

static bool
anyone_wants_look (const struct engine *engine, const struct binding *binding)
{
  for (size_t i = 0; i < engine->jobs.len; i++)
    if (engine->jobs.ptr[i]->binding == binding &&
        job_wants_look (engine->jobs.ptr[i]))
      return true;
  return false;
}

static int64_t
interval_ms (const struct engine *engine, const struct watcher *watcher)
{
  unsigned shift = watcher->failures < 5 ? watcher->failures : 5;

  return engine->policy->poll_ms << shift;
}

static int64_t
due_ms (const struct engine *engine, const struct watcher *watcher)
{
  return watcher->last_ms == INT64_MIN
             ? INT64_MIN
             : watcher->last_ms + interval_ms (engine, watcher);
}

void
poller_run (struct engine *engine)
{
  for (size_t i = 0; i < engine->watchers.len; i++) {
    struct watcher *watcher = &engine->watchers.ptr[i];

    if (watcher->in_flight == 0 &&
        due_ms (engine, watcher) <= engine_now (engine))
      describe_wanted (engine, watcher);
  }
}

int64_t
poller_deadline (const struct engine *engine)
{
  int64_t next = -1;

  for (size_t i = 0; i < engine->watchers.len; i++) {
    const struct watcher *watcher = &engine->watchers.ptr[i];
    int64_t due = due_ms (engine, watcher);

    if (watcher->in_flight || !anyone_wants_look (engine, watcher->binding))
      continue;
    if (due < engine_now (engine))
      due = engine_now (engine);
    if (next < 0 || due < next)
      next = due;
  }
  return next;
}

static struct job *
job_of_vm (struct engine *engine, const struct binding *binding, const char *id)
{
  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];
    const json_t *vm = job->now ? job->now : job->before;

    if (job->binding == binding && strcmp (json_str (vm, "id", ""), id) == 0)
      return job;
  }
  return NULL;
}

static void
observe (struct job *job, json_t *vm, int64_t sent_ms)
{
  if (job == NULL)
    return;
  job->gone = vm == NULL;
  if (vm) {
    json_decref (job->now);
    job->now = json_incref (vm);
  }
  job->now_at_ms = sent_ms;
}

static void
described (struct engine *engine, const struct flight *flight,
           const struct completion *c)
{
  json_t *item;
  size_t i;

  for (i = 0; i < engine->watchers.len; i++) {
    struct watcher *watcher = &engine->watchers.ptr[i];

    if (watcher->binding != flight->binding)
      continue;
    watcher->in_flight--;
    watcher->failures = c->err ? watcher->failures + 1 : 0;
  }
  if (c->err && c->err->code == ERR_AUTH && engine->halted == NULL) {
    engine->stopping = true;
    engine->halted = err_copy (c->err);
  }
  json_array_foreach (json_at (c->out, "vms"), i, item)
      observe (job_of_vm (engine, flight->binding, json_str (item, "id", "")),
               item, flight->sent_ms);
  json_array_foreach (json_at (c->out, "gone"), i, item)
      observe (job_of_vm (engine, flight->binding, json_string_value (item)),
               NULL, flight->sent_ms);
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
      job_complete (engine, flight->jobs.ptr[0], completion);
      return;
    }
    done = flight_vec_remove (&engine->flights, i);
    if (done.jobs.len == 0)
      described (engine, &done, completion);
    for (size_t j = 0; j < done.jobs.len; j++)
      if (done.jobs.ptr[j]->effect == done.id) /* else it was given up */
        job_complete (engine, done.jobs.ptr[j], completion);
    job_vec_release (&done.jobs);
    return;
  }
}
