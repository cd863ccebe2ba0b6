/* Who calls, and what they may.
 *
 * "auth": "entra" (default): a bearer token from the fake's own endpoints
 * (entra.c, azure-imds.c); "trusted": nobody is asked, the header X-Fake-Key
 * names an application (the first one without it). */

#include "arm.h"

#include <string.h>

#include <base/text.h>

/* ---- applications ---- */

const json_t *
arm_application (const struct fake_cloud *cloud, const char *tenant,
                 const char *id)
{
  const char *name;
  json_t *entry, *application;
  size_t i;

  json_object_foreach ((json_t *)arm_config (cloud, "tenants"), name, entry)
  {
    if (tenant && strcmp (tenant, name) != 0)
      continue;
    json_array_foreach (json_object_get (entry, "applications"), i, application)
    {
      if (id == NULL || strcmp (json_str (application, "id", ""), id) == 0)
        return application;
    }
  }
  return NULL;
}

char *
arm_token_new (struct fake_cloud *cloud, const json_t *application,
               const char *audience, int64_t seconds)
{
  CLEANUP_FREE char *random = fake_random_hex (cloud, 48);
  char *token = xasprintf ("eyJ0eXAiOiJmYWtlIn0.%s", random);
  CLEANUP_FREE char *id = xasprintf ("token/%s", token);

  fake_object_add (cloud, "token", id, "", "", "",
                   json_make ("{s:s,s:s,s:s,s:I}", "_application",
                              json_str (application, "id", ""), "_tenant",
                              json_str (application, "tenant", ""), "_audience",
                              audience, "_until",
                              (json_int_t)(fake_client_time_ms (cloud) +
                                           seconds * 1000)));
  return token;
}

/* ---- authentication ---- */

static int
refuse (struct fake_call *call, const char *code, const char *message)
{
  CLEANUP_FREE char *base = arm_base (call);

  arm_header (call, "WWW-Authenticate",
              "Bearer authorization_uri=\"%s/\", error=\"invalid_token\", "
              "error_description=\"%s\"",
              base, message);
  return arm_front_fail (call, 401, code, "%s", message);
}

static void
accept (struct fake_call *call, const json_t *application)
{
  call->identity = (json_t *)application;
  free (call->caller);
  call->caller = xstrdup (json_str (application, "id", ""));
}

static int
trust (struct fake_call *call)
{
  const char *key = http_header_get (&call->req->headers, "X-Fake-Key");

  accept (call, arm_application (call->cloud, NULL, key));
  return 0;
}

static bool
same_audience (const char *a, const char *b)
{
  size_t len = strlen (a), other = strlen (b);

  len -= len && a[len - 1] == '/';
  other -= other && b[other - 1] == '/';
  return len == other && strncmp (a, b, len) == 0;
}

/* A token of another tenant than the subscription's. */
static int
check_tenant (struct fake_call *call, const char *tenant)
{
  CLEANUP_FREE char *path =
      xasprintf ("subscriptions.%s.tenant", call->account ? call->account : "");
  const char *wanted = json_string_value (arm_config (call->cloud, path));
  CLEANUP_FREE char *text = NULL;

  if (wanted == NULL || strcmp (wanted, tenant) == 0)
    return 0;
  text = xasprintf (
      "The access token is from the wrong issuer "
      "'https://sts.windows.net/%s/'. "
      "It must match the tenant 'https://sts.windows.net/%s/' associated with "
      "this subscription.",
      tenant, wanted);
  return refuse (call, "InvalidAuthenticationTokenTenant", text);
}

static int
check_token (struct fake_call *call, const char *token, const char *audience)
{
  CLEANUP_FREE char *id = xasprintf ("token/%s", token);
  const struct fake_object *object =
      fake_object_find (call->cloud, "token", id, NULL, NULL);
  const json_t *body = object ? object->body : NULL;
  const json_t *application;

  if (body == NULL)
    return refuse (call, "InvalidAuthenticationToken",
                   "The access token is invalid.");
  if (json_int (body, "_until", 0) < fake_client_time_ms (call->cloud))
    return refuse (call, "ExpiredAuthenticationToken",
                   "The access token expiry UTC time is earlier than current "
                   "UTC time.");
  if (!same_audience (json_str (body, "_audience", ""), audience))
    return refuse (call, "InvalidAuthenticationTokenAudience",
                   "The access token has been obtained for wrong audience or "
                   "resource.");
  application =
      arm_application (call->cloud, NULL, json_str (body, "_application", ""));
  accept (call, application);
  return check_tenant (call, json_str (body, "_tenant", ""));
}

int
arm_who_calls (struct fake_call *call, const char *audience)
{
  const char *header = http_header_get (&call->req->headers, "Authorization");
  const char *mode =
      json_string_value (arm_config (call->cloud, "auth")) ?: "entra";

  if (call->cloud->depth || strcmp (mode, "trusted") == 0)
    return trust (call);
  if (header == NULL)
    return refuse (call, "AuthenticationFailed",
                   "Authentication failed. The 'Authorization' header is "
                   "missing.");
  if (strncmp (header, "Bearer ", 7) != 0)
    return refuse (call, "AuthenticationFailedInvalidHeader",
                   "Authentication failed. The 'Authorization' header is "
                   "provided in an invalid format.");
  return check_token (call, header + 7, audience);
}

/* ---- rights ---- */

static bool
lists (const json_t *globs, const char *right)
{
  json_t *glob;
  size_t i;

  json_array_foreach ((json_t *)globs, i, glob)
  {
    if (text_glob_match (json_string_value (glob), right, true))
      return true;
  }
  return false;
}

bool
arm_may (const struct fake_call *call, const char *right)
{
  const json_t *allow = json_object_get (call->identity, "allow");

  if (call->cloud->depth)
    return true;
  return (allow == NULL || lists (allow, right)) &&
         !lists (json_object_get (call->identity, "deny"), right);
}

int
arm_check_right (struct fake_call *call, const char *right, const char *scope)
{
  if (arm_may (call, right))
    return 0;
  return arm_front_fail (
      call, 403, "AuthorizationFailed",
      "The client '%s' with object id '%s' does not have authorization to "
      "perform action '%s' over scope '%s' or the scope is invalid. If access "
      "was recently granted, please refresh your credentials.",
      call->caller, json_str (call->identity, "object_id", call->caller), right,
      scope);
}
