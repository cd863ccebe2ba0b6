/* Who calls, what they may, and how often.
 *
 * Permissions are those of IAM ("compute.instances.stop"); a principal's
 * "allow" and "deny" are lists of globs.  Quotas count per project, region and
 * minute, each group for itself. [API rate limits] */

#include "gce.h"

#include <string.h>

#include <base/text.h>

/* ---- tokens ---- */

struct fake_object *
gce_token_new (struct fake_cloud *cloud, const struct fake_object *principal,
               int64_t seconds, const json_t *scopes)
{
  CLEANUP_FREE char *hex = fake_random_hex (cloud, 64);
  CLEANUP_FREE char *token = xasprintf ("ya29.c.%s", hex);
  json_t *body =
      json_make ("{s:s,s:I}", "_principal", principal->id, "_expiresMs",
                 (json_int_t)(fake_client_time_ms (cloud) + seconds * 1000));

  if (json_is_array (scopes))
    json_put (body, "_scopes", json_deep_copy (scopes));
  return fake_object_add (cloud, "token", token, "", "", "", body);
}

static int
unauthenticated (struct fake_call *call, bool missing, const char *detail)
{
  json_t *details = json_make ("[{s:s,s:s,s:s}]", "@type",
                               "type.googleapis.com/google.rpc.ErrorInfo",
                               "reason", detail, "domain", "googleapis.com");

  if (missing)
    return gce_fail_with (call, 401, "required", "UNAUTHENTICATED", details,
                          "Request is missing required authentication "
                          "credential. Expected OAuth 2 access token, login "
                          "cookie or other valid authentication credential.");
  return gce_fail_with (call, 401, "authError", "UNAUTHENTICATED", details,
                        "Request had invalid authentication credentials. "
                        "Expected OAuth 2 access token, login cookie or other "
                        "valid authentication credential.");
}

static bool
is_trusted (const struct fake_call *call)
{
  return call->cloud->depth ||
         strcmp (json_str (call->cloud->config, "gcp.auth", "tokens"),
                 "trusted") == 0;
}

int
gce_who_calls (struct fake_call *call)
{
  const char *header = http_header_get (&call->req->headers, "Authorization");
  const struct fake_object *token, *principal;

  if (is_trusted (call))
    return 0;
  if (header == NULL || strncmp (header, "Bearer ", 7) != 0)
    return unauthenticated (call, true, "CREDENTIALS_MISSING");
  token = fake_object_find (call->cloud, "token", header + 7, NULL, NULL);
  if (token == NULL)
    return unauthenticated (call, false, "ACCESS_TOKEN_TYPE_UNSUPPORTED");
  if (json_int (token->body, "_expiresMs", INT64_MAX) <=
      fake_client_time_ms (call->cloud))
    return unauthenticated (call, false, "ACCESS_TOKEN_EXPIRED");
  principal =
      fake_object_find (call->cloud, "principal",
                        json_str (token->body, "_principal", NULL), NULL, NULL);
  if (principal == NULL || json_bool (principal->body, "_disabled", false))
    return unauthenticated (call, false, "ACCOUNT_STATE_INVALID");
  call->identity = principal->body;
  json_put (call->identity, "_scopes",
            json_incref (json_object_get (token->body, "_scopes")));
  free (call->caller);
  call->caller = xstrdup (principal->id);
  return 0;
}

/* ---- permissions ---- */

static bool
any_matches (const json_t *globs, const char *text)
{
  for (size_t i = 0; i < json_array_size (globs); i++)
    if (text_glob_match (json_string_value (json_array_get (globs, i)), text,
                         false))
      return true;
  return false;
}

bool
gce_may (const struct fake_call *call, const char *permission)
{
  const json_t *allow = json_object_get (call->identity, "_allow");

  if (call->identity == NULL)
    return true;
  return (allow == NULL || any_matches (allow, permission)) &&
         !any_matches (json_object_get (call->identity, "_deny"), permission);
}

static int
short_scope (struct fake_call *call)
{
  return gce_fail_with (call, 403, "insufficientPermissions",
                        "PERMISSION_DENIED",
                        json_make ("[{s:s,s:s,s:s}]", "@type",
                                   "type.googleapis.com/google.rpc.ErrorInfo",
                                   "reason", "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                                   "domain", "googleapis.com"),
                        "Request had insufficient authentication scopes.");
}

static bool
scopes_reach (const struct fake_call *call)
{
  const json_t *scopes = json_object_get (call->identity, "_scopes");
  bool changes = gce_changes (gce_method_of (call));

  return scopes == NULL || any_matches (scopes, "*/auth/cloud-platform") ||
         any_matches (scopes,
                      "https://www.googleapis.com/auth/cloud-platform") ||
         any_matches (scopes, "https://www.googleapis.com/auth/compute") ||
         (!changes &&
          any_matches (scopes,
                       "https://www.googleapis.com/auth/compute.readonly"));
}

int
gce_need_permission (struct fake_call *call, const char *permission,
                     const char *id)
{
  if (call->identity && !scopes_reach (call))
    return short_scope (call);
  if (*permission == '\0' || gce_may (call, permission))
    return 0;
  return gce_fail (call, 403, "forbidden", "Required '%s' permission for '%s'",
                   permission, id);
}

static bool
sees_project (const struct fake_call *call)
{
  const json_t *projects = json_object_get (call->identity, "_projects");

  return projects == NULL || any_matches (projects, call->account);
}

/* What becomes of a project that is not there, or not the caller's. (text
 * unverified) */
int
gce_check_project (struct fake_call *call)
{
  CLEANUP_FREE char *id = xasprintf ("projects/%s", call->account);
  const json_t *project =
      json_object_get (fake_config (call->cloud, "gcp.projects"),
                       call->account);
  const char *zone = gce_param (call, "zone");

  if (project == NULL)
    return gce_not_found (call, id);
  if (call->identity && !sees_project (call))
    return gce_fail (call, 403, "forbidden",
                     "Required '%s' permission for '%s'",
                     gce_method_of (call)->permission, id);
  if (json_bool (project, "disabled", false))
    return gce_fail_with (
        call, 403, "accessNotConfigured", "PERMISSION_DENIED",
        json_make ("[{s:s,s:s,s:s}]", "@type",
                   "type.googleapis.com/google.rpc.ErrorInfo", "reason",
                   "SERVICE_DISABLED", "domain", "googleapis.com"),
        "Compute Engine API has not been used in this project before or it is "
        "disabled. Enable it by visiting the console then retry.");
  if (zone && !gce_zone_exists (call->cloud, zone))
    return gce_fail (call, 400, "invalid",
                     "Invalid value for field 'zone': '%s'. Unknown zone.",
                     zone);
  return 0;
}

/* ---- quotas ---- */

/* In a minute; the page of today has no numbers, 1,500 is that of an older one
 * for most groups. (unverified for snapshots and the serial port) */
#define A_MINUTE 1500

static int
too_many_operations (struct fake_call *call)
{
  return gce_fail_with (
      call, 403, "rateLimitExceeded", "PERMISSION_DENIED",
      json_make ("[{s:s,s:s,s:s}]", "@type",
                 "type.googleapis.com/google.rpc.ErrorInfo", "reason",
                 "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", "domain",
                 "compute.googleapis.com"),
      "Quota exceeded for concurrent operations. Rate Limit Exceeded");
}

static bool
is_crowded (struct fake_call *call)
{
  CLEANUP_FREE char *key = xasprintf ("gcp-operations/%s", call->account);
  int64_t most = json_integer_value (
      fake_config (call->cloud, "gcp.concurrent_operations"));

  return most > 0 && json_integer_value (
                         json_object_get (call->cloud->tokens, key)) >= most;
}

int
gce_check_quota (struct fake_call *call, const struct gce_method *method)
{
  CLEANUP_FREE char *key =
      xasprintf ("gcp/%s/%s/%s", call->account, call->region, method->quota);

  if (call->cloud->depth)
    return 0;
  if (!fake_throttle_window (call->cloud, key, A_MINUTE, 60000, 1, NULL))
    return gce_fail (call, 403, "rateLimitExceeded",
                     "Quota exceeded for quota metric '%s requests' and limit "
                     "'%s requests per minute per region' of service "
                     "'compute.googleapis.com' for consumer "
                     "'project_number:%s'.",
                     method->quota, method->quota,
                     json_str (json_object_get (fake_config (call->cloud,
                                                             "gcp.projects"),
                                                call->account),
                               "number", "0"));
  if (gce_changes (method) && is_crowded (call))
    return too_many_operations (call);
  return 0;
}
