/* One job's way through its steps; see step.h for the order of things. */

#include "engine-internal.h"

#include <string.h>

#include <providers/vm.h>

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS  30000
/* A step that can't be seen (an agent's work) is not repeated for ever. */
#define BLIND_ATTEMPTS 5
/* What an agent or a worker thread may be late before it is given up. */
#define OVERDUE_MS 120000

static void enter (struct engine *engine, struct job *job,
                   const struct step *step);
static void step_failed (struct engine *engine, struct job *job,
                         struct err *err_taken);

static int64_t
step_limit_ms (const struct job *job)
{
  return *(const int64_t *)((const char *)job->policy + job->step->limit);
}

static bool
has_flag (const struct job *job, enum step_flags flag)
{
  return (job->step->flags & (unsigned)flag) != 0;
}

/* --- from step to step --------------------------------------------------- */

static void
next_back (struct engine *engine, struct job *job)
{
  const char *top = job_undo_top (job);

  if (top)
    enter (engine, job, step_by_name (step_by_name (top)->undo));
  else if (job->before)
    enter (engine, job, step_by_name ("compare"));
  else
    job_conclude_back (job);
}

static void
step_over (struct engine *engine, struct job *job, const char *state,
           json_t *detail_taken)
{
  const struct step *next;

  engine_journal_step (engine, job, state, detail_taken);
  if (job->back) {
    if (strcmp (job->step->name, "compare") == 0) {
      job_conclude_back (job);
      return;
    }
    job_undo_pop (job);
    next_back (engine, job);
    return;
  }
  next = strategy_next (job->strategy, job->step->name);
  if (next)
    enter (engine, job, next);
  else
    job->strategy->conclude (job);
}

static void
enter (struct engine *engine, struct job *job, const struct step *step)
{
  job->step = step;
  job->phase = PHASE_ENTER;
  job->attempt = 0;
  job->step_began_ms = engine_now (engine);
  job->changed = true;
}

void
job_turn_back (struct job *job)
{
  job->back = true;
  job->outcome = OUT_OPEN;
  job->step = NULL; /* the engine finds the first one to undo */
  job->phase = PHASE_ENTER;
  job->effect = 0;
  job->changed = true;
}

void
job_admit (struct engine *engine, struct job *job)
{
  enter (engine, job, strategy_first (job->strategy));
}

/* --- failure ------------------------------------------------------------- */

/* A failure before anything was touched ends the job where it stands. */
static void
end_untouched (struct job *job, const struct err *err)
{
  job_set_reason (job, "%s", err->msg);
  if (err->code != ERR_STOPPED)
    job->outcome = OUT_SKIPPED; /* by a rule, or it could not be looked at */
  else if (json_bool (job->facts, "was_broken", false))
    job->outcome = OUT_RECOVERED;
  else
    job->outcome = OUT_CLEAN;
  if (err->code == ERR_STOPPED)
    job_set_reason (job, "it boots by itself and was left alone; %s", err->msg);
  job->phase = PHASE_ENDED;
  job->step = NULL;
  job->changed = true;
}

static void
end_attention (struct job *job, const struct err *err)
{
  CLEANUP_FREE char *why = xstrdup (job->reason ? job->reason : "rollback");

  job_set_reason (job,
                  "%s; going back failed at '%s': %s; its OS disk is %s, the "
                  "VM is '%s'",
                  why, job->step->name, err->msg,
                  json_str (job->before, "os_disk.id", "unknown"),
                  json_str (job->now, "power", "gone"));
  job->outcome = OUT_FAILED_ATTENTION;
  job->phase = PHASE_ENDED;
  job->changed = true;
}

/* Credentials that do not work concern every VM of the account: nobody is
 * turned back for them, everything waits for the operator. */
static bool
halts_all (struct engine *engine, const struct job *job, const struct err *err)
{
  if (err->code != ERR_AUTH)
    return false;
  engine->stopping = true;
  if (engine->halted == NULL) {
    engine->halted = err_copy (err);
    err_wrap (&engine->halted, "%s: %s", job->binding->provider->name,
              job->binding->account);
  }
  return true;
}

static void
step_failed (struct engine *engine, struct job *job, struct err *err_taken)
{
  CLEANUP_ERR struct err *err = err_taken;

  job->effect = 0;
  if (halts_all (engine, job, err)) {
    job->phase = PHASE_LOOK;
    return;
  }
  if (has_flag (job, STEP_BEST_EFFORT) && err->code != ERR_STOPPED) {
    job_note (job, "%s: %s", job->step->name, err->msg);
    step_over (engine, job, "failed", json_from_err (err));
    return;
  }
  engine_journal_step (engine, job, "failed", json_from_err (err));
  if (job->back) {
    end_attention (job, err);
    return;
  }
  if (has_flag (job, STEP_FIRST)) {
    end_untouched (job, err);
    return;
  }
  job_set_reason (job, "%s: %s", job->step->name, err->msg);
  job->back = true;
  next_back (engine, job);
}

static void
step_timed_out (struct engine *engine, struct job *job, const char *what)
{
  struct err *err = NULL;

  err_set (&err, ERR_TIMEOUT, "%s after %lld s", what,
           (long long)((engine_now (engine) - job->step_began_ms) / 1000));
  step_failed (engine, job, err);
}

/* --- looking and acting --------------------------------------------------- */

static void
look_again (struct engine *engine, struct job *job)
{
  job->phase = PHASE_LOOK;
  job->need_after_ms = engine_now (engine);
  job->changed = true;
}

static void
pause_for (struct engine *engine, struct job *job, int64_t ms)
{
  job->phase = PHASE_PAUSE;
  job->not_before_ms = engine_now (engine) + ms;
}

static bool
has_effect (const struct effect *effect, const struct job *job)
{
  return effect->kind == EFFECT_WORK ||
         (effect->kind == EFFECT_OP &&
          job->binding->provider->ops[effect->op].changes);
}

static void
act (struct engine *engine, struct job *job)
{
  struct effect effect = {.kind = EFFECT_OP, .binding = job->binding};
  struct err *err = NULL;

  job->attempt++;
  if (job->step->act (job, &effect, &err) == -1) {
    step_failed (engine, job, err);
    return;
  }
  if (has_effect (&effect, job) || job->attempt == 1)
    engine_journal_step (engine, job, job->attempt == 1 ? "intent" : "again",
                         NULL);
  /* From here on the effect may stand, whatever the reply says. */
  if (!job->back && job->step->undo &&
      (job_undo_top (job) == NULL ||
       strcmp (job_undo_top (job), job->step->name) != 0))
    job_undo_push (job, job->step->name);
  job->phase = PHASE_ACT;
  effect.id = job->effect = engine->next_effect++;
  outbox_add (engine, job, effect);
}

/* The VM has been looked at as freshly as the step wants. */
static void
check_then_act (struct engine *engine, struct job *job)
{
  struct err *err = NULL;
  enum verdict verdict =
      job->step->seen ? job->step->seen (job, &err) : VERDICT_NO;

  if (verdict == VERDICT_FAIL)
    step_failed (engine, job, err);
  else if (verdict == VERDICT_YES)
    step_over (engine, job, "done", NULL);
  else if (job->step->act)
    act (engine, job);
  else {
    job->phase = PHASE_WATCH;
    job->need_after_ms = engine_now (engine);
  }
}

static bool
is_fresh (const struct job *job)
{
  return job->now_at_ms >= job->need_after_ms;
}

static void
advance_look (struct engine *engine, struct job *job)
{
  struct err *err = NULL;

  if (!is_fresh (job)) {
    if (engine_now (engine) - job->step_began_ms > step_limit_ms (job))
      step_timed_out (engine, job, "the VM could not be looked at");
    return;
  }
  if (job->gone || job->now == NULL) {
    err_set (&err, ERR_NOT_FOUND, "the VM does not exist any more");
    step_failed (engine, job, err);
    return;
  }
  check_then_act (engine, job);
}

static int64_t
again_ms (const struct job *job)
{
  return job->step->again_ms < 0 ? job->policy->shutdown_ms
                                 : job->step->again_ms;
}

static void
advance_watch (struct engine *engine, struct job *job)
{
  int64_t now = engine_now (engine);
  struct err *err = NULL;
  enum verdict verdict;

  if (is_fresh (job)) {
    verdict = job->gone ? VERDICT_FAIL : job->step->seen (job, &err);
    if (verdict == VERDICT_YES) {
      step_over (engine, job, "done", NULL);
      return;
    }
    if (verdict == VERDICT_FAIL) {
      if (err == NULL)
        err_set (&err, ERR_NOT_FOUND, "the VM does not exist any more");
      step_failed (engine, job, err);
      return;
    }
    job->need_after_ms = job->now_at_ms + 1;
  }
  if (now - job->step_began_ms > step_limit_ms (job))
    step_timed_out (engine, job, "not seen to be so");
  else if (job->step->act && again_ms (job) > 0 && now >= job->not_before_ms)
    act (engine, job);
}

/* A resumed job's step began in another process: its time starts anew. */
static void
adopt (struct engine *engine, struct job *job)
{
  if (job->step_began_ms == 0)
    job->step_began_ms = engine_now (engine);
  if (job->step == NULL && job->back)
    next_back (engine, job);
}

static bool
advance_once (struct engine *engine, struct job *job)
{
  enum phase before = job->phase;
  const struct step *step = job->step;

  adopt (engine, job);
  switch (job->phase) {
  case PHASE_ENTER:
    if (engine->stopping)
      return false;
    if (job->step->wanted && !job->step->wanted (job))
      step_over (engine, job, "skipped", NULL);
    else if (has_flag (job, STEP_FRESH) || job->now == NULL)
      look_again (engine, job);
    else
      check_then_act (engine, job);
    break;
  case PHASE_LOOK:
    if (!engine->stopping)
      advance_look (engine, job);
    break;
  case PHASE_WATCH:
    if (!engine->stopping)
      advance_watch (engine, job);
    break;
  case PHASE_PAUSE:
    if (engine->stopping || engine_now (engine) < job->not_before_ms)
      break;
    if (engine_now (engine) - job->step_began_ms > step_limit_ms (job))
      step_timed_out (engine, job, "no success");
    else if (job->step->seen)
      look_again (engine, job);
    else
      act (engine, job);
    break;
  case PHASE_ACT:
    if (engine_now (engine) - job->step_began_ms >
        step_limit_ms (job) + OVERDUE_MS)
      step_timed_out (engine, job, "no reply");
    break;
  default:
    break;
  }
  return job->phase != before || job->step != step;
}

void
job_advance (struct engine *engine, struct job *job)
{
  while (advance_once (engine, job))
    ;
}

/* --- replies -------------------------------------------------------------- */

static int64_t
backoff_ms (struct engine *engine, const struct job *job, const struct err *err)
{
  int64_t ms = BACKOFF_FIRST_MS;

  for (int64_t i = 1; i < job->attempt && ms < BACKOFF_LAST_MS; i++)
    ms *= 2;
  if (ms > BACKOFF_LAST_MS)
    ms = BACKOFF_LAST_MS;
  /* Full jitter, so that a thousand jobs do not come back together. */
  ms = 1 + (int64_t)engine_random (engine, (uint64_t)ms);
  return err->retry_after_ms > ms ? err->retry_after_ms : ms;
}

static void
reply_failed (struct engine *engine, struct job *job, struct err *err_taken)
{
  CLEANUP_ERR struct err *err = err_taken;

  job->effect = 0;
  switch (err->code) {
  case ERR_THROTTLED:
  case ERR_TRANSIENT:
  case ERR_UNKNOWN_EFFECT:
  case ERR_CONFLICT:
  case ERR_TIMEOUT:
    /* Look before anything is repeated: the effect may stand. */
    if (engine_now (engine) - job->step_began_ms <= step_limit_ms (job) &&
        (job->step->seen || job->attempt < BLIND_ATTEMPTS)) {
      engine_journal_step (engine, job, "again", json_from_err (err));
      pause_for (engine, job, backoff_ms (engine, job, err));
      return;
    }
    break;
  default:
    break;
  }
  step_failed (engine, job, TAKE (err));
}

void
job_complete (struct engine *engine, struct job *job,
              struct completion *completion)
{
  struct err *err = NULL;
  enum verdict verdict;

  if (!completion->last) {
    if (engine->hooks.progress)
      engine->hooks.progress (engine->hooks.opaque, job, completion->out);
    return;
  }
  if (completion->err) {
    reply_failed (engine, job, err_copy (completion->err));
    return;
  }
  verdict = job->step->reply ? job->step->reply (job, completion->out, &err)
                             : VERDICT_YES;
  if (verdict == VERDICT_FAIL) {
    reply_failed (engine, job, err);
    return;
  }
  job->effect = 0;
  job->changed = true;
  if (verdict == VERDICT_NO)
    pause_for (engine, job, job->policy->probe_interval_ms);
  else if (job->step->seen) {
    job->phase = PHASE_WATCH;
    job->need_after_ms = engine_now (engine);
    job->not_before_ms = engine_now (engine) + again_ms (job);
  } else
    step_over (engine, job, "done", NULL);
}

bool
job_wants_look (const struct job *job)
{
  return (job->phase == PHASE_LOOK || job->phase == PHASE_WATCH) &&
         !is_fresh (job);
}

int64_t
job_deadline (const struct engine *engine, const struct job *job)
{
  int64_t limit;

  (void)engine;
  if (job->step == NULL || job->phase == PHASE_ENDED ||
      job->phase == PHASE_WAITING)
    return -1;
  limit = job->step_began_ms + step_limit_ms (job) + 1;
  switch (job->phase) {
  case PHASE_PAUSE:
    return job->not_before_ms;
  case PHASE_WATCH:
    return again_ms (job) > 0 && job->step->act && job->not_before_ms < limit
               ? job->not_before_ms
               : limit;
  case PHASE_ACT:
    return limit + OVERDUE_MS;
  default:
    return limit;
  }
}
