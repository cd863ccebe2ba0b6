/* Where tokens come from: what is asked, in which order, and what is said. */

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <azure-credentials/credentials.h>
#include <base/files.h>
#include <base/json.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <net/memory-transport.h>

#include "quoted.h"

#define NOW_MS INT64_C (1750000000000)
#define TOKEN  "eyJ0eXAi.payload.signature"

struct answer {
  int status; /* 0: nobody is there */
  const char *body;
};

struct scene {
  struct fake_clock clock;
  struct transport *transport;
  struct azure_surroundings around;
  struct binding binding;
  const char *const *variables; /* "NAME=value", ended by NULL */
  const struct answer *answers; /* in order */
  size_t nanswers, asked;
  struct strbuf sent;
};

static const char *
variable (void *opaque, const char *name)
{
  const struct scene *s = opaque;
  size_t len = strlen (name);

  for (size_t i = 0; s->variables && s->variables[i]; i++)
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
  struct scene *s = opaque;
  const struct answer *a =
      &s->answers[s->asked < s->nanswers ? s->asked : s->nanswers - 1];
  const char *metadata = http_header_get (&req->headers, "Metadata");
  CLEANUP_FREE char *body = quoted (a->body ? a->body : "");

  (void)auth;
  (void)delay_ms;
  s->asked++;
  strbuf_addf (&s->sent, "%s %s %s\n%s\n", req->method, req->url,
               metadata ? "Metadata" : "", req->body ? req->body : "");
  if (a->status == 0)
    return err_set (err, ERR_TRANSIENT, "nobody there");
  reply->status = a->status;
  http_reply_set_body (reply, body, strlen (body));
  return 0;
}

static void
pass (void *opaque, int64_t ms)
{
  struct scene *s = opaque;

  fake_clock_advance (&s->clock, ms);
}

static void
scene_init (struct scene *s)
{
  struct memory_service service = {s, answer, pass};

  memset (s, 0, sizeof *s);
  fake_clock_init (&s->clock, NOW_MS);
  s->transport = memory_transport_new (&service, &s->clock.clock);
  s->around =
      (struct azure_surroundings){variable, s, &s->clock.clock, s->transport};
  s->binding.config =
      json_make ("{s:s,s:s}", "authority", "https://login.example", "resource",
                 "https://management.azure.com");
  strbuf_addstr (&s->sent, "");
}

static void
scene_release (struct scene *s)
{
  transport_free (s->transport);
  json_decref (s->binding.config);
  strbuf_release (&s->sent);
}
#define CLEANUP_SCENE CLEANUP (scene_release)

static struct credentials *
look (struct scene *s, const char *only, const char *const *variables,
      const struct answer *answers, size_t n, struct err **err)
{
  strbuf_reset (&s->sent);
  s->variables = variables;
  s->answers = answers;
  s->nanswers = n;
  s->asked = 0;
  json_put_str (s->binding.config, "credential", only);
  return azure_authenticate_in (&s->around, &s->binding, NULL, err);
}

static void
check_token (const struct credentials *found, const struct err *err,
             int64_t lives_ms)
{
  if (found == NULL)
    fprintf (stderr, "%s\n", err ? err->msg : "?");
  CU_ASSERT_PTR_NOT_NULL_FATAL (found);
  CU_ASSERT_STRING_EQUAL (found->bearer->data, TOKEN);
  CU_ASSERT_EQUAL (found->expires_wall_ms, NOW_MS + lives_ms);
}

static void
test_secret (void)
{
  static const char *const variables[] = {"AZURE_TENANT_ID=t/1",
                                          "AZURE_CLIENT_ID=c",
                                          "AZURE_CLIENT_SECRET=s&~x", NULL};
  static const struct answer good =
      {200,
       "{'token_type':'Bearer','expires_in':3599,'access_token':'" TOKEN "'}"};
  static const struct answer bad =
      {401, "{'error':'invalid_client','error_description':'AADSTS7000215: "
            "Invalid client secret provided.\\r\\nTrace ID: x'}"};
  CLEANUP_SCENE struct scene s;
  CLEANUP_CREDENTIALS struct credentials *found = NULL, *none = NULL;
  CLEANUP_ERR struct err *err = NULL;

  scene_init (&s);
  found = look (&s, NULL, variables, &good, 1, &err);
  check_token (found, err, 3599000);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (s.sent.buf, "POST https://login.example/t%2F1/oauth2/v2.0/token "
                          "\nclient_id=c&grant_type=client_credentials&scope="
                          "https%3A%2F%2Fmanagement.azure.com%2F.default&"
                          "client_secret=s%26~x\n"));
  none = look (&s, NULL, variables, &bad, 1, &err);
  CU_ASSERT_PTR_NULL (none);
  CU_ASSERT_EQUAL (err->code, ERR_AUTH);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "AADSTS7000215"));
  CU_ASSERT_PTR_NULL (strstr (err->msg, "Trace ID"));
  CU_ASSERT_PTR_NULL (strstr (err->msg, "s&~x"));
}

static void
test_identity (void)
{
  static const char *const named[] = {"AZURE_CLIENT_ID=me", NULL};
  static const char *const service[] =
      {"IDENTITY_ENDPOINT=http://127.0.0.1:1/msi", "IDENTITY_HEADER=h", NULL};
  static const struct answer imds[] = {{400, "{'error':'invalid_request'}"},
                                       {410, ""},
                                       {200, "{'access_token':'" TOKEN
                                             "','expires_in':'86399',"
                                             "'expires_on':'1750086399'}"}};
  static const struct answer absent[] = {{400, ""}, {400, "{'error':'x'}"}};
  static const struct answer until = {200, "{'access_token':'" TOKEN
                                           "','expires_on':'1750000060'}"};
  CLEANUP_SCENE struct scene s;
  CLEANUP_CREDENTIALS struct credentials *a = NULL, *b = NULL, *c = NULL;
  CLEANUP_ERR struct err *err = NULL;

  scene_init (&s);
  a = look (&s, "managed-identity", named, imds, 3, &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL (a);
  CU_ASSERT_STRING_EQUAL (a->bearer->data, TOKEN);
  CU_ASSERT_EQUAL (s.asked, 3);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (s.sent.buf,
              "GET http://169.254.169.254/metadata/identity/oauth2/token?"
              "api-version=2018-02-01&resource=https%3A%2F%2F"
              "management.azure.com&client_id=me Metadata\n"));
  b = look (&s, "managed-identity", service, &until, 1, &err);
  check_token (b, err, 60000);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (s.sent.buf,
              "GET http://127.0.0.1:1/msi?api-version=2019-08-01&"));
  c = look (&s, "managed-identity", NULL, absent, 2, &err);
  CU_ASSERT_PTR_NULL (c);
  CU_ASSERT_EQUAL (err->code, ERR_AUTH);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "no managed identity"));
}

/* Nobody answers, nothing is set: one message that names all that was tried. */
static void
test_nothing (void)
{
  static const struct answer nobody = {0, NULL};
  static const char *const half[] = {"AZURE_CLIENT_SECRET=s",
                                     "AZURE_CLIENT_ID=c", NULL};
  CLEANUP_SCENE struct scene s;
  CLEANUP_ERR struct err *err = NULL, *other = NULL;
  CLEANUP_CREDENTIALS struct credentials *a = NULL, *b = NULL;
  CLEANUP_FREE char *path = xstrdup (getenv ("PATH"));

  scene_init (&s);
  setenv ("PATH", "/nonexistent", 1);
  a = look (&s, NULL, half, &nobody, 1, &err);
  setenv ("PATH", path, 1);
  CU_ASSERT_PTR_NULL (a);
  CU_ASSERT_EQUAL (err->code, ERR_AUTH);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "AZURE_TENANT_ID not set"));
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "instance metadata (no answer"));
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "Azure CLI (not installed)"));
  b = look (&s, "magic", NULL, &nobody, 1, &other);
  CU_ASSERT_PTR_NULL (b);
  CU_ASSERT_PTR_NOT_NULL (strstr (other->msg, "is none of secret"));
}

/* --- files ------------------------------------------------------------------
 */

static char folder[] = "/tmp/bootmend-test-XXXXXX";

static char *
write_file (const char *name, const char *text, mode_t mode)
{
  char *path = path_join (folder, name);

  CU_ASSERT_EQUAL_FATAL (file_write_atomic (path, text, strlen (text), mode,
                                            NULL),
                         0);
  return path;
}

/* A key and its certificate, as one PEM text. */
static char *
make_pem (EVP_PKEY *key)
{
  X509 *certificate = X509_new ();
  BIO *bio = BIO_new (BIO_s_mem ());
  char *data, *text;
  long len;

  ASN1_INTEGER_set (X509_get_serialNumber (certificate), 1);
  X509_gmtime_adj (X509_getm_notBefore (certificate), 0);
  X509_gmtime_adj (X509_getm_notAfter (certificate), 3600);
  X509_set_pubkey (certificate, key);
  X509_sign (certificate, key, EVP_sha256 ());
  PEM_write_bio_PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL);
  PEM_write_bio_X509 (bio, certificate);
  len = BIO_get_mem_data (bio, &data);
  text = xstrndup (data, (size_t)len);
  BIO_free (bio);
  X509_free (certificate);
  return text;
}

static json_t *
decode (const char *part, size_t len)
{
  CLEANUP_FREE char *text = xasprintf ("%.*s===", (int)len, part);
  CLEANUP_FREE unsigned char *data = NULL;
  size_t n;

  text[len + (4 - len % 4) % 4] = '\0';
  for (char *c = text; *c; c++)
    *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
  CU_ASSERT_EQUAL_FATAL (base64_decode (text, &data, &n), 0);
  return json_loadb ((char *)data, n, 0, NULL);
}

/* Signed by the key, for this endpoint, for ten minutes. */
static void
check_assertion (const char *jwt, EVP_PKEY *key)
{
  size_t head = strcspn (jwt, ".");
  size_t body = strcspn (jwt + head + 1, ".");
  const char *tail = jwt + head + 1 + body + 1;
  CLEANUP_JSON json_t *header = decode (jwt, head);
  CLEANUP_JSON json_t *claims = decode (jwt + head + 1, body);
  CLEANUP_FREE char *signature =
      xasprintf ("%.*s==", (int)strcspn (tail, "&\n"), tail);
  CLEANUP_FREE unsigned char *raw = NULL;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new ();
  size_t n;

  CU_ASSERT_STRING_EQUAL (json_str (header, "alg", ""), "RS256");
  CU_ASSERT_EQUAL (strlen (json_str (header, "x5t", "")), 27);
  CU_ASSERT_STRING_EQUAL (json_str (claims, "aud", ""),
                          "https://login.example/t/oauth2/v2.0/token");
  CU_ASSERT_STRING_EQUAL (json_str (claims, "iss", ""), "c");
  CU_ASSERT_STRING_EQUAL (json_str (claims, "sub", ""), "c");
  CU_ASSERT_EQUAL (json_int (claims, "exp", 0), NOW_MS / 1000 + 600);
  for (char *c = signature; *c; c++)
    *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
  CU_ASSERT_EQUAL_FATAL (base64_decode (signature, &raw, &n), 0);
  EVP_DigestVerifyInit (ctx, NULL, EVP_sha256 (), NULL, key);
  CU_ASSERT_EQUAL (EVP_DigestVerify (ctx, raw, n, (const unsigned char *)jwt,
                                     head + 1 + body),
                   1);
  EVP_MD_CTX_free (ctx);
}

static void
test_certificate (void)
{
  static const struct answer good = {200,
                                     "{'expires_in':60,'access_token':'" TOKEN
                                     "'}"};
  EVP_PKEY *key = EVP_RSA_gen (2048), *other = EVP_RSA_gen (2048);
  CLEANUP_FREE char *pem = make_pem (key), *wrong = make_pem (other);
  CLEANUP_FREE char *path = write_file ("pem", pem, 0600), *mixed = NULL;
  CLEANUP_FREE char *set = xasprintf ("AZURE_CLIENT_CERTIFICATE_PATH=%s", path);
  const char *const variables[] = {"AZURE_TENANT_ID=t", "AZURE_CLIENT_ID=c",
                                   set, NULL};
  CLEANUP_SCENE struct scene s;
  CLEANUP_CREDENTIALS struct credentials *found = NULL, *none = NULL;
  CLEANUP_ERR struct err *err = NULL;
  const char *jwt;

  scene_init (&s);
  found = look (&s, NULL, variables, &good, 1, &err);
  check_token (found, err, 60000);
  jwt = strstr (s.sent.buf, "client_assertion=");
  CU_ASSERT_PTR_NOT_NULL_FATAL (jwt);
  check_assertion (jwt + 17, key);
  /* the key of one, the certificate of another */
  *strstr (pem, "-----BEGIN CERT") = '\0';
  mixed = xasprintf ("%s%s", pem, strstr (wrong, "-----BEGIN CERT"));
  free (write_file ("pem", mixed, 0600));
  none = look (&s, NULL, variables, &good, 1, &err);
  CU_ASSERT_PTR_NULL (none);
  CU_ASSERT_EQUAL (err->code, ERR_AUTH);
  CU_ASSERT_EQUAL (s.asked, 0);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "is not the one"));
  EVP_PKEY_free (key);
  EVP_PKEY_free (other);
}

static void
test_federated (void)
{
  static const struct answer good = {200,
                                     "{'expires_in':60,'access_token':'" TOKEN
                                     "'}"};
  CLEANUP_FREE char *path = write_file ("token", "abc.def.ghi\n", 0600);
  CLEANUP_FREE char *set = xasprintf ("AZURE_FEDERATED_TOKEN_FILE=%s", path);
  const char *const variables[] = {"AZURE_TENANT_ID=t", "AZURE_CLIENT_ID=c",
                                   set, NULL};
  CLEANUP_SCENE struct scene s;
  CLEANUP_CREDENTIALS struct credentials *found = NULL;
  CLEANUP_ERR struct err *err = NULL;

  scene_init (&s);
  found = look (&s, NULL, variables, &good, 1, &err);
  check_token (found, err, 60000);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (s.sent.buf, "client_assertion=abc.def.ghi\n"));
}

static void
test_cli (void)
{
  static const struct answer nobody = {0, NULL};
  static const char script[] =
      "#!/bin/sh\n"
      "echo \"$*\" >\"${0%/*}/args\"\n"
      "echo '{\"accessToken\": \"" TOKEN "\", \"expiresOn\": "
      "\"2001-01-01 00:00:00.000000\", \"expires_on\": 1750000100}'\n";
  char *az = write_file ("az", script, 0700);
  CLEANUP_FREE char *old = xstrdup (getenv ("PATH"));
  CLEANUP_FREE char *path = xasprintf ("%s:%s", folder, old);
  CLEANUP_FREE char *file = path_join (folder, "args"), *args = NULL;
  CLEANUP_SCENE struct scene s;
  CLEANUP_CREDENTIALS struct credentials *found = NULL;
  CLEANUP_ERR struct err *err = NULL;
  size_t len;

  free (az);
  scene_init (&s);
  json_put_str (s.binding.config, "subscription", "sub");
  setenv ("PATH", path, 1);
  found = look (&s, "cli", NULL, &nobody, 1, &err);
  setenv ("PATH", old, 1);
  check_token (found, err, 100000);
  CU_ASSERT_EQUAL_FATAL (file_read (file, 4096, &args, &len, NULL), 0);
  CU_ASSERT_STRING_EQUAL (args, "account get-access-token --output json "
                                "--resource https://management.azure.com "
                                "--subscription sub\n");
}

static const struct unit_case tests[] = {
    {"secret", test_secret},
    {"managed identity", test_identity},
    {"nothing at all", test_nothing},
    {"certificate", test_certificate},
    {"federated token", test_federated},
    {"Azure CLI", test_cli},
};

int
main (void)
{
  int r;

  if (mkdtemp (folder) == NULL)
    return 1;
  r = unit_run ("azure credentials", tests, ARRAY_SIZE (tests));
  folder_remove (folder, NULL);
  return r;
}
