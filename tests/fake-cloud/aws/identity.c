/* Who calls?  Keys, sessions of roles, and what a signature must be like. */

#include "aws.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/crypto.h>

/* The error codes differ by service; for STS see its model, the EC2 ones are in
 * README.md. */
static int
refuse (struct fake_call *call, const char *ec2_code, int ec2_status,
        const char *other_code, const char *message)
{
  if (strcmp (call->service, "ec2") == 0)
    return aws_fail (call, ec2_status, ec2_code, "%s", message);
  return aws_fail (call, 403, other_code, "%s", message);
}

static int
refuse_key (struct fake_call *call)
{
  if (strcmp (call->service, "ec2") == 0)
    return aws_fail (
        call, 401, "AuthFailure",
        "AWS was not able to validate the provided access credentials");
  return aws_fail (call, 403, "InvalidClientTokenId",
                   "The security token included in the request is invalid.");
}

static int
incomplete (struct fake_call *call, const char *message)
{
  return aws_fail (call, 400, "IncompleteSignature", "%s", message);
}

static bool
is_signed (const struct aws_scope *scope, const char *name)
{
  CLEANUP_FREE char *names = xstrdup (scope->signed_headers);
  char *rest = names, *word;

  while ((word = strsep (&rest, ";")) != NULL)
    if (strcmp (word, name) == 0)
      return true;
  return false;
}

static bool
is_sorted (const char *signed_headers)
{
  CLEANUP_FREE char *names = xstrdup (signed_headers);
  char *rest = names, *word, *before = strsep (&rest, ";");

  while ((word = strsep (&rest, ";")) != NULL) {
    if (strcmp (before, word) >= 0)
      return false;
    before = word;
  }
  return true;
}

/* "20260102T030405Z" */
static int
parse_amz_date (const char *text, int64_t *ms)
{
  struct tm tm = {0};
  const char *end = strptime (text, "%Y%m%dT%H%M%SZ", &tm);

  if (end == NULL || *end)
    return -1;
  *ms = (int64_t)timegm (&tm) * 1000;
  return 0;
}

static int
check_form (struct fake_call *call, const struct aws_scope *scope)
{
  const char *date = http_header_get (&call->req->headers, "X-Amz-Date");
  int64_t at_ms, skew;

  if (date == NULL || parse_amz_date (date, &at_ms) < 0)
    return incomplete (call, "Date must be in ISO-8601 'basic format'.");
  if (!is_signed (scope, "host") || !is_signed (scope, "x-amz-date"))
    return incomplete (call, "'Host' and 'X-Amz-Date' must be signed headers.");
  if (!is_sorted (scope->signed_headers))
    return incomplete (call, "SignedHeaders are not sorted.");
  if (strncmp (scope->date, date, 8) != 0 || strlen (scope->date) != 8)
    return refuse (call, "AuthFailure", 401, "SignatureDoesNotMatch",
                   "Date in Credential scope does not match YYYYMMDD from "
                   "ISO-8601 version of date from HTTP.");
  skew = fake_client_time_ms (call->cloud) - at_ms;
  if (skew > 5 * 60 * 1000 || skew < -5 * 60 * 1000)
    return refuse (call, "RequestExpired", 400, "SignatureDoesNotMatch",
                   "Request has expired.");
  return 0;
}

static bool
region_exists (const struct fake_call *call, const char *region)
{
  const json_t *regions = fake_config (call->cloud, "aws.regions");

  return json_object_get (regions, region) != NULL;
}

/* Where the endpoint's name tells service and region
 * ("ec2.us-east-1.amazonaws.com"), the scope must name the same. */
static bool
endpoint_agrees (const char *host, const struct aws_scope *scope)
{
  static const char *const services[] = {"ec2", "sts", "autoscaling", "kms"};
  CLEANUP_FREE char *copy = xstrdup (host);
  char *rest = copy;
  const char *service = strsep (&rest, "."), *region = strsep (&rest, ".");

  for (size_t i = 0; i < ARRAY_SIZE (services); i++)
    if (strcmp (service, services[i]) == 0)
      return region && strcmp (service, scope->service) == 0 &&
             (strcmp (region, "amazonaws") == 0 ||
              strcmp (region, scope->region) == 0);
  return true;
}

static int
check_scope (struct fake_call *call, const struct aws_scope *scope)
{
  CLEANUP_FREE char *host = NULL, *path = NULL, *query = NULL;

  aws_url_split (call->req->url, &host, &path, &query);
  if (strcmp (scope->service, call->service) != 0 ||
      !endpoint_agrees (host, scope))
    return refuse (
        call, "AuthFailure", 401, "SignatureDoesNotMatch",
        "Credential should be scoped to a valid region and service.");
  if (!region_exists (call, scope->region))
    return refuse (call, "AuthFailure", 401, "SignatureDoesNotMatch",
                   "Credential should be scoped to a valid region.");
  return 0;
}

static int
check_token (struct fake_call *call, const struct aws_scope *scope,
             const json_t *key)
{
  const char *token =
      http_header_get (&call->req->headers, "X-Amz-Security-Token");
  const char *wanted = json_str (key, "_token", NULL);

  if (wanted == NULL && token == NULL)
    return 0;
  if (wanted == NULL || token == NULL || strcmp (wanted, token) != 0 ||
      (scope && !is_signed (scope, "x-amz-security-token")))
    return refuse_key (call);
  if (fake_client_time_ms (call->cloud) >= json_int (key, "_expiresMs", 0))
    return refuse (call, "RequestExpired", 400, "ExpiredToken",
                   "The security token included in the request is expired");
  return 0;
}

static void
take_identity (struct fake_call *call, struct fake_object *key,
               const char *region)
{
  free (call->region);
  free (call->account);
  free (call->caller);
  call->identity = key ? key->body : NULL;
  call->region = xstrdup (region ? region : "");
  call->account = xstrdup (key ? key->account : "");
  call->caller = xstrdup (key ? json_str (key->body, "arn", "") : "");
}

static struct fake_object *
first_key (const struct fake_cloud *cloud)
{
  for (size_t i = 0; i < cloud->objects.len; i++)
    if (strcmp (cloud->objects.ptr[i]->kind, "access-key") == 0)
      return cloud->objects.ptr[i];
  return NULL;
}

/* In memory nobody signs: the request says who calls in X-Fake-Key (the first
 * key if it does not). */
static int
trust (struct fake_call *call)
{
  const char *name = http_header_get (&call->req->headers, "X-Fake-Key");
  struct fake_object *key =
      name ? fake_object_find (call->cloud, "access-key", name, NULL, NULL)
           : first_key (call->cloud);
  const char *region = call->req->sign_region;

  if (key == NULL)
    return refuse_key (call);
  if (check_token (call, NULL, key->body) < 0)
    return -1;
  if (region == NULL || !region_exists (call, region))
    return refuse (call, "AuthFailure", 401, "SignatureDoesNotMatch",
                   "Credential should be scoped to a valid region.");
  take_identity (call, key, region);
  if (call->cloud->depth) {
    call->identity = NULL;
    free (call->caller);
    call->caller = xstrdup ("second actor");
  }
  return 0;
}

static int
check_signature (struct fake_call *call, const struct aws_scope *scope,
                 const struct fake_object *key)
{
  CLEANUP_FREE char *good =
      aws_sigv4_signature (call->req, scope,
                           json_str (key->body, "_secret", ""));

  if (strlen (good) == strlen (scope->signature) &&
      CRYPTO_memcmp (good, scope->signature, strlen (good)) == 0)
    return 0;
  return refuse (call, "AuthFailure", 401, "SignatureDoesNotMatch",
                 strcmp (call->service, "ec2") == 0
                     ? "AWS was not able to validate the provided access "
                       "credentials"
                     : "The request signature we calculated does not match the "
                       "signature you provided.");
}

static int
verify (struct fake_call *call, const char *authorization,
        struct aws_scope *scope)
{
  struct fake_object *key;

  if (aws_scope_parse (authorization, scope) < 0)
    return incomplete (call, "Authorization header requires 'Credential', "
                             "'SignedHeaders' and 'Signature' parameters.");
  if (check_form (call, scope) < 0 || check_scope (call, scope) < 0)
    return -1;
  key = fake_object_find (call->cloud, "access-key", scope->key, NULL, NULL);
  if (key == NULL)
    return refuse_key (call);
  if (check_token (call, scope, key->body) < 0 ||
      check_signature (call, scope, key) < 0)
    return -1;
  take_identity (call, key, scope->region);
  return 0;
}

int
aws_who_calls (struct fake_call *call)
{
  const char *authorization =
      http_header_get (&call->req->headers, "Authorization");
  const char *mode = json_str (call->cloud->config, "aws.auth", "sigv4");
  struct aws_scope scope = {0};
  int result;

  /* The one call that needs no signature. */
  if (strcmp (call->action, "AssumeRoleWithWebIdentity") == 0 &&
      authorization == NULL)
    return 0;
  if (call->cloud->depth || strcmp (mode, "trusted") == 0)
    return trust (call);
  if (authorization == NULL)
    return refuse (call, "MissingAuthenticationToken", 401,
                   "MissingAuthenticationToken",
                   "Request is missing Authentication Token");
  result = verify (call, authorization, &scope);
  aws_scope_release (&scope);
  return result;
}

struct fake_object *
aws_session_new (struct fake_cloud *cloud, const struct fake_object *role,
                 const char *session_name, int64_t seconds)
{
  CLEANUP_FREE char *id = fake_random_hex (cloud, 16);
  CLEANUP_FREE char *secret = fake_random_hex (cloud, 40);
  CLEANUP_FREE char *token = fake_random_hex (cloud, 200);
  CLEANUP_FREE char *key = NULL, *arn = NULL;
  const char *slash = strrchr (role->id, '/');
  json_t *body;

  for (char *p = id; *p; p++)
    *p = (char)(*p >= 'a' ? *p - 'a' + 'A' : *p);
  key = xasprintf ("ASIA%s", id);
  arn = xasprintf ("arn:aws:sts::%s:assumed-role/%s/%s", role->account,
                   slash ? slash + 1 : role->id, session_name);
  body =
      json_make ("{s:s,s:s,s:s,s:s,s:I,s:O*,s:O*}", "accessKeyId", key, "arn",
                 arn, "_secret", secret, "_token", token, "_expiresMs",
                 (json_int_t)(fake_client_time_ms (cloud) + seconds * 1000),
                 "_deny", json_object_get (role->body, "_deny"), "_allow",
                 json_object_get (role->body, "_allow"));
  return fake_object_add (cloud, "access-key", key, "", role->account, "",
                          body);
}
