/* CreateSnapshot, CreateSnapshots, DeleteSnapshot. */

#include "aws.h"

#include <string.h>

enum {
  PROGRESS_STEPS = 4
};

/* How a snapshot grows: 25 %, 50 % ... and then it is complete. */
static void
progressed (struct fake_cloud *cloud, struct fake_object *snapshot, json_t *arg)
{
  int64_t step = json_int (arg, "step", 1);
  CLEANUP_FREE char *progress =
      xasprintf ("%d%%", (int)(step * 100 / PROGRESS_STEPS));

  if (json_bool (arg, "failed", false)) {
    json_put_str (snapshot->body, "status", "error");
    fake_object_changed (cloud, snapshot);
    return;
  }
  json_put_str (snapshot->body, "progress", progress);
  if (step == PROGRESS_STEPS)
    json_put_str (snapshot->body, "status", "completed");
  else
    fake_after (cloud, snapshot,
                aws_time_ms (cloud, "snapshot") / PROGRESS_STEPS, "snapshot",
                progressed, json_make ("{s:I}", "step", (json_int_t)step + 1));
  fake_object_changed (cloud, snapshot);
}

static int
check_volume (struct fake_call *call, struct fake_object *volume)
{
  const char *state = aws_volume_state (volume);
  int64_t last = json_int (volume->body, "_snapshotMs", INT64_MIN / 2);

  if (strcmp (state, "available") != 0 && strcmp (state, "in-use") != 0)
    return aws_fail (call, 400, "IncorrectState",
                     "Volume '%s' is in the '%s' state.", volume->id, state);
  /* The limit exists; its 15 s hold while another one is being made.
   * (unverified: whether also after its end) */
  if (call->cloud->now_ms - last <
      aws_time_ms (call->cloud, "snapshot_spacing"))
    return aws_fail (call, 400, "SnapshotCreationPerVolumeRateExceeded",
                     "The rate limit for creating concurrent snapshots of an "
                     "EBS volume has been exceeded. Wait at least 15 seconds "
                     "between concurrent volume snapshots.");
  return 0;
}

static json_t *
new_body (struct fake_call *call, const struct fake_object *volume)
{
  const char *description = aws_param (call, "Description");
  json_t *body =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:O,s:s,s:b,s:s,s:[]}", "snapshotId", "",
                 "volumeId", volume->id, "status", "pending", "progress", "",
                 "ownerId", call->account, "volumeSize",
                 json_object_get (volume->body, "size"), "description",
                 description ? description : "", "encrypted",
                 json_bool (volume->body, "encrypted", false), "storageTier",
                 "standard", "tagSet");

  if (json_object_get (volume->body, "kmsKeyId"))
    json_put_str (body, "kmsKeyId", json_str (volume->body, "kmsKeyId", ""));
  aws_put_now (call->cloud, body, "startTime");
  return body;
}

/* A body becomes a snapshot whose content is that of now. */
static struct fake_object *
begin (struct fake_call *call, struct fake_object *volume, json_t *body)
{
  struct fake_object *snapshot;

  call->effect = true;
  snapshot = fake_object_add (call->cloud, "snapshot", NULL, "snap-",
                              call->account, call->region, body);
  json_put_str (body, "snapshotId", snapshot->id);
  aws_copy_content (call->cloud, volume->body, body, snapshot->id);
  json_put_bool (body, "_ownImage", true);
  fake_object_changed (call->cloud, snapshot);
  json_put_int (volume->body, "_snapshotMs", call->cloud->now_ms);
  fake_call_after (call, snapshot,
                   aws_time_ms (call->cloud, "snapshot") / PROGRESS_STEPS,
                   "snapshot", progressed, json_make ("{s:i}", "step", 1));
  return snapshot;
}

static int
create_snapshot (struct fake_call *call)
{
  struct fake_object *volume = aws_volume (call, aws_param (call, "VolumeId"));
  json_t *body;

  if (volume == NULL || check_volume (call, volume) < 0)
    return -1;
  body = new_body (call, volume);
  if (aws_tags_from (call, "snapshot", body) < 0) {
    json_decref (body);
    return -1;
  }
  fake_merge (call->out, begin (call, volume, body)->body);
  return 0;
}

static bool
is_excluded (const struct fake_call *call, const struct fake_object *instance,
             const json_t *entry)
{
  struct aws_words ids =
      aws_list (call, "InstanceSpecification.ExcludeDataVolumeId");
  bool root = strcmp (json_str (entry, "deviceName", ""),
                      json_str (instance->body, "rootDeviceName", "")) == 0;
  bool excluded = root && aws_flag (call, "InstanceSpecification."
                                          "ExcludeBootVolume");

  for (size_t i = 0; i < ids.len; i++)
    if (strcmp (ids.ptr[i], json_str (entry, "ebs.volumeId", "")) == 0)
      excluded = true;
  aws_words_release (&ids);
  return excluded;
}

/* Here the state is called "state", not "status". [model SnapshotInfo] */
static void
add_info (json_t *list, const json_t *body)
{
  static const char *const shown[] = {"description", "encrypted",  "volumeId",
                                      "volumeSize",  "startTime",  "progress",
                                      "ownerId",     "snapshotId", "tagSet"};
  json_t *info = json_make ("{s:s}", "state", json_str (body, "status", ""));

  for (size_t i = 0; i < ARRAY_SIZE (shown); i++)
    json_put (info, shown[i],
              json_deep_copy (json_object_get (body, shown[i])));
  json_array_append_new (list, info);
}

/* All volumes of an instance at one moment. */
static int
create_snapshots (struct fake_call *call)
{
  struct fake_object *instance =
      aws_instance (call, aws_param (call, "InstanceSpecification.InstanceId"));
  json_t *list = json_array ();
  size_t i;
  json_t *entry;

  json_put (call->out, "snapshotSet", list);
  if (instance == NULL)
    return -1;
  json_array_foreach (json_object_get (instance->body, "blockDeviceMapping"), i,
                      entry)
  {
    struct fake_object *volume =
        aws_volume (call, json_str (entry, "ebs.volumeId", ""));
    json_t *body;

    if (is_excluded (call, instance, entry))
      continue;
    if (volume == NULL || check_volume (call, volume) < 0)
      return -1;
    body = new_body (call, volume);
    if (strcmp (aws_param (call, "CopyTagsFromSource")
                    ? aws_param (call, "CopyTagsFromSource")
                    : "",
                "volume") == 0)
      json_put (body, "tagSet",
                json_deep_copy (json_object_get (volume->body, "tagSet")));
    if (aws_tags_from (call, "snapshot", body) < 0) {
      json_decref (body);
      return -1;
    }
    add_info (list, begin (call, volume, body)->body);
  }
  return 0;
}

static int
delete_snapshot (struct fake_call *call)
{
  struct fake_object *snapshot =
      aws_snapshot (call, aws_param (call, "SnapshotId"));

  if (snapshot == NULL)
    return -1;
  call->effect = true;
  if (json_bool (snapshot->body, "_ownImage", false))
    fake_disk_delete (json_str (snapshot->body, "_image", NULL));
  fake_object_remove (call->cloud, snapshot);
  json_put_bool (call->out, "return", true);
  return 0;
}

#define TAGS                                                                   \
  " TagSpecification.n.ResourceType TagSpecification.n.Tag.n.Key "             \
  "TagSpecification.n.Tag.n.Value"

const struct aws_action aws_snapshot_actions[] = {
    {"ec2", "CreateSnapshot", "VolumeId! Description" TAGS, create_snapshot},
    {"ec2", "CreateSnapshots",
     "InstanceSpecification.InstanceId! "
     "InstanceSpecification.ExcludeBootVolume:b "
     "InstanceSpecification.ExcludeDataVolumeId.n Description "
     "CopyTagsFromSource" TAGS,
     create_snapshots},
    {"ec2", "DeleteSnapshot", "SnapshotId!", delete_snapshot},
    {NULL},
};
