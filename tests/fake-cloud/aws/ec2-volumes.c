/* CreateVolume, DeleteVolume. */

#include "aws.h"

#include <stdlib.h>
#include <string.h>

static void
available (struct fake_cloud *cloud, struct fake_object *volume, json_t *arg)
{
  json_put_str (volume->body, "status",
                json_bool (arg, "failed", false) ? "error" : "available");
  fake_object_changed (cloud, volume);
}

static void
removed (struct fake_cloud *cloud, struct fake_object *volume, json_t *arg)
{
  (void)arg;
  /* Only what the fake copied itself: a configured image is the test's. */
  if (json_bool (volume->body, "_ownImage", false))
    fake_disk_delete (json_str (volume->body, "_image", NULL));
  fake_object_remove (cloud, volume);
}

static int
check_type (struct fake_call *call, const char *type)
{
  static const char *const types[] = {"standard", "io1", "io2", "gp2",
                                      "sc1",      "st1", "gp3"};

  for (size_t i = 0; i < ARRAY_SIZE (types); i++)
    if (strcmp (types[i], type) == 0)
      return 0;
  return aws_fail (call, 400, "InvalidParameterValue",
                   "Invalid value '%s' for VolumeType.", type);
}

/* The source of the new volume: *snapshot NULL if it is to be empty. */
static int
check_source (struct fake_call *call, struct fake_object **snapshot,
              int64_t *size)
{
  const char *id = aws_param (call, "SnapshotId");
  const char *asked = aws_param (call, "Size");
  int64_t least = 1;

  *snapshot = NULL;
  if (id == NULL && asked == NULL)
    return aws_fail (call, 400, "MissingParameter",
                     "The request must contain the parameter size or "
                     "snapshotId");
  if (id) {
    *snapshot = aws_snapshot (call, id);
    if (*snapshot == NULL)
      return -1;
    if (strcmp (json_str ((*snapshot)->body, "status", ""), "completed") != 0)
      return aws_fail (call, 400, "IncorrectState",
                       "Snapshot is in invalid state - %s",
                       json_str ((*snapshot)->body, "status", ""));
    least = json_int ((*snapshot)->body, "volumeSize", 1);
  }
  *size = asked ? strtoll (asked, NULL, 10) : least;
  if (*size < least)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "The specified size of %lld GiB is less than the snapshot "
                     "size of %lld GiB.",
                     (long long)*size, (long long)least);
  return 0;
}

static json_t *
new_body (struct fake_call *call, const struct fake_object *snapshot,
          int64_t size)
{
  const char *type = aws_param (call, "VolumeType");
  const char *iops = aws_param (call, "Iops");
  const char *throughput = aws_param (call, "Throughput");
  bool encrypted = aws_flag (call, "Encrypted") ||
                   (snapshot && json_bool (snapshot->body, "encrypted", false));
  const char *key = aws_param (call, "KmsKeyId");
  json_t *body =
      json_make ("{s:s,s:[],s:s,s:b,s:I,s:s,s:s,s:s,s:b,s:[]}", "volumeId", "",
                 "attachmentSet", "availabilityZone",
                 aws_param (call, "AvailabilityZone"), "encrypted", encrypted,
                 "size", (json_int_t)size, "snapshotId",
                 snapshot ? snapshot->id : "", "status", "creating",
                 "volumeType", type ? type : "gp2", "multiAttachEnabled",
                 aws_flag (call, "MultiAttachEnabled"), "tagSet");

  if (type && strcmp (type, "gp3") == 0) {
    json_put_int (body, "iops", iops ? strtoll (iops, NULL, 10) : 3000);
    json_put_int (body, "throughput",
                  throughput ? strtoll (throughput, NULL, 10) : 125);
  } else if (iops)
    json_put_int (body, "iops", strtoll (iops, NULL, 10));
  if (encrypted && (key || snapshot))
    json_put_str (body, "kmsKeyId",
                  key ? key : json_str (snapshot->body, "kmsKeyId", ""));
  aws_put_now (call->cloud, body, "createTime");
  return body;
}

static int
answer_again (struct fake_call *call, const char *id)
{
  struct fake_object *volume = aws_volume (call, id);

  if (volume == NULL)
    return -1;
  fake_merge (call->out, volume->body);
  return 0;
}

static int
create_volume (struct fake_call *call)
{
  const char *zone = aws_param (call, "AvailabilityZone"), *known;
  const char *type = aws_param (call, "VolumeType");
  struct fake_object *snapshot, *volume;
  json_t *body, *arg;
  int64_t size = 0;

  if (aws_client_token (call, &known) < 0)
    return -1;
  if (known)
    return answer_again (call, known);
  if (!aws_zone_exists (call->cloud, call->region, zone))
    return aws_fail (call, 400, "InvalidZone.NotFound",
                     "The zone '%s' does not exist.", zone);
  if ((type && check_type (call, type) < 0) ||
      check_source (call, &snapshot, &size) < 0)
    return -1;
  body = new_body (call, snapshot, size);
  if (aws_tags_from (call, "volume", body) < 0) {
    json_decref (body);
    return -1;
  }
  call->effect = true;
  volume = fake_object_add (call->cloud, "volume", NULL, "vol-", call->account,
                            call->region, body);
  json_put_str (body, "volumeId", volume->id);
  if (snapshot) {
    aws_copy_content (call->cloud, snapshot->body, body, volume->id);
    json_put_bool (body, "_ownImage", true);
  }
  fake_object_changed (call->cloud, volume);
  aws_client_token_keep (call, volume->id);
  fake_merge (call->out, body);
  arg = json_object ();
  /* Found out only afterwards. (unverified) */
  if (!aws_key_usable (call, body))
    json_put_bool (arg, "failed", true);
  fake_call_after (call, volume, aws_time_ms (call->cloud, "create_volume"),
                   "create-volume", available, arg);
  return 0;
}

static int
delete_volume (struct fake_call *call)
{
  struct fake_object *volume = aws_volume (call, aws_param (call, "VolumeId"));
  const json_t *attachment;

  if (volume == NULL)
    return -1;
  attachment =
      json_array_get (json_object_get (volume->body, "attachmentSet"), 0);
  if (attachment)
    return aws_fail (call, 400, "VolumeInUse",
                     "Volume %s is currently attached to %s", volume->id,
                     json_str (attachment, "instanceId", ""));
  if (strcmp (aws_volume_state (volume), "available") != 0 &&
      strcmp (aws_volume_state (volume), "error") != 0)
    return aws_fail (call, 400, "IncorrectState",
                     "Volume '%s' is in the '%s' state.", volume->id,
                     aws_volume_state (volume));
  call->effect = true;
  json_put_str (volume->body, "status", "deleting");
  fake_object_changed (call->cloud, volume);
  fake_call_after (call, volume, aws_time_ms (call->cloud, "delete_volume"),
                   "delete-volume", removed, NULL);
  json_put_bool (call->out, "return", true);
  return 0;
}

#define TAGS                                                                   \
  " TagSpecification.n.ResourceType TagSpecification.n.Tag.n.Key "             \
  "TagSpecification.n.Tag.n.Value"

const struct aws_action aws_volume_actions[] = {
    {"ec2", "CreateVolume",
     "AvailabilityZone! SnapshotId Size:i VolumeType Iops:i Throughput:i "
     "Encrypted:b KmsKeyId MultiAttachEnabled:b ClientToken" TAGS,
     create_volume},
    {"ec2", "DeleteVolume", "VolumeId!", delete_volume},
    {NULL},
};
