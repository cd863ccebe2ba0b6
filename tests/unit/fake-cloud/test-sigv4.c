/* Signatures that the fake AWS takes and refuses, and its metadata service. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>
#include <fake-cloud/aws/aws.h>

#include "driver.h"

#define SIGNED "host;x-amz-date"

/* "get-vanilla" of the test suite that AWS publishes for Signature Version 4.
 */
static void
test_published_vector (void)
{
  static const char authorization[] =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
      "aws4_request, SignedHeaders=host;x-amz-date, Signature="
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  struct aws_scope scope = {0};
  CLEANUP_FREE char *signature = NULL;

  req.method = xstrdup ("GET");
  req.url = xstrdup ("https://example.amazonaws.com/");
  http_header_add (&req.headers, "Host", "example.amazonaws.com");
  http_header_add (&req.headers, "X-Amz-Date", "20150830T123600Z");
  CU_ASSERT_EQUAL (aws_scope_parse (authorization, &scope), 0);
  signature = aws_sigv4_signature (&req, &scope,
                                   "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  CU_ASSERT_STRING_EQUAL (signature, scope.signature);
  aws_scope_release (&scope);
}

/* How a request is signed; NULL members as they should be. */
struct signing {
  const char *name;
  const char *date, *scope_date, *region, *service, *signed_headers;
  const char *key, *secret, *token, *host, *authorization;
  const char *body_after; /* changed after it was signed */
  int status;
  const char *code;
};

static const struct signing signings[] = {
    {"good", .status = 200},
    {"good, four minutes ago", .date = "20250615T150240Z", .status = 200},
    {"good, endpoint by name", .host = "ec2.us-east-1.amazonaws.com",
     .status = 200},
    {"none", .authorization = "", .status = 401,
     .code = "MissingAuthenticationToken"},
    {"another scheme", .authorization = "Basic QUtJQQ==", .status = 400,
     .code = "IncompleteSignature"},
    {"no Signature",
     .authorization = "AWS4-HMAC-SHA256 Credential=AKIAALL/20250615/us-east-1/"
                      "ec2/aws4_request, SignedHeaders=host;x-amz-date",
     .status = 400, .code = "IncompleteSignature"},
    {"short Credential",
     .authorization = "AWS4-HMAC-SHA256 Credential=AKIAALL/20250615, "
                      "SignedHeaders=host;x-amz-date, Signature=00",
     .status = 400, .code = "IncompleteSignature"},
    {"unknown key", .key = "AKIANONE", .status = 401, .code = "AuthFailure"},
    {"wrong secret", .secret = "guess", .status = 401, .code = "AuthFailure"},
    {"body changed", .body_after = "Action=DescribeRegions&Version=2016-11-15",
     .status = 401, .code = "AuthFailure"},
    {"host not signed", .signed_headers = "x-amz-date", .status = 400,
     .code = "IncompleteSignature"},
    {"date not signed", .signed_headers = "host", .status = 400,
     .code = "IncompleteSignature"},
    {"headers not sorted", .signed_headers = "x-amz-date;host", .status = 400,
     .code = "IncompleteSignature"},
    {"scope of yesterday", .scope_date = "20250614", .status = 401,
     .code = "AuthFailure"},
    {"six minutes ago", .date = "20250615T150035Z", .status = 400,
     .code = "RequestExpired"},
    {"in six minutes", .date = "20250615T151245Z", .status = 400,
     .code = "RequestExpired"},
    {"no date at all", .date = "yesterday", .status = 400,
     .code = "IncompleteSignature"},
    {"unknown region", .region = "mars-1", .status = 401,
     .code = "AuthFailure"},
    {"region of another endpoint", .region = "eu-west-1",
     .host = "ec2.us-east-1.amazonaws.com", .status = 401,
     .code = "AuthFailure"},
    {"service of another endpoint", .service = "sts",
     .host = "ec2.us-east-1.amazonaws.com", .status = 403,
     .code = "SignatureDoesNotMatch"},
    {"unknown service", .service = "s3", .status = 401, .code = "AuthFailure"},
    {"token that the key does not have", .token = "t",
     .signed_headers = "host;x-amz-date;x-amz-security-token", .status = 401,
     .code = "AuthFailure"},
};

static const char * or (const char *text, const char *otherwise)
{
  return text ? text : otherwise;
}

static void
sign_and_send (struct driver *d, const struct signing *how)
{
  static const char body[] = "Action=DescribeInstances&Version=2016-11-15";
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FREE char *authorization = NULL, *signature = NULL;
  const char *code;
  struct aws_scope scope = {0};

  req.method = xstrdup ("POST");
  req.url = xasprintf ("http://%s/", or (how->host, "127.0.0.1:8000"));
  req.body = xstrdup (body);
  req.body_len = strlen (body);
  http_header_add (&req.headers, "Host", or (how->host, "127.0.0.1:8000"));
  http_header_add (&req.headers, "X-Amz-Date",
                   or (how->date, "20250615T150640Z"));
  if (how->token)
    http_header_add (&req.headers, "X-Amz-Security-Token", how->token);
  authorization = xasprintf (
      "AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=%s, "
      "Signature=0",
      or (how->key, "AKIAALL"), or (how->scope_date, "20250615"),
      or (how->region, "us-east-1"), or (how->service, "ec2"),
      or (how->signed_headers, SIGNED));
  CU_ASSERT_EQUAL (aws_scope_parse (authorization, &scope), 0);
  signature = aws_sigv4_signature (&req, &scope, or (how->secret, "s3cret"));
  authorization[strlen (authorization) - 1] = '\0';
  if (how->authorization == NULL) {
    CLEANUP_FREE char *whole = xasprintf ("%s%s", authorization, signature);

    http_header_add (&req.headers, "Authorization", whole);
  } else if (how->authorization[0])
    http_header_add (&req.headers, "Authorization", how->authorization);
  if (how->body_after) {
    free (req.body);
    req.body = xstrdup (how->body_after);
    req.body_len = strlen (req.body);
  }
  http_reply_release (&d->reply);
  fake_cloud_handle (d->cloud, &req, &d->reply);
  code = driver_xml (d, "Code");
  if (d->reply.status != how->status || strcmp (code, or (how->code, "")) != 0)
    fprintf (stderr, "%s: %d %s\n", how->name, d->reply.status, code);
  CU_ASSERT_EQUAL (d->reply.status, how->status);
  CU_ASSERT_STRING_EQUAL (code, or (how->code, ""));
  aws_scope_release (&scope);
}

static void
test_signatures (void)
{
  struct driver d;

  driver_init (&d, "{'aws':{'auth':'sigv4'}}");
  for (size_t i = 0; i < ARRAY_SIZE (signings); i++)
    sign_and_send (&d, &signings[i]);
  driver_release (&d);
}

/* Keys of a role: with their token, which is signed, and until they expire. */
static void
test_session_keys (void)
{
  struct driver d;
  struct signing how = {"session", .status = 200};
  CLEANUP_FREE char *key = NULL, *secret = NULL, *token = NULL;

  driver_init (&d, NULL);
  d.service = "sts";
  driver_call (&d, "AssumeRole RoleArn=arn:aws:iam::111122223333:role/repair "
                   "RoleSessionName=bootmend ExternalId=xyzzy");
  how.key = key = xstrdup (driver_xml (&d, "AccessKeyId"));
  how.secret = secret = xstrdup (driver_xml (&d, "SecretAccessKey"));
  how.token = token = xstrdup (driver_xml (&d, "SessionToken"));
  how.signed_headers = "host;x-amz-date;x-amz-security-token";
  CU_ASSERT_STRING_EQUAL (driver_xml (&d, "Expiration"),
                          "2025-06-15T16:06:40Z");
  drive_control (d.cloud, "{'op':'switch','name':'aws.auth','value':'sigv4'}");
  sign_and_send (&d, &how);
  how.name = "token not signed";
  how.signed_headers = SIGNED;
  how.status = 401;
  how.code = "AuthFailure";
  sign_and_send (&d, &how);
  how.name = "no token";
  how.token = NULL;
  sign_and_send (&d, &how);
  how.name = "expired";
  how.token = token;
  how.signed_headers = "host;x-amz-date;x-amz-security-token";
  how.date = "20250615T160641Z";
  how.status = 400;
  how.code = "RequestExpired";
  driver_wait (&d, 3601 * 1000);
  sign_and_send (&d, &how);
  driver_release (&d);
}

/* ---- IMDS ---- */

static const char *
imds (struct driver *d, const char *method, const char *path,
      const char *header, const char *value)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};

  req.method = xstrdup (method);
  req.url = xasprintf ("http://169.254.169.254%s", path);
  if (header)
    http_header_add (&req.headers, header, value);
  http_reply_release (&d->reply);
  fake_cloud_handle (d->cloud, &req, &d->reply);
  return d->reply.body;
}

static void
test_metadata (void)
{
  static const char ttl[] = "X-aws-ec2-metadata-token-ttl-seconds";
  static const char token_path[] = "/latest/api/token";
  static const char roles[] = "/latest/meta-data/iam/security-credentials/";
  static const char role[] =
      "/latest/meta-data/iam/security-credentials/repair";
  static const char header[] = "X-aws-ec2-metadata-token";
  static const char document[] = "/latest/dynamic/instance-identity/document";
  struct driver d;
  CLEANUP_FREE char *token = NULL;
  CLEANUP_JSON json_t *keys = NULL;

  driver_init (&d, NULL);
  imds (&d, "GET", token_path, ttl, "60");
  CU_ASSERT_EQUAL (d.reply.status, 405);
  imds (&d, "PUT", token_path, NULL, NULL);
  CU_ASSERT_EQUAL (d.reply.status, 400);
  imds (&d, "PUT", token_path, ttl, "21601");
  CU_ASSERT_EQUAL (d.reply.status, 400);
  imds (&d, "PUT", token_path, "X-Forwarded-For", "10.0.0.1");
  CU_ASSERT_EQUAL (d.reply.status, 403);
  imds (&d, "GET", roles, NULL, NULL);
  CU_ASSERT_EQUAL (d.reply.status, 401);
  CU_ASSERT_PTR_NOT_NULL (strstr (d.reply.body, "<html>"));
  token = xstrdup (imds (&d, "PUT", token_path, ttl, "60"));
  CU_ASSERT_EQUAL (d.reply.status, 200);
  CU_ASSERT_STRING_EQUAL (imds (&d, "GET", roles, header, token), "repair");
  imds (&d, "GET", role, header, token);
  keys = json_parse (d.reply.body, d.reply.body_len, "keys", NULL);
  CU_ASSERT_STRING_EQUAL (json_str (keys, "Code", ""), "Success");
  CU_ASSERT_STRING_NOT_EQUAL (json_str (keys, "Token", ""), "");
  CU_ASSERT_PTR_NOT_NULL (
      strstr (imds (&d, "GET", document, header, token), HELPER));
  imds (&d, "GET", "/latest/meta-data/colour", header, token);
  CU_ASSERT_EQUAL (d.reply.status, 404);
  driver_wait (&d, 60000);
  imds (&d, "GET", roles, header, token);
  CU_ASSERT_EQUAL (d.reply.status, 401);
  drive_control (d.cloud, "{'op':'switch','name':'aws.imds.v1','value':true}");
  CU_ASSERT_STRING_EQUAL (imds (&d, "GET", roles, NULL, NULL), "repair");
  driver_release (&d);
}

static const struct unit_case cases[] = {
    {"published vector", test_published_vector},
    {"signatures", test_signatures},
    {"session keys", test_session_keys},
    {"metadata", test_metadata},
};
UNIT_MAIN ("fake-cloud/sigv4", cases)
