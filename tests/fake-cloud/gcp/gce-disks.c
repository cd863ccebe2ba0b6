/* Disks: reading, making from a snapshot or another disk, deleting. */

#include "gce.h"

#include <string.h>

#include <base/text.h>
#include <openssl/sha.h>

void
gce_copy_content (struct fake_cloud *cloud, const json_t *from, json_t *to,
                  const char *new_id)
{
  static const char *const same[] = {"_boots", "_content"};
  CLEANUP_FREE char *file = xstrdup (new_id);
  CLEANUP_FREE char *image = NULL;

  for (char *p = file; *p; p++)
    if (*p == '/')
      *p = '.';
  image = fake_disk_copy (cloud, json_str (from, "_image", NULL), file);
  for (size_t i = 0; i < ARRAY_SIZE (same); i++)
    if (json_object_get (from, same[i]))
      json_put (to, same[i], json_deep_copy (json_object_get (from, same[i])));
  if (image) {
    json_put_str (to, "_image", image);
    json_put_bool (to, "_ownImage", true);
  }
}

/* A key of the customer's own comes with every request; only its hash is kept.
 * [Compute, "Encrypt disks with customer-supplied encryption keys"] */
int
gce_check_csek (struct fake_call *call, const struct fake_object *disk,
                const json_t *key)
{
  const char *hash = json_str (disk->body, "diskEncryptionKey.sha256", NULL);
  const char *raw = json_str (key, "rawKey", NULL);
  CLEANUP_FREE unsigned char *data = NULL;
  CLEANUP_FREE char *given = NULL;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  size_t len;

  if (hash == NULL ||
      json_str (disk->body, "diskEncryptionKey.kmsKeyName", NULL))
    return 0;
  if (raw == NULL)
    return gce_fail (call, 400, "resourceIsEncryptedWithCustomerEncryptionKey",
                     "The resource '%s' is encrypted with a customer-supplied "
                     "encryption key, and the request gives none.",
                     disk->id);
  if (base64_decode (raw, &data, &len) < 0 || len != 32)
    return gce_invalid (call, "rawKey", "", "Not 256 bits in base64.");
  SHA256 (data, len, digest);
  given = fake_base64 (digest, sizeof digest);
  if (strcmp (given, hash) == 0)
    return 0;
  return gce_fail (call, 400, "customerEncryptionKeyIsIncorrect",
                   "The provided encryption key is incorrect for '%s'.",
                   disk->id);
}

/* ---- reading ---- */

static int
get (struct fake_call *call)
{
  struct fake_object *disk = gce_target (call);
  const json_t *body;

  if (disk == NULL)
    return -1;
  body = json_is_true (fake_config (call->cloud, "gcp.stale_gets"))
             ? fake_object_view (call->cloud, disk)
             : disk->body;
  if (body == NULL)
    return gce_not_found (call, disk->id);
  gce_answer (call, json_deep_copy (body));
  return 0;
}

static int
list (struct fake_call *call)
{
  CLEANUP_FREE char *place = gce_target_id (call);
  CLEANUP_FREE char *prefix = xasprintf ("%s/disks/", place);

  return gce_list (call, "disk", "diskList", prefix);
}

static int
list_all (struct fake_call *call)
{
  return gce_list_all (call, "disk", "diskAggregatedList", "disks", true);
}

/* ---- insert ---- */

/* The source is READY and the caller may use it; NULL after gce_fail. */
static struct fake_object *
find_source (struct fake_call *call, const char *key, const char *kind,
             const char *permission)
{
  const char *link = json_str (gce_body (call), key, NULL);
  const char *id = gce_id_of_link (link);
  struct fake_object *source =
      fake_object_find (call->cloud, kind, id, NULL, NULL);

  if (source == NULL) {
    gce_not_found (call, id ? id : link);
    return NULL;
  }
  if (gce_need_permission (call, permission, source->id) < 0)
    return NULL;
  if (strcmp (gce_status (source), "READY") != 0) {
    gce_not_ready (call, source->id);
    return NULL;
  }
  return source;
}

/* *source NULL: an empty disk. */
static int
check_source (struct fake_call *call, struct fake_object **source)
{
  *source = NULL;
  if (json_object_get (gce_body (call), "sourceSnapshot"))
    *source = find_source (call, "sourceSnapshot", "snapshot",
                           "compute.snapshots.useReadOnly");
  else if (json_object_get (gce_body (call), "sourceDisk"))
    *source =
        find_source (call, "sourceDisk", "disk", "compute.disks.useReadOnly");
  else
    return 0;
  return *source ? 0 : -1;
}

static int
check_size (struct fake_call *call, const struct fake_object *source,
            int64_t *gib)
{
  const json_t *asked = json_object_get (gce_body (call), "sizeGb");
  int64_t least = 1;

  if (source)
    least = gce_number (
        json_object_get (source->body, strcmp (source->kind, "snapshot") == 0
                                           ? "diskSizeGb"
                                           : "sizeGb"));
  *gib = asked ? gce_number (asked) : source ? least : 500;
  if (*gib >= least)
    return 0;
  return gce_fail (call, 400, "invalid",
                   "Requested disk size cannot be smaller than the %s size "
                   "(%lld GB)",
                   source ? source->kind : "least", (long long)least);
}

static int
check_policies (struct fake_call *call)
{
  const json_t *policies =
      json_object_get (gce_body (call), "resourcePolicies");
  json_t *link;
  size_t i;

  json_array_foreach ((json_t *)policies, i, link)
  {
    if (gce_id_of_link (json_string_value (link)) == NULL)
      return gce_invalid (call, "resource.resourcePolicies",
                          json_string_value (link), "The URL is malformed.");
  }
  return 0;
}

static void
put_links (json_t *body, const char *key)
{
  json_t *links = json_array (), *link;
  size_t i;

  json_array_foreach (json_object_get (body, key), i, link)
  {
    const char *id = gce_id_of_link (json_string_value (link));
    CLEANUP_FREE char *full = gce_link (id ? id : json_string_value (link));

    json_array_append_new (links, json_string (full));
  }
  if (json_array_size (links))
    json_put (body, key, links);
  else
    json_decref (links);
}

static void
put_source (struct fake_call *call, json_t *body,
            const struct fake_object *source, const char *id)
{
  static const char *const inherited[] = {"licenses", "licenseCodes",
                                          "guestOsFeatures", "architecture"};
  bool snapshot = strcmp (source->kind, "snapshot") == 0;

  for (size_t i = 0; i < ARRAY_SIZE (inherited); i++)
    if (json_object_get (source->body, inherited[i]) &&
        json_object_get (body, inherited[i]) == NULL)
      json_put (body, inherited[i],
                json_deep_copy (json_object_get (source->body, inherited[i])));
  gce_put_link (body, snapshot ? "sourceSnapshot" : "sourceDisk", source->id);
  json_put_str (body, snapshot ? "sourceSnapshotId" : "sourceDiskId",
                json_str (source->body, "id", ""));
  gce_copy_content (call->cloud, source->body, body, id);
}

static json_t *
new_disk (struct fake_call *call, const struct fake_object *source,
          const char *place, const char *id, int64_t gib)
{
  json_t *body = json_deep_copy (gce_body (call));
  const char *type = gce_last (json_str (body, "type", "pd-standard"));
  CLEANUP_FREE char *type_id = xasprintf ("%s/diskTypes/%s", place, type);

  gce_put_identity (call->cloud, body, "disk", id);
  gce_put_link (body, "type", type_id);
  gce_put_number (body, "sizeGb", gib);
  json_put_str (body, "physicalBlockSizeBytes", "4096");
  json_put_str (body, "status", "CREATING");
  gce_put_now (call->cloud, body, "creationTimestamp");
  gce_put_fingerprint (call->cloud, body, "labelFingerprint");
  put_links (body, "resourcePolicies");
  put_links (body, "replicaZones");
  if (source)
    put_source (call, body, source, id);
  return body;
}

static void
ready (struct fake_cloud *cloud, struct fake_object *object, json_t *arg,
       json_t **error)
{
  (void)arg;
  (void)error;
  gce_set_status (cloud, object, "READY");
}

static void
failed (struct fake_cloud *cloud, struct fake_object *object, json_t *arg)
{
  (void)arg;
  gce_set_status (cloud, object, "FAILED");
}

static int
insert (struct fake_call *call)
{
  CLEANUP_FREE char *place = gce_target_id (call), *id = NULL;
  const char *name = json_str (gce_body (call), "name", "");
  struct fake_object *source, *disk;
  int64_t gib;

  id = xasprintf ("%s/disks/%s", place, name);
  if (!gce_is_name (name))
    return gce_invalid (call, "resource.name", name,
                        "Must be a match of regex "
                        "'(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'");
  if (gce_check_labels (call, json_object_get (gce_body (call), "labels")) <
          0 ||
      check_policies (call) < 0)
    return -1;
  if (fake_object_find (call->cloud, "disk", id, NULL, NULL))
    return gce_fail (call, 409, "alreadyExists",
                     "The resource '%s' already exists", id);
  if (check_source (call, &source) < 0 || check_size (call, source, &gib) < 0)
    return -1;
  disk =
      fake_object_add (call->cloud, "disk", id, "", call->account, call->region,
                       new_disk (call, source, place, id, gib));
  return gce_begin (call, disk, "insert", -1, NULL);
}

/* ---- delete: disks and snapshots ---- */

static void
gone (struct fake_cloud *cloud, struct fake_object *object, json_t *arg,
      json_t **error)
{
  (void)arg;
  (void)error;
  /* Only what the fake copied itself: a configured image is the test's. */
  if (json_bool (object->body, "_ownImage", false))
    fake_disk_delete (json_str (object->body, "_image", NULL));
  fake_object_remove (cloud, object);
}

static int delete (struct fake_call *call)
{
  struct fake_object *object = gce_target (call);
  const json_t *user;

  if (object == NULL)
    return -1;
  user = json_array_get (json_object_get (object->body, "users"), 0);
  if (user)
    return gce_fail (call, 400, "resourceInUseByAnotherResource",
                     "The disk resource '%s' is already being used by '%s'",
                     object->id, gce_id_of_link (json_string_value (user)));
  if (strcmp (gce_status (object), "READY") != 0 &&
      strcmp (gce_status (object), "FAILED") != 0)
    return gce_not_ready (call, object->id);
  gce_set_status (call->cloud, object, "DELETING");
  return gce_begin (call, object, "deleteResource", -1, NULL);
}

/* ---- snapshots ---- */

static int
get_snapshot (struct fake_call *call)
{
  return get (call);
}

static int
list_snapshots (struct fake_call *call)
{
  CLEANUP_FREE char *prefix =
      xasprintf ("projects/%s/global/snapshots/", call->account);

  return gce_list (call, "snapshot", "snapshotList", prefix);
}

/* One in 10 minutes and six in 60. [gcpdiag rule gce/ERR/2024_001] */
static bool
is_too_soon (struct fake_call *call, const struct fake_object *disk)
{
  const json_t *times = json_object_get (disk->body, "_snapshotsMs");
  int64_t now = call->cloud->now_ms;
  int64_t spacing = gce_time_ms (call->cloud, "snapshot_spacing");
  json_t *at;
  size_t i, in_hour = 0;

  json_array_foreach ((json_t *)times, i, at)
  {
    if (now - json_integer_value (at) < spacing)
      return true;
    in_hour += now - json_integer_value (at) < spacing * 6;
  }
  return in_hour >= 6;
}

static void
note_time (struct fake_call *call, struct fake_object *disk)
{
  json_t *times = json_list (disk->body, "_snapshotsMs");

  json_array_append_new (times, json_integer (call->cloud->now_ms));
}

static void
uploading (struct fake_cloud *cloud, struct fake_object *snapshot, json_t *arg)
{
  (void)arg;
  if (strcmp (gce_status (snapshot), "CREATING") == 0)
    gce_set_status (cloud, snapshot, "UPLOADING");
}

static json_t *
new_snapshot (struct fake_call *call, const struct fake_object *disk,
              const char *id)
{
  static const char *const inherited[] = {"licenses", "licenseCodes",
                                          "guestOsFeatures", "architecture"};
  json_t *body = json_deep_copy (gce_body (call));

  gce_put_identity (call->cloud, body, "snapshot", id);
  gce_put_link (body, "sourceDisk", disk->id);
  json_put_str (body, "sourceDiskId", json_str (disk->body, "id", ""));
  json_object_set (body, "diskSizeGb", json_object_get (disk->body, "sizeGb"));
  json_put_str (body, "status", "CREATING");
  gce_put_now (call->cloud, body, "creationTimestamp");
  gce_put_fingerprint (call->cloud, body, "labelFingerprint");
  for (size_t i = 0; i < ARRAY_SIZE (inherited); i++)
    if (json_object_get (disk->body, inherited[i]))
      json_put (body, inherited[i],
                json_deep_copy (json_object_get (disk->body, inherited[i])));
  gce_copy_content (call->cloud, disk->body, body, id);
  return body;
}

static int
check_snapshot (struct fake_call *call, const struct fake_object *disk,
                const char *name, const char *id)
{
  if (!gce_is_name (name))
    return gce_invalid (call, "resource.name", name,
                        "Must be a match of regex "
                        "'(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'");
  if (gce_check_labels (call, json_object_get (gce_body (call), "labels")) <
          0 ||
      gce_need_permission (call, "compute.snapshots.create", id) < 0)
    return -1;
  if (fake_object_find (call->cloud, "snapshot", id, NULL, NULL))
    return gce_fail (call, 409, "alreadyExists",
                     "The resource '%s' already exists", id);
  return gce_check_csek (call, disk,
                         json_object_get (gce_body (call),
                                          "sourceDiskEncryptionKey"));
}

static int
create_snapshot (struct fake_call *call)
{
  struct fake_object *disk = gce_target (call), *snapshot;
  const char *name = json_str (gce_body (call), "name", "");
  CLEANUP_FREE char *id =
      xasprintf ("projects/%s/global/snapshots/%s", call->account, name);

  if (disk == NULL || check_snapshot (call, disk, name, id) < 0)
    return -1;
  if (strcmp (gce_status (disk), "READY") != 0)
    return gce_not_ready (call, disk->id);
  if (is_too_soon (call, disk))
    return gce_refuse (
        call, disk, "createSnapshot", 403, "operationRateExceeded",
        "RESOURCE_OPERATION_RATE_EXCEEDED",
        "Operation rate exceeded for resource '%s'. Too frequent "
        "operations from the source resource.",
        disk->id);
  note_time (call, disk);
  snapshot = fake_object_add (call->cloud, "snapshot", id, "", call->account,
                              "global", new_snapshot (call, disk, id));
  fake_after (call->cloud, snapshot, gce_time_ms (call->cloud, "snapshot") / 3,
              "uploading", uploading, NULL);
  return gce_begin (call, snapshot, "createSnapshot", -1, NULL);
}

const struct gce_change gce_disk_changes[] = {
    {"insert", "create_disk", ready, failed},
    {"createSnapshot", "snapshot", ready, failed},
    {"deleteResource", "delete_disk", gone, failed},
    {NULL},
};

#define LISTING "filter maxResults orderBy pageToken returnPartialSuccess"
#define ZONE    "/projects/{project}/zones/{zone}/disks"
#define REGION  "/projects/{project}/regions/{region}/disks"
#define GLOBAL  "/projects/{project}/global/snapshots"
#define MAY     "compute.disks."
#define SNAP    "compute.snapshots."
#define DISK                                                                   \
  "name description sizeGb sourceSnapshot sourceDisk type labels licenses "    \
  "guestOsFeatures resourcePolicies replicaZones diskEncryptionKey "           \
  "sourceSnapshotEncryptionKey provisionedIops provisionedThroughput "         \
  "physicalBlockSizeBytes architecture enableConfidentialCompute kind"
#define SNAPSHOT                                                               \
  "name description labels storageLocations sourceDiskEncryptionKey "          \
  "snapshotEncryptionKey guestFlush snapshotType chainName kind"

const struct gce_method gce_disk_methods[] = {
    {"disks.aggregatedList", "GET", "/projects/{project}/aggregated/disks",
     "list", MAY "list", LISTING " includeAllScopes", NULL, list_all},
    {"disks.list", "GET", ZONE, "list", MAY "list", LISTING, NULL, list},
    {"disks.get", "GET", ZONE "/{disk}", "read", MAY "get", "", NULL, get},
    {"disks.insert", "POST", ZONE, "change", MAY "create",
     "requestId sourceImage", DISK, insert},
    {"disks.delete", "DELETE", ZONE "/{disk}", "change", MAY "delete",
     "requestId", NULL, delete},
    {"disks.createSnapshot", "POST", ZONE "/{disk}/createSnapshot", "snapshot",
     MAY "createSnapshot", "requestId guestFlush", SNAPSHOT, create_snapshot},
    {"disks.testIamPermissions", "POST", ZONE "/{resource}/testIamPermissions",
     "read", "", "", "permissions", gce_test_permissions},
    {"regionDisks.testIamPermissions", "POST",
     REGION "/{resource}/testIamPermissions", "read", "", "", "permissions",
     gce_test_permissions},
    {"regionDisks.list", "GET", REGION, "list", MAY "list", LISTING, NULL,
     list},
    {"regionDisks.get", "GET", REGION "/{disk}", "read", MAY "get", "", NULL,
     get},
    {"regionDisks.insert", "POST", REGION, "change", MAY "create",
     "requestId sourceImage", DISK, insert},
    {"regionDisks.delete", "DELETE", REGION "/{disk}", "change", MAY "delete",
     "requestId", NULL, delete},
    {"regionDisks.createSnapshot", "POST", REGION "/{disk}/createSnapshot",
     "snapshot", MAY "createSnapshot", "requestId", SNAPSHOT, create_snapshot},
    {NULL},
};

const struct gce_method gce_snapshot_methods[] = {
    {"snapshots.list", "GET", GLOBAL, "list", SNAP "list", LISTING, NULL,
     list_snapshots},
    {"snapshots.get", "GET", GLOBAL "/{snapshot}", "read", SNAP "get", "", NULL,
     get_snapshot},
    {"snapshots.delete", "DELETE", GLOBAL "/{snapshot}", "change",
     SNAP "delete", "requestId", NULL, delete},
    {NULL},
};
