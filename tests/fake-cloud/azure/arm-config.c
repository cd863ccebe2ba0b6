/* The configuration of the fake Azure; README.md describes it.  VMs and disks
 * are in arm-fleet.c. */

#include "arm.h"

#include <string.h>

static const char *const keys[] = {"auth",
                                   "tenants",
                                   "subscriptions",
                                   "locations",
                                   "groups",
                                   "vms",
                                   "disks",
                                   "locks",
                                   "vaults",
                                   "vault",
                                   "imds",
                                   "times",
                                   "policy_tags",
                                   "long_urls",
                                   "retry_after_s",
                                   "location_only",
                                   "poll_errors",
                                   "stale_gets",
                                   NULL};

/* In ms; most of them as recorded in 2019 and 2020, rounded; deallocation takes
 * 45 s there. */
static const struct fake_time usual_times[] =
    {{"power_off", 5000},    {"power_off_unheard", 20000},
     {"stop_hangs", 300000}, {"deallocate", 10000},
     {"start", 4000},        {"start_timeout", 1200000},
     {"restart", 4000},      {"redeploy", 57000},
     {"attach", 6000},       {"detach", 14000},
     {"swap", 20000},        {"update", 1000},
     {"copy", 1000},         {"snapshot", 1000},
     {"hydrate", 120000},    {"delete", 1000},
     {"idle", 200},          {"agent_ready", 30000},
     {"agent_stale", 15000}, {NULL, 0}};

const json_t *
arm_config (const struct fake_cloud *cloud, const char *path)
{
  CLEANUP_FREE char *whole = xasprintf ("azure.%s", path);

  return fake_config (cloud, whole);
}

int64_t
arm_time_ms (const struct fake_cloud *cloud, const char *name)
{
  const json_t *times = arm_config (cloud, "times");
  const json_t *scale = fake_config (cloud, "time_scale");

  return (int64_t)((double)json_int (times, name, 1000) *
                   (scale ? json_number_value (scale) : 1.0));
}

/* Each application remembers its tenant. */
static int
load_tenants (struct fake_cloud *cloud, struct err **err)
{
  static const char *const known[] =
      {"id",    "secret", "certificate",   "federated",      "object_id",
       "allow", "deny",   "token_seconds", "secret_expired", "tenant",
       NULL};
  const char *id;
  json_t *tenant, *application;
  size_t i;

  json_object_foreach ((json_t *)arm_config (cloud, "tenants"), id, tenant)
  {
    json_array_foreach (json_object_get (tenant, "applications"), i,
                        application)
    {
      if (fake_check_keys (application, known, "application", err) < 0)
        return -1;
      json_put_str (application, "tenant", id);
    }
  }
  return 0;
}

static void
load_subscriptions (struct fake_cloud *cloud)
{
  const char *id;
  json_t *spec;

  json_object_foreach ((json_t *)arm_config (cloud, "subscriptions"), id, spec)
  {
    CLEANUP_FREE char *shown = xasprintf ("/subscriptions/%s", id);
    CLEANUP_FREE char *lower = arm_lower (shown);

    fake_object_add (cloud, "subscription", lower, "", id, "",
                     json_make ("{s:s,s:s,s:s,s:s,s:s}", "id", shown,
                                "subscriptionId", id, "displayName",
                                json_str (spec, "name", "test"), "state",
                                json_str (spec, "state", "Enabled"), "tenantId",
                                json_str (spec, "tenant", "")));
  }
}

static int
load_locks (struct fake_cloud *cloud, struct err **err)
{
  json_t *spec;
  size_t i;

  json_array_foreach ((json_t *)arm_config (cloud, "locks"), i, spec)
  {
    const char *scope = json_need_str (spec, "scope", err);
    const char *name = json_str (spec, "name", "lock");
    CLEANUP_FREE char *shown = NULL, *id = NULL, *below = NULL;

    if (scope == NULL)
      return -1;
    shown = xasprintf ("%s/providers/Microsoft.Authorization/locks/%s", scope,
                       name);
    id = arm_lower (shown);
    below = arm_lower (scope);
    fake_object_add (cloud, "lock", id, "", "", "",
                     json_make ("{s:s,s:s,s:s,s:{s:s,s:s},s:s}", "id", shown,
                                "name", name, "type",
                                "Microsoft.Authorization/locks", "properties",
                                "level", json_str (spec, "level", "ReadOnly"),
                                "notes", "", "_scope", below));
  }
  return 0;
}

static int
load_groups (struct fake_cloud *cloud, struct err **err)
{
  const char *first = json_object_iter_key (json_object_iter (
      (json_t *)(uintptr_t)arm_config (cloud, "subscriptions")));
  json_t *spec;
  size_t i;

  json_array_foreach ((json_t *)arm_config (cloud, "groups"), i, spec)
  {
    const char *name = json_need_str (spec, "name", err);

    if (name == NULL)
      return -1;
    arm_group_add (cloud, json_str (spec, "subscription", first), name,
                   json_str (spec, "location", "westeurope"));
  }
  return 0;
}

int
arm_load (struct fake_cloud *cloud, const json_t *config, struct err **err)
{
  if (fake_check_keys (config, keys, "azure", err) < 0)
    return -1;
  if (json_object_size (json_object_get (config, "subscriptions")) == 0)
    return err_set (err, ERR_INPUT, "subscriptions are missing");
  if (json_object_size (json_object_get (config, "locations")) == 0)
    return err_set (err, ERR_INPUT, "locations are missing");
  if (fake_load_times (cloud, "azure", usual_times, config, err) < 0 ||
      load_tenants (cloud, err) < 0)
    return -1;
  load_subscriptions (cloud);
  if (load_groups (cloud, err) < 0 || load_locks (cloud, err) < 0)
    return -1;
  return arm_load_fleet (cloud, config, err);
}
