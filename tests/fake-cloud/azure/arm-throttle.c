/* The limits of Resource Manager and of Compute.
 *
 * Front door, for each subscription and principal: reads 250 and 25 a second,
 * writes and deletes 200 and 10. [learn.microsoft.com "Understand how Azure
 * Resource Manager throttles requests"]  Compute, for each subscription and
 * region, and for each VM. [learn.microsoft.com "Compute throttling limits"]
 * Disks have their own, as the headers of recorded traffic show them; they are
 * buckets here, too (choice). */

#include "arm.h"

#include <math.h>
#include <string.h>

static const struct policy {
  const char *name;
  double size, per_minute;       /* of a subscription */
  double vm_size, vm_per_minute; /* of a VM; 0: none */
} policies[] = {
    {"PutVM", 1500, 500, 12, 4},
    {"UpdateVM", 1500, 500, 12, 4},
    {"DeleteVM", 1500, 500, 12, 4},
    {"LowCostGet", 24000, 8000, 36, 12},
    {"HighCostGet", 900, 300, 0, 0},
    {"GetOperation", 15000, 5000, 45, 15},
    {"CreateUpdateDisks", 1000, 1000 / 3.0, 0, 0},
    {"HighCostSnapshotCreateHydrate", 1000, 1000 / 3.0, 0, 0},
    {"DiskLowCostGet", 5000, 5000 / 3.0, 0, 0},
    {"DiskHighCostGet", 900, 300, 0, 0},
    {"DiskGetOperation", 50000, 50000 / 3.0, 0, 0},
};

static const struct front {
  const char *name;
  double size, per_second;
} fronts[] = {{"reads", 250, 25}, {"writes", 200, 10}, {"deletes", 200, 10}};

static const struct front *
front_of (const struct fake_call *call)
{
  const char *method = call->req->method;

  if (strcmp (method, "GET") == 0)
    return &fronts[0];
  return strcmp (method, "DELETE") == 0 ? &fronts[2] : &fronts[1];
}

static const struct policy *
policy_of (const char *name)
{
  for (size_t i = 0; name && i < ARRAY_SIZE (policies); i++)
    if (strcmp (policies[i].name, name) == 0)
      return &policies[i];
  return NULL;
}

/* "DiskLowCostGet" is named as the VMs' in headers. */
static const char *
shown_name (const struct policy *policy)
{
  return strncmp (policy->name, "Disk", 4) == 0 ? policy->name + 4
                                                : policy->name;
}

static void
remaining_header (struct fake_call *call, const struct policy *policy,
                  double left)
{
  arm_header (call, "x-ms-ratelimit-remaining-resource",
              "Microsoft.Compute/%s3Min;%.0f,Microsoft.Compute/%s30Min;%.0f",
              shown_name (policy), floor (left), shown_name (policy),
              floor (left) * 10);
}

static void
retry_after (struct fake_call *call, double per_second)
{
  const json_t *scale = fake_config (call->cloud, "throttle.scale");
  double seconds = 1 / (per_second * (scale ? json_number_value (scale) : 1.0));

  arm_header (call, "Retry-After", "%.0f", seconds < 1 ? 1 : ceil (seconds));
}

/* Compute's own 429 has no "error" around it. [learn.microsoft.com
 * "Troubleshooting API throttling errors"] */
static void
compute_throttled (struct fake_call *call, const struct policy *policy,
                   double per_second)
{
  CLEANUP_FREE char *message = xasprintf (
      "{\"operationGroup\":\"%s\",\"startTime\":\"2026-01-01T00:00:00+00:00\","
      "\"endTime\":\"2026-01-01T00:03:00+00:00\",\"allowedRequestCount\":%.0f,"
      "\"measuredRequestCount\":%.0f}",
      policy->name, policy->size, policy->size + 1);

  retry_after (call, per_second);
  remaining_header (call, policy, 0);
  arm_reply (call, 429,
             json_make ("{s:s,s:s,s:[{s:s,s:s,s:s}]}", "code",
                        "OperationNotAllowed", "message",
                        "The server rejected the request because too many "
                        "requests have been received for this subscription.",
                        "details", "code", "TooManyRequests", "target",
                        policy->name, "message", message));
  fake_result (call, "TooManyRequests");
}

static void
front_throttled (struct fake_call *call, const struct front *front)
{
  retry_after (call, front->per_second);
  arm_front_fail (call, 429, "SubscriptionRequestsThrottled",
                  "Number of requests for subscription '%s' and operation '%s' "
                  "exceeded the backend storage limit. Please try again.",
                  call->account ? call->account : "", front->name);
}

/* As if one of the buckets were empty: for fault rules. */
void
arm_throttled (struct fake_call *call)
{
  const struct arm_route *route = arm_route_of (call);
  const struct policy *policy = policy_of (route ? route->policy : NULL);

  if (policy)
    compute_throttled (call, policy, policy->per_minute / 60);
  else
    front_throttled (call, front_of (call));
}

static int
take (struct fake_call *call, const struct policy *policy, const char *whose,
      double size, double per_minute, double *left)
{
  CLEANUP_FREE char *key =
      xasprintf ("azure/%s/%s/%s", call->account, policy->name, whose);

  *left = size;
  if (fake_throttle_take (call->cloud, key, size, per_minute / 60, 1, left))
    return 0;
  compute_throttled (call, policy, per_minute / 60);
  return -1;
}

/* The VM that a call is about: of its path, or of the operation it asks for. */
static char *
vm_of (struct fake_call *call)
{
  const char *operation = arm_part (call, "guid");
  const struct fake_object *object;

  if (arm_part (call, "vm"))
    return arm_scope (call, 8);
  object = operation ? arm_find (call, "operation", operation) : NULL;
  return object ? xstrdup (json_str (object->body, "_subject", "")) : NULL;
}

int
arm_admit (struct fake_call *call, const struct arm_route *route)
{
  const struct front *front = front_of (call);
  const struct policy *policy = policy_of (route->policy);
  CLEANUP_FREE char *key = xasprintf ("azure/front/%s/%s/%s", call->account,
                                      call->caller, front->name);
  CLEANUP_FREE char *vm = NULL, *name = NULL;
  double left = front->size;

  if (call->cloud->depth)
    return 0;
  if (!fake_throttle_take (call->cloud, key, front->size, front->per_second, 1,
                           &left)) {
    front_throttled (call, front);
    return -1;
  }
  name = xasprintf ("x-ms-ratelimit-remaining-subscription-%s", front->name);
  arm_header (call, name, "%.0f", floor (left));
  if (policy && policy->vm_size > 0 && (vm = vm_of (call)) != NULL &&
      take (call, policy, vm, policy->vm_size, policy->vm_per_minute, &left) <
          0)
    return -1;
  if (policy &&
      take (call, policy, "", policy->size, policy->per_minute, &left) < 0)
    return -1;
  if (policy)
    remaining_header (call, policy, left);
  return 0;
}
