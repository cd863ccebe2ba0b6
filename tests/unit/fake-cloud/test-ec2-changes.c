/* What changes in the fake EC2, when, and how it is seen. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "driver.h"

#define OK(words) CU_ASSERT_STRING_EQUAL (driver_call (&d, words), "ok")
#define IS(id, path, value)                                                    \
  CU_ASSERT_STRING_EQUAL (drive_state (d.cloud, id, path), value)

static void
test_stop_and_start_take_time (void)
{
  struct driver d;

  driver_init (&d, NULL);
  OK ("StopInstances InstanceId.1=" HELPER " Force=true");
  CU_ASSERT_EQUAL (driver_count (&d, "<name>stopping</name>"), 1);
  CU_ASSERT_EQUAL (driver_count (&d, "<name>running</name>"), 1);
  IS (HELPER, "stateReason.code", "Client.UserInitiatedShutdown");
  CU_ASSERT_PTR_NOT_NULL (strstr (drive_state (d.cloud, HELPER, "reason"),
                                  "User initiated (2025-"));
  driver_wait (&d, 4999);
  IS (HELPER, "instanceState.name", "stopping");
  driver_wait (&d, 1);
  IS (HELPER, "instanceState.name", "stopped");
  IS (HELPER, "instanceState.code", "80");
  OK ("StartInstances InstanceId.1=" HELPER);
  IS (HELPER, "instanceState.name", "pending");
  CU_ASSERT_EQUAL (fake_cloud_next_change_ms (d.cloud), 3000);
  driver_wait (&d, 3000);
  IS (HELPER, "instanceState.name", "running");
  IS (HELPER, "_status", "initializing");
  driver_wait (&d, 30000);
  IS (HELPER, "_status", "ok");
  driver_release (&d);
}

/* A guest that does not listen takes longer, and Force helps. */
static void
test_crashed_guest_stops_late (void)
{
  struct driver d;

  driver_init (&d, NULL);
  OK ("StopInstances InstanceId.1=" WEB);
  driver_wait (&d, 19999);
  IS (WEB, "instanceState.name", "stopping");
  driver_release (&d);
  driver_init (&d, NULL);
  OK ("StopInstances InstanceId.1=" WEB " InstanceId.2=" HELPER);
  driver_wait (&d, 4000);
  OK ("StopInstances InstanceId.1=" WEB " InstanceId.2=" HELPER " Force=true");
  driver_wait (&d, 1000);
  IS (HELPER, "instanceState.name", "stopped");
  IS (WEB, "instanceState.name", "stopping");
  driver_wait (&d, 3000);
  IS (WEB, "instanceState.name", "stopped");
  driver_release (&d);
}

static void
test_status_tells_what_is_on_the_root_volume (void)
{
  struct driver d;

  driver_init (&d, NULL);
  OK ("DescribeInstanceStatus InstanceId.1=" WEB);
  CU_ASSERT_EQUAL (driver_count (&d, "<status>impaired</status>"), 1);
  CU_ASSERT_EQUAL (driver_count (&d, "<status>passed</status>"), 1); /* host */
  OK ("StopInstances InstanceId.1=" WEB);
  driver_wait (&d, 20000);
  OK ("DescribeInstanceStatus InstanceId.1=" WEB);
  CU_ASSERT_EQUAL (driver_count (&d, "<item>"), 0);
  OK ("DescribeInstanceStatus InstanceId.1=" WEB " IncludeAllInstances=true");
  CU_ASSERT_EQUAL (driver_count (&d, "<status>not-applicable</status>"), 2);
  drive_control (d.cloud,
                 "{'op':'set','id':'" WEB_VOL "','body':{'_boots':true}}");
  OK ("StartInstances InstanceId.1=" WEB);
  driver_wait (&d, 3000 + 29999);
  OK ("DescribeInstanceStatus Filter.1.Name=instance-status.status "
      "Filter.1.Value.1=initializing");
  CU_ASSERT_EQUAL (driver_count (&d, WEB), 1);
  driver_wait (&d, 1);
  OK ("DescribeInstanceStatus Filter.1.Name=instance-status.status "
      "Filter.1.Value.1=impaired");
  CU_ASSERT_EQUAL (driver_count (&d, WEB), 0);
  driver_release (&d);
}

static void
test_attach_forgets_delete_on_termination (void)
{
  struct driver d;

  driver_init (&d, NULL);
  OK ("StopInstances InstanceId.1=" WEB);
  driver_wait (&d, 20000);
  OK ("DetachVolume VolumeId=" WEB_VOL);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "status"), "detaching");
  IS (WEB_VOL, "status", "in-use");
  driver_wait (&d, 2000);
  IS (WEB_VOL, "status", "available");
  IS (WEB, "rootDeviceName", "/dev/sda1");
  OK ("DescribeInstances InstanceId.1=" WEB);
  CU_ASSERT_EQUAL (driver_count (&d, "<deviceName>/dev/sda1</deviceName>"), 0);
  OK ("AttachVolume VolumeId=" WEB_VOL " InstanceId=" WEB " Device=/dev/sda1");
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "status"), "attaching");
  IS (WEB_VOL, "status", "in-use");
  driver_wait (&d, 2000);
  OK ("DescribeVolumes VolumeId.1=" WEB_VOL);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "deleteOnTermination"), "false");
  OK ("ModifyInstanceAttribute InstanceId=" WEB
      " BlockDeviceMapping.1.DeviceName=/dev/sda1 "
      "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true");
  OK ("DescribeVolumes VolumeId.1=" WEB_VOL);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "deleteOnTermination"), "true");
  driver_release (&d);
}

static void
test_public_address_changes_elastic_stays (void)
{
  struct driver d;
  CLEANUP_FREE char *automatic = NULL, *elastic = NULL;

  driver_init (&d, NULL);
  automatic = xstrdup (drive_state (d.cloud, WEB, "ipAddress"));
  elastic = xstrdup (drive_state (d.cloud, HELPER, "ipAddress"));
  CU_ASSERT (*automatic && *elastic);
  OK ("StopInstances InstanceId.1=" WEB " InstanceId.2=" HELPER);
  driver_wait (&d, 20000);
  IS (WEB, "ipAddress", "");
  IS (HELPER, "ipAddress", elastic);
  OK ("StartInstances InstanceId.1=" WEB);
  CU_ASSERT_STRING_NOT_EQUAL (drive_state (d.cloud, WEB, "ipAddress"),
                              automatic);
  CU_ASSERT_STRING_NOT_EQUAL (drive_state (d.cloud, WEB, "ipAddress"), "");
  driver_release (&d);
}

static void
test_busy_volume_waits_for_force_or_stop (void)
{
  struct driver d;

  driver_init (&d, NULL);
  drive_control (d.cloud,
                 "{'op':'set','id':'" WEB_DATA "','body':{'_busy':true}}");
  OK ("DetachVolume VolumeId=" WEB_DATA);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "status"), "busy");
  driver_wait (&d, 600000);
  IS (WEB_DATA, "status", "in-use");
  OK ("DetachVolume VolumeId=" WEB_DATA " Force=true");
  driver_wait (&d, 2000);
  IS (WEB_DATA, "status", "available");
  driver_release (&d);
  driver_init (&d, NULL);
  drive_control (d.cloud,
                 "{'op':'set','id':'" WEB_DATA "','body':{'_busy':true}}");
  OK ("DetachVolume VolumeId=" WEB_DATA);
  OK ("StopInstances InstanceId.1=" WEB);
  driver_wait (&d, 20000);
  IS (WEB_DATA, "status", "available");
  driver_release (&d);
}

static void
test_snapshot_grows_and_holds_the_content_of_then (void)
{
  struct driver d;
  CLEANUP_FREE char *id = NULL, *create = NULL;

  driver_init (&d, NULL);
  OK ("CreateSnapshot VolumeId=" WEB_VOL
      " TagSpecification.1.ResourceType=snapshot "
      "TagSpecification.1.Tag.1.Key=campaign "
      "TagSpecification.1.Tag.1.Value=c1");
  id = xstrdup (driver_xml (&d, "snapshotId"));
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "status"), "pending");
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "progress"), "");
  drive_control (d.cloud,
                 "{'op':'set','id':'" WEB_VOL "','body':{'_boots':true}}");
  driver_wait (&d, 3000);
  IS (id, "progress", "50%");
  IS (id, "status", "pending");
  driver_wait (&d, 3000);
  IS (id, "progress", "100%");
  IS (id, "status", "completed");
  IS (id, "_boots", "false");
  create =
      xasprintf ("CreateVolume AvailabilityZone=us-east-1b SnapshotId=%s", id);
  OK (create);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "status"), "creating");
  IS (driver_xml (&d, "volumeId"), "_boots", "false");
  OK ("DescribeSnapshots Filter.1.Name=tag:campaign Filter.1.Value.1=c1");
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "volumeId"), WEB_VOL);
  driver_release (&d);
}

static void
test_replacing_the_root (void)
{
  struct driver d;
  CLEANUP_FREE char *task = NULL;

  driver_init (&d, NULL);
  drive_control (d.cloud,
                 "{'op':'set','id':'" SNAP "','body':{'_boots':true}}");
  OK ("CreateReplaceRootVolumeTask InstanceId=" WEB " SnapshotId=" SNAP
      " ClientToken=t");
  task = xstrdup (driver_xml (&d, "replaceRootVolumeTaskId"));
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "taskState"), "pending");
  OK ("CreateReplaceRootVolumeTask InstanceId=" WEB " SnapshotId=" SNAP
      " ClientToken=t");
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "replaceRootVolumeTaskId"), task);
  driver_wait (&d, 1000);
  IS (task, "taskState", "in-progress");
  IS (WEB, "instanceState.name", "running");
  driver_wait (&d, 20000);
  IS (task, "taskState", "succeeded");
  IS (WEB_VOL, "status", "available");
  IS (WEB, "_status", "initializing");
  OK ("DescribeVolumes Filter.1.Name=attachment.instance-id "
      "Filter.1.Value.1=" WEB
      " Filter.2.Name=attachment.device Filter.2.Value.1=/dev/sda1");
  CU_ASSERT_EQUAL (driver_count (&d, "<snapshotId>" SNAP "</snapshotId>"), 1);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "deleteOnTermination"), "true");
  driver_wait (&d, 30000);
  IS (WEB, "_status", "ok");
  driver_release (&d);
}

/* 200, pending, and then back to stopped. */
static void
test_unusable_key_shows_only_after_start (void)
{
  struct driver d;

  driver_init (&d, NULL);
  drive_control (d.cloud, "{'op':'set','id':'" OTHER_VOL
                          "','body':{'encrypted':true,'kmsKeyId':'k'}}");
  d.key = "AKIANOKMS";
  OK ("StartInstances InstanceId.1=" OTHER);
  CU_ASSERT_EQUAL (driver_count (&d, "<name>pending</name>"), 1);
  driver_wait (&d, 3000);
  IS (OTHER, "instanceState.name", "stopped");
  IS (OTHER, "stateReason.code", "Client.InternalError");
  d.key = "AKIAALL";
  OK ("StartInstances InstanceId.1=" OTHER);
  driver_wait (&d, 3000);
  IS (OTHER, "instanceState.name", "running");
  driver_release (&d);
}

static void
test_terminated_stays_for_an_hour (void)
{
  struct driver d;

  driver_init (&d, NULL);
  OK ("TerminateInstances InstanceId.1=" WEB);
  IS (WEB, "instanceState.name", "shutting-down");
  driver_wait (&d, 5000);
  IS (WEB, "instanceState.name", "terminated");
  IS (WEB_VOL, "status", "");
  IS (WEB_DATA, "status", "available");
  OK ("DescribeInstances InstanceId.1=" WEB);
  driver_wait (&d, 3600 * 1000);
  driver_call (&d, "DescribeInstances InstanceId.1=" WEB);
  CU_ASSERT_STRING_EQUAL (d.code, "InvalidInstanceID.NotFound");
  driver_release (&d);
}

static void
test_group_terminates_stopped_members_but_those_in_standby (void)
{
  static const struct {
    const char *before, *state;
  } rows[] = {
      {NULL, "terminated"},
      {"EnterStandby AutoScalingGroupName=shop InstanceIds.member.1=" WEB
       " ShouldDecrementDesiredCapacity=true",
       "stopped"},
      {"SuspendProcesses AutoScalingGroupName=shop "
       "ScalingProcesses.member.1=ReplaceUnhealthy",
       "stopped"},
      {"SuspendProcesses AutoScalingGroupName=shop "
       "ScalingProcesses.member.1=Launch",
       "terminated"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct driver d;

    driver_init (&d, NULL);
    drive_control (d.cloud, "{'op':'set','id':'" WEB
                            "','body':{'_asg':{'AutoScalingGroupName':'shop',"
                            "'LifecycleState':'InService'}}}");
    d.service = "autoscaling";
    if (rows[i].before)
      OK (rows[i].before);
    d.service = "ec2";
    OK ("StopInstances InstanceId.1=" WEB);
    driver_wait (&d, 20000 + 60000 + 5000);
    IS (WEB, "instanceState.name", rows[i].state);
    driver_release (&d);
  }
}

static void
test_console_is_late_unless_latest (void)
{
  struct driver d;

  driver_init (&d, NULL);
  OK ("RebootInstances InstanceId.1=" HELPER);
  OK ("GetConsoleOutput InstanceId=" HELPER);
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "output"), "");
  OK ("GetConsoleOutput InstanceId=" HELPER " Latest=true");
  CU_ASSERT_STRING_NOT_EQUAL (driver_xml (&d, "output"), "");
  driver_wait (&d, 60000);
  OK ("GetConsoleOutput InstanceId=" HELPER);
  CU_ASSERT_STRING_NOT_EQUAL (driver_xml (&d, "output"), "");
  OK ("GetConsoleScreenshot InstanceId=" HELPER);
  CU_ASSERT_EQUAL (strncmp (driver_xml (&d, "imageData"), "/9j/", 4), 0);
  driver_release (&d);
}

static void
test_tags_have_a_limit_that_spares_aws_own (void)
{
  struct driver d;

  driver_init (&d, NULL);
  for (int i = 0; i < 49; i++) {
    CLEANUP_FREE char *words =
        xasprintf ("CreateTags ResourceId.1=" WEB " Tag.1.Key=k%d Tag.1.Value=",
                   i);

    OK (words);
  }
  driver_call (&d, "CreateTags ResourceId.1=" WEB " Tag.1.Key=x");
  CU_ASSERT_STRING_EQUAL (d.code, "TagLimitExceeded");
  OK ("DeleteTags ResourceId.1=" WEB " Tag.1.Key=k0 Tag.1.Value=other");
  driver_call (&d, "CreateTags ResourceId.1=" WEB " Tag.1.Key=x");
  CU_ASSERT_STRING_EQUAL (d.code, "TagLimitExceeded");
  OK ("DeleteTags ResourceId.1=" WEB " Tag.1.Key=k0 Tag.1.Value=");
  OK ("CreateTags ResourceId.1=" WEB " Tag.1.Key=x");
  driver_release (&d);
}

static const struct unit_case cases[] = {
    {"stop and start take time", test_stop_and_start_take_time},
    {"a crashed guest stops late", test_crashed_guest_stops_late},
    {"status tells what is on the root volume",
     test_status_tells_what_is_on_the_root_volume},
    {"attach forgets DeleteOnTermination",
     test_attach_forgets_delete_on_termination},
    {"public address changes, elastic stays",
     test_public_address_changes_elastic_stays},
    {"busy volume waits for force or stop",
     test_busy_volume_waits_for_force_or_stop},
    {"snapshot grows and holds the content of then",
     test_snapshot_grows_and_holds_the_content_of_then},
    {"replacing the root", test_replacing_the_root},
    {"unusable key shows only after start",
     test_unusable_key_shows_only_after_start},
    {"terminated stays for an hour", test_terminated_stays_for_an_hour},
    {"group terminates stopped members but those in standby",
     test_group_terminates_stopped_members_but_those_in_standby},
    {"console is late unless latest", test_console_is_late_unless_latest},
    {"tags have a limit that spares AWS's own",
     test_tags_have_a_limit_that_spares_aws_own},
};
UNIT_MAIN ("fake-cloud/ec2-changes", cases)
