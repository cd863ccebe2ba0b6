/* The shared poller: one describe call about many VMs for each binding, never
 * one call per VM.
 *
 * Jobs that want to see their VM (job_wants_look) are gathered; what is seen is
 * put into them.  While none of a binding's describes is answered well, the
 * engine is blind there: nobody's time runs out, and after BLIND_HALT_MS the
 * campaign halts, resumable, instead of giving up VMs that it can't see. */

#include "engine-internal.h"

#include <string.h>

#define DESCRIBE_LIMIT_MS 180000
/* One that takes longer than this makes blind. */
#define SLOW_MS       5000
#define BLIND_HALT_MS (15 * 60 * 1000)

static void
send_describe (struct engine *engine, struct watcher *watcher, json_t *ids)
{
  struct flight flight = {.id = engine->next_effect++,
                          .binding = watcher->binding,
                          .kind = EFFECT_OP,
                          .sent_ms = engine_now (engine)};
  struct effect effect = {.id = flight.id,
                          .kind = EFFECT_OP,
                          .binding = watcher->binding,
                          .op = OP_DESCRIBE,
                          .in = json_object ()};

  json_put (effect.in, "ids", ids);
  flight_vec_push (&engine->flights, flight);
  if (watcher->in_flight++ == 0)
    watcher->answered = false;
  watcher->last_ms = flight.sent_ms;
  engine->world->submit (engine->world, effect);
}

/* One VM that the provider can't describe must not hide all the others: calls
 * that fail get smaller. */
static size_t
ids_per_describe (const struct watcher *watcher)
{
  unsigned most = watcher->binding->provider->ops[OP_DESCRIBE].max_ids;

  most >>= watcher->failures < 31 ? watcher->failures : 31;
  return most ? most : 1;
}

static void
describe_wanted (struct engine *engine, struct watcher *watcher)
{
  size_t most = ids_per_describe (watcher);
  json_t *ids = json_array ();

  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->binding != watcher->binding || !job_wants_look (job))
      continue;
    json_array_append_new (ids, json_string (
                                    json_str (job->now ? job->now : job->before,
                                              "id", "")));
    if (json_array_size (ids) >= most) {
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

static struct watcher *
watcher_of (const struct engine *engine, const struct binding *binding)
{
  for (size_t i = 0; i < engine->watchers.len; i++)
    if (engine->watchers.ptr[i].binding == binding)
      return &engine->watchers.ptr[i];
  return NULL;
}

/* Nothing is seen since when?  INT64_MAX: all is seen. */
static int64_t
blind_since_ms (const struct engine *engine, const struct watcher *watcher)
{
  if (watcher->failures)
    return watcher->failing_since_ms;
  if (watcher->in_flight && engine_now (engine) - watcher->last_ms > SLOW_MS)
    return watcher->last_ms;
  return INT64_MAX;
}

bool
poller_is_blind (const struct engine *engine, const struct binding *binding)
{
  return blind_since_ms (engine, watcher_of (engine, binding)) != INT64_MAX;
}

const struct err *
poller_error (const struct engine *engine, const struct binding *binding)
{
  return watcher_of (engine, binding)->error;
}

/* It can be asked again: the time without sight counts for no job's step. */
static void
sight_is_back (struct engine *engine, struct watcher *watcher, int64_t since_ms)
{
  int64_t now = engine_now (engine);

  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->binding != watcher->binding)
      continue;
    job->step_began_ms += now - since_ms;
    if (job->step_began_ms > now) /* it came there when all was dark */
      job->step_began_ms = now;
  }
  watcher->failures = 0;
}

static void
halt (struct engine *engine, const struct watcher *watcher, const char *why)
{
  engine->stopping = true;
  if (engine->halted)
    return;
  engine->halted = err_copy (watcher->error);
  err_wrap (&engine->halted, "%s: %s%s", watcher->binding->provider->name,
            watcher->binding->account, why);
}

/* The last of the describes that were sent together has been answered. */
static void
describes_over (struct engine *engine, struct watcher *watcher,
                int64_t since_ms)
{
  if (watcher->answered) {
    if (since_ms != INT64_MAX)
      sight_is_back (engine, watcher, since_ms);
    return;
  }
  if (watcher->failures++ == 0)
    watcher->failing_since_ms = watcher->last_ms;
  /* Nobody is turned back without sight: it might be the network. */
  if (engine_now (engine) - watcher->failing_since_ms > BLIND_HALT_MS)
    halt (engine, watcher, ": can't be asked any more; all VMs wait");
}

/* A describe that is never answered must not end all looking. */
static void
drop_overdue (struct engine *engine)
{
  for (size_t i = 0; i < engine->flights.len; i++) {
    struct flight *flight = &engine->flights.ptr[i];
    struct completion late = {.id = flight->id, .last = true};

    if (flight->jobs.len ||
        engine_now (engine) - flight->sent_ms < DESCRIBE_LIMIT_MS)
      continue;
    err_set (&late.err, ERR_TIMEOUT, "a describe got no reply for %d s",
             DESCRIBE_LIMIT_MS / 1000);
    engine_dispatch (engine, &late);
    completion_release (&late);
    return; /* the next one in the next round */
  }
}

void
poller_run (struct engine *engine)
{
  drop_overdue (engine);
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

  if (engine->stopping)
    return -1;
  for (size_t i = 0; i < engine->watchers.len; i++) {
    const struct watcher *watcher = &engine->watchers.ptr[i];
    int64_t due = watcher->in_flight ? watcher->last_ms + DESCRIBE_LIMIT_MS
                                     : due_ms (engine, watcher);

    if (!anyone_wants_look (engine, watcher->binding))
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
  if (job == NULL || sent_ms < job->now_at_ms)
    return;
  job->gone = vm == NULL;
  if (vm) {
    json_decref (job->now);
    job->now = json_incref (vm);
  }
  job->now_at_ms = sent_ms;
}

void
poller_answer (struct engine *engine, const struct flight *flight,
               const struct completion *c)
{
  struct watcher *watcher = watcher_of (engine, flight->binding);
  int64_t since_ms = blind_since_ms (engine, watcher);
  json_t *item;
  size_t i;

  watcher->in_flight--;
  watcher->answered = watcher->answered || c->err == NULL;
  err_free (TAKE (watcher->error));
  if (c->err)
    watcher->error = err_copy (c->err);
  if (c->err && c->err->code == ERR_AUTH)
    halt (engine, watcher, "");
  json_array_foreach (json_at (c->out, "vms"), i, item)
      observe (job_of_vm (engine, flight->binding, json_str (item, "id", "")),
               item, flight->sent_ms);
  json_array_foreach (json_at (c->out, "gone"), i, item)
      observe (job_of_vm (engine, flight->binding, json_string_value (item)),
               NULL, flight->sent_ms);
  if (watcher->in_flight == 0)
    describes_over (engine, watcher, since_ms);
}
