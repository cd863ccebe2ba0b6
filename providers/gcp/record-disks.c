/* Records of disks and snapshots. */

#include "record.h"

#include <string.h>

#include "call.h"
#include "names.h"

#define GIB (INT64_C (1) << 30)

static json_t *
copy_of (const json_t *from, const char *key)
{
  const json_t *value = json_object_get (from, key);

  return value ? json_deep_copy (value) : NULL;
}

/* Ids of resource policies: schedules of snapshots. */
static json_t *
policies_of (const json_t *disk)
{
  json_t *list = json_array (), *link;
  size_t i;

  json_array_foreach (json_object_get (disk, "resourcePolicies"), i, link)
  {
    if (json_is_string (link))
      json_array_append_new (list, json_string (
                                       gcp_id_of (json_string_value (link))));
  }
  return list;
}

/* The key without its version, which Google changes. */
static void
put_key (json_t *attributes, const json_t *disk)
{
  const char *key = json_str (disk, "diskEncryptionKey.kmsKeyName", "");
  const char *version = strstr (key, "/cryptoKeyVersions/");
  CLEANUP_FREE char *name =
      xstrndup (key, version ? (size_t)(version - key) : strlen (key));

  if (*name)
    json_put_str (attributes, "kms_key", name);
}

static void
put_attributes (json_t *attributes, const json_t *disk)
{
  static const struct {
    const char *key, *path;
  } numbers[] = {{"iops", "provisionedIops"},
                 {"throughput", "provisionedThroughput"}};

  gcp_copy_last (attributes, "type", disk, "type");
  json_put (attributes, "labels",
            gcp_own_labels (json_object_get (disk, "labels")));
  json_put (attributes, "resource_policies", policies_of (disk));
  json_put (attributes, "licenses", copy_of (disk, "licenses"));
  json_put (attributes, "replica_zones", copy_of (disk, "replicaZones"));
  put_key (attributes, disk);
  for (size_t i = 0; i < ARRAY_SIZE (numbers); i++)
    if (gcp_number (disk, numbers[i].path) >= 0)
      json_put_int (attributes, numbers[i].key,
                    gcp_number (disk, numbers[i].path));
}

void
gcp_record_disk (json_t *vm, const json_t *disk)
{
  json_t *os_disk = json_object_get (vm, "os_disk");
  json_t *facts = json_object_get (vm, "facts");
  int64_t gib = gcp_number (disk, "sizeGb");

  put_attributes (json_object_get (os_disk, "attributes"), disk);
  if (gib >= 0)
    json_put_int (os_disk, "size_bytes", gib * GIB);
  gcp_copy (facts, "disk_number", disk, "id");
  gcp_copy (facts, "disk_status", disk, "status");
  json_put_bool (facts, "locked", json_bool (disk, "locked", false));
  json_put_bool (facts, "confidential_disk",
                 json_bool (disk, "enableConfidentialCompute", false));
  json_put_int (facts, "disk_users",
                (int64_t)json_array_size (json_object_get (disk, "users")));
  if (*json_str (disk, "diskEncryptionKey.sha256", "") &&
      !*json_str (disk, "diskEncryptionKey.kmsKeyName", ""))
    json_put_bool (facts, "csek", true);
}

/* --- by themselves -------------------------------------------------------- */

static const char *
disk_word (const json_t *disk)
{
  const char *status = json_str (disk, "status", "");
  bool used = json_array_size (json_object_get (disk, "users")) > 0;

  if (strcmp (status, "FAILED") == 0)
    return "failed";
  if (strcmp (status, "READY") != 0)
    return "other";
  return used ? "attached" : "available";
}

json_t *
gcp_disk_of_disk (const json_t *disk)
{
  json_t *made = json_object (), *attributes = json_object ();
  const char *id = gcp_id_of (json_str (disk, "selfLink", ""));
  const char *user = gcp_id_of (
      json_string_value (json_array_get (json_object_get (disk, "users"), 0)));
  CLEANUP_FREE char *zone = gcp_zone_of (id);
  int64_t gib = gcp_number (disk, "sizeGb");

  json_put_str (made, "id", id);
  json_put_str (made, "kind", "disk");
  json_put_str (made, "zone", zone);
  json_put_str (made, "state", disk_word (disk));
  gcp_copy (made, "why", disk, "status");
  if (*user)
    json_put_str (made, "attached_to", user);
  if (gib >= 0)
    json_put_int (made, "size_bytes", gib * GIB);
  put_attributes (attributes, disk);
  json_put (made, "attributes", attributes);
  return made;
}

json_t *
gcp_disk_of_snapshot (const json_t *snapshot)
{
  const char *status = json_str (snapshot, "status", "");
  json_t *made = json_object ();
  int64_t gib = gcp_number (snapshot, "diskSizeGb");

  json_put_str (made, "id", gcp_id_of (json_str (snapshot, "selfLink", "")));
  json_put_str (made, "kind", "snapshot");
  json_put_str (made, "state",
                strcmp (status, "READY") == 0      ? "available"
                : strcmp (status, "FAILED") == 0   ? "failed"
                : strcmp (status, "DELETING") == 0 ? "failed"
                                                   : "other");
  json_put_str (made, "why", status);
  if (gib >= 0)
    json_put_int (made, "size_bytes", gib * GIB);
  return made;
}
