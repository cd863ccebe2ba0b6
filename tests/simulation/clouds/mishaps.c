/* What happens to a campaign besides its own doing: others, helpers that die,
 * keys that expire. */

#include "campaign.h"

struct meddling {
  struct sim_campaign *c;
  size_t vm;
};

static void
meddle (void *opaque, void *arg)
{
  struct sim_campaign *c = opaque;
  CLEANUP_FREE struct meddling *meddling = arg;
  struct sim_vm *vm = &c->vms.ptr[meddling->vm];

  if (c->world.calm || json_object_get (c->world.held, vm->disk))
    return;
  vm->others =
      c->plan->kind->meddle (c->world.cloud, &c->random, vm->id, vm->disk);
  sim_trace (&c->world, "somebody else: %s: %s", vm->id, vm->others);
}

static void
schedule_others (struct sim_campaign *c)
{
  for (size_t i = 0; i < c->vms.len; i++) {
    struct meddling *meddling;

    if (!sim_chance_of (c, c->plan->others))
      continue;
    meddling = xcalloc (1, sizeof *meddling);
    *meddling = (struct meddling){c, i};
    sim_events_add (&c->world.events, sim_draw (c, 0, 300000), meddle, free, c,
                    meddling);
  }
}

static void
helper_dies (void *opaque, void *arg)
{
  struct sim_campaign *c = opaque;
  CLEANUP_FREE char *helper = arg;
  bool for_ever = sim_draw (c, 0, 2) == 0;

  if (!c->world.calm)
    sim_helper_dies (&c->world, helper,
                     for_ever ? 7 * SIM_LONGEST_MS
                              : sim_draw (c, 10000, 3600000));
}

static void
schedule_deaths (struct sim_campaign *c)
{
  const struct fleet_plan *fleet = &c->plan->fleet;

  for (size_t zone = 1; zone <= fleet->zones; zone++)
    for (size_t n = 1; n <= fleet->helpers; n++)
      if (sim_chance_of (c, c->plan->faults.helper_death))
        sim_events_add (&c->world.events, sim_draw (c, 0, 300000), helper_dies,
                        free, c, c->plan->kind->helper_id (zone, n));
}

static void
keys_expire (void *opaque, void *arg)
{
  struct sim_campaign *c = opaque;

  (void)arg;
  if (!c->world.calm)
    sim_keys_expire (&c->world);
}

static void
schedule_expiries (struct sim_campaign *c)
{
  for (unsigned i = 0; i < 4; i++)
    if (sim_chance_of (c, c->plan->faults.expiry))
      sim_events_add (&c->world.events, sim_draw (c, 0, 400000), keys_expire,
                      NULL, c, NULL);
}

void
sim_schedule_mishaps (struct sim_campaign *c)
{
  schedule_others (c);
  schedule_deaths (c);
  if (c->plan->faults.expiry)
    schedule_expiries (c);
}
