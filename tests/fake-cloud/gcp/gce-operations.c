/* Operations: what every change answers with.
 *
 * An operation is an object of its own; its timer finishes it, so that it ends
 * even if what it is about has gone meanwhile.  A failed one is DONE, with an
 * error inside, and HTTP 200. */

#include "gce.h"

#include <stdio.h>
#include <string.h>

/* Kept for so long after its end; how long really: (unverified). */
#define KEPT_MS (INT64_C (14) * 86400 * 1000)

int64_t
gce_time_ms (const struct fake_cloud *cloud, const char *name)
{
  const json_t *scale = fake_config (cloud, "time_scale");
  int64_t ms = json_integer_value (
      json_object_get (fake_config (cloud, "gcp.times"), name));

  return scale ? (int64_t)((double)ms * json_number_value (scale)) : ms;
}

json_t *
gce_op_error (const char *code, const char *fmt, ...)
{
  CLEANUP_FREE char *message = NULL;
  va_list args;

  va_start (args, fmt);
  message = xvasprintf (fmt, args);
  va_end (args);
  return json_make ("{s:s,s:s}", "code", code, "message", message);
}

/* ---- making one ---- */

/* "zones/Z", "regions/R" or "global": where an id's operations are. */
static char *
place_of (const char *id)
{
  const char *mark = strstr (id, "/zones/");
  const char *name;

  if (mark == NULL)
    mark = strstr (id, "/regions/");
  if (mark == NULL)
    return xasprintf ("%.*s/global",
                      (int)(strchr (id, '/') - id) + 1 +
                          (int)strcspn (strchr (id, '/') + 1, "/"),
                      id);
  name = strchr (mark + 1, '/') + 1;
  return xstrndup (id, (size_t)(name - id) + strcspn (name, "/"));
}

/* operation-MILLIS-HEX-HEX-HEX */
static char *
new_id (struct fake_cloud *cloud, const char *target)
{
  CLEANUP_FREE char *place = place_of (target);
  CLEANUP_FREE char *a = fake_random_hex (cloud, 13);
  CLEANUP_FREE char *b = fake_random_hex (cloud, 8);
  CLEANUP_FREE char *c = fake_random_hex (cloud, 8);

  return xasprintf ("%s/operations/operation-%lld-%s-%s-%s", place,
                    (long long)fake_now_ms (cloud), a, b, c);
}

static struct fake_object *
new_operation (struct fake_call *call, struct fake_object *target,
               const char *type)
{
  CLEANUP_FREE char *id = new_id (call->cloud, target->id);
  json_t *body =
      json_make ("{s:s,s:s,s:s,s:s,s:i}", "operationType", type, "status",
                 "RUNNING", "targetId", json_str (target->body, "id", "0"),
                 "user", *call->caller ? call->caller : "operator", "progress",
                 0);

  gce_put_identity (call->cloud, body, "operation", id);
  gce_put_link (body, "targetLink", target->id);
  gce_put_now (call->cloud, body, "insertTime");
  gce_put_now (call->cloud, body, "startTime");
  if (gce_param (call, "requestId"))
    json_put_str (body, "clientOperationId", gce_param (call, "requestId"));
  return fake_object_add (call->cloud, "operation", id, "", target->account,
                          target->region, body);
}

static void
count (struct fake_cloud *cloud, const struct fake_object *operation, int by)
{
  CLEANUP_FREE char *key = xasprintf ("gcp-operations/%s", operation->account);
  int64_t now = json_integer_value (json_object_get (cloud->tokens, key));

  json_put_int (cloud->tokens, key, now + by);
}

/* ---- requestId ---- */

static char *
request_key (const struct fake_call *call)
{
  return xasprintf ("gcp-request/%s/%s", call->account,
                    gce_param (call, "requestId"));
}

/* All that makes a request the same one. */
static char *
request_text (const struct fake_call *call)
{
  CLEANUP_FREE char *params = json_text (call->params);

  return xasprintf ("%s %s", call->action, params);
}

int
gce_seen_before (struct fake_call *call)
{
  CLEANUP_FREE char *key = NULL, *text = NULL;
  const json_t *known;
  const struct fake_object *operation;

  if (gce_param (call, "requestId") == NULL)
    return 0;
  key = request_key (call);
  text = request_text (call);
  known = json_object_get (call->cloud->tokens, key);
  if (known == NULL)
    return 0;
  if (strcmp (json_str (known, "text", ""), text) != 0) {
    gce_invalid (call, "requestId", gce_param (call, "requestId"),
                 "It was used for another request. (text unverified)");
    return 1;
  }
  operation = fake_object_find (call->cloud, "operation",
                                json_str (known, "operation", ""), NULL, NULL);
  if (operation == NULL)
    return 0;
  gce_answer (call, json_deep_copy (operation->body));
  return 1;
}

static void
remember (struct fake_call *call, const struct fake_object *operation)
{
  CLEANUP_FREE char *key = NULL, *text = NULL;

  if (gce_param (call, "requestId") == NULL)
    return;
  key = request_key (call);
  text = request_text (call);
  json_put (call->cloud->tokens, key,
            json_make ("{s:s,s:s}", "text", text, "operation", operation->id));
}

/* ---- its end ---- */

static void
forget (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  (void)arg;
  fake_object_remove (cloud, operation);
}

static void
put_error (json_t *body, json_t *error_taken)
{
  const char *code = json_str (error_taken, "code", "INTERNAL_ERROR");
  int status = strcmp (code, "INTERNAL_ERROR") == 0            ? 503
               : strstr (code, "RATE_EXCEEDED")                ? 403
               : strncmp (code, "ZONE_RESOURCE_POOL", 18) == 0 ? 503
                                                               : 400;

  json_put_int (body, "httpErrorStatusCode", status);
  json_put_str (body, "httpErrorMessage",
                status == 503   ? "SERVICE UNAVAILABLE"
                : status == 403 ? "FORBIDDEN"
                                : "BAD REQUEST");
  json_put (body, "error", json_make ("{s:[o]}", "errors", error_taken));
}

static void
finish (struct fake_cloud *cloud, struct fake_object *operation,
        json_t *error_taken)
{
  json_put_str (operation->body, "status", "DONE");
  json_put_int (operation->body, "progress", 100);
  gce_put_now (cloud, operation->body, "endTime");
  if (error_taken)
    put_error (operation->body, error_taken);
  json_put (operation->body, "_dueMs", NULL);
  count (cloud, operation, -1);
  fake_object_changed (cloud, operation);
  fake_after (cloud, operation, KEPT_MS, "forget", forget, NULL);
}

static void
refuse_late (struct fake_cloud *cloud, struct fake_object *target, json_t *arg,
             json_t **error)
{
  (void)cloud;
  (void)target;
  *error = gce_op_error (json_str (arg, "code", ""), "%s",
                         json_str (arg, "message", ""));
}

static const struct gce_change refusals[] = {
    {"refuse", "refuse", refuse_late, NULL},
    {NULL},
};

static const struct gce_change *
change_of (const char *type)
{
  const struct gce_change *const tables[] = {refusals, gce_instance_changes,
                                             gce_attach_changes,
                                             gce_disk_changes,
                                             gce_label_changes};

  for (size_t i = 0; i < ARRAY_SIZE (tables); i++)
    for (const struct gce_change *row = tables[i]; row->type; row++)
      if (strcmp (row->type, type) == 0)
        return row;
  abort ();
}

static void
due (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  const struct gce_change *change = change_of (json_str (arg, "_change", ""));
  struct fake_object *target =
      fake_object_find (cloud, NULL, json_str (arg, "_target", ""), NULL, NULL);
  json_t *error = NULL;

  if (json_bool (arg, "failed", false))
    error = gce_op_error (json_str (arg, "_code", "INTERNAL_ERROR"), "%s",
                          json_str (arg, "_message", "Internal error."));
  else if (target == NULL)
    error =
        gce_op_error ("RESOURCE_NOT_FOUND", "The resource '%s' was not found",
                      json_str (arg, "_target", ""));
  else if (change->done)
    change->done (cloud, target, arg, &error);
  if (error && target && change->undo)
    change->undo (cloud, target, arg);
  finish (cloud, operation, error);
}

static void
begin (struct fake_call *call, struct fake_object *target, const char *type,
       const char *change, int64_t after_ms, json_t *arg)
{
  struct fake_object *operation = new_operation (call, target, type);

  if (after_ms < 0)
    after_ms = gce_time_ms (call->cloud, change_of (change)->time);
  call->effect = true;
  count (call->cloud, operation, 1);
  remember (call, operation);
  json_put_str (arg, "_change", change);
  json_put_str (arg, "_target", target->id);
  json_put_str (arg, "_code", json_str (call->fault, "code", NULL));
  json_put_str (arg, "_message", json_str (call->fault, "message", NULL));
  json_put_int (operation->body, "_dueMs", call->cloud->now_ms + after_ms);
  fake_call_after (call, operation, after_ms, "operation", due, arg);
  gce_answer (call, json_deep_copy (operation->body));
}

int
gce_begin (struct fake_call *call, struct fake_object *target, const char *type,
           int64_t after_ms, json_t *arg_taken)
{
  begin (call, target, type, type, after_ms,
         arg_taken ? arg_taken : json_object ());
  return 0;
}

int
gce_begin_nothing (struct fake_call *call, struct fake_object *target,
                   const char *type)
{
  struct fake_object *operation = new_operation (call, target, type);

  count (call->cloud, operation, 1);
  remember (call, operation);
  finish (call->cloud, operation, NULL);
  gce_answer (call, json_deep_copy (operation->body));
  return 0;
}

int
gce_refuse (struct fake_call *call, struct fake_object *target,
            const char *type, int status, const char *reason, const char *code,
            const char *fmt, ...)
{
  const json_t *share = fake_config (call->cloud, "gcp.late_refusals");
  CLEANUP_FREE char *message = NULL;
  va_list args;

  va_start (args, fmt);
  message = xvasprintf (fmt, args);
  va_end (args);
  if (share == NULL ||
      fake_random_unit (call->cloud) >= json_number_value (share))
    return gce_fail (call, status, reason, "%s", message);
  begin (call, target, type, "refuse", -1,
         json_make ("{s:s,s:s}", "code", code, "message", message));
  call->effect = false;
  fake_result (call, code);
  return 0;
}

/* ---- get, wait, list ---- */

static int
get (struct fake_call *call)
{
  struct fake_object *operation = gce_target (call);

  if (operation == NULL)
    return -1;
  gce_answer (call, json_deep_copy (operation->body));
  return 0;
}

/* Holds the request until the end, at most 2 minutes: best effort, so that it
 * may come back undone ("wait_early": how often that is so at once). */
static int
wait_for (struct fake_call *call)
{
  const struct fake_object *operation = gce_target (call);
  const json_t *early = fake_config (call->cloud, "gcp.wait_early");
  int64_t left;

  if (operation == NULL)
    return -1;
  left = json_int (operation->body, "_dueMs", call->cloud->now_ms) -
         call->cloud->now_ms;
  /* What never ends has no timer, but a time at which it was due. */
  if (strcmp (json_str (operation->body, "status", ""), "DONE") != 0 &&
      left <= 0)
    left = 120000;
  if (left > 0 && !http_header_get (&call->req->headers, FAKE_HELD) &&
      (early == NULL ||
       fake_random_unit (call->cloud) >= json_number_value (early))) {
    call->reply->status = FAKE_HOLD;
    call->latency_ms += left < 120000 ? left : 120000;
    return 0;
  }
  gce_answer (call, json_deep_copy (operation->body));
  return 0;
}

static int
list_zone (struct fake_call *call)
{
  CLEANUP_FREE char *place = gce_target_id (call);
  CLEANUP_FREE char *prefix = xasprintf ("%s/operations/", place);

  return gce_list (call, "operation", "operationList", prefix);
}

#define LISTING "filter maxResults orderBy pageToken returnPartialSuccess"
#define ZONE    "/projects/{project}/zones/{zone}/operations"
#define REGION  "/projects/{project}/regions/{region}/operations"
#define GLOBAL  "/projects/{project}/global/operations"

const struct gce_method gce_operation_methods[] = {
    {"zoneOperations.get", "GET", ZONE "/{operation}", "operation",
     "compute.zoneOperations.get", "", NULL, get},
    {"zoneOperations.wait", "POST", ZONE "/{operation}/wait", "wait",
     "compute.zoneOperations.get", "", NULL, wait_for},
    {"zoneOperations.list", "GET", ZONE, "list", "compute.zoneOperations.list",
     LISTING, NULL, list_zone},
    {"regionOperations.get", "GET", REGION "/{operation}", "operation",
     "compute.regionOperations.get", "", NULL, get},
    {"regionOperations.wait", "POST", REGION "/{operation}/wait", "wait",
     "compute.regionOperations.get", "", NULL, wait_for},
    {"globalOperations.get", "GET", GLOBAL "/{operation}", "operation",
     "compute.globalOperations.get", "", NULL, get},
    {"globalOperations.wait", "POST", GLOBAL "/{operation}/wait", "wait",
     "compute.globalOperations.get", "", NULL, wait_for},
    {NULL},
};
