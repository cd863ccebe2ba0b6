/* The Describe calls on instances, volumes, snapshots, tags and tasks.
 *
 * Filters: those that the EC2 model documents; a path of NULL is one that the
 * fake does not know (a loud 500 rather than a silent nothing). */

#include "aws.h"

#include <stdio.h>
#include <string.h>

static const struct aws_filter_row instance_filters[] = {
    {"affinity", "placement.affinity"},
    {"architecture", "architecture"},
    {"availability-zone", "placement.availabilityZone"},
    {"block-device-mapping.attach-time", "blockDeviceMapping.ebs.attachTime"},
    {"block-device-mapping.delete-on-termination",
     "blockDeviceMapping.ebs.deleteOnTermination"},
    {"block-device-mapping.device-name", "blockDeviceMapping.deviceName"},
    {"block-device-mapping.status", "blockDeviceMapping.ebs.status"},
    {"block-device-mapping.volume-id", "blockDeviceMapping.ebs.volumeId"},
    {"client-token", "clientToken"},
    {"dns-name", "dnsName"},
    {"hibernation-options.configured", "hibernationOptions.configured"},
    {"host-id", "placement.hostId"},
    {"hypervisor", "hypervisor"},
    {"iam-instance-profile.arn", "iamInstanceProfile.arn"},
    {"image-id", "imageId"},
    {"instance-id", "instanceId"},
    {"instance-lifecycle", "instanceLifecycle"},
    {"instance-state-code", "instanceState.code"},
    {"instance-state-name", "instanceState.name"},
    {"instance-type", "instanceType"},
    {"instance.group-id", "groupSet.groupId"},
    {"instance.group-name", "groupSet.groupName"},
    {"ip-address", "ipAddress"},
    {"key-name", "keyName"},
    {"launch-time", "launchTime"},
    {"monitoring-state", "monitoring.state"},
    {"network-interface.association.public-ip",
     "networkInterfaceSet.association.publicIp"},
    {"network-interface.association.ip-owner-id",
     "networkInterfaceSet.association.ipOwnerId"},
    {"network-interface.network-interface-id",
     "networkInterfaceSet.networkInterfaceId"},
    {"network-interface.subnet-id", "networkInterfaceSet.subnetId"},
    {"network-interface.vpc-id", "networkInterfaceSet.vpcId"},
    {"owner-id", "_ownerId"},
    {"platform", "platform"},
    {"private-dns-name", "privateDnsName"},
    {"private-ip-address", "privateIpAddress"},
    {"product-code", "productCodes.productCode"},
    {"product-code.type", "productCodes.type"},
    {"reason", "reason"},
    {"reservation-id", "_reservationId"},
    {"root-device-name", "rootDeviceName"},
    {"root-device-type", "rootDeviceType"},
    {"source-dest-check", "sourceDestCheck"},
    {"spot-instance-request-id", "spotInstanceRequestId"},
    {"state-reason-code", "stateReason.code"},
    {"state-reason-message", "stateReason.message"},
    {"subnet-id", "subnetId"},
    {"tag-key", "tagSet.key"},
    {"tenancy", "placement.tenancy"},
    {"virtualization-type", "virtualizationType"},
    {"vpc-id", "vpcId"},
    {"group-id", NULL},
    {"group-name", NULL},
    {"kernel-id", NULL},
    {"launch-index", NULL},
    {"outpost-arn", NULL},
    {"ramdisk-id", NULL},
    {NULL},
};

static const struct aws_filter_row status_filters[] = {
    {"availability-zone", "availabilityZone"},
    {"instance-state-code", "instanceState.code"},
    {"instance-state-name", "instanceState.name"},
    {"instance-status.reachability", "instanceStatus.details.status"},
    {"instance-status.status", "instanceStatus.status"},
    {"system-status.reachability", "systemStatus.details.status"},
    {"system-status.status", "systemStatus.status"},
    {"event.code", "eventsSet.code"},
    {"event.description", "eventsSet.description"},
    {NULL},
};

static const struct aws_filter_row volume_filters[] = {
    {"attachment.attach-time", "attachmentSet.attachTime"},
    {"attachment.delete-on-termination", "attachmentSet.deleteOnTermination"},
    {"attachment.device", "attachmentSet.device"},
    {"attachment.instance-id", "attachmentSet.instanceId"},
    {"attachment.status", "attachmentSet.status"},
    {"availability-zone", "availabilityZone"},
    {"create-time", "createTime"},
    {"encrypted", "encrypted"},
    {"multi-attach-enabled", "multiAttachEnabled"},
    {"fast-restored", NULL},
    {"size", "size"},
    {"snapshot-id", "snapshotId"},
    {"status", "status"},
    {"tag-key", "tagSet.key"},
    {"volume-id", "volumeId"},
    {"volume-type", "volumeType"},
    {NULL},
};

static const struct aws_filter_row snapshot_filters[] = {
    {"description", "description"},
    {"encrypted", "encrypted"},
    {"owner-id", "ownerId"},
    {"progress", "progress"},
    {"snapshot-id", "snapshotId"},
    {"start-time", "startTime"},
    {"status", "status"},
    {"storage-tier", "storageTier"},
    {"tag-key", "tagSet.key"},
    {"volume-id", "volumeId"},
    {"volume-size", "volumeSize"},
    {"owner-alias", NULL},
    {NULL},
};

static const struct aws_filter_row tag_filters[] = {
    {"key", "key"},
    {"resource-id", "resourceId"},
    {"resource-type", "resourceType"},
    {"value", "value"},
    {NULL},
};

static const struct aws_filter_row task_filters[] = {
    {"instance-id", "instanceId"},
    {NULL},
};

static const struct aws_filter_row modification_filters[] = {
    {"modification-state", "modificationState"},
    {"volume-id", "volumeId"},
    {NULL},
};

static const struct aws_query instances =
    {"instance", "InstanceId", instance_filters, 5, 1000, true};
static const struct aws_query statuses = {"instance",     "InstanceId",
                                          status_filters, 5,
                                          1000,           true};
/* Above 500 (1,000): that many, no error. [model, MaxResults of both] */
static const struct aws_query volumes = {"volume", "VolumeId", volume_filters,
                                         5,        500,        false};
static const struct aws_query snapshots =
    {"snapshot", "SnapshotId", snapshot_filters, 5, 1000, false};
static const struct aws_query tags = {NULL, NULL, tag_filters, 5, 1000, true};
static const struct aws_query tasks = {"replace-root-volume-task",
                                       "ReplaceRootVolumeTaskId",
                                       task_filters,
                                       1,
                                       50,
                                       true};
static const struct aws_query modifications =
    {"volume", "VolumeId", modification_filters, 1, 500, false};

static int
describe_instances (struct fake_call *call)
{
  struct aws_items items = VEC_EMPTY;
  json_t *set = json_array ();
  int result = aws_gather (call, &instances, &items);

  json_put (call->out, "reservationSet", set);
  if (result == 0)
    result = aws_select (call, &instances, &items);
  for (size_t i = 0; result == 0 && i < items.len; i++) {
    const json_t *body = items.ptr[i].body;

    json_array_append_new (set,
                           json_make ("{s:s,s:s,s:[],s:[O]}", "reservationId",
                                      json_str (body, "_reservationId", ""),
                                      "ownerId", call->account, "groupSet",
                                      "instancesSet", body));
  }
  aws_items_release (&items);
  return result;
}

/* A list of bodies as they are. */
static int
describe (struct fake_call *call, const struct aws_query *query,
          const char *set_name)
{
  struct aws_items items = VEC_EMPTY;
  json_t *set = json_array ();
  int result = aws_gather (call, query, &items);

  json_put (call->out, set_name, set);
  if (result == 0)
    result = aws_select (call, query, &items);
  for (size_t i = 0; result == 0 && i < items.len; i++)
    json_array_append (set, (json_t *)items.ptr[i].body);
  aws_items_release (&items);
  return result;
}

static int
describe_volumes (struct fake_call *call)
{
  return describe (call, &volumes, "volumeSet");
}

/* Only the caller's own exist here. */
static int
describe_snapshots (struct fake_call *call)
{
  struct aws_words owners = aws_list (call, "Owner");
  int result = 0;

  for (size_t i = 0; i < owners.len; i++)
    if (strcmp (owners.ptr[i], "self") != 0 &&
        strcmp (owners.ptr[i], call->account) != 0)
      result = aws_fail (call, 500, "InternalError",
                         "The fake has no snapshots of other owners");
  aws_words_release (&owners);
  return result ? result : describe (call, &snapshots, "snapshotSet");
}

static int
describe_tasks (struct fake_call *call)
{
  return describe (call, &tasks, "replaceRootVolumeTaskSet");
}

/* Makes other bodies of the items and gives them to `made`, who owns them. */
static void
replace_body (struct aws_items *items, size_t at, json_t *made, json_t *body)
{
  json_array_append_new (made, body);
  items->ptr[at].body = body;
}

static int
select_all (struct fake_call *call, const struct aws_query *query,
            struct aws_items *items, const char *set_name)
{
  json_t *set = json_array ();
  int result = aws_select (call, query, items);

  json_put (call->out, set_name, set);
  for (size_t i = 0; result == 0 && i < items->len; i++)
    json_array_append (set, (json_t *)items->ptr[i].body);
  return result;
}

static json_t *
check_json (const char *status)
{
  bool ok = strcmp (status, "ok") == 0, bad = strcmp (status, "impaired") == 0;

  if (strcmp (status, "not-applicable") == 0)
    return json_make ("{s:s}", "status", status);
  return json_make ("{s:s,s:[{s:s,s:s}]}", "status", status, "details", "name",
                    "reachability", "status",
                    ok    ? "passed"
                    : bad ? "failed"
                          : status);
}

static json_t *
status_json (const json_t *body)
{
  const char *state = json_str (body, "instanceState.name", "");
  bool running = strcmp (state, "running") == 0;
  const char *guest = json_str (body, "_status", "initializing");
  const char *host = json_str (body, "_systemStatus", "ok");

  return json_make ("{s:s,s:s,s:O,s:o,s:o}", "instanceId",
                    json_str (body, "instanceId", ""), "availabilityZone",
                    json_str (body, "placement.availabilityZone", ""),
                    "instanceState", json_object_get (body, "instanceState"),
                    "instanceStatus",
                    check_json (running ? guest : "not-applicable"),
                    "systemStatus",
                    check_json (running ? host : "not-applicable"));
}

static int
describe_status (struct fake_call *call)
{
  struct aws_items items = VEC_EMPTY;
  CLEANUP_JSON json_t *made = json_array ();
  bool all = aws_flag (call, "IncludeAllInstances");
  struct aws_words ids = aws_list (call, "InstanceId");
  int result = 0;
  size_t kept = 0;

  if (ids.len > 100)
    result = aws_fail (call, 400, "InvalidParameterValue",
                       "The number of instance IDs exceeds the limit of 100");
  aws_words_release (&ids);
  if (result == 0)
    result = aws_gather (call, &statuses, &items);
  for (size_t i = 0; i < items.len; i++) {
    const json_t *body = items.ptr[i].body;

    if (!all &&
        strcmp (json_str (body, "instanceState.name", ""), "running") != 0)
      continue;
    items.ptr[kept] = items.ptr[i];
    replace_body (&items, kept++, made, status_json (body));
  }
  items.len = kept;
  if (result == 0)
    result = select_all (call, &statuses, &items, "instanceStatusSet");
  aws_items_release (&items);
  return result;
}

static int
describe_tags (struct fake_call *call)
{
  struct aws_items items = VEC_EMPTY;
  CLEANUP_JSON json_t *made = json_array ();
  size_t number = 0;
  int result;

  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *object = call->cloud->objects.ptr[i];
    const json_t *body = fake_object_view (call->cloud, object);
    size_t j;
    json_t *tag;

    if (body == NULL || strcmp (object->account, call->account) != 0 ||
        strcmp (object->region, call->region) != 0)
      continue;
    json_array_foreach (json_object_get (body, "tagSet"), j, tag)
    {
      struct aws_item item = {NULL, number++};

      aws_items_push (&items, item);
      replace_body (&items, items.len - 1, made,
                    json_make ("{s:s,s:s,s:O,s:O}", "resourceId", object->id,
                               "resourceType", object->kind, "key",
                               json_object_get (tag, "key"), "value",
                               json_object_get (tag, "value")));
    }
  }
  result = select_all (call, &tags, &items, "tagSet");
  aws_items_release (&items);
  return result;
}

static int
describe_modifications (struct fake_call *call)
{
  struct aws_items items = VEC_EMPTY;
  size_t kept = 0;
  bool named = aws_param (call, "VolumeId.1") != NULL;
  int result = aws_gather (call, &modifications, &items);

  for (size_t i = 0; result == 0 && i < items.len; i++) {
    const json_t *body = items.ptr[i].body;
    const json_t *modification = json_object_get (body, "_modification");

    if (modification == NULL && named)
      result = aws_fail (call, 400, "InvalidVolumeModification.NotFound",
                         "Modification for volume '%s' does not exist.",
                         json_str (body, "volumeId", ""));
    if (modification == NULL)
      continue;
    items.ptr[kept] = items.ptr[i];
    items.ptr[kept++].body = modification;
  }
  items.len = kept;
  if (result == 0)
    result = select_all (call, &modifications, &items, "volumeModificationSet");
  aws_items_release (&items);
  return result;
}

#define FILTER " Filter.n.Name Filter.n.Value.n"
#define PAGE   " MaxResults:i NextToken"

const struct aws_action aws_describe_actions[] = {
    {"ec2", "DescribeInstances", "InstanceId.n" FILTER PAGE,
     describe_instances},
    {"ec2", "DescribeInstanceStatus",
     "InstanceId.n IncludeAllInstances:b" FILTER PAGE, describe_status},
    {"ec2", "DescribeVolumes", "VolumeId.n" FILTER PAGE, describe_volumes},
    {"ec2", "DescribeSnapshots",
     "SnapshotId.n Owner.n RestorableBy.n" FILTER PAGE, describe_snapshots},
    {"ec2", "DescribeTags", "DryRun:b" FILTER PAGE, describe_tags},
    {"ec2", "DescribeReplaceRootVolumeTasks",
     "ReplaceRootVolumeTaskId.n" FILTER PAGE, describe_tasks},
    {"ec2", "DescribeVolumesModifications", "VolumeId.n" FILTER PAGE,
     describe_modifications},
    {NULL},
};
