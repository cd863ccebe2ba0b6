/* The rules of the fake EC2: each row makes a state, then a call, and names the
 * error that must come. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "driver.h"

#define STOP_WEB   "StopInstances InstanceId.1=" WEB "; wait 60000; "
#define STOP_SHOP  "StopInstances InstanceId.1=" SHOP "; wait 60000; "
#define DETACH_WEB STOP_WEB "DetachVolume VolumeId=" WEB_VOL "; wait 3000; "
#define MADE       "CreateVolume AvailabilityZone=us-east-1a Size=1; "
#define ATTACH_SPARE                                                           \
  "AttachVolume VolumeId=" SPARE " InstanceId=" HELPER " Device=/dev/sdf"

/* Steps end with ";"; all but the last must be fine. "wait MS", "set ID BODY",
 * "as KEY", "in REGION" and "service NAME" are no calls. */
static const struct {
  const char *steps, *code;
} rules[] = {
    /* protocol */
    {"Frobnicate", "InvalidAction"},
    {"StopInstances", "MissingParameter"},
    {"AttachVolume VolumeId=" SPARE " InstanceId=" HELPER, "MissingParameter"},
    {"StopInstances InstanceId.1=" WEB " Fource=true", "UnknownParameter"},
    {"StopInstances InstanceId.1=" WEB " Force=yes", "InvalidParameterValue"},
    {"DescribeInstances MaxResults=many", "InvalidParameterValue"},
    {"StopInstances InstanceId.1=" WEB " DryRun=true", "DryRunOperation"},
    {"as AKIAREAD; StopInstances InstanceId.1=" WEB, "UnauthorizedOperation"},
    {"as AKIAREAD; StopInstances InstanceId.1=" WEB " DryRun=true",
     "UnauthorizedOperation"},
    {"as AKIAREAD; DescribeInstances", "ok"},
    {"as AKIANONE; DescribeInstances", "AuthFailure"},
    {"in mars-1; DescribeInstances", "AuthFailure"},
    /* ids */
    {"StopInstances InstanceId.1=foo", "InvalidInstanceID.Malformed"},
    {"StopInstances InstanceId.1=I-00000000000000001",
     "InvalidInstanceID.Malformed"},
    {"StopInstances InstanceId.1=" NOBODY, "InvalidInstanceID.NotFound"},
    {"in eu-west-1; StopInstances InstanceId.1=" WEB,
     "InvalidInstanceID.NotFound"},
    {"DescribeVolumes VolumeId.1=vol-0fffffffffffffff0",
     "InvalidVolume.NotFound"},
    {"DescribeVolumes VolumeId.1=disk", "InvalidParameterValue"},
    {"DescribeSnapshots SnapshotId.1=snap-0fffffffffffffff0",
     "InvalidSnapshot.NotFound"},
    /* start */
    {"StartInstances InstanceId.1=" OTHER, "ok"},
    {"StartInstances InstanceId.1=" WEB, "ok"},
    {DETACH_WEB "StartInstances InstanceId.1=" WEB, "InvalidParameterValue"},
    {DETACH_WEB "StartInstances InstanceId.1=" OTHER " InstanceId.2=" WEB,
     "InvalidParameterValue"},
    {"StopInstances InstanceId.1=" WEB "; StartInstances InstanceId.1=" WEB,
     "IncorrectInstanceState"},
    {"TerminateInstances InstanceId.1=" WEB
     "; wait 60000; StartInstances InstanceId.1=" WEB,
     "IncorrectInstanceState"},
    {"set " OTHER " {'_noCapacity':true}; StartInstances InstanceId.1=" OTHER,
     "InsufficientInstanceCapacity"},
    /* stop */
    {"StopInstances InstanceId.1=" WEB, "ok"},
    {"StopInstances InstanceId.1=" OTHER, "ok"},
    {"StopInstances InstanceId.1=" LOCKED, "OperationNotPermitted"},
    {"TerminateInstances InstanceId.1=" LOCKED, "OperationNotPermitted"},
    {"StopInstances InstanceId.1=" LOCAL, "UnsupportedOperation"},
    {"StopInstances InstanceId.1=" WEB " Hibernate=true",
     "UnsupportedHibernationConfiguration"},
    {"set " OTHER " {'_neverRan':true}; StartInstances InstanceId.1=" OTHER
     "; StopInstances InstanceId.1=" OTHER,
     "IncorrectInstanceState"},
    {"RebootInstances InstanceId.1=" OTHER, "IncorrectState"},
    /* detach */
    {"DetachVolume VolumeId=" WEB_VOL, "IncorrectState"},
    {"DetachVolume VolumeId=" SPARE, "IncorrectState"},
    {STOP_WEB "DetachVolume VolumeId=" WEB_VOL " InstanceId=" HELPER,
     "InvalidAttachment.NotFound"},
    {STOP_WEB "DetachVolume VolumeId=" WEB_VOL " Device=/dev/sdz",
     "InvalidAttachment.NotFound"},
    {STOP_WEB "DetachVolume VolumeId=" WEB_VOL
              "; DetachVolume VolumeId=" WEB_VOL,
     "IncorrectState"},
    {"AttachVolume VolumeId=" SHARED " InstanceId=" HELPER
     " Device=/dev/sdg; wait 3000; DetachVolume VolumeId=" SHARED,
     "InvalidParameterCombination"},
    {"DetachVolume VolumeId=" SHOP_VOL, "IncorrectState"},
    {STOP_SHOP "DetachVolume VolumeId=" SHOP_VOL "; wait 3000; "
               "AttachVolume VolumeId=" SHOP_VOL " InstanceId=" HELPER
               " Device=/dev/sdf",
     "IncorrectInstanceState"},
    {STOP_SHOP "DetachVolume VolumeId=" SHOP_VOL "; wait 3000; "
               "AttachVolume VolumeId=" SHOP_VOL " InstanceId=" SHOP
               " Device=/dev/xvda",
     "ok"},
    {"set " WEB_DATA " {'_productCodes':[{'productCode':'x'}]}; DetachVolume "
     "VolumeId=" WEB_DATA,
     "IncorrectInstanceState"},
    {"AttachVolume VolumeId=" MANAGED " InstanceId=" HELPER
     " Device=/dev/sdh; wait 3000; DetachVolume VolumeId=" MANAGED
     " Force=true",
     "UnsupportedOperationException"},
    {"TerminateInstances InstanceId.1=" WEB "; DetachVolume VolumeId=" WEB_DATA,
     "IncorrectInstanceState"},
    /* attach */
    {ATTACH_SPARE, "ok"},
    {ATTACH_SPARE "; " ATTACH_SPARE, "VolumeInUse"},
    {"AttachVolume VolumeId=" WEB_DATA " InstanceId=" HELPER " Device=/dev/sdf",
     "VolumeInUse"},
    {MADE "attach-made", "IncorrectState"},
    {MADE "wait 3000; attach-made", "ok"},
    {"StopInstances InstanceId.1=" HELPER "; " ATTACH_SPARE, "IncorrectState"},
    {"StartInstances InstanceId.1=" OTHER "; AttachVolume VolumeId=" SPARE
     " InstanceId=" OTHER " Device=/dev/sdf",
     "IncorrectState"},
    {"AttachVolume VolumeId=" SPARE " InstanceId=" OTHER " Device=/dev/sdf",
     "InvalidVolume.ZoneMismatch"},
    {"AttachVolume VolumeId=" SPARE " InstanceId=" HELPER
     " Device=/dev/nvme1n1",
     "InvalidParameterValue"},
    {"AttachVolume VolumeId=" SPARE " InstanceId=" WEB " Device=/dev/sdf",
     "InvalidParameterValue"},
    {"set " HELPER " {'_maxAttachments':1}; " ATTACH_SPARE,
     "AttachmentLimitExceeded"},
    /* volumes and snapshots */
    {"DeleteVolume VolumeId=" WEB_DATA, "VolumeInUse"},
    {"DeleteVolume VolumeId=" SPARE, "ok"},
    {"CreateVolume AvailabilityZone=us-east-1z Size=1", "InvalidZone.NotFound"},
    {"CreateVolume AvailabilityZone=eu-west-1a Size=1", "InvalidZone.NotFound"},
    {"CreateVolume AvailabilityZone=us-east-1a", "MissingParameter"},
    {"CreateVolume AvailabilityZone=us-east-1a SnapshotId=" SNAP " Size=3",
     "InvalidParameterValue"},
    {"CreateVolume AvailabilityZone=us-east-1a Size=1 VolumeType=gp9",
     "InvalidParameterValue"},
    {"CreateSnapshot VolumeId=" WEB_VOL "; CreateSnapshot VolumeId=" WEB_VOL,
     "SnapshotCreationPerVolumeRateExceeded"},
    {"CreateVolume AvailabilityZone=us-east-1a Size=1 ClientToken=t; "
     "CreateVolume AvailabilityZone=us-east-1a Size=2 ClientToken=t",
     "IdempotentParameterMismatch"},
    /* describe */
    {"DescribeInstances InstanceId.1=" WEB " MaxResults=5",
     "InvalidParameterCombination"},
    {"DescribeInstances MaxResults=4", "InvalidParameterValue"},
    {"DescribeInstances MaxResults=1001", "InvalidParameterValue"},
    {"DescribeVolumes MaxResults=4", "InvalidParameterValue"},
    {"DescribeVolumes MaxResults=1000", "ok"},
    {"DescribeInstances NextToken=abc", "InvalidParameterValue"},
    {"DescribeInstances Filter.1.Name=colour Filter.1.Value.1=red",
     "InvalidParameterValue"},
    {"DescribeInstances Filter.1.Name=vpc-id", "InvalidParameterValue"},
    {"DescribeInstances Filter.1.Name=kernel-id Filter.1.Value.1=x",
     "InternalError"},
    {"DescribeInstanceAttribute InstanceId=" WEB " Attribute=colour",
     "InvalidParameterValue"},
    {"GetConsoleScreenshot InstanceId=" OTHER, "IncorrectInstanceState"},
    {"ModifyInstanceAttribute InstanceId=" WEB
     " BlockDeviceMapping.1.DeviceName=/dev/sdq "
     "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true",
     "InvalidInstanceAttributeValue"},
    {"DescribeVolumesModifications VolumeId.1=" WEB_VOL,
     "InvalidVolumeModification.NotFound"},
    /* tags */
    {"CreateTags ResourceId.1=" WEB " Tag.1.Key=aws:x Tag.1.Value=y",
     "InvalidParameterValue"},
    {"CreateTags ResourceId.1=" WEB, "MissingParameter"},
    {"CreateTags ResourceId.1=" WEB " ResourceId.2=" NOBODY
     " Tag.1.Key=a Tag.1.Value=b",
     "InvalidInstanceID.NotFound"},
    {"CreateTags ResourceId.1=thing Tag.1.Key=a Tag.1.Value=b", "InvalidID"},
    /* replacing the root */
    {"CreateReplaceRootVolumeTask InstanceId=" WEB " SnapshotId=" SNAP, "ok"},
    {"CreateReplaceRootVolumeTask InstanceId=" WEB, "ok"},
    {"CreateReplaceRootVolumeTask InstanceId=" OTHER, "IncorrectInstanceState"},
    {"CreateReplaceRootVolumeTask InstanceId=" HELPER " SnapshotId=" SNAP,
     "InvalidParameterValue"},
    {"CreateReplaceRootVolumeTask InstanceId=" WEB " VolumeId=" WEB_DATA,
     "IncorrectState"},
    {"set " WEB_VOL " {'encrypted':true}; CreateReplaceRootVolumeTask "
     "InstanceId=" WEB " VolumeId=" SPARE,
     "InvalidParameterValue"},
    {"CreateReplaceRootVolumeTask InstanceId=" WEB
     "; CreateReplaceRootVolumeTask InstanceId=" WEB,
     "IncorrectState"},
    {"CreateReplaceRootVolumeTask InstanceId=" WEB " SnapshotId=" SNAP
     " VolumeId=" SPARE,
     "InvalidParameterCombination"},
    /* tokens and groups */
    {"service sts; GetCallerIdentity", "ok"},
    {"service sts; AssumeRole RoleArn=arn:aws:iam::111122223333:role/none "
     "RoleSessionName=bootmend",
     "AccessDenied"},
    {"service sts; AssumeRole RoleArn=arn:aws:iam::111122223333:role/repair "
     "RoleSessionName=bootmend",
     "AccessDenied"},
    {"service sts; AssumeRole RoleArn=arn:aws:iam::111122223333:role/repair "
     "RoleSessionName=b ExternalId=xyzzy",
     "ValidationError"},
    {"service sts; AssumeRole RoleArn=arn:aws:iam::111122223333:role/repair "
     "RoleSessionName=bootmend ExternalId=xyzzy DurationSeconds=60",
     "ValidationError"},
    {"service sts; AssumeRole RoleArn=arn:aws:iam::111122223333:role/repair "
     "RoleSessionName=bootmend ExternalId=xyzzy DurationSeconds=7200",
     "ValidationError"},
    {"service sts; AssumeRole RoleArn=arn:aws:iam::111122223333:role/repair "
     "RoleSessionName=bootmend ExternalId=xyzzy",
     "ok"},
    {"service sts; AssumeRoleWithWebIdentity RoleArn=arn:aws:iam::111122223333:"
     "role/repair RoleSessionName=bootmend WebIdentityToken=forged",
     "InvalidIdentityToken"},
    {"service sts; AssumeRoleWithWebIdentity RoleArn=arn:aws:iam::111122223333:"
     "role/repair RoleSessionName=bootmend WebIdentityToken=old",
     "ExpiredTokenException"},
    {"service autoscaling; SuspendProcesses AutoScalingGroupName=none",
     "ValidationError"},
    {"service autoscaling; EnterStandby AutoScalingGroupName=shop "
     "InstanceIds.member.1=" WEB " ShouldDecrementDesiredCapacity=true",
     "ValidationError"},
};

static void
set_body (struct driver *d, const char *words)
{
  CLEANUP_FREE char *id = xstrndup (words, strcspn (words, " "));
  CLEANUP_FREE char *json = xasprintf ("{'op': 'set', 'id': '%s', 'body': %s}",
                                       id, words + strlen (id));

  drive_control (d->cloud, json);
}

static void
run_step (struct driver *d, char *step)
{
  CLEANUP_FREE char *made = NULL, *attach = NULL;

  if (strncmp (step, "wait ", 5) == 0)
    driver_wait (d, strtoll (step + 5, NULL, 10));
  else if (strncmp (step, "set ", 4) == 0)
    set_body (d, step + 4);
  else if (strncmp (step, "as ", 3) == 0)
    d->key = step + 3;
  else if (strncmp (step, "in ", 3) == 0)
    d->region = step + 3;
  else if (strncmp (step, "service ", 8) == 0)
    d->service = step + 8;
  else if (strcmp (step, "attach-made") == 0) {
    made = xstrdup (driver_xml (d, "volumeId"));
    attach = xasprintf ("AttachVolume VolumeId=%s InstanceId=" HELPER
                        " Device=/dev/sdf",
                        made);
    driver_call (d, attach);
  } else
    driver_call (d, step);
}

static void
test_rules (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (rules); i++) {
    CLEANUP_FREE char *copy = xstrdup (rules[i].steps);
    char *rest = copy, *step;
    struct driver d;

    driver_init (&d, NULL);
    while ((step = strsep (&rest, ";")) != NULL) {
      step += strspn (step, " ");
      run_step (&d, step);
      if (rest && strcmp (d.code, "ok") != 0 && d.code[0])
        fprintf (stderr, "rule %zu: %s: %s\n", i, step, d.code);
      CU_ASSERT (rest == NULL || d.code[0] == '\0' ||
                 strcmp (d.code, "ok") == 0);
    }
    if (strcmp (d.code, rules[i].code) != 0)
      fprintf (stderr, "rule %zu: %s: got %s, not %s\n", i, rules[i].steps,
               d.code, rules[i].code);
    CU_ASSERT_STRING_EQUAL (d.code, rules[i].code);
    driver_release (&d);
  }
}

/* A batch that is refused has had no effect on any of its members. */
static void
test_refused_batch_changes_nothing (void)
{
  struct driver d;

  driver_init (&d, NULL);
  driver_call (&d, "StopInstances InstanceId.1=" WEB " InstanceId.2=" LOCKED);
  CU_ASSERT_STRING_EQUAL (d.code, "OperationNotPermitted");
  CU_ASSERT_STRING_EQUAL (drive_state (d.cloud, WEB, "instanceState.name"),
                          "running");
  driver_call (&d, "StopInstances InstanceId.1=" NOBODY
                   " InstanceId.2=i-0eeeeeeeeeeeeeeee");
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "Message"),
                          "The instance IDs '" NOBODY
                          ", i-0eeeeeeeeeeeeeeee' do not exist");
  driver_release (&d);
}

static const struct unit_case cases[] = {
    {"each rule has its error", test_rules},
    {"a refused batch changes nothing", test_refused_batch_changes_nothing},
};
UNIT_MAIN ("fake-cloud/ec2-rules", cases)
