#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <net/memory-transport.h>

/* What a client waits for an answer that never comes. */
#define NO_ANSWER_MS 30000

int64_t
sim_now (const struct sim_world *world)
{
  return world->clock.mono_ms;
}

int64_t
sim_between (struct sim_world *world, int64_t least, int64_t most)
{
  return least +
         (int64_t)random_below (&world->random, (uint64_t)(most - least + 1));
}

int64_t
sim_number (const json_t *table, const char *id)
{
  return json_integer_value (json_object_get (table, id));
}

bool
sim_chance (struct sim_world *world, unsigned permille)
{
  return random_below (&world->random, 1000) < permille;
}

bool
sim_fault (struct sim_world *world, unsigned permille)
{
  return permille && sim_chance (world, permille) && !world->calm;
}

void
sim_trace (struct sim_world *world, const char *fmt, ...)
{
  va_list args;

  if (!world->verbose)
    return;
  printf ("%10.3f  ", (double)sim_now (world) / 1000);
  va_start (args, fmt);
  vprintf (fmt, args);
  va_end (args);
  putchar ('\n');
}

void
sim_violation (struct sim_world *world, const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL;
  va_list args;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  sim_trace (world, "VIOLATION %s", text);
  str_vec_push (&world->violations,
                xasprintf ("at %.3f s: %s", (double)sim_now (world) / 1000,
                           text));
}

/* --- the network ------------------------------------------------------- */

static void
count (struct sim_world *world, const char *action,
       const struct http_reply *reply)
{
  struct sim_call_count *row = NULL;

  for (size_t i = 0; i < world->counts.len && row == NULL; i++)
    if (strcmp (world->counts.ptr[i].action, action) == 0)
      row = &world->counts.ptr[i];
  if (row == NULL) {
    sim_call_count_vec_push (&world->counts,
                             (struct sim_call_count){xstrdup (action), 0, 0,
                                                     0});
    row = &world->counts.ptr[world->counts.len - 1];
  }
  row->calls++;
  row->throttled += world->kind->is_throttled (reply);
  row->failed += reply->status != 200;
}

static double
cpu_s (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* It arrives; returns how long the reply takes. */
static int64_t
arrive (struct sim_world *world, const struct http_request *req,
        struct http_reply *reply)
{
  double began = cpu_s ();
  char action[64];
  int64_t ms = fake_cloud_handle (world->cloud, req, reply);

  world->cloud_cpu_s += cpu_s () - began;
  world->kind->action (req, action, sizeof action);
  count (world, action, reply);
  sim_trace (world, "%s: %s: %d %.*s", world->kind->name,
             req->body ? req->body : req->url, reply->status,
             reply->status >= 400 ? 300 : 0, reply->body ? reply->body : "");
  return ms;
}

static void
arrive_late (void *opaque, void *arg)
{
  struct http_request *req = arg;
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};

  sim_trace (opaque, "late:");
  arrive (opaque, req, &reply);
  http_request_release (req);
  free (req);
}

static void
drop_request (void *arg)
{
  http_request_release (arg);
  free (arg);
}

static int
no_reply (struct sim_world *world, const struct http_request *req,
          int64_t *delay_ms, struct err **err)
{
  *delay_ms = req->deadline_ms ? req->deadline_ms : NO_ANSWER_MS;
  if (sim_chance (world, 500))
    *delay_ms = sim_between (world, 1, *delay_ms);
  return err_set (err, ERR_UNKNOWN_EFFECT, "no reply after %lld ms",
                  (long long)*delay_ms);
}

/* What becomes of it on its way; 1: nothing special. */
static int
fate (struct sim_world *world, const struct http_request *req,
      int64_t *delay_ms, struct err **err)
{
  CLEANUP_HTTP_REPLY struct http_reply ignored = {0};

  if (sim_fault (world, world->faults.unreachable)) {
    *delay_ms = sim_between (world, 1, 5000);
    sim_trace (world, "unreachable: %s", req->body ? req->body : req->url);
    return err_set (err, ERR_TRANSIENT, "can't connect");
  }
  if (sim_fault (world, world->faults.lost)) {
    sim_trace (world, "reply lost:");
    arrive (world, req, &ignored);
    return no_reply (world, req, delay_ms, err);
  }
  if (sim_fault (world, world->faults.late)) {
    no_reply (world, req, delay_ms, err);
    sim_trace (world, "comes late: %s", req->body ? req->body : req->url);
    sim_events_add (&world->events,
                    *delay_ms + sim_between (world, -5000, 1500), arrive_late,
                    drop_request, world, http_request_copy (req));
    return -1;
  }
  if (sim_fault (world, world->faults.twice)) {
    sim_trace (world, "twice:");
    arrive (world, req, &ignored);
  }
  return 1;
}

/* --- keys -------------------------------------------------------------- */

static void
hold_key (struct sim_world *world, unsigned key)
{
  world->held_key = key;
  world->renewing = false;
  world->renewed_wall_ms = clock_wall_ms (&world->clock.clock);
}

void
sim_keys_expire (struct sim_world *world)
{
  world->valid_key++;
  sim_trace (world, "the keys expire");
}

static void
renewed (void *opaque, void *arg)
{
  struct sim_world *world = opaque;
  const unsigned *generation = arg;
  bool in_vain = sim_fault (world, 200); /* the same ones are found */

  if (*generation == world->generation) {
    sim_trace (world, "keys are renewed%s", in_vain ? " in vain" : "");
    hold_key (world, in_vain ? world->held_key : world->valid_key);
  }
  free (arg);
}

static void
refused (void *opaque, struct binding *binding, const char *audience,
         int64_t sent_wall_ms, const struct err *err)
{
  struct sim_world *world = opaque;
  unsigned *generation;

  (void)binding;
  (void)audience;
  (void)err;
  if (world->renewing || sent_wall_ms < world->renewed_wall_ms)
    return;
  world->renewing = true;
  generation = xcalloc (1, sizeof *generation);
  *generation = world->generation;
  sim_events_add (&world->events, sim_between (world, 100, 20000), renewed,
                  free, world, generation);
}

static enum auth_state
authenticate (void *opaque, struct binding *binding, const char *audience,
              struct http_auth *auth, struct err **err)
{
  struct sim_world *world = opaque;

  (void)binding;
  (void)audience;
  (void)err;
  if (world->renewing)
    return AUTH_WAIT;
  snprintf (world->key_id, sizeof world->key_id, "%u", world->held_key);
  auth->access_key_id = world->key_id;
  return AUTH_HAVE;
}

static bool
has_expired (const struct sim_world *world, const struct http_auth *auth)
{
  return auth && auth->access_key_id &&
         strtoul (auth->access_key_id, NULL, 10) != world->valid_key;
}

/* --- answers ------------------------------------------------------------- */

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct sim_world *world = opaque;
  int r;

  if (has_expired (world, auth)) {
    *delay_ms = sim_between (world, 10, 400);
    world->kind->expired (reply);
    return 0;
  }
  r = fate (world, req, delay_ms, err);
  if (r != 1)
    return r;
  *delay_ms = arrive (world, req, reply);
  if (reply->status == FAKE_NO_ANSWER)
    return no_reply (world, req, delay_ms, err);
  if (reply->status == FAKE_RESET || reply->status == FAKE_TRUNCATED)
    return err_set (err, ERR_UNKNOWN_EFFECT, "the connection broke");
  return 0;
}

/* --- the world's interface ----------------------------------------------- */

static void
submit (struct world *base, struct effect effect)
{
  struct sim_world *world = (struct sim_world *)base;

  if (world->check)
    world->check (world->opaque, &effect);
  if (effect.kind == EFFECT_WORK)
    sim_work_submit (world, effect);
  else if (effect.kind == EFFECT_OP)
    http_calls_submit (world->calls, effect);
  else {
    sim_violation (world, "a probe that nobody answers");
    effect_release (&effect);
  }
}

static void
cancel (struct world *base, uint64_t id)
{
  sim_work_cancel ((struct sim_world *)base, id);
}

static void
allow (struct world *base, uint64_t id)
{
  sim_work_allow ((struct sim_world *)base, id);
}

static bool
stands_in_line (struct world *base, uint64_t id)
{
  return http_calls_waits (((struct sim_world *)base)->calls, id);
}

/* Moves the calls on, as far as they go now. */
static void
pump (struct sim_world *world)
{
  struct completion completion;

  http_calls_step (world->calls);
  while (http_calls_collect (world->calls, &completion))
    sim_done_vec_push (&world->done, completion);
}

static bool
collect (struct world *base, struct completion *completion)
{
  struct sim_world *world = (struct sim_world *)base;

  if (world->done.len == 0)
    pump (world);
  if (world->done.len == 0)
    return false;
  *completion = sim_done_vec_remove (&world->done, 0);
  return true;
}

static int64_t
sooner (int64_t a, int64_t b)
{
  return a < 0 ? b : b < 0 || a < b ? a : b;
}

static int64_t
next_ms (const struct sim_world *world)
{
  int64_t wire = transport_next_ms (world->transport);
  int64_t next = wire < 0 ? -1 : sim_now (world) + wire;

  return sooner (sooner (next, http_calls_next_ms (world->calls)),
                 sim_events_next_ms (&world->events));
}

static void
wait_until (struct world *base, int64_t until_ms)
{
  struct sim_world *world = (struct sim_world *)base;

  for (;;) {
    int64_t next;

    pump (world);
    next = next_ms (world);
    if (world->done.len)
      return;
    if (next < 0 && until_ms < 0) {
      sim_violation (world, "the engine waits for nothing");
      until_ms = sim_now (world) + 1000;
    }
    if (until_ms >= 0 && (next < 0 || until_ms <= next)) {
      sim_events_pass (&world->events, until_ms);
      return;
    }
    sim_events_pass (&world->events, next);
  }
}

/* --- life ---------------------------------------------------------------- */

void
sim_world_init (struct sim_world *world, const struct fleet_kind *kind,
                const json_t *config, uint64_t seed)
{
  struct err *err = NULL;

  *world = (struct sim_world){.kind = kind};
  fake_clock_init (&world->clock, INT64_C (1721362140000));
  random_init (&world->random, seed);
  world->events.clock = &world->clock;
  world->world = (struct world){.clock = &world->clock.clock,
                                .submit = submit,
                                .cancel = cancel,
                                .allow = allow,
                                .stands_in_line = stands_in_line,
                                .collect = collect,
                                .wait = wait_until};
  world->evidence = json_object ();
  world->held = json_object ();
  world->troubles = json_object ();
  world->dead = json_object ();
  world->agent_times = (struct sim_agent_times){{10, 9000}, {300, 8000}};
  world->cloud = fake_cloud_new (config, &world->clock.clock, &err);
  if (world->cloud == NULL) {
    fprintf (stderr, "fake cloud: %s\n", err->msg);
    abort ();
  }
}

void
sim_world_begin_life (struct sim_world *world)
{
  const struct memory_service service = {world, answer, NULL};
  struct http_calls_options options = {.clock = &world->clock.clock,
                                       .authenticate = authenticate,
                                       .refused = refused,
                                       .opaque = world};

  world->transport = memory_transport_new (&service, &world->clock.clock);
  world->limiter = limiter_new ();
  hold_key (world, world->valid_key);
  options.transport = world->transport;
  options.limiter = world->limiter;
  options.seed = random_next (&world->random);
  world->calls = http_calls_new (&options);
}

void
sim_world_end_life (struct sim_world *world)
{
  if (world->calls == NULL)
    return;
  world->generation++;
  sim_works_abandon (world);
  for (size_t i = 0; i < world->done.len; i++)
    completion_release (&world->done.ptr[i]);
  world->done.len = 0;
  http_calls_free (TAKE (world->calls));
  transport_free (TAKE (world->transport));
  limiter_free (TAKE (world->limiter));
}

static void
control (struct sim_world *world, json_t *op_taken)
{
  CLEANUP_JSON json_t *op = op_taken;
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (world->cloud, op, &err);

  if (out == NULL)
    sim_violation (world, "%s", err->msg);
}

void
sim_world_set_faults (struct sim_world *world, const json_t *rules)
{
  json_t *rule;
  size_t i;

  json_array_foreach (rules, i, rule)
      control (world, json_make ("{s:s,s:O}", "op", "fault", "rule", rule));
}

void
sim_world_calm (struct sim_world *world)
{
  world->calm = true;
  control (world, json_make ("{s:s}", "op", "clear-faults"));
}

void
sim_world_pass (struct sim_world *world, int64_t ms)
{
  sim_events_pass (&world->events, sim_now (world) + ms);
}

void
sim_world_release (struct sim_world *world)
{
  sim_world_end_life (world);
  sim_events_release (&world->events); /* these name works */
  sim_works_release (world);
  sim_done_vec_release (&world->done);
  for (size_t i = 0; i < world->counts.len; i++)
    free (world->counts.ptr[i].action);
  sim_call_count_vec_release (&world->counts);
  json_decref (world->evidence);
  json_decref (world->held);
  json_decref (world->troubles);
  json_decref (world->dead);
  str_vec_free_all (&world->violations);
  fake_cloud_free (world->cloud);
}
