/* What happens inside and around a machine: boot, console, addresses, end. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

/* ---- boot ---- */

static void
set_status (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  json_put_str (instance->body, "_status", json_str (arg, "status", "ok"));
  fake_object_changed (cloud, instance);
}

static const char *
usual_console (const struct fake_object *instance, bool boots)
{
  bool windows = json_object_get (instance->body, "platform") != NULL;

  if (boots)
    return windows ? "Windows is Ready to use\r\n"
                   : "Reached target Multi-User System.\r\nlogin: ";
  return windows
             ? "*** STOP: 0x00000050 (PAGE_FAULT_IN_NONPAGED_AREA)\r\n"
             : "Kernel panic - not syncing: VFS: Unable to mount root fs\r\n";
}

void
aws_guest_boot (struct fake_cloud *cloud, struct fake_object *instance)
{
  const struct fake_object *root = aws_root_volume (cloud, instance);
  CLEANUP_FREE char *console = NULL;
  bool boots = root && fake_disk_boots (cloud, root->body, &console);

  fake_timers_cancel (cloud, instance, "status");
  json_put_bool (instance->body, "_boots", boots);
  json_put_int (instance->body, "_bootedMs", cloud->now_ms);
  json_put_str (instance->body, "_status", "initializing");
  json_put_str (instance->body, "_console",
                console ? console : usual_console (instance, boots));
  fake_object_changed (cloud, instance);
  fake_after (cloud, instance,
              aws_time_ms (cloud, boots ? "status_ok" : "status_impaired"),
              "status", set_status,
              json_make ("{s:s}", "status", boots ? "ok" : "impaired"));
}

void
aws_guest_off (struct fake_cloud *cloud, struct fake_object *instance)
{
  fake_timers_cancel (cloud, instance, "status");
  json_put (instance->body, "_status", NULL);
}

/* ---- public address ---- */

void
aws_assign_address (struct fake_cloud *cloud, struct fake_object *instance)
{
  CLEANUP_FREE char *address = NULL;
  uint64_t random;

  if (!json_bool (instance->body, "_autoPublicIp", false) ||
      json_object_get (instance->body, "ipAddress"))
    return;
  random = fake_random (cloud);
  /* TEST-NET-3 would be too small for a fleet. */
  address = xasprintf ("198.18.%u.%u", (unsigned)(random >> 8) & 0xff,
                       (unsigned)random & 0xff);
  json_put_str (instance->body, "ipAddress", address);
  json_put (json_array_get (json_object_get (instance->body,
                                             "networkInterfaceSet"),
                            0),
            "association",
            json_make ("{s:s,s:s}", "publicIp", address, "ipOwnerId",
                       "amazon"));
}

void
aws_drop_address (struct fake_object *instance)
{
  json_t *interface =
      json_array_get (json_object_get (instance->body, "networkInterfaceSet"),
                      0);

  /* An Elastic IP stays. */
  if (!json_bool (instance->body, "_autoPublicIp", false))
    return;
  json_put (instance->body, "ipAddress", NULL);
  json_put (interface, "association", NULL);
}

/* ---- end ---- */

static void
forget (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  (void)arg;
  fake_object_remove (cloud, instance);
}

static void
drop_volumes (struct fake_cloud *cloud, struct fake_object *instance)
{
  json_t *mappings = json_object_get (instance->body, "blockDeviceMapping");

  while (json_array_size (mappings)) {
    const json_t *entry = json_array_get (mappings, 0);
    bool gone = json_bool (entry, "ebs.deleteOnTermination", false);
    struct fake_object *volume =
        fake_object_find (cloud, "volume",
                          json_str (entry, "ebs.volumeId", NULL), NULL, NULL);

    if (volume == NULL) {
      json_array_remove (mappings, 0);
      continue;
    }
    aws_detach (cloud, volume, instance);
    /* One with Multi-Attach goes with the last of its instances. */
    if (gone && strcmp (aws_volume_state (volume), "available") == 0)
      fake_object_remove (cloud, volume);
  }
}

static void
terminated (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  (void)arg;
  drop_volumes (cloud, instance);
  aws_set_state (cloud, instance, "terminated");
  /* "visible for about an hour" [EC2 User Guide] */
  fake_after (cloud, instance, INT64_C (3600) * 1000, "forget", forget, NULL);
}

void
aws_terminate (struct fake_cloud *cloud, struct fake_object *instance,
               const char *reason)
{
  const char *state = aws_state (instance);

  if (strcmp (state, "terminated") == 0 || strcmp (state, "shutting-down") == 0)
    return;
  fake_timers_cancel (cloud, instance, NULL);
  aws_guest_off (cloud, instance);
  json_put_str (instance->body, "reason", reason);
  json_put (instance->body, "stateReason",
            json_make ("{s:s,s:s}", "code", "Client.UserInitiatedShutdown",
                       "message", reason));
  aws_set_state (cloud, instance, "shutting-down");
  fake_after (cloud, instance, aws_time_ms (cloud, "terminate"), "terminate",
              terminated, NULL);
}
