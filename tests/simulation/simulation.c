/* One simulated campaign: lives of a controller, one after another, until all
 * VMs have an outcome; and what must hold meanwhile and at the end. */

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

/* --- what a seed decides ----------------------------------------------------
 */

static const char *const strategies_of[] = {"move", "swap", "restore"};
static const char *const healths[] = {"serial:^BOOT OK$",
                                      "serial:BOOT OK",
                                      "guest-agent",
                                      "status",
                                      "none",
                                      "command:probe"};

struct sim_config
sim_config_calm (uint64_t seed)
{
  struct random_source random;
  struct sim_config config = {.seed = seed, .kill_at_commit = -1};

  random_init (&random, seed ^ 0x51ed2701);
  config.n_vms = 1 + random_below (&random, 20);
  config.batches = random_below (&random, 2);
  config.settle_ms = config.batches ? 15000 : 0;
  config.health = healths[random_below (&random, ARRAY_SIZE (healths))];
  config.attaches = config.batches && random_below (&random, 2);
  config.strategy =
      config.attaches
          ? strategies_of[random_below (&random, ARRAY_SIZE (strategies_of))]
          : "move";
  config.one_call =
      strcmp (config.strategy, "move") != 0 && random_below (&random, 2);
  config.no_recipe =
      strcmp (config.strategy, "restore") == 0 && random_below (&random, 2);
  config.tasks = random_below (&random, 2);
  return config;
}

struct sim_config
sim_config_of (uint64_t seed)
{
  struct sim_config config = sim_config_calm (seed);
  struct random_source random;
  unsigned *const rates[] = {&config.error,       &config.lost_reply,
                             &config.late_reply,  &config.stale,
                             &config.duplicate,   &config.describe_error,
                             &config.agent_crash, &config.agent_hang,
                             &config.start_falls, &config.refused_op,
                             &config.work_fails,  &config.others,
                             &config.outage,      &config.kill,
                             &config.stop,        &config.rollback};
  static const unsigned most[ARRAY_SIZE (rates)] = {150, 100, 20,  500,
                                                    100, 200, 150, 60,
                                                    100, 100, 60,  200,
                                                    300, 600, 300, 300};

  /* Each fault is absent in half of the campaigns: many at once hide each
   * other. */
  random_init (&random, seed ^ 0xfa017);
  for (size_t i = 0; i < ARRAY_SIZE (rates); i++)
    *rates[i] = random_below (&random, 2)
                    ? 0
                    : (unsigned)random_below (&random, most[i] + 1);
  sim_waves_config (&config);
  return config;
}

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

static json_t *
make_campaign (struct sim *sim)
{
  static const int64_t shutdowns[] = {0, 5000, 20000};
  json_t *policy = json_object ();

  json_put_str (policy, "health", sim->config->health);
  json_put_int (policy, "max_in_flight", sim_draw (sim, 1, 24));
  json_put_int (policy, "shutdown_ms", shutdowns[sim_draw (sim, 0, 2)]);
  json_put_int (policy, "verify_ms", sim_draw (sim, 60000, 300000));
  json_put_int (policy, "repair_ms", sim_draw (sim, 60000, 600000));
  json_put_int (policy, "poll_ms", sim_draw (sim, 500, 3000));
  if (strcmp (sim->config->strategy, "restore") == 0)
    json_put_str (policy, "before", "2024-07-18T00:00:00Z");
  if (sim->config->n_vms > 100)
    json_put_int (policy, "max_in_flight", (int64_t)sim->config->n_vms);
  sim_waves_policy (sim, policy);
  if (sim->config->no_recipe)
    return json_make ("{s:s,s:o}", "id", "ours", "policy", policy);
  return json_make ("{s:s,s:o,s:{s:s}}", "id", "ours", "policy", policy,
                    "recipe", "name", "simulated");
}

static int
fault (void *opaque, uint64_t commits, bool after, struct err **err)
{
  struct sim *sim = opaque;

  if (sim->kill_at < 0 || (int64_t)commits != sim->kill_at ||
      after == sim->kill_before)
    return 0;
  fake_trace (&sim->cloud, "controller is killed %s commit %lld",
              after ? "after" : "before", (long long)sim->kill_at);
  sim->killed = true;
  return err_set (err, ERR_INTERNAL, "killed");
}

static void
must (struct sim *sim, int r, struct err *err, const char *what)
{
  if (r == 0)
    return;
  fake_violation (&sim->cloud, NULL, "%s: %s", what, err ? err->msg : "?");
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

static void
begin (struct sim *sim)
{
  struct err *err = NULL;

  sim->journal = journal_create (sim->path, sim->campaign, &err);
  if (sim->journal == NULL)
    abort ();
  journal_begin (sim->journal);
  for (size_t i = 0; i < sim->cloud.n_vms; i++) {
    struct fake_vm *vm = &sim->cloud.vms[i];
    CLEANUP_JSON json_t *record = fake_vm_record_at (vm, 0);
    struct job *job =
        job_new ((int64_t)i + 1, record, &sim->cloud.binding,
                 strategy_by_name (sim->config->strategy), sim->policy);

    job_vec_push (&sim->jobs, job);
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
  struct fake_vm *vm = &sim->cloud.vms[row->id - 1];
  CLEANUP_JSON json_t *found =
      json_make ("{s:s,s:s,s:s,s:s}", "provider",
                 sim->cloud.binding.provider->name, "account", "fake", "id",
                 vm->id, "name", vm->name);
  struct job *job =
      job_new (row->id, row->before ? row->before : found, &sim->cloud.binding,
               strategy_by_name (row->strategy), sim->policy);

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

  return sim->stop_at_ms >= 0 && fake_now (&sim->cloud) >= sim->stop_at_ms;
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
    sim->stop_at_ms = fake_now (&sim->cloud) + sim_draw (sim, 0, 200000);
}

static void
check_request (void *opaque, struct fake_vm *vm, const struct effect *effect)
{
  struct sim *sim = opaque;

  sim_check_request (&sim->cloud, sim->reader, sim->jobs.ptr[vm->index], vm,
                     effect);
  sim_check_load (&sim->cloud, &sim->jobs, sim->policy);
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
  fake_trace (&sim->cloud, "%s: job %s %s %s, undo %s", job->name,
              job->back ? "back" : "forward", job->step ? job->step->name : "-",
              phase_name (job->phase), facts);
}

/* True if the campaign has ended. */
static bool
live (struct sim *sim)
{
  struct engine_hooks hooks = {.changed = trace_job,
                               .stop_requested = stop_requested,
                               .opaque = sim};
  enum engine_end end = ENGINE_STOPPED;
  struct err *err = NULL;
  struct engine *engine;
  int r;

  sim->lives++;
  tempt_fate (sim);
  sim_waves_fate (sim);
  sim_waves_hooks (sim, &hooks);
  journal_set_fault (sim->journal, fault, sim);
  sim->reader = sim_journal_open (sim->path);
  if (sim->config->attaches)
    sim->policy->helpers = fake_helpers_new (&sim->cloud);
  engine = engine_new (&sim->cloud.world, sim->journal, sim->policy, &hooks,
                       sim->config->seed + sim->lives);
  for (size_t i = 0; i < sim->jobs.len; i++)
    engine_add_job (engine, sim->jobs.ptr[i]);
  sim_waves_begin (sim, engine);
  r = engine_run (engine, &end, &err);
  engine_free (engine);
  sim->result->commits += journal_commits (sim->journal);
  fake_trace (&sim->cloud, "controller ends: %s",
              r == -1                  ? err->msg
              : end == ENGINE_FINISHED ? "done"
              : end == ENGINE_HALTED   ? "halted"
                                       : "stopped");
  sim->halted = r == 0 && end == ENGINE_HALTED;
  if (r == -1 && !sim->killed && sim->cloud.outage_to_ms == 0)
    fake_violation (&sim->cloud, NULL, "the engine failed: %s", err->msg);
  err_free (err);
  if (r == 0 && end == ENGINE_FINISHED)
    return true;
  fake_cloud_kill (&sim->cloud);
  return false;
}

static void
roll_back (struct sim *sim)
{
  fake_trace (&sim->cloud, "operator: rollback");
  sim->rolled_back = true;
  for (size_t i = 0; i < sim->jobs.len; i++)
    job_roll_back (sim->jobs.ptr[i]);
}

/* --- others, and outages --- */

static void
somebody_acts (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_vm *vm = event->vm;
  int64_t what = fake_between (cloud, 0, 5);

  if (cloud->calm || !vm->exists)
    return;
  vm->others = true;
  fake_trace (cloud, "somebody else: action %lld on %s", (long long)what,
              vm->name);
  if (what == 0 && !fake_is_held (vm))
    vm->exists = false;
  else if (what == 1 || what == 2)
    fake_vm_switch (vm, what == 1);
  else if (what == 3)
    json_put_int (vm->attributes, "cpus", 99);
  else if (what == 4)
    strcpy (vm->mark, "theirs");
  else if (!fake_is_held (vm)) {
    fake_content_of (vm)->bad_file = false;
    fake_content_of (vm)->version++;
  }
  fake_vm_changed (vm);
}

/* Somebody sets the clock on the wall: nothing may depend on it. */
static void
clock_is_set (struct fake_cloud *cloud, struct fake_event *event)
{
  (void)event;
  cloud->clock.wall_ms += fake_between (cloud, -2, 1) * 24 * 3600 * 1000;
}

static void
schedule_fate (struct sim *sim)
{
  struct fake_cloud *cloud = &sim->cloud;

  for (size_t i = 0; i < cloud->n_vms; i++)
    if (fake_fault (cloud, sim->config->others))
      fake_event_add (cloud, fake_between (cloud, 0, 300000), somebody_acts,
                      &cloud->vms[i]);
  for (size_t i = 0; i < cloud->n_vms && sim->config->rival; i++)
    if (fake_fault (cloud, sim->config->rival))
      fake_rival_comes (cloud, &cloud->vms[i], fake_between (cloud, 0, 60000));
  fake_event_add (cloud, fake_between (cloud, 0, 300000), clock_is_set, NULL);
  if (fake_fault (cloud, sim->config->outage)) {
    cloud->outage_from_ms = fake_between (cloud, 0, 200000);
    cloud->outage_to_ms =
        cloud->outage_from_ms + fake_between (cloud, 10000, 2400000);
    cloud->outage_code = fake_chance (cloud, 300) ? ERR_AUTH : ERR_TRANSIENT;
  }
}

/* --- the whole --- */

static void
sim_init (struct sim *sim, const struct sim_config *config,
          struct sim_result *result)
{
  *sim = (struct sim){.config = config, .result = result};
  *result = (struct sim_result){.commits = 0};
  random_init (&sim->random, config->seed ^ 0x0face);
  fake_cloud_init (&sim->cloud, config);
  sim->begun = xcalloc (config->n_vms, sizeof *sim->begun);
  sim->cloud.check = check_request;
  sim->cloud.opaque = sim;
  snprintf (sim->path, sizeof sim->path, "%s/bootmend-sim-%ld.db",
            access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
            (long)getpid ());
  sim->campaign = make_campaign (sim);
  sim->policy = policy_new (sim->campaign, NULL, NULL);
  if (sim->policy == NULL)
    abort ();
  schedule_fate (sim);
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

  if (chain == NULL)
    fake_violation (&sim->cloud, NULL, "audit: %s", err->msg);
}

static void
sim_end (struct sim *sim)
{
  struct fake_cloud *cloud = &sim->cloud;

  cloud->calm = true;
  fake_cloud_pass (cloud, 3600 * 1000); /* whatever was still on its way */
  close_life (sim);
  reload (sim);
  check_audit (sim);
  for (size_t i = 0; i < sim->jobs.len; i++)
    sim_check_outcome (cloud, sim->jobs.ptr[i], &cloud->vms[i],
                       sim->rolled_back, &sim->result->outcomes);
  sim->result->violations = cloud->violations;
  cloud->violations = (struct str_vec)VEC_EMPTY;
  sim->result->requests = cloud->submitted;
  sim->result->lives = sim->lives;
  sim->result->simulated_ms = fake_now (cloud);
  close_life (sim);
  remove_journal (sim);
  policy_free (sim->policy);
  free (sim->begun);
  json_decref (sim->campaign);
  fake_cloud_release (cloud);
}

void
sim_run (const struct sim_config *config, struct sim_result *result)
{
  struct sim sim;
  bool ended;

  sim_init (&sim, config, result);
  remove_journal (&sim);
  begin (&sim);
  for (;;) {
    ended = live (&sim);
    if (sim.lives >= MOST_LIVES || fake_now (&sim.cloud) > LONGEST_MS) {
      fake_violation (&sim.cloud, NULL, "the campaign never ends");
      break;
    }
    /* Killed before it was in the journal: the operator sees that. */
    if (sim.killed && sim.kill_at == 1 && sim.kill_before)
      sim.rolled_back = sim.rolled_back_before;
    sim.rolled_back_before = sim.rolled_back;
    if (ended && !(sim_chance (&sim, config->rollback) && !sim.rolled_back))
      break;
    fake_cloud_pass (&sim.cloud, sim_draw (&sim, 0, 20000));
    if (sim.lives >= FAULTY_LIVES)
      sim.cloud.calm = true;
    close_life (&sim);
    if (sim_chance (&sim, config->rival / 2))
      fake_rival_takes_over (
          &sim.cloud,
          &sim.cloud.vms[sim_draw (&sim, 0, (int64_t)config->n_vms - 1)]);
    reload (&sim);
    if (ended || sim_chance (&sim, config->rollback))
      roll_back (&sim);
    else if (sim.halted)
      sim_waves_go_on (&sim);
  }
  sim_end (&sim);
}

void
sim_result_release (struct sim_result *result)
{
  str_vec_free_all (&result->violations);
  str_vec_free_all (&result->outcomes);
}
