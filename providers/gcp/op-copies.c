/* Snapshots, disks made of them, and their deletion. */

#include <string.h>

#include "call.h"
#include "names.h"
#include "operation.h"
#include "ops.h"

/* Labels of what is made: the campaign's, with values as labels allow. */
static void
put_labels (json_t *labels, const json_t *tags)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)tags, key, value)
  {
    CLEANUP_FREE char *name = gcp_label_of (key);
    CLEANUP_FREE char *text = gcp_label_of (json_string_value (value) ?: "");

    json_put_str (labels, name, text);
  }
}

/* Name, labels, and the token by which OP_FIND_CREATED finds it. */
static json_t *
new_thing (const json_t *in, json_t *labels_taken)
{
  const char *token = json_str (in, "token", "");
  CLEANUP_FREE char *name = gcp_name_of (json_str (in, "name", token));
  CLEANUP_FREE char *text = xasprintf ("bootmend: %s", token);

  put_labels (labels_taken, json_object_get (in, "tags"));
  return json_make ("{s:s,s:s,s:o}", "name", name, "description", text,
                    "labels", labels_taken);
}

int
gcp_snapshot_build (const struct binding *b, const json_t *in,
                    struct http_request *req, struct err **err)
{
  const char *id = gcp_need_id (in, "disk.id", "disks", err);
  CLEANUP_JSON json_t *body = NULL;

  if (id == NULL)
    return -1;
  if (gcp_follow_build (b, in, req))
    return 0;
  body = new_thing (in, json_object ());
  gcp_request (b,
               gcp_for_disk (id, GCP_CREATE_SNAPSHOT,
                             GCP_CREATE_REGION_SNAPSHOT),
               id, NULL, body, in, req);
  return 0;
}

/* Its name is ours, so that its id is known before the operation says it. */
int
gcp_snapshot_parse (const struct binding *b, const json_t *in,
                    const struct http_reply *reply, json_t **out,
                    struct err **err)
{
  CLEANUP_FREE char *name =
      gcp_name_of (json_str (in, "name", json_str (in, "token", "")));
  CLEANUP_FREE char *id = xasprintf ("global/snapshots/%s", name);

  (void)b;
  if (gcp_followed (GCP_CREATE_SNAPSHOT, in, reply, out, err) == -1)
    return -1;
  json_put (*out, "created",
            json_make ("{s:s,s:s}", "kind", "snapshot", "id", id));
  return 0;
}

/* --- a disk like the original --------------------------------------------- */

static json_t *
links_of (const struct binding *b, const json_t *ids)
{
  json_t *list = json_array (), *id;
  size_t i;

  json_array_foreach ((json_t *)ids, i, id)
  {
    CLEANUP_FREE char *link =
        xasprintf ("projects/%s/%s", b->account, json_string_value (id));

    json_array_append_new (list, json_string (link));
  }
  return list;
}

static void
put_numbers (json_t *body, const json_t *like)
{
  static const struct {
    const char *from, *to;
  } numbers[] = {{"iops", "provisionedIops"},
                 {"throughput", "provisionedThroughput"}};

  for (size_t i = 0; i < ARRAY_SIZE (numbers); i++) {
    CLEANUP_FREE char *text =
        xasprintf ("%lld", (long long)json_int (like, numbers[i].from, 0));

    if (json_int (like, numbers[i].from, 0) > 0)
      json_put_str (body, numbers[i].to, text);
  }
}

/* Licences come with the source. [discovery, Disk] */
static json_t *
copy_like (const struct binding *b, const json_t *in, const char *scope)
{
  const json_t *like = json_at (in, "vm.os_disk.attributes");
  const json_t *labels = json_object_get (like, "labels");
  json_t *body =
      new_thing (in, json_is_object (labels) ? json_deep_copy (labels)
                                             : json_object ());
  int64_t bytes = json_int (in, "vm.os_disk.size_bytes", 0);
  const char *type = json_str (like, "type", "");
  CLEANUP_FREE char *link =
      xasprintf ("projects/%s/%s/diskTypes/%s", b->account, scope, type);
  CLEANUP_FREE char *gib = xasprintf ("%lld", (long long)(bytes >> 30));

  if (*type)
    json_put_str (body, "type", link);
  if (bytes > 0)
    json_put_str (body, "sizeGb", gib);
  if (json_array_size (json_object_get (like, "resource_policies")))
    json_put (body, "resourcePolicies",
              links_of (b, json_object_get (like, "resource_policies")));
  if (json_array_size (json_object_get (like, "replica_zones")))
    json_put (body, "replicaZones",
              json_deep_copy (json_object_get (like, "replica_zones")));
  if (*json_str (like, "kms_key", ""))
    json_put (body, "diskEncryptionKey",
              json_make ("{s:s}", "kmsKeyName",
                         json_str (like, "kms_key", "")));
  /* Without them the instance would not take the copy for a boot disk.
   * [terraform-provider-google#10690] */
  if (json_array_size (json_at (like, "guest_os_features")))
    json_put (body, "guestOsFeatures",
              gcp_features_of (json_at (in, "vm.os_disk")));
  put_numbers (body, like);
  return body;
}

int
gcp_disk_from_build (const struct binding *b, const json_t *in,
                     struct http_request *req, struct err **err)
{
  const char *source = json_need_str (in, "source.id", err);
  const char *disk =
      source ? gcp_need_id (in, "vm.os_disk.id", "disks", err) : NULL;
  CLEANUP_FREE char *scope = gcp_scope_of (disk ? disk : "");
  CLEANUP_FREE char *link = NULL;
  CLEANUP_JSON json_t *body = NULL;

  if (disk == NULL)
    return -1;
  if (gcp_follow_build (b, in, req))
    return 0;
  if (json_bool (in, "dry_run", false))
    return err_set (err, ERR_REFUSED,
                    "whether a disk may be made can't be asked before there is "
                    "one");
  if (!gcp_is_a (source, "snapshots"))
    return err_set (err, ERR_REFUSED,
                    "a disk is made from a snapshot, not from %s", source);
  link = xasprintf ("projects/%s/%s", b->account, source);
  body = copy_like (b, in, scope);
  json_put_str (body, "sourceSnapshot", link);
  gcp_request (b, gcp_for_disk (disk, GCP_DISK_INSERT, GCP_REGION_DISK_INSERT),
               scope, NULL, body, in, req);
  return 0;
}

int
gcp_disk_from_parse (const struct binding *b, const json_t *in,
                     const struct http_reply *reply, json_t **out,
                     struct err **err)
{
  CLEANUP_FREE char *scope = gcp_scope_of (json_str (in, "vm.os_disk.id", ""));
  CLEANUP_FREE char *name =
      gcp_name_of (json_str (in, "name", json_str (in, "token", "")));
  CLEANUP_FREE char *id = xasprintf ("%s/disks/%s", scope, name);

  (void)b;
  if (gcp_followed (GCP_DISK_INSERT, in, reply, out, err) == -1)
    return -1;
  json_put (*out, "created", json_make ("{s:s,s:s}", "kind", "disk", "id", id));
  return 0;
}

/* --- deletion ------------------------------------------------------------- */

static enum gcp_method
delete_method (const char *id)
{
  return gcp_is_a (id, "snapshots")
             ? GCP_SNAPSHOT_DELETE
             : gcp_for_disk (id, GCP_DISK_DELETE, GCP_REGION_DISK_DELETE);
}

int
gcp_delete_build (const struct binding *b, const json_t *in,
                  struct http_request *req, struct err **err)
{
  const char *kind = json_str (in, "kind", "");
  const char *id =
      gcp_need_id (in, "id",
                   strcmp (kind, "snapshot") == 0 ? "snapshots" : "disks", err);

  if (id == NULL)
    return -1;
  gcp_request (b, delete_method (id), id, NULL, NULL, in, req);
  return 0;
}

int
gcp_delete_parse (const struct binding *b, const json_t *in,
                  const struct http_reply *reply, json_t **out,
                  struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;

  (void)b;
  if (gcp_accepted (delete_method (json_str (in, "id", "")), in, reply, out,
                    &why) == 0)
    return 0;
  if (why->code != ERR_NOT_FOUND)
    return err_move (err, TAKE (why));
  *out = json_object ();
  return 0;
}
