/* Simulated agents on helpers: work takes time, goes wrong in all ways, keeps
 * its evidence; a disk is in one hand at a time, and at the helper it is worked
 * on, or that is a violation. */

#include <string.h>

#include <simulation/agent-results.h>

#include "world.h"

#define ARRIVAL_LOOK_MS 500

struct sim_work {
  struct sim_world *world;
  uint64_t number, effect;
  unsigned generation;
  char *disk, *helper;
  bool undo, opened, asks, allowed, cancelled, hangs, over;
  int64_t limit_ms;
  int64_t patience_ms; /* for a disk that has not shown up yet */
  unsigned events;     /* that still name it */
};

bool
content_boots (const json_t *content)
{
  return !json_bool (content, "bad", false) &&
         json_bool (content, "boot", true);
}

static void
work_free (struct sim_work *work)
{
  free (work->disk);
  free (work->helper);
  free (work);
}

static void
drop_event (void *arg)
{
  struct sim_work *work = arg;

  work->events--;
}

static void
later (struct sim_work *work, int64_t in_ms,
       void (*run) (void *opaque, void *arg))
{
  work->events++;
  sim_events_add (&work->world->events, in_ms, run, drop_event, work->world,
                  work);
}

static bool
holds (const struct sim_work *work)
{
  return sim_number (work->world->held, work->disk) == (int64_t)work->number;
}

static void
deliver (struct sim_work *work, json_t *out, struct err *err, bool last)
{
  struct sim_world *world = work->world;
  struct completion completion = {.id = work->effect,
                                  .out = out,
                                  .err = err,
                                  .last = last};

  if (work->generation == world->generation)
    sim_done_vec_push (&world->done, completion);
  else
    completion_release (&completion);
}

static void
work_over (struct sim_work *work)
{
  if (holds (work))
    json_put (work->world->held, work->disk, NULL);
  work->over = true;
}

static void
trouble (struct sim_work *work)
{
  json_t *troubles = work->world->troubles;

  json_put_int (troubles, work->disk, sim_number (troubles, work->disk) + 1);
}

static void
finish (struct sim_work *work, json_t *result)
{
  CLEANUP_FREE char *text = json_text (result);

  sim_trace (work->world, "%s of %s on %s: %s", work->undo ? "undo" : "repair",
             work->disk, work->helper, text);
  if (strcmp (json_str (result, "outcome", ""), "failed") == 0 &&
      strcmp (json_str (result, "error.code", ""), "not-found") != 0)
    trouble (work);
  deliver (work, result, NULL, true);
  work_over (work);
}

static void
lose (struct sim_work *work, enum err_code code, const char *why)
{
  struct err *err = NULL;

  sim_trace (work->world, "%s: agent on %s is lost: %s", work->disk,
             work->helper, why);
  err_set (&err, code, "helper '%s': the agent is gone: %s", work->helper, why);
  /* One that was not allowed to write has left the disk as it was. */
  if (work->allowed || !work->asks)
    trouble (work);
  deliver (work, NULL, err, true);
  work_over (work);
}

/* --- the work: what it does to the disk happens in one moment ---------------
 */

static json_t *
apply (struct sim_work *work, json_t *content)
{
  struct sim_world *world = work->world;
  bool committed =
      json_at (json_object_get (world->evidence, work->disk), "before") != NULL;

  if (json_bool (content, "hibernated", false))
    return agent_refused ("hibernated");
  if (json_bool (content, "several", false))
    return agent_refused ("several-os");
  if (!json_bool (content, "bad", false))
    return agent_outcome (committed ? "repaired" : "clean", committed);
  json_put (world->evidence, work->disk,
            json_make ("{s:o}", "before", json_deep_copy (content)));
  json_put_bool (content, "bad", false);
  world->kind->write (world->cloud, work->disk, content);
  return agent_outcome ("repaired", false);
}

static json_t *
undo (struct sim_work *work, json_t *content)
{
  struct sim_world *world = work->world;
  const json_t *evidence = json_object_get (world->evidence, work->disk);
  const json_t *before = json_at (evidence, "before");

  if (evidence == NULL && sim_chance (world, 500))
    return agent_refused ("no-evidence");
  if (before == NULL)
    return agent_outcome ("clean", false);
  if (json_int (content, "version", 0) != json_int (before, "version", 0))
    return agent_refused ("changed-since");
  world->kind->write (world->cloud, work->disk, before);
  json_put (world->evidence, work->disk, json_object ());
  return agent_outcome ("undone", false);
}

/* Is it attached to the helper, and to nothing else? */
static bool
is_there (const struct sim_work *work, const json_t *disk)
{
  const json_t *at = json_at (disk, "at");

  return json_bool (disk, "settled", false) && json_array_size (at) == 1 &&
         strcmp (json_string_value (json_array_get (at, 0)), work->helper) == 0;
}

static void
close_disk (void *opaque, void *arg)
{
  struct sim_world *world = opaque;
  struct sim_work *work = arg;
  CLEANUP_JSON json_t *disk = world->kind->disk (world->cloud, work->disk);
  bool crashes = sim_fault (world, world->faults.agent_crash);
  bool early = sim_chance (world, 500);
  json_t *content, *result;

  work->events--;
  if (work->over || work->hangs)
    return;
  if (!is_there (work, disk)) {
    CLEANUP_FREE char *text = json_text (json_at (disk, "at"));

    sim_violation (world,
                   "%s is taken from the agent on %s that has it open; "
                   "it is at %s",
                   work->disk, work->helper, text);
  }
  if (disk == NULL) {
    finish (work, agent_failed ("disk"));
    return;
  }
  if (sim_fault (world, world->faults.agent_error)) {
    finish (work, agent_failed ("disk"));
    return;
  }
  if (crashes && early) {
    if (json_object_get (world->evidence, work->disk) == NULL)
      json_put (world->evidence, work->disk, json_object ());
    lose (work, ERR_TRANSIENT, "before its commit");
    return;
  }
  content = json_deep_copy (json_at (disk, "content"));
  result = work->undo ? undo (work, content) : apply (work, content);
  json_decref (content);
  if (crashes) {
    json_decref (result);
    lose (work, ERR_TRANSIENT, "after its commit");
  } else
    finish (work, result);
}

/* The disk is read, and what to do is known: may it be done? */
static void
ask (void *opaque, void *arg)
{
  struct sim_work *work = arg;

  (void)opaque;
  work->events--;
  if (!work->over && !work->hangs)
    deliver (work, json_make ("{s:s}", "event", "ask"), NULL, false);
}

void
sim_work_allow (struct sim_world *world, uint64_t id)
{
  for (size_t i = 0; i < world->works.len; i++) {
    struct sim_work *work = world->works.ptr[i];

    if (!work->over && work->effect == id &&
        work->generation == world->generation) {
      sim_trace (world, "%s: may be written", work->disk);
      work->allowed = true;
      later (work, sim_between (world, 50, 2000), close_disk);
    }
  }
}

static void
limit_over (void *opaque, void *arg)
{
  struct sim_work *work = arg;

  (void)opaque;
  work->events--;
  if (!work->over && !work->cancelled)
    finish (work, agent_failed ("timeout"));
}

static void
open_disk (void *opaque, void *arg)
{
  struct sim_world *world = opaque;
  struct sim_work *work = arg;
  CLEANUP_JSON json_t *disk = world->kind->disk (world->cloud, work->disk);
  const int64_t *repair_ms = world->agent_times.repair_ms;

  work->events--;
  if (work->over)
    return;
  /* udev may be late: a real agent waits for it, too. */
  if (!is_there (work, disk) || sim_fault (world, 100)) {
    if (work->patience_ms > 0) {
      work->patience_ms -= ARRIVAL_LOOK_MS;
      later (work, ARRIVAL_LOOK_MS, open_disk);
    } else
      finish (work, agent_failed ("not-found"));
    return;
  }
  if (json_object_get (world->held, work->disk)) {
    finish (work, agent_refused ("in-use"));
    return;
  }
  json_put_int (world->held, work->disk, (int64_t)work->number);
  work->opened = true;
  work->hangs = sim_fault (world, world->faults.agent_hang);
  deliver (work, json_make ("{s:s}", "stage", "opened"), NULL, false);
  later (work, sim_between (world, repair_ms[0], repair_ms[1]),
         work->asks ? ask : close_disk);
  later (work, work->limit_ms, limit_over);
}

/* --- helpers that die ------------------------------------------------------
 */

static bool
is_dead (const struct sim_world *world, const char *helper)
{
  return sim_number (world->dead, helper) > sim_now (world);
}

static void
unreachable (void *opaque, void *arg)
{
  struct sim_work *work = arg;

  (void)opaque;
  work->events--;
  if (!work->over)
    lose (work, ERR_UNREACHABLE, "can't be reached");
}

void
sim_helper_dies (struct sim_world *world, const char *helper, int64_t ms)
{
  sim_trace (world, "helper %s dies for %lld s", helper,
             (long long)(ms / 1000));
  json_put_int (world->dead, helper, sim_now (world) + ms);
  for (size_t i = 0; i < world->works.len; i++) {
    struct sim_work *work = world->works.ptr[i];

    if (work->over || strcmp (work->helper, helper) != 0)
      continue;
    work->hangs = true; /* it does nothing any more */
    later (work, sim_between (world, 1000, 60000), unreachable);
  }
}

void
sim_work_submit (struct sim_world *world, struct effect effect)
{
  struct sim_work *work = xcalloc (1, sizeof *work);
  const int64_t *queue_ms = world->agent_times.queue_ms;

  work->world = world;
  work->number = ++world->serial;
  work->effect = effect.id;
  work->generation = world->generation;
  work->helper = xstrdup (json_str (effect.in, "helper", ""));
  work->disk =
      world->kind->disk_of_path (world->cloud, work->helper,
                                 json_str (effect.in, "disk.path", ""));
  work->undo = strcmp (json_str (effect.in, "mode", ""), "undo") == 0;
  work->asks = json_bool (effect.in, "ask", false);
  work->limit_ms = json_int (effect.in, "limit_ms", 1000);
  work->patience_ms = json_int (effect.in, "disk.wait_ms", 0);
  sim_trace (world, "%s of %s is asked of %s", work->undo ? "undo" : "repair",
             json_str (effect.in, "disk.path", ""), work->helper);
  sim_work_vec_push (&world->works, work);
  later (work, sim_between (world, queue_ms[0], queue_ms[1]),
         is_dead (world, work->helper) ? unreachable : open_disk);
  effect_release (&effect);
}

/* --- its end ---------------------------------------------------------------
 */

static void
ended (void *opaque, void *arg)
{
  struct sim_work *work = arg;

  (void)opaque;
  work->events--;
  if (work->over)
    return;
  if (work->hangs)
    lose (work, ERR_TRANSIENT, "it was killed");
  else
    finish (work, agent_failed ("stopped"));
}

void
sim_work_cancel (struct sim_world *world, uint64_t id)
{
  for (size_t i = 0; i < world->works.len; i++) {
    struct sim_work *work = world->works.ptr[i];

    if (work->over || work->effect != id ||
        work->generation != world->generation)
      continue;
    work->cancelled = true;
    later (work, work->hangs ? 70000 : sim_between (world, 1, 20000), ended);
  }
}

/* The controller is gone: what was not begun never is, the rest ends at a safe
 * point: before its commit or after. */
void
sim_works_abandon (struct sim_world *world)
{
  size_t kept = 0;

  for (size_t i = 0; i < world->works.len; i++) {
    struct sim_work *work = world->works.ptr[i];

    if (work->over && work->events == 0) {
      work_free (work);
      continue;
    }
    world->works.ptr[kept++] = work;
    if (work->over || work->cancelled)
      continue;
    if (!work->opened)
      work_over (work);
    else {
      work->cancelled = true;
      later (work, sim_between (world, 1, 30000), ended);
    }
  }
  world->works.len = kept;
}

void
sim_works_release (struct sim_world *world)
{
  for (size_t i = 0; i < world->works.len; i++)
    work_free (world->works.ptr[i]);
  sim_work_vec_release (&world->works);
}
