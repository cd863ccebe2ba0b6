/* StartInstances, StopInstances, RebootInstances, TerminateInstances.
 *
 * A batch is checked as a whole first: one id that can't, and nothing happens
 * (aws-solutions/instance-scheduler-on-aws#266 for start; a choice for the
 * others). */

#include "aws.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool
is_state (const struct fake_object *instance, const char *state)
{
  return strcmp (aws_state (instance), state) == 0;
}

/* "User initiated (2026-01-02 03:04:05 GMT)" */
static void
set_reason (struct fake_cloud *cloud, struct fake_object *instance,
            const char *code, const char *message, bool with_time)
{
  time_t seconds = (time_t)(fake_now_ms (cloud) / 1000);
  CLEANUP_FREE char *reason = NULL;
  char when[32];
  struct tm tm;

  gmtime_r (&seconds, &tm);
  strftime (when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
  reason =
      with_time ? xasprintf ("User initiated (%s GMT)", when) : xstrdup (code);
  json_put_str (instance->body, "reason", reason);
  json_put (instance->body, "stateReason",
            json_make ("{s:s,s:s}", "code", code, "message", message));
}

static void
add_change (struct fake_call *call, const struct fake_object *instance,
            const char *before)
{
  json_t *list = json_list (call->out, "instancesSet");

  json_array_append_new (list,
                         json_make ("{s:s,s:o,s:o}", "instanceId", instance->id,
                                    "currentState",
                                    aws_state_json (aws_state (instance)),
                                    "previousState", aws_state_json (before)));
}

/* Runs `check` on all, takes resource tokens, then runs `act` on all. */
static int
for_all (struct fake_call *call, double refill,
         int (*check) (struct fake_call *, struct fake_object *),
         void (*act) (struct fake_call *, struct fake_object *))
{
  struct aws_words ids = aws_list (call, "InstanceId");
  struct fake_objects found = VEC_EMPTY;
  CLEANUP_FREE char *bucket = xasprintf ("%s/resources", call->action);
  int result = aws_instances (call, &ids, &found);

  for (size_t i = 0; result == 0 && i < found.len; i++)
    result = check (call, found.ptr[i]);
  if (result == 0 && refill > 0 &&
      !aws_throttle (call, bucket, 1000, refill, (double)found.len))
    result = aws_throttled (call);
  for (size_t i = 0; result == 0 && i < found.len; i++) {
    CLEANUP_FREE char *before = xstrdup (aws_state (found.ptr[i]));

    act (call, found.ptr[i]);
    add_change (call, found.ptr[i], before);
  }
  aws_words_release (&ids);
  fake_objects_release (&found);
  return result;
}

/* ---- start ---- */

static int
check_capacity (struct fake_call *call, const struct fake_object *instance)
{
  const char *type = json_str (instance->body, "instanceType", "");
  const char *zone =
      json_str (instance->body, "placement.availabilityZone", "");
  CLEANUP_FREE char *pair = xasprintf ("%s/%s", zone, type);
  const json_t *full = fake_config (call->cloud, "aws.no_capacity");
  bool none = json_bool (instance->body, "_noCapacity", false);

  for (size_t i = 0; i < json_array_size (full); i++)
    if (strcmp (pair, json_string_value (json_array_get (full, i))) == 0)
      none = true;
  if (!none)
    return 0;
  return aws_fail (call, 500, "InsufficientInstanceCapacity",
                   "We currently do not have sufficient %s capacity in the "
                   "Availability Zone you requested (%s). Our system will be "
                   "working on provisioning additional capacity.",
                   type, zone);
}

static int
check_start (struct fake_call *call, struct fake_object *instance)
{
  const json_t *root =
      aws_mapping (instance, NULL,
                   json_str (instance->body, "rootDeviceName", ""));

  if (is_state (instance, "running") || is_state (instance, "pending"))
    return 0;
  if (!is_state (instance, "stopped"))
    return aws_fail (call, 400, "IncorrectInstanceState",
                     "The instance '%s' is not in a state from which it can be "
                     "started.",
                     instance->id);
  if (root == NULL ||
      strcmp (json_str (root, "ebs.status", ""), "detaching") == 0)
    return aws_fail (
        call, 400, "InvalidParameterValue",
        "Invalid value '%s' for instanceId. Instance does not have "
        "a volume attached at root (%s)",
        instance->id, json_str (instance->body, "rootDeviceName", ""));
  return check_capacity (call, instance);
}

static void
started (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  if (json_bool (arg, "failed", false)) {
    const char *code = json_str (arg, "code", "Server.InternalError");
    CLEANUP_FREE char *message =
        xasprintf ("%s: %s error on launch", code,
                   strncmp (code, "Client", 6) == 0 ? "Client" : "Server");

    set_reason (cloud, instance, code, message, false);
    aws_drop_address (instance);
    aws_set_state (cloud, instance, "stopped");
    return;
  }
  json_put (instance->body, "_neverRan", NULL);
  json_put (instance->body, "reason", json_string (""));
  json_put (instance->body, "stateReason", NULL);
  aws_set_state (cloud, instance, "running");
  aws_guest_boot (cloud, instance);
}

/* StartInstances says 200 even if the key of an encrypted root can't be used;
 * the instance falls back. [instance-scheduler-on-aws#9, #49] */
static bool
keys_usable (struct fake_call *call, const struct fake_object *instance)
{
  size_t i;
  json_t *entry;

  json_array_foreach (json_object_get (instance->body, "blockDeviceMapping"), i,
                      entry)
  {
    const struct fake_object *volume =
        fake_object_find (call->cloud, "volume",
                          json_str (entry, "ebs.volumeId", NULL), NULL, NULL);

    if (volume && !aws_key_usable (call, volume->body))
      return false;
  }
  return true;
}

static void
start (struct fake_call *call, struct fake_object *instance)
{
  json_t *arg = json_object ();

  if (!is_state (instance, "stopped")) {
    json_decref (arg);
    return;
  }
  if (!keys_usable (call, instance)) {
    json_put_bool (arg, "failed", true);
    json_put_str (arg, "code", "Client.InternalError");
  }
  call->effect = true;
  fake_timers_cancel (call->cloud, instance, "group");
  aws_put_now (call->cloud, instance->body, "launchTime");
  aws_assign_address (call->cloud, instance);
  aws_set_state (call->cloud, instance, "pending");
  fake_call_after (call, instance, aws_time_ms (call->cloud, "start"), "start",
                   started, arg);
}

static int
start_instances (struct fake_call *call)
{
  return for_all (call, 2, check_start, start);
}

/* ---- stop ---- */

static int
check_stop (struct fake_call *call, struct fake_object *instance)
{
  if (json_bool (instance->body, "_disableApiStop", false))
    return aws_fail (call, 400, "OperationNotPermitted",
                     "The instance '%s' may not be stopped. Modify its "
                     "'disableApiStop' instance attribute and try again.",
                     instance->id);
  if (strcmp (json_str (instance->body, "rootDeviceType", ""), "ebs") != 0)
    return aws_fail (
        call, 400, "UnsupportedOperation",
        "The instance '%s' does not have an 'ebs' root device type "
        "and cannot be stopped.",
        instance->id);
  if (aws_flag (call, "Hibernate") &&
      !json_bool (instance->body, "hibernationOptions.configured", false))
    return aws_fail (call, 400, "UnsupportedHibernationConfiguration",
                     "The instance '%s' is not configured for hibernation.",
                     instance->id);
  if (is_state (instance, "pending") &&
      json_bool (instance->body, "_neverRan", false))
    return aws_fail (call, 400, "IncorrectInstanceState",
                     "Instance '%s' cannot be stopped as it has never reached "
                     "the 'running' state.",
                     instance->id);
  if (is_state (instance, "terminated") || is_state (instance, "shutting-down"))
    return aws_fail (
        call, 400, "IncorrectInstanceState",
        "This instance '%s' is not in a state from which it can be "
        "stopped.",
        instance->id);
  return 0;
}

static void
stopped (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  size_t i;
  json_t *entry;

  (void)arg;
  aws_drop_address (instance);
  json_put (instance->body, "_boots", NULL);
  aws_set_state (cloud, instance, "stopped");
  /* A guest that is off holds no volume. */
  json_array_foreach (json_object_get (instance->body, "blockDeviceMapping"), i,
                      entry)
  {
    struct fake_object *volume =
        fake_object_find (cloud, "volume",
                          json_str (entry, "ebs.volumeId", NULL), NULL, NULL);

    if (volume &&
        strcmp (json_str (aws_attachment (volume, instance->id), "status", ""),
                "busy") == 0) {
      aws_detach (cloud, volume, instance);
      i--;
    }
  }
  aws_group_watch (cloud, instance);
}

/* A healthy guest shuts down in its own time, Force or not; one that does not
 * listen is cut off after a while, with SkipOsShutdown or Force soon. */
static const char *
stop_time (const struct fake_call *call, const struct fake_object *instance)
{
  bool healthy = json_bool (instance->body, "_boots", true);

  if (aws_flag (call, "SkipOsShutdown"))
    return "stop_forced";
  if (healthy)
    return "stop";
  return aws_flag (call, "Force") ? "stop_forced" : "stop_unhealthy";
}

static void
stop (struct fake_call *call, struct fake_object *instance)
{
  const char *time = stop_time (call, instance);
  bool again = is_state (instance, "stopping");
  bool cut = aws_flag (call, "Force") || aws_flag (call, "SkipOsShutdown");
  bool hangs = json_bool (instance->body, "_stopHangs", false);

  /* A second call only matters if it cuts off a guest that does not listen. */
  if (is_state (instance, "stopped") ||
      (again && !hangs && strcmp (time, "stop_forced") != 0))
    return;
  call->effect = true;
  fake_timers_cancel (call->cloud, instance, "start");
  fake_timers_cancel (call->cloud, instance, "stop");
  set_reason (call->cloud, instance,
              aws_flag (call, "Hibernate") ? "Client.UserInitiatedHibernate"
                                           : "Client.UserInitiatedShutdown",
              aws_flag (call, "Hibernate")
                  ? "Client.UserInitiatedHibernate: User initiated hibernate"
                  : "Client.UserInitiatedShutdown: User initiated shutdown",
              true);
  aws_guest_off (call->cloud, instance);
  aws_set_state (call->cloud, instance, "stopping");
  if (!hangs || cut)
    fake_call_after (call, instance, aws_time_ms (call->cloud, time), "stop",
                     stopped, NULL);
}

static int
stop_instances (struct fake_call *call)
{
  return for_all (call, 20, check_stop, stop);
}

/* ---- reboot, terminate ---- */

static int
check_reboot (struct fake_call *call, struct fake_object *instance)
{
  if (is_state (instance, "running"))
    return 0;
  return aws_fail (call, 400, "IncorrectState",
                   "Instance '%s' is not in the 'running' state.",
                   instance->id);
}

static void
reboot (struct fake_call *call, struct fake_object *instance)
{
  call->effect = true;
  aws_guest_boot (call->cloud, instance);
}

static int
reboot_instances (struct fake_call *call)
{
  int result = for_all (call, 0, check_reboot, reboot);

  json_object_clear (call->out);
  json_put_bool (call->out, "return", true);
  return result;
}

static int
check_terminate (struct fake_call *call, struct fake_object *instance)
{
  if (!json_bool (instance->body, "_disableApiTermination", false))
    return 0;
  return aws_fail (call, 400, "OperationNotPermitted",
                   "The instance '%s' may not be terminated. Modify its "
                   "'disableApiTermination' instance attribute and try again.",
                   instance->id);
}

static void
terminate (struct fake_call *call, struct fake_object *instance)
{
  call->effect = true;
  aws_terminate (call->cloud, instance, "User initiated");
}

static int
terminate_instances (struct fake_call *call)
{
  return for_all (call, 20, check_terminate, terminate);
}

const struct aws_action aws_instance_actions[] = {
    {"ec2", "StartInstances", "InstanceId.n! AdditionalInfo", start_instances},
    {"ec2", "StopInstances",
     "InstanceId.n! Force:b Hibernate:b SkipOsShutdown:b", stop_instances},
    {"ec2", "RebootInstances", "InstanceId.n!", reboot_instances},
    {"ec2", "TerminateInstances", "InstanceId.n!", terminate_instances},
    {NULL},
};
