/* What a seed decides about a campaign. */

#include "campaign.h"

#include <string.h>

#include <controller/step.h>

static unsigned
often (struct random_source *random, unsigned most)
{
  /* Each fault is absent in half of the campaigns: many at once hide each
   * other. */
  if (random_below (random, 2))
    return 0;
  return (unsigned)random_below (random, most + 1);
}

static int64_t
draw (struct random_source *random, int64_t least, int64_t most)
{
  return least + (int64_t)random_below (random, (uint64_t)(most - least + 1));
}

static json_t *
policy_of (const struct fleet_kind *kind, struct random_source *random)
{
  static const int64_t shutdowns[] = {0, 5000, 20000};
  json_t *policy = json_object ();
  unsigned healths = 0;

  while (kind->healths[healths])
    healths++;
  json_put_str (policy, "health",
                kind->healths[random_below (random, healths)]);
  json_put_int (policy, "max_in_flight", draw (random, 1, 24));
  json_put_int (policy, "shutdown_ms", shutdowns[draw (random, 0, 2)]);
  json_put_int (policy, "verify_ms", draw (random, 60000, 300000));
  json_put_int (policy, "repair_ms", draw (random, 60000, 600000));
  json_put_int (policy, "poll_ms", draw (random, 500, 3000));
  json_put_int (policy, "helper_lost_ms", draw (random, 30000, 300000));
  json_put_int (policy, "detach_ms", draw (random, 60000, 300000));
  json_put_bool (policy, "force_detach", random_below (random, 2));
  return policy;
}

static void
draw_faults (struct sim_plan *plan, struct random_source *random)
{
  static const unsigned most[] = {100, 60, 20, 60, 100, 40, 60};
  unsigned *const chances[ARRAY_SIZE (most)] = {&plan->faults.unreachable,
                                                &plan->faults.lost,
                                                &plan->faults.late,
                                                &plan->faults.twice,
                                                &plan->faults.agent_crash,
                                                &plan->faults.agent_hang,
                                                &plan->faults.agent_error};

  for (size_t i = 0; i < ARRAY_SIZE (most); i++)
    *chances[i] = often (random, most[i]);
  plan->faults.helper_death = random_below (random, 3) ? 0 : 500;
  plan->kill = often (random, 600);
  plan->stop = often (random, 300);
  plan->rollback = often (random, 300);
  plan->others = random_below (random, 3) ? 0 : often (random, 300);
}

static bool
can (const struct fleet_kind *kind, const char *strategy)
{
  return (provider_by_name (kind->name)->caps &
          strategy_by_name (strategy)->cap) != 0;
}

/* After everything else, so that what a seed means without this stays. */
static void
draw_strategy (struct sim_plan *plan, struct random_source *random)
{
  static const char *const names[] = {"move",    "swap",    "swap",
                                      "restore", "restore", "swap"};
  const char *name = names[random_below (random, ARRAY_SIZE (names))];

  if (!can (plan->kind, name))
    name = plan->kind->strategy;
  json_put_str (plan->policy, "strategy", name);
  json_put_bool (plan->policy, "copy_running", random_below (random, 2));
  if (plan->kind->allow)
    json_put (plan->policy, "allow", json_make ("[s]", plan->kind->allow));
  plan->fleet.grouped = random_below (random, 2);
  plan->fleet.snapshots = strcmp (name, "restore") == 0;
  if (plan->fleet.snapshots)
    json_put_str (plan->policy, "before", "2024-07-19T04:00:00Z");
  plan->no_recipe = plan->fleet.snapshots && random_below (random, 2);
  plan->faults.expiry = random_below (random, 3) ? 0 : 500;
}

void
sim_plan_of (struct sim_plan *plan, const struct fleet_kind *kind,
             uint64_t seed, bool all)
{
  struct random_source random;

  random_init (&random, seed ^ 0x51ed2701);
  *plan = (struct sim_plan){.seed = seed, .kind = kind};
  plan->fleet = (struct fleet_plan){.seed = seed,
                                    .vms = 1 + random_below (&random, 12),
                                    .zones = 1 + random_below (&random, 2),
                                    .helpers = 1 + random_below (&random, 2),
                                    .varied = true,
                                    .throttle = random_below (&random, 2)};
  if (random_below (&random, 3) == 0)
    plan->fleet.slots = (unsigned)draw (&random, 1, 4);
  if (random_below (&random, 3) == 0)
    plan->fleet.stale_ms = draw (&random, 500, 12000);
  plan->fleet.soft = random_below (&random, 2);
  plan->fleet.hard = random_below (&random, 4) == 0;
  plan->policy = policy_of (kind, &random);
  draw_faults (plan, &random);
  if (all)
    draw_strategy (plan, &random);
}
