/* As much of EC2 Auto Scaling as matters to who stops instances: a stopped
 * member is unhealthy and gets terminated, unless it is in Standby or the
 * processes that do so are suspended. [Amazon EC2 Auto Scaling User Guide,
 * "Suspend and resume processes"] No new instances are launched. */

#include "aws.h"

#include <string.h>

static struct fake_object *
find_group (struct fake_cloud *cloud, const char *name, const char *account,
            const char *region)
{
  CLEANUP_FREE char *id =
      xasprintf ("group/%s/%s", region ? region : "", name ? name : "");

  return fake_object_find (cloud, "group", id, account, region);
}

static bool
suspended (const struct fake_object *group, const char *process)
{
  const json_t *list = json_object_get (group->body, "_suspended");

  for (size_t i = 0; i < json_array_size (list); i++)
    if (strcmp (json_string_value (json_array_get (list, i)), process) == 0)
      return true;
  return false;
}

static void
replace_member (struct fake_cloud *cloud, struct fake_object *instance,
                json_t *arg)
{
  const struct fake_object *group =
      find_group (cloud,
                  json_str (instance->body, "_asg.AutoScalingGroupName", NULL),
                  instance->account, instance->region);

  (void)arg;
  if (group == NULL || strcmp (aws_state (instance), "stopped") != 0 ||
      strcmp (json_str (instance->body, "_asg.LifecycleState", ""),
              "InService") != 0 ||
      suspended (group, "HealthCheck") ||
      suspended (group, "ReplaceUnhealthy") || suspended (group, "Terminate"))
    return;
  json_put_str (json_object_get (instance->body, "_asg"), "HealthStatus",
                "Unhealthy");
  aws_terminate (cloud, instance, "Auto Scaling: instance was found unhealthy");
}

void
aws_group_watch (struct fake_cloud *cloud, struct fake_object *instance)
{
  if (json_object_get (instance->body, "_asg") == NULL)
    return;
  fake_timers_cancel (cloud, instance, "group");
  fake_after (cloud, instance, aws_time_ms (cloud, "group_grace"), "group",
              replace_member, NULL);
}

/* ---- calls ---- */

static int
describe_instances (struct fake_call *call)
{
  struct aws_words ids = aws_list (call, "InstanceIds.member");
  json_t *list = json_array ();

  json_put (call->out, "AutoScalingInstances", list);
  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *object = call->cloud->objects.ptr[i];
    const json_t *member = json_object_get (object->body, "_asg");
    bool wanted = ids.len == 0;

    for (size_t j = 0; j < ids.len; j++)
      if (strcmp (ids.ptr[j], object->id) == 0)
        wanted = true;
    if (!object->gone && member && wanted &&
        strcmp (object->region, call->region) == 0 &&
        strcmp (object->account, call->account) == 0)
      json_array_append (list, (json_t *)member);
  }
  aws_words_release (&ids);
  return 0;
}

static int
missing (struct fake_call *call, const char *name)
{
  return aws_fail (
      call, 400, "ValidationError",
      "AutoScalingGroup name not found - AutoScalingGroup '%s' not "
      "found",
      name);
}

static int
describe_groups (struct fake_call *call)
{
  struct aws_words names = aws_list (call, "AutoScalingGroupNames.member");
  json_t *list = json_array ();

  json_put (call->out, "AutoScalingGroups", list);
  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *group = call->cloud->objects.ptr[i];
    const char *name = json_str (group->body, "AutoScalingGroupName", "");
    bool wanted = names.len == 0;
    json_t *body, *processes;

    for (size_t j = 0; j < names.len; j++)
      if (strcmp (names.ptr[j], name) == 0)
        wanted = true;
    if (strcmp (group->kind, "group") != 0 || !wanted ||
        strcmp (group->region, call->region) != 0 ||
        strcmp (group->account, call->account) != 0)
      continue;
    body = json_deep_copy (group->body);
    processes = json_array ();
    for (size_t j = 0;
         j < json_array_size (json_object_get (body, "_suspended")); j++)
      json_array_append_new (
          processes,
          json_make ("{s:O}", "ProcessName",
                     json_array_get (json_object_get (body, "_suspended"), j)));
    json_put (body, "SuspendedProcesses", processes);
    json_array_append_new (list, body);
  }
  aws_words_release (&names);
  return 0;
}

static int
set_lifecycle (struct fake_call *call, const char *from, const char *to)
{
  const char *name = aws_param (call, "AutoScalingGroupName");
  struct aws_words ids = aws_list (call, "InstanceIds.member");
  struct fake_objects found = VEC_EMPTY;
  int result = 0;

  if (find_group (call->cloud, name, call->account, call->region) == NULL)
    result = missing (call, name);
  for (size_t i = 0; result == 0 && i < ids.len; i++) {
    struct fake_object *instance =
        fake_object_find (call->cloud, "instance", ids.ptr[i], call->account,
                          call->region);

    if (instance == NULL ||
        strcmp (json_str (instance->body, "_asg.AutoScalingGroupName", ""),
                name) != 0 ||
        strcmp (json_str (instance->body, "_asg.LifecycleState", ""), from) !=
            0)
      result = aws_fail (call, 400, "ValidationError",
                         "The instance %s is not in %s.", ids.ptr[i], from);
    else
      fake_objects_push (&found, instance);
  }
  for (size_t i = 0; result == 0 && i < found.len; i++) {
    json_put_str (json_object_get (found.ptr[i]->body, "_asg"),
                  "LifecycleState", to);
    fake_object_changed (call->cloud, found.ptr[i]);
    call->effect = true;
    if (strcmp (to, "InService") == 0 &&
        strcmp (aws_state (found.ptr[i]), "stopped") == 0)
      aws_group_watch (call->cloud, found.ptr[i]);
  }
  json_put (call->out, "Activities", json_array ());
  aws_words_release (&ids);
  fake_objects_release (&found);
  return result;
}

static int
enter_standby (struct fake_call *call)
{
  return set_lifecycle (call, "InService", "Standby");
}

static int
exit_standby (struct fake_call *call)
{
  return set_lifecycle (call, "Standby", "InService");
}

static int
set_suspended (struct fake_call *call, bool suspend)
{
  static const char *const all[] = {"Launch", "Terminate", "HealthCheck",
                                    "ReplaceUnhealthy", "AZRebalance"};
  const char *name = aws_param (call, "AutoScalingGroupName");
  struct fake_object *group =
      find_group (call->cloud, name, call->account, call->region);
  struct aws_words words = aws_list (call, "ScalingProcesses.member");
  json_t *list;

  if (group == NULL) {
    aws_words_release (&words);
    return missing (call, name);
  }
  for (size_t i = 0; words.len == 0 && i < ARRAY_SIZE (all); i++)
    aws_words_push (&words, all[i]);
  list = json_object_get (group->body, "_suspended");
  for (size_t i = 0; i < words.len; i++) {
    for (size_t j = json_array_size (list); j-- > 0;)
      if (strcmp (json_string_value (json_array_get (list, j)), words.ptr[i]) ==
          0)
        json_array_remove (list, j);
    if (suspend)
      json_array_append_new (list, json_string (words.ptr[i]));
  }
  call->effect = true;
  fake_object_changed (call->cloud, group);
  aws_words_release (&words);
  return 0;
}

static int
suspend_processes (struct fake_call *call)
{
  return set_suspended (call, true);
}

static int
resume_processes (struct fake_call *call)
{
  return set_suspended (call, false);
}

const struct aws_action aws_autoscaling_actions[] = {
    {"autoscaling", "DescribeAutoScalingInstances",
     "InstanceIds.member.n MaxRecords:i", describe_instances},
    {"autoscaling", "DescribeAutoScalingGroups",
     "AutoScalingGroupNames.member.n MaxRecords:i", describe_groups},
    {"autoscaling", "EnterStandby",
     "AutoScalingGroupName! InstanceIds.member.n "
     "ShouldDecrementDesiredCapacity:b!",
     enter_standby},
    {"autoscaling", "ExitStandby", "AutoScalingGroupName! InstanceIds.member.n",
     exit_standby},
    {"autoscaling", "SuspendProcesses",
     "AutoScalingGroupName! ScalingProcesses.member.n", suspend_processes},
    {"autoscaling", "ResumeProcesses",
     "AutoScalingGroupName! ScalingProcesses.member.n", resume_processes},
    {NULL},
};
