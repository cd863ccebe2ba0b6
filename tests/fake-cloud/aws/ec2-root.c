/* CreateReplaceRootVolumeTask: a new root volume for a running instance. */

#include "aws.h"

#include <string.h>

static const struct fake_object *
running_task (const struct fake_call *call, const struct fake_object *instance)
{
  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *task = call->cloud->objects.ptr[i];
    const char *state = json_str (task->body, "taskState", "");

    if (!task->gone && strcmp (task->kind, "replace-root-volume-task") == 0 &&
        strcmp (json_str (task->body, "instanceId", ""), instance->id) == 0 &&
        (strcmp (state, "pending") == 0 || strcmp (state, "in-progress") == 0))
      return task;
  }
  return NULL;
}

/* A snapshot must come from the original root volume. [EC2 User Guide, "Replace
 * the root volume"; the codes of this file are (unverified)] */
static int
check_snapshot (struct fake_call *call, const struct fake_object *root,
                const char *id)
{
  struct fake_object *snapshot = aws_snapshot (call, id);

  if (snapshot == NULL)
    return -1;
  if (strcmp (json_str (snapshot->body, "status", ""), "completed") != 0)
    return aws_fail (call, 400, "IncorrectState",
                     "Snapshot is in invalid state - %s",
                     json_str (snapshot->body, "status", ""));
  if (strcmp (json_str (snapshot->body, "_lineage", "a"),
              json_str (root->body, "_lineage", "b")) != 0)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "The snapshot '%s' was not created from the original root "
                     "volume of the instance.",
                     id);
  return 0;
}

static int
check_volume (struct fake_call *call, const struct fake_object *root,
              const char *id)
{
  struct fake_object *volume = aws_volume (call, id);

  if (volume == NULL)
    return -1;
  if (strcmp (aws_volume_state (volume), "available") != 0)
    return aws_fail (call, 400, "IncorrectState", "%s is not 'available'.", id);
  if (strcmp (json_str (volume->body, "availabilityZone", ""),
              json_str (root->body, "availabilityZone", "")) != 0)
    return aws_fail (call, 400, "InvalidVolume.ZoneMismatch",
                     "The volume '%s' is not in the same availability zone as "
                     "the instance.",
                     id);
  if (json_bool (root->body, "encrypted", false) &&
      !json_bool (volume->body, "encrypted", false))
    return aws_fail (call, 400, "InvalidParameterValue",
                     "The volume '%s' is not encrypted as the original root "
                     "volume is.",
                     id);
  return 0;
}

static int
check_source (struct fake_call *call, const struct fake_object *root)
{
  const char *snapshot = aws_param (call, "SnapshotId");
  const char *volume = aws_param (call, "VolumeId");
  const char *image = aws_param (call, "ImageId");

  if ((snapshot != NULL) + (volume != NULL) + (image != NULL) > 1)
    return aws_fail (call, 400, "InvalidParameterCombination",
                     "Specify only one of SnapshotId, VolumeId and ImageId.");
  if (snapshot)
    return check_snapshot (call, root, snapshot);
  if (volume)
    return check_volume (call, root, volume);
  if (image)
    return aws_fail (call, 400, "InvalidAMIID.NotFound",
                     "The image id '[%s]' does not exist", image);
  return 0;
}

/* ---- the task's life ---- */

static void
set_task (struct fake_cloud *cloud, struct fake_object *task, const char *state)
{
  json_put_str (task->body, "taskState", state);
  if (strcmp (state, "in-progress") != 0) {
    CLEANUP_FREE char *now = fake_time_text (fake_now_ms (cloud));

    json_put_str (task->body, "completeTime", now);
  }
  fake_object_changed (cloud, task);
}

/* A volume like the old one, with the content of the snapshot or as the
 * instance was launched. */
static struct fake_object *
volume_for (struct fake_cloud *cloud, const struct fake_object *task,
            const struct fake_object *instance, const struct fake_object *root)
{
  const char *given = json_str (task->body, "_volumeId", NULL);
  const char *snapshot_id = json_str (task->body, "snapshotId", NULL);
  const struct fake_object *snapshot;
  struct fake_object *volume;
  json_t *body;

  if (given)
    return fake_object_find (cloud, "volume", given, NULL, NULL);
  snapshot = fake_object_find (cloud, "snapshot", snapshot_id, NULL, NULL);
  body = json_deep_copy (root->body);
  json_put (body, "attachmentSet", json_array ());
  json_put (body, "tagSet", json_array ());
  json_put (body, "_image", NULL);
  json_put_str (body, "snapshotId", snapshot_id ? snapshot_id : "");
  aws_put_now (cloud, body, "createTime");
  volume = fake_object_add (cloud, "volume", NULL, "vol-", instance->account,
                            instance->region, body);
  json_put_str (body, "volumeId", volume->id);
  json_put_bool (body, "_ownImage", true);
  aws_copy_content (cloud,
                    snapshot ? snapshot->body
                             : json_object_get (instance->body, "_launch"),
                    body, volume->id);
  return volume;
}

static void
exchange (struct fake_cloud *cloud, struct fake_object *task,
          struct fake_object *instance, struct fake_object *root)
{
  const char *device = json_str (instance->body, "rootDeviceName", "");
  const json_t *mapping = aws_mapping (instance, root->id, NULL);
  bool on_termination = json_bool (mapping, "ebs.deleteOnTermination", false);
  bool drop = json_bool (task->body, "deleteReplacedRootVolume", false);
  struct fake_object *volume = volume_for (cloud, task, instance, root);

  /* A volume that was given may have found another use since. */
  if (volume == NULL ||
      (json_object_get (task->body, "_volumeId") &&
       strcmp (aws_volume_state (volume), "available") != 0)) {
    set_task (cloud, task, "failed");
    return;
  }
  aws_detach (cloud, root, instance);
  aws_attach (cloud, volume, instance, device, "attached", on_termination);
  if (drop && strcmp (aws_volume_state (root), "available") == 0)
    fake_object_remove (cloud, root);
  set_task (cloud, task, "succeeded");
  aws_guest_boot (cloud, instance);
}

static void
finished (struct fake_cloud *cloud, struct fake_object *task, json_t *arg)
{
  struct fake_object *instance =
      fake_object_find (cloud, "instance",
                        json_str (task->body, "instanceId", NULL), NULL, NULL);
  struct fake_object *root =
      instance ? aws_root_volume (cloud, instance) : NULL;

  if (root == NULL || json_bool (arg, "failed", false) ||
      strcmp (aws_state (instance), "running") != 0)
    set_task (cloud, task, root ? "failed" : "failed-detached");
  else
    exchange (cloud, task, instance, root);
}

static void
began (struct fake_cloud *cloud, struct fake_object *task, json_t *arg)
{
  set_task (cloud, task, "in-progress");
  fake_after (cloud, task, aws_time_ms (cloud, "replace_root"), "replace-root",
              finished, json_incref (arg));
}

/* ---- the call ---- */

static json_t *
new_body (struct fake_call *call, const struct fake_object *instance)
{
  json_t *body =
      json_make ("{s:s,s:s,s:s,s:b,s:[]}", "replaceRootVolumeTaskId", "",
                 "instanceId", instance->id, "taskState", "pending",
                 "deleteReplacedRootVolume",
                 aws_flag (call, "DeleteReplacedRootVolume"), "tagSet");

  aws_put_now (call->cloud, body, "startTime");
  if (aws_param (call, "SnapshotId"))
    json_put_str (body, "snapshotId", aws_param (call, "SnapshotId"));
  if (aws_param (call, "VolumeId"))
    json_put_str (body, "_volumeId", aws_param (call, "VolumeId"));
  return body;
}

static int
check_instance (struct fake_call *call, const struct fake_object *instance,
                const struct fake_object *root)
{
  if (strcmp (aws_state (instance), "running") != 0)
    return aws_fail (call, 400, "IncorrectInstanceState",
                     "The instance '%s' is not in the 'running' state.",
                     instance->id);
  if (root == NULL)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "The instance '%s' does not have a volume attached at "
                     "root.",
                     instance->id);
  if (running_task (call, instance))
    return aws_fail (call, 400, "IncorrectState",
                     "A root volume replacement task for instance '%s' is in "
                     "progress.",
                     instance->id);
  return 0;
}

static int
create_task (struct fake_call *call)
{
  const char *known;
  struct fake_object *instance, *root, *task;
  json_t *body;

  if (aws_client_token (call, &known) < 0)
    return -1;
  if (known) {
    task = fake_object_find (call->cloud, NULL, known, NULL, NULL);
    json_put (call->out, "replaceRootVolumeTask", json_deep_copy (task->body));
    return 0;
  }
  instance = aws_instance (call, aws_param (call, "InstanceId"));
  root = instance ? aws_root_volume (call->cloud, instance) : NULL;
  if (instance == NULL || check_instance (call, instance, root) < 0 ||
      check_source (call, root) < 0)
    return -1;
  body = new_body (call, instance);
  if (aws_tags_from (call, "replace-root-volume-task", body) < 0) {
    json_decref (body);
    return -1;
  }
  call->effect = true;
  task = fake_object_add (call->cloud, "replace-root-volume-task", NULL,
                          "replacevol-", call->account, call->region, body);
  json_put_str (body, "replaceRootVolumeTaskId", task->id);
  fake_object_changed (call->cloud, task);
  aws_client_token_keep (call, task->id);
  json_put (call->out, "replaceRootVolumeTask", json_deep_copy (body));
  fake_call_after (call, task, aws_time_ms (call->cloud, "replace_root_begin"),
                   "replace-root", began, NULL);
  return 0;
}

const struct aws_action aws_root_actions[] = {
    {"ec2", "CreateReplaceRootVolumeTask",
     "InstanceId! SnapshotId VolumeId ImageId ClientToken "
     "DeleteReplacedRootVolume:b TagSpecification.n.ResourceType "
     "TagSpecification.n.Tag.n.Key TagSpecification.n.Tag.n.Value",
     create_task},
    {NULL},
};
