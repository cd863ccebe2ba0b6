/* Fleets of Azure, and what goes wrong there, in the fake's configuration. */

#include "azure-fleet.h"

#define GROUP                                                                  \
  "Fleet" /* in lower case in ids, in upper case in some replies               \
           */
#define BELOW                                                                  \
  "/subscriptions/" AZURE_SUB "/resourcegroups/fleet/providers/"               \
  "microsoft.compute/virtualmachines/"
/* Of a Standard_D16s_v5. */
#define SLOTS 32

char *
azure_fleet_vm_id (size_t n)
{
  return xasprintf (BELOW "bad-%zu", n);
}

char *
azure_fleet_helper_id (size_t zone, size_t n)
{
  return xasprintf (BELOW "helper-%zu-%zu", zone, n);
}

/* --- faults of the cloud ----------------------------------------------------
 */

/* As EC2's (ec2-config.c); what an operation says at its end is Azure's own. */
static const struct fleet_rule rules[] = {
    {"throttle", "*", "throttle", "before", NULL, 0, 0, 200, false},
    {"broken", "*", "error", "before", "InternalServerError", 500, 0, 100,
     false},
    {"broken-after", "*", "error", "after", "ServerTimeout", 503, 0, 60, false},
    {"reset-before", "*", "reset", "before", NULL, 0, 0, 60, false},
    {"reset-after", "*", "reset", "after", NULL, 0, 0, 60, false},
    {"silent", "*", "no-answer", "after", NULL, 0, 0, 40, false},
    {"cut", "*", "truncated", "after", NULL, 0, 0, 60, false},
    {"proxy", "*", "html", "before", NULL, 502, 0, 60, false},
    {"slow", "*", "slow", "before", NULL, 0, 20000, 60, false},
    {"slow-change", "*", "slow-change", "before", NULL, 0, 60000, 200, false},
    {"capacity", "virtualMachines/start", "late-failure", "before",
     "AllocationFailed", 0, 0, 400, false},
    {"busy", "virtualMachines/attachDetachDataDisks", "error", "before",
     "AnotherOperationInProgress", 409, 0, 100, false},
    {"hangs", "*", "never-ends", "before", NULL, 0, 0, 60, true},
    {"ends-badly", "*", "late-failure", "before", NULL, 0, 0, 100, true},
};

/* --- configuration ---------------------------------------------------------
 */

/* Everything that a swap has to leave as it was. */
static void
vary (json_t *vm, json_t *os_disk, struct random_source *random)
{
  static const char *const powers[] = {"running",    "running", "running",
                                       "running",    "running", "stopped",
                                       "deallocated"};
  static const char *const cachings[] = {"None", "ReadOnly", "ReadWrite"};
  static const char *const skus[] = {"Premium_LRS", "StandardSSD_LRS",
                                     "Standard_LRS"};

  json_put_str (vm, "power",
                powers[random_below (random, ARRAY_SIZE (powers))]);
  json_put_str (os_disk, "delete_option",
                fleet_draw (random, 400) ? "Delete" : "Detach");
  json_put_str (os_disk, "caching", cachings[random_below (random, 3)]);
  json_put_str (os_disk, "sku", skus[random_below (random, 3)]);
  json_put_str (os_disk, "create_option",
                fleet_draw (random, 700) ? "FromImage" : "Attach");
  json_put_bool (os_disk, "write_accelerator", fleet_draw (random, 200));
  json_put_str (os_disk, "generation", fleet_draw (random, 700) ? "V2" : "V1");
  if (fleet_draw (random, 200))
    json_put_str (os_disk, "encryption_set",
                  "/subscriptions/" AZURE_SUB "/resourceGroups/" GROUP
                  "/providers/Microsoft.Compute/diskEncryptionSets/keys");
  if (fleet_draw (random, 200)) {
    json_put_str (os_disk, "security_type", "TrustedLaunch");
    json_put_str (os_disk, "generation", "V2");
    json_put (vm, "model",
              json_make ("{s:{s:{s:s}}}", "properties", "securityProfile",
                         "securityType", "TrustedLaunch"));
  }
  if (fleet_draw (random, 300))
    json_put (vm, "data_disks",
              json_make ("[{s:i,s:i,s:s}]", "lun", 3, "size_gb", 8,
                         "delete_option",
                         fleet_draw (random, 500) ? "Delete" : "Detach"));
  if (fleet_draw (random, 300))
    json_put (vm, "tags", json_make ("{s:s,s:s}", "Team", "shop", "env", "x"));
  if (fleet_draw (random, 200))
    json_put (os_disk, "tags", json_make ("{s:s}", "backup", "daily"));
}

static char *
snapshot_name (size_t n, size_t i)
{
  return xasprintf ("bad-%zu-snap-%zu", n, i);
}

static const struct fleet_snapshots snapshots =
    {"name",
     "created",
     {"2024-07-12T04:00:00.0000000+00:00", "2024-07-18T04:00:00.0000000+00:00",
      "2024-07-19T04:05:00.0000000+00:00"},
     snapshot_name};

static void
add_surroundings (const struct fleet_plan *plan, size_t n, json_t *vm,
                  json_t *os_disk)
{
  struct random_source random;

  random_init (&random, plan->seed ^ 0x96017 ^ (n << 32));
  /* Scale sets may replace a VM that is stopped; this one does not. */
  if (fleet_draw (&random, 400) && plan->grouped) {
    json_t *model = json_object_get (vm, "model");

    if (model == NULL) {
      model = json_make ("{s:{}}", "properties");
      json_put (vm, "model", model);
    }
    json_put (json_object_get (model, "properties"), "virtualMachineScaleSet",
              json_make ("{s:s}", "id", "/subscriptions/" AZURE_SUB "/set"));
  }
  if (plan->snapshots && fleet_draw (&random, 850))
    json_put (os_disk, "snapshots",
              fleet_snapshots (&snapshots, n, json_at (os_disk, "content"),
                               &random));
}

static void
put_zone (json_t *vm, size_t zone)
{
  CLEANUP_FREE char *name = xasprintf ("%zu", zone);

  json_put_str (vm, "zone", name);
}

static json_t *
patient (const struct fleet_plan *plan, struct random_source *random, size_t n)
{
  CLEANUP_FREE char *name = xasprintf ("Bad-%zu", n);
  CLEANUP_FREE char *disk = xasprintf ("bad-%zu_os", n);
  json_t *content = fleet_content (plan, random);
  json_t *os_disk = json_make ("{s:s,s:b,s:o}", "name", disk, "boots",
                               content_boots (content), "content", content);
  json_t *vm = json_make ("{s:s,s:s,s:s,s:s,s:o}", "name", name, "group", GROUP,
                          "location", AZURE_LOCATION, "os", "windows",
                          "os_disk", os_disk);

  put_zone (vm, 1 + (n - 1) % plan->zones);
  if (plan->varied)
    vary (vm, os_disk, random);
  add_surroundings (plan, n, vm, os_disk);
  return vm;
}

static json_t *
helper (const struct fleet_plan *plan, size_t zone, size_t n)
{
  CLEANUP_FREE char *name = xasprintf ("helper-%zu-%zu", zone, n);
  json_t *made = json_make ("{s:s,s:s,s:s,s:s,s:s}", "name", name, "group",
                            GROUP, "location", AZURE_LOCATION, "os", "linux",
                            "size", "Standard_D16s_v5");
  json_t *disks = json_array ();

  for (unsigned i = plan->slots ? plan->slots : SLOTS; i < SLOTS; i++)
    json_array_append_new (disks, json_make ("{s:i,s:i}", "lun", (int)i,
                                             "size_gb", 4));
  json_put (made, "data_disks", disks);
  put_zone (made, zone);
  return made;
}

json_t *
azure_fleet_config (const struct fleet_plan *plan)
{
  struct random_source random;
  json_t *azure, *config;

  random_init (&random, plan->seed ^ 0x9011);
  /* Recorded traffic has no Retry-After: -1. */
  azure =
      json_make ("{s:s,s:{s:{s:[{s:s}]}},s:{s:{s:s}},s:{s:{s:[s,s]}},s:o,s:i}",
                 "auth", "trusted", "tenants", "tenant", "applications", "id",
                 "bootmend", "subscriptions", AZURE_SUB, "tenant", "tenant",
                 "locations", AZURE_LOCATION, "zones", "1", "2", "vms",
                 fleet_machines (plan, 0xa2e, helper, patient), "retry_after_s",
                 plan->varied ? (int)random_below (&random, 4) - 1 : -1);
  if (plan->soft)
    json_put (azure, "poll_errors",
              json_real ((double)random_below (&random, 100) / 1000));
  config = json_make ("{s:I,s:[i,i],s:[i,I],s:b,s:{s:b},s:o,s:o}", "seed",
                      (json_int_t)plan->seed, "latency_ms", 80, 400, "stale_ms",
                      0, (json_int_t)plan->stale_ms, "no_log",
                      !(plan->soft || plan->hard), "throttle", "enabled",
                      plan->throttle, "azure", azure, "faults",
                      fleet_faults (plan, rules, ARRAY_SIZE (rules), NULL));
  /* Pages end in the middle of a fleet. */
  if (plan->varied && random_below (&random, 2))
    json_put_int (config, "page_size", 3 + (int64_t)random_below (&random, 8));
  return config;
}
