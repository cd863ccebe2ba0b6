/* One simulated campaign: lives of a controller, one after another, until all
 * VMs have an outcome; and what must hold meanwhile and at the end.  There may
 * be a second controller with a campaign of its own on the same VMs: as real as
 * the first, with its own engine, journal, operator and clock on the wall. They
 * take turns, whoever has something to do. */

#include "simulation.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/log.h>
#include <controller/audit.h>
#include <controller/engine.h>
#include <controller/step.h>
#include <controller/wave-assign.h>

#include "fake-cloud.h"
#include "sim-checks.h"
#include "sim-internal.h"
#include "sim-journal.h"

#define MOST_LIVES 12
/* After so many, nothing goes wrong any more: every campaign must end. */
#define FAULTY_LIVES 6
#define LONGEST_MS   (INT64_C (20) * 24 * 3600 * 1000)
/* A large campaign takes 20,000. */
#define MOST_TURNS 2000000
/* The second controller comes within this time. */
#define SECOND_MS 300000

/* --- a controller's life -----------------------------------------------------
 */

int64_t
sim_draw (struct sim *sim, int64_t least, int64_t most)
{
  return least +
         (int64_t)random_below (&sim->random, (uint64_t)(most - least + 1));
}

bool
sim_chance (struct sim *sim, unsigned permille)
{
  return random_below (&sim->random, 1000) < permille &&
         sim->lives < FAULTY_LIVES;
}

static int
fault (void *opaque, uint64_t commits, bool after, struct err **err)
{
  struct sim *sim = opaque;

  if (sim->kill_at < 0 || (int64_t)commits != sim->kill_at ||
      after == sim->kill_before)
    return 0;
  fake_trace (sim->cloud, "controller is killed %s commit %lld",
              after ? "after" : "before", (long long)sim->kill_at);
  sim->killed = true;
  return err_set (err, ERR_INTERNAL, "killed");
}

static void
must (struct sim *sim, int r, struct err *err, const char *what)
{
  if (r == 0)
    return;
  fake_violation (sim->cloud, NULL, "%s: %s", what, err ? err->msg : "?");
  err_free (err);
}

static void
close_life (struct sim *sim)
{
  for (size_t i = 0; i < sim->jobs.len; i++)
    job_free (sim->jobs.ptr[i]);
  job_vec_release (&sim->jobs);
  helpers_free (TAKE (sim->policy->helpers));
  journal_close (TAKE (sim->journal));
  sim_journal_close (TAKE (sim->reader));
}

static struct job *
new_job (struct sim *sim, struct fake_vm *vm, const json_t *record)
{
  size_t account = (size_t)(vm->account - sim->cloud->accounts);

  return job_new ((int64_t)vm->index + 1, record, &sim->desk->bindings[account],
                  strategy_by_name (vm->account->kind->strategy), sim->policy);
}

/* Of a VM that can't be found any more. */
static json_t *
name_of (const struct fake_vm *vm)
{
  return json_make ("{s:s,s:s,s:s,s:s}", "provider",
                    vm->account->provider->name, "account", vm->account->name,
                    "id", vm->id, "name", vm->name);
}

static void
begin (struct sim *sim)
{
  struct err *err = NULL;

  sim->journal = journal_create (sim->path, sim->campaign, &err);
  if (sim->journal == NULL)
    abort ();
  journal_begin (sim->journal);
  for (size_t i = 0; i < sim->cloud->n_vms; i++) {
    struct fake_vm *vm = &sim->cloud->vms[i];
    CLEANUP_JSON json_t *seen = fake_vm_record_at (vm, fake_now (sim->cloud));
    CLEANUP_JSON json_t *record = seen ? json_incref (seen) : name_of (vm);

    job_vec_push (&sim->jobs, new_job (sim, vm, record));
  }
  must (sim, waves_assign (&sim->jobs, sim->policy, &err), err, "waves");
  for (size_t i = 0; i < sim->jobs.len; i++) {
    struct job_row row = job_to_row (sim->jobs.ptr[i]);

    journal_put_job (sim->journal, &row, 0);
    sim->jobs.ptr[i]->changed = false;
  }
  must (sim, journal_commit (sim->journal, &err), err, "begin");
}

static int
load_job (void *opaque, const struct job_row *row, struct err **err)
{
  struct sim *sim = opaque;
  struct fake_vm *vm = &sim->cloud->vms[row->id - 1];
  CLEANUP_JSON json_t *found = name_of (vm);
  struct job *job = new_job (sim, vm, row->before ? row->before : found);

  job_vec_push (&sim->jobs, job);
  return job_from_row (job, row, err);
}

static void
reload (struct sim *sim)
{
  struct err *err = NULL;

  sim->journal = journal_open (sim->path, JOURNAL_WRITE, &err);
  if (sim->journal == NULL) {
    must (sim, -1, err, "the journal can't be opened again");
    return;
  }
  must (sim, journal_each_job (sim->journal, load_job, sim, &err), err,
        "the jobs can't be read again");
}

static bool
stop_requested (void *opaque)
{
  const struct sim *sim = opaque;

  return sim->stop_at_ms >= 0 && fake_now (sim->cloud) >= sim->stop_at_ms;
}

/* Decides what happens to the controller in this life. */
static void
tempt_fate (struct sim *sim)
{
  const struct sim_config *config = sim->config;

  sim->kill_at = -1;
  sim->stop_at_ms = -1;
  sim->killed = false;
  if (config->kill_at_commit >= 0 && sim->lives == 1) {
    sim->kill_at = config->kill_at_commit;
    sim->kill_before = config->kill_before;
  } else if (sim_chance (sim, config->kill)) {
    sim->kill_at = sim_draw (sim, 1, (int64_t)config->n_vms * 20);
    sim->kill_before = sim_draw (sim, 0, 1);
  }
  if (sim_chance (sim, config->stop))
    sim->stop_at_ms = fake_now (sim->cloud) + sim_draw (sim, 0, 200000);
}

static void
check_request (void *opaque, struct fake_vm *vm, const struct effect *effect)
{
  struct sim *sim = opaque;

  sim_check_request (sim, sim->jobs.ptr[vm->index], vm, effect);
  sim_check_load (sim);
  sim_waves_check (sim, vm, effect);
}

static void
trace_job (void *opaque, const struct job *job)
{
  struct sim *sim = opaque;
  CLEANUP_FREE char *facts = NULL;

  if (!sim->config->verbose)
    return;
  facts = json_text (json_at (job->facts, "undo"));
  fake_trace (sim->cloud, "%s: job %s %s %s, undo %s", job->name,
              job->back ? "back" : "forward", job->step ? job->step->name : "-",
              phase_name (job->phase), facts);
}

static void
begin_life (struct sim *sim)
{
  struct engine_hooks hooks = {.changed = trace_job,
                               .stop_requested = stop_requested,
                               .opaque = sim};

  sim->lives++;
  tempt_fate (sim);
  sim_waves_fate (sim);
  sim_waves_hooks (sim, &hooks);
  journal_set_fault (sim->journal, fault, sim);
  sim->reader = sim_journal_open (sim->path);
  sim->policy->helpers = fake_helpers_new (sim->desk);
  sim->engine = engine_new (&sim->desk->world, sim->journal, sim->policy,
                            &hooks, sim->seed + sim->lives);
  for (size_t i = 0; i < sim->jobs.len; i++)
    engine_add_job (sim->engine, sim->jobs.ptr[i]);
  sim_waves_begin (sim, sim->engine);
  sim->until_ms = fake_now (sim->cloud);
}

static void
roll_back (struct sim *sim)
{
  fake_trace (sim->cloud, "operator: rollback");
  sim->rolled_back = true;
  for (size_t i = 0; i < sim->jobs.len; i++)
    job_roll_back (sim->jobs.ptr[i]);
}

/* The engine has ended: with an error (r == -1), or as `end` says.  True if the
 * campaign has. */
static bool
end_life (struct sim *sim, int r, enum engine_end end, struct err *err)
{
  bool finished = r == 0 && end == ENGINE_FINISHED;

  sim_waves_end (sim);
  engine_free (TAKE (sim->engine));
  sim->result->commits += journal_commits (sim->journal);
  fake_trace (sim->cloud, "%scontroller ends: %s",
              sim->desk->number ? "second " : "",
              r == -1                  ? err->msg
              : end == ENGINE_FINISHED ? "done"
              : end == ENGINE_HALTED   ? "halted"
                                       : "stopped");
  sim->halted = r == 0 && end == ENGINE_HALTED;
  if (r == -1 && !sim->killed && sim->cloud->outage_to_ms == 0)
    fake_violation (sim->cloud, NULL, "the engine failed: %s", err->msg);
  fake_desk_kill (sim->desk); /* its process is gone, whatever it came to */
  /* Killed before it was in the journal: the operator sees that. */
  if (sim->killed && sim->kill_at == 1 && sim->kill_before)
    sim->rolled_back = sim->rolled_back_before;
  sim->rolled_back_before = sim->rolled_back;
  return finished;
}

/* What its operator does before the next life, with the journal as it is. */
static void
between_lives (struct sim *sim, bool finished)
{
  size_t last = sim->cloud->n_vms - 1;

  if (sim->lives >= FAULTY_LIVES)
    sim->cloud->calm = true;
  close_life (sim);
  if (sim_chance (sim, sim->config->rival / 2))
    fake_rival_takes_over (sim->cloud,
                           &sim->cloud->vms[sim_draw (sim, 0, (int64_t)last)]);
  reload (sim);
  if (finished || sim_chance (sim, sim->config->rollback))
    roll_back (sim);
  else if (sim->halted)
    sim_waves_go_on (sim);
}

/* One turn of its engine, if that wants one; or the begin of its next life. */
static void
take_turn (struct sim *sim)
{
  struct fake_cloud *cloud = sim->cloud;
  enum engine_end end = ENGINE_STOPPED;
  CLEANUP_ERR struct err *err = NULL;
  int r;

  if (sim->over)
    return;
  if (sim->engine == NULL) {
    if (fake_now (cloud) < sim->wake_ms)
      return;
    if (sim->lives == 0)
      begin (sim);
    else
      between_lives (sim, sim->finished);
    begin_life (sim);
  }
  if (sim->desk->done.len == 0 &&
      (sim->until_ms < 0 || fake_now (cloud) < sim->until_ms))
    return;
  r = engine_turn (sim->engine, &end, &sim->until_ms, &err);
  if (r == 1)
    return;
  sim->finished = end_life (sim, r, end, err);
  if (sim->lives >= MOST_LIVES || fake_now (cloud) > LONGEST_MS)
    fake_violation (cloud, NULL, "the campaign never ends");
  else if (!sim->finished ||
           (sim_chance (sim, sim->config->rollback) && !sim->rolled_back)) {
    sim->wake_ms = fake_now (cloud) + sim_draw (sim, 0, sim->longest_pause_ms);
    return;
  }
  sim->over = true;
}

/* --- the whole --- */

static void
sim_init (struct sim *sim, struct fake_cloud *cloud, const char *campaign,
          struct sim_result *result)
{
  const struct sim_config *config = cloud->config;
  size_t number = cloud->n_desks;

  *sim = (struct sim){.config = config,
                      .cloud = cloud,
                      .desk = fake_desk_add (cloud, campaign),
                      .seed = config->seed ^ (number * 0x5ec0d),
                      .longest_pause_ms = 20000,
                      .result = result};
  random_init (&sim->random, sim->seed ^ 0x0face);
  sim->begun = xcalloc (config->n_vms, sizeof *sim->begun);
  sim->desk->check = check_request;
  sim->desk->opaque = sim;
  snprintf (sim->path, sizeof sim->path, "%s/bootmend-sim-%ld-%zu.db",
            access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
            (long)getpid (), number);
  sim->campaign = sim_make_campaign (sim);
  sim->policy = policy_new (sim->campaign, NULL, NULL);
  if (sim->policy == NULL)
    abort ();
  sim->desk->lease_ms = sim->policy->lease_ms;
}

static void
remove_journal (const struct sim *sim)
{
  static const char *const ends[] = {"", "-wal", "-shm", ".lock"};

  for (size_t i = 0; i < ARRAY_SIZE (ends); i++) {
    CLEANUP_FREE char *path = xasprintf ("%s%s", sim->path, ends[i]);

    unlink (path);
  }
}

/* Through all kills and resumes one chain was kept, and it fits the tables. */
static void
check_audit (struct sim *sim)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *chain = audit_verify (sim->journal, NULL, &err);

  fake_checked (sim->cloud, SIM_AUDIT);
  if (chain == NULL)
    fake_violation (sim->cloud, NULL, "audit: %s", err->msg);
}

static void
sim_end (struct sim *sim)
{
  engine_free (TAKE (sim->engine));
  if (sim->lives) {
    close_life (sim);
    reload (sim);
    check_audit (sim);
    for (size_t i = 0; i < sim->jobs.len; i++)
      sim_check_outcome (sim, sim->jobs.ptr[i], &sim->cloud->vms[i]);
    close_life (sim);
  }
  sim->result->requests += sim->desk->submitted;
  sim->result->lives += sim->lives;
  remove_journal (sim);
  policy_free (sim->policy);
  free (sim->begun);
  json_decref (sim->campaign);
}

static void
pair_init (struct sim_pair *pair, const struct sim_config *config,
           struct sim_result *result)
{
  struct sim *second = &pair->sims[1];

  *result = (struct sim_result){.mixed = config->n_accounts > 1,
                                .second = config->second};
  fake_cloud_init (&pair->cloud, config);
  sim_init (&pair->sims[0], &pair->cloud, "ours", result);
  if (config->second) {
    sim_init (second, &pair->cloud, "second", result);
    /* What is stale is said by the lease of who asks: both have the same. */
    second->policy->lease_ms = pair->sims[0].policy->lease_ms;
    second->desk->lease_ms = pair->sims[0].desk->lease_ms;
    second->wake_ms = sim_draw (second, 0, SECOND_MS);
    for (size_t i = 0; i < 2; i++)
      pair->sims[i].longest_pause_ms = second->policy->lease_ms * 2;
  }
  sim_schedule_fate (&pair->cloud);
  for (size_t i = 0; i < pair->cloud.n_desks; i++)
    remove_journal (&pair->sims[i]);
}

/* True while a campaign goes on; *until_ms: when one of them has to have its
 * turn, whatever comes meanwhile; -1: at no time. */
static bool
next_turn (const struct sim_pair *pair, int64_t *until_ms)
{
  bool goes_on = false;

  *until_ms = -1;
  for (size_t i = 0; i < pair->cloud.n_desks; i++) {
    const struct sim *sim = &pair->sims[i];
    int64_t at = sim->engine ? sim->until_ms : sim->wake_ms;

    if (sim->over)
      continue;
    goes_on = true;
    if (at >= 0 && (*until_ms < 0 || at < *until_ms))
      *until_ms = at;
  }
  return goes_on;
}

static bool
is_anything_due (const struct sim_pair *pair)
{
  for (size_t i = 0; i < pair->cloud.n_desks; i++)
    if (pair->sims[i].engine && pair->cloud.desks[i].done.len)
      return true;
  return false;
}

static void
pair_end (struct sim_pair *pair, struct sim_result *result)
{
  struct fake_cloud *cloud = &pair->cloud;

  cloud->calm = true;
  fake_cloud_pass (cloud, 3600 * 1000); /* whatever was still on its way */
  fake_checked (cloud, SIM_ENDS);
  for (size_t i = 0; i < cloud->n_vms; i++)
    if (cloud->vms[i].healed_by_itself)
      fake_checked (cloud, SIM_HEALED);
  for (size_t i = 0; i < cloud->n_desks; i++)
    sim_end (&pair->sims[i]);
  memcpy (result->checked, cloud->checked, sizeof result->checked);
  result->violations = cloud->violations;
  cloud->violations = (struct str_vec)VEC_EMPTY;
  result->simulated_ms = fake_now (cloud);
  fake_cloud_release (cloud);
}

void
sim_run (const struct sim_config *config, struct sim_result *result)
{
  struct sim_pair pair = {.sims = {{.config = NULL}}};
  uint64_t turns = 0;
  int64_t until_ms;

  pair_init (&pair, config, result);
  while (next_turn (&pair, &until_ms)) {
    if (++turns > MOST_TURNS || fake_now (&pair.cloud) > LONGEST_MS) {
      fake_violation (&pair.cloud, NULL, "the campaign never ends");
      break;
    }
    if (!is_anything_due (&pair))
      fake_cloud_wait (&pair.cloud, until_ms);
    for (size_t i = 0; i < pair.cloud.n_desks; i++)
      take_turn (&pair.sims[i]);
  }
  pair_end (&pair, result);
}

void
sim_result_release (struct sim_result *result)
{
  str_vec_free_all (&result->violations);
  str_vec_free_all (&result->outcomes);
}
