/* The policy of a campaign: how far, how fast, how long, what is allowed.
 * Stored in the journal as JSON, so that a resumed campaign goes by the same.
 */

#ifndef BOOTMEND_POLICY_H
#define BOOTMEND_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>

#include "health.h"
#include "wave-policy.h"

struct helpers;

struct policy {
  const char *campaign; /* its id: in marks */
  char *controller;     /* who works on it, likewise: "user@host:4711-x3f9" */
  json_t *recipe;       /* what agents are sent */
  json_t *parameters;
  json_t *origin;      /* who signed it: recipes/signature.h */
  bool allow_unsigned; /* nobody has to have */
  json_t *allow;       /* refusal codes that the operator accepts */
  char *evidence;  /* folder of the campaign; NULL: none is kept (simulation) */
  char *isolation; /* "shared", "disk" */
  const char *dirty_ntfs; /* "replay", "reset", "refuse": protocol.h */
  char *helper;           /* which agent works: "local" */
  struct health_spec *health;
  struct helpers *helpers; /* for disks that are attached; borrowed; may be NULL
                              where none are */
  const json_t *helper_ids; /* {id: ...} of those that were named, which a plan
                               does not look for; may be NULL */
  bool include_healthy;     /* work also on VMs that look healthy */
  bool force_detach;        /* from a helper that died, after detach_ms */
  bool copy_running;        /* a copy is made of a disk in use, and swapped in
                               without a stop, where the provider can */
  bool take_over;           /* marks of other campaigns are stale */
  int64_t before_ms;        /* strategy restore: wall time; 0: none was given */

  struct wave_policy waves;

  int64_t max_in_flight; /* jobs at the same time */
  int64_t reboot_first;  /* so many reboots before a disk is touched */

  int64_t describe_ms; /* limits of steps; see policy.c for the defaults */
  int64_t mark_ms;
  int64_t shutdown_ms; /* a guest may shut down by itself for so long */
  int64_t stop_ms;
  int64_t snapshot_ms;
  int64_t copy_ms;        /* a snapshot or copy until it can be used */
  int64_t attach_ms;      /* one attach or detach */
  int64_t swap_ms;        /* in one call */
  int64_t detach_ms;      /* from a helper that died, before it is forced */
  int64_t helper_lost_ms; /* not reached for so long: it is dead */
  int64_t device_ms;      /* for a disk to show up on its helper */
  int64_t repair_ms;
  int64_t start_ms;
  int64_t verify_ms;
  int64_t probe_interval_ms;
  int64_t console_ms;
  int64_t soak_ms;  /* a proven VM is watched for so long; 0: not */
  int64_t lease_ms; /* a mark that was not renewed for so long is stale */
  int64_t poll_ms;  /* between two describe calls of a binding */
};

/* From the campaign's JSON: {id, recipe, parameters, policy: {...}}.  The
 * campaign must outlive it.  ERR_USAGE names a wrong value. */
struct policy *policy_new (const json_t *campaign, const char *evidence,
                           struct err **err) ATTR_USE;
void policy_free (struct policy *policy);
/* Other numbers than before, and force_detach, where `json` has them; for a
 * campaign that is carried on. */
int policy_amend (struct policy *policy, const json_t *json,
                  struct err **err) ATTR_USE;

/* The defaults, as JSON: what --help and the man page say. */
json_t *policy_defaults (void);

#endif
