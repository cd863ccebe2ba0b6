/* AttachVolume and DetachVolume. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

static bool
is_state (const struct fake_object *instance, const char *state)
{
  return strcmp (aws_state (instance), state) == 0;
}

static void
put_attachment (struct fake_call *call, const json_t *attachment,
                const char *status)
{
  fake_merge (call->out, attachment);
  json_put_str (call->out, "status", status);
}

static struct fake_object *
instance_of (struct fake_cloud *cloud, const json_t *attachment)
{
  return fake_object_find (cloud, "instance",
                           json_str (attachment, "instanceId", NULL), NULL,
                           NULL);
}

static bool
is_root (const struct fake_object *instance, const json_t *attachment)
{
  return strcmp (json_str (attachment, "device", ""),
                 json_str (instance->body, "rootDeviceName", "")) == 0;
}

/* ---- attach ---- */

/* "/dev/sd[a-z]", "/dev/xvd[a-z]", with a partition number or a second letter,
 * with or without /dev/. [EC2 User Guide, "Device names for volumes"] */
static bool
device_good (const char *name)
{
  const char *p = strncmp (name, "/dev/", 5) == 0 ? name + 5 : name;
  size_t letters, digits;

  if (strncmp (p, "sd", 2) == 0)
    p += 2;
  else if (strncmp (p, "xvd", 3) == 0)
    p += 3;
  else
    return false;
  letters = strspn (p, "abcdefghijklmnopqrstuvwxyz");
  digits = strspn (p + letters, "0123456789");
  return letters >= 1 && letters <= 2 && digits <= 2 &&
         p[letters + digits] == '\0';
}

static bool
attachable (const struct fake_object *volume,
            const struct fake_object *instance)
{
  return strcmp (aws_volume_state (volume), "available") == 0 ||
         (json_bool (volume->body, "multiAttachEnabled", false) &&
          aws_attachment (volume, instance->id) == NULL);
}

static int
check_volume (struct fake_call *call, const struct fake_object *volume,
              const struct fake_object *instance)
{
  if (!is_state (instance, "running") && !is_state (instance, "stopped"))
    return aws_fail (call, 400, "IncorrectState",
                     "Instance '%s' is not 'running'.", instance->id);
  if (strcmp (aws_volume_state (volume), "in-use") == 0 &&
      !attachable (volume, instance))
    return aws_fail (call, 400, "VolumeInUse",
                     "%s is already attached to an instance", volume->id);
  if (!attachable (volume, instance))
    return aws_fail (call, 400, "IncorrectState", "%s is not 'available'.",
                     volume->id);
  if (strcmp (json_str (volume->body, "availabilityZone", ""),
              json_str (instance->body, "placement.availabilityZone", "")) != 0)
    return aws_fail (call, 400, "InvalidVolume.ZoneMismatch",
                     "The volume '%s' is not in the same availability zone as "
                     "instance '%s'",
                     volume->id, instance->id);
  return 0;
}

static int
check_codes (struct fake_call *call, const struct fake_object *volume,
             const struct fake_object *instance)
{
  if (!aws_has_product_codes (volume))
    return 0;
  if (!is_state (instance, "stopped"))
    return aws_fail (call, 400, "IncorrectInstanceState",
                     "Cannot attach volume '%s' with Marketplace codes as the "
                     "instance '%s' is not in the 'stopped' state",
                     volume->id, instance->id);
  /* The rule is the model's, the code (unverified). */
  if (json_bool (volume->body, "_windowsProduct", false) &&
      json_object_get (instance->body, "platform") == NULL)
    return aws_fail (call, 400, "OperationNotPermitted",
                     "The volume '%s' with Marketplace codes does not fit the "
                     "operating system of instance '%s'",
                     volume->id, instance->id);
  return 0;
}

static int
check_place (struct fake_call *call, const struct fake_object *instance,
             const char *device)
{
  size_t used =
      json_array_size (json_object_get (instance->body, "blockDeviceMapping"));

  if (!device_good (device))
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Value (%s) for parameter device is invalid. %s is not a "
                     "valid EBS device name.",
                     device, device);
  if (aws_mapping (instance, NULL, device))
    return aws_fail (
        call, 400, "InvalidParameterValue",
        "Invalid value '%s' for unixDevice. Attachment point %s is "
        "already in use",
        device, device);
  if (used >= aws_max_attachments (instance))
    return aws_fail (call, 400, "AttachmentLimitExceeded",
                     "Attachment limit of %u exceeded for instance %s",
                     aws_max_attachments (instance), instance->id);
  return 0;
}

static void
attached (struct fake_cloud *cloud, struct fake_object *volume, json_t *arg)
{
  struct fake_object *instance = instance_of (cloud, arg);
  size_t i;
  json_t *code;

  if (instance == NULL || aws_attachment (volume, instance->id) == NULL)
    return;
  /* A machine that was started meanwhile runs from what it has. */
  if (json_bool (arg, "failed", false) &&
      !(is_root (instance, aws_attachment (volume, instance->id)) &&
        !is_state (instance, "stopped"))) {
    aws_detach (cloud, volume, instance);
    return;
  }
  aws_attach_status (cloud, volume, instance, "attached");
  json_array_foreach (json_object_get (volume->body, "_productCodes"), i, code)
  {
    json_array_append_new (json_object_get (instance->body, "productCodes"),
                           json_deep_copy (code));
  }
  aws_link (cloud, volume, instance, true);
}

static int
attach_volume (struct fake_call *call)
{
  struct fake_object *volume = aws_volume (call, aws_param (call, "VolumeId"));
  struct fake_object *instance =
      volume ? aws_instance (call, aws_param (call, "InstanceId")) : NULL;
  const char *device = aws_param (call, "Device");
  json_t *arg;

  if (instance == NULL || check_volume (call, volume, instance) < 0 ||
      check_place (call, instance, device) < 0 ||
      check_codes (call, volume, instance) < 0)
    return -1;
  arg = json_make ("{s:s}", "instanceId", instance->id);
  /* A key that can't be used shows only afterwards. (unverified) */
  if (!aws_key_usable (call, volume->body))
    json_put_bool (arg, "failed", true);
  call->effect = true;
  /* Attach forgets what DeleteOnTermination was. */
  aws_attach (call->cloud, volume, instance, device, "attaching", false);
  put_attachment (call, aws_attachment (volume, instance->id), "attaching");
  fake_call_after (call, volume, aws_time_ms (call->cloud, "attach"), "attach",
                   attached, arg);
  return 0;
}

/* ---- detach ---- */

/* The attachment that the call means, NULL after aws_fail. */
static json_t *
meant_attachment (struct fake_call *call, const struct fake_object *volume)
{
  json_t *list = json_object_get (volume->body, "attachmentSet");
  const char *instance = aws_param (call, "InstanceId");
  const char *device = aws_param (call, "Device");
  json_t *attachment;

  if (instance && aws_instance (call, instance) == NULL)
    return NULL;
  if (json_array_size (list) == 0) {
    aws_fail (call, 400, "IncorrectState", "Volume '%s' is in the '%s' state.",
              volume->id, aws_volume_state (volume));
    return NULL;
  }
  /* The code is (unverified). */
  if (instance == NULL &&
      json_bool (volume->body, "multiAttachEnabled", false)) {
    aws_fail (call, 400, "InvalidParameterCombination",
              "The volume '%s' is enabled for Multi-Attach: specify the "
              "instance",
              volume->id);
    return NULL;
  }
  attachment =
      instance ? aws_attachment (volume, instance) : json_array_get (list, 0);
  if (attachment && (device == NULL ||
                     strcmp (json_str (attachment, "device", ""), device) == 0))
    return attachment;
  aws_fail (call, 400, "InvalidAttachment.NotFound",
            "The volume '%s' is not attached to instance '%s' as device '%s'.",
            volume->id, instance ? instance : "", device ? device : "");
  return NULL;
}

static int
check_detach (struct fake_call *call, const struct fake_object *volume,
              const struct fake_object *instance, const json_t *attachment)
{
  bool root = is_root (instance, attachment);

  if (json_bool (volume->body, "operator.managed", false))
    return aws_fail (call, 400, "UnsupportedOperationException",
                     "The volume '%s' belongs to a resource that AWS manages.",
                     volume->id);
  if (is_state (instance, "shutting-down") || is_state (instance, "terminated"))
    return aws_fail (call, 400, "IncorrectInstanceState",
                     "Unable to detach volume '%s' from instance '%s' . The "
                     "instance is not in a state in which volumes can be "
                     "detached.",
                     volume->id, instance->id);
  if (root && !is_state (instance, "stopped"))
    return aws_fail (call, 400, "IncorrectState",
                     "Unable to detach root volume '%s' from instance '%s'",
                     volume->id, instance->id);
  if (aws_has_product_codes (volume) && !is_state (instance, "stopped"))
    return aws_fail (call, 400, "IncorrectInstanceState",
                     "Unable to detach volume '%s' with Marketplace codes from "
                     "instance '%s' as the instance is not in the 'stopped' "
                     "state.",
                     volume->id, instance->id);
  /* (unverified) */
  if (strcmp (json_str (attachment, "status", ""), "detaching") == 0 &&
      !aws_flag (call, "Force"))
    return aws_fail (call, 400, "IncorrectState",
                     "Volume '%s' is in the 'detaching' state.", volume->id);
  return 0;
}

static void
drop_codes (const struct fake_object *volume, struct fake_object *instance)
{
  json_t *codes = json_object_get (instance->body, "productCodes");
  size_t i;
  json_t *code;

  json_array_foreach (json_object_get (volume->body, "_productCodes"), i, code)
  {
    for (size_t j = json_array_size (codes); j-- > 0;)
      if (json_equal (json_array_get (codes, j), code))
        json_array_remove (codes, j);
  }
}

static void
detached (struct fake_cloud *cloud, struct fake_object *volume, json_t *arg)
{
  struct fake_object *instance = instance_of (cloud, arg);

  if (instance == NULL || aws_attachment (volume, instance->id) == NULL)
    return;
  if (json_bool (arg, "failed", false)) {
    aws_attach_status (cloud, volume, instance, "attached");
    return;
  }
  drop_codes (volume, instance);
  aws_detach (cloud, volume, instance);
}

static int
detach_volume (struct fake_call *call)
{
  struct fake_object *volume = aws_volume (call, aws_param (call, "VolumeId"));
  json_t *attachment = volume ? meant_attachment (call, volume) : NULL;
  struct fake_object *instance =
      attachment ? instance_of (call->cloud, attachment) : NULL;
  bool busy;

  if (instance == NULL || check_detach (call, volume, instance, attachment) < 0)
    return -1;
  busy = json_bool (volume->body, "_busy", false) &&
         is_state (instance, "running") && !aws_flag (call, "Force");
  call->effect = true;
  put_attachment (call, attachment, busy ? "busy" : "detaching");
  fake_timers_cancel (call->cloud, volume, "attach");
  fake_timers_cancel (call->cloud, volume, "detach");
  aws_attach_status (call->cloud, volume, instance,
                     busy ? "busy" : "detaching");
  if (!busy)
    fake_call_after (call, volume, aws_time_ms (call->cloud, "detach"),
                     "detach", detached,
                     json_make ("{s:s}", "instanceId", instance->id));
  return 0;
}

const struct aws_action aws_attach_actions[] = {
    {"ec2", "AttachVolume", "VolumeId! InstanceId! Device!", attach_volume},
    {"ec2", "DetachVolume", "VolumeId! InstanceId Device Force:b",
     detach_volume},
    {NULL},
};
