/* DescribeInstanceAttribute, ModifyInstanceAttribute. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

/* Attributes with one value, and where it is kept. */
static const struct attribute {
  const char *name, *path;
  bool is_bool, can_change;
} attributes[] = {
    {"disableApiStop", "_disableApiStop", true, true},
    {"disableApiTermination", "_disableApiTermination", true, true},
    {"instanceInitiatedShutdownBehavior", "_shutdownBehavior", false, true},
    {"instanceType", "instanceType", false, false},
    {"rootDeviceName", "rootDeviceName", false, false},
    {"ebsOptimized", "ebsOptimized", true, false},
    {"enaSupport", "enaSupport", true, false},
    {"sourceDestCheck", "sourceDestCheck", true, false},
    {"kernel", "kernelId", false, false},
    {"ramdisk", "ramdiskId", false, false},
    {"userData", "_userData", false, false},
    {"sriovNetSupport", "sriovNetSupport", false, false},
};

static int
describe_attribute (struct fake_call *call)
{
  const char *name = aws_param (call, "Attribute");
  struct fake_object *instance =
      aws_instance (call, aws_param (call, "InstanceId"));
  const json_t *body =
      instance ? fake_object_view (call->cloud, instance) : NULL;

  if (body == NULL)
    return -1;
  json_put_str (call->out, "instanceId", instance->id);
  if (strcmp (name, "blockDeviceMapping") == 0 ||
      strcmp (name, "productCodes") == 0 || strcmp (name, "groupSet") == 0) {
    json_t *value = json_object_get (body, name);

    json_put (call->out, name, value ? json_deep_copy (value) : json_array ());
    return 0;
  }
  for (size_t i = 0; i < ARRAY_SIZE (attributes); i++) {
    json_t *value = json_object_get (body, attributes[i].path);

    if (strcmp (attributes[i].name, name) != 0)
      continue;
    json_put (call->out, name, json_object ());
    if (value || attributes[i].is_bool)
      json_put (json_object_get (call->out, name), "value",
                value ? json_incref (value) : json_false ());
    return 0;
  }
  return aws_fail (call, 400, "InvalidParameterValue",
                   "Value (%s) for parameter attribute is invalid. Unknown "
                   "attribute.",
                   name);
}

/* BlockDeviceMapping.n: only DeleteOnTermination can be changed. */
static int
modify_mapping (struct fake_call *call, struct fake_object *instance, int n)
{
  CLEANUP_FREE char *prefix = xasprintf ("BlockDeviceMapping.%d.", n);
  CLEANUP_FREE char *device_name = xasprintf ("%sDeviceName", prefix);
  CLEANUP_FREE char *flag_name =
      xasprintf ("%sEbs.DeleteOnTermination", prefix);
  CLEANUP_FREE char *volume_name = xasprintf ("%sEbs.VolumeId", prefix);
  const char *device = aws_param (call, device_name);
  json_t *mapping =
      aws_mapping (instance, aws_param (call, volume_name), device);
  struct fake_object *volume;
  bool flag = aws_flag (call, flag_name);

  /* Code from the list of EC2 error codes, its use here (unverified). */
  if (mapping == NULL)
    return aws_fail (call, 400, "InvalidInstanceAttributeValue",
                     "No device is currently mapped at %s", device);
  if (aws_param (call, flag_name) == NULL)
    return aws_fail (call, 400, "MissingParameter",
                     "The request must contain the parameter %s", flag_name);
  volume =
      fake_object_find (call->cloud, "volume",
                        json_str (mapping, "ebs.volumeId", NULL), NULL, NULL);
  call->effect = true;
  json_put_bool (json_object_get (mapping, "ebs"), "deleteOnTermination", flag);
  if (volume) {
    json_put_bool (aws_attachment (volume, instance->id), "deleteOnTermination",
                   flag);
    fake_object_changed (call->cloud, volume);
  }
  return 0;
}

/* "DisableApiStop.Value=true", or Attribute=disableApiStop with Value. */
static const char *
new_value (const struct fake_call *call, const struct attribute *attribute)
{
  CLEANUP_FREE char *name = xasprintf ("%s.Value", attribute->name);
  const char *asked = aws_param (call, "Attribute");

  if (name[0] >= 'a' && name[0] <= 'z')
    name[0] = (char)(name[0] - 'a' + 'A');
  if (aws_param (call, name))
    return aws_param (call, name);
  if (asked && strcmp (asked, attribute->name) == 0)
    return aws_param (call, "Value");
  return NULL;
}

static int
modify_attribute (struct fake_call *call)
{
  struct fake_object *instance =
      aws_instance (call, aws_param (call, "InstanceId"));
  int changes = 0;

  if (instance == NULL)
    return -1;
  for (int n = 1;; n++, changes++) {
    CLEANUP_FREE char *name = xasprintf ("BlockDeviceMapping.%d.DeviceName", n);

    if (aws_param (call, name) == NULL)
      break;
    if (modify_mapping (call, instance, n) < 0)
      return -1;
  }
  for (size_t i = 0; i < ARRAY_SIZE (attributes); i++) {
    const char *value = new_value (call, &attributes[i]);

    if (value == NULL)
      continue;
    if (!attributes[i].can_change)
      return aws_fail (call, 400, "UnsupportedOperation",
                       "The fake does not change '%s'.", attributes[i].name);
    call->effect = true;
    changes++;
    if (attributes[i].is_bool)
      json_put_bool (instance->body, attributes[i].path,
                     strcmp (value, "true") == 0);
    else
      json_put_str (instance->body, attributes[i].path, value);
  }
  /* One attribute a call. [model ModifyInstanceAttribute] */
  if (changes == 0)
    return aws_fail (call, 400, "InvalidParameterCombination",
                     "No attributes specified.");
  fake_object_changed (call->cloud, instance);
  json_put_bool (call->out, "return", true);
  return 0;
}

const struct aws_action aws_attribute_actions[] = {
    {"ec2", "DescribeInstanceAttribute", "InstanceId! Attribute!",
     describe_attribute},
    {"ec2", "ModifyInstanceAttribute",
     "InstanceId! Attribute Value BlockDeviceMapping.n.DeviceName "
     "BlockDeviceMapping.n.Ebs.DeleteOnTermination:b "
     "BlockDeviceMapping.n.Ebs.VolumeId DisableApiStop.Value:b "
     "DisableApiTermination.Value:b InstanceInitiatedShutdownBehavior.Value "
     "InstanceType.Value EbsOptimized.Value:b SourceDestCheck.Value:b "
     "EnaSupport.Value:b",
     modify_attribute},
    {NULL},
};
