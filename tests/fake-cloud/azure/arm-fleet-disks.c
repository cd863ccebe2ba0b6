/* Disks and snapshots that are there at the start. */

#include "arm.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static const char *const disk_keys[] = {"name",
                                        "group",
                                        "location",
                                        "zone",
                                        "size_gb",
                                        "sku",
                                        "os",
                                        "generation",
                                        "image",
                                        "boots",
                                        "content",
                                        "tags",
                                        "caching",
                                        "delete_option",
                                        "create_option",
                                        "write_accelerator",
                                        "encryption_set",
                                        "security_type",
                                        "snapshots",
                                        "model",
                                        "lun",
                                        "subscription",
                                        NULL};

static const char *const snapshot_keys[] = {"name",  "group",       "created",
                                            "boots", "content",     "image",
                                            "tags",  "incremental", "size_gb",
                                            NULL};

static const char *
word (const json_t *spec, const json_t *defaults, const char *key,
      const char *otherwise)
{
  return json_str (spec, key, json_str (defaults, key, otherwise));
}

static char *
resource_id (const char *subscription, const char *group, const char *type,
             const char *name)
{
  return xasprintf (
      "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Compute/%s/%s",
      subscription, group, type, name);
}

static void
put_own (json_t *body, const json_t *spec)
{
  static const struct {
    const char *key, *own;
  } rows[] = {{"image", "_image"},
              {"boots", "_boots"},
              {"content", "_content"}};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (json_object_get (spec, rows[i].key))
      json_object_set (body, rows[i].own, json_object_get (spec, rows[i].key));
}

static void
put_size (json_t *properties, const json_t *spec)
{
  int64_t gb = json_int (spec, "size_gb", 30), bytes = gb << 30;
  const char *image = json_str (spec, "image", NULL);
  struct stat st;

  if (image && stat (image, &st) == 0) {
    bytes = st.st_size;
    gb = (bytes + (INT64_C (1) << 30) - 1) >> 30;
  }
  json_put_int (properties, "diskSizeGB", gb);
  json_put_int (properties, "diskSizeBytes", bytes);
}

static json_t *
disk_properties (struct fake_cloud *cloud, const json_t *spec,
                 const json_t *defaults)
{
  CLEANUP_FREE char *unique = fake_uuid (cloud);
  const char *os = word (spec, defaults, "os", NULL);
  const char *set = json_str (spec, "encryption_set", NULL);
  const char *security = json_str (spec, "security_type", NULL);
  json_t *made =
      json_make ("{s:s,s:{s:s},s:s,s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s*}}",
                 "hyperVGeneration", word (spec, defaults, "generation", "V2"),
                 "creationData", "createOption", os ? "FromImage" : "Empty",
                 "timeCreated", "2026-01-01T00:00:00.0000417+00:00",
                 "provisioningState", "Succeeded", "diskState", "Unattached",
                 "uniqueId", unique, "networkAccessPolicy", "AllowAll",
                 "publicNetworkAccess", "Enabled", "encryption", "type",
                 set ? "EncryptionAtRestWithCustomerKey"
                     : "EncryptionAtRestWithPlatformKey",
                 "diskEncryptionSetId", set);

  if (os)
    json_put_str (made, "osType",
                  strcasecmp (os, "windows") == 0 ? "Windows" : "Linux");
  if (security)
    json_put (made, "securityProfile",
              json_make ("{s:s}", "securityType", security));
  put_size (made, spec);
  return made;
}

static int
add_snapshot (struct fake_cloud *cloud, const json_t *spec,
              const struct fake_object *disk, const char *group,
              struct err **err)
{
  const char *name = json_need_str (spec, "name", err);
  CLEANUP_FREE char *shown = NULL, *id = NULL;
  CLEANUP_FREE char *unique = fake_uuid (cloud);
  json_t *body, *tags = json_object_get (spec, "tags");

  if (name == NULL ||
      fake_check_keys (spec, snapshot_keys, "snapshot", err) < 0)
    return -1;
  shown = resource_id (disk->account, json_str (spec, "group", group),
                       "snapshots", name);
  id = arm_lower (shown);
  body = json_make (
      "{s:s,s:s,s:s,s:O,s:o,s:{s:s,s:s},s:{s:O*,s:O,s:{s:s,s:s},s:O,s:O,s:b,"
      "s:s,s:s,s:s,s:s}}",
      "name", name, "id", shown, "type", "Microsoft.Compute/snapshots",
      "location", json_object_get (disk->body, "location"), "tags",
      tags ? json_deep_copy (tags) : json_object (), "sku", "name",
      "Standard_LRS", "tier", "Standard", "properties", "osType",
      json_at (disk->body, "properties.osType"), "hyperVGeneration",
      json_at (disk->body, "properties.hyperVGeneration"), "creationData",
      "createOption", "Copy", "sourceResourceId",
      json_str (disk->body, "id", ""), "diskSizeGB",
      json_at (disk->body, "properties.diskSizeGB"), "diskSizeBytes",
      json_at (disk->body, "properties.diskSizeBytes"), "incremental",
      json_bool (spec, "incremental", true), "timeCreated",
      json_str (spec, "created", "2026-01-01T00:00:00.0000417+00:00"),
      "provisioningState", "Succeeded", "diskState", "Unattached", "uniqueId",
      unique);
  put_own (body, spec);
  if (json_object_get (spec, "size_gb")) /* the disk has grown since */
    put_size (json_object_get (body, "properties"), spec);
  fake_object_add (cloud, "snapshot", id, "", disk->account, "", body);
  return 0;
}

static json_t *
disk_body (struct fake_cloud *cloud, const json_t *spec, const json_t *defaults,
           const char *name, const char *shown)
{
  const char *sku = json_str (spec, "sku", "Premium_LRS");
  const char *zone = word (spec, defaults, "zone", NULL);
  const json_t *tags = json_object_get (spec, "tags");
  json_t *body =
      json_make ("{s:s,s:s,s:s,s:s,s:o,s:{s:s,s:s},s:o}", "name", name, "id",
                 shown, "type", "Microsoft.Compute/disks", "location",
                 word (spec, defaults, "location", "westeurope"), "tags",
                 tags ? json_deep_copy (tags) : json_object (), "sku", "name",
                 sku, "tier",
                 strncmp (sku, "Premium", 7) == 0 ? "Premium" : "Standard",
                 "properties", disk_properties (cloud, spec, defaults));

  if (zone)
    json_put (body, "zones", json_make ("[s]", zone));
  put_own (body, spec);
  if (json_object_get (spec, "model"))
    fake_merge (body, json_object_get (spec, "model"));
  return body;
}

struct fake_object *
arm_add_disk (struct fake_cloud *cloud, const json_t *spec,
              const json_t *defaults, struct err **err)
{
  const char *subscription = word (spec, defaults, "subscription", "");
  const char *group = word (spec, defaults, "group", "");
  const char *name = word (spec, defaults, "name", "");
  CLEANUP_FREE char *shown = resource_id (subscription, group, "disks", name);
  CLEANUP_FREE char *id = arm_lower (shown);
  struct fake_object *disk;
  json_t *snapshot;
  size_t i;

  if (fake_check_keys (spec, disk_keys, "disk", err) < 0)
    return NULL;
  if (*group == '\0' || *name == '\0') {
    err_set (err, ERR_INPUT, "a disk has no group or no name");
    return NULL;
  }
  arm_group_add (cloud, subscription, group,
                 word (spec, defaults, "location", "westeurope"));
  disk = fake_object_add (cloud, "disk", id, "", subscription, "",
                          disk_body (cloud, spec, defaults, name, shown));
  json_array_foreach (json_object_get (spec, "snapshots"), i, snapshot)
  {
    if (add_snapshot (cloud, snapshot, disk, group, err) < 0)
      return NULL;
  }
  return disk;
}
