/* One simulated campaign: lives of a controller, one after another, until all
 * VMs have an outcome, and what must hold then. */

#ifndef BOOTMEND_SIM_CAMPAIGN_H
#define BOOTMEND_SIM_CAMPAIGN_H

#include <controller/job.h>
#include <controller/journal.h>
#include <controller/policy.h>
#include <simulation/sim-journal.h>

#include "world.h"

struct sim_plan {
  uint64_t seed;
  const struct fleet_kind *kind;
  struct fleet_plan fleet;
  json_t *policy; /* of the campaign; borrowed */
  struct sim_faults faults;
  struct sim_agent_times agent_times; /* all 0: the usual ones */
  unsigned kill, stop, rollback;      /* permille, of lives */
  unsigned others;                    /* permille, of VMs: somebody else acts */
  bool verbose;
  bool no_recipe; /* a disk from a snapshot is taken as it is */
  bool evidence;  /* consoles and screenshots are saved */
  bool measure;   /* nothing is checked while it runs: only the end counts */
};

struct sim_vm {
  char *id, *disk;
  json_t *before; /* truth of the VM, and of its disk */
  json_t *disk_before;
  const char *others; /* what somebody else has done to it; NULL: nothing */
};
DEFINE_VEC (struct sim_vm, sim_vm_vec);

struct sim_campaign {
  const struct sim_plan *plan;
  struct sim_world world;
  struct binding binding;
  struct random_source random; /* of the operator and of fate */
  char path[64];
  char *evidence; /* folder; NULL: none is kept */
  json_t *data;
  struct policy *policy;
  struct journal *journal;
  struct sim_journal *reader;
  struct job_vec jobs;
  struct sim_vm_vec vms; /* in the order of the jobs */
  json_t *things_before;
  json_t *cloud_faults; /* rules of the fake cloud, from the first life on */
  json_t *sent;         /* "job/direction/step" -> how often */
  unsigned lives;
  bool rolled_back, killed;
  int64_t kill_at, stop_at_ms;
  bool kill_before;

  json_t *calls;    /* what http-calls reports, of the last life */
  int64_t ended_ms; /* when the last life ended */
  uint64_t commits;
};

/* Everything that a seed decides; plan->policy is to be freed.
 * all: strategies other than move, too, VMs in groups, keys that expire. */
void sim_plan_of (struct sim_plan *plan, const struct fleet_kind *kind,
                  uint64_t seed, bool all);
/* Runs it to its end; then the results are in `c` until it is released. */
void sim_campaign_run (struct sim_campaign *c, const struct sim_plan *plan);
void sim_campaign_release (struct sim_campaign *c);

int64_t sim_draw (struct sim_campaign *c, int64_t least, int64_t most);
/* Permille; never once a campaign must come to its end. */
bool sim_chance_of (struct sim_campaign *c, unsigned permille);
#define SIM_LONGEST_MS (INT64_C (48) * 3600 * 1000)

/* mishaps.c: others, deaths of helpers, keys that expire, at their times. */
void sim_schedule_mishaps (struct sim_campaign *c);

/* checks-order.c */
void sim_check_effect (void *opaque, const struct effect *effect);
/* Is the disk attached to this one, and to nothing else?  "": to nothing. */
bool sim_is_at (const json_t *disk, const char *id);

/* checks.c */
void sim_check_end (struct sim_campaign *c);

/* measure.c: what a campaign cost against what it had to cost; prints it.
 * False: it was above a limit. */
struct sim_budget {
  double calls_per_vm, ratio; /* 0: not asked */
};
bool sim_measure (const struct sim_campaign *c,
                  const struct sim_budget *budget);

#endif
