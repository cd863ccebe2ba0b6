/* What a seed decides about a campaign, and what others and fate do meanwhile.
 */

#include <string.h>

#include "sim-internal.h"

static const char *const strategies_of[] = {"move", "swap", "restore"};
static const char *const healths[] = {"serial:^BOOT OK$",
                                      "serial:BOOT OK",
                                      "guest-agent",
                                      "status",
                                      "none",
                                      "command:probe"};

/* --- configurations ---------------------------------------------------------
 */

/* One account, from a stream of its own. */
static struct sim_account
draw_account (struct random_source *random)
{
  struct sim_account account = {.batches = random_below (random, 2)};

  account.settle_ms = account.batches ? 15000 : 0;
  account.attaches = account.batches && random_below (random, 3) > 0;
  account.strategy =
      account.attaches
          ? strategies_of[random_below (random, ARRAY_SIZE (strategies_of))]
          : "move";
  account.one_call =
      strcmp (account.strategy, "move") != 0 && random_below (random, 2);
  account.tasks = random_below (random, 2);
  return account;
}

/* In a third of the campaigns there are VMs of several providers, with
 * strategies of their own. */
static void
mix (struct sim_config *config)
{
  struct random_source random;

  random_init (&random, config->seed ^ 0x3a17ed);
  if (random_below (&random, 3))
    return;
  config->n_accounts = 2 + random_below (&random, SIM_ACCOUNTS - 1);
  for (size_t i = 1; i < config->n_accounts; i++) {
    config->accounts[i] = draw_account (&random);
    config->no_recipe = config->no_recipe &&
                        strcmp (config->accounts[i].strategy, "restore") == 0;
  }
}

struct sim_config
sim_config_calm (uint64_t seed)
{
  struct random_source random;
  struct sim_config config = {.seed = seed,
                              .n_accounts = 1,
                              .kill_at_commit = -1};
  struct sim_account *first = &config.accounts[0];

  random_init (&random, seed ^ 0x51ed2701);
  config.n_vms = 1 + random_below (&random, 20);
  first->batches = random_below (&random, 2);
  first->settle_ms = first->batches ? 15000 : 0;
  config.health = healths[random_below (&random, ARRAY_SIZE (healths))];
  first->attaches = first->batches && random_below (&random, 2);
  first->strategy =
      first->attaches
          ? strategies_of[random_below (&random, ARRAY_SIZE (strategies_of))]
          : "move";
  first->one_call =
      strcmp (first->strategy, "move") != 0 && random_below (&random, 2);
  config.no_recipe =
      strcmp (first->strategy, "restore") == 0 && random_below (&random, 2);
  first->tasks = random_below (&random, 2);
  mix (&config);
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
  random_init (&random, seed ^ 0x2ec0d);
  config.second = random_below (&random, 4) == 0;
  if (config.second) /* one of its kind is enough */
    config.rival = 0;
  return config;
}

static bool
any_restores (const struct sim_config *config)
{
  for (size_t i = 0; i < config->n_accounts; i++)
    if (strcmp (config->accounts[i].strategy, "restore") == 0)
      return true;
  return false;
}

json_t *
sim_make_campaign (struct sim *sim)
{
  static const int64_t shutdowns[] = {0, 5000, 20000};
  const char *id = sim->desk->campaign;
  json_t *policy = json_object ();

  json_put_str (policy, "health", sim->config->health);
  json_put_int (policy, "max_in_flight", sim_draw (sim, 1, 24));
  json_put_int (policy, "shutdown_ms", shutdowns[sim_draw (sim, 0, 2)]);
  json_put_int (policy, "verify_ms", sim_draw (sim, 60000, 300000));
  json_put_int (policy, "repair_ms", sim_draw (sim, 60000, 600000));
  json_put_int (policy, "poll_ms", sim_draw (sim, 500, 3000));
  if (any_restores (sim->config))
    json_put_str (policy, "before", "2024-07-18T00:00:00Z");
  if (sim->config->n_vms > 100)
    json_put_int (policy, "max_in_flight", (int64_t)sim->config->n_vms);
  sim_waves_policy (sim, policy);
  if (sim->config->no_recipe)
    return json_make ("{s:s,s:o}", "id", id, "policy", policy);
  return json_make ("{s:s,s:o,s:{s:s}}", "id", id, "policy", policy, "recipe",
                    "name", "simulated");
}

/* --- others, and outages ----------------------------------------------------
 */

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
  else if (what == 4) {
    strcpy (vm->mark, "theirs");
    strcpy (vm->mark_since, "then");
  } else if (!fake_is_held (vm)) {
    fake_content_of (vm)->bad_file = false;
    fake_content_of (vm)->version++;
  }
  fake_vm_changed (vm);
}

/* Somebody sets a controller's clock on the wall: nothing may depend on it.
 * Where a provider tells no time, two controllers have only that to go by. */
static void
clock_is_set (struct fake_cloud *cloud, struct fake_event *event)
{
  for (size_t i = 0; i < cloud->config->n_accounts; i++)
    if (cloud->n_desks > 1 && cloud->accounts[i].kind->settle_ms == 0)
      return;
  fake_checked (cloud, SIM_WALL_CLOCK);
  event->desk->wall.ahead_ms += fake_between (cloud, -2, 1) * 24 * 3600 * 1000;
}

static void
schedule_outage (struct fake_cloud *cloud)
{
  size_t n = cloud->config->n_accounts;

  if (!fake_fault (cloud, cloud->config->outage))
    return;
  cloud->outage_from_ms = fake_between (cloud, 0, 200000);
  cloud->outage_to_ms =
      cloud->outage_from_ms + fake_between (cloud, 10000, 2400000);
  cloud->outage_code = fake_chance (cloud, 300) ? ERR_AUTH : ERR_TRANSIENT;
  if (n > 1 && fake_chance (cloud, 700))
    cloud->outage_of =
        &cloud->accounts[fake_between (cloud, 0, (int64_t)n - 1)];
}

void
sim_schedule_fate (struct fake_cloud *cloud)
{
  const struct sim_config *config = cloud->config;

  for (size_t i = 0; i < cloud->n_vms; i++)
    if (fake_fault (cloud, config->others))
      fake_event_add (cloud, fake_between (cloud, 0, 300000), somebody_acts,
                      &cloud->vms[i]);
  for (size_t i = 0; i < cloud->n_vms && config->rival; i++)
    if (fake_fault (cloud, config->rival))
      fake_rival_comes (cloud, &cloud->vms[i], fake_between (cloud, 0, 60000));
  for (size_t i = 0; i < cloud->n_desks; i++)
    fake_event_add (cloud, fake_between (cloud, 0, 300000), clock_is_set, NULL)
        ->desk = &cloud->desks[i];
  schedule_outage (cloud);
}
