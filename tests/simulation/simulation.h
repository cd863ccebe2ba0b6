/* Whole campaigns in one process, from a seed: see docs in simulate.c. */

#ifndef BOOTMEND_SIMULATION_H
#define BOOTMEND_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>

#include <base/vec.h>

/* An account of a provider with its VMs; campaigns may have some of each. */
struct sim_account {
  bool batches;  /* calls take many VMs; else one */
  bool attaches; /* disks are attached to helpers; else worked on in place */
  bool one_call; /* disks are swapped in one call, and copied directly */
  bool tasks;    /* ... which gives a task to look at */
  const char *strategy;
  int64_t settle_ms; /* describes may be so old */
};
#define SIM_ACCOUNTS 3

/* Chances are in permille. */
struct sim_config {
  uint64_t seed;
  size_t n_vms;
  bool verbose;
  struct sim_account accounts[SIM_ACCOUNTS];
  size_t n_accounts; /* VMs are in them by turns */
  bool no_recipe;    /* of a restore */
  bool second;       /* a second controller wants the same VMs */
  const char *health;

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

/* What is checked: the rows of docs/guarantees.md. */
enum sim_promise {
  SIM_JOURNALLED,
  SIM_STOPPED_DISK,
  SIM_NO_START_WHILE_HELD,
  SIM_ONE_HAND,
  SIM_NEVER_WITHOUT_DISK,
  SIM_HEALTHY_LEFT_ALONE,
  SIM_MAX_IN_FLIGHT,
  SIM_TRUE_OUTCOME,
  SIM_ATTENTION_EXPLAINED,
  SIM_ALL_REPORTED,
  SIM_ORIGINAL_UNTOUCHED,
  SIM_ROLLED_BACK,
  SIM_SAME_AFTER_KILL,
  SIM_ENDS,
  SIM_WALL_CLOCK,
  SIM_WAVE_BEFORE,
  SIM_BUDGET,
  SIM_HALT_HEARD,
  SIM_DRAINED,
  SIM_APPROVED,
  SIM_GROUP,
  SIM_SOAK,
  SIM_HEALED,
  SIM_ONE_CONTROLLER,
  SIM_TAKEN_OVER,
  SIM_UNMARKED,
  SIM_AUDIT,
  SIM_OWN_ACCOUNT,
  SIM_PROMISES
};
/* One line for people. */
const char *sim_promise_text (enum sim_promise promise);

struct sim_result {
  /* How often each was checked, where it could have been broken. */
  uint64_t checked[SIM_PROMISES];
  bool mixed, second; /* several accounts; two controllers */
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
