#include "sim-checks.h"

#include <string.h>

#include <controller/step.h>

/* --- at every request --------------------------------------------------------
 */

static void
check_journalled (struct sim *sim, const struct job *job, struct fake_vm *vm)
{
  static const char *const steps[] = {"mark",
                                      "stop",
                                      "reboot-stop",
                                      "reboot-start",
                                      "reboot-attributes",
                                      "repair",
                                      "start",
                                      "repair-undo",
                                      "attributes",
                                      "unmark",
                                      "snapshot",
                                      "detach",
                                      "attach-helper",
                                      "detach-helper",
                                      "attach",
                                      "copy",
                                      "lend",
                                      "repair-copy",
                                      "reclaim",
                                      "swap-out",
                                      "swap-in",
                                      "swap-in-back",
                                      "swap-out-back",
                                      "swap",
                                      "swap-back",
                                      "keep",
                                      "unkeep"};
  const char *name = job->step ? job->step->name : "none";
  struct fake_view *view = &vm->by[sim->desk->number];
  unsigned announced;

  for (size_t i = 0; i < ARRAY_SIZE (steps); i++) {
    if (strcmp (steps[i], name) != 0)
      continue;
    announced = sim_journal_announced (sim->reader, job->id, name, job->back);
    fake_checked (sim->cloud, SIM_JOURNALLED);
    if (++view->sent[job->back][i] > announced)
      fake_violation (sim->cloud, vm,
                      "'%s' is sent for the %u. time and journalled "
                      "%u times",
                      name, view->sent[job->back][i], announced);
    if (!job->back && job->step->undo &&
        !sim_journal_has_undo (sim->reader, job->id, name))
      fake_violation (sim->cloud, vm,
                      "'%s' is sent and its way back is not known", name);
    return;
  }
  fake_violation (sim->cloud, vm, "a change is sent at step '%s'", name);
}

static bool
looks_healthy (const struct fake_vm *vm)
{
  const char *health = vm->cloud->config->health;

  return strcmp (health, "none") != 0 && vm->first_on &&
         fake_content_boots (&vm->first_content);
}

/* The step "look" got no describe through in its time. */
static bool
could_not_look (const struct fake_cloud *cloud, const struct job *job)
{
  const char *state = json_str (job->facts, "health_before.state", "unknown");

  return strcmp (state, "unknown") == 0 &&
         (cloud->config->describe_error || cloud->outage_to_ms);
}

/* Only between the step that takes it away and the one that gives it back. */
static bool
may_lack_disk (struct fake_vm *vm, struct sim_journal *reader,
               const struct job *job)
{
  static const char *const takers[] = {"detach", "swap-out", "swap", "attach",
                                       "swap-in"};

  for (size_t i = 0; i < ARRAY_SIZE (takers); i++)
    if (sim_journal_has_undo (reader, job->id, takers[i]))
      return true;
  return vm->unanswered;
}

static void
check_disk (struct sim *sim, const struct job *job, struct fake_vm *vm,
            const struct effect *effect)
{
  const char *step = job->step ? job->step->name : "?";

  if (effect->kind == EFFECT_OP && effect->op == OP_START) {
    fake_checked (sim->cloud, SIM_NO_START_WHILE_HELD);
    if (fake_is_held (vm))
      fake_violation (sim->cloud, vm, "is started while an agent has its disk");
  }
  if (vm->account->kind->attaches && !sim_is_shared (sim, vm)) {
    fake_checked (sim->cloud, SIM_NEVER_WITHOUT_DISK);
    if (fake_root (vm) == NULL && !may_lack_disk (vm, sim->reader, job))
      fake_violation (sim->cloud, vm, "has no disk, and '%s' is sent", step);
  }
}

void
sim_check_request (struct sim *sim, const struct job *job, struct fake_vm *vm,
                   const struct effect *effect)
{
  if (effect->kind == EFFECT_OP && effect->op == OP_MARK && job->step &&
      strcmp (job->step->name, "mark") != 0) {
    /* Its lease is renewed, at whatever step it is. */
    if (!sim_journal_has_undo (sim->reader, job->id, "mark"))
      fake_violation (sim->cloud, vm,
                      "a mark is renewed that was never written");
    return;
  }
  check_journalled (sim, job, vm);
  check_disk (sim, job, vm, effect);
  if (looks_healthy (vm) && !sim_is_shared (sim, vm) && vm->look_errors == 0 &&
      !could_not_look (sim->cloud, job))
    fake_violation (sim->cloud, vm, "is healthy, and '%s' is sent",
                    job->step ? job->step->name : "?");
  if (job->outcome != OUT_OPEN)
    fake_violation (sim->cloud, vm, "has an outcome, and a change is sent");
}

/* It runs, and only its soak goes on, or it has been through all that and is
 * seen to once more. */
static bool
is_watched (const struct job *job)
{
  size_t i;
  json_t *item;

  json_array_foreach (json_at (job->facts, "undo"), i, item)
  {
    if (strcmp (json_string_value (item), "unmark") == 0)
      return true;
  }
  return job->step && (strcmp (job->step->name, "soak") == 0 ||
                       strcmp (job->step->name, "join-group") == 0 ||
                       strcmp (job->step->name, "unmark") == 0 ||
                       strcmp (job->step->name, "compare") == 0);
}

void
sim_check_load (struct sim *sim)
{
  const struct job_vec *jobs = &sim->jobs;
  int64_t n = 0;

  for (size_t i = 0; i < jobs->len; i++)
    n += !is_watched (jobs->ptr[i]) && jobs->ptr[i]->phase != PHASE_WAITING &&
         jobs->ptr[i]->phase != PHASE_ENDED && !jobs->ptr[i]->back;
  if ((size_t)sim->policy->max_in_flight < jobs->len)
    fake_checked (sim->cloud, SIM_MAX_IN_FLIGHT);
  if (n > sim->policy->max_in_flight)
    fake_violation (sim->cloud, NULL, "%lld jobs are in flight, %lld may be",
                    (long long)n, (long long)sim->policy->max_in_flight);
}

/* --- at the end
 * --------------------------------------------------------------- */

static bool
is_repaired (struct fake_vm *vm)
{
  bool restores = strcmp (vm->account->kind->strategy, "restore") == 0;
  struct fake_content repaired = vm->first_content;

  if (restores) { /* the second of its old snapshots is the newest before */
    repaired = vm->made[1].content;
    repaired.bad_file = repaired.bad_file && vm->cloud->config->no_recipe;
    return vm->n_made > 1 && fake_root (vm) != &vm->disks[0] &&
           fake_content_equal (fake_content_of (vm), &repaired);
  }
  repaired.bad_file = false;
  return vm->first_content.bad_file &&
         fake_content_equal (fake_content_of (vm), &repaired);
}

static bool
swaps (const struct job *job)
{
  return strcmp (job->strategy->name, "move") != 0;
}

static bool
is_as_before (struct fake_vm *vm)
{
  return fake_root (vm) == &vm->disks[0] &&
         fake_content_equal (fake_content_of (vm), &vm->first_content);
}

static void
expect (struct fake_vm *vm, const struct job *job, bool holds, const char *what)
{
  if (!holds)
    fake_violation (vm->cloud, vm, "ended '%s' (%s), but %s",
                    outcome_name (job->outcome), job->reason ? job->reason : "",
                    what);
}

/* What an outcome other than "attention" promises of the VM itself. */
static void
expect_vm (struct fake_vm *vm, const struct job *job, bool power)
{
  const struct fake_disk *root = fake_root (vm);

  expect (vm, job, vm->exists, "it is gone");
  fake_checked (vm->cloud, SIM_UNMARKED);
  /* The other controller's mark may have to stay. */
  expect (vm, job, strcmp (vm->mark, job->policy->campaign) != 0,
          "it is still marked");
  expect (vm, job, json_equal (vm->attributes, vm->first_attributes),
          "its attributes are not as before");
  expect (vm, job, root != NULL, "it has no disk");
  expect (vm, job, root == NULL || root->keeps,
          "its disk has lost an attribute");
  expect (vm, job, root == NULL || swaps (job) || root == &vm->disks[0],
          "its disk is not its own");
  expect (vm, job, !power || (vm->power == FAKE_ON) == vm->first_on,
          "its power is not as before");
}

static bool
has_excuse (const struct fake_vm *vm)
{
  return vm->refused_ops || vm->work_fails || vm->others || vm->unanswered ||
         vm->fell || vm->work_errors >= 5 ||
         (vm->cloud->outage_to_ms && vm->errors);
}

/* Others ended with their disks at the helpers, and nobody gives the slots
 * back: a way back that needs one can't be gone. */
static bool
slots_are_gone (const struct fake_vm *vm, const struct job *job)
{
  const struct fake_cloud *cloud = vm->cloud;

  if (job->reason == NULL ||
      strstr (job->reason, "no slot of a helper") == NULL)
    return false;
  for (size_t i = 0; i < cloud->n_vms; i++)
    for (size_t d = 0; d < ARRAY_SIZE (cloud->vms[i].disks); d++)
      if (&cloud->vms[i] != vm && fake_disk_on_helper (&cloud->vms[i].disks[d]))
        return true;
  return false;
}

static void
expect_truth (struct fake_vm *vm, const struct job *job)
{
  /* A start may fall back at any time after it was seen. */
  bool power = vm->fell == 0;

  switch (job->outcome) {
  case OUT_REPAIRED:
    expect (vm, job, is_repaired (vm), "its disk is not repaired");
    expect (vm, job, fake_vm_boots (vm), "it does not boot");
    expect_vm (vm, job, power);
    break;
  case OUT_REPAIRED_UNPROVEN:
    expect (vm, job, is_repaired (vm), "its disk is not repaired");
    expect_vm (vm, job, power);
    break;
  case OUT_CLEAN:
  case OUT_RECOVERED:
  case OUT_FAILED_RESTORED:
    expect (vm, job, is_as_before (vm), "its disk is not as before");
    expect_vm (vm, job, power);
    break;
  case OUT_SKIPPED:
    expect (vm, job, is_as_before (vm), "its disk is not as before");
    expect (vm, job, vm->changes == 0 || json_int (job->facts, "tries", 0) > 0,
            "something was done to it");
    expect_vm (vm, job, true);
    break;
  case OUT_FAILED_ATTENTION:
    expect (vm, job, has_excuse (vm) || slots_are_gone (vm, job),
            "nothing explains that");
    break;
  default:
    expect (vm, job, false, "that is no outcome");
  }
}

static bool
is_listed (const struct job *job, const struct fake_made *made)
{
  json_t *entry;
  size_t i;

  json_array_foreach (json_at (job->facts, "created"), i, entry)
  {
    if (strcmp (json_str (entry, "token", ""), made->token) == 0)
      return true;
  }
  return false;
}

/* Whatever was made is in the report. */
static void
check_created (const struct sim *sim, struct fake_vm *vm, const struct job *job)
{
  unsigned tries = 1 + (unsigned)json_int (job->facts, "tries", 0);
  unsigned of_kind[2] = {0, 0};

  for (size_t i = 0; i < vm->n_made; i++) {
    /* Not somebody else's, from before, or the other controller's. */
    if (strstr (vm->made[i].token, sim->desk->campaign) == NULL)
      continue;
    fake_checked (sim->cloud, SIM_ALL_REPORTED);
    of_kind[vm->made[i].snapshot]++;
    expect (vm, job, is_listed (job, &vm->made[i]),
            "something was made of it that is not in the report");
  }
  expect (vm, job,
          (of_kind[0] <= tries && of_kind[1] <= tries) || vm->unanswered,
          "there is more than one snapshot or copy of it");
}

/* Its own disk is as it was, and tagged if it is not in its place. */
static void
check_original (struct fake_vm *vm, const struct job *job)
{
  const struct fake_disk *own = &vm->disks[0];
  bool away = fake_root (vm) != own;

  if (!swaps (job))
    return;
  fake_checked (vm->cloud, SIM_ORIGINAL_UNTOUCHED);
  expect (vm, job, fake_content_equal (&own->content, &vm->first_content),
          "its own disk was changed");
  if (job->outcome == OUT_FAILED_ATTENTION || vm->unanswered)
    return;
  for (size_t i = 0; i < vm->n_disks; i++)
    expect (vm, job, strncmp (vm->disks[i].at, "helper-", 7) != 0,
            "a copy of its disk stays at a helper");
  if ((vm->refused_ops & 1U << OP_KEEP) || vm->errors)
    return;
  expect (vm, job, own->tagged == away,
          away ? "its own disk waits without a tag" : "its disk has a tag");
}

static void
check_journal (struct fake_vm *vm, const struct job *job)
{
  expect (vm, job, job->phase == PHASE_ENDED, "the job has not ended");
  expect (vm, job,
          job->outcome != OUT_FAILED_RESTORED || !job->back ||
              job_undo_top (job) == NULL,
          "something is left to take back");
  expect (vm, job, job->reason && *job->reason, "no reason is given");
}

/* Nothing was done to it by this controller: the other one has it, or had. */
static void
expect_untouched (struct fake_vm *vm, const struct job *job)
{
  expect (vm, job,
          job->outcome != OUT_REPAIRED && job->outcome != OUT_REPAIRED_UNPROVEN,
          "it has never touched it");
}

static void
check_truth (struct sim *sim, struct fake_vm *vm, const struct job *job)
{
  if (looks_healthy (vm) && vm->look_errors == 0)
    fake_checked (sim->cloud, SIM_HEALTHY_LEFT_ALONE);
  fake_checked (sim->cloud, SIM_TRUE_OUTCOME);
  if (job->outcome == OUT_FAILED_ATTENTION)
    fake_checked (sim->cloud, SIM_ATTENTION_EXPLAINED);
  expect_truth (vm, job);
  if (!sim->rolled_back)
    return;
  fake_checked (sim->cloud, SIM_ROLLED_BACK);
  expect (vm, job,
          job->outcome != OUT_REPAIRED && job->outcome != OUT_REPAIRED_UNPROVEN,
          "it was rolled back");
}

void
sim_check_outcome (struct sim *sim, const struct job *job, struct fake_vm *vm)
{
  struct str_vec *outcomes = &sim->result->outcomes;

  str_vec_push (outcomes, xasprintf ("%s: %s, %s, %s, mark '%s'", vm->name,
                                     outcome_name (job->outcome),
                                     is_repaired (vm)    ? "repaired"
                                     : is_as_before (vm) ? "as before"
                                                         : "changed",
                                     fake_power_name (vm), vm->mark));
  fake_trace (sim->cloud, "%s (%s)", outcomes->ptr[outcomes->len - 1],
              job->reason ? job->reason : "");
  check_journal (vm, job);
  check_created (sim, vm, job);
  if (!sim_is_shared (sim, vm))
    check_original (vm, job);
  fake_checked (sim->cloud, SIM_ONE_HAND);
  if (fake_is_held (vm))
    fake_violation (sim->cloud, vm, "its disk is still in an agent's hand");
  if (vm->others) /* what they did is not ours to explain */
    return;
  if (!sim_is_shared (sim, vm))
    check_truth (sim, vm, job);
  else if (!vm->by[sim->desk->number].touched)
    expect_untouched (vm, job);
}
