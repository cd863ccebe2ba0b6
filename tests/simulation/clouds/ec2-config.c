/* Fleets of EC2, and what goes wrong there, in the fake's configuration. */

#include "ec2-fleet.h"

/* Of an m5.large with its own disk and network interface. */
#define SLOTS 26

char *
ec2_vm_id (size_t n)
{
  return xasprintf ("i-00000000b%08zx", n);
}

char *
ec2_helper_id (size_t zone, size_t n)
{
  return xasprintf ("i-00000000a%04zx%04zx", zone, n);
}

static char *
zone_name (size_t zone)
{
  return xasprintf (EC2_REGION "%c", (char)('a' + zone - 1));
}

/* --- faults of the cloud ----------------------------------------------------
 */

static const struct fleet_rule rules[] = {
    {"throttle", "*", "throttle", "before", NULL, 0, 0, 200, false},
    {"broken", "*", "error", "before", "InternalError", 500, 0, 100, false},
    {"broken-after", "*", "error", "after", "Unavailable", 503, 0, 60, false},
    {"reset-before", "*", "reset", "before", NULL, 0, 0, 60, false},
    {"reset-after", "*", "reset", "after", NULL, 0, 0, 60, false},
    {"silent", "*", "no-answer", "after", NULL, 0, 0, 40, false},
    {"cut", "*", "truncated", "after", NULL, 0, 0, 60, false},
    {"proxy", "*", "html", "before", NULL, 502, 0, 60, false},
    {"slow", "*", "slow", "before", NULL, 0, 20000, 60, false},
    {"slow-change", "*", "slow-change", "before", NULL, 0, 60000, 200, false},
    {"capacity", "StartInstances", "error", "before",
     "InsufficientInstanceCapacity", 500, 0, 500, false},
    {"snapshot-rate", "CreateSnapshot", "error", "before",
     "SnapshotCreationPerVolumeRateExceeded", 400, 0, 300, false},
    {"hangs", "*", "never-ends", "before", NULL, 0, 0, 60, true},
    {"ends-badly", "*", "late-failure", "before", NULL, 0, 0, 100, true},
};

/* --- configuration ---------------------------------------------------------
 */

static void
vary (json_t *vm, json_t *root, struct random_source *random)
{
  json_put_str (vm, "state", fleet_draw (random, 850) ? "running" : "stopped");
  json_put_bool (root, "delete_on_termination", fleet_draw (random, 600));
  if (fleet_draw (random, 300))
    json_put (vm, "volumes",
              json_make ("[{s:s,s:i,s:b}]", "device", "/dev/sdf", "size", 8,
                         "delete_on_termination", fleet_draw (random, 500)));
  if (fleet_draw (random, 300))
    json_put (vm, "tags", json_make ("{s:s,s:s}", "team", "shop", "env", "x"));
  if (fleet_draw (random, 200))
    json_put_str (root, "type", "gp2");
  if (fleet_draw (random, 200))
    json_put (root, "tags", json_make ("{s:s}", "backup", "daily"));
  if (fleet_draw (random, 100))
    json_put_bool (vm, "disable_api_stop", true);
  if (fleet_draw (random, 100))
    json_put_str (vm, "tenancy", "dedicated");
}

static char *
snapshot_name (size_t n, size_t i)
{
  return xasprintf ("snap-00000000c%04zx%04zx", n, i);
}

static const struct fleet_snapshots snapshots = {"id",
                                                 "start_time",
                                                 {"2024-07-12T04:00:00.000Z",
                                                  "2024-07-18T04:00:00.000Z",
                                                  "2024-07-19T04:05:00.000Z"},
                                                 snapshot_name};

/* Drawn apart, so that what a seed means without them stays as it is. */
static void
add_surroundings (const struct fleet_plan *plan, size_t n, json_t *vm,
                  json_t *root)
{
  struct random_source random;

  random_init (&random, plan->seed ^ 0x96017 ^ (n << 32));
  /* A stopped member would be gone by now. */
  if (fleet_draw (&random, 400) && plan->grouped &&
      strcmp (json_str (vm, "state", "running"), "running") == 0)
    json_put_str (vm, "asg", EC2_GROUP);
  if (plan->snapshots && fleet_draw (&random, 850))
    json_put (root, "snapshots",
              fleet_snapshots (&snapshots, n, json_at (root, "content"),
                               &random));
}

static json_t *
patient (const struct fleet_plan *plan, struct random_source *random, size_t n)
{
  CLEANUP_FREE char *id = ec2_vm_id (n);
  CLEANUP_FREE char *volume = xasprintf ("vol-00000000b%08zx", n);
  CLEANUP_FREE char *name = xasprintf ("bad-%zu", n);
  CLEANUP_FREE char *zone = zone_name (1 + (n - 1) % plan->zones);
  json_t *content = fleet_content (plan, random);
  json_t *root = json_make ("{s:s,s:b,s:o}", "id", volume, "boots",
                            content_boots (content), "content", content);
  json_t *vm = json_make ("{s:s,s:s,s:s,s:s,s:o}", "id", id, "name", name,
                          "zone", zone, "platform", "windows", "root", root);

  if (plan->varied)
    vary (vm, root, random);
  add_surroundings (plan, n, vm, root);
  return vm;
}

static json_t *
helper (const struct fleet_plan *plan, size_t zone, size_t n)
{
  CLEANUP_FREE char *id = ec2_helper_id (zone, n);
  CLEANUP_FREE char *name = xasprintf ("helper-%zu-%zu", zone, n);
  CLEANUP_FREE char *where = zone_name (zone);
  json_t *made =
      json_make ("{s:s,s:s,s:s}", "id", id, "name", name, "zone", where);
  json_t *volumes = json_array ();

  for (unsigned i = plan->slots ? plan->slots : SLOTS; i < SLOTS; i++) {
    CLEANUP_FREE char *device = xasprintf ("/dev/xvdc%c", (char)('a' + i));

    json_array_append_new (volumes, json_make ("{s:s,s:i}", "device", device,
                                               "size", 1));
  }
  json_put (made, "volumes", volumes);
  return made;
}

json_t *
ec2_config (const struct fleet_plan *plan)
{
  json_t *zones = json_array ();

  for (size_t zone = 1; zone <= plan->zones; zone++) {
    CLEANUP_FREE char *name = zone_name (zone);

    json_array_append_new (zones, json_string (name));
  }
  return json_make ("{s:I,s:[i,i],s:[i,I],s:b,s:{s:b},s:{s:s,s:{s:{s:[{s:s,s:s}"
                    "]}},s:{s:{s:o}},s:[{s:s,s:s}],"
                    "s:o},s:o}",
                    "seed", (json_int_t)plan->seed, "latency_ms", 80, 400,
                    "stale_ms", 0, (json_int_t)plan->stale_ms, "no_log",
                    !(plan->soft || plan->hard), "throttle", "enabled",
                    plan->throttle, "aws", "auth", "trusted", "accounts",
                    EC2_ACCOUNT, "keys", "id", "AKIASIM", "secret", "simulated",
                    "regions", EC2_REGION, "zones", zones, "groups", "name",
                    EC2_GROUP, "region", EC2_REGION, "instances",
                    fleet_machines (plan, 0xec2, helper, patient), "faults",
                    fleet_faults (plan, rules, ARRAY_SIZE (rules), "ec2"));
}
