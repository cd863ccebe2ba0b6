/* One job's way through its steps; see step.h for the order of things. */

#include "engine-internal.h"
#include "mutation.h"
#include "service-clock.h"

#include <string.h>

#include <providers/vm.h>

/* On the way back there is nothing left to fall back to: it gets more time. */
#define BACK_PATIENCE 4
/* How often a VM that does not allow the next step is looked at again. */
#define CONFLICT_LOOKS 3

int64_t
job_limit_ms (const struct job *job)
{
  int64_t ms = *(const int64_t *)((const char *)job->policy + job->step->limit);

  return job->back ? ms * BACK_PATIENCE : ms;
}

bool
job_has_flag (const struct job *job, enum step_flags flag)
{
  return (job->step->flags & (unsigned)flag) != 0;
}

/* --- from step to step --------------------------------------------------- */

static const struct step *
next_step (const struct job *job)
{
  const char *other = job->step->next ? job->step->next (job) : NULL;
  const struct step *next =
      other ? step_by_name (other)
            : strategy_next (job->strategy, job->step->name);

  while (next && (next->flags & STEP_ATTACHES) && job_is_in_place (job))
    next = strategy_next (job->strategy, next->name);
  return next;
}

static bool
undo_is_on_top (const struct job *job, const char *name)
{
  const char *top = job_undo_top (job);

  return top && strcmp (top, name) == 0;
}

static void
remember_undo (struct job *job)
{
  if (!job->back && job->step->undo && !undo_is_on_top (job, job->step->name) &&
      !mutated ("forget-undo"))
    job_undo_push (job, job->step->name);
}

void
job_had_no_effect (struct job *job)
{
  if (!job->back && !job->uncertain && undo_is_on_top (job, job->step->name))
    job_undo_pop (job);
}

/* Is a stop the next thing to take back? */
static bool
stopped_last (const struct job *job)
{
  const char *top = job_undo_top (job);

  return top && strcmp (step_by_name (top)->undo, "start") == 0;
}

/* A guest that was asked to shut down and still runs may do so at any time: it
 * is stopped for certain before anything counts as "it runs as before". */
static void
settle_stop (struct job *job)
{
  if (stopped_last (job) && json_at (job->facts, "shutdown"))
    job_undo_push (job, "start");
}

void
job_next_back (struct engine *engine, struct job *job)
{
  const char *top = job_undo_top (job);
  const char *last = job->step ? job->step->name : "";

  /* A stop, or what came after it, may have lost attributes: they are put back
   * while the VM is still stopped. */
  if (strcmp (last, "attributes") != 0 &&
      (stopped_last (job) || (top && strcmp (last, "swap-back") == 0)))
    job_enter (engine, job, step_by_name ("attributes"));
  else if (top)
    job_enter (engine, job, step_by_name (step_by_name (top)->undo));
  else if (job->before)
    job_enter (engine, job, step_by_name ("compare"));
  else
    job_conclude_back (job);
}

void
job_step_over (struct engine *engine, struct job *job, const char *state,
               json_t *detail_taken)
{
  const struct step *next;

  engine_journal_step (engine, job, state, detail_taken);
  if (job->back) {
    if (strcmp (job->step->name, "compare") == 0) {
      job_conclude_back (job);
      return;
    }
    if (strcmp (job->step->name, "attributes") != 0)
      job_undo_pop (job);
    job_next_back (engine, job);
    return;
  }
  if (strcmp (state, "done") == 0)
    remember_undo (job);
  if (job->step->closes && undo_is_on_top (job, job->step->closes))
    job_undo_pop (job);
  next = next_step (job);
  if (next)
    job_enter (engine, job, next);
  else
    job->strategy->conclude (job);
}

void
job_enter (struct engine *engine, struct job *job, const struct step *step)
{
  job->step = step;
  if (strcmp (json_str (job->disk, "id", ""),
              json_str (job_step_disk (job), "id", "")) != 0)
    job_forget_disk (job);
  job->phase = PHASE_ENTER;
  job->attempt = 0;
  job_no_errors (job);
  job->uncertain = false;
  job->step_began_ms = engine_now (engine);
  job->changed = true;
}

void
job_turn_back (struct job *job)
{
  job->back = true;
  settle_stop (job);
  job->outcome = OUT_OPEN;
  job->step = NULL; /* the engine finds the first one to undo */
  job->phase = PHASE_ENTER;
  job->effect = 0;
  job->changed = true;
}

void
job_admit (struct engine *engine, struct job *job)
{
  job_enter (engine, job, strategy_first (job->strategy));
}

/* While the provider can't be asked at all, no time runs out for a step that
 * has to look. */
bool
job_is_overdue (const struct engine *engine, const struct job *job)
{
  bool looks = job->step->seen || job_has_flag (job, STEP_FRESH);

  return engine_now (engine) - job->step_began_ms > job_limit_ms (job) &&
         !(looks && poller_is_blind (engine, job->binding));
}

/* --- looking and acting --------------------------------------------------- */

static void
look_again (struct engine *engine, struct job *job)
{
  job->phase = PHASE_LOOK;
  job->need_after_ms = engine_now (engine);
  job->changed = true;
}

bool
job_has_effect (const struct job *job, const struct effect *effect)
{
  return effect->kind == EFFECT_WORK ||
         (effect->kind == EFFECT_OP &&
          job->binding->provider->ops[effect->op].changes);
}

/* The VM as it is shown does not allow it.  Where a describe may be older than
 * the one before it, it is given time to show what is so. */
static void
cannot_act (struct engine *engine, struct job *job, struct err *err_taken)
{
  int64_t settle_ms = binding_settle_ms (job->binding);

  if (err_taken->code != ERR_CONFLICT || settle_ms == 0 ||
      ++job->errors > CONFLICT_LOOKS) {
    job_step_failed (engine, job, err_taken);
    return;
  }
  err_free (err_taken);
  job->attempt--;
  look_again (engine, job);
  job->need_after_ms += settle_ms;
}

static void
act (struct engine *engine, struct job *job)
{
  struct effect effect = {.kind = EFFECT_OP, .binding = job->binding};
  struct err *err = NULL;

  if (!waves_may_touch (engine, job) || job_helper_is_dead (engine, job) ||
      job_asks_again (engine, job))
    return;
  job->attempt++;
  job->uncertain = job->uncertain || undo_is_on_top (job, job->step->name);
  if (job->step->act (job, &effect, &err) == -1) {
    cannot_act (engine, job, err);
    return;
  }
  if (job_has_effect (job, &effect) || job->attempt == 1)
    engine_journal_step (engine, job, job->attempt == 1 ? "intent" : "again",
                         NULL);
  /* From here on the effect may stand, until a reply says that it can't. */
  remember_undo (job);
  job->changes = job_has_effect (job, &effect);
  job_name_request (job, &effect);
  job->phase = PHASE_ACT;
  job->acted_ms = engine_now (engine);
  job->cancelled = false;
  effect.id = job->effect = engine->next_effect++;
  outbox_add (engine, job, effect);
}

/* A request that had been given up took effect after all, who knows when: power
 * and mark are seen to once more, unless the VM is another campaign's by now.
 */
static void
see_to_it_again (struct engine *engine, struct job *job)
{
  job->disturbed = false;
  if (lease_is_anothers (job)) {
    job_step_over (engine, job, "skipped", NULL);
    return;
  }
  if (!job->back) {
    job_enter (engine, job, step_by_name ("start"));
    return;
  }
  job_undo_push (job, "mark");
  job_undo_push (job, job_was_running (job) ? "stop" : "start");
  job_next_back (engine, job);
}

/* The VM has been looked at as freshly as the step wants. */
static void
check_then_act (struct engine *engine, struct job *job)
{
  struct err *err = NULL;
  enum verdict verdict;

  if (job_has_flag (job, STEP_QUIET) && job->disturbed) {
    see_to_it_again (engine, job);
    return;
  }
  if (lease_is_lost (job, &err)) {
    job_taken_over (engine, job, err);
    return;
  }
  if (job->attempt == 0 && job->step->wanted && !job->step->wanted (job)) {
    job_step_over (engine, job, "skipped", NULL);
    return;
  }
  verdict = job->step->seen ? job->step->seen (job, &err) : VERDICT_NO;
  if (verdict == VERDICT_FAIL)
    job_step_failed (engine, job, err);
  else if (verdict == VERDICT_YES)
    job_step_over (engine, job, "done", NULL);
  else if (job->step->act && verdict == VERDICT_NO)
    act (engine, job);
  else {
    job->phase = PHASE_WATCH;
    job->need_after_ms = job->not_before_ms = engine_now (engine);
  }
}

/* What is certain before a look can be trusted in all that it shows: that the
 * step's effect is there.  Before the first attempt also that it is not: what
 * is sent then in vain changes nothing. */
static bool
goes_on_early (struct engine *engine, struct job *job)
{
  bool first = job->phase == PHASE_LOOK && job->attempt == 0;
  CLEANUP_ERR struct err *err = NULL;
  enum verdict verdict = VERDICT_NO;

  if (job_has_flag (job, STEP_SETTLED) || !job_sees_early (job) ||
      job_is_gone (job, &err) ||
      (first && job->step->wanted && !job->step->wanted (job)))
    return false;
  if (job->step->seen)
    verdict = job->step->seen (job, &err);
  if (verdict == VERDICT_YES)
    job_step_over (engine, job, "done", NULL);
  else if (verdict == VERDICT_NO && first && job->step->act)
    act (engine, job);
  else
    return false;
  return true;
}

static void
advance_look (struct engine *engine, struct job *job)
{
  struct err *err = NULL;

  if (!job_is_fresh (job)) {
    if (goes_on_early (engine, job))
      return;
    if (job_is_overdue (engine, job))
      job_step_timed_out (engine, job,
                          job->abandoned ? "a request that nobody answered may "
                                           "still take effect"
                                         : "the VM could not be looked at");
    return;
  }
  if (job_is_gone (job, &err)) {
    job_step_failed (engine, job, err);
    return;
  }
  check_then_act (engine, job);
}

static void
advance_watch (struct engine *engine, struct job *job)
{
  bool fresh = job_is_fresh (job);
  struct err *err = NULL;
  enum verdict verdict = VERDICT_NO;

  if (fresh) {
    verdict =
        job_is_gone (job, &err) ? VERDICT_FAIL : job->step->seen (job, &err);
    if (verdict == VERDICT_YES) {
      job_step_over (engine, job, "done", NULL);
      return;
    }
    if (verdict == VERDICT_FAIL) {
      job_step_failed (engine, job, err);
      return;
    }
    job->need_after_ms =
        (job_looks_at_disk (job) ? job->disk_at_ms : job->now_at_ms) + 1;
  } else if (goes_on_early (engine, job))
    return;
  if (job_is_overdue (engine, job))
    job_step_timed_out (engine, job, "not seen to be so");
  else if (fresh && verdict == VERDICT_NO && job->step->act &&
           job_again_ms (job) > 0 &&
           engine_now (engine) >= job->not_before_ms) {
    if (job_looks_at_disk (job))
      look_again (engine, job); /* at the VM as well */
    else
      act (engine, job);
  }
}

/* A resumed job's step began in another process: its time starts anew, and what
 * that process had sent may still take effect. */
static void
adopt (struct engine *engine, struct job *job)
{
  if (job->adopted)
    return;
  job->adopted = true;
  job->step_began_ms = engine_now (engine);
  if (job->phase == PHASE_WAITING || job->phase == PHASE_ENDED)
    return;
  job->trust_after_ms = job_trust_after (engine, job, true);
  job->early_after_ms = job->trust_after_ms;
  lease_adopt (engine, job);
  if (job->step == NULL)
    job_next_back (engine, job);
}

/* It waits for its turn, and no time runs, until it is; or it never will be. */
static bool
is_ready (struct engine *engine, struct job *job)
{
  struct err *err = NULL;
  enum verdict verdict = job->step->ready (job, &err);

  if (verdict == VERDICT_FAIL)
    job_step_failed (engine, job, err);
  else if (verdict == VERDICT_WAIT)
    job->step_began_ms = engine_now (engine);
  return verdict == VERDICT_YES;
}

static void
advance_enter (struct engine *engine, struct job *job)
{
  if (job->step->ready && !is_ready (engine, job))
    return;
  /* What a journal says of the VM is too old to decide anything. */
  bool known = job->now_at_ms >= 0 || mutated ("blind-resume");
  bool fresh = job_has_flag (job, STEP_FRESH) && job->now_at_ms >= 0;

  if (job->now && known && job->step->wanted && !job->step->wanted (job))
    job_step_over (engine, job, "skipped", NULL);
  else if (job->now == NULL || !known || fresh)
    look_again (engine, job);
  else
    check_then_act (engine, job);
}

static void
advance_pause (struct engine *engine, struct job *job)
{
  if (engine_now (engine) < job->not_before_ms)
    return;
  if (job_is_overdue (engine, job))
    job_step_timed_out (engine, job, "no success");
  else if (job->step->seen || job_has_flag (job, STEP_FRESH))
    look_again (engine, job);
  else
    act (engine, job);
}

static bool
advance_once (struct engine *engine, struct job *job)
{
  enum phase before;
  const struct step *step;

  adopt (engine, job);
  before = job->phase;
  step = job->step;
  job->wall_ms = service_clock_ms (job->binding, engine->world->clock);
  if (waves_redirect (engine, job))
    return true;
  if (before == PHASE_ACT) {
    if (engine_now (engine) > job_reply_limit (job))
      job_no_reply (engine, job);
  } else if (engine->stopping)
    return false;
  else if (before == PHASE_ENTER)
    advance_enter (engine, job);
  else if (before == PHASE_LOOK)
    advance_look (engine, job);
  else if (before == PHASE_WATCH)
    advance_watch (engine, job);
  else if (before == PHASE_PAUSE)
    advance_pause (engine, job);
  return job->phase != before || job->step != step;
}

void
job_advance (struct engine *engine, struct job *job)
{
  while (advance_once (engine, job))
    ;
}
