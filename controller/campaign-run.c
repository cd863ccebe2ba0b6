/* Running a campaign: the check before it, the repair, the way back. */

#include "campaign.h"

#include <string.h>

#include <base/command.h>
#include <base/text.h>
#include <providers/vm.h>

#include "campaign-control.h"
#include "campaign-internal.h"
#include "plan.h"
#include "recipe-trust.h"
#include "session.h"
#include "step.h"
#include "wave-assign.h"

/* A check is the first steps alone, with nothing written and nothing sent that
 * has an effect. */
static void
conclude_check (struct job *job)
{
  job->phase = PHASE_ENDED; /* outcome open: it would be repaired */
  job->step = NULL;
}

static const char *const check_steps[] = {"preflight", "protection", "pick",
                                          "look", NULL};
static const struct strategy check = {
    .name = "check",
    .description = "preflight only",
    .steps = check_steps,
    .conclude = conclude_check,
};

/* A check (journal NULL) knows no waves: it changes nothing. */
static int
prepare_waves (struct campaign *campaign, struct engine *engine,
               struct journal *journal, struct err **err)
{
  CLEANUP_JSON json_t *events = NULL, *state = NULL;

  if (journal == NULL) {
    engine_ignore_waves (engine);
    return 0;
  }
  if (control_clear (campaign, err) == -1)
    return -1;
  events = journal_events (journal, err);
  if (events == NULL)
    return -1;
  state = control_state (events);
  engine_approve (engine, json_int (state, "approved", 0));
  return 0;
}

static int
run_jobs (struct campaign *campaign, const struct engine_hooks *hooks,
          struct journal *journal, enum engine_end *end, struct err **err)
{
  uint64_t seed = (uint64_t)clock_wall_ms (&real_clock);
  struct control control;
  struct engine *engine;
  int r;

  control_init (&control, campaign, hooks);
  free (campaign->policy->controller);
  campaign->policy->controller = control_controller ();
  engine = engine_new (world_real_world (campaign->real), journal,
                       campaign->policy, &control.hooks, seed);
  for (size_t i = 0; i < campaign->jobs.len; i++)
    engine_add_job (engine, campaign->jobs.ptr[i]);
  for (size_t i = 0; i < campaign->bystanders.len; i++)
    engine_add_bystander (engine, campaign->bystanders.ptr[i]);
  r = prepare_waves (campaign, engine, journal, err);
  if (r == 0)
    r = engine_run (engine, end, err);
  engine_free (engine);
  return r;
}

int
campaign_check (struct campaign *campaign, const struct engine_hooks *hooks,
                struct err **err)
{
  enum engine_end end;
  int r;

  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job *job = campaign->jobs.ptr[i];

    job_set_fact (job, "strategy", json_string (job->strategy->name));
    job->strategy = &check;
  }
  r = run_jobs (campaign, hooks, NULL, &end, err);
  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job *job = campaign->jobs.ptr[i];

    job->strategy = strategy_by_name (json_str (job->facts, "strategy", ""));
    job_set_fact (job, "strategy", NULL);
    if (strcmp (json_str (job->facts, "health_before.state", ""), "broken") ==
        0)
      job_set_fact (job, "was_broken", json_true ());
  }
  if (r == 0 && end == ENGINE_STOPPED)
    return err_set (err, ERR_STOPPED, "stopped before the check was done");
  /* Only what would be repaired has a place in a wave. */
  if (r == 0 && !campaign->planned)
    r = waves_assign (&campaign->jobs, campaign->policy, err);
  return r;
}

json_t *
campaign_plan (const struct campaign *campaign)
{
  CLEANUP_FREE char *created = time_format_ms (clock_wall_ms (&real_clock));
  json_t *plan =
      json_make ("{s:i,s:s,s:s,s:s,s:O,s:O}", "bootmend", 1, "kind", "plan",
                 "version", BOOTMEND_VERSION, "created", created, "request",
                 campaign->data, "missing", campaign->missing);
  json_t *vms = json_array ();

  for (size_t i = 0; i < campaign->jobs.len; i++)
    json_array_append_new (vms, plan_entry (campaign->jobs.ptr[i]));
  json_put (plan, "vms", vms);
  plan_seal (plan);
  return plan;
}

static bool
agent_needed (const struct campaign *campaign)
{
  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (campaign->jobs.ptr[i]->phase != PHASE_ENDED &&
        (campaign->jobs.ptr[i]->binding->provider->caps & CAP_IN_PLACE))
      return true;
  return false;
}

/* A missing or foreign agent is found out before the first VM is stopped. */
static int
campaign_check_agent (struct campaign *campaign, struct err **err)
{
  if (!agent_needed (campaign))
    return 0;
  return world_real_check_agent (campaign->real, campaign->policy->helper, err);
}

/* Who goes on with it, and how, before anything is sent in his name. */
static int
announce (struct campaign *campaign, const char *what, char *const *patterns,
          struct err **err)
{
  CLEANUP_JSON json_t *session = NULL;

  if (campaign->announced)
    return 0;
  session = session_describe (campaign->data);
  if (patterns) {
    json_t *list = json_array ();

    for (size_t i = 0; patterns[i]; i++)
      json_array_append_new (list, json_string (patterns[i]));
    json_put (session, "vms", list);
  }
  journal_begin (campaign->journal);
  journal_add_event (campaign->journal, 0, what, session,
                     clock_wall_ms (&real_clock));
  campaign->announced = true;
  return journal_commit (campaign->journal, err);
}

/* Is there a VM left that the recipe has not been carried out on? */
static bool
recipe_needed (const struct campaign *campaign)
{
  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (campaign->jobs.ptr[i]->phase != PHASE_ENDED &&
        !campaign->jobs.ptr[i]->back)
      return true;
  return false;
}

/* Likewise the programs that are asked in its midst. */
static int
check_programs (const struct policy *policy, struct err **err)
{
  const char *const programs[][2] = {{"--approve-command",
                                      policy->waves.approve_command},
                                     {"--health command",
                                      health_program (policy->health)}};

  for (size_t i = 0; i < ARRAY_SIZE (programs); i++)
    if (programs[i][1] && command_check (programs[i][1], err) == -1)
      return err_wrap (err, "%s", programs[i][0]);
  return 0;
}

int
campaign_make_ready (struct campaign *campaign, struct err **err)
{
  if (recipe_needed (campaign) &&
      recipe_trust_check (campaign->data, err) == -1)
    return -1;
  if (check_programs (campaign->policy, err) == -1 ||
      campaign_open_keys (campaign, err) == -1 ||
      campaign_check_agent (campaign, err) == -1 ||
      campaign_ready_helpers (campaign, err) == -1 ||
      campaign_check_permissions (campaign, err) == -1)
    return -1;
  campaign->ready = true;
  return 0;
}

int
campaign_run (struct campaign *campaign, const struct engine_hooks *hooks,
              enum engine_end *end, struct err **err)
{
  /* A campaign that has just begun is. */
  if (!campaign->ready && campaign_make_ready (campaign, err) == -1)
    return -1;
  if (announce (campaign, "resume", NULL, err) == -1)
    return -1;
  return run_jobs (campaign, hooks, campaign->journal, end, err);
}

/* However the operator spells it. */
static bool
is_its_id (const struct job *job, const char *text)
{
  const char *id = json_str (job->facts, "found.id", "");
  const struct provider *provider =
      provider_by_name (json_str (job->facts, "found.provider", ""));
  CLEANUP_FREE char *spelled =
      provider && provider->spell_id ? provider->spell_id (text) : NULL;

  return strcmp (spelled ? spelled : text, id) == 0;
}

static bool
job_matches (const struct job *job, const char *pattern)
{
  return text_glob_match (pattern, job->name, false) ||
         is_its_id (job, pattern) || strcmp (pattern, job->vm) == 0;
}

bool
campaign_job_matches (const struct job *job, char *const *patterns)
{
  if (patterns == NULL)
    return true;
  for (size_t i = 0; patterns[i]; i++)
    if (job_matches (job, patterns[i]))
      return true;
  return false;
}

static bool
any_matches (const struct job_vec *jobs, const char *pattern)
{
  for (size_t i = 0; i < jobs->len; i++)
    if (job_matches (jobs->ptr[i], pattern))
      return true;
  return false;
}

int
campaign_check_patterns (const struct campaign *campaign, char *const *patterns,
                         struct err **err)
{
  for (size_t i = 0; patterns && patterns[i]; i++)
    if (!any_matches (&campaign->jobs, patterns[i]))
      return err_set (err, ERR_NOT_FOUND,
                      "no VM of campaign %s matches '%s'; nothing was done",
                      campaign->id, patterns[i]);
  return 0;
}

int
campaign_rollback (struct campaign *campaign, char *const *patterns,
                   const struct engine_hooks *hooks, enum engine_end *end,
                   struct err **err)
{
  struct job_vec others = VEC_EMPTY, chosen = VEC_EMPTY, all = campaign->jobs;
  int r;

  if (campaign_check_patterns (campaign, patterns, err) == -1)
    return -1;
  for (size_t i = 0; i < all.len; i++) {
    struct job *job = all.ptr[i];

    if (!campaign_job_matches (job, patterns)) {
      job_vec_push (&others, job);
      continue;
    }
    if (job_is_released (job)) {
      job_vec_release (&others);
      job_vec_release (&chosen);
      return err_set (err, ERR_REFUSED,
                      "%s: its own disk was released and does not exist any "
                      "more: there is no way back for it (--vm chooses others)",
                      job->name);
    }
    job_vec_push (&chosen, job);
  }
  for (size_t i = 0; i < chosen.len; i++)
    job_roll_back (chosen.ptr[i]);
  if (chosen.len == 0)
    r = err_set (err, ERR_NOT_FOUND, "no VM of campaign %s matches",
                 campaign->id);
  else if ((r = announce (campaign, "rollback", patterns, err)) == 0) {
    campaign->jobs = chosen;
    campaign->bystanders = others; /* they stay as they are */
    r = campaign_run (campaign, hooks, end, err);
    campaign->jobs = all;
    campaign->bystanders = (struct job_vec)VEC_EMPTY;
  }
  job_vec_release (&others);
  job_vec_release (&chosen);
  return r;
}

int
campaign_exit_code (const struct campaign *campaign)
{
  size_t good = 0, open = 0;

  for (size_t i = 0; i < campaign->jobs.len; i++) {
    good += outcome_is_good (campaign->jobs.ptr[i]->outcome);
    open += campaign->jobs.ptr[i]->phase != PHASE_ENDED;
  }
  if (open)
    return 4;
  if (good == campaign->jobs.len)
    return 0;
  return good ? 3 : 1;
}
