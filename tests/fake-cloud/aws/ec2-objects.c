/* EC2's objects: finding them with the right error, states, attachments. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  int code;
} states[] = {
    {"pending", 0},     {"running", 16},  {"shutting-down", 32},
    {"terminated", 48}, {"stopping", 64}, {"stopped", 80},
};

json_t *
aws_state_json (const char *name)
{
  int code = 0;

  for (size_t i = 0; i < ARRAY_SIZE (states); i++)
    if (strcmp (states[i].name, name) == 0)
      code = states[i].code;
  return json_make ("{s:i,s:s}", "code", code, "name", name);
}

const char *
aws_state (const struct fake_object *instance)
{
  return json_str (instance->body, "instanceState.name", "");
}

void
aws_set_state (struct fake_cloud *cloud, struct fake_object *instance,
               const char *name)
{
  json_put (instance->body, "instanceState", aws_state_json (name));
  fake_object_changed (cloud, instance);
}

const char *
aws_volume_state (const struct fake_object *volume)
{
  return json_str (volume->body, "status", "");
}

/* PREFIX and 17 or, in old accounts, 8 hex digits. */
bool
aws_id_good (const char *id, const char *prefix)
{
  size_t len = strlen (prefix), digits;

  if (strncmp (id, prefix, len) != 0)
    return false;
  digits = strspn (id + len, "0123456789abcdef");
  return (digits == 17 || digits == 8) && id[len + digits] == '\0';
}

static struct fake_object *
find (struct fake_call *call, const char *kind, const char *id)
{
  return fake_object_find (call->cloud, kind, id, call->account, call->region);
}

int
aws_instances (struct fake_call *call, const struct aws_words *ids,
               struct fake_objects *found)
{
  CLEANUP_STRBUF struct strbuf missing = STRBUF_EMPTY;
  size_t n = 0;

  for (size_t i = 0; i < ids->len; i++) {
    struct fake_object *instance = find (call, "instance", ids->ptr[i]);

    if (!aws_id_good (ids->ptr[i], "i-"))
      return aws_fail (call, 400, "InvalidInstanceID.Malformed",
                       "Invalid id: \"%s\"", ids->ptr[i]);
    if (instance && fake_object_view (call->cloud, instance))
      fake_objects_push (found, instance);
    else
      strbuf_addf (&missing, "%s%s", n++ ? ", " : "", ids->ptr[i]);
  }
  if (n == 0)
    return 0;
  return aws_fail (call, 400, "InvalidInstanceID.NotFound",
                   n == 1 ? "The instance ID '%s' does not exist"
                          : "The instance IDs '%s' do not exist",
                   missing.buf);
}

struct fake_object *
aws_instance (struct fake_call *call, const char *id)
{
  struct aws_words ids = VEC_EMPTY;
  struct fake_objects found = VEC_EMPTY;
  struct fake_object *instance = NULL;

  aws_words_push (&ids, id);
  if (aws_instances (call, &ids, &found) == 0 && found.len)
    instance = found.ptr[0];
  aws_words_release (&ids);
  fake_objects_release (&found);
  return instance;
}

struct fake_object *
aws_volume (struct fake_call *call, const char *id)
{
  struct fake_object *volume = find (call, "volume", id);

  if (!aws_id_good (id, "vol-"))
    aws_fail (call, 400, "InvalidParameterValue",
              "Value (%s) for parameter volumeId is invalid. Expected: "
              "'vol-...'.",
              id);
  else if (volume == NULL || !fake_object_view (call->cloud, volume))
    aws_fail (call, 400, "InvalidVolume.NotFound",
              "The volume '%s' does not exist.", id);
  else
    return volume;
  return NULL;
}

struct fake_object *
aws_snapshot (struct fake_call *call, const char *id)
{
  struct fake_object *snapshot = find (call, "snapshot", id);

  if (!aws_id_good (id, "snap-"))
    aws_fail (call, 400, "InvalidParameterValue",
              "Value (%s) for parameter snapshotId is invalid. Expected: "
              "'snap-...'.",
              id);
  else if (snapshot == NULL || !fake_object_view (call->cloud, snapshot))
    aws_fail (call, 400, "InvalidSnapshot.NotFound",
              "The snapshot '%s' does not exist.", id);
  else
    return snapshot;
  return NULL;
}

/* ---- attachments ---- */

json_t *
aws_mapping (const struct fake_object *instance, const char *volume,
             const char *device)
{
  size_t i;
  json_t *entry;

  json_array_foreach (json_object_get (instance->body, "blockDeviceMapping"), i,
                      entry)
  {
    if ((volume == NULL ||
         strcmp (json_str (entry, "ebs.volumeId", ""), volume) == 0) &&
        (device == NULL ||
         strcmp (json_str (entry, "deviceName", ""), device) == 0))
      return entry;
  }
  return NULL;
}

json_t *
aws_attachment (const struct fake_object *volume, const char *instance)
{
  size_t i;
  json_t *entry;

  json_array_foreach (json_object_get (volume->body, "attachmentSet"), i, entry)
  {
    if (strcmp (json_str (entry, "instanceId", ""), instance) == 0)
      return entry;
  }
  return NULL;
}

struct fake_object *
aws_root_volume (struct fake_cloud *cloud, const struct fake_object *instance)
{
  const json_t *entry =
      aws_mapping (instance, NULL,
                   json_str (instance->body, "rootDeviceName", ""));

  return entry ? fake_object_find (cloud, "volume",
                                   json_str (entry, "ebs.volumeId", NULL), NULL,
                                   NULL)
               : NULL;
}

void
aws_attach (struct fake_cloud *cloud, struct fake_object *volume,
            struct fake_object *instance, const char *device,
            const char *status, bool delete_on_termination)
{
  CLEANUP_FREE char *now = fake_time_text (fake_now_ms (cloud));

  json_array_append_new (json_object_get (volume->body, "attachmentSet"),
                         json_make ("{s:s,s:s,s:s,s:s,s:s,s:b}", "volumeId",
                                    volume->id, "instanceId", instance->id,
                                    "device", device, "status", status,
                                    "attachTime", now, "deleteOnTermination",
                                    delete_on_termination));
  json_array_append_new (json_object_get (instance->body, "blockDeviceMapping"),
                         json_make ("{s:s,s:{s:s,s:s,s:s,s:b}}", "deviceName",
                                    device, "ebs", "volumeId", volume->id,
                                    "status", status, "attachTime", now,
                                    "deleteOnTermination",
                                    delete_on_termination));
  json_put_str (volume->body, "status", "in-use");
  fake_object_changed (cloud, volume);
  fake_object_changed (cloud, instance);
}

void
aws_attach_status (struct fake_cloud *cloud, struct fake_object *volume,
                   struct fake_object *instance, const char *status)
{
  json_t *attachment = aws_attachment (volume, instance->id);
  json_t *mapping = aws_mapping (instance, volume->id, NULL);

  if (attachment)
    json_put_str (attachment, "status", status);
  /* The instance's side knows no "busy". [model AttachmentStatus] */
  if (mapping)
    json_put_str (json_object_get (mapping, "ebs"), "status",
                  strcmp (status, "busy") == 0 ? "detaching" : status);
  fake_object_changed (cloud, volume);
  fake_object_changed (cloud, instance);
}

static void
remove_entry (json_t *array, const json_t *entry)
{
  for (size_t i = 0; i < json_array_size (array); i++)
    if (json_array_get (array, i) == entry) {
      json_array_remove (array, i);
      return;
    }
}

void
aws_detach (struct fake_cloud *cloud, struct fake_object *volume,
            struct fake_object *instance)
{
  json_t *attachments = json_object_get (volume->body, "attachmentSet");

  aws_link (cloud, volume, instance, false);
  remove_entry (attachments, aws_attachment (volume, instance->id));
  remove_entry (json_object_get (instance->body, "blockDeviceMapping"),
                aws_mapping (instance, volume->id, NULL));
  if (json_array_size (attachments) == 0)
    json_put_str (volume->body, "status", "available");
  fake_object_changed (cloud, volume);
  fake_object_changed (cloud, instance);
}

/* On Nitro the serial number of the NVMe device is the volume id without its
 * dash. [Amazon EBS User Guide, "Map Amazon EBS volumes to NVMe device names"]
 * The root volume of a machine is not a device to work on and has no link. */
void
aws_link (struct fake_cloud *cloud, const struct fake_object *volume,
          const struct fake_object *instance, bool show)
{
  const char *image = json_str (volume->body, "_image", NULL);
  const json_t *mapping = aws_mapping (instance, volume->id, NULL);
  CLEANUP_FREE char *link = NULL;

  if (image == NULL ||
      (mapping &&
       strcmp (json_str (mapping, "deviceName", ""),
               json_str (instance->body, "rootDeviceName", "")) == 0))
    return;
  link = xasprintf ("nvme-Amazon_Elastic_Block_Store_vol%s",
                    volume->id + strlen ("vol-"));
  fake_disk_link (cloud, json_str (instance->body, "_devices", instance->id),
                  link, show ? image : NULL);
}

bool
aws_has_product_codes (const struct fake_object *volume)
{
  return json_array_size (json_object_get (volume->body, "_productCodes")) > 0;
}

/* Without kms:CreateGrant for the caller, or with a key that nobody may use. */
bool
aws_key_usable (const struct fake_call *call, const json_t *disk)
{
  if (!json_bool (disk, "encrypted", false))
    return true;
  return !json_bool (disk, "_keyUnusable", false) &&
         aws_may (call, "kms:CreateGrant");
}

void
aws_copy_content (struct fake_cloud *cloud, const json_t *from, json_t *to,
                  const char *new_id)
{
  static const char *const same[] = {"_boots", "_content", "_lineage",
                                     "_productCodes", "_keyUnusable"};
  CLEANUP_FREE char *image =
      fake_disk_copy (cloud, json_str (from, "_image", NULL), new_id);

  for (size_t i = 0; i < ARRAY_SIZE (same); i++)
    if (json_object_get (from, same[i]))
      json_put (to, same[i], json_deep_copy (json_object_get (from, same[i])));
  if (image)
    json_put_str (to, "_image", image);
}
