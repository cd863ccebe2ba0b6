/* Fleets of Compute Engine, and what goes wrong there, in the fake's
 * configuration. */

#include "gcp-fleet.h"

#include <string.h>

/* A shared-core machine takes so many disks with its own. */
#define SMALL 16
/* Lists may lag, but never as far as the provider says (settle_ms). */
#define MOST_STALE_MS 4500

static char *
zone_name (size_t zone)
{
  return xasprintf (GCP_REGION "-%c", (char)('b' + zone - 1));
}

char *
gcp_sim_helper_id (size_t zone, size_t n)
{
  CLEANUP_FREE char *name = zone_name (zone);

  return xasprintf ("zones/%s/instances/helper-%zu-%zu", name, zone, n);
}

/* --- faults of the cloud ----------------------------------------------------
 */

/* "most" is per mille of the calls that fit.  What takes longer than all steps
 * may take, or ends badly after it was accepted, is hard: a VM may need a
 * person then. */
static const struct fleet_rule rules[] = {
    {"throttle", "*", "throttle", "before", NULL, 0, 0, 60, false},
    {"broken", "*", "error", "before", "internalError", 500, 0, 100, false},
    {"broken-after", "*", "error", "after", "backendError", 503, 0, 60, false},
    {"reset-before", "*", "reset", "before", NULL, 0, 0, 60, false},
    {"reset-after", "*", "reset", "after", NULL, 0, 0, 60, false},
    {"silent", "*", "no-answer", "after", NULL, 0, 0, 40, false},
    {"cut", "*", "truncated", "after", NULL, 0, 0, 60, false},
    {"proxy", "*", "html", "before", NULL, 502, 0, 60, false},
    {"slow", "*", "slow", "before", NULL, 0, 20000, 60, false},
    {"slow-change", "*", "slow-change", "before", NULL, 0, 60000, 200, false},
    {"capacity", "instances.start", "late-failure", "before",
     "ZONE_RESOURCE_POOL_EXHAUSTED", 0, 0, 500, false},
    {"moved-fingerprint", "*.setLabels", "error", "before", "conditionNotMet",
     412, 0, 200, false},
    {"hangs", "*", "never-ends", "before", NULL, 0, 0, 60, true},
    {"ends-badly", "*", "late-failure", "before", NULL, 0, 0, 100, true},
};

/* --- configuration ---------------------------------------------------------
 */

/* All that an attach has to say again, in other words than its defaults. */
static void
vary_disk (json_t *boot, struct random_source *random)
{
  json_put_bool (boot, "auto_delete", fleet_draw (random, 500));
  if (fleet_draw (random, 300))
    json_put_str (boot, "device_name", "boot-disk");
  if (fleet_draw (random, 300))
    json_put_str (boot, "interface", "NVME");
  if (fleet_draw (random, 300))
    json_put_str (boot, "type", "pd-ssd");
  if (fleet_draw (random, 300))
    json_put (boot, "labels", json_make ("{s:s}", "backup", "daily"));
  if (fleet_draw (random, 200))
    json_put (boot, "resource_policies",
              json_make ("[s]", "projects/" GCP_PROJECT "/regions/" GCP_REGION
                                "/resourcePolicies/daily"));
  if (fleet_draw (random, 100))
    json_put_str (boot, "kms_key",
                  "projects/k/locations/global/keyRings/r/cryptoKeys/x");
}

static void
vary (json_t *vm, json_t *boot, struct random_source *random)
{
  json_put_str (vm, "status",
                fleet_draw (random, 850) ? "RUNNING" : "TERMINATED");
  vary_disk (boot, random);
  if (fleet_draw (random, 300))
    json_put (vm, "disks",
              json_make ("[{s:s,s:i,s:b,s:s}]", "device_name", "data",
                         "size_gb", 8, "auto_delete", fleet_draw (random, 500),
                         "mode",
                         fleet_draw (random, 500) ? "READ_ONLY"
                                                  : "READ_WRITE"));
  if (fleet_draw (random, 300))
    json_put (vm, "labels",
              json_make ("{s:s,s:s}", "team", "shop", "env", "x"));
  if (fleet_draw (random, 100))
    json_put_bool (vm, "deletion_protection", true);
  if (fleet_draw (random, 100))
    json_put_bool (vm, "secure_boot", true);
}

static char *
snapshot_name (size_t n, size_t i)
{
  return xasprintf ("daily-%zu-%zu", n, i);
}

static const struct fleet_snapshots snapshots =
    {"name",
     "created",
     {"2024-07-11T21:00:00.000-07:00", "2024-07-17T21:00:00.000-07:00",
      "2024-07-18T21:05:00.000-07:00"},
     snapshot_name};

/* Drawn apart, so that what a seed means without them stays as it is. */
static void
add_surroundings (const struct fleet_plan *plan, size_t n, json_t *vm,
                  json_t *boot)
{
  struct random_source random;

  random_init (&random, plan->seed ^ 0x96017 ^ (n << 32));
  /* A stopped member would have been recreated by now. */
  if (fleet_draw (&random, 200) && plan->grouped &&
      strcmp (json_str (vm, "status", "RUNNING"), "RUNNING") == 0)
    json_put_str (vm, "group", "web");
  if (plan->snapshots && fleet_draw (&random, 850))
    json_put (boot, "snapshots",
              fleet_snapshots (&snapshots, n, json_at (boot, "content"),
                               &random));
}

static json_t *
patient (const struct fleet_plan *plan, struct random_source *random, size_t n)
{
  CLEANUP_FREE char *name = xasprintf ("bad-%zu", n);
  CLEANUP_FREE char *disk = xasprintf ("disk-%zu", n);
  CLEANUP_FREE char *zone = zone_name (1 + (n - 1) % plan->zones);
  json_t *content = fleet_content (plan, random);
  json_t *boot = json_make ("{s:s,s:b,s:o}", "name", disk, "boots",
                            content_boots (content), "content", content);
  json_t *vm = json_make ("{s:s,s:s,s:s,s:o}", "name", name, "zone", zone, "os",
                          "windows", "boot", boot);

  if (plan->varied)
    vary (vm, boot, random);
  add_surroundings (plan, n, vm, boot);
  return vm;
}

/* Slots that are not to be had are taken by disks of its own. */
static json_t *
helper (const struct fleet_plan *plan, size_t zone, size_t n)
{
  CLEANUP_FREE char *name = xasprintf ("helper-%zu-%zu", zone, n);
  CLEANUP_FREE char *where = zone_name (zone);
  json_t *made = json_make ("{s:s,s:s,s:s}", "name", name, "zone", where,
                            "type", plan->slots ? "e2-small" : "e2-standard-4");
  json_t *disks = json_array ();

  for (unsigned i = 1 + plan->slots; plan->slots && i < SMALL; i++)
    json_array_append_new (disks, json_make ("{s:i}", "size_gb", 1));
  json_put (made, "disks", disks);
  if (plan->slots)
    json_put_int (made, "max_disks", SMALL);
  return made;
}

json_t *
gcp_sim_config (const struct fleet_plan *plan)
{
  bool faulty = plan->soft || plan->hard;
  CLEANUP_FREE char *one = zone_name (1), *two = zone_name (2);
  int64_t stale_ms =
      plan->stale_ms < MOST_STALE_MS ? plan->stale_ms : MOST_STALE_MS;
  json_t *gcp = json_make ("{s:s,s:{s:{s:s}},s:[s,s],s:o,s:[{s:s,s:s,s:b}]}",
                           "auth", "trusted", "projects", GCP_PROJECT, "number",
                           "111122223333", "zones", one, two, "instances",
                           fleet_machines (plan, 0x6c9, helper, patient),
                           "groups", "name", "web", "zone", one, "managed", 1);

  if (plan->soft)
    json_put (gcp, "late_refusals", json_real (0.3));
  return json_make ("{s:I,s:[i,i],s:[i,I],s:b,s:{s:b},s:o,s:o}", "seed",
                    (json_int_t)plan->seed, "latency_ms", 80, 400, "stale_ms",
                    0, (json_int_t)stale_ms, "no_log", !faulty, "throttle",
                    "enabled", plan->throttle, "gcp", gcp, "faults",
                    fleet_faults (plan, rules, ARRAY_SIZE (rules), "compute"));
}
