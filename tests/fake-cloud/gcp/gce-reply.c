/* Replies of Compute: pretty-printed JSON, errors as facts and real clients
 * know them: {"error": {code, message, errors: [{message, domain, reason}],
 * status?, details?}}. */

#include "gce.h"

#include <string.h>

#define JSON_TYPE "application/json; charset=UTF-8"

static void
reply (struct fake_call *call, int status, const json_t *json)
{
  http_header_add (&call->reply->headers, "Server", "ESF");
  http_header_add (&call->reply->headers, "Cache-Control", "private");
  if (status == 401)
    http_header_add (&call->reply->headers, "WWW-Authenticate",
                     "Bearer realm=\"https://accounts.google.com/\", "
                     "error=\"invalid_token\"");
  fake_reply_text (call, status, JSON_TYPE, json_text_pretty (json));
}

/* "usageLimits" is where quotas come from, all else is "global". */
static const char *
domain_of (const char *reason)
{
  static const char *const usage[] = {"rateLimitExceeded",
                                      "userRateLimitExceeded", "limitExceeded",
                                      "accessNotConfigured", "quotaExceeded"};

  for (size_t i = 0; i < ARRAY_SIZE (usage); i++)
    if (strcmp (usage[i], reason) == 0)
      return "usageLimits";
  return "global";
}

int
gce_fail_with (struct fake_call *call, int status, const char *reason,
               const char *word, json_t *details_taken, const char *message)
{
  json_t *item = json_make ("{s:s,s:s,s:s}", "message", message, "domain",
                            domain_of (reason), "reason", reason);
  CLEANUP_JSON json_t *error =
      json_make ("{s:{s:i,s:s,s:[o]}}", "error", "code", status, "message",
                 message, "errors", item);

  if (status == 401) {
    json_put_str (item, "location", "Authorization");
    json_put_str (item, "locationType", "header");
  }
  if (word)
    json_put_str (json_object_get (error, "error"), "status", word);
  if (details_taken)
    json_put (json_object_get (error, "error"), "details", details_taken);
  reply (call, status, error);
  fake_result (call, reason);
  return -1;
}

int
gce_fail (struct fake_call *call, int status, const char *reason,
          const char *fmt, ...)
{
  CLEANUP_FREE char *message = NULL;
  va_list args;

  va_start (args, fmt);
  message = xvasprintf (fmt, args);
  va_end (args);
  return gce_fail_with (call, status, reason, NULL, NULL, message);
}

int
gce_not_found (struct fake_call *call, const char *id)
{
  return gce_fail (call, 404, "notFound", "The resource '%s' was not found",
                   id);
}

int
gce_not_ready (struct fake_call *call, const char *id)
{
  return gce_fail (call, 400, "resourceNotReady",
                   "The resource '%s' is not ready", id);
}

int
gce_invalid (struct fake_call *call, const char *field, const char *value,
             const char *why)
{
  return gce_fail (call, 400, "invalid",
                   "Invalid value for field '%s': '%s'. %s", field, value, why);
}

void
gce_answer (struct fake_call *call, json_t *body_taken)
{
  CLEANUP_JSON json_t *body = body_taken, *shown = fake_visible (body);

  reply (call, 200, shown);
}

/* ---- what was asked ---- */

const char *
gce_param (const struct fake_call *call, const char *name)
{
  return json_string_value (json_object_get (call->params, name));
}

bool
gce_flag (const struct fake_call *call, const char *name)
{
  const char *value = gce_param (call, name);

  return value && strcmp (value, "true") == 0;
}

const json_t *
gce_body (const struct fake_call *call)
{
  return json_object_get (call->params, "body");
}

char *
gce_target_id (const struct fake_call *call)
{
  const struct gce_method *method = gce_method_of (call);
  struct strbuf sb = STRBUF_EMPTY;
  const char *path = method->path, *end = strrchr (path, '}');

  for (path++; end && path < end; path++) {
    size_t len = strcspn (path, "}");
    CLEANUP_FREE char *name = NULL;

    if (*path != '{') {
      strbuf_addch (&sb, *path);
      continue;
    }
    name = xstrndup (path + 1, len - 1);
    strbuf_addstr (&sb, gce_param (call, name));
    path += len;
  }
  return strbuf_take (&sb);
}

struct fake_object *
gce_target (struct fake_call *call)
{
  CLEANUP_FREE char *id = gce_target_id (call);
  struct fake_object *object =
      fake_object_find (call->cloud, NULL, id, NULL, NULL);
  int64_t hidden =
      json_integer_value (fake_config (call->cloud, "new_object_hidden_ms"));

  if (object && object->created_ms > 0 &&
      call->cloud->now_ms < object->created_ms + hidden)
    object = NULL;
  if (object == NULL)
    gce_not_found (call, id);
  return object;
}
