/* Random policies, the operator's words, and what must hold of waves, budgets,
 * groups and approvals: reckoned here a second time, from outcomes and the
 * ground truth, not by what admission.c says. */

#include "sim-checks.h"

#include <string.h>

#include <controller/campaign-control.h>
#include <controller/step.h>

/* After so many halts the operator allows any number of failures. */
#define MOST_HALTS 3
/* A word from another terminal is heard within a second. */
#define HEARD_MS 1500

/* --- policies ---------------------------------------------------------------
 */

void
sim_waves_config (struct sim_config *config)
{
  struct random_source random;

  random_init (&random, config->seed ^ 0x5ee2);
  config->steered = random_below (&random, 3) > 0;
  if (config->steered && random_below (&random, 2))
    config->halt = (unsigned)random_below (&random, 500);
  config->rival = random_below (&random, 3) ? 0 : 300;
  config->heals = (unsigned)random_below (&random, 300);
}

static void
put_one_of (struct random_source *random, json_t *policy, const char *key,
            const char *const *texts, size_t n)
{
  const char *text = texts[random_below (random, n)];

  if (*text)
    json_put_str (policy, key, text);
}

static void
put_times (struct random_source *random, json_t *policy)
{
  if (random_below (random, 2))
    json_put_int (policy, "soak_ms",
                  5000 + (int64_t)random_below (random, 120000));
  if (random_below (random, 3) == 0)
    json_put_int (policy, "reboot_first",
                  1 + (int64_t)random_below (random, 3));
  json_put_int (policy, "lease_ms",
                60000 + (int64_t)random_below (random, 600000));
}

/* Jobs are numbered as the VMs are, whatever their names and power. */
static void
put_order (const struct sim *sim, json_t *policy)
{
  json_t *order = json_array ();

  for (size_t i = 0; i < sim->cloud->n_vms; i++)
    json_array_append_new (order, json_string (sim->cloud->vms[i].name));
  json_put (policy, "order", order);
}

void
sim_waves_policy (struct sim *sim, json_t *policy)
{
  static const char *const waves[] = {"",    "1,2,rest", "2",
                                      "25%", "1,50%",    "3,rest"};
  static const char *const budgets[] = {"", "", "0", "1", "20%", "100%"};
  static const char *const halts[] = {"", "finish", "drain", "drain"};
  struct random_source random;
  bool proof = strcmp (sim->config->health, "none") != 0;

  put_order (sim, policy);
  if (!sim->config->steered)
    return;
  random_init (&random, sim->seed ^ 0x57ee4);
  put_one_of (&random, policy, "wave", waves, ARRAY_SIZE (waves));
  if (random_below (&random, 3) == 0)
    json_put_int (policy, "canary", 1 + (int64_t)random_below (&random, 2));
  put_one_of (&random, policy, "max_failures", budgets, ARRAY_SIZE (budgets));
  put_one_of (&random, policy, "wave_failures", budgets, ARRAY_SIZE (budgets));
  put_one_of (&random, policy, "on_halt", halts, ARRAY_SIZE (halts));
  if (random_below (&random, 4) == 0 || !proof)
    json_put_bool (policy, "approve", true);
  else if (random_below (&random, 6) == 0)
    json_put_str (policy, "approve_command", "decide");
  if (random_below (&random, 2)) {
    json_put_str (policy, "group_by", "role");
    json_put_int (policy, "group_max", 1 + (int64_t)random_below (&random, 2));
  }
  put_times (&random, policy);
}

/* --- the operator -----------------------------------------------------------
 */

void
sim_waves_fate (struct sim *sim)
{
  static const enum halt_wish wishes[] = {HALT_PARK, HALT_FINISH, HALT_DRAIN};

  sim->wish_at_ms = -1;
  sim->asked_wave = 0;
  if (!sim->config->steered || !sim_chance (sim, sim->config->halt))
    return;
  sim->wish_at_ms = fake_now (sim->cloud) + sim_draw (sim, 0, 300000);
  sim->wish = wishes[sim_draw (sim, 0, 2)];
}

static enum halt_wish
halt_wish (void *opaque, char **why)
{
  const struct sim *sim = opaque;

  if (sim->wish_at_ms < 0 || fake_now (sim->cloud) < sim->wish_at_ms)
    return HALT_NONE;
  *why = xstrdup ("the simulated operator");
  return sim->wish;
}

/* A person takes some time. */
static bool
approved (void *opaque, int64_t wave, char **by)
{
  struct sim *sim = opaque;

  if (sim->asked_wave != wave) {
    sim->asked_wave = wave;
    sim->asked_ms = fake_now (sim->cloud);
  }
  if (fake_now (sim->cloud) - sim->asked_ms < 20000)
    return false;
  sim->approved = wave;
  *by = xstrdup ("somebody");
  return true;
}

void
sim_waves_hooks (struct sim *sim, struct engine_hooks *hooks)
{
  if (!sim->config->steered)
    return;
  hooks->halt_wish = halt_wish;
  hooks->approved = approved;
}

/* Approvals are what the journal says, as after any restart. */
void
sim_waves_begin (struct sim *sim, struct engine *engine)
{
  CLEANUP_JSON json_t *events = journal_events (sim->journal, NULL);
  CLEANUP_JSON json_t *state = events ? control_state (events) : NULL;

  engine_approve (engine, json_int (state, "approved", 0));
  if (sim->policy->waves.approve_command && sim->desk->approved > sim->approved)
    sim->approved = sim->desk->approved;
}

static bool
has_failed (const struct job *job)
{
  const char *after = json_str (job->facts, "health_after.state", NULL);

  if (job->phase != PHASE_ENDED || json_bool (job->facts, "forgiven", false))
    return false;
  switch (job->outcome) {
  case OUT_FAILED_ATTENTION:
    return true;
  case OUT_FAILED_RESTORED:
    return json_at (job->facts, "asked_back") == NULL;
  case OUT_REPAIRED_UNPROVEN:
    return job_was_running (job) && (json_bool (job->facts, "fallen", false) ||
                                     (after && strcmp (after, "ok") != 0));
  default:
    return false;
  }
}

static bool
has_ended_unproven (const struct job *job)
{
  return job->phase == PHASE_ENDED && job->outcome == OUT_REPAIRED_UNPROVEN;
}

void
sim_waves_end (struct sim *sim)
{
  int64_t now = fake_now (sim->cloud);

  if (sim->wish_at_ms < 0 || now <= sim->wish_at_ms + HEARD_MS)
    return;
  for (size_t i = 0; i < sim->jobs.len; i++)
    if (sim->jobs.ptr[i]->phase == PHASE_WAITING) {
      fake_checked (sim->cloud, SIM_HALT_HEARD);
      if (sim->wish == HALT_DRAIN)
        fake_checked (sim->cloud, SIM_DRAINED);
    }
}

void
sim_waves_go_on (struct sim *sim)
{
  bool retry = sim_chance (sim, 300);

  sim->halts++;
  fake_trace (sim->cloud, "operator: goes on after a halt%s",
              retry ? ", with a retry" : "");
  for (size_t i = 0; i < sim->jobs.len; i++) {
    struct job *job = sim->jobs.ptr[i];

    if (retry && has_failed (job) && job_retry (job))
      continue;
    if (has_failed (job) || has_ended_unproven (job))
      job_set_fact (job, "forgiven", json_true ());
  }
  if (sim->halts < MOST_HALTS)
    return;
  sim->policy->waves.max_failures = (struct share){SHARE_PERCENT, 100};
  sim->policy->waves.wave_failures = (struct share){SHARE_PERCENT, 100};
}

/* --- what must hold ---------------------------------------------------------
 */

/* "5%" of 40, rounded down; -1: any number. */
static int64_t
allowed (struct share share, int64_t n)
{
  if (share.kind == SHARE_NONE)
    return -1;
  return share.kind == SHARE_PERCENT ? n * share.n / 100 : share.n;
}

static void
check_budget (struct sim *sim, const struct fake_vm *vm, int64_t wave)
{
  const struct wave_policy *waves = &sim->policy->waves;
  int64_t n = 0, failed = 0, last = 1, budget;

  for (size_t i = 0; i < sim->jobs.len; i++) {
    const struct job *job = sim->jobs.ptr[i];

    if (job->wave > last)
      last = job->wave;
    if (wave == 0 || job->wave == wave) {
      n++;
      failed += has_failed (job);
    }
  }
  budget = allowed (wave ? waves->wave_failures : waves->max_failures, n);
  if (wave && budget < 0 && waves->max_failures.kind == SHARE_NONE && last > 1)
    budget = 0;
  if (budget >= 0 && budget < n)
    fake_checked (sim->cloud, SIM_BUDGET);
  if (budget >= 0 && failed > budget)
    fake_violation (sim->cloud, vm,
                    "is begun although %lld of %lld VMs%s have failed, and "
                    "%lld may",
                    (long long)failed, (long long)n, wave ? " of a wave" : "",
                    (long long)budget);
}

/* All of the waves before have ended, and something is proven. */
static void
check_waves_before (struct sim *sim, const struct fake_vm *vm, int64_t wave)
{
  const struct wave_policy *policy = &sim->policy->waves;
  bool proven = false;

  if (wave > 1)
    fake_checked (sim->cloud, SIM_WAVE_BEFORE);
  for (size_t i = 0; i < sim->jobs.len; i++) {
    const struct job *job = sim->jobs.ptr[i];

    proven = proven || (job->phase == PHASE_ENDED &&
                        (job->outcome == OUT_REPAIRED ||
                         (has_ended_unproven (job) &&
                          json_bool (job->facts, "forgiven", false))));
    if (job->wave < wave && job->phase != PHASE_ENDED)
      fake_violation (sim->cloud, vm,
                      "of wave %lld is begun, and %s of wave %lld is not done",
                      (long long)wave, job->name, (long long)job->wave);
  }
  if (wave > 1 && !proven && !policy->approve &&
      policy->approve_command == NULL)
    fake_violation (sim->cloud, vm,
                    "of wave %lld is begun before anything is proven",
                    (long long)wave);
}

static void
check_approved (struct sim *sim, const struct fake_vm *vm, int64_t wave)
{
  const struct wave_policy *policy = &sim->policy->waves;
  int64_t upto = policy->approve_command ? sim->desk->approved : sim->approved;

  if (policy->approve || policy->approve_command)
    fake_checked (sim->cloud, SIM_APPROVED);
  if ((policy->approve || policy->approve_command) && wave > upto)
    fake_violation (sim->cloud, vm, "of wave %lld is begun, approved are %lld",
                    (long long)wave, (long long)upto);
}

static void
check_first (struct sim *sim, const struct fake_vm *vm, const struct job *job)
{
  int64_t now = fake_now (sim->cloud);

  if (sim->wish_at_ms >= 0 && now > sim->wish_at_ms + HEARD_MS)
    fake_violation (sim->cloud, vm, "is begun %.1f s after the operator's halt",
                    (double)(now - sim->wish_at_ms) / 1000);
  check_waves_before (sim, vm, job->wave);
  check_budget (sim, vm, 0);
  for (int64_t wave = 1; wave <= job->wave; wave++)
    check_budget (sim, vm, wave);
  check_approved (sim, vm, job->wave);
}

/* A running VM that one of our stops has switched off, or will. */
static bool
is_down_by_us (const struct sim *sim, const struct fake_vm *vm)
{
  return vm->by[sim->desk->number].stopped && vm->power != FAKE_ON &&
         vm->exists && !sim_is_shared (sim, vm) && vm->fell == 0;
}

/* Of the ground truth: who is switched off when another of its group is. */
static void
check_group (struct sim *sim, const struct fake_vm *vm, const struct job *job)
{
  int64_t down = 0, most = sim->policy->waves.group_max;

  if (sim->policy->waves.group_by == NULL || !vm->first_on)
    return;
  for (size_t i = 0; i < sim->cloud->n_vms; i++) {
    const struct fake_vm *other = &sim->cloud->vms[i];
    const struct job *its = sim->jobs.ptr[i];

    if (other == vm || strcmp (other->role, vm->role) != 0)
      continue;
    /* The operator's way back does not wait for what is down for good. */
    if (job->back && (its->phase == PHASE_ENDED || its->phase == PHASE_WAITING))
      continue;
    fake_checked (sim->cloud, SIM_GROUP);
    down += is_down_by_us (sim, other);
  }
  if (down >= most)
    fake_violation (sim->cloud, vm,
                    "is stopped while %lld of its group %s are down, %lld may",
                    (long long)down, vm->role, (long long)most);
}

/* A VM that counts as proven was up for as long as the policy says. */
static void
check_soak (struct sim *sim, const struct fake_vm *vm, const struct job *job)
{
  int64_t up_ms = fake_now (sim->cloud) - vm->on_since_ms;

  if (job->back || sim_is_shared (sim, vm) || vm->power != FAKE_ON ||
      strcmp (json_str (job->facts, "health_after.state", ""), "ok") != 0 ||
      strcmp (json_str (job->facts, "repair.outcome", ""), "repaired") != 0)
    return;
  if (sim->policy->soak_ms)
    fake_checked (sim->cloud, SIM_SOAK);
  if (up_ms < sim->policy->soak_ms)
    fake_violation (sim->cloud, vm, "is proven after %.1f s, the soak is %.1f",
                    (double)up_ms / 1000, (double)sim->policy->soak_ms / 1000);
}

/* It came up by itself before anything was done to it, and could be asked. */
static void
check_healed (struct sim *sim, const struct fake_vm *vm, const struct job *job)
{
  if (vm->healed_by_itself && vm->changes == 0 && !job->back &&
      !sim_is_shared (sim, vm) && vm->look_errors == 0 &&
      strcmp (sim->config->health, "none") != 0 &&
      fake_now (sim->cloud) - vm->on_since_ms > 60000)
    fake_violation (sim->cloud, vm,
                    "came up by itself, and is stopped all the same");
}

/* What is to be put back is not repaired first. */
static void
check_drained (struct sim *sim, const struct fake_vm *vm, const struct job *job,
               const struct effect *effect)
{
  int64_t now = fake_now (sim->cloud);

  if (effect->kind == EFFECT_WORK && !job->back && sim->wish == HALT_DRAIN &&
      sim->wish_at_ms >= 0 && now > sim->wish_at_ms + HEARD_MS)
    fake_violation (sim->cloud, vm,
                    "is repaired %.1f s after the operator wanted it put back",
                    (double)(now - sim->wish_at_ms) / 1000);
}

void
sim_waves_check (struct sim *sim, struct fake_vm *vm,
                 const struct effect *effect)
{
  const struct job *job = sim->jobs.ptr[vm->index];
  int64_t try = 1 + json_int (job->facts, "tries", 0);
  bool first = effect->kind == EFFECT_OP && effect->op == OP_MARK &&
               !job->back && sim->begun[vm->index] != try;

  sim_check_pair (sim, vm, effect);
  check_drained (sim, vm, job, effect);
  if (first) {
    sim->begun[vm->index] = try;
    if (sim->config->steered)
      check_first (sim, vm, job);
  }
  if (effect->kind != EFFECT_OP)
    return;
  if (effect->op == OP_STOP) {
    check_group (sim, vm, job);
    check_healed (sim, vm, job);
  }
  if (effect->op == OP_UNMARK)
    check_soak (sim, vm, job);
}
