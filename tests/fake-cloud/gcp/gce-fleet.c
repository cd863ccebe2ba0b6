/* Instances and groups that are there at the start.  README.md describes the
 * members. */

#include "gce.h"

#include <string.h>

/* ---- instances ---- */

static const char *const instance_keys[] = {"name",
                                            "count",
                                            "project",
                                            "zone",
                                            "type",
                                            "status",
                                            "os",
                                            "labels",
                                            "metadata",
                                            "boot",
                                            "disks",
                                            "local_ssds",
                                            "vtpm",
                                            "secure_boot",
                                            "confidential",
                                            "display",
                                            "preemptible",
                                            "start_restricted",
                                            "deletion_protection",
                                            "group",
                                            "no_capacity",
                                            "stop_hangs",
                                            "public",
                                            "max_disks",
                                            "devices",
                                            "service_account",
                                            "guest_attributes",
                                            NULL};

static const struct fake_kept instance_kept[] = {
    {"start_restricted", "startRestricted"},
    {"deletion_protection", "deletionProtection"},
    {"no_capacity", "_noCapacity"},
    {"stop_hangs", "_stopHangs"},
    {"public", "_public"},
    {"max_disks", "_maxDisks"},
    {"devices", "_devices"},
    {"guest_attributes", "_guestAttributes"},
    {NULL},
};

static json_t *
metadata_of (struct fake_cloud *cloud, const json_t *spec, const char *group)
{
  json_t *made = json_make ("{s:s}", "kind", "compute#metadata");
  json_t *items = json_array (), *value;
  const char *key;

  json_object_foreach (json_object_get (spec, "metadata"), key, value)
  {
    json_array_append_new (items,
                           json_make ("{s:s,s:O}", "key", key, "value", value));
  }
  if (group)
    json_array_append_new (items, json_make ("{s:s,s:s}", "key", "created-by",
                                             "value", group));
  if (json_array_size (items))
    json_put (made, "items", json_incref (items));
  json_decref (items);
  gce_put_fingerprint (cloud, made, "fingerprint");
  return made;
}

static void
put_card (struct fake_cloud *cloud, json_t *body, const char *project,
          const char *zone, const char *public)
{
  unsigned random = (unsigned)fake_random (cloud);
  CLEANUP_FREE char *inside = xasprintf ("10.%u.%u.%u", random & 255,
                                         random >> 8 & 255, random >> 16 & 255);
  CLEANUP_FREE char *outside =
      xasprintf ("198.18.%u.%u", random >> 8 & 255, random & 255);
  CLEANUP_FREE char *region = gce_region_of (zone);
  CLEANUP_FREE char *network =
      xasprintf (GCE_LINK "projects/%s/global/networks/default", project);
  CLEANUP_FREE char *subnet =
      xasprintf (GCE_LINK "projects/%s/regions/%s/subnetworks/default", project,
                 region);
  json_t *card =
      json_make ("{s:s,s:s,s:s,s:s,s:s}", "kind", "compute#networkInterface",
                 "name", "nic0", "network", network, "subnetwork", subnet,
                 "networkIP", inside);

  if (*public)
    json_put (card, "accessConfigs",
              json_make ("[{s:s,s:s,s:s,s:s,s:s}]", "kind",
                         "compute#accessConfig", "name", "External NAT", "type",
                         "ONE_TO_ONE_NAT", "natIP", outside, "networkTier",
                         "PREMIUM"));
  json_put (body, "networkInterfaces", json_make ("[o]", card));
}

static json_t *
new_instance (struct fake_cloud *cloud, const json_t *spec, const char *project,
              const char *zone, const char *id)
{
  const char *group = json_str (spec, "group", NULL);
  const char *account = json_str (spec, "service_account", NULL);
  CLEANUP_FREE char *type =
      xasprintf ("projects/%s/zones/%s/machineTypes/%s", project, zone,
                 json_str (spec, "type", "e2-standard-4"));
  json_t *body = json_make (
      "{s:s,s:[],s:b,s:{s:b},s:{s:b,s:b,s:b},s:{s:s,s:b,s:b},s:{s:s},s:b}",
      "status", json_str (spec, "status", "RUNNING"), "disks",
      "deletionProtection", 0, "displayDevice", "enableDisplay",
      json_bool (spec, "display", false), "shieldedInstanceConfig",
      "enableVtpm", json_bool (spec, "vtpm", false), "enableSecureBoot",
      json_bool (spec, "secure_boot", false), "enableIntegrityMonitoring",
      json_bool (spec, "vtpm", false), "scheduling", "onHostMaintenance",
      "MIGRATE", "automaticRestart", 1, "preemptible",
      json_bool (spec, "preemptible", false), "tags", "fingerprint",
      "42WmSpB8rSM=", "canIpForward", 0);

  gce_put_identity (cloud, body, "instance", id);
  gce_put_link (body, "machineType", type);
  gce_put_now (cloud, body, "creationTimestamp");
  gce_put_now (cloud, body, "lastStartTimestamp");
  gce_put_fingerprint (cloud, body, "fingerprint");
  gce_put_labels (cloud, body, json_object_get (spec, "labels"));
  put_card (cloud, body, project, zone, json_str (spec, "public", ""));
  fake_keep (spec, body, instance_kept);
  if (json_bool (spec, "confidential", false))
    json_put (body, "confidentialInstanceConfig",
              json_make ("{s:b}", "enableConfidentialCompute", 1));
  if (account)
    json_put (body, "serviceAccounts",
              json_make ("[{s:s,s:[s]}]", "email", account, "scopes",
                         "https://www.googleapis.com/auth/cloud-platform"));
  if (group) {
    CLEANUP_FREE char *id_of =
        xasprintf ("projects/%s/zones/%s/instanceGroups/%s", project, zone,
                   group);
    CLEANUP_FREE char *manager =
        xasprintf ("projects/%s/zones/%s/instanceGroupManagers/%s", project,
                   zone, group);

    json_put_str (body, "_group", id_of);
    json_put (body, "_spec", json_deep_copy (spec));
    json_put (body, "metadata", metadata_of (cloud, spec, manager));
  } else
    json_put (body, "metadata", metadata_of (cloud, spec, NULL));
  return body;
}

int
gce_add_instance (struct fake_cloud *cloud, const json_t *spec,
                  const char *zone, struct err **err)
{
  const char *project = json_str (spec, "project", gce_first_project (cloud));
  const char *name = json_need_str (spec, "name", err);
  CLEANUP_FREE char *id = NULL;
  struct fake_object *instance;

  if (name == NULL)
    return -1;
  if (!gce_zone_exists (cloud, zone) || !gce_is_name (name))
    return err_set (err, ERR_INPUT, "no such zone, or no name: %s/%s", zone,
                    name);
  id = xasprintf ("projects/%s/zones/%s/instances/%s", project, zone, name);
  instance = fake_object_add (cloud, "instance", id, "", project, zone,
                              new_instance (cloud, spec, project, zone, id));
  if (gce_add_disks (cloud, instance, spec, zone, err) < 0)
    return -1;
  if (strcmp (gce_status (instance), "RUNNING") == 0) {
    gce_guest_boot (cloud, instance);
    fake_timers_cancel (cloud, instance, "guest");
    json_put_int (instance->body, "_bootedMs", -600000);
    if (json_bool (instance->body, "_boots", true))
      json_put_bool (instance->body, "_agent", true);
  }
  fake_object_changed (cloud, instance);
  return 0;
}

void
gce_remove_instance (struct fake_cloud *cloud, struct fake_object *instance)
{
  json_t *disks = json_object_get (instance->body, "disks");

  while (json_array_size (disks)) {
    const json_t *entry = json_array_get (disks, 0);
    bool gone = json_bool (entry, "autoDelete", false);
    struct fake_object *disk =
        fake_object_find (cloud, "disk",
                          gce_id_of_link (json_str (entry, "source", NULL)),
                          NULL, NULL);

    if (disk == NULL) {
      json_array_remove (disks, 0);
      continue;
    }
    gce_take_attached (cloud, instance, disk);
    if (gone)
      fake_object_remove (cloud, disk);
  }
  fake_object_remove (cloud, instance);
}

static int
add_instance (struct fake_cloud *cloud, const json_t *spec, struct err **err)
{
  return gce_add_instance (cloud, spec, json_str (spec, "zone", ""), err);
}

/* {"name", "zone" | "region", "project", "managed", "members": [ids]}: members
 * that name the group are in it anyhow. */
static int
add_group (struct fake_cloud *cloud, const json_t *spec, struct err **err)
{
  static const char *const keys[] = {"name",    "zone",    "region", "project",
                                     "managed", "members", NULL};
  const char *project = json_str (spec, "project", gce_first_project (cloud));
  const char *zone = json_str (spec, "zone", NULL);
  const char *name = json_need_str (spec, "name", err);
  CLEANUP_FREE char *id = NULL;
  json_t *members, *body;

  if (name == NULL || fake_check_keys (spec, keys, "group", err) < 0)
    return -1;
  id = xasprintf ("projects/%s/%s/%s/instanceGroups/%s", project,
                  zone ? "zones" : "regions",
                  zone ? zone : json_str (spec, "region", ""), name);
  members = json_object_get (spec, "members")
                ? json_deep_copy (json_object_get (spec, "members"))
                : json_array ();
  for (size_t i = 0; i < cloud->objects.len; i++)
    if (strcmp (json_str (cloud->objects.ptr[i]->body, "_group", ""), id) == 0)
      json_array_append_new (members, json_string (cloud->objects.ptr[i]->id));
  body = json_make ("{s:b,s:o,s:i}", "_managed",
                    json_bool (spec, "managed", false), "_members", members,
                    "size", (int)json_array_size (members));
  gce_put_identity (cloud, body, "instanceGroup", id);
  gce_put_now (cloud, body, "creationTimestamp");
  fake_object_add (cloud, "group", id, "", project, zone ? zone : "", body);
  return 0;
}

int
gce_load_fleet (struct fake_cloud *cloud, const json_t *config,
                struct err **err)
{
  json_t *spec;
  size_t i;

  json_array_foreach (json_object_get (config, "instances"), i, spec)
  {
    if (fake_check_keys (spec, instance_keys, "instance", err) < 0 ||
        fake_add_each (cloud, spec, add_instance, err) < 0)
      return err_wrap (err, "instances[%zu]", i);
  }
  json_array_foreach (json_object_get (config, "disks"), i, spec)
  {
    const char *zone = json_need_str (spec, "zone", err);
    const char *name = zone ? json_need_str (spec, "name", err) : NULL;

    if (name == NULL ||
        gce_add_disk (cloud, spec,
                      json_str (spec, "project", gce_first_project (cloud)),
                      zone, name, err) == NULL)
      return err_wrap (err, "disks[%zu]", i);
  }
  json_array_foreach (json_object_get (config, "groups"), i, spec)
  {
    if (add_group (cloud, spec, err) < 0)
      return err_wrap (err, "groups[%zu]", i);
  }
  return 0;
}
