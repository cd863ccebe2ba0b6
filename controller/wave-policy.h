/* Waves, budgets and groups as the operator words them.
 *
 *   wave "5,20,25%,rest"     sizes; the last one is repeated until every VM has
 *                            a wave; percentages are of all VMs, rounded up
 *   canary 2                 a first wave of so many before these
 *   max_failures "3", "5%"   so many may fail; one more spends the budget
 *                            (percentages rounded down)
 *
 * Pure: no I/O, no clock.  docs/campaigns.md explains the words to people. */

#ifndef BOOTMEND_WAVE_POLICY_H
#define BOOTMEND_WAVE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>
#include <base/vec.h>

/* A number, a percentage, or all that is left. */
enum share_kind {
  SHARE_NONE, /* not given */
  SHARE_NUMBER,
  SHARE_PERCENT,
  SHARE_REST
};
struct share {
  enum share_kind kind;
  int64_t n;
};
DEFINE_VEC (struct share, share_vec);

/* Reads "12" or "25%".  ERR_USAGE: it is neither, or over 100 %. */
int share_parse (const char *text, struct share *share,
                 struct err **err) ATTR_USE;
/* Of a total; percentages rounded up or down. */
int64_t share_of (struct share share, int64_t total, bool up);

struct wave_policy {
  struct share_vec sizes; /* empty: one wave */
  struct share max_failures, wave_failures;
  bool approve; /* before each wave: by a person, or */
  char *approve_command;
  bool drain; /* on a halt: what is in flight goes back */
  char *group_by;
  int64_t group_max;
  const json_t *order; /* borrowed; ["pattern", "tag:KEY=VALUE", "tag:KEY"] */
};

/* From a campaign's policy, which must outlive it.  ERR_USAGE names the word
 * and what is wrong with it. */
int wave_policy_read (struct wave_policy *waves, const json_t *policy,
                      struct err **err) ATTR_USE;
void wave_policy_release (struct wave_policy *waves);

/* True if there is more than one wave for so many VMs. */
bool wave_policy_has_waves (const struct wave_policy *waves, int64_t vms);
/* Which wave (from 1) the VM at this place (from 0) in the order belongs to. */
int64_t wave_policy_wave (const struct wave_policy *waves, int64_t place,
                          int64_t vms);
/* How many failures are allowed among so many VMs; -1: any number. */
int64_t wave_policy_budget (const struct wave_policy *waves, int64_t vms);
int64_t wave_policy_wave_budget (const struct wave_policy *waves, int64_t size,
                                 bool has_waves);

#endif
