/* Records of volumes, snapshots and replace-root tasks. */

#include "record.h"

#include <string.h>

#include "record-fields.h"

json_t *
aws_volume_attributes (const json_t *volume)
{
  static const struct {
    const char *key, *path;
  } texts[] = {{"type", "volumeType"}, {"kms_key", "kmsKeyId"}};
  static const char *const numbers[] = {"iops", "throughput"};
  json_t *made = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (texts); i++)
    aws_field_copy (made, texts[i].key, volume, texts[i].path);
  for (size_t i = 0; i < ARRAY_SIZE (numbers); i++)
    if (aws_field_number (volume, numbers[i]) >= 0)
      json_put_int (made, numbers[i], aws_field_number (volume, numbers[i]));
  json_put_bool (made, "encrypted", aws_field_flag (volume, "encrypted"));
  json_put (made, "tags", aws_tags (json_object_get (volume, "tagSet"), true));
  return made;
}

static const char *
volume_word (const json_t *volume, const json_t *attachment)
{
  const char *state = json_str (volume, "status", "");
  const char *attached = json_str (attachment, "status", "");

  if (strcmp (state, "available") == 0 && attachment == NULL)
    return "available";
  if (strcmp (state, "error") == 0)
    return "failed";
  if (strcmp (state, "in-use") == 0 && strcmp (attached, "attached") == 0)
    return "attached";
  return strcmp (attached, "busy") == 0 ? "busy" : "other";
}

json_t *
aws_disk_of_volume (const json_t *volume)
{
  const json_t *attachment =
      json_array_get (json_object_get (volume, "attachmentSet"), 0);
  json_t *disk = json_object (), *attributes = aws_volume_attributes (volume);
  int64_t gib = aws_field_number (volume, "size");

  json_put_str (disk, "id", json_str (volume, "volumeId", ""));
  aws_put_serial (disk);
  json_put_str (disk, "kind", "disk");
  json_put_str (disk, "state", volume_word (volume, attachment));
  aws_field_copy (disk, "zone", volume, "availabilityZone");
  if (gib >= 0)
    json_put_int (disk, "size_bytes", gib * GIB);
  if (attachment) {
    aws_field_copy (disk, "attached_to", attachment, "instanceId");
    aws_field_copy (disk, "device", attachment, "device");
    aws_field_copy (disk, "why", attachment, "status");
    aws_field_copy (attributes, "device", attachment, "device");
    json_put_bool (attributes, "delete_on_termination",
                   aws_field_flag (attachment, "deleteOnTermination"));
  } else
    aws_field_copy (disk, "why", volume, "status");
  json_put (disk, "attributes", attributes);
  return disk;
}

json_t *
aws_disk_of_snapshot (const json_t *snapshot)
{
  const char *state = json_str (snapshot, "status", "");
  const char *progress = json_str (snapshot, "progress", "");
  json_t *disk = json_object ();
  CLEANUP_FREE char *why =
      xasprintf ("%s%s%s", state, *progress ? ", " : "", progress);
  int64_t gib = aws_field_number (snapshot, "volumeSize");

  json_put_str (disk, "id", json_str (snapshot, "snapshotId", ""));
  json_put_str (disk, "kind", "snapshot");
  json_put_str (disk, "state",
                strcmp (state, "completed") == 0 ? "available"
                : strcmp (state, "error") == 0   ? "failed"
                                                 : "other");
  json_put_str (disk, "why", why);
  if (gib >= 0)
    json_put_int (disk, "size_bytes", gib * GIB);
  return disk;
}

json_t *
aws_disk_of_task (const json_t *task)
{
  static const struct {
    const char *task, *state, *why;
  } words[] = {
      {"succeeded", "available", NULL},
      {"failed", "failed", "the original disk is still attached"},
      {"failed-detached", "failed", "no root volume is attached now"},
  };
  const char *state = json_str (task, "taskState", "");
  json_t *disk = json_object ();

  json_put_str (disk, "id", json_str (task, "replaceRootVolumeTaskId", ""));
  json_put_str (disk, "kind", "task");
  json_put_str (disk, "state", "other");
  json_put_str (disk, "why", state);
  aws_field_copy (disk, "attached_to", task, "instanceId");
  for (size_t i = 0; i < ARRAY_SIZE (words); i++)
    if (strcmp (words[i].task, state) == 0) {
      json_put_str (disk, "state", words[i].state);
      if (words[i].why)
        json_put_str (disk, "why", words[i].why);
    }
  return disk;
}
