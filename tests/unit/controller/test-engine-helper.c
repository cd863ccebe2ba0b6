/* A helper dies: whatever the moment, its disk is repaired elsewhere, or by
 * that helper, or by nobody, and is never lost.
 *
 * The world is one VM, its disk, and helpers whose agents follow a script. */

#include "unit.h"

#include <string.h>

#include <base/vec.h>
#include <controller/engine.h>
#include <controller/helpers.h>
#include <controller/step.h>

#define REPLY_MS 100

/* What an agent does with a piece of work, one after the other; the last one
 * goes on for ever. */
enum act {
  REPAIRS, /* asks, and repairs when it is let */
  DIES,    /* before it asks */
  DIES_WRITING
};

struct pending {
  struct completion completion;
  int64_t at_ms;
};
DEFINE_VEC (struct pending, pending_vec);

struct small_world {
  struct world world; /* first */
  struct fake_clock clock;
  struct pending_vec pending;
  enum act a[3]; /* helper a's script; b always repairs */
  size_t at;
  bool on;
  char place[8];         /* "vm", "free", "ha", "hb" */
  bool holds;            /* ha lets go only by force */
  bool first_slot_taken; /* by something else */
  bool a_is_gone;
  bool allowed;    /* work that asked may be written */
  bool undo;       /* that work is an undo */
  uint64_t asking; /* 0: none */
  unsigned written, attached_b, forced;
};

static const struct provider attaching = {
    .name = "attaching",
    .caps = CAP_MOVE,
    .ops = {[OP_DESCRIBE] = {.name = "describe", .limit_class = "x"},
            [OP_DESCRIBE_DISKS] = {.name = "disks", .limit_class = "x"},
            [OP_STOP] = {.name = "stop", .limit_class = "x", .changes = true},
            [OP_START] = {.name = "start", .limit_class = "x", .changes = true},
            [OP_DETACH_OS] = {.name = "d", .limit_class = "x", .changes = true},
            [OP_ATTACH_OS] = {.name = "a", .limit_class = "x", .changes = true},
            [OP_HELPER_ATTACH] = {.name = "ha",
                                  .limit_class = "x",
                                  .changes = true},
            [OP_HELPER_DETACH] = {.name = "hd",
                                  .limit_class = "x",
                                  .changes = true}}};

static json_t *
record_of (const struct small_world *w)
{
  json_t *record =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:s,s:{}}", "provider", "attaching",
                 "id", "vm", "name", "vm", "zone", "z", "power",
                 w->on ? "running" : "stopped", "health", "ok", "attributes");

  if (strcmp (w->place, "vm") == 0)
    json_put (record, "os_disk",
              json_make ("{s:s,s:i}", "id", "disk", "size_bytes", 1 << 20));
  return record;
}

static json_t *
disk_of (const struct small_world *w)
{
  bool is_free = strcmp (w->place, "free") == 0;
  json_t *disk = json_make ("{s:s,s:s,s:s}", "id", "disk", "kind", "disk",
                            "state", is_free ? "available" : "attached");

  json_put_str (disk, "attached_to", is_free ? NULL : w->place);
  return disk;
}

static void
answer (struct small_world *w, uint64_t id, json_t *out, struct err *err,
        bool last)
{
  struct pending pending = {{id, out, err, last},
                            clock_now_ms (&w->clock.clock) + REPLY_MS};

  pending_vec_push (&w->pending, pending);
}

static void
lose (struct small_world *w, uint64_t id)
{
  struct err *err = NULL;

  err_set (&err, ERR_UNREACHABLE, "the connection is lost");
  answer (w, id, NULL, err, true);
}

static void
ask (struct small_world *w, uint64_t id)
{
  w->asking = id;
  answer (w, id, json_make ("{s:s}", "event", "ask"), NULL, false);
}

static void
work (struct small_world *w, const struct effect *effect)
{
  bool at_a = strcmp (json_str (effect->in, "helper", ""), "ha") == 0;
  enum act act = REPAIRS;

  CU_ASSERT_STRING_EQUAL (w->place, json_str (effect->in, "helper", ""));
  CU_ASSERT_FALSE (w->on);
  if (at_a) {
    act = w->a[w->at];
    w->at += w->at < ARRAY_SIZE (w->a) - 1;
  }
  if (act == DIES)
    lose (w, effect->id);
  else
    ask (w, effect->id);
  w->allowed = act == REPAIRS; /* whether it will live to say so */
  w->undo = strcmp (json_str (effect->in, "mode", ""), "undo") == 0;
}

static void
allow (struct world *world, uint64_t id)
{
  struct small_world *w = (struct small_world *)world;

  CU_ASSERT_EQUAL (id, w->asking);
  w->written++;
  if (w->allowed)
    answer (w, id,
            json_make ("{s:s,s:b}", "outcome", w->undo ? "undone" : "repaired",
                       "changed", 1),
            NULL, true);
  else
    lose (w, id);
}

static struct err *
change (struct small_world *w, enum op_id op, const json_t *in)
{
  const char *helper = json_str (in, "helper.id", "");
  const char *slot =
      json_str (json_array_get (json_object_get (in, "disks"), 0), "slot", "");
  bool force = json_bool (in, "force", false);
  struct err *err = NULL;

  if (op == OP_STOP || op == OP_START)
    w->on = op == OP_START;
  else if (op == OP_DETACH_OS)
    strcpy (w->place, "free");
  else if (op == OP_ATTACH_OS)
    strcpy (w->place, "vm");
  else if (op == OP_HELPER_ATTACH && w->first_slot_taken &&
           strcmp (slot, "s1") == 0)
    err_set (&err, ERR_TAKEN, "s1 is already in use");
  else if (op == OP_HELPER_ATTACH && w->a_is_gone && strcmp (helper, "ha") == 0)
    err_set (&err, ERR_NOT_FOUND, "there is no instance ha");
  else if (op == OP_HELPER_ATTACH) {
    CU_ASSERT_STRING_EQUAL (w->place, "free");
    snprintf (w->place, sizeof w->place, "%s", helper);
    w->attached_b += strcmp (helper, "hb") == 0;
  } else if (op == OP_HELPER_DETACH &&
             (!w->holds || force || strcmp (helper, "ha") != 0)) {
    strcpy (w->place, "free");
    w->forced += force;
  }
  return err;
}

static void
submit (struct world *world, struct effect effect)
{
  struct small_world *w = (struct small_world *)world;
  struct err *err;

  if (effect.kind == EFFECT_WORK)
    work (w, &effect);
  else if (effect.op == OP_DESCRIBE)
    answer (w, effect.id,
            json_make ("{s:[o],s:[]}", "vms", record_of (w), "gone"), NULL,
            true);
  else if (effect.op == OP_DESCRIBE_DISKS)
    answer (w, effect.id,
            json_make ("{s:[o],s:[]}", "disks", disk_of (w), "gone"), NULL,
            true);
  else {
    err = change (w, effect.op, effect.in);
    answer (w, effect.id, err ? NULL : json_object (), err, true);
  }
  effect_release (&effect);
}

static void
cancel (struct world *world, uint64_t id)
{
  (void)world;
  (void)id;
}

static bool
collect (struct world *world, struct completion *completion)
{
  struct small_world *w = (struct small_world *)world;

  for (size_t i = 0; i < w->pending.len; i++)
    if (w->pending.ptr[i].at_ms <= clock_now_ms (&w->clock.clock)) {
      *completion = pending_vec_remove (&w->pending, i).completion;
      return true;
    }
  return false;
}

static void
wait_until (struct world *world, int64_t until_ms)
{
  struct small_world *w = (struct small_world *)world;
  int64_t now_ms = clock_now_ms (&w->clock.clock);

  for (size_t i = 0; i < w->pending.len; i++)
    if (until_ms < 0 || w->pending.ptr[i].at_ms < until_ms)
      until_ms = w->pending.ptr[i].at_ms;
  if (until_ms > now_ms)
    fake_clock_advance (&w->clock, until_ms - now_ms);
}

static void
add_helper (struct helpers *helpers, struct binding *binding, const char *id,
            const char *zone)
{
  CLEANUP_JSON json_t *record = json_make ("{s:s,s:s}", "id", id, "zone", zone);
  CLEANUP_JSON json_t *slots = json_make ("[s,s,s]", "s1", "s2", "s3");

  helpers_add (helpers, id, "/dev", binding, record, slots);
  helpers_set_remote (helpers, id);
}

struct row {
  const char *name;
  enum act a[3];
  bool alone;    /* b is in another zone */
  bool holds;    /* a lets go only by force */
  bool force;    /* --force-detach */
  bool gone;     /* a's instance */
  bool taken;    /* the first slot */
  bool back;     /* the operator rolls it back in the end */
  int repair_ms; /* 0: as usual */
  enum outcome outcome;
  const char *place; /* in the end */
  bool on;
  unsigned attached_b, written, forced;
  const char *reason; /* has this in it */
};

static void
run_engine (struct engine *engine, struct job *job, const struct row *row)
{
  enum engine_end end;

  CU_ASSERT_EQUAL (engine_run (engine, &end, NULL), 0);
  if (!row->back)
    return;
  job_roll_back (job);
  CU_ASSERT_EQUAL (engine_run (engine, &end, NULL), 0);
}

static void
run (const struct row *row)
{
  struct small_world w = {.on = true,
                          .place = "vm",
                          .holds = row->holds,
                          .first_slot_taken = row->taken,
                          .a_is_gone = row->gone};
  struct binding binding = {.provider = &attaching,
                            .account = (char *)"1",
                            .region = (char *)""};
  CLEANUP_JSON json_t *request =
      json_make ("{s:s,s:{s:s,s:i,s:b,s:b}}", "id", "c", "policy", "health",
                 "none", "shutdown_ms", 0, "force_detach", (int)row->force,
                 "include_healthy", 1);
  struct policy *policy = policy_new (request, NULL, NULL);
  struct engine *engine;
  CLEANUP_JSON json_t *found = NULL;
  struct job *job;

  CU_ASSERT_PTR_NOT_NULL_FATAL (policy);
  if (row->repair_ms)
    policy->repair_ms = row->repair_ms;
  memcpy (w.a, row->a, sizeof w.a);
  fake_clock_init (&w.clock, 1000000);
  w.world = (struct world){.clock = &w.clock.clock,
                           .submit = submit,
                           .cancel = cancel,
                           .allow = allow,
                           .collect = collect,
                           .wait = wait_until};
  policy->helpers = helpers_new ();
  add_helper (policy->helpers, &binding, "ha", "z");
  add_helper (policy->helpers, &binding, "hb", row->alone ? "y" : "z");
  found = record_of (&w);
  job = job_new (1, found, &binding, strategy_by_name ("move"), policy);
  engine = engine_new (&w.world, NULL, policy, NULL, 7);
  engine_add_job (engine, job);
  run_engine (engine, job, row);
  if (job->outcome != row->outcome || strcmp (w.place, row->place) != 0 ||
      strstr (job->reason ? job->reason : "", row->reason) == NULL)
    printf ("\n    %s: %s at %s: %s\n", row->name, outcome_name (job->outcome),
            w.place, job->reason);
  CU_ASSERT_EQUAL (job->outcome, row->outcome);
  CU_ASSERT_STRING_EQUAL (w.place, row->place);
  CU_ASSERT_EQUAL (w.on, row->on);
  CU_ASSERT_EQUAL (w.attached_b, row->attached_b);
  CU_ASSERT_EQUAL (w.written, row->written);
  CU_ASSERT_EQUAL (w.forced, row->forced);
  CU_ASSERT_PTR_NOT_NULL (strstr (job->reason ? job->reason : "", row->reason));
  engine_free (engine);
  job_free (job);
  helpers_free (policy->helpers);
  policy_free (policy);
  for (size_t i = 0; i < w.pending.len; i++)
    completion_release (&w.pending.ptr[i].completion);
  pending_vec_release (&w.pending);
}

static const struct row rows[] = {
    {"none",
     {REPAIRS},
     .outcome = OUT_REPAIRED_UNPROVEN,
     .place = "vm",
     .on = true,
     .written = 1,
     .reason = ""},
    {"lost once, comes back",
     {DIES, REPAIRS, REPAIRS},
     .outcome = OUT_REPAIRED_UNPROVEN,
     .place = "vm",
     .on = true,
     .written = 1,
     .reason = ""},
    {"dead before it asked",
     {DIES, DIES, DIES},
     .outcome = OUT_REPAIRED_UNPROVEN,
     .place = "vm",
     .on = true,
     .attached_b = 1,
     .written = 1,
     .reason = ""},
    {"lost while it wrote, comes back and finishes",
     {DIES_WRITING, DIES, REPAIRS},
     .outcome = OUT_REPAIRED_UNPROVEN,
     .place = "vm",
     .on = true,
     .written = 2,
     .reason = ""},
    {"dead while it wrote: nobody else touches the disk",
     {DIES_WRITING, DIES, DIES},
     .outcome = OUT_FAILED_ATTENTION,
     .place = "ha",
     .on = false,
     .written = 1,
     .reason = "half written"},
    {"dead, and no other in the zone",
     {DIES, DIES, DIES},
     .alone = true,
     .outcome = OUT_FAILED_RESTORED,
     .place = "vm",
     .on = true,
     .reason = "no slot of a helper in zone 'z'"},
    {"dead, and does not let go",
     {DIES, DIES, DIES},
     .holds = true,
     .outcome = OUT_FAILED_ATTENTION,
     .place = "ha",
     .on = false,
     .reason = "--force-detach"},
    {"torn off",
     {DIES, DIES, DIES},
     .holds = true,
     .force = true,
     .outcome = OUT_REPAIRED_UNPROVEN,
     .place = "vm",
     .on = true,
     .attached_b = 1,
     .written = 1,
     .forced = 1,
     .reason = ""},
    {"terminated before the disk came",
     {REPAIRS},
     .gone = true,
     .outcome = OUT_REPAIRED_UNPROVEN,
     .place = "vm",
     .on = true,
     .attached_b = 1,
     .written = 1,
     .reason = ""},
    {"its time is over before it is given up, and it never wrote",
     {DIES, DIES, DIES},
     .alone = true,
     .repair_ms = 3000,
     .outcome = OUT_FAILED_RESTORED,
     .place = "vm",
     .on = true,
     .reason = "repair: "},
    {"rolled back",
     {REPAIRS},
     .back = true,
     .outcome = OUT_FAILED_RESTORED,
     .place = "vm",
     .on = true,
     .written = 2,
     .reason = "operator"},
    {"rolled back, dead before the undo asked: the repair stays",
     {REPAIRS, DIES, DIES},
     .back = true,
     .outcome = OUT_FAILED_ATTENTION,
     .place = "vm",
     .on = true,
     .written = 1,
     .reason = "keeps the repair"},
    {"rolled back, dead while the undo wrote",
     {REPAIRS, DIES_WRITING, DIES},
     .back = true,
     .outcome = OUT_FAILED_ATTENTION,
     .place = "ha",
     .on = false,
     .written = 2,
     .reason = "half written"},
    {"a slot that somebody else has",
     {REPAIRS},
     .taken = true,
     .outcome = OUT_REPAIRED_UNPROVEN,
     .place = "vm",
     .on = true,
     .written = 1,
     .reason = ""},
};

static void
test_deaths (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    run (&rows[i]);
}

static const struct unit_case cases[] = {
    {"deaths of a helper", test_deaths},
};

UNIT_MAIN ("engine-helper", cases)
