/* Token services: oauth2.googleapis.com/token (signed JWT, refresh token),
 * sts.googleapis.com/v1/token (workload identity federation) and
 * iamcredentials generateAccessToken (impersonation).
 *
 * What is refused and how: google-auth-library and Google's OAuth
 * documentation; texts are (unverified). */

#include "gce.h"

#include <string.h>

#include <base/files.h>
#include <base/secret.h>
#include <base/text.h>

#define GRANT "urn:ietf:params:oauth:grant-type:"
#define SKEW  300

static void
refuse (struct fake_call *call, int status, const char *error,
        const char *description)
{
  CLEANUP_JSON json_t *body =
      json_make ("{s:s,s:s}", "error", error, "error_description", description);

  fake_reply_text (call, status, "application/json; charset=utf-8",
                   json_text_pretty (body));
  fake_result (call, error);
}

static int64_t
seconds_of (const struct fake_call *call, const struct fake_object *principal)
{
  int64_t usual =
      json_integer_value (fake_config (call->cloud, "gcp.token_seconds"));

  return json_int (principal->body, "_tokenSeconds", usual ? usual : 3599);
}

static void
give (struct fake_call *call, const struct fake_object *principal,
      const json_t *scopes)
{
  int64_t seconds = seconds_of (call, principal);
  const struct fake_object *token =
      gce_token_new (call->cloud, principal, seconds, scopes);
  CLEANUP_JSON json_t *body =
      json_make ("{s:s,s:I,s:s}", "access_token", token->id, "expires_in",
                 (json_int_t)seconds, "token_type", "Bearer");

  if (strcmp (call->service, "sts") == 0)
    json_put_str (body, "issued_token_type",
                  "urn:ietf:params:oauth:token-type:access_token");
  fake_reply_text (call, 200, "application/json; charset=utf-8",
                   json_text_pretty (body));
}

/* "a b c" */
static json_t *
scopes_of (const char *text)
{
  CLEANUP_FREE char *copy = xstrdup (text);
  char *rest = copy, *word;
  json_t *list = json_array ();

  while ((word = strsep (&rest, " ")) != NULL)
    if (*word)
      json_array_append_new (list, json_string (word));
  return list;
}

static const struct fake_object *
find_by (const struct fake_cloud *cloud, const char *key, const char *value)
{
  for (size_t i = 0; value && i < cloud->objects.len; i++) {
    const struct fake_object *object = cloud->objects.ptr[i];

    if (strcmp (object->kind, "principal") == 0 && !object->gone &&
        strcmp (json_str (object->body, key, ""), value) == 0)
      return object;
  }
  return NULL;
}

/* ---- signed by a service account ---- */

static char *
own_url (const struct fake_call *call)
{
  CLEANUP_FAKE_URL struct fake_url url = {0};

  fake_url_split (call->req->url, &url);
  return xasprintf ("%s%s", url.base, url.path);
}

static const char *
check_claims (const struct fake_call *call, const json_t *claims)
{
  int64_t now = fake_client_time_ms (call->cloud) / 1000;
  int64_t from = json_int (claims, "iat", 0), to = json_int (claims, "exp", 0);
  CLEANUP_FREE char *own = own_url (call);
  const char *audience = json_str (claims, "aud", "");

  if (strcmp (audience, own) != 0 &&
      strcmp (audience, "https://oauth2.googleapis.com/token") != 0)
    return "Invalid JWT: Failed audience check.";
  if (from > now + SKEW || to < now - SKEW || to - from > 3600 || to <= from)
    return "Invalid JWT: Token must be a short-lived token (60 minutes) and in "
           "a reasonable timeframe. Check your iat and exp values in the JWT "
           "claim.";
  if (*json_str (claims, "scope", "") == '\0')
    return "Invalid JWT: no scope.";
  return NULL;
}

static bool
is_signed (const struct fake_object *account, const char *jwt,
           const json_t *header)
{
  const char *path = json_str (account->body, "_keyFile", NULL);
  const char *key_id = json_str (account->body, "_keyId", NULL);
  CLEANUP_SECRET struct secret *pem =
      path ? secret_read_file (path, 65536, NULL) : NULL;

  if (key_id && strcmp (json_str (header, "kid", ""), key_id) != 0)
    return false;
  return pem && fake_jwt_signed_by (jwt, pem->data);
}

static void
by_assertion (struct fake_call *call)
{
  const char *jwt = gce_param (call, "assertion");
  CLEANUP_JSON json_t *header = NULL, *claims = NULL, *scopes = NULL;
  const struct fake_object *account;
  const char *wrong;

  if (jwt == NULL || fake_jwt_open (jwt, &header, &claims) < 0) {
    refuse (call, 400, "invalid_grant", "Invalid JWT: it can't be read.");
    return;
  }
  account = fake_object_find (call->cloud, "principal",
                              json_str (claims, "iss", ""), NULL, NULL);
  if (account == NULL) {
    refuse (call, 400, "invalid_grant", "Invalid grant: account not found");
    return;
  }
  if (!is_signed (account, jwt, header)) {
    refuse (call, 400, "invalid_grant", "Invalid JWT Signature.");
    return;
  }
  wrong = check_claims (call, claims);
  if (wrong) {
    refuse (call, 400, "invalid_grant", wrong);
    return;
  }
  if (json_bool (account->body, "_disabled", false)) {
    refuse (call, 400, "invalid_grant", "Invalid grant: account is disabled.");
    return;
  }
  scopes = scopes_of (json_str (claims, "scope", ""));
  give (call, account, scopes);
}

static void
by_refresh (struct fake_call *call)
{
  const struct fake_object *user =
      find_by (call->cloud, "_refreshToken", gce_param (call, "refresh_token"));
  const char *id = gce_param (call, "client_id");
  const char *secret = gce_param (call, "client_secret");

  if (user == NULL)
    refuse (call, 400, "invalid_grant", "Token has been expired or revoked.");
  else if (id == NULL || secret == NULL ||
           strcmp (id, json_str (user->body, "_clientId", "")) != 0 ||
           strcmp (secret, json_str (user->body, "_clientSecret", "")) != 0)
    refuse (call, 401, "invalid_client", "The OAuth client was not found.");
  else
    give (call, user, NULL);
}

/* ---- workload identity ---- */

static bool
has (const json_t *list, const char *text)
{
  for (size_t i = 0; i < json_array_size (list); i++)
    if (strcmp (json_string_value (json_array_get (list, i)), text) == 0)
      return true;
  return false;
}

static void
by_exchange (struct fake_call *call)
{
  const char *audience = gce_param (call, "audience");
  const char *subject = gce_param (call, "subject_token");
  const char *type = gce_param (call, "requested_token_type");
  const struct fake_object *pool = find_by (call->cloud, "_audience", audience);
  CLEANUP_JSON json_t *scopes = NULL;

  if (audience == NULL || subject == NULL || type == NULL ||
      gce_param (call, "subject_token_type") == NULL)
    refuse (call, 400, "invalid_request", "A required parameter is missing.");
  else if (strcmp (type, "urn:ietf:params:oauth:token-type:access_token") != 0)
    refuse (call, 400, "invalid_request",
            "Invalid value for \"requested_token_type\".");
  else if (pool == NULL)
    refuse (call, 400, "invalid_target",
            "The target service indicated by the \"audience\" parameters is "
            "invalid.");
  else if (has (json_object_get (pool->body, "_expiredSubjectTokens"), subject))
    refuse (call, 400, "invalid_grant", "ID Token issued is stale to sign-in.");
  else if (!has (json_object_get (pool->body, "_subjectTokens"), subject))
    refuse (call, 400, "invalid_grant",
            "The given credential is rejected by the attribute condition.");
  else {
    scopes =
        scopes_of (gce_param (call, "scope") ? gce_param (call, "scope") : "");
    give (call, pool, scopes);
  }
}

/* ---- impersonation ---- */

/* {"scope": [..], "lifetime": "3600s"} */
static void
impersonate (struct fake_call *call, const char *path)
{
  static const char start[] = "/v1/projects/-/serviceAccounts/";
  const char *name = path + strlen (start), *colon = strchr (name, ':');
  CLEANUP_FREE char *mail = xstrndup (name, colon ? (size_t)(colon - name) : 0);
  CLEANUP_JSON json_t *body = NULL, *out = NULL;
  CLEANUP_FREE char *until = NULL;
  const struct fake_object *account, *token;
  int64_t seconds;

  if (colon == NULL || strcmp (colon, ":generateAccessToken") != 0) {
    gce_not_found (call, path);
    return;
  }
  if (gce_who_calls (call) < 0)
    return;
  account = fake_object_find (call->cloud, "principal", mail, NULL, NULL);
  if (account == NULL) {
    gce_fail_with (call, 404, "notFound", "NOT_FOUND", NULL,
                   "Not found; Gaia id not found for email");
    return;
  }
  if (call->identity &&
      !has (json_object_get (account->body, "_impersonatedBy"), call->caller)) {
    gce_fail_with (call, 403, "forbidden", "PERMISSION_DENIED", NULL,
                   "Permission 'iam.serviceAccounts.getAccessToken' denied on "
                   "resource (or it may not exist).");
    return;
  }
  body = json_parse (call->req->body ? call->req->body : "",
                     call->req->body_len, "body", NULL);
  if (json_array_size (json_object_get (body, "scope")) == 0) {
    gce_fail_with (call, 400, "badRequest", "INVALID_ARGUMENT", NULL,
                   "Request contains an invalid argument: scope.");
    return;
  }
  seconds = seconds_of (call, account);
  token = gce_token_new (call->cloud, account, seconds,
                         json_object_get (body, "scope"));
  until = time_format_ms ((fake_client_time_ms (call->cloud) / 1000 + seconds) *
                          1000);
  out = json_make ("{s:s,s:s}", "accessToken", token->id, "expireTime", until);
  fake_reply_text (call, 200, "application/json; charset=UTF-8",
                   json_text_pretty (out));
}

/* ---- all of them ---- */

void
gce_token_service (struct fake_call *call, const char *path)
{
  const char *grant;

  if (strcmp (call->req->method, "POST") != 0) {
    refuse (call, 405, "invalid_request", "Only POST is allowed.");
    return;
  }
  if (strcmp (call->service, "iamcredentials") == 0) {
    impersonate (call, path);
    return;
  }
  if (fake_form_parse (call->req->body ? call->req->body : "",
                       call->req->body_len, call->params) < 0) {
    refuse (call, 400, "invalid_request", "The form can't be read.");
    return;
  }
  grant = gce_param (call, "grant_type");
  if (grant && strcmp (grant, GRANT "jwt-bearer") == 0)
    by_assertion (call);
  else if (grant && strcmp (grant, "refresh_token") == 0)
    by_refresh (call);
  else if (grant && strcmp (grant, GRANT "token-exchange") == 0 &&
           strcmp (call->service, "sts") == 0)
    by_exchange (call);
  else
    refuse (call, 400, "unsupported_grant_type",
            grant ? grant : "no grant_type");
  /* Secrets are for no log. */
  json_object_clear (call->params);
}
