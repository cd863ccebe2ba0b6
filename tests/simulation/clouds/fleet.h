/* A cloud, as the simulation needs to know it beyond its provider: how to fill
 * the fake one with a fleet, and how to read the truth there.  One row for each
 * cloud (ec2-fleet.c); another cloud is another row. */

#ifndef BOOTMEND_SIM_FLEET_H
#define BOOTMEND_SIM_FLEET_H

#include <stdbool.h>

#include <base/random.h>
#include <fake-cloud/fake-cloud.h>
#include <providers/provider.h>

/* What is asked of a cloud's fleet. */
struct fleet_plan {
  uint64_t seed;
  size_t vms, zones, helpers; /* helpers in each zone */
  bool varied; /* kinds of content, power, disks, attributes; else all alike */
  bool throttle;    /* by the documented buckets */
  int64_t stale_ms; /* describes are so old */
  unsigned slots;   /* each helper has so many; 0: all that its type has */
  bool soft;        /* the cloud fails now and then; nothing is spoiled by it */
  bool hard;      /* changes hang for ever, or fail after they were accepted */
  bool grouped;   /* some are members of a group that replaces stopped ones */
  bool snapshots; /* most OS disks have some from before they broke */
};

/* What is on an OS disk, as far as recipes and boot care:
 *   {"bad": what the recipe removes, the guest crashes with it,
 *    "boot": without it nothing boots, "hibernated", "several": the agent
 *    refuses, "version": changes when somebody else writes} */

/* A rule of the fake cloud; `most` is per mille of the calls that fit.  What
 * takes longer than all steps may take, or ends badly after it was accepted, is
 * hard: a VM may need a person then. */
struct fleet_rule {
  const char *name, *action, *what, *when, *code;
  int status;
  int64_t delay_ms;
  unsigned most;
  bool hard;
};

struct fleet_kind {
  const char *name; /* of the provider, and of its part of the configuration */
  /* The whole configuration of the fake cloud.  VMs are numbered from 1. */
  json_t *(*config) (const struct fleet_plan *plan);
  /* "provider:" words that select all VMs, and the binding's config. */
  const char *selection;
  json_t *(*binding_config) (void);
  char *(*vm_id) (size_t n);                  /* where that says it all */
  char *(*helper_id) (size_t zone, size_t n); /* both from 1 */

  /* Ground truth, new references; NULL: there is no such thing.
   * vm: {power, disk: id of its OS disk or absent, marked: bool,
   *      kept: {what must be as before}}
   * disk: {at: [ids of VMs], settled: bool, content: {}, kept: {}} */
  json_t *(*vm) (struct fake_cloud *cloud, const char *id);
  json_t *(*disk) (struct fake_cloud *cloud, const char *id);
  /* {id: token of the campaign, or ""} of all disks and snapshots. */
  json_t *(*things) (struct fake_cloud *cloud);
  /* The disk that an agent on this helper is told to open by this path; "":
   * there is none. */
  char *(*disk_of_path) (struct fake_cloud *cloud, const char *helper,
                         const char *path);
  void (*write) (struct fake_cloud *cloud, const char *disk,
                 const json_t *content);

  /* Somebody else does something to this VM or its disk; says what. */
  const char *(*meddle) (struct fake_cloud *cloud, struct random_source *random,
                         const char *vm, const char *disk);

  /* "DescribeInstances" of a request, borrowed from a buffer of the caller. */
  void (*action) (const struct http_request *req, char *buf, size_t size);
  bool (*is_throttled) (const struct http_reply *reply);
  /* What the service says to a key that has expired. */
  void (*expired) (struct http_reply *reply);
  const char *strategy; /* what is done without being asked for more */
  /* What a policy may ask after a start, and the refusal of VMs in groups that
   * has to be allowed; texts, ended by NULL, and NULL: there is none. */
  const char *const *healths;
  const char *allow;
  /* Members of a disk's "kept" that are a copy's own, and the one that says
   * where it is attached. */
  const char *const *own;
  const char *attached;
  /* Limit classes of looks that are shared, ended by NULL: they could be fewer,
   * so that they are no reason to take longer. */
  const char *const *looks;
  const char *follows; /* action of the requests that follow a change to its
                          end; NULL: there are none */
  unsigned slots;      /* of a helper of the usual type */
  /* How long the transitions of one VM take, in order, of a running one that
   * does not boot: [[name, ms]] without agents and polls. */
  json_t *(*chain) (void);
};

extern const struct fleet_kind ec2_fleet, azure_fleet, gcp_fleet;
/* All of them, ended by NULL. */
extern const struct fleet_kind *const fleet_kinds[];

/* fleet.c: for configurations.  service NULL: all. */
bool fleet_draw (struct random_source *random, unsigned permille);
json_t *fleet_content (const struct fleet_plan *plan,
                       struct random_source *random);
/* Three snapshots of disk n, the last one too new for who wants the disk of
 * 04:00 (2024-07-19 04:09 is when the simulation begins) and as bad as the disk
 * is now. The members are named as the fake's configuration does. */
struct fleet_snapshots {
  const char *name, *time; /* members */
  const char *times[3];
  char *(*named) (size_t n, size_t i);
};
json_t *fleet_snapshots (const struct fleet_snapshots *kind, size_t n,
                         const json_t *now, struct random_source *random);
/* Helpers of all zones, then VMs. */
json_t *fleet_machines (const struct fleet_plan *plan, uint64_t salt,
                        json_t *(*helper) (const struct fleet_plan *plan,
                                           size_t zone, size_t n),
                        json_t *(*patient) (const struct fleet_plan *plan,
                                            struct random_source *random,
                                            size_t n));
/* Somebody writes to a disk. */
void fleet_overwrite (const struct fleet_kind *kind, struct fake_cloud *cloud,
                      const char *disk);
json_t *fleet_faults (const struct fleet_plan *plan,
                      const struct fleet_rule *rules, size_t n,
                      const char *service);

bool content_boots (const json_t *content);

#endif
