/* Instances, volumes, snapshots, groups and addresses that are there at the
 * start.  README.md describes the members. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

#include <fake-cloud/rest.h>

static const char *
first_account (const struct fake_cloud *cloud)
{
  return json_object_iter_key (
      json_object_iter ((json_t *)fake_config (cloud, "aws.accounts")));
}

/* ---- instances ---- */

static const char *const instance_keys[] = {"id",
                                            "count",
                                            "account",
                                            "zone",
                                            "type",
                                            "name",
                                            "platform",
                                            "platform_details",
                                            "root_device",
                                            "root_type",
                                            "root",
                                            "volumes",
                                            "tags",
                                            "state",
                                            "product_codes",
                                            "asg",
                                            "lifecycle",
                                            "hibernation",
                                            "tpm",
                                            "managed",
                                            "public",
                                            "tenancy",
                                            "cpu_credits",
                                            "disable_api_stop",
                                            "vpc",
                                            "subnet",
                                            "max_attachments",
                                            "disable_api_termination",
                                            "devices",
                                            "launch",
                                            "stop_hangs",
                                            "shutdown_behavior",
                                            "no_capacity",
                                            "system_status",
                                            NULL};

static const struct fake_kept instance_kept[] = {
    {"platform", "platform"},
    {"lifecycle", "instanceLifecycle"},
    {"tpm", "tpmSupport"},
    {"cpu_credits", "_cpuCredits"},
    {"disable_api_stop", "_disableApiStop"},
    {"disable_api_termination", "_disableApiTermination"},
    {"max_attachments", "_maxAttachments"},
    {"devices", "_devices"},
    {"stop_hangs", "_stopHangs"},
    {"no_capacity", "_noCapacity"},
    {"system_status", "_systemStatus"},
    {NULL},
};

static json_t *
new_instance (struct fake_cloud *cloud, const json_t *spec, const char *account,
              const char *zone)
{
  bool windows = json_object_get (spec, "platform") != NULL;
  CLEANUP_FREE char *hex = fake_random_hex (cloud, 16);
  CLEANUP_FREE char *eni = xasprintf ("eni-0%s", hex);
  CLEANUP_FREE char *reservation = xasprintf ("r-0%s", hex);
  unsigned random = (unsigned)fake_random (cloud);
  CLEANUP_FREE char *address =
      xasprintf ("10.%u.%u.%u", random & 255, random >> 8 & 255,
                 random >> 16 & 255);
  const char *vpc = json_str (spec, "vpc", "vpc-0fa4e0000000000001");
  const char *subnet = json_str (spec, "subnet", "subnet-0fa4e0000000001");

  return json_make (
      "{s:s,s:s,s:o,s:s,s:s,s:s,s:{s:s,s:s},s:s,s:s,s:s,s:[],s:s,s:s,s:s,s:s,"
      "s:b,s:{s:b},s:o,s:o,s:[{s:s,s:s,s:s,s:s,s:s,s:s}],s:s,s:s,s:s,s:s}",
      "instanceId", "", "imageId", "ami-0fa4e000000000001", "instanceState",
      aws_state_json (json_str (spec, "state", "running")), "privateIpAddress",
      address, "reason", "", "instanceType",
      json_str (spec, "type", "m5.large"), "placement", "availabilityZone",
      zone, "tenancy", json_str (spec, "tenancy", "default"), "subnetId",
      subnet, "vpcId", vpc, "architecture", "x86_64", "blockDeviceMapping",
      "rootDeviceType", json_str (spec, "root_type", "ebs"), "rootDeviceName",
      json_str (spec, "root_device", windows ? "/dev/sda1" : "/dev/xvda"),
      "virtualizationType", "hvm", "hypervisor", "xen", "enaSupport", 1,
      "hibernationOptions", "configured",
      json_bool (spec, "hibernation", false), "productCodes",
      aws_product_codes (json_object_get (spec, "product_codes")), "tagSet",
      aws_tag_set (json_object_get (spec, "tags")), "networkInterfaceSet",
      "networkInterfaceId", eni, "subnetId", subnet, "vpcId", vpc, "status",
      "in-use", "ownerId", account, "privateIpAddress", address,
      "platformDetails",
      json_str (spec, "platform_details", windows ? "Windows" : "Linux/UNIX"),
      "_reservationId", reservation, "_ownerId", account, "_shutdownBehavior",
      json_str (spec, "shutdown_behavior", "stop"));
}

static int
add_group_member (struct fake_cloud *cloud, struct fake_object *instance,
                  const char *name, struct err **err)
{
  CLEANUP_FREE char *id = xasprintf ("group/%s/%s", instance->region, name);

  if (fake_object_find (cloud, "group", id, instance->account,
                        instance->region) == NULL)
    return err_set (err, ERR_INPUT, "instance: no such group: \"%s\"", name);
  json_array_append_new (aws_tags_of (instance->body),
                         json_make ("{s:s,s:s}", "key",
                                    "aws:autoscaling:groupName", "value",
                                    name));
  json_put (instance->body, "_asg",
            json_make ("{s:s,s:s,s:s,s:s,s:s,s:b}", "InstanceId", instance->id,
                       "AutoScalingGroupName", name, "AvailabilityZone",
                       json_str (instance->body, "placement.availabilityZone",
                                 ""),
                       "LifecycleState", "InService", "HealthStatus", "HEALTHY",
                       "ProtectedFromScaleIn", 0));
  return 0;
}

static void
add_elastic_ip (struct fake_cloud *cloud, struct fake_object *instance)
{
  unsigned random = (unsigned)fake_random (cloud);
  CLEANUP_FREE char *ip =
      xasprintf ("198.19.%u.%u", random >> 8 & 255, random & 255);
  json_t *interface =
      json_array_get (json_object_get (instance->body, "networkInterfaceSet"),
                      0);
  struct fake_object *address =
      fake_object_add (cloud, "elastic-ip", NULL, "eipalloc-",
                       instance->account, instance->region,
                       json_make ("{s:s,s:s,s:s,s:O,s:[]}", "instanceId",
                                  instance->id, "publicIp", ip, "domain", "vpc",
                                  "networkInterfaceId",
                                  json_object_get (interface,
                                                   "networkInterfaceId"),
                                  "tagSet"));

  json_put_str (address->body, "allocationId", address->id);
  json_put_str (instance->body, "ipAddress", ip);
  json_put (interface, "association",
            json_make ("{s:s,s:s}", "publicIp", ip, "ipOwnerId",
                       instance->account));
}

static int
add_disks (struct fake_cloud *cloud, struct fake_object *instance,
           const json_t *spec, const char *zone, struct err **err)
{
  bool store = strcmp (json_str (spec, "root_type", "ebs"), "ebs") != 0;
  const json_t *root = json_object_get (spec, "root");
  CLEANUP_JSON json_t *empty = json_object ();
  struct fake_object *volume;
  size_t i;
  json_t *data;

  if (!store) {
    volume = aws_add_volume (cloud, root ? root : empty, instance->account,
                             zone, err);
    if (volume == NULL)
      return err_wrap (err, "root");
    aws_attach (cloud, volume, instance,
                json_str (instance->body, "rootDeviceName", ""), "attached",
                json_bool (root, "delete_on_termination", true));
  }
  json_array_foreach (json_object_get (spec, "volumes"), i, data)
  {
    const char *device = json_need_str (data, "device", err);

    volume = device ? aws_add_volume (cloud, data, instance->account, zone, err)
                    : NULL;
    if (volume == NULL)
      return err_wrap (err, "volume %zu", i);
    aws_attach (cloud, volume, instance, device, "attached",
                json_bool (data, "delete_on_termination", false));
    aws_link (cloud, volume, instance, true);
  }
  return 0;
}

/* What was running at the start has been so for long. */
static void
settle (struct fake_cloud *cloud, struct fake_object *instance)
{
  CLEANUP_FREE char *launched =
      fake_time_text (fake_now_ms (cloud) - INT64_C (86400) * 1000);

  json_put_str (instance->body, "launchTime", launched);
  if (strcmp (aws_state (instance), "running") != 0)
    return;
  aws_guest_boot (cloud, instance);
  fake_timers_cancel (cloud, instance, "status");
  json_put_str (instance->body, "_status",
                json_bool (instance->body, "_boots", true) ? "ok" : "impaired");
  json_put_int (instance->body, "_bootedMs", -86400000);
}

static int
add_instance (struct fake_cloud *cloud, const json_t *spec, struct err **err)
{
  const char *zone = json_str (spec, "zone", "");
  const char *account = json_str (spec, "account", first_account (cloud));
  const char *region = aws_region_of (cloud, zone);
  const char *group = json_str (spec, "asg", NULL);
  const char *public = json_str (spec, "public", "");
  struct fake_object *instance;
  json_t *body;

  if (region == NULL || account == NULL)
    return err_set (err, ERR_INPUT, "no such zone: \"%s\", or no account",
                    zone);
  body = new_instance (cloud, spec, account, zone);
  instance = fake_object_add (cloud, "instance", json_str (spec, "id", NULL),
                              "i-", account, region, body);
  json_put_str (body, "instanceId", instance->id);
  fake_keep (spec, body, instance_kept);
  json_put (body, "_launch",
            json_make ("{s:b,s:s*}", "_boots",
                       json_bool (spec, "launch.boots", true), "_image",
                       json_str (spec, "launch.image", NULL)));
  if (json_object_get (spec, "name"))
    json_array_append_new (aws_tags_of (body),
                           json_make ("{s:s,s:O}", "key", "Name", "value",
                                      json_object_get (spec, "name")));
  if (json_bool (spec, "managed", false))
    json_put (body, "operator",
              json_make ("{s:b,s:s}", "managed", 1, "principal", "eks"));
  if (add_disks (cloud, instance, spec, zone, err) < 0 ||
      (group && add_group_member (cloud, instance, group, err) < 0))
    return -1;
  json_put_bool (body, "_autoPublicIp", strcmp (public, "auto") == 0);
  if (strcmp (aws_state (instance), "running") == 0)
    aws_assign_address (cloud, instance);
  if (strcmp (public, "elastic") == 0)
    add_elastic_ip (cloud, instance);
  settle (cloud, instance);
  fake_object_changed (cloud, instance);
  return 0;
}

/* {"name", "region", "account", "suspended": [..]} */
static int
add_group (struct fake_cloud *cloud, const json_t *spec, struct err **err)
{
  static const char *const keys[] = {"name", "region", "account", "suspended",
                                     NULL};
  const char *name = json_need_str (spec, "name", err);
  const char *region = name ? json_need_str (spec, "region", err) : NULL;
  const char *account = json_str (spec, "account", first_account (cloud));
  CLEANUP_FREE char *id = NULL;
  const json_t *suspended = json_object_get (spec, "suspended");

  if (region == NULL || fake_check_keys (spec, keys, "group", err) < 0)
    return -1;
  id = xasprintf ("group/%s/%s", region, name);
  fake_object_add (cloud, "group", id, "", account, region,
                   json_make ("{s:s,s:s,s:i,s:i,s:i,s:o}",
                              "AutoScalingGroupName", name, "HealthCheckType",
                              "EC2", "MinSize", 0, "MaxSize", 100,
                              "DesiredCapacity", 1, "_suspended",
                              suspended ? json_deep_copy (suspended)
                                        : json_array ()));
  return 0;
}

int
aws_load_fleet (struct fake_cloud *cloud, const json_t *config,
                struct err **err)
{
  size_t i;
  json_t *spec;

  json_array_foreach (json_object_get (config, "groups"), i, spec)
  {
    if (add_group (cloud, spec, err) < 0)
      return err_wrap (err, "groups[%zu]", i);
  }
  json_array_foreach (json_object_get (config, "instances"), i, spec)
  {
    if (fake_check_keys (spec, instance_keys, "instance", err) < 0 ||
        fake_add_each (cloud, spec, add_instance, err) < 0)
      return err_wrap (err, "instances[%zu]", i);
  }
  json_array_foreach (json_object_get (config, "volumes"), i, spec)
  {
    const char *account = json_str (spec, "account", first_account (cloud));
    const char *zone = json_need_str (spec, "zone", err);

    if (zone == NULL ||
        aws_add_volume (cloud, spec, account, zone, err) == NULL)
      return err_wrap (err, "volumes[%zu]", i);
  }
  return 0;
}
