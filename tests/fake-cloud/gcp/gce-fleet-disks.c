/* Disks and snapshots that are there at the start.  README.md describes the
 * members. */

#include "gce.h"

#include <string.h>

static const char *const disk_keys[] = {"name", "zone", "project", "size_gb",
                                        "type", "image", "boots", "content",
                                        "labels", "licenses",
                                        "guest_os_features",
                                        "resource_policies", "kms_key", "csek",
                                        "regional", "locked", "confidential",
                                        "status", "snapshots", "description",
                                        /* of its attachment */
                                        "device_name", "auto_delete", "mode",
                                        "interface", NULL};

static json_t *
features (const json_t *names)
{
  json_t *list = json_array (), *name;
  size_t i;

  json_array_foreach ((json_t *)names, i, name)
  {
    json_array_append_new (list, json_make ("{s:O}", "type", name));
  }
  return list;
}

static json_t *
links (const json_t *ids)
{
  json_t *list = json_array (), *id;
  size_t i;

  json_array_foreach ((json_t *)ids, i, id)
  {
    CLEANUP_FREE char *link = gce_link (json_string_value (id));

    json_array_append_new (list, json_string (link));
  }
  return list;
}

void
gce_put_labels (struct fake_cloud *cloud, json_t *body, const json_t *labels)
{
  if (json_object_size (labels))
    json_put (body, "labels", json_deep_copy (labels));
  gce_put_fingerprint (cloud, body, "labelFingerprint");
}

/* ---- snapshots ---- */

static int
add_snapshots (struct fake_cloud *cloud, const struct fake_object *disk,
               const json_t *specs, struct err **err)
{
  static const char *const keys[] = {"name",   "created",     "boots",
                                     "image",  "content",     "labels",
                                     "status", "description", NULL};
  static const struct fake_kept kept[] = {{"boots", "_boots"},
                                          {"image", "_image"},
                                          {"content", "_content"},
                                          {"description", "description"},
                                          {NULL}};
  static const char *const inherited[] = {"licenses", "guestOsFeatures"};
  json_t *spec, *body;
  size_t i;

  json_array_foreach ((json_t *)specs, i, spec)
  {
    const char *name = json_need_str (spec, "name", err);
    CLEANUP_FREE char *id = NULL;

    if (name == NULL || fake_check_keys (spec, keys, "snapshot", err) < 0)
      return -1;
    id = xasprintf ("projects/%s/global/snapshots/%s", disk->account, name);
    body = json_make ("{s:s,s:O,s:s}", "status",
                      json_str (spec, "status", "READY"), "diskSizeGb",
                      json_object_get (disk->body, "sizeGb"), "sourceDiskId",
                      json_str (disk->body, "id", ""));
    gce_put_identity (cloud, body, "snapshot", id);
    gce_put_link (body, "sourceDisk", disk->id);
    for (size_t k = 0; k < ARRAY_SIZE (inherited); k++)
      if (json_object_get (disk->body, inherited[k]))
        json_put (body, inherited[k],
                  json_deep_copy (json_object_get (disk->body, inherited[k])));
    if (json_str (spec, "created", NULL))
      json_put_str (body, "creationTimestamp", json_str (spec, "created", ""));
    else
      gce_put_now (cloud, body, "creationTimestamp");
    gce_put_labels (cloud, body, json_object_get (spec, "labels"));
    fake_keep (spec, body, kept);
    fake_object_add (cloud, "snapshot", id, "", disk->account, "global", body);
  }
  return 0;
}

/* ---- disks ---- */

static const struct fake_kept disk_kept[] = {
    {"licenses", "licenses"},
    {"image", "_image"},
    {"boots", "_boots"},
    {"content", "_content"},
    {"description", "description"},
    {"locked", "locked"},
    {"confidential", "enableConfidentialCompute"},
    {NULL},
};

static void
put_key (json_t *body, const json_t *spec)
{
  const char *kms = json_str (spec, "kms_key", NULL);
  const char *hash = json_str (spec, "csek", NULL);

  if (kms) {
    CLEANUP_FREE char *version = xasprintf ("%s/cryptoKeyVersions/1", kms);

    json_put (body, "diskEncryptionKey",
              json_make ("{s:s}", "kmsKeyName", version));
  }
  if (hash)
    json_put (body, "diskEncryptionKey", json_make ("{s:s}", "sha256", hash));
}

struct fake_object *
gce_add_disk (struct fake_cloud *cloud, const json_t *spec, const char *project,
              const char *zone, const char *name, struct err **err)
{
  bool regional = json_bool (spec, "regional", false);
  CLEANUP_FREE char *region = gce_region_of (zone);
  CLEANUP_FREE char *place =
      regional ? xasprintf ("projects/%s/regions/%s", project, region)
               : xasprintf ("projects/%s/zones/%s", project, zone);
  CLEANUP_FREE char *id = xasprintf ("%s/disks/%s", place, name);
  CLEANUP_FREE char *type = xasprintf ("%s/diskTypes/%s", place,
                                       json_str (spec, "type", "pd-balanced"));
  struct fake_object *disk;
  json_t *body;

  if (fake_check_keys (spec, disk_keys, "disk", err) < 0)
    return NULL;
  body = json_make ("{s:s,s:s}", "status", json_str (spec, "status", "READY"),
                    "physicalBlockSizeBytes", "4096");
  gce_put_identity (cloud, body, "disk", id);
  gce_put_number (body, "sizeGb", json_int (spec, "size_gb", 50));
  gce_put_link (body, "type", type);
  gce_put_now (cloud, body, "creationTimestamp");
  gce_put_labels (cloud, body, json_object_get (spec, "labels"));
  fake_keep (spec, body, disk_kept);
  if (json_object_get (spec, "guest_os_features"))
    json_put (body, "guestOsFeatures",
              features (json_object_get (spec, "guest_os_features")));
  if (json_object_get (spec, "resource_policies"))
    json_put (body, "resourcePolicies",
              links (json_object_get (spec, "resource_policies")));
  if (regional) {
    CLEANUP_FREE char *own = xasprintf ("projects/%s/zones/%s", project, zone);
    CLEANUP_JSON json_t *zones = json_make ("[s]", own);

    json_put (body, "replicaZones", links (zones));
  }
  put_key (body, spec);
  disk = fake_object_add (cloud, "disk", id, "", project,
                          regional ? region : zone, body);
  return add_snapshots (cloud, disk, json_object_get (spec, "snapshots"), err) <
                 0
             ? NULL
             : disk;
}

static void
attach (struct fake_cloud *cloud, struct fake_object *instance,
        struct fake_object *disk, const json_t *spec, bool boot,
        const char *device)
{
  CLEANUP_JSON json_t *with =
      json_make ("{s:s,s:b,s:b,s:s*,s:s*}", "deviceName",
                 json_str (spec, "device_name", device), "boot", boot,
                 "autoDelete", json_bool (spec, "auto_delete", boot), "mode",
                 json_str (spec, "mode", NULL), "interface",
                 json_str (spec, "interface", NULL));

  if (json_object_get (spec, "guest_os_features"))
    json_put (with, "guestOsFeatures",
              features (json_object_get (spec, "guest_os_features")));
  gce_put_attached (cloud, instance, disk, gce_entry_of (disk, with));
  if (boot && json_object_get (disk->body, "guestOsFeatures"))
    json_put (instance->body, "_bootFeatures",
              json_deep_copy (json_object_get (disk->body, "guestOsFeatures")));
}

static void
add_local_ssds (struct fake_object *instance, int64_t count)
{
  json_t *disks = json_object_get (instance->body, "disks");

  for (int64_t i = 0; i < count; i++) {
    CLEANUP_FREE char *name = xasprintf ("local-ssd-%d", (int)i);

    json_array_append_new (disks,
                           json_make ("{s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:i,s:s}",
                                      "kind", "compute#attachedDisk", "type",
                                      "SCRATCH", "mode", "READ_WRITE",
                                      "deviceName", name, "interface", "NVME",
                                      "boot", 0, "autoDelete", 1, "index",
                                      (int)json_array_size (disks),
                                      "diskSizeGb", "375"));
  }
}

/* Windows by its licence and features, if nothing else was said. */
static json_t *
boot_spec (const json_t *spec)
{
  const json_t *own = json_object_get (spec, "boot");
  json_t *boot = own ? json_deep_copy (own) : json_object ();
  bool windows = strcmp (json_str (spec, "os", "linux"), "windows") == 0;

  if (json_object_get (boot, "licenses") == NULL)
    json_put (boot, "licenses",
              json_make ("[s]", windows
                                    ? GCE_LINK "projects/windows-cloud/global/"
                                               "licenses/windows-server-2019-dc"
                                    : GCE_LINK "projects/debian-cloud/global/"
                                               "licenses/debian-12-bookworm"));
  if (json_object_get (boot, "guest_os_features") == NULL)
    json_put (boot, "guest_os_features",
              windows
                  ? json_make ("[s,s,s,s]", "VIRTIO_SCSI_MULTIQUEUE", "WINDOWS",
                               "MULTI_IP_SUBNET", "UEFI_COMPATIBLE")
                  : json_make ("[s,s,s]", "UEFI_COMPATIBLE",
                               "VIRTIO_SCSI_MULTIQUEUE", "GVNIC"));
  return boot;
}

int
gce_add_disks (struct fake_cloud *cloud, struct fake_object *instance,
               const json_t *spec, const char *zone, struct err **err)
{
  const char *name = json_str (instance->body, "name", "");
  CLEANUP_JSON json_t *boot = boot_spec (spec);
  struct fake_object *disk;
  json_t *data;
  size_t i;

  if (!json_is_null (json_object_get (spec, "boot"))) {
    disk = gce_add_disk (cloud, boot, instance->account, zone,
                         json_str (boot, "name", name), err);
    if (disk == NULL)
      return err_wrap (err, "boot");
    attach (cloud, instance, disk, boot, true, "persistent-disk-0");
  }
  json_array_foreach (json_object_get (spec, "disks"), i, data)
  {
    CLEANUP_FREE char *own = xasprintf ("%s-data-%zu", name, i + 1);
    CLEANUP_FREE char *device = gce_free_device (instance);

    disk = gce_add_disk (cloud, data, instance->account, zone,
                         json_str (data, "name", own), err);
    if (disk == NULL)
      return err_wrap (err, "disks[%zu]", i);
    attach (cloud, instance, disk, data, false, device);
  }
  add_local_ssds (instance, json_int (spec, "local_ssds", 0));
  return 0;
}
