/* The engine's side of waves: it asks admission.c, halts when the budget is
 * spent or the operator says so, and waits for approvals. */

#include "engine-internal.h"
#include "mutation.h"

#include <string.h>

/* How soon a word from another terminal is heard. */
#define CONTROL_MS 1000

/* --- halting ---------------------------------------------------------------
 */

bool
waves_are_halted (const struct engine *engine)
{
  return engine->waves.halt_kind != NULL;
}

static void
halt (struct engine *engine, const char *kind, const char *why, bool drain)
{
  struct waves_state *waves = &engine->waves;

  if (waves->halt_kind) {
    waves->draining = waves->draining || drain;
    return;
  }
  waves->halt_kind = xstrdup (kind);
  waves->halt_why = xstrdup (why);
  waves->draining = drain;
  waves->fresh = true;
  engine_journal_event (engine, "halted",
                        json_make ("{s:s,s:s,s:s}", "kind", kind, "why", why,
                                   "in_flight", drain ? "drain" : "finish"));
}

/* Work on a disk is told to end where that is safe: its reply follows. */
static void
cancel_work (struct engine *engine, struct job *job)
{
  if (job->phase == PHASE_ACT && !job->cancelled && !job->back)
    outbox_cancel_work (engine, job);
}

static void
park (struct engine *engine, const char *why)
{
  if (engine->waves.parked)
    return;
  engine->waves.parked = engine->stopping = true;
  engine_journal_event (engine, "halted",
                        json_make ("{s:s,s:s,s:s}", "kind", "operator", "why",
                                   why, "in_flight", "park"));
  for (size_t i = 0; i < engine->jobs.len; i++)
    if (engine->jobs.ptr[i]->phase == PHASE_ACT)
      outbox_cancel_work (engine, engine->jobs.ptr[i]);
}

void
waves_control (struct engine *engine)
{
  struct waves_state *waves = &engine->waves;
  CLEANUP_FREE char *why = NULL;
  enum halt_wish wish;

  if (engine->hooks.halt_wish == NULL ||
      (waves->controlled && engine_now (engine) < waves->control_ms))
    return;
  waves->controlled = true;
  waves->control_ms = engine_now (engine) + CONTROL_MS;
  wish = engine->hooks.halt_wish (engine->hooks.opaque, &why);
  if (wish == HALT_PARK)
    park (engine, why ? why : "at the operator's word");
  else if (wish != HALT_NONE)
    halt (engine, "operator", why ? why : "at the operator's word",
          wish == HALT_DRAIN);
}

int64_t
waves_deadline (const struct engine *engine)
{
  return engine->hooks.halt_wish && !engine->stopping ? engine->waves.control_ms
                                                      : -1;
}

bool
waves_are_over (const struct engine *engine)
{
  if (!waves_are_halted (engine))
    return false;
  for (size_t i = 0; i < engine->jobs.len; i++) {
    const struct job *job = engine->jobs.ptr[i];

    if (job->phase != PHASE_ENDED && (job->phase != PHASE_WAITING || job->back))
      return false;
  }
  return true;
}

/* --- jobs in flight when a halt comes ---------------------------------------
 */

/* Nothing has been done for it: its turn comes again after a resume. */
static void
unadmit (struct job *job)
{
  job->phase = PHASE_WAITING;
  job->step = NULL;
  job->effect = 0;
  job->attempt = 0;
  job->changed = true;
}

static bool
undo_has (const struct job *job, const char *name)
{
  size_t i;
  json_t *item;

  json_array_foreach (json_at (job->facts, "undo"), i, item)
  {
    if (strcmp (json_string_value (item), name) == 0)
      return true;
  }
  return false;
}

/* Its first request with an effect may not have been sent yet. */
static bool
is_first_request (const struct job *job)
{
  const char *top = job_undo_top (job);

  return job->phase == PHASE_ACT && job->attempt == 1 && !job->uncertain &&
         json_array_size (json_at (job->facts, "undo")) == 1 &&
         strcmp (top, job->step->name) == 0;
}

/* One that has been started again is about to be proven: it is let finish. */
static bool
should_go_back (const struct engine *engine, const struct job *job)
{
  /* At its mark nothing is done yet, whatever has become of the request, which
   * a process may have sent that has ended. */
  if (strcmp (job->step->name, "mark") == 0)
    return true;
  return engine->waves.draining && !job_has_flag (job, STEP_LAST) &&
         !undo_has (job, "start") && !mutated ("never-drain");
}

bool
waves_redirect (struct engine *engine, struct job *job)
{
  bool in_flight =
      job->phase != PHASE_WAITING && job->phase != PHASE_ENDED && job->step;

  if ((!waves_are_halted (engine) && !engine->stopping) || job->back ||
      !in_flight || engine->waves.off)
    return false;
  if (mutated ("ignore-budget"))
    return false;
  if (job_is_touched (job) && is_first_request (job) &&
      outbox_withdraw (engine, job))
    job_undo_pop (job);
  if (!job_is_touched (job)) {
    unadmit (job);
    return true;
  }
  if (engine->stopping || !should_go_back (engine, job))
    return false;
  if (job->phase == PHASE_ACT) {
    cancel_work (engine, job);
    return false;
  }
  job_set_fact (job, "asked_back", json_string ("drain"));
  job_set_reason (job, "put back when the campaign was halted: %s",
                  engine->waves.halt_why);
  job_turn_back (job);
  job_next_back (engine, job);
  return true;
}

/* --- the gate before a wave -------------------------------------------------
 */

static void
check_budget (struct engine *engine, const struct survey *survey)
{
  CLEANUP_FREE char *why = NULL;

  if (waves_are_halted (engine) || survey->all.open == 0)
    return;
  why = survey_spent (survey);
  if (why)
    halt (engine, "failures", why, engine->policy->waves.drain);
}

/* As many as have been left alone in the waves before stand in for them. */
static void
move_up (struct engine *engine, const struct survey *survey)
{
  int64_t wave = survey->current - 1, n = 0, most;

  while (wave > 1 && survey->waves[wave].vms == 0) /* all of it moved up */
    wave--;
  if (engine->waves.first_size == 0)
    engine->waves.first_size = survey->waves[wave].vms;
  most = engine->waves.first_size > 0 ? engine->waves.first_size : 1;
  for (size_t i = 0; i < engine->jobs.len && n < most; i++) {
    struct job *job = engine->jobs.ptr[i];

    if (job->phase != PHASE_WAITING || job->back || job->wave <= wave)
      continue;
    job->wave = wave;
    job_note (job,
              "stands in for VMs of wave %lld, which needed no repair and "
              "so proved nothing",
              (long long)wave);
    job->changed = true;
    n++;
  }
}

static void
ask_for_approval (struct engine *engine, int64_t wave)
{
  struct waves_state *waves = &engine->waves;
  const char *program = engine->policy->waves.approve_command;
  struct effect effect = {.kind = EFFECT_PROBE};

  if (waves->asked == wave)
    return;
  waves->asked = wave;
  engine_journal_event (engine, "asks",
                        json_make ("{s:I,s:s}", "wave", (json_int_t)wave, "by",
                                   program ? program : "bootmend approve"));
  if (program == NULL)
    return;
  effect.in = json_make ("{s:s,s:s,s:s,s:I}", "kind", "approval", "program",
                         program, "campaign", engine->policy->campaign, "wave",
                         (json_int_t)wave);
  waves->question = effect.id = engine->next_effect++;
  outbox_add (engine, NULL, effect);
}

static void
approve (struct engine *engine, int64_t wave, const char *by)
{
  engine->waves.approved = wave;
  engine_journal_event (engine, "approved",
                        json_make ("{s:I,s:s}", "wave", (json_int_t)wave, "by",
                                   by));
}

void
waves_answer (struct engine *engine, const struct completion *completion)
{
  struct waves_state *waves = &engine->waves;
  const char *why = completion->err
                        ? completion->err->msg
                        : json_str (completion->out, "why", "no word of why");

  if (completion->id != waves->question)
    return;
  waves->question = 0;
  if (completion->err == NULL && json_bool (completion->out, "healthy", false))
    approve (engine, waves->asked, why);
  else {
    CLEANUP_FREE char *text = xasprintf ("wave %lld was not approved: %s",
                                         (long long)waves->asked, why);

    halt (engine, "refused", text, engine->policy->waves.drain);
  }
}

static bool
is_approved (struct engine *engine, int64_t wave)
{
  const struct wave_policy *policy = &engine->policy->waves;
  CLEANUP_FREE char *by = NULL;

  if ((!policy->approve && policy->approve_command == NULL) ||
      engine->waves.approved >= wave || mutated ("skip-approval"))
    return true;
  if (policy->approve_command == NULL && engine->hooks.approved &&
      engine->hooks.approved (engine->hooks.opaque, wave, &by)) {
    approve (engine, wave, by ? by : "?");
    return true;
  }
  ask_for_approval (engine, wave);
  return false;
}

/* True if jobs of the current wave may be begun. */
static bool
pass_gate (struct engine *engine, const struct survey *survey, bool *again)
{
  switch (survey_gate (survey)) {
  case GATE_STAND_INS:
    move_up (engine, survey);
    *again = true;
    return false;
  case GATE_UNPROVEN:
    halt (engine, "unproven",
          "nothing is proven yet: what was repaired could not be asked whether "
          "it boots",
          engine->policy->waves.drain);
    return false;
  default:
    return is_approved (engine, survey->current);
  }
}

/* --- beginning jobs ---------------------------------------------------------
 */

static void
never (struct job *job, const char *why)
{
  job_set_reason (job, "%s", why);
  job->outcome = OUT_SKIPPED;
  job->phase = PHASE_ENDED;
  job->step = NULL;
  job->changed = true;
}

static void
begin (struct engine *engine, struct job *job)
{
  if (!job->back && job->step == NULL) {
    job_admit (engine, job);
    return;
  }
  job->phase = PHASE_ENTER;
  job->step_began_ms = engine_now (engine);
  job->trust_after_ms = job->early_after_ms =
      job_trust_after (engine, job, true);
  job->changed = true;
  if (job->back)
    job_next_back (engine, job);
}

static bool
has_waiting (const struct engine *engine, bool back, int64_t wave)
{
  for (size_t i = 0; i < engine->jobs.len; i++) {
    const struct job *job = engine->jobs.ptr[i];

    if (job->phase == PHASE_WAITING && job->back == back &&
        (back || job->wave <= wave || mutated ("start-early")))
      return true;
  }
  return false;
}

static bool
begin_jobs (struct engine *engine, struct survey *survey, bool back)
{
  bool any = false;

  for (size_t i = 0; i < engine->jobs.len; i++) {
    struct job *job = engine->jobs.ptr[i];
    CLEANUP_FREE char *why = NULL;

    if (job->phase != PHASE_WAITING || job->back != back)
      continue;
    switch (admission (survey, job, &why)) {
    case ADMIT:
      survey_begun (survey, job);
      begin (engine, job);
      any = true;
      break;
    case ADMIT_NEVER:
      never (job, why);
      any = true;
      break;
    case ADMIT_LATER:
      break;
    }
  }
  return any;
}

bool
waves_admit (struct engine *engine)
{
  CLEANUP_SURVEY struct survey survey = {NULL};
  bool any = false, again = false;

  survey_make (&survey, &engine->jobs, &engine->waves.others, engine->policy);
  if (engine->waves.off && !engine->stopping) {
    survey.current = survey.n_waves;
    return begin_jobs (engine, &survey, false);
  }
  check_budget (engine, &survey);
  if (engine->waves.fresh) { /* what waits to be sent may not be any more */
    engine->waves.fresh = false;
    return true;
  }
  if (engine->stopping)
    return false;
  if (has_waiting (engine, true, 0))
    any = begin_jobs (engine, &survey, true);
  if (waves_are_halted (engine) || survey.current == 0 ||
      !has_waiting (engine, false, survey.current))
    return any;
  if (pass_gate (engine, &survey, &again))
    any = begin_jobs (engine, &survey, false) || any;
  return any || again;
}

bool
waves_may_touch (struct engine *engine, struct job *job)
{
  CLEANUP_SURVEY struct survey survey = {NULL};

  if (job->back || engine->waves.off || job_is_touched (job))
    return true;
  survey_make (&survey, &engine->jobs, &engine->waves.others, engine->policy);
  check_budget (engine, &survey);
  if (!waves_are_halted (engine))
    return true;
  unadmit (job);
  return false;
}

/* --- the engine's own -------------------------------------------------------
 */

void
waves_release (struct waves_state *waves)
{
  free (waves->halt_kind);
  free (waves->halt_why);
  job_vec_release (&waves->others);
}

void
engine_ignore_waves (struct engine *engine)
{
  engine->waves.off = true;
}

void
waves_begin (struct engine *engine)
{
  struct job_vec all = VEC_EMPTY;

  for (size_t i = 0; i < engine->jobs.len; i++)
    job_vec_push (&all, engine->jobs.ptr[i]);
  for (size_t i = 0; i < engine->waves.others.len; i++)
    job_vec_push (&all, engine->waves.others.ptr[i]);
  admission_number_groups (all.ptr, all.len);
  for (size_t i = 0; engine->waves.off && i < all.len; i++)
    all.ptr[i]->group = 0;
  job_vec_release (&all);
}

void
engine_add_bystander (struct engine *engine, struct job *job)
{
  job_vec_push (&engine->waves.others, job);
}

void
engine_approve (struct engine *engine, int64_t wave)
{
  if (wave > engine->waves.approved)
    engine->waves.approved = wave;
}
