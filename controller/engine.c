#include "engine.h"

#include <string.h>

#include "engine-internal.h"
#include "helpers.h"

struct engine *
engine_new (struct world *world, struct journal *journal,
            const struct policy *policy, const struct engine_hooks *hooks,
            uint64_t seed)
{
  struct engine *engine = xcalloc (1, sizeof *engine);

  engine->world = world;
  engine->journal = journal;
  engine->policy = policy;
  if (hooks)
    engine->hooks = *hooks;
  engine->next_effect = 1;
  engine->told = json_array ();
  random_init (&engine->random, seed * 2 + 1);
  return engine;
}

void
engine_free (struct engine *engine)
{
  if (engine == NULL)
    return;
  outbox_release (engine);
  for (size_t i = 0; i < engine->flights.len; i++)
    job_vec_release (&engine->flights.ptr[i].jobs);
  flight_vec_release (&engine->flights);
  for (size_t i = 0; i < engine->watchers.len; i++)
    err_free (engine->watchers.ptr[i].error);
  watcher_vec_release (&engine->watchers);
  id_vec_release (&engine->allowed);
  job_vec_release (&engine->jobs);
  waves_release (&engine->waves);
  err_free (engine->halted);
  json_decref (engine->told);
  free (engine);
}

void
engine_add_job (struct engine *engine, struct job *job)
{
  static const enum op_id ops[] = {OP_DESCRIBE, OP_DESCRIBE_DISKS};

  job->adopted = false;
  if (engine->policy->helpers)
    helpers_adopt (engine->policy->helpers, job);
  job_vec_push (&engine->jobs, job);
  for (size_t i = 0; i < engine->watchers.len; i++)
    if (engine->watchers.ptr[i].binding == job->binding)
      return;
  for (size_t i = 0; i < ARRAY_SIZE (ops); i++) {
    struct watcher watcher = {.binding = job->binding,
                              .op = ops[i],
                              .last_ms = INT64_MIN};

    watcher_vec_push (&engine->watchers, watcher);
  }
}

int64_t
engine_now (const struct engine *engine)
{
  return clock_now_ms (engine->world->clock);
}

static bool
is_in_flight (const struct job *job)
{
  return job->phase != PHASE_WAITING && job->phase != PHASE_ENDED;
}

int64_t
engine_crowd_ms (const struct engine *engine, const struct binding *binding,
                 int64_t ms)
{
  int64_t n = 0;

  for (size_t i = 0; ms > 0 && n < CROWD && i < engine->jobs.len; i++)
    n += engine->jobs.ptr[i]->binding == binding &&
         is_in_flight (engine->jobs.ptr[i]);
  return ms * n / CROWD;
}

/* --- journal ------------------------------------------------------------- */

static void
transaction (struct engine *engine)
{
  if (engine->in_transaction || engine->journal == NULL)
    return;
  journal_begin (engine->journal);
  engine->in_transaction = true;
}

void
engine_journal_step (struct engine *engine, struct job *job, const char *state,
                     json_t *detail_taken)
{
  CLEANUP_JSON json_t *detail = detail_taken;

  if (detail == NULL && job->step->told && strcmp (state, "done") == 0)
    detail = json_incref (json_at (job->facts, job->step->told));
  job->changed = true;
  if (engine->journal == NULL)
    return;
  transaction (engine);
  journal_add_step (engine->journal, job->id, job->step->name,
                    job->back ? "back" : "forward", state, job->attempt, detail,
                    clock_wall_ms (engine->world->clock));
}

void
engine_journal_event (struct engine *engine, const char *kind,
                      json_t *detail_taken)
{
  CLEANUP_JSON json_t *detail = detail_taken;

  if (engine->journal == NULL)
    return;
  transaction (engine);
  journal_add_event (engine->journal, 0, kind, detail,
                     clock_wall_ms (engine->world->clock));
  if (engine->hooks.event)
    json_array_append_new (engine->told, json_make ("[s,O?]", kind, detail));
}

static void
tell_events (struct engine *engine)
{
  json_t *pair;
  size_t i;

  json_array_foreach (engine->told, i, pair)
  {
    engine->hooks.event (engine->hooks.opaque,
                         json_string_value (json_array_get (pair, 0)),
                         json_array_get (pair, 1));
  }
  json_array_clear (engine->told);
}

/* Kept with whatever else is committed: they cost no commit of their own. */
static void
put_figures (struct engine *engine)
{
  CLEANUP_JSON json_t *figures =
      engine->world->figures ? engine->world->figures (engine->world) : NULL;

  if (figures)
    journal_set_figures (engine->journal, figures);
}

static int
commit (struct engine *engine, struct err **err)
{
  struct job_vec changed = VEC_EMPTY;
  int r = 0;

  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (!job->changed)
      continue;
    job->changed = false;
    job_vec_push (&changed, job);
    transaction (engine);
    if (engine->journal) {
      struct job_row row = job_to_row (job);

      journal_put_job (engine->journal, &row,
                       clock_wall_ms (engine->world->clock));
    }
  }
  if (engine->in_transaction) {
    engine->in_transaction = false;
    put_figures (engine);
    r = journal_commit (engine->journal, err);
  }
  for (size_t i = 0; r == 0 && i < changed.len; i++)
    if (engine->hooks.changed)
      engine->hooks.changed (engine->hooks.opaque, changed.ptr[i]);
  job_vec_release (&changed);
  if (r == 0)
    tell_events (engine);
  return r;
}

/* --- the loop ------------------------------------------------------------ */

static void
collect (struct engine *engine)
{
  struct completion completion;

  while (engine->world->collect (engine->world, &completion)) {
    engine_dispatch (engine, &completion);
    completion_release (&completion);
  }
}

static bool
all_ended (const struct engine *engine)
{
  for (size_t i = 0; i < engine->jobs.len; i++)
    if (engine->jobs.ptr[i]->phase != PHASE_ENDED)
      return false;
  return true;
}

static int64_t
next_deadline (const struct engine *engine)
{
  int64_t next = poller_deadline (engine);
  const int64_t others[] = {outbox_deadline (engine), waves_deadline (engine),
                            lease_deadline (engine)};

  for (size_t i = 0; i < ARRAY_SIZE (others); i++)
    if (others[i] >= 0 && (next < 0 || others[i] < next))
      next = others[i];
  for (size_t i = 0; i < engine->jobs.len; i++) {
    int64_t deadline = job_deadline (engine, engine->jobs.ptr[i]);

    if (deadline >= 0 && (next < 0 || deadline < next))
      next = deadline;
  }
  return next;
}

static int
round_of_work (struct engine *engine, struct err **err)
{
  collect (engine);
  if (engine->hooks.stop_requested &&
      engine->hooks.stop_requested (engine->hooks.opaque))
    engine->stopping = true;
  waves_control (engine);
  do {
    for (size_t i = 0; i < engine->jobs.len; i++)
      job_advance (engine, engine->jobs.ptr[i]);
  } while (waves_admit (engine)); /* in the place of those that ended */
  if (commit (engine, err) == -1)
    return -1;
  if (engine->stopping)
    outbox_drop_questions (engine);
  engine_allow (engine);
  outbox_flush (engine);
  lease_run (engine);
  if (!engine->stopping)
    poller_run (engine);
  return 0;
}

int
engine_turn (struct engine *engine, enum engine_end *end, int64_t *until_ms,
             struct err **err)
{
  if (!engine->begun)
    waves_begin (engine);
  engine->begun = true;
  if (round_of_work (engine, err) == -1)
    return err_wrap (err, "nothing more is sent");
  *until_ms = next_deadline (engine);
  if (all_ended (engine))
    *end = ENGINE_FINISHED;
  /* Requests are waited for: their results belong into the journal. */
  else if (engine->stopping && !outbox_is_busy (engine))
    *end = ENGINE_STOPPED;
  else if (waves_are_over (engine) && !outbox_is_busy (engine))
    *end = ENGINE_HALTED;
  else
    return 1;
  return engine->halted ? err_move (err, err_copy (engine->halted)) : 0;
}

int
engine_run (struct engine *engine, enum engine_end *end, struct err **err)
{
  int64_t until_ms;
  int more;

  while ((more = engine_turn (engine, end, &until_ms, err)) == 1)
    engine->world->wait (engine->world, until_ms);
  return more;
}
