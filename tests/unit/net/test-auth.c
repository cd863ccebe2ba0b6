/* What the libcurl transport signs requests with, and proxies. */

#include <string.h>

#include "client.h"
#include "server.h"
#include "sigv4-check.h"
#include "unit.h"

static void
test_bearer (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_SECRET struct secret *token = secret_new ("tok.en-1", 8);
  CLEANUP_SECRET struct secret *bad = secret_new ("a\r\nX: y", 7);
  struct http_auth auth = {.bearer = token};
  CLEANUP_HTTP_REQUEST struct http_request req;
  struct exchange c;

  make_request (&req, "GET", "http", s->port, "/echo");
  req.sign = HTTP_SIGN_BEARER;
  c = run_request (t, &req, &auth);
  CU_ASSERT_PTR_NULL_FATAL (c.err);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (c.reply.body, "Authorization: Bearer tok.en-1\n"));
  exchange_release (&c);
  c = run_request (t, &req, NULL);
  CU_ASSERT_EQUAL (c.err->code, ERR_AUTH);
  exchange_release (&c);
  auth.bearer = bad;
  c = run_request (t, &req, &auth);
  CU_ASSERT_EQUAL (c.err->code, ERR_AUTH);
  exchange_release (&c);
  http_header_add (&req.headers, "X", "a\r\nHost: other");
  auth.bearer = token;
  c = run_request (t, &req, &auth);
  CU_ASSERT_EQUAL (c.err->code, ERR_INPUT);
  exchange_release (&c);
  transport_free (t);
  server_stop (s);
}

/* Published examples: "get-vanilla" and "post-x-www-form-urlencoded" of the AWS
 * Signature Version 4 test suite, and ListUsers of "Signature Version 4 signing
 * process" (AWS General Reference). */
static void
test_sigv4_check (void)
{
  static const struct {
    struct sigv4_request request;
    const char *signature;
  } rows[] = {
      {{"GET", "/", "",
        "host:example.amazonaws.com\n"
        "x-amz-date:20150830T123600Z\n",
        "host;x-amz-date", "", "20150830T123600Z", "us-east-1", "service",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {{"GET", "/", "Action=ListUsers&Version=2010-05-08",
        "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
        "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n",
        "content-type;host;x-amz-date", "", "20150830T123600Z", "us-east-1",
        "iam", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
       "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
      {{"POST", "/", "",
        "content-type:application/x-www-form-urlencoded\n"
        "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n",
        "content-type;host;x-amz-date", "Param1=value1", "20150830T123600Z",
        "us-east-1", "service", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *signature = sigv4_signature (&rows[i].request);

    CU_ASSERT_STRING_EQUAL (signature, rows[i].signature);
  }
}

/* "Name: value" from what /echo gives; release it. */
static char *
echoed (const char *body, const char *name)
{
  CLEANUP_FREE char *start = xasprintf ("\n%s: ", name);
  const char *at = strstr (body, start);

  if (at == NULL)
    return xstrdup ("");
  at += strlen (start);
  return xstrndup (at, strcspn (at, "\n"));
}

static void
check_signature (const char *echo, bool token, unsigned port)
{
  CLEANUP_FREE char *authorization = echoed (echo, "Authorization");
  CLEANUP_FREE char *date = echoed (echo, "X-Amz-Date");
  CLEANUP_FREE char *headers = xasprintf (
      "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
      "host:127.0.0.1:%u\nx-amz-date:%s\n%s",
      port, date, token ? "x-amz-security-token:TOKEN+/==\n" : "");
  const char *names = token
                          ? "content-type;host;x-amz-date;x-amz-security-token"
                          : "content-type;host;x-amz-date";
  struct sigv4_request r =
      {.method = "POST",
       .path = "/echo",
       .query = "",
       .canonical_headers = headers,
       .signed_headers = names,
       .body = "Action=DescribeInstances&Filter.1.Value.1=a%2Fb%20c",
       .timestamp = date,
       .region = "eu-west-1",
       .service = "ec2",
       .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
  CLEANUP_FREE char *signature = sigv4_signature (&r);
  CLEANUP_FREE char *expect =
      xasprintf ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%.8s/eu-west-1/ec2/"
                 "aws4_request, SignedHeaders=%s, Signature=%s",
                 date, names, signature);

  CU_ASSERT_EQUAL (strlen (date), 16);
  CU_ASSERT_STRING_EQUAL (authorization, expect);
}

static void
test_sigv4 (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_SECRET struct secret *key =
      secret_new ("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40);
  CLEANUP_SECRET struct secret *token = secret_new ("TOKEN+/==", 9);
  CLEANUP_HTTP_REQUEST struct http_request req =
      {.method = xstrdup ("POST"),
       .url = xasprintf ("http://127.0.0.1:%u/echo", s->port),
       .body = xstrdup ("Action=DescribeInstances&Filter.1.Value.1=a%2Fb%20c"),
       .sign = HTTP_SIGN_SIGV4,
       .sign_service = xstrdup ("ec2"),
       .sign_region = xstrdup ("eu-west-1")};
  struct exchange c;

  req.body_len = strlen (req.body);
  http_header_add (&req.headers, "Content-Type",
                   "application/x-www-form-urlencoded; charset=utf-8");
  for (int with_token = 0; with_token < 2; with_token++) {
    struct http_auth auth = {.access_key_id = "AKIDEXAMPLE",
                             .secret_key = key,
                             .session_token = with_token ? token : NULL};

    c = run_request (t, &req, &auth);
    CU_ASSERT_PTR_NULL_FATAL (c.err);
    check_signature (c.reply.body, with_token, s->port);
    exchange_release (&c);
  }
  c = run_request (t, &req, NULL);
  CU_ASSERT_EQUAL (c.err->code, ERR_AUTH);
  exchange_release (&c);
  transport_free (t);
  server_stop (s);
}

static void
test_proxy (void)
{
  struct server *proxy = rude_start (RUDE_PROXY_407);
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_FREE char *address = xasprintf ("http://127.0.0.1:%u", proxy->port);
  CLEANUP_HTTP_REQUEST struct http_request req;
  struct exchange c;

  setenv ("https_proxy", address, 1);
  setenv ("http_proxy", address, 1);
  make_request (&req, "POST", "https", 1, "/");
  free (req.url);
  req.url = xstrdup ("https://ec2.eu-west-1.example/");
  c = run_request (t, &req, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.err->code, ERR_AUTH);
  CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "HTTPS_PROXY"));
  CU_ASSERT_FALSE (c.sent);
  CU_ASSERT (proxy->requests > 0);
  exchange_release (&c);
  /* This machine is called directly. */
  proxy->requests = 0;
  c = run_path (t, "GET", "http", s->port, "/ok");
  CU_ASSERT_PTR_NULL (c.err);
  CU_ASSERT_EQUAL (proxy->requests, 0);
  exchange_release (&c);
  unsetenv ("https_proxy");
  unsetenv ("http_proxy");
  transport_free (t);
  server_stop (s);
  rude_stop (proxy);
}

static const struct unit_case cases[] = {
    {"bearer token", test_bearer},
    {"sigv4: our check against published examples", test_sigv4_check},
    {"sigv4: libcurl against our check", test_sigv4},
    {"proxy", test_proxy},
};

int
main (void)
{
  static const char *const names[] = {"http_proxy",  "https_proxy",
                                      "HTTPS_PROXY", "all_proxy",
                                      "ALL_PROXY",   "no_proxy",
                                      "NO_PROXY"};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++)
    unsetenv (names[i]); /* what the developer's machine may have */
  return unit_run ("auth", cases, ARRAY_SIZE (cases));
}
