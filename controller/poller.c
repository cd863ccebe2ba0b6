/* The shared poller: one describe call about many VMs, or many disks, for each
 * binding, never one call per VM.
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
send_describe (struct engine *engine, struct watcher *watcher, json_t *ids,
               enum depth depth)
{
  struct flight flight = {.id = engine->next_effect++,
                          .binding = watcher->binding,
                          .kind = EFFECT_OP,
                          .op = watcher->op,
                          .depth = depth,
                          .sent_ms = engine_now (engine)};
  struct effect effect = {.id = flight.id,
                          .kind = EFFECT_OP,
                          .binding = watcher->binding,
                          .op = watcher->op,
                          .in = json_object ()};

  json_put (effect.in, "ids", ids);
  if (watcher->op == OP_DESCRIBE && depth == DEPTH_BRIEF)
    json_put_bool (effect.in, "brief", true);
  if (depth == DEPTH_REFUSALS)
    json_put_bool (effect.in, "preflight", true);
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
  unsigned most = watcher->binding->provider->ops[watcher->op].max_ids;

  most >>= watcher->failures < 31 ? watcher->failures : 31;
  return most ? most : 1;
}

static const char *
id_of (const struct job *job, enum op_id op)
{
  if (op == OP_DESCRIBE_DISKS)
    return json_str (job_step_disk (job), "id", "");
  return json_str (job->now ? job->now : job->before, "id", "");
}

static void
describe_wanted (struct engine *engine, struct watcher *watcher,
                 enum depth depth)
{
  size_t most = ids_per_describe (watcher);
  json_t *ids = json_array ();

  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->binding != watcher->binding ||
        !job_wants_look (job, watcher->op) ||
        (watcher->op == OP_DESCRIBE && job_depth (job) != depth))
      continue;
    json_array_append_new (ids, json_string (id_of (job, watcher->op)));
    if (json_array_size (ids) >= most) {
      send_describe (engine, watcher, ids, depth);
      ids = json_array ();
    }
  }
  if (json_array_size (ids))
    send_describe (engine, watcher, ids, depth);
  else
    json_decref (ids);
}

static void
describe_all (struct engine *engine, struct watcher *watcher)
{
  if (watcher->op == OP_DESCRIBE_DISKS) {
    describe_wanted (engine, watcher, DEPTH_BRIEF);
    return;
  }
  for (enum depth depth = DEPTH_BRIEF; depth <= DEPTH_REFUSALS; depth++)
    describe_wanted (engine, watcher, depth);
}

static bool
anyone_wants_look (const struct engine *engine, const struct watcher *watcher)
{
  for (size_t i = 0; i < engine->jobs.len; i++)
    if (engine->jobs.ptr[i]->binding == watcher->binding &&
        job_wants_look (engine->jobs.ptr[i], watcher->op))
      return true;
  return false;
}

static int64_t
interval_ms (const struct engine *engine, const struct watcher *watcher)
{
  unsigned shift = watcher->failures < 5 ? watcher->failures : 5;
  int64_t ms = engine_crowd_ms (engine, watcher->binding,
                                watcher->binding->provider->poll_ms);

  return (ms > engine->policy->poll_ms ? ms : engine->policy->poll_ms) << shift;
}

static int64_t
due_ms (const struct engine *engine, const struct watcher *watcher)
{
  return watcher->last_ms == INT64_MIN
             ? INT64_MIN
             : watcher->last_ms + interval_ms (engine, watcher);
}

static struct watcher *
watcher_of (const struct engine *engine, const struct binding *binding,
            enum op_id op)
{
  for (size_t i = 0; i < engine->watchers.len; i++)
    if (engine->watchers.ptr[i].binding == binding &&
        engine->watchers.ptr[i].op == op)
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
  const struct watcher *vms = watcher_of (engine, binding, OP_DESCRIBE);
  const struct watcher *disks = watcher_of (engine, binding, OP_DESCRIBE_DISKS);

  return blind_since_ms (engine, vms) != INT64_MAX ||
         blind_since_ms (engine, disks) != INT64_MAX;
}

const struct err *
poller_error (const struct engine *engine, const struct binding *binding)
{
  const struct watcher *vms = watcher_of (engine, binding, OP_DESCRIBE);

  return vms->error ? vms->error
                    : watcher_of (engine, binding, OP_DESCRIBE_DISKS)->error;
}

/* Its VMs and its disks may be out of sight at the same time: time counts once,
 * and when both can be seen again.  INT64_MAX: not yet. */
static int64_t
not_counted_since (struct engine *engine, struct watcher *watcher,
                   int64_t since_ms)
{
  if (watcher->dark_since_ms && watcher->dark_since_ms < since_ms)
    since_ms = watcher->dark_since_ms;
  watcher->dark_since_ms = 0;
  for (size_t i = 0; i < engine->watchers.len; i++) {
    struct watcher *other = &engine->watchers.ptr[i];

    if (other->binding != watcher->binding || other == watcher ||
        blind_since_ms (engine, other) == INT64_MAX)
      continue;
    if (other->dark_since_ms == 0 || since_ms < other->dark_since_ms)
      other->dark_since_ms = since_ms;
    return INT64_MAX;
  }
  for (size_t i = 0; i < engine->watchers.len; i++) {
    struct watcher *other = &engine->watchers.ptr[i];

    if (other->binding != watcher->binding)
      continue;
    if (other->counted_to_ms > since_ms)
      since_ms = other->counted_to_ms;
    other->counted_to_ms = engine_now (engine);
  }
  return since_ms;
}

/* It can be asked again: the time without sight counts for no job's step. */
static void
sight_is_back (struct engine *engine, struct watcher *watcher, int64_t since_ms)
{
  int64_t now = engine_now (engine);

  watcher->failures = 0;
  since_ms = not_counted_since (engine, watcher, since_ms);
  for (size_t i = 0; since_ms != INT64_MAX && i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->binding != watcher->binding)
      continue;
    job->step_began_ms += now - since_ms;
    if (job->step_began_ms > now) /* it came there when all was dark */
      job->step_began_ms = now;
  }
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
      describe_all (engine, watcher);
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

    if (!anyone_wants_look (engine, watcher))
      continue;
    if (due < engine_now (engine))
      due = engine_now (engine);
    if (next < 0 || due < next)
      next = due;
  }
  return next;
}

static struct job *
job_of (struct engine *engine, const struct flight *flight, const char *id)
{
  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->binding == flight->binding &&
        strcmp (id_of (job, flight->op), id) == 0)
      return job;
  }
  return NULL;
}

static void
observe_disk (struct job *job, json_t *disk, int64_t sent_ms)
{
  if (sent_ms < job->disk_at_ms)
    return;
  json_decref (job->disk);
  job->disk = disk ? json_incref (disk) : NULL;
  job->disk_at_ms = sent_ms;
}

/* A brief look leaves what it does not show as it was last seen. */
static json_t *
join_brief (const json_t *known, json_t *brief)
{
  static const char *const shown[] = {"os_disk", "mark"};
  json_t *vm = json_copy ((json_t *)known);

  for (size_t i = 0; i < ARRAY_SIZE (shown); i++)
    if (json_object_get (brief, shown[i]) == NULL)
      json_object_del (vm, shown[i]);
  json_object_update (vm, brief);
  return vm;
}

static void
observe_vm (struct job *job, json_t *vm, const struct flight *flight)
{
  /* Its step has changed meanwhile, and wants to know more. */
  bool shallow = job->step && flight->depth < job_depth (job);

  if (shallow || flight->sent_ms < job->now_at_ms)
    return;
  job->gone = vm == NULL;
  if (vm) {
    json_t *known = job->now;

    job->now = flight->depth == DEPTH_BRIEF && known ? join_brief (known, vm)
                                                     : json_incref (vm);
    json_decref (known);
  }
  job->now_at_ms = flight->sent_ms;
  job->now_depth = (int)flight->depth;
}

static void
observe (struct engine *engine, const struct flight *flight, const char *id,
         json_t *seen)
{
  struct job *job = job_of (engine, flight, id);

  if (job == NULL)
    return;
  if (flight->op == OP_DESCRIBE_DISKS)
    observe_disk (job, seen, flight->sent_ms);
  else
    observe_vm (job, seen, flight);
}

void
poller_answer (struct engine *engine, const struct flight *flight,
               const struct completion *c)
{
  struct watcher *watcher = watcher_of (engine, flight->binding, flight->op);
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
      observe (engine, flight, json_str (item, "id", ""), item);
  json_array_foreach (json_at (c->out, "disks"), i, item)
      observe (engine, flight, json_str (item, "id", ""), item);
  json_array_foreach (json_at (c->out, "gone"), i, item)
      observe (engine, flight, json_string_value (item), NULL);
  if (watcher->in_flight == 0)
    describes_over (engine, watcher, since_ms);
}
