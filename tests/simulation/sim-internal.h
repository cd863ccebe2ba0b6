/* What simulation.c (a controller's lives) and sim-waves.c (policies, the
 * operator, and what must hold of waves, budgets and groups) share. */

#ifndef BOOTMEND_SIM_INTERNAL_H
#define BOOTMEND_SIM_INTERNAL_H

#include <controller/engine.h>

#include "fake-cloud.h"
#include "sim-journal.h"
#include "simulation.h"

/* A controller and its campaign, through all its lives. */
struct sim {
  const struct sim_config *config;
  uint64_t seed;
  struct fake_cloud *cloud;
  struct fake_desk *desk;
  struct random_source random; /* of its operator and of its fate */
  char path[64];
  json_t *campaign;
  struct policy *policy;
  struct journal *journal;
  struct sim_journal *reader;
  struct job_vec jobs; /* that of a VM is at its index */
  struct sim_result *result;
  struct engine *engine; /* NULL: between two lives */
  bool finished;         /* all VMs had an outcome at the end of the last */
  bool over;             /* and nothing more is done */
  int64_t until_ms;      /* the engine wants its next turn; -1: at no time */
  int64_t wake_ms;       /* the next life begins */
  int64_t longest_pause_ms;
  unsigned lives;
  bool rolled_back, rolled_back_before, killed, taken_back;
  int64_t kill_at; /* commit of this life; -1: none */
  bool kill_before;
  int64_t stop_at_ms; /* the operator's ^C; -1: none */

  /* sim-waves.c */
  int64_t wish_at_ms; /* the operator's halt in this life; -1: none */
  enum halt_wish wish;
  int64_t asked_wave, asked_ms; /* the approval that is waited for */
  int64_t approved;             /* the operator has approved up to this wave */
  unsigned halts;
  bool halted;    /* the life before ended so */
  int64_t *begun; /* by VM: 1 + the try that has begun */
};

/* Both controllers on their cloud. */
struct sim_pair {
  struct fake_cloud cloud;
  struct sim sims[FAKE_DESKS];
};

/* The other controller has changed it, too, or somebody else has. */
static inline bool
sim_is_shared (const struct sim *sim, const struct fake_vm *vm)
{
  for (size_t i = 0; i < FAKE_DESKS; i++)
    if (i != sim->desk->number && vm->by[i].touched)
      return true;
  return vm->others;
}

int64_t sim_draw (struct sim *sim, int64_t least, int64_t most);
bool sim_chance (struct sim *sim, unsigned permille);

/* What a seed decides about all that. */
void sim_waves_config (struct sim_config *config);
/* Adds waves, budgets, groups, ... to a campaign's policy. */
void sim_waves_policy (struct sim *sim, json_t *policy);
/* Decides what the operator will do in this life. */
void sim_waves_fate (struct sim *sim);
void sim_waves_hooks (struct sim *sim, struct engine_hooks *hooks);
/* What the engine is told at the beginning of a life. */
void sim_waves_begin (struct sim *sim, struct engine *engine);
/* At the end of a life. */
void sim_waves_end (struct sim *sim);
/* sim-config.c */
json_t *sim_make_campaign (struct sim *sim);
void sim_schedule_fate (struct fake_cloud *cloud);
/* The campaign is halted: what the operator does about it, to loaded jobs. */
void sim_waves_go_on (struct sim *sim);
/* At every request with an effect. */
void sim_waves_check (struct sim *sim, struct fake_vm *vm,
                      const struct effect *effect);

#endif
