/* Entra's token endpoint: client credentials with secret, signed assertion or
 * federated token. [npm @azure/msal-node 5.6.0; Microsoft Entra "authentication
 * and authorization error codes"; some statuses are (unverified)] */

#include "arm.h"

#include <string.h>
#include <strings.h>

#include <base/files.h>

#define ASSERTION "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define SCOPE_END "/.default"

static int
refuse (struct fake_call *call, int status, const char *error, int number,
        const char *text)
{
  CLEANUP_FREE char *description =
      xasprintf ("AADSTS%d: %s Trace ID: %s Correlation ID: %s", number, text,
                 call->request_id, call->request_id);
  CLEANUP_FREE char *code = xasprintf ("AADSTS%d", number);
  CLEANUP_FREE char *now = fake_time_text (fake_client_time_ms (call->cloud));

  arm_reply (call, status,
             json_make ("{s:s,s:s,s:[i],s:s,s:s,s:s}", "error", error,
                        "error_description", description, "error_codes", number,
                        "timestamp", now, "trace_id", call->request_id,
                        "correlation_id", call->request_id));
  fake_result (call, code);
  return -1;
}

static const char *
form (const struct fake_call *call, const char *name)
{
  return json_string_value (json_object_get (arm_body (call), name)) ?: "";
}

/* ---- who it says it is ---- */

static bool
is_federated (const json_t *application, const char *assertion)
{
  json_t *text;
  size_t i;

  json_array_foreach (json_object_get (application, "federated"), i, text)
  {
    if (strcmp (json_string_value (text) ?: "", assertion) == 0)
      return true;
  }
  return false;
}

static bool
is_for_us (const struct fake_call *call, const char *audience)
{
  CLEANUP_FAKE_URL struct fake_url url;
  CLEANUP_FREE char *here = NULL;

  fake_url_split (call->req->url, &url);
  here = xasprintf ("%s%s", url.base, url.path);
  return strcasecmp (here, audience) == 0;
}

/* RFC 7523, as Entra wants it: 10 minutes at most matter to nobody here. */
static int
check_claims (struct fake_call *call, const char *id, const json_t *claims)
{
  int64_t now = fake_client_time_ms (call->cloud) / 1000;

  if (!is_for_us (call, json_str (claims, "aud", "")))
    return refuse (call, 401, "invalid_client", 700023,
                   "Client assertion audience claim does not match Realm "
                   "issuer.");
  if (strcmp (json_str (claims, "iss", ""), id) != 0 ||
      strcmp (json_str (claims, "sub", ""), id) != 0)
    return refuse (call, 401, "invalid_client", 700021,
                   "Client assertion application identifier doesn't match "
                   "'client_id' parameter.");
  if (json_int (claims, "exp", 0) < now ||
      json_int (claims, "nbf", 0) > now + 300)
    return refuse (call, 401, "invalid_client", 700024,
                   "Client assertion is not within its valid time range.");
  if (*json_str (claims, "jti", "") == '\0')
    return refuse (call, 401, "invalid_client", 50027, "JWT token is invalid.");
  return 0;
}

static int
check_assertion (struct fake_call *call, const json_t *application)
{
  const char *assertion = form (call, "client_assertion");
  const char *path = json_str (application, "certificate", NULL);
  CLEANUP_JSON json_t *header = NULL, *claims = NULL;
  CLEANUP_FREE char *pem = NULL;
  size_t len;

  if (strcmp (form (call, "client_assertion_type"), ASSERTION) != 0)
    return refuse (call, 400, "invalid_request", 900144,
                   "The request body must contain the following parameter: "
                   "'client_assertion_type'.");
  if (is_federated (application, assertion))
    return 0;
  if (path == NULL || file_read (path, 1 << 20, &pem, &len, NULL) == -1 ||
      fake_jwt_open (assertion, &header, &claims) == -1 ||
      !fake_jwt_signed_by (assertion, pem) ||
      (json_object_get (header, "x5t") == NULL &&
       json_object_get (header, "x5t#S256") == NULL))
    return refuse (call, 401, "invalid_client", 700027,
                   "The certificate with identifier used to sign the client "
                   "assertion is not registered on application.");
  return check_claims (call, json_str (application, "id", ""), claims);
}

static int
check_secret (struct fake_call *call, const json_t *application)
{
  const char *secret = json_str (application, "secret", NULL);

  if (secret == NULL || strcmp (secret, form (call, "client_secret")) != 0)
    return refuse (call, 401, "invalid_client", 7000215,
                   "Invalid client secret provided. Ensure the secret being "
                   "sent in the request is the client secret value, not the "
                   "client secret ID, for a secret added to app.");
  if (json_bool (application, "secret_expired", false))
    return refuse (call, 401, "invalid_client", 7000222,
                   "The provided client secret keys for app are expired. Visit "
                   "the Azure portal to create new keys for your app.");
  return 0;
}

/* ---- what it wants ---- */

static char *
audience_of (const char *scope)
{
  size_t len = strlen (scope), end = strlen (SCOPE_END);

  if (len <= end || strcmp (scope + len - end, SCOPE_END) != 0)
    return NULL;
  return xstrndup (scope, len - end);
}

static int
token (struct fake_call *call)
{
  const char *tenant = arm_part (call, "tenant"),
             *id = form (call, "client_id");
  CLEANUP_FREE char *where = xasprintf ("tenants.%s", tenant);
  const json_t *application = arm_application (call->cloud, tenant, id);
  CLEANUP_FREE char *audience = audience_of (form (call, "scope"));
  CLEANUP_FREE char *made = NULL;
  int64_t seconds = json_int (application, "token_seconds", 3599);

  if (arm_config (call->cloud, where) == NULL)
    return refuse (call, 400, "invalid_request", 90002,
                   "Tenant not found. Check to make sure you have the correct "
                   "tenant ID and are signing into the correct cloud.");
  if (strcmp (form (call, "grant_type"), "client_credentials") != 0)
    return refuse (call, 400, "unsupported_grant_type", 70003,
                   "The app requested an unsupported grant type.");
  if (application == NULL)
    return refuse (call, 400, "unauthorized_client", 700016,
                   "Application with identifier was not found in the "
                   "directory.");
  if (audience == NULL)
    return refuse (call, 400, "invalid_scope", 1002012,
                   "The provided value for scope is not valid. Client "
                   "credential flows must have a scope value with /.default "
                   "suffixed to the resource identifier.");
  if (*form (call, "client_assertion") ? check_assertion (call, application) < 0
                                       : check_secret (call, application) < 0)
    return -1;
  made = arm_token_new (call->cloud, application, audience, seconds);
  return arm_reply (call, 200,
                    json_make ("{s:s,s:I,s:I,s:s}", "token_type", "Bearer",
                               "expires_in", (json_int_t)seconds,
                               "ext_expires_in", (json_int_t)seconds,
                               "access_token", made));
}

/* What official libraries ask before. */
static int
discover (struct fake_call *call)
{
  CLEANUP_FREE char *base = arm_base (call);
  const char *tenant = arm_part (call, "tenant");

  return arm_reply (call, 200,
                    json_pack ("{s:o,s:o,s:o,s:[s,s]}", "issuer",
                               json_sprintf ("%s/%s/v2.0", base, tenant),
                               "token_endpoint",
                               json_sprintf ("%s/%s/oauth2/v2.0/token", base,
                                             tenant),
                               "authorization_endpoint",
                               json_sprintf ("%s/%s/oauth2/v2.0/authorize",
                                             base, tenant),
                               "token_endpoint_auth_methods_supported",
                               "client_secret_post", "private_key_jwt"));
}

const struct arm_route arm_entra_routes[] = {
    {"POST", "/{tenant}/oauth2/v2.0/token", "entra", "token", NULL, NULL, NULL,
     ARM_OPEN, token},
    {"GET", "/{tenant}/v2.0/.well-known/openid-configuration", "entra",
     "discover", NULL, NULL, NULL, ARM_OPEN, discover},
    {0},
};
