/* Rows about one disk: detach and attach, attributes, copies, the swap. */

#include <string.h>

#include "ops.h"
#include "record-fields.h"
#include "record.h"

/* The instance is always named: Multi-Attach needs it, and a disk that has
 * found another owner meanwhile is left there.  [model DetachVolume] */
static int
fill_detach (const json_t *disk, const json_t *vm, bool force,
             struct strbuf *form, struct err **err)
{
  const char *id = json_need_str (disk, "id", err);
  const char *instance = id ? json_need_str (vm, "id", err) : NULL;

  if (instance == NULL)
    return -1;
  aws_form (form, id, "VolumeId");
  aws_form (form, instance, "InstanceId");
  if (force)
    aws_form (form, "true", "Force");
  return 0;
}

static int
fill_attach (const json_t *disk, const json_t *vm, const char *device,
             struct strbuf *form, struct err **err)
{
  const char *id = json_need_str (disk, "id", err);
  const char *instance = id ? json_need_str (vm, "id", err) : NULL;

  if (instance == NULL)
    return -1;
  if (*device == '\0')
    return err_set (err, ERR_INTERNAL, "%s: no device name for %s", instance,
                    id);
  aws_form (form, id, "VolumeId");
  aws_form (form, instance, "InstanceId");
  aws_form (form, device, "Device");
  return 0;
}

static int
fill_detach_os (const struct binding *b, const json_t *in, struct strbuf *form,
                struct err **err)
{
  (void)b;
  return fill_detach (json_object_get (in, "disk"), json_object_get (in, "vm"),
                      json_bool (in, "force", false), form, err);
}

/* Under the name of its root device, else the instance does not start. */
static int
fill_attach_os (const struct binding *b, const json_t *in, struct strbuf *form,
                struct err **err)
{
  const json_t *vm = json_object_get (in, "vm");
  const json_t *disk = json_object_get (in, "disk");
  const char *root = json_str (vm, "attributes.root_device", "");

  (void)b;
  return fill_attach (disk, vm, json_str (disk, "attributes.device", root),
                      form, err);
}

/* One disk a call is all that EC2 takes. */
static const json_t *
helper_disk (const json_t *in, struct err **err)
{
  const json_t *disks = json_need_array (in, "disks", err);

  if (disks && json_array_size (disks) != 1) {
    err_set (err, ERR_INTERNAL, "%zu disks in one call, EC2 takes one",
             json_array_size (disks));
    return NULL;
  }
  return json_array_get (disks, 0);
}

static int
fill_helper_attach (const struct binding *b, const json_t *in,
                    struct strbuf *form, struct err **err)
{
  const json_t *item = helper_disk (in, err);

  (void)b;
  if (item == NULL)
    return -1;
  return fill_attach (json_object_get (item, "disk"),
                      json_object_get (in, "helper"),
                      json_str (item, "slot", ""), form, err);
}

static int
fill_helper_detach (const struct binding *b, const json_t *in,
                    struct strbuf *form, struct err **err)
{
  const json_t *item = helper_disk (in, err);

  (void)b;
  if (item == NULL)
    return -1;
  return fill_detach (json_object_get (item, "disk"),
                      json_object_get (in, "helper"),
                      json_bool (in, "force", false), form, err);
}

/* --- attributes ---------------------------------------------------------- */

static bool
root_flag (const json_t *vm)
{
  return json_bool (vm, "os_disk.attributes.delete_on_termination", false);
}

/* Attaching makes DeleteOnTermination false. */
static int
fill_restore (const struct binding *b, const json_t *in, struct strbuf *form,
              struct err **err)
{
  const json_t *vm = json_object_get (in, "vm");
  const json_t *saved = json_object_get (in, "saved");
  const char *id = json_need_str (vm, "id", err);
  const json_t *was = json_at (saved, "attributes.disks");
  const json_t *is = json_at (vm, "attributes.disks");
  int n = 1;
  const char *device;
  json_t *disk;

  (void)b;
  if (id == NULL)
    return -1;
  aws_form (form, id, "InstanceId");
  aws_form (form, json_str (saved, "attributes.root_device", ""),
            "BlockDeviceMapping.1.DeviceName");
  aws_form (form, root_flag (saved) ? "true" : "false",
            "BlockDeviceMapping.1.Ebs.DeleteOnTermination");
  /* Of the others only if somebody has changed it. */
  json_object_foreach ((json_t *)was, device, disk)
  {
    const json_t *now = json_object_get (is, device);
    bool flag = json_bool (disk, "delete_on_termination", false);

    if (now == NULL || json_bool (now, "delete_on_termination", false) == flag)
      continue;
    n++;
    aws_form (form, device, "BlockDeviceMapping.%d.DeviceName", n);
    aws_form (form, flag ? "true" : "false",
              "BlockDeviceMapping.%d.Ebs.DeleteOnTermination", n);
  }
  return 0;
}

/* --- copies -------------------------------------------------------------- */

/* What is created carries the campaign's tags, a name, and the token by which
 * OP_FIND_CREATED finds it if the reply is lost.  "bootmend-campaign", which
 * all clouds can spell, is bootmend:campaign here: one prefix for policies. */
static json_t *
own_tags (const json_t *in)
{
  static const char prefix[] = "bootmend-";
  const size_t len = sizeof prefix - 1;
  json_t *made = json_object (), *value;
  const char *key;

  json_object_foreach (json_object_get (in, "tags"), key, value)
  {
    CLEANUP_FREE char *ours = strncmp (key, prefix, len) == 0
                                  ? xasprintf ("bootmend:%s", key + len)
                                  : xstrdup (key);

    json_object_set (made, ours, value);
  }
  json_put_str (made, TAG_TOKEN, json_str (in, "token", ""));
  if (*json_str (in, "name", ""))
    json_put_str (made, "Name", json_str (in, "name", ""));
  return made;
}

static int
fill_snapshot (const struct binding *b, const json_t *in, struct strbuf *form,
               struct err **err)
{
  const char *id = json_need_str (in, "disk.id", err);
  CLEANUP_JSON json_t *tags = own_tags (in);
  CLEANUP_FREE char *text =
      xasprintf ("bootmend: %s before its repair", json_str (in, "vm.id", "?"));

  (void)b;
  if (id == NULL)
    return -1;
  aws_form (form, id, "VolumeId");
  aws_form (form, text, "Description");
  aws_form_tags (form, "snapshot", tags);
  return 0;
}

static int
read_created (const json_t *root, const char *member, const char *kind,
              json_t **out, struct err **err)
{
  const char *id = json_str (root, member, "");

  if (*id == '\0')
    return err_set (err, ERR_UNKNOWN_EFFECT, "its reply names no %s", member);
  *out = json_make ("{s:{s:s,s:s}}", "created", "kind", kind, "id", id);
  return 0;
}

static int
read_snapshot (const json_t *in, const json_t *root, json_t **out,
               struct err **err)
{
  (void)in;
  return read_created (root, "snapshotId", "snapshot", out, err);
}

static void
form_number (struct strbuf *form, const json_t *from, const char *member,
             const char *name)
{
  int64_t value = json_int (from, member, 0);
  CLEANUP_FREE char *text = xasprintf ("%lld", (long long)value);

  if (value > 0)
    aws_form (form, text, "%s", name);
}

/* Only these types take the number; others say what they have all the same.
 * [model CreateVolume] */
static bool
type_is (const char *type, const char *a, const char *b, const char *c)
{
  return strcmp (type, a) == 0 || strcmp (type, b) == 0 ||
         strcmp (type, c) == 0;
}

/* As large as the original, which may have grown since the snapshot. */
static void
form_size (struct strbuf *form, const json_t *in)
{
  int64_t bytes = json_int (in, "vm.os_disk.size_bytes", 0);
  CLEANUP_FREE char *gib = xasprintf ("%lld", (long long)(bytes / GIB));

  if (bytes >= GIB)
    aws_form (form, gib, "Size");
}

/* A volume like the original, with its tags, from a snapshot. */
static int
fill_disk_from (const struct binding *b, const json_t *in, struct strbuf *form,
                struct err **err)
{
  const char *source = json_need_str (in, "source.id", err);
  const char *token = source ? json_need_str (in, "token", err) : NULL;
  const json_t *like = json_at (in, "vm.os_disk.attributes");
  const char *type = json_str (like, "type", "gp3");
  CLEANUP_JSON json_t *tags = own_tags (in), *all = NULL;

  (void)b;
  if (token == NULL)
    return -1;
  if (strcmp (json_str (in, "source.kind", ""), "snapshot") != 0)
    return err_set (err, ERR_REFUSED,
                    "a volume is made from a snapshot, not from %s", source);
  aws_form (form, source, "SnapshotId");
  aws_form (form, json_str (in, "vm.zone", ""), "AvailabilityZone");
  form_size (form, in);
  aws_form (form, type, "VolumeType");
  if (type_is (type, "io1", "io2", "gp3"))
    form_number (form, like, "iops", "Iops");
  if (strcmp (type, "gp3") == 0)
    form_number (form, like, "throughput", "Throughput");
  if (json_bool (like, "encrypted", false)) {
    aws_form (form, "true", "Encrypted");
    aws_form (form, json_str (like, "kms_key", ""), "KmsKeyId");
  }
  aws_form (form, token, "ClientToken");
  all = json_is_object (json_object_get (like, "tags"))
            ? json_copy (json_object_get (like, "tags"))
            : json_object ();
  json_object_del (tags, "Name"); /* it may take the original's place */
  json_object_update (all, tags);
  aws_form_tags (form, "volume", all);
  return 0;
}

static int
read_volume (const json_t *in, const json_t *root, json_t **out,
             struct err **err)
{
  (void)in;
  return read_created (root, "volumeId", "disk", out, err);
}

/* On a running instance; EC2 restarts it from the new volume. */
static int
fill_swap (const struct binding *b, const json_t *in, struct strbuf *form,
           struct err **err)
{
  const char *instance = json_need_str (in, "vm.id", err);
  const char *disk = instance ? json_need_str (in, "disk.id", err) : NULL;
  const char *token = disk ? json_need_str (in, "token", err) : NULL;
  const char *power = json_str (in, "vm.power", "running");

  (void)b;
  if (token == NULL)
    return -1;
  if (strcmp (power, "running") != 0)
    return err_set (err, ERR_CONFLICT,
                    "%s is %s: EC2 swaps the root volume of running instances "
                    "only; of others it is detached and attached",
                    instance, power);
  aws_form (form, instance, "InstanceId");
  aws_form (form, disk, "VolumeId");
  aws_form (form, token, "ClientToken");
  return 0;
}

static int
read_swap (const json_t *in, const json_t *root, json_t **out, struct err **err)
{
  const char *id =
      json_str (root, "replaceRootVolumeTask.replaceRootVolumeTaskId", "");

  (void)in;
  (void)err;
  *out = json_object ();
  if (*id)
    json_put_str (*out, "task", id);
  return 0;
}

/* --- what waits for its release ------------------------------------------- */

/* Tags of ours on a disk, which the campaign did not make: it was taken out of
 * its instance and stays until it is released.  Taken off with their values, so
 * that another campaign's stay. */
static int
fill_keep (const struct binding *b, const json_t *in, struct strbuf *form,
           struct err **err)
{
  static const char prefix[] = "bootmend-";
  const char *id = json_need_str (in, "disk.id", err);
  const char *key;
  json_t *value;
  int n = 0;

  (void)b;
  if (id == NULL)
    return -1;
  aws_form (form, id, "ResourceId.1");
  json_object_foreach (json_object_get (in, "tags"), key, value)
  {
    CLEANUP_FREE char *ours =
        xasprintf ("bootmend:%s", strncmp (key, prefix, sizeof prefix - 1) == 0
                                      ? key + sizeof prefix - 1
                                      : key);

    n++;
    aws_form (form, ours, "Tag.%d.Key", n);
    aws_form (form, json_string_value (value), "Tag.%d.Value", n);
  }
  return n ? 0 : err_set (err, ERR_INTERNAL, "no tag to keep a disk by");
}

static const struct aws_op *
keep_op (const json_t *in)
{
  return json_bool (in, "keep", true) ? &aws_op_keep : &aws_op_unkeep;
}

int
aws_keep_build (const struct binding *b, const json_t *in,
                struct http_request *req, struct err **err)
{
  return aws_op_build (keep_op (in), b, in, req, err);
}

int
aws_keep_parse (const struct binding *b, const json_t *in,
                const struct http_reply *reply, json_t **out, struct err **err)
{
  (void)b;
  return aws_op_parse (keep_op (in), in, reply, out, err);
}

/* --- deletion ------------------------------------------------------------ */

static int
fill_delete_snapshot (const struct binding *b, const json_t *in,
                      struct strbuf *form, struct err **err)
{
  const char *id = json_need_str (in, "id", err);

  (void)b;
  aws_form (form, id, "SnapshotId");
  return id ? 0 : -1;
}

static int
fill_delete_volume (const struct binding *b, const json_t *in,
                    struct strbuf *form, struct err **err)
{
  const char *id = json_need_str (in, "id", err);

  (void)b;
  aws_form (form, id, "VolumeId");
  return id ? 0 : -1;
}

static const struct aws_op *
delete_op (const json_t *in, struct err **err)
{
  const char *kind = json_str (in, "kind", "?");

  if (strcmp (kind, "snapshot") == 0)
    return &aws_op_delete_snapshot;
  if (strcmp (kind, "disk") == 0)
    return &aws_op_delete_volume;
  err_set (err, ERR_INTERNAL, "\"%s\" is nothing that can be deleted", kind);
  return NULL;
}

int
aws_delete_build (const struct binding *b, const json_t *in,
                  struct http_request *req, struct err **err)
{
  const struct aws_op *op = delete_op (in, err);

  return op ? aws_op_build (op, b, in, req, err) : -1;
}

int
aws_delete_parse (const struct binding *b, const json_t *in,
                  const struct http_reply *reply, json_t **out,
                  struct err **err)
{
  const struct aws_op *op = delete_op (in, err);

  (void)b;
  return op ? aws_op_parse (op, in, reply, out, err) : -1;
}

const struct aws_op aws_op_detach_os = {AWS_DETACH_VOLUME, fill_detach_os};
const struct aws_op aws_op_attach_os = {AWS_ATTACH_VOLUME, fill_attach_os};
const struct aws_op aws_op_restore = {AWS_MODIFY_INSTANCE_ATTRIBUTE,
                                      fill_restore};
const struct aws_op aws_op_helper_attach = {AWS_ATTACH_VOLUME,
                                            fill_helper_attach};
const struct aws_op aws_op_helper_detach = {AWS_DETACH_VOLUME,
                                            fill_helper_detach};
const struct aws_op aws_op_snapshot = {AWS_CREATE_SNAPSHOT, fill_snapshot,
                                       read_snapshot};
const struct aws_op aws_op_disk_from = {AWS_CREATE_VOLUME, fill_disk_from,
                                        read_volume};
const struct aws_op aws_op_swap = {AWS_CREATE_REPLACE_ROOT_TASK, fill_swap,
                                   read_swap};
const struct aws_op aws_op_keep = {AWS_CREATE_TAGS, fill_keep};
const struct aws_op aws_op_unkeep = {AWS_DELETE_TAGS, fill_keep};
const struct aws_op aws_op_delete_snapshot = {AWS_DELETE_SNAPSHOT,
                                              fill_delete_snapshot,
                                              .done_code =
                                                  "InvalidSnapshot.NotFound"};
const struct aws_op aws_op_delete_volume = {AWS_DELETE_VOLUME,
                                            fill_delete_volume,
                                            .done_code =
                                                "InvalidVolume.NotFound"};
