/* How many calls the engine makes, and how soon: calls that take many VMs are
 * filled, looks and questions after health are shared, and a campaign of a few
 * VMs waits for nobody.
 *
 * The world is a cloud in memory on a fake clock: a reply takes 200 ms, a VM
 * stops in 20 to 40 s and is healthy 60 to 90 s after its start, an agent needs
 * 5 to 25 s. */

#include "unit.h"

#include <string.h>

#include <base/vec.h>
#include <controller/engine.h>
#include <controller/step.h>

#define REPLY_MS 200
#define N_MOST   400

struct vm {
  bool on, marked;
  int64_t changes_ms; /* it is as `on` says from here on */
  int64_t asked_ms;   /* the last question after its health was sent ... */
  int64_t proven_ms;  /* ... and the first one that showed it well */
};

struct pending {
  struct completion completion;
  int64_t at_ms;
};
DEFINE_VEC (struct pending, pending_vec);

struct small_world {
  struct world world; /* first */
  struct fake_clock clock;
  struct vm vms[N_MOST];
  struct pending_vec pending;
  unsigned calls[OP_COUNT], about[OP_COUNT], questions, mixed;
  json_t *requests; /* {request: how often}; NULL: uncounted */
  unsigned lost;    /* so many replies to stops get lost, before their effect */
  const char *held; /* why no mark can be taken away; NULL: it can */
  int64_t line_ms;  /* each stop stands in line for so long ... */
  bool untold;      /* ... and nobody is told */
};

static const char *const together[] = {"zone", NULL};

#define ROW(name_, ids, changes_)                                              \
  {                                                                            \
    .name = (name_), .limit_class = "x", .max_ids = (ids),                     \
    .changes = (changes_)                                                      \
  }

static const struct provider gathering =
    {.name = "gathering",
     .caps = CAP_MOVE | CAP_IN_PLACE,
     .settle_ms = 15000,
     .poll_ms = 4000,
     .gather_ms = 5000,
     .ops = {[OP_DESCRIBE] = ROW ("describe", 200, false),
             [OP_STOP] = ROW ("stop", 50, true),
             [OP_START] = {.name = "start",
                           .limit_class = "x",
                           .max_ids = 50,
                           .changes = true,
                           .together = together},
             [OP_MARK] = ROW ("mark", 200, true),
             [OP_UNMARK] = ROW ("unmark", 200, true)}};

static struct vm *
vm_of (struct small_world *w, const char *id)
{
  return &w->vms[atoi (id + 2)];
}

static int64_t
now_of (const struct small_world *w)
{
  return clock_now_ms (&w->clock.clock);
}

static json_t *
record_of (struct small_world *w, const char *id, bool health)
{
  const struct vm *vm = vm_of (w, id);
  bool settled = now_of (w) >= vm->changes_ms;
  int n = atoi (id + 2);
  json_t *record =
      json_make ("{s:s,s:s,s:s,s:s,s:b,s:s,s:{s:s,s:I},s:{}}", "provider",
                 "gathering", "id", id, "name", id, "zone", n % 2 ? "a" : "b",
                 "status_checks", 1, "power",
                 !settled ? "other"
                 : vm->on ? "running"
                          : "stopped",
                 "os_disk", "id", id, "size_bytes", (json_int_t)1 << 30,
                 "attributes");

  if (vm->marked)
    json_put (record, "mark", json_make ("{s:s}", "campaign", "c"));
  if (health)
    json_put_str (record, "health",
                  vm->on && now_of (w) >= vm->changes_ms + 60000 + n % 30 * 1000
                      ? "ok"
                      : "impaired");
  return record;
}

static json_t *
describe (struct small_world *w, const json_t *in)
{
  bool health = json_bool (in, "health", false);
  json_t *vms = json_array (), *id;
  size_t i;

  w->questions += health;
  json_array_foreach (json_at (in, "ids"), i, id)
  {
    json_array_append_new (vms, record_of (w, json_string_value (id), health));
  }
  return json_make ("{s:o,s:[]}", "vms", vms, "gone");
}

static void
change (struct small_world *w, enum op_id op, const json_t *in)
{
  const json_t *vms = json_at (in, "vms");
  const char *zone = json_str (json_array_get (vms, 0), "zone", "");
  json_t *item;
  size_t i;

  json_array_foreach ((json_t *)vms, i, item)
  {
    struct vm *vm = vm_of (w, json_str (item, "id", ""));

    w->mixed += op == OP_START && strcmp (json_str (item, "zone", ""), zone);
    if (op == OP_MARK || op == OP_UNMARK)
      vm->marked = op == OP_MARK;
    else {
      vm->on = op == OP_START;
      vm->changes_ms =
          now_of (w) +
          (vm->on ? 5000 : 20000 + (int)i % 20 * 1000 + w->line_ms);
    }
  }
}

static void
note_request (struct small_world *w, const json_t *in)
{
  const char *request = json_str (in, "request", NULL);

  if (request && w->requests)
    json_put_int (w->requests, request,
                  1 + json_integer_value (
                          json_object_get (w->requests, request)));
}

static void
submit (struct world *world, struct effect effect)
{
  struct small_world *w = (struct small_world *)world;
  struct pending pending = {{.id = effect.id, .last = true},
                            now_of (w) + REPLY_MS};
  size_t vms = json_array_size (json_at (effect.in, "vms"));

  if (effect.kind == EFFECT_WORK) {
    pending.completion.out = json_make ("{s:s}", "outcome", "repaired");
    pending.at_ms += 5000 + (int64_t)(effect.id % 20) * 1000;
  } else {
    w->calls[effect.op]++;
    note_request (w, effect.in);
    w->about[effect.op] +=
        vms ? vms : json_array_size (json_at (effect.in, "ids"));
    if (effect.op == OP_DESCRIBE)
      pending.completion.out = describe (w, effect.in);
    else if (effect.op == OP_STOP && w->lost > 0) {
      w->lost--;
      err_set (&pending.completion.err, ERR_UNKNOWN_EFFECT, "no reply");
    } else if (effect.op == OP_UNMARK && w->held) {
      err_set (&pending.completion.err, ERR_TRANSIENT, "%s", w->held);
    } else {
      change (w, effect.op, effect.in);
      pending.completion.out = json_object ();
      if (effect.op == OP_STOP) {
        pending.at_ms += w->line_ms;
        pending.completion.waited_ms = w->line_ms;
      }
    }
  }
  pending_vec_push (&w->pending, pending);
  effect_release (&effect);
}

static bool
stands_in_line (struct world *world, uint64_t id)
{
  struct small_world *w = (struct small_world *)world;

  for (size_t i = 0; i < w->pending.len; i++)
    if (w->pending.ptr[i].completion.id == id)
      return !w->untold && w->pending.ptr[i].at_ms > now_of (w) + REPLY_MS;
  return false;
}

static bool
collect (struct world *world, struct completion *completion)
{
  struct small_world *w = (struct small_world *)world;

  for (size_t i = 0; i < w->pending.len; i++)
    if (w->pending.ptr[i].at_ms <= now_of (w)) {
      *completion = pending_vec_remove (&w->pending, i).completion;
      return true;
    }
  return false;
}

static void
wait_until (struct world *world, int64_t until_ms)
{
  struct small_world *w = (struct small_world *)world;

  for (size_t i = 0; i < w->pending.len; i++)
    if (until_ms < 0 || w->pending.ptr[i].at_ms < until_ms)
      until_ms = w->pending.ptr[i].at_ms;
  if (until_ms > now_of (w))
    fake_clock_advance (&w->clock, until_ms - now_of (w));
}

struct run {
  struct small_world world;
  int64_t took_ms;
  size_t repaired;
  char *reason; /* of the first VM */
};

static void
run_campaign (struct run *run, const struct provider *provider, int n)
{
  struct small_world *w = &run->world;
  struct small_world asked = *w;
  struct binding binding = {.provider = provider,
                            .account = (char *)"1",
                            .region = (char *)""};
  CLEANUP_JSON json_t *request =
      json_make ("{s:s,s:{s:s,s:i,s:i}}", "id", "c", "policy", "health",
                 "status", "max_in_flight", n, "shutdown_ms", 0);
  CLEANUP_ERR struct err *err = NULL;
  struct policy *policy = policy_new (request, NULL, &err);
  struct engine *engine;
  enum engine_end end;
  int64_t began;

  CU_ASSERT_PTR_NOT_NULL_FATAL (policy);
  memset (run, 0, sizeof *run);
  w->requests = asked.requests;
  w->lost = asked.lost;
  w->line_ms = asked.line_ms;
  w->untold = asked.untold;
  w->held = asked.held;
  fake_clock_init (&w->clock, 1000000);
  w->world = (struct world){.clock = &w->clock.clock,
                            .submit = submit,
                            .stands_in_line = stands_in_line,
                            .collect = collect,
                            .wait = wait_until};
  engine = engine_new (&w->world, NULL, policy, NULL, 7);
  struct job *jobs[N_MOST];
  for (int i = 0; i < n; i++) {
    CLEANUP_FREE char *id = xasprintf ("i-%d", i);
    CLEANUP_JSON json_t *found = NULL;

    w->vms[i].on = true;
    w->vms[i].changes_ms = -1000;
    found = record_of (w, id, false);
    jobs[i] =
        job_new (i + 1, found, &binding, strategy_by_name ("move"), policy);
    engine_add_job (engine, jobs[i]);
  }
  began = now_of (w);
  CU_ASSERT_EQUAL (engine_run (engine, &end, &err), 0);
  run->took_ms = now_of (w) - began;
  engine_free (engine);
  for (int i = 0; i < n; i++) {
    run->repaired += jobs[i]->outcome == OUT_REPAIRED;
    if (i == 0 && jobs[i]->reason)
      run->reason = xstrdup (jobs[i]->reason);
    job_free (jobs[i]);
  }
  policy_free (policy);
  for (size_t i = 0; i < w->pending.len; i++) /* nobody waits for them */
    completion_release (&w->pending.ptr[i].completion);
  pending_vec_release (&w->pending);
}

static void
run_free (struct run *run)
{
  json_decref (run->world.requests);
  free (run->reason);
  free (run);
}

static double
calls_per_vm (const struct run *run, enum op_id op, int n)
{
  return (double)run->world.calls[op] / n;
}

static void
test_calls_are_filled (void)
{
  struct run *run = xcalloc (1, sizeof *run);

  run_campaign (run, &gathering, N_MOST);
  CU_ASSERT_EQUAL (run->repaired, N_MOST);
  printf ("\n  %d VMs in %lld s; calls: describe %u (%u for health), stop %u, "
          "start %u, mark %u, unmark %u ",
          N_MOST, (long long)run->took_ms / 1000, run->world.calls[OP_DESCRIBE],
          run->world.questions, run->world.calls[OP_STOP],
          run->world.calls[OP_START], run->world.calls[OP_MARK],
          run->world.calls[OP_UNMARK]);
  CU_ASSERT (calls_per_vm (run, OP_STOP, N_MOST) <= 0.05);
  CU_ASSERT (calls_per_vm (run, OP_START, N_MOST) <= 0.15);
  CU_ASSERT (calls_per_vm (run, OP_MARK, N_MOST) <= 0.05);
  CU_ASSERT (calls_per_vm (run, OP_UNMARK, N_MOST) <= 0.15);
  CU_ASSERT (calls_per_vm (run, OP_DESCRIBE, N_MOST) <= 0.60);
  /* Two and more questions about each VM, and few calls. */
  CU_ASSERT (run->world.questions <= 60);
  CU_ASSERT_EQUAL (run->world.mixed, 0);
  run_free (run);
}

/* As if nothing were gathered: waiting for others costs a few VMs nothing. */
static void
test_few_wait_for_nobody (void)
{
  struct provider eager = gathering;
  struct run *with = xcalloc (1, sizeof *with);
  struct run *without = xcalloc (1, sizeof *without);

  eager.poll_ms = eager.gather_ms = 0;
  run_campaign (with, &gathering, 4);
  run_campaign (without, &eager, 4);
  CU_ASSERT_EQUAL (with->repaired, 4);
  CU_ASSERT_EQUAL (without->repaired, 4);
  printf ("\n  4 VMs in %lld ms, %lld ms without gathering ",
          (long long)with->took_ms, (long long)without->took_ms);
  CU_ASSERT (with->took_ms <= without->took_ms + 4000);
  run_free (with);
  run_free (without);
}

/* Where a provider wants it, each request that changes something has a text of
 * its own, and only those. */
static void
test_requests (void)
{
  static const enum op_id changing[] = {OP_MARK, OP_STOP, OP_START, OP_UNMARK};
  struct provider wanting = gathering;
  struct run *with = xcalloc (1, sizeof *with);
  struct run *without = xcalloc (1, sizeof *without);
  unsigned calls = 0;

  wanting.request_ids = true;
  for (size_t i = 0; i < ARRAY_SIZE (changing); i++)
    wanting.ops[changing[i]].max_ids = 1;
  with->world.requests = json_object ();
  without->world.requests = json_object ();
  run_campaign (with, &wanting, 4);
  run_campaign (without, &gathering, 4);
  for (size_t i = 0; i < ARRAY_SIZE (changing); i++)
    calls += with->world.calls[changing[i]];
  CU_ASSERT_EQUAL (with->repaired, 4);
  CU_ASSERT (calls >= 16);
  CU_ASSERT_EQUAL (json_object_size (with->world.requests), calls);
  CU_ASSERT_PTR_NOT_NULL (
      json_object_get (with->world.requests, "c/1/on/stop/2"));
  CU_ASSERT_EQUAL (json_object_size (without->world.requests), 0);
  run_free (with);
  run_free (without);
}

static int64_t
count_of (const struct run *run, const char *request)
{
  return json_integer_value (json_object_get (run->world.requests, request));
}

/* A request whose reply was lost is the same one when it is sent again. */
static void
test_same_request (void)
{
  struct provider wanting = gathering;
  struct run *run = xcalloc (1, sizeof *run);

  wanting.request_ids = true;
  run->world.requests = json_object ();
  run->world.lost = 1;
  for (int op = 0; op < OP_COUNT; op++)
    if (wanting.ops[op].changes)
      wanting.ops[op].max_ids = 1;
  run_campaign (run, &wanting, 1);
  CU_ASSERT_EQUAL (run->repaired, 1);
  CU_ASSERT_EQUAL (run->world.lost, 0);
  CU_ASSERT_EQUAL (count_of (run, "c/1/on/stop/2"), 2);
  CU_ASSERT_EQUAL (count_of (run, "c/1/on/mark/1"), 1);
  run_free (run);
}

/* Whoever reads that a step took too long has to know what stood in its way. */
static void
test_last_failure (void)
{
  struct run *run = xcalloc (1, sizeof *run);

  run->world.held = "cannot acquire the lock of i-0";
  run_campaign (run, &gathering, 1);
  CU_ASSERT_EQUAL (run->repaired, 0);
  CU_ASSERT_PTR_NOT_NULL_FATAL (run->reason);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (run->reason, "s: cannot acquire the lock of i-0"));
  run_free (run);
}

/* Tokens are scarce and VMs are many: a request that has not left yet is not
 * given up, however long its step may take. */
static void
test_standing_in_line (void)
{
  struct run *told = xcalloc (1, sizeof *told);
  struct run *untold = xcalloc (1, sizeof *untold);

  told->world.line_ms = untold->world.line_ms = 3600000;
  untold->world.untold = true;
  run_campaign (told, &gathering, 3);
  run_campaign (untold, &gathering, 3);
  CU_ASSERT_EQUAL (told->repaired, 3);
  CU_ASSERT (told->took_ms > told->world.line_ms);
  CU_ASSERT_EQUAL (told->world.about[OP_STOP], 3);
  CU_ASSERT_EQUAL (untold->repaired, 0); /* as a reply that never comes */
  run_free (told);
  run_free (untold);
}

static const struct unit_case cases[] = {
    {"calls are filled and looks are shared", test_calls_are_filled},
    {"few VMs wait for nobody", test_few_wait_for_nobody},
    {"requests have names", test_requests},
    {"a lost one is repeated by its name", test_same_request},
    {"a step that takes too long says why", test_last_failure},
    {"standing in line costs no time", test_standing_in_line},
};

UNIT_MAIN ("engine: calls", cases)
