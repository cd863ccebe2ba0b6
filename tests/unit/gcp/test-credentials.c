/* Where credentials come from, against token services in memory; the JWT is
 * checked with the public half of its key. */

#include "unit.h"

#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <gcp-credentials/credentials.h>
#include <net/memory-transport.h>

#define WALL_MS INT64_C (1750000000000)

struct stage {
  struct fake_clock clock;
  struct transport *transport;
  struct gcp_surroundings around;
  struct binding binding;
  char folder[40];
  char *variables[8]; /* "NAME=value" */
  size_t nvariables;
  bool metadata; /* the metadata server answers ... */
  const char *flavor;
  int status; /* of token services; 0: 200 */
  const char *refusal;
  struct strbuf seen; /* "POST url body\n" for each request */
  char *bearer;       /* of the last */
};

static const char *
variable (void *opaque, const char *name)
{
  const struct stage *s = opaque;
  size_t len = strlen (name);

  for (size_t i = 0; i < s->nvariables; i++)
    if (strncmp (s->variables[i], name, len) == 0 &&
        s->variables[i][len] == '=')
      return s->variables[i] + len + 1;
  return NULL;
}

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct stage *s = opaque;
  const char *body = "{\"access_token\":\"t-1\",\"expires_in\":3599}";

  (void)delay_ms;
  strbuf_addf (&s->seen, "%s %s %s\n", req->method, req->url,
               req->body ? req->body : "");
  free (s->bearer);
  s->bearer = auth && auth->bearer ? xstrdup (auth->bearer->data) : NULL;
  reply->status = s->status ? s->status : 200;
  if (strstr (req->url, "computeMetadata")) {
    if (!s->metadata)
      return err_set (err, ERR_TIMEOUT, "no answer");
    CU_ASSERT_STRING_EQUAL (http_header_get (&req->headers, "Metadata-Flavor")
                                ?: "",
                            "Google");
    if (s->flavor)
      http_header_add (&reply->headers, "Metadata-Flavor", s->flavor);
    if (strstr (req->url, "project-id"))
      body = "meta-project\n";
  } else if (strstr (req->url, "generateAccessToken"))
    body = "{\"accessToken\":\"t-as\",\"expireTime\":"
           "\"2025-06-15T16:06:40Z\"}";
  else if (strstr (req->url, "/subject"))
    body = "{\"value\":\"subject-2\"}";
  if (s->status >= 400)
    body = s->refusal;
  http_reply_set_body (reply, body, strlen (body));
  return 0;
}

static void
pass (void *opaque, int64_t ms)
{
  struct stage *s = opaque;

  fake_clock_advance (&s->clock, ms);
}

static void
set (struct stage *s, const char *name, const char *value)
{
  s->variables[s->nvariables++] = xasprintf ("%s=%s", name, value);
}

static void
stage_init (struct stage *s)
{
  struct memory_service service = {s, answer, pass};

  memset (s, 0, sizeof *s);
  fake_clock_init (&s->clock, WALL_MS);
  s->transport = memory_transport_new (&service, &s->clock.clock);
  s->around.variable = variable;
  s->around.opaque = s;
  s->around.clock = &s->clock.clock;
  s->around.transport = s->transport;
  s->binding.config = json_object ();
  s->flavor = "Google";
  strbuf_addstr (&s->seen, "");
  strcpy (s->folder, "/tmp/unit-gcp-XXXXXX");
  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (s->folder));
  set (s, "HOME", s->folder);
}

/* GOOGLE_APPLICATION_CREDENTIALS. */
static void
put_file (struct stage *s, const char *name, const char *text)
{
  CLEANUP_FREE char *path = xasprintf ("%s/%s", s->folder, name);
  FILE *file = fopen (path, "w");

  CU_ASSERT_PTR_NOT_NULL_FATAL (file);
  fputs (text, file);
  fclose (file);
  if (strcmp (name, "key.json") == 0)
    set (s, "GOOGLE_APPLICATION_CREDENTIALS", path);
}

static void
stage_release (struct stage *s)
{
  static const char *const names[] = {"key.json", "token"};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    CLEANUP_FREE char *path = xasprintf ("%s/%s", s->folder, names[i]);

    unlink (path);
  }
  rmdir (s->folder);
  for (size_t i = 0; i < s->nvariables; i++)
    free (s->variables[i]);
  transport_free (s->transport);
  json_decref (s->binding.config);
  strbuf_release (&s->seen);
  free (s->bearer);
}

/* "TOKEN|source|seconds", or "!code: message". */
static char *
find (struct stage *s)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_CREDENTIALS struct credentials *made =
      gcp_authenticate_in (&s->around, &s->binding, &err);

  if (made == NULL)
    return xasprintf ("!%s: %s", err_code_name (err->code), err->msg);
  return xasprintf ("%s|%s|%lld", made->bearer->data, made->source,
                    (long long)(made->expires_wall_ms - WALL_MS) / 1000);
}

static void
expect (struct stage *s, const char *part)
{
  CLEANUP_FREE char *found = find (s);

  if (!strstr (found, part))
    printf ("%s, not %s\n", found, part);
  CU_ASSERT_PTR_NOT_NULL (strstr (found, part));
}

/* --- service_account ------------------------------------------------------ */

static char *
pem_of (EVP_PKEY *key)
{
  BIO *bio = BIO_new (BIO_s_mem ());
  char *data;
  long len;
  char *text;

  PEM_write_bio_PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL);
  len = BIO_get_mem_data (bio, &data);
  text = xstrndup (data, (size_t)len);
  BIO_free (bio);
  return text;
}

static size_t
from_base64url (const char *text, size_t len, unsigned char **ret)
{
  CLEANUP_FREE char *copy = xasprintf ("%.*s%s", (int)len, text,
                                       len % 4 == 2   ? "=="
                                       : len % 4 == 3 ? "="
                                                      : "");
  size_t got = 0;

  for (char *p = copy; *p; p++)
    *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
  CU_ASSERT_EQUAL (base64_decode (copy, ret, &got), 0);
  return got;
}

static void
check_jwt (EVP_PKEY *key, const char *jwt)
{
  const char *dot = strchr (jwt, '.'), *last = strrchr (jwt, '.');
  CLEANUP_FREE unsigned char *sig = NULL, *claims = NULL, *head = NULL;
  size_t n = from_base64url (last + 1, strcspn (last + 1, "&\n"), &sig);
  size_t m = from_base64url (dot + 1, (size_t)(last - dot) - 1, &claims);
  size_t h = from_base64url (jwt, (size_t)(dot - jwt), &head);
  CLEANUP_JSON json_t *json = json_loadb ((char *)claims, m, 0, NULL);
  CLEANUP_JSON json_t *header = json_loadb ((char *)head, h, 0, NULL);
  EVP_MD_CTX *md = EVP_MD_CTX_new ();

  CU_ASSERT_EQUAL (EVP_DigestVerifyInit (md, NULL, EVP_sha256 (), NULL, key),
                   1);
  CU_ASSERT_EQUAL (EVP_DigestVerify (md, sig, n, (const unsigned char *)jwt,
                                     (size_t)(last - jwt)),
                   1);
  EVP_MD_CTX_free (md);
  CU_ASSERT_STRING_EQUAL (json_str (header, "alg", ""), "RS256");
  CU_ASSERT_STRING_EQUAL (json_str (header, "kid", ""), "k1");
  CU_ASSERT_STRING_EQUAL (json_str (json, "iss", ""), "a@p.example");
  CU_ASSERT_STRING_EQUAL (json_str (json, "aud", ""),
                          "https://token.example/t");
  CU_ASSERT_EQUAL (json_int (json, "iat", 0), WALL_MS / 1000);
  CU_ASSERT_EQUAL (json_int (json, "exp", 0), WALL_MS / 1000 + 3600);
}

static char *
key_file (EVP_PKEY *key)
{
  CLEANUP_FREE char *pem = pem_of (key);
  CLEANUP_JSON json_t *json =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:s}", "type", "service_account",
                 "client_email", "a@p.example", "private_key", pem,
                 "private_key_id", "k1", "token_uri", "https://token.example/t",
                 "project_id", "file-project");

  return json_text (json);
}

static void
test_service_account (void)
{
  struct stage s;
  EVP_PKEY *key = EVP_RSA_gen (2048);
  CLEANUP_FREE char *text = key_file (key);
  const char *at;

  stage_init (&s);
  put_file (&s, "key.json", text);
  expect (&s, "t-1|service account a@p.example|3599");
  CU_ASSERT_PTR_NOT_NULL (strstr (s.seen.buf, "POST https://token.example/t "));
  at = strstr (s.seen.buf, "assertion=");
  CU_ASSERT_PTR_NOT_NULL_FATAL (at);
  check_jwt (key, at + 10);
  s.status = 400;
  s.refusal = "{\"error\":\"invalid_grant\",\"error_description\":"
              "\"Invalid JWT Signature.\"}";
  expect (&s, "!auth: service account a@p.example: HTTP 400: invalid_grant: "
              "Invalid JWT Signature (is this machine's clock right");
  s.status = 503;
  expect (&s, "!transient");
  EVP_PKEY_free (key);
  stage_release (&s);
}

static void
test_bad_files (void)
{
  static const struct {
    const char *text, *says;
  } files[] = {
      {"{", "!auth: "},
      {"{}", "type \"\" are not supported"},
      {"{\"type\":\"service_account\"}", "it has no \"client_email\""},
      {"{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key\":"
       "\"SECRET\"}",
       "none in PEM"},
      {"{\"type\":\"authorized_user\",\"refresh_token\":\"SECRET\"}",
       "it has no \"client_id\""},
      {"{\"type\":\"authorized_user\",\"refresh_token\":\"SECRET\","
       "\"client_id\":\"i\",\"client_secret\":\"SECRET\",\"token_uri\":"
       "\"http://evil.example/t\"}",
       "no https address"},
      {"{\"type\":\"external_account\",\"audience\":\"x\","
       "\"credential_source\":{\"environment_id\":\"aws1\",\"url\":\"u\"}}",
       "AWS is not supported"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (files); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL;

    stage_init (&s);
    put_file (&s, "key.json", files[i].text);
    expect (&s, files[i].says);
    found = find (&s);
    CU_ASSERT_PTR_NULL (strstr (found, "SECRET"));
    CU_ASSERT_EQUAL (s.seen.len, 0);
    stage_release (&s);
  }
}

/* --- the others ----------------------------------------------------------- */

static void
test_user (void)
{
  struct stage s;

  stage_init (&s);
  put_file (&s, "key.json",
            "{\"type\":\"authorized_user\",\"refresh_token\":\"r/1\","
            "\"client_id\":\"i\",\"client_secret\":\"s\"}");
  expect (&s, "t-1|login in ");
  CU_ASSERT_PTR_NOT_NULL (
      strstr (s.seen.buf, "POST https://oauth2.googleapis.com/token "
                          "grant_type=refresh_token&refresh_token=r%2F1&"
                          "client_id=i&client_secret=s"));
  json_put_str (s.binding.config, "impersonate", "b@p.example");
  expect (&s, "t-as|impersonation by login in ");
  CU_ASSERT_PTR_NOT_NULL (
      strstr (s.seen.buf, "serviceAccounts/b@p.example:generateAccessToken"));
  CU_ASSERT_STRING_EQUAL (s.bearer, "t-1");
  stage_release (&s);
}

static void
test_external (void)
{
  struct stage s;
  CLEANUP_FREE char *text = NULL;

  stage_init (&s);
  put_file (&s, "token", "subject-1\n");
  text = xasprintf ("{\"type\":\"external_account\",\"audience\":\"//iam/x\","
                    "\"credential_source\":{\"file\":\"%s/token\"},"
                    "\"service_account_impersonation_url\":"
                    "\"https://iam.example/a:generateAccessToken\"}",
                    s.folder);
  put_file (&s, "key.json", text);
  expect (&s, "t-as|impersonation by workload identity of ");
  CU_ASSERT_PTR_NOT_NULL (strstr (s.seen.buf, "subject_token=subject-1\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (s.seen.buf, "https://sts.googleapis.com/"));
  stage_release (&s);

  stage_init (&s);
  put_file (&s, "key.json",
            "{\"type\":\"external_account\",\"audience\":\"//iam/x\","
            "\"credential_source\":{\"url\":\"https://idp.example/subject\","
            "\"format\":{\"type\":\"json\",\"subject_token_field_name\":"
            "\"value\"}}}");
  expect (&s, "t-1|workload identity of ");
  CU_ASSERT_PTR_NOT_NULL (strstr (s.seen.buf, "subject_token=subject-2\n"));
  stage_release (&s);
}

/* A program is run only where that is allowed; it knows what it is for. */
static void
test_program (void)
{
  static const struct {
    const char *script, *says;
  } programs[] = {
      {"echo '{\"version\":1,\"success\":true,\"token_type\":"
       "\"urn:ietf:params:oauth:token-type:jwt\",\"id_token\":\"'"
       "$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE'\",\"expiration_time\":9999999999}'",
       "t-1|workload identity of "},
      {"echo '{\"version\":1,\"success\":false,\"code\":\"401\","
       "\"message\":\"signed out\"}'",
       "!auth: "},
      {"echo '{\"version\":1,\"success\":true,\"id_token\":\"x\","
       "\"expiration_time\":1}'",
       "!auth: "},
      {"echo no", "!auth: "},
  };
  static const char *const why[] = {"subject_token=%2F%2Fiam%2Fx",
                                    "it says: 401: signed out",
                                    "has ended already", "printed no JSON"};

  for (size_t i = 0; i < ARRAY_SIZE (programs); i++)
    for (unsigned allowed = 0; allowed < 2; allowed++) {
      struct stage s;
      CLEANUP_FREE char *text = NULL, *found = NULL;

      stage_init (&s);
      put_file (&s, "token", programs[i].script);
      text = xasprintf ("{\"type\":\"external_account\",\"audience\":"
                        "\"//iam/x\",\"credential_source\":{\"executable\":"
                        "{\"command\":\"sh %s/token\"}}}",
                        s.folder);
      put_file (&s, "key.json", text);
      if (allowed)
        set (&s, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
      expect (&s, allowed ? programs[i].says : "!auth: ");
      found = find (&s);
      CU_ASSERT_PTR_NOT_NULL (
          strstr (i || !allowed ? found : s.seen.buf,
                  allowed ? why[i] : "ALLOW_EXECUTABLES=1"));
      stage_release (&s);
    }
}

static void
test_impersonated (void)
{
  struct stage s;

  stage_init (&s);
  put_file (&s, "key.json",
            "{\"type\":\"impersonated_service_account\","
            "\"service_account_impersonation_url\":"
            "\"https://iam.example/a:generateAccessToken\","
            "\"source_credentials\":{\"type\":\"authorized_user\","
            "\"refresh_token\":\"r\",\"client_id\":\"i\","
            "\"client_secret\":\"s\"}}");
  expect (&s, "t-as|impersonation by login in ");
  expect (&s, "|3600");
  stage_release (&s);
}

static void
test_metadata (void)
{
  struct stage s;

  stage_init (&s);
  expect (&s, "!auth: no credentials found.  Looked at: "
              "GOOGLE_APPLICATION_CREDENTIALS (not set), ");
  s.metadata = true;
  expect (&s, "t-1|service account of this machine|");
  s.flavor = NULL;
  expect (&s, "what answers there is none");
  s.flavor = "Google";
  s.status = 404;
  s.refusal = "no";
  expect (&s, "has no service account");
  set (&s, "METADATA_SERVER_DETECTION", "none");
  expect (&s, "METADATA_SERVER_DETECTION is none");
  set (&s, "CLOUDSDK_AUTH_ACCESS_TOKEN", "t-env");
  expect (&s, "t-env|CLOUDSDK_AUTH_ACCESS_TOKEN|600");
  stage_release (&s);
}

static void
expect_project (struct stage *s, const char *want)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *got = gcp_project_in (&s->around, &s->binding, &err);

  CU_ASSERT_STRING_EQUAL (got ? got : "(none)", want);
  CU_ASSERT (got || (err && err->code == ERR_USAGE));
}

static void
test_project (void)
{
  struct stage s;

  stage_init (&s);
  expect_project (&s, "(none)");
  s.metadata = true;
  expect_project (&s, "meta-project");
  put_file (&s, "key.json", "{\"project_id\":\"file-project\"}");
  expect_project (&s, "file-project");
  set (&s, "CLOUDSDK_CORE_PROJECT", "core-project");
  expect_project (&s, "core-project");
  set (&s, "GOOGLE_CLOUD_PROJECT", "env-project");
  expect_project (&s, "env-project");
  json_put_str (s.binding.config, "project", "named");
  expect_project (&s, "named");
  stage_release (&s);
}

static const struct unit_case tests[] = {
    {"service account", test_service_account},
    {"files that can't be used", test_bad_files},
    {"a person's login", test_user},
    {"workload identity", test_external},
    {"a program", test_program},
    {"impersonation", test_impersonated},
    {"metadata server", test_metadata},
    {"project", test_project},
};

UNIT_MAIN ("gcp credentials", tests)
