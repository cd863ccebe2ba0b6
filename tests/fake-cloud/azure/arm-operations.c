/* Long operations: Azure-AsyncOperation and Location, as recorded; URLs hold
 * only as they were issued. */

#include "arm.h"

#include <string.h>

#include <base/text.h>

/* So long an operation can be asked for after its end (choice). */
#define KEPT_MS (60 * 60 * 1000)

static char *
tail (struct fake_call *call)
{
  CLEANUP_FREE char *p = fake_uuid (call->cloud), *more = NULL;

  if (!json_is_true (arm_config (call->cloud, "long_urls")))
    return TAKE (p);
  more = fake_random_hex (call->cloud, 4200);
  return xasprintf ("%s&t=639000000000000000&c=%s", p, more);
}

/* What happens to the clients: "/subscriptions/.../operations/GUID?p=.." */
static void
put_urls (struct fake_call *call, json_t *body, const char *guid,
          const struct fake_object *subject, enum arm_urls urls)
{
  bool vm = strcmp (subject->kind, "vm") == 0;
  bool only = json_is_true (arm_config (call->cloud, "location_only"));
  const char *version = arm_query (call, "api-version");
  CLEANUP_FREE char *base = arm_base (call), *end = tail (call);
  CLEANUP_FREE char *path = xasprintf (
      "/subscriptions/%s/providers/Microsoft.Compute/locations/%s/%s/%s",
      call->account, json_str (subject->body, "location", ""),
      vm ? "operations" : "DiskOperations", guid);
  CLEANUP_FREE char *async =
      xasprintf ("%s?p=%s&api-version=%s", path, end, version ? version : "");
  CLEANUP_FREE char *monitor = xasprintf ("%s?p=%s&monitor=true&api-version=%s",
                                          path, end, version ? version : "");

  json_put_str (body, "_path", async);
  json_put_str (body, "_monitor", monitor);
  if (urls == ARM_ASYNC || !only || !vm)
    arm_header (call, "Azure-AsyncOperation", "%s%s", base, async);
  if (vm)
    arm_header (call, "azure-asyncnotification", "Enabled");
  if (urls == ARM_BOTH)
    arm_header (call, "Location", "%s%s", base, monitor);
}

static void
put_retry_after (struct fake_call *call)
{
  const json_t *seconds = arm_config (call->cloud, "retry_after_s");
  long long value = seconds ? json_integer_value (seconds) : 1;

  if (value >= 0)
    arm_header (call, "Retry-After", "%lld", value);
}

static void
expect_failure (struct fake_call *call, json_t *arg)
{
  if (strcmp (json_str (call->fault, "what", ""), "late-failure") != 0)
    return;
  json_put (arg, "error",
            json_make ("{s:s,s:s}", "code",
                       json_str (call->fault, "code", "InternalExecutionError"),
                       "message",
                       json_str (call->fault, "message",
                                 "An internal execution error occurred. Please "
                                 "retry later.")));
}

struct fake_object *
arm_operation (struct fake_call *call, struct fake_object *subject,
               enum arm_urls urls, int64_t after_ms,
               void (*fire) (struct fake_cloud *, struct fake_object *,
                             json_t *),
               json_t *arg_taken)
{
  CLEANUP_FREE char *guid = fake_uuid (call->cloud);
  CLEANUP_FREE char *now = arm_now (call->cloud);
  json_t *arg = arg_taken ? arg_taken : json_object ();
  json_t *body =
      json_make ("{s:s,s:s,s:s,s:s}", "startTime", now, "status", "InProgress",
                 "name", guid, "_subject", subject->id);
  struct fake_object *operation;

  put_urls (call, body, guid, subject, urls);
  put_retry_after (call);
  expect_failure (call, arg);
  operation = fake_object_add (call->cloud, "operation", guid, "",
                               subject->account, subject->region, body);
  json_put_str (subject->body, "_operation", guid);
  call->effect = true;
  fake_call_after (call, operation, after_ms, "operation", fire, arg);
  return operation;
}

struct fake_object *
arm_operation_subject (struct fake_cloud *cloud,
                       const struct fake_object *operation)
{
  return fake_object_find (cloud, NULL,
                           json_str (operation->body, "_subject", ""), NULL,
                           NULL);
}

static void
forget (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  (void)arg;
  fake_object_remove (cloud, operation);
}

void
arm_operation_end (struct fake_cloud *cloud, struct fake_object *operation,
                   json_t *error_taken, json_t *output_taken)
{
  struct fake_object *subject = arm_operation_subject (cloud, operation);
  CLEANUP_FREE char *now = arm_now (cloud);
  json_t *body = operation->body;

  json_put_str (body, "endTime", now);
  json_put_str (body, "status", error_taken ? "Failed" : "Succeeded");
  if (error_taken)
    json_put (body, "error", error_taken);
  if (output_taken)
    json_put (body, "properties", json_make ("{s:o}", "output", output_taken));
  if (subject &&
      strcmp (json_str (subject->body, "_operation", ""), operation->id) == 0) {
    json_object_del (subject->body, "_operation");
    json_put_str (arm_properties (subject), "provisioningState",
                  error_taken ? "Failed" : "Succeeded");
    fake_object_changed (cloud, subject);
  }
  fake_after (cloud, operation, KEPT_MS, "forget", forget, NULL);
}

/* The texts are those of learn.microsoft.com "Understand common error messages
 * when you manage virtual machines in Azure". */
int
arm_check_idle (struct fake_call *call, const struct fake_object *object,
                const char *what)
{
  if (json_object_get (object->body, "_operation") == NULL)
    return 0;
  if (strcmp (object->kind, "vm") != 0)
    return arm_fail (call, 409, "Conflict",
                     "The request failed due to conflict with a concurrent "
                     "request on '%s'.",
                     arm_name (object));
  return arm_fail (call, 409, "OperationNotAllowed",
                   "Operation '%s' is not allowed on VM '%s' since another "
                   "operation is in progress.",
                   what, arm_name (object));
}

/* ---- polls ---- */

static bool
fails_by_itself (struct fake_call *call)
{
  const json_t *share = arm_config (call->cloud, "poll_errors");

  return share && fake_random_unit (call->cloud) < json_number_value (share);
}

static int
poll_failed (struct fake_call *call)
{
  return arm_front_fail (call, 503, "ServerTimeout",
                         "The request timed out. Diagnostic information: "
                         "subscription id '%s', tracking id '%s', request "
                         "correlation id '%s'.",
                         call->account, call->request_id, call->request_id);
}

/* The monitor: 202 while it goes on, then the plain result. */
static int
answer_monitor (struct fake_call *call, const json_t *body)
{
  const char *status = json_str (body, "status", "");
  const json_t *output = json_at (body, "properties.output");

  if (strcmp (status, "InProgress") == 0) {
    put_retry_after (call);
    arm_header (call, "Location", "%s", call->req->url);
    return arm_reply (call, 202, NULL);
  }
  if (strcmp (status, "Failed") == 0) {
    const json_t *error = json_object_get (body, "error");

    return arm_fail (call, 409, json_str (error, "code", ""), "%s",
                     json_str (error, "message", ""));
  }
  return arm_reply (call, 200, output ? json_deep_copy (output) : NULL);
}

/* All that was issued must be there again.  Official clients add the query of
 * the first request to it: that is let pass. [@azure/arm-compute 22.4.0] */
static bool
is_issued (const struct fake_url *asked, const char *issued)
{
  CLEANUP_JSON json_t *have = json_object (), *want = json_object ();
  size_t len = strcspn (issued, "?");
  const char *key;
  json_t *value;

  if (strlen (asked->path) != len || strncmp (asked->path, issued, len) != 0 ||
      issued[len] == '\0' ||
      fake_form_parse (asked->query, strlen (asked->query), have) < 0 ||
      fake_form_parse (issued + len + 1, strlen (issued + len + 1), want) < 0)
    return false;
  json_object_foreach (want, key, value)
  {
    if (!json_equal (value, json_object_get (have, key)))
      return false;
  }
  return true;
}

static int
poll (struct fake_call *call)
{
  const struct fake_object *operation =
      arm_find (call, "operation", arm_part (call, "guid"));
  const json_t *body = operation ? operation->body : NULL;
  CLEANUP_FAKE_URL struct fake_url url;

  fake_url_split (call->req->url, &url);
  if (fails_by_itself (call))
    return poll_failed (call);
  if (is_issued (&url, json_str (body, "_monitor", "")))
    return answer_monitor (call, body);
  if (!is_issued (&url, json_str (body, "_path", "")))
    return arm_fail (call, 404, "NotFound",
                     "The entity was not found in this Azure location.");
  if (strcmp (json_str (body, "status", ""), "InProgress") == 0)
    put_retry_after (call);
  return arm_reply (call, 200, fake_visible (body));
}

#define OPERATIONS                                                             \
  "/subscriptions/{sub}/providers/Microsoft.Compute/locations/{location}/"

const struct arm_route arm_operation_routes[] = {
    {"GET", OPERATIONS "operations/{guid}", "compute", "operations/read",
     "Microsoft.Compute/locations/operations/read", "GetOperation", NULL,
     ARM_LOOSE, poll},
    {"GET", OPERATIONS "DiskOperations/{guid}", "compute",
     "diskOperations/read", "Microsoft.Compute/locations/diskOperations/read",
     "DiskGetOperation", NULL, ARM_LOOSE, poll},
    {0},
};
