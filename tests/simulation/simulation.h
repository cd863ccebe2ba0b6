/* Whole campaigns in one process, from a seed: see docs in simulate.c. */

#ifndef BOOTMEND_SIMULATION_H
#define BOOTMEND_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>

#include <base/vec.h>

/* Chances are in permille. */
struct sim_config {
  uint64_t seed;
  size_t n_vms;
  bool verbose;
  bool batches;   /* calls take many VMs; else one */
  bool attaches;  /* disks are attached to helpers; else worked on in place */
  bool one_call;  /* disks are swapped in one call, and copied directly */
  bool no_recipe; /* of a restore */
  bool tasks;     /* ... which gives a task to look at */
  const char *strategy;
  const char *health;
  int64_t settle_ms; /* describes may be so old */

  unsigned error, lost_reply, late_reply, stale, duplicate; /* of requests */
  unsigned describe_error;
  unsigned agent_crash, agent_hang, start_falls;
  unsigned refused_op, work_fails; /* of VMs: permanent */
  unsigned others;                 /* of VMs: touched by somebody else */
  unsigned outage;                 /* of campaigns */
  unsigned kill, stop, rollback;   /* of controllers' lives */
  bool steered;   /* waves, budgets, groups, approvals, soak, reboots */
  unsigned halt;  /* of lives: the operator halts it from another terminal */
  unsigned rival; /* of VMs: another controller wants it, too */
  unsigned heals; /* of VMs: they come up by themselves */
  int64_t kill_at_commit; /* the only fault; -1: as `kill` says */
  bool kill_before;       /* before it is done, not right after */
};

struct sim_result {
  struct str_vec violations;
  struct str_vec outcomes; /* one for each VM: outcome and ground truth */
  uint64_t commits, requests, lives;
  int64_t simulated_ms;
};

/* Everything that a seed decides about a campaign. */
struct sim_config sim_config_of (uint64_t seed);
/* The same campaign without any fault. */
struct sim_config sim_config_calm (uint64_t seed);
void sim_run (const struct sim_config *config, struct sim_result *result);
void sim_result_release (struct sim_result *result);

#endif
