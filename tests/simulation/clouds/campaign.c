#include "campaign.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <controller/engine.h>
#include <controller/helpers.h>
#include <controller/step.h>

#define MOST_LIVES 14
/* After so many, nothing goes wrong any more: every campaign must end. */
#define FAULTY_LIVES 6

int64_t
sim_draw (struct sim_campaign *c, int64_t least, int64_t most)
{
  return least +
         (int64_t)random_below (&c->random, (uint64_t)(most - least + 1));
}

bool
sim_chance_of (struct sim_campaign *c, unsigned permille)
{
  return random_below (&c->random, 1000) < permille && c->lives < FAULTY_LIVES;
}

static void
must (struct sim_campaign *c, int r, struct err *err, const char *what)
{
  if (r == 0)
    return;
  sim_violation (&c->world, "%s: %s", what, err ? err->msg : "?");
  err_free (err);
}

/* --- the beginning: what campaign.c does ------------------------------------
 */

static void
add_vm (struct sim_campaign *c, const json_t *record)
{
  const struct fleet_kind *kind = c->plan->kind;
  struct sim_vm vm = {.id = xstrdup (json_str (record, "id", ""))};
  struct job *job =
      job_new ((int64_t)c->jobs.len + 1, record, &c->binding,
               strategy_by_name (
                   json_str (c->data, "policy.strategy", kind->strategy)),
               c->policy);

  job_set_fact (job, "found",
                json_make ("{s:s,s:s,s:s,s:s,s:s,s:s}", "provider", kind->name,
                           "account", c->binding.account, "region",
                           c->binding.region, "zone",
                           json_str (record, "zone", ""), "id", vm.id, "name",
                           json_str (record, "name", "")));
  job_vec_push (&c->jobs, job);
  vm.before = kind->vm (c->world.cloud, vm.id);
  vm.disk = xstrdup (json_str (vm.before, "disk", ""));
  vm.disk_before = kind->disk (c->world.cloud, vm.disk);
  sim_vm_vec_push (&c->vms, vm);
}

static int
find_all (struct sim_campaign *c, struct err **err)
{
  CLEANUP_JSON json_t *selector = NULL, *page = NULL;

  if (c->binding.provider->parse_selector (c->plan->kind->selection, &selector,
                                           err) == -1)
    return -1;
  do {
    json_t *in = json_make ("{s:O,s:O*}", "selector", selector, "page", page);
    CLEANUP_JSON json_t *out =
        world_ask (&c->world.world, &c->binding, OP_FIND, in, err);
    json_t *vm;
    size_t i;

    if (out == NULL)
      return -1;
    json_array_foreach (json_at (out, "vms"), i, vm) add_vm (c, vm);
    json_decref (page);
    page = json_at (out, "next") ? json_incref (json_at (out, "next")) : NULL;
  } while (page && !json_is_null (page));
  return 0;
}

static int
identify (struct sim_campaign *c, struct err **err)
{
  CLEANUP_JSON json_t *out = NULL;

  if (c->binding.provider->open (&c->binding, err) == -1)
    return -1;
  out = world_ask (&c->world.world, &c->binding, OP_IDENTIFY, json_object (),
                   err);
  if (out == NULL)
    return -1;
  free (c->binding.account);
  c->binding.account = xstrdup (json_str (out, "account", ""));
  return 0;
}

static int
begin (struct sim_campaign *c, struct err **err)
{
  if (identify (c, err) == -1 || find_all (c, err) == -1)
    return -1;
  if (c->jobs.len != c->plan->fleet.vms)
    sim_violation (&c->world, "%zu VMs are found of %zu", c->jobs.len,
                   c->plan->fleet.vms);
  c->journal = journal_create (c->path, c->data, err);
  if (c->journal == NULL)
    return -1;
  journal_begin (c->journal);
  for (size_t i = 0; i < c->jobs.len; i++) {
    struct job_row row = job_to_row (c->jobs.ptr[i]);

    journal_put_job (c->journal, &row, 0);
    c->jobs.ptr[i]->changed = false;
  }
  return journal_commit (c->journal, err);
}

static int
ready_helpers (struct sim_campaign *c, struct err **err)
{
  const struct fleet_plan *fleet = &c->plan->fleet;
  json_t *ids = json_array (), *record;
  CLEANUP_JSON json_t *out = NULL;
  size_t i;

  for (size_t zone = 1; zone <= fleet->zones; zone++)
    for (size_t n = 1; n <= fleet->helpers; n++) {
      CLEANUP_FREE char *id = c->plan->kind->helper_id (zone, n);

      json_array_append_new (ids, json_string (id));
    }
  out = world_ask (&c->world.world, &c->binding, OP_DESCRIBE,
                   json_make ("{s:o,s:b}", "ids", ids, "preflight", 1), err);
  if (out == NULL)
    return -1;
  c->policy->helpers = helpers_new ();
  json_array_foreach (json_at (out, "vms"), i, record)
  {
    CLEANUP_JSON json_t *slots = c->binding.provider->helper_slots (record);

    helpers_add (c->policy->helpers, json_str (record, "id", ""), "/dev",
                 &c->binding, record, slots);
    helpers_set_remote (c->policy->helpers, json_str (record, "id", ""));
  }
  return 0;
}

/* --- lives -----------------------------------------------------------------
 */

static int
fault (void *opaque, uint64_t commits, bool after, struct err **err)
{
  struct sim_campaign *c = opaque;

  if (c->kill_at < 0 || (int64_t)commits != c->kill_at ||
      after == c->kill_before)
    return 0;
  sim_trace (&c->world, "controller is killed %s commit %lld",
             after ? "after" : "before", (long long)c->kill_at);
  c->killed = true;
  return err_set (err, ERR_INTERNAL, "killed");
}

static bool
stop_requested (void *opaque)
{
  const struct sim_campaign *c = opaque;

  return (c->stop_at_ms >= 0 && sim_now (&c->world) >= c->stop_at_ms) ||
         sim_now (&c->world) > SIM_LONGEST_MS;
}

static void
trace_job (void *opaque, const struct job *job)
{
  struct sim_campaign *c = opaque;
  CLEANUP_FREE char *undo = NULL;

  if (!c->plan->verbose)
    return;
  undo = json_text (json_at (job->facts, "undo"));
  sim_trace (&c->world, "%s: job %s %s %s, undo %s%s%s", job->name,
             job->back ? "back" : "forward", job->step ? job->step->name : "-",
             phase_name (job->phase), undo, job->reason ? ", " : "",
             job->reason ? job->reason : "");
}

/* Decides what happens to the controller in this life. */
static void
tempt_fate (struct sim_campaign *c)
{
  c->kill_at = -1;
  c->stop_at_ms = -1;
  c->killed = false;
  if (sim_chance_of (c, c->plan->kill)) {
    c->kill_at = sim_draw (c, 1, (int64_t)c->jobs.len * 25);
    c->kill_before = sim_draw (c, 0, 1);
  }
  if (sim_chance_of (c, c->plan->stop))
    c->stop_at_ms = sim_now (&c->world) + sim_draw (c, 0, 300000);
}

static int
run_engine (struct sim_campaign *c, enum engine_end *end, struct err **err)
{
  struct engine_hooks hooks = {.changed = trace_job,
                               .stop_requested = stop_requested,
                               .opaque = c};
  struct engine *engine;
  int r;

  if (ready_helpers (c, err) == -1)
    return -1;
  journal_set_fault (c->journal, fault, c);
  c->reader = sim_journal_open (c->path);
  if (!c->plan->measure) {
    c->world.check = sim_check_effect;
    c->world.opaque = c;
  }
  engine = engine_new (&c->world.world, c->journal, c->policy, &hooks,
                       c->plan->seed + c->lives);
  for (size_t i = 0; i < c->jobs.len; i++)
    engine_add_job (engine, c->jobs.ptr[i]);
  r = engine_run (engine, end, err);
  engine_free (engine);
  c->world.check = NULL;
  return r;
}

/* True if the campaign has ended. */
static bool
live (struct sim_campaign *c)
{
  enum engine_end end = ENGINE_STOPPED;
  CLEANUP_ERR struct err *err = NULL;
  int r;

  c->lives++;
  tempt_fate (c);
  r = run_engine (c, &end, &err);
  c->commits += journal_commits (c->journal);
  c->ended_ms = sim_now (&c->world);
  json_decref (c->calls);
  c->calls = http_calls_report (c->world.calls);
  sim_trace (&c->world, "controller ends: %s",
             r == -1                  ? err->msg
             : end == ENGINE_FINISHED ? "done"
                                      : "stopped");
  return r == 0 && end == ENGINE_FINISHED;
}

static void
close_life (struct sim_campaign *c)
{
  sim_world_end_life (&c->world);
  for (size_t i = 0; i < c->jobs.len; i++)
    job_free (c->jobs.ptr[i]);
  job_vec_release (&c->jobs);
  helpers_free (TAKE (c->policy->helpers));
  journal_close (TAKE (c->journal));
  sim_journal_close (TAKE (c->reader));
}

static int
load_job (void *opaque, const struct job_row *row, struct err **err)
{
  struct sim_campaign *c = opaque;
  const json_t *vm = row->before ? row->before : json_at (row->facts, "found");
  struct job *job = job_new (row->id, vm, &c->binding,
                             strategy_by_name (row->strategy), c->policy);

  job_vec_push (&c->jobs, job);
  return job_from_row (job, row, err);
}

static void
reload (struct sim_campaign *c)
{
  struct err *err = NULL;

  c->journal = journal_open (c->path, JOURNAL_WRITE, &err);
  if (c->journal == NULL) {
    must (c, -1, err, "the journal can't be opened again");
    return;
  }
  must (c, journal_each_job (c->journal, load_job, c, &err), err,
        "the jobs can't be read again");
}

static void
roll_back (struct sim_campaign *c)
{
  sim_trace (&c->world, "operator: rollback");
  c->rolled_back = true;
  for (size_t i = 0; i < c->jobs.len; i++)
    job_roll_back (c->jobs.ptr[i]);
}

/* --- the whole -------------------------------------------------------------
 */

static void
remove_journal (const struct sim_campaign *c)
{
  static const char *const ends[] = {"", "-wal", "-shm", ".lock"};

  for (size_t i = 0; i < ARRAY_SIZE (ends); i++) {
    CLEANUP_FREE char *path = xasprintf ("%s%s", c->path, ends[i]);

    unlink (path);
  }
  if (c->evidence)
    (void)folder_remove (c->evidence, NULL);
}

static void
campaign_init (struct sim_campaign *c, const struct sim_plan *plan)
{
  CLEANUP_JSON json_t *config = plan->kind->config (&plan->fleet);

  *c = (struct sim_campaign){.plan = plan};
  c->cloud_faults = json_incref (json_object_get (config, "faults"));
  json_object_del (config, "faults");
  random_init (&c->random, plan->seed ^ 0x0face);
  sim_world_init (&c->world, plan->kind, config, plan->seed);
  c->world.verbose = plan->verbose;
  c->world.faults = plan->faults;
  if (plan->agent_times.repair_ms[1])
    c->world.agent_times = plan->agent_times;
  snprintf (c->path, sizeof c->path, "%s/bootmend-cloudsim-%ld.db",
            access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
            (long)getpid ());
  c->data = json_make ("{s:s,s:O,s:{s:s}}", "id", "ours", "policy",
                       plan->policy, "recipe", "name", "simulated");
  if (plan->no_recipe)
    json_object_del (c->data, "recipe");
  if (plan->evidence)
    c->evidence = xasprintf ("%s.evidence", c->path);
  c->policy = policy_new (c->data, c->evidence, NULL);
  c->sent = json_object ();
  c->things_before = plan->kind->things (c->world.cloud);
  c->binding = (struct binding){.provider = provider_by_name (plan->kind->name),
                                .account = xstrdup (""),
                                .region = xstrdup (""),
                                .config = plan->kind->binding_config ()};
  if (c->policy == NULL || c->binding.provider == NULL)
    abort ();
}

static void
all_lives (struct sim_campaign *c)
{
  for (;;) {
    bool ended = live (c);

    if (c->lives >= MOST_LIVES || sim_now (&c->world) > SIM_LONGEST_MS) {
      sim_violation (&c->world, "the campaign never ends");
      return;
    }
    if (ended && !(sim_chance_of (c, c->plan->rollback) && !c->rolled_back))
      return;
    close_life (c);
    sim_world_pass (&c->world, sim_draw (c, 0, 20000));
    if (c->lives >= FAULTY_LIVES)
      sim_world_calm (&c->world);
    sim_world_begin_life (&c->world);
    reload (c);
    if (ended || sim_chance_of (c, c->plan->rollback))
      roll_back (c);
  }
}

void
sim_campaign_run (struct sim_campaign *c, const struct sim_plan *plan)
{
  struct err *err = NULL;

  campaign_init (c, plan);
  remove_journal (c);
  /* What stale reads show has to be as old as the fleet. */
  sim_world_pass (&c->world, 2 * plan->fleet.stale_ms);
  sim_world_begin_life (&c->world);
  c->world.calm = true; /* nothing has been touched: an error would end it */
  must (c, begin (c, &err), err, "it can't begin");
  c->world.calm = false;
  sim_world_set_faults (&c->world, c->cloud_faults);
  sim_schedule_mishaps (c);
  if (c->journal)
    all_lives (c);
  if (plan->measure)
    return;
  sim_world_calm (&c->world);
  close_life (c);
  sim_world_pass (&c->world, 3600 * 1000); /* whatever was on its way */
  reload (c);
  sim_check_end (c);
}

void
sim_campaign_release (struct sim_campaign *c)
{
  close_life (c);
  remove_journal (c);
  free (c->evidence);
  for (size_t i = 0; i < c->vms.len; i++) {
    free (c->vms.ptr[i].id);
    free (c->vms.ptr[i].disk);
    json_decref (c->vms.ptr[i].before);
    json_decref (c->vms.ptr[i].disk_before);
  }
  sim_vm_vec_release (&c->vms);
  if (c->binding.provider->close)
    c->binding.provider->close (&c->binding);
  free (c->binding.account);
  free (c->binding.region);
  json_decref (c->binding.config);
  policy_free (c->policy);
  json_decref (c->data);
  json_decref (c->things_before);
  json_decref (c->sent);
  json_decref (c->cloud_faults);
  json_decref (c->calls);
  sim_world_release (&c->world);
}
