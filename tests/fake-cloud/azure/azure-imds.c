/* The instance metadata service's tokens of managed identities, and App
 * Service's endpoint of the same.
 *
 * "imds": {"application": id of the system-assigned one's, "header": secret of
 * the App Service endpoint, "users": [ids of user-assigned ones]}; without it
 * there is no service. [npm @azure/msal-node 5.6.0] */

#include "arm.h"

#include <string.h>
#include <strings.h>

static int
bad (struct fake_call *call, const char *text)
{
  arm_reply (call, 400,
             json_make ("{s:s,s:s}", "error", "invalid_request",
                        "error_description", text));
  fake_result (call, "invalid_request");
  return -1;
}

static bool
is_user (const json_t *imds, const char *id)
{
  json_t *user;
  size_t i;

  json_array_foreach (json_object_get (imds, "users"), i, user)
  {
    if (strcasecmp (json_string_value (user) ?: "", id) == 0)
      return true;
  }
  return false;
}

/* Numbers are texts here. */
static int
give (struct fake_call *call, const json_t *imds)
{
  const char *user = arm_query (call, "client_id");
  const char *resource = arm_query (call, "resource");
  const char *id = user ? user : json_str (imds, "application", "");
  const json_t *application = arm_application (call->cloud, NULL, id);
  int64_t seconds = json_int (application, "token_seconds", 86399);
  CLEANUP_FREE char *lives = xasprintf ("%lld", (long long)seconds);
  CLEANUP_FREE char *until = NULL, *token = NULL;

  if (resource == NULL)
    return bad (call, "Required audience parameter not specified");
  if (application == NULL || (user && !is_user (imds, user)))
    return bad (call, "Identity not found");
  until =
      xasprintf ("%lld", (long long)(fake_client_time_ms (call->cloud) / 1000 +
                                     seconds));
  token = arm_token_new (call->cloud, application, resource, seconds);
  return arm_reply (call, 200,
                    json_make ("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "access_token",
                               token, "client_id", id, "expires_in", lives,
                               "expires_on", until, "not_before", "0",
                               "resource", resource, "token_type", "Bearer"));
}

static int
imds_token (struct fake_call *call)
{
  const json_t *imds = arm_config (call->cloud, "imds");
  const char *metadata = http_header_get (&call->req->headers, "Metadata");

  if (imds == NULL)
    return arm_front_fail (call, 404, "NotFound", "no such service here");
  if (metadata == NULL || strcasecmp (metadata, "true") != 0 ||
      http_header_get (&call->req->headers, "X-Forwarded-For"))
    return bad (call, "Required metadata header not specified");
  if (arm_query (call, "api-version") == NULL)
    return bad (call, "Required api-version parameter not specified");
  return give (call, imds);
}

static int
app_token (struct fake_call *call)
{
  const json_t *imds = arm_config (call->cloud, "imds");
  const char *header =
      http_header_get (&call->req->headers, "X-IDENTITY-HEADER");

  if (imds == NULL || header == NULL ||
      strcmp (header, json_str (imds, "header", "")) != 0)
    return arm_front_fail (call, 401, "Unauthorized",
                           "the header X-IDENTITY-HEADER is wrong");
  return give (call, imds);
}

const struct arm_route arm_imds_routes[] = {
    {"GET", "/metadata/identity/oauth2/token", "imds", "token", NULL, NULL,
     NULL, ARM_OPEN, imds_token},
    {"GET", "/metadata/identity/oauth2/token/", "imds", "token", NULL, NULL,
     NULL, ARM_OPEN, imds_token},
    {"GET", "/msi/token", "imds", "app-token", NULL, NULL, NULL, ARM_OPEN,
     app_token},
    {0},
};
