/* No secret survives in a recording: each row holds the marker where a secret
 * would stand. */

#include <string.h>
#include <unistd.h>

#include <base/files.h>
#include <base/json.h>
#include <base/random.h>
#include <net/mask.h>
#include <net/memory-transport.h>
#include <net/record.h>
#include <net/replay.h>

#include "unit.h"

#define MARK "xK9/secret+value=="

static const char *const secret_texts[] = {
    "{\"access_token\":\"" MARK "\",\"expires_in\":3599}",
    "{\"accessToken\" : \"" MARK "\"}",
    "{\n  \"SecretAccessKey\" :\n \"" MARK "\"}",
    "{\"Code\":\"Success\",\"Token\":\"" MARK "\"}",
    "{\"refresh_token\":\"" MARK,                      /* cut off */
    "{\"password\":\"with \\\"quotes\\\" " MARK "\"}", /* escapes */
    "{\"client_secret\":\"a\\\\\",\"x\":\"ok\"} {\"idToken\":\"" MARK "\"}",
    "{\"inner\":\"{\\\"access_token\\\":\\\"" MARK "\\\"}\"}",
    "{\"inner\":\"line\\npassword="
    "xK9%2Fsecretvalue"
    "\"}",
    "{\"sasUri\":\"https://h/v?sv=2018&sig=" MARK "\"}",
    "{\"u\":\"https://h/v?sv=2018\\u0026sig=" MARK "\"}",
    "{\"tokenCode\":"
    "xK9"
    "}",
    "<r><SecretAccessKey>" MARK "</SecretAccessKey><SessionToken>" MARK
    "</SessionToken></r>",
    "<a:Token xmlns:a='x'>" MARK "</a:Token>",
    "<passwordData>" MARK, /* cut off */
    "<url>https://h/?a=1&amp;X-Amz-Signature=" MARK "</url>",
    "grant_type=client_credentials&client_secret=xK9%2Fsecret%2B&scope=a",
    "client_assertion="
    "xK9.a.b",
    "Action=AssumeRoleWithWebIdentity&WebIdentityToken=xK9secret&Version=1",
    "https://h/x?next=https%3A%2F%2Fh%2F%3Fse%3D1%26sig%3DxK9%252Fsecret%26z",
    "https://vm.example/x?key=xK9secret",
    "{\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nxK9secret\\n"
    "-----END PRIVATE KEY-----\\n\"}",
    "text -----BEGIN RSA PRIVATE KEY-----\nxK9\nxK9\n-----END RSA PRIVATE "
    "KEY----- more",
    "-----BEGIN EC PRIVATE KEY-----\nxK9", /* cut off */
    "the header was: Authorization: Bearer " MARK "\r\n",
    "Authorization: AWS4-HMAC-SHA256 Credential=xK9/2026, Signature=xK9\n",
    "set-cookie: a=b; xK9\n",
    "WWW-Echo: bearer xK9secret, x",
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MixK9.xK9-_z",
    "a ya29.xK9secret b",
    "key 111111-222222-333333-444444-555555-666666-777777-888888 ok"
    "\"UserData\":\"xK9\"",
    "<userData><value>x</value></userData> userData=xK9",
    "\"ADMIN_PASSWORD\" : \"xK9\"",
};

static bool
survives (const char *text)
{
  return strstr (text, "xK9") || strstr (text, "secret+value") ||
         strstr (text, "secret\\n") || strstr (text, "222222-333333") ||
         strstr (text, "secretvalue");
}

static void
test_tables (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (secret_texts); i++) {
    CLEANUP_FREE char *masked =
        mask_text (secret_texts[i], strlen (secret_texts[i]), NULL);

    if (survives (masked))
      fprintf (stderr, "%s\n  -> %s\n", secret_texts[i], masked);
    CU_ASSERT_FALSE (survives (masked));
    CU_ASSERT_PTR_NOT_NULL (strstr (masked, MASKED));
  }
}

/* What a recording is read for must stay. */
static void
test_keeps (void)
{
  static const char *const kept[] = {
      "Action=DescribeInstances&Version=2016-11-15&NextToken=abc&ClientToken=d",
      "<tagSet><item><key>Name</key><value>web-1</value></item></tagSet>",
      "{\"nextLink\":\"https://h/x?api-version=2024&$skiptoken=abc\"}",
      "{\"key\":\"Name\",\"code\":\"Conflict\",\"tokens\":3}",
      "<Code>IncorrectState</Code><Message>Volume is 'in-use'</Message>",
      "a C:\\temp\\new 100% of it -----BEGIN CERTIFICATE-----\nMII\n",
      "-- \" \\ %zz <> : = & ;",
      "vol-0123456789abcdef0 i-0abc 2026-11-20T09:00:00Z",
      "",
  };

  for (size_t i = 0; i < ARRAY_SIZE (kept); i++) {
    CLEANUP_FREE char *masked = mask_text (kept[i], strlen (kept[i]), NULL);

    CU_ASSERT_STRING_EQUAL (masked, kept[i]);
  }
}

/* Joined in any order, with noise between, cut anywhere in the noise. */
static void
test_joined (void)
{
  struct random_source random;
  int survivors = 0;

  random_init (&random, 11);
  for (int round = 0; round < 3000; round++) {
    CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;
    CLEANUP_FREE char *masked = NULL;
    size_t len;

    for (int i = 0; i < 4; i++) {
      strbuf_addstr (
          &sb, secret_texts[random_below (&random, ARRAY_SIZE (secret_texts))]);
      strbuf_addstr (&sb, "\n");
    }
    masked = mask_text (sb.buf, sb.len, &len);
    CU_ASSERT_EQUAL_FATAL (strlen (masked), len);
    survivors += survives (masked);
  }
  CU_ASSERT_EQUAL (survivors, 0);
}

static void
test_headers (void)
{
  static const char *const secret[] = {"Authorization",
                                       "proxy-authorization",
                                       "X-Amz-Security-Token",
                                       "x-aws-ec2-metadata-token",
                                       "X-IDENTITY-HEADER",
                                       "Cookie",
                                       "Set-Cookie",
                                       "X-Goog-Api-Key",
                                       "x-ms-authorization-auxiliary"};
  CLEANUP_FREE char *kept =
      mask_header ("x-aws-ec2-metadata-token-ttl-seconds", "21600");
  CLEANUP_FREE char *location =
      mask_header ("Location", "https://h/op?t=1&sig=xK9&api-version=2");

  for (size_t i = 0; i < ARRAY_SIZE (secret); i++) {
    CLEANUP_FREE char *masked = mask_header (secret[i], MARK);

    CU_ASSERT_STRING_EQUAL (masked, MASKED);
  }
  CU_ASSERT_STRING_EQUAL (kept, "21600");
  CU_ASSERT_STRING_EQUAL (location,
                          "https://h/op?t=1&sig=" MASKED "&api-version=2");
}

static char *record_path;

struct service {
  const char *body;
  size_t len;
  int calls;
};

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct service *s = opaque;

  (void)auth;
  (void)delay_ms;
  s->calls++;
  if (strstr (req->url, "/fails"))
    return err_set (err, ERR_TRANSIENT, "GET https://h/?sig=xK9: no");
  reply->status = 200;
  http_header_add (&reply->headers, "Set-Cookie", MARK);
  http_header_add (&reply->headers, "X-Kept", "kept");
  http_header_add (&reply->headers, "X-Echo", "known-secret-1 and more");
  http_reply_set_body (reply, s->body, s->len);
  return 0;
}

static void
call (struct transport *t, const char *method, const char *url,
      const char *body)
{
  CLEANUP_EXCHANGES struct exchanges done = VEC_EMPTY;
  CLEANUP_SECRET struct secret *token = secret_new ("known-secret-1", 14);
  struct http_auth auth = {.bearer = token};
  struct http_request req = {.method = xstrdup (method),
                             .url = xstrdup (url),
                             .body = body ? xstrdup (body) : NULL,
                             .body_len = body ? strlen (body) : 0};

  http_header_add (&req.headers, "Authorization", MARK);
  http_header_add (&req.headers, "X-Note", "known-secret-1");
  CU_ASSERT_EQUAL (transport_submit (t, &req, &auth, 1, NULL), 0);
  transport_step (t, &done);
  CU_ASSERT_EQUAL (done.len, 1);
  http_request_release (&req);
}

static struct transport *
recorder (struct service *s)
{
  const struct memory_service service = {s, answer, NULL};
  struct transport *t =
      record_transport_new (memory_transport_new (&service, &real_clock),
                            record_path, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (t);
  return t;
}

static char *
recorded_text (size_t *len)
{
  char *text = NULL;

  CU_ASSERT_EQUAL_FATAL (file_read (record_path, 1 << 24, &text, len, NULL), 0);
  return text;
}

static void
test_record (void)
{
  struct service s = {0};
  struct transport *t = recorder (&s);
  CLEANUP_FREE char *text = NULL;
  size_t len;

  for (size_t i = 0; i < ARRAY_SIZE (secret_texts); i++) {
    s.body = secret_texts[i];
    s.len = strlen (s.body);
    call (t, "POST", "https://h/a?X-Amz-Security-Token=xK9", secret_texts[i]);
  }
  s.body = "xK9-bare-token known-secret-1";
  s.len = strlen (s.body);
  call (t, "PUT", "http://169.254.169.254/latest/api/token", NULL);
  s.body = "{\"value\":\"xK9\"}";
  s.len = strlen (s.body);
  call (t, "GET", "https://v.vault.azure.net/secrets/k?api-version=7.2", NULL);
  call (t, "GET", "http://127.0.0.1:9/secrets/k?api-version=7.4", NULL);
  s.body = "\xff\xfe\0token=xK9&known-secret-1 known%2Dsecret";
  s.len = 42;
  call (t, "GET", "https://h/binary", "known-secret-1");
  call (t, "GET", "https://h/fails", NULL);
  CU_ASSERT_PTR_NULL (record_transport_failure (t));
  transport_free (t);
  text = recorded_text (&len);
  CU_ASSERT_FALSE (survives (text));
  CU_ASSERT_PTR_NULL (strstr (text, "known-secret-1"));
  CU_ASSERT_PTR_NULL (strstr (text, "6b6e6f776e2d7365637265742d31")); /* hex */
  CU_ASSERT_PTR_NULL (strstr (text, "784b39"));
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "[\"X-Kept\",\"kept\"]"));
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "body_hex"));
  unlink (record_path);
}

static struct exchange
replayed (struct transport *t, const char *url, const char *body)
{
  struct exchanges done = VEC_EMPTY;
  struct http_request req = {.method = xstrdup ("GET"),
                             .url = xstrdup (url),
                             .body = body ? xstrdup (body) : NULL,
                             .body_len = body ? strlen (body) : 0};
  struct exchange c;

  CU_ASSERT_EQUAL (transport_submit (t, &req, NULL, 5, NULL), 0);
  CU_ASSERT_EQUAL (transport_next_ms (t), 0);
  transport_step (t, &done);
  CU_ASSERT_EQUAL_FATAL (done.len, 1);
  c = done.ptr[0];
  exchanges_release (&done);
  http_request_release (&req);
  return c;
}

static void
record_three (void)
{
  struct service s = {"one", 3, 0};
  struct transport *t = recorder (&s);

  call (t, "GET", "https://h/a?sig=xK9", "first");
  s.body = "two";
  call (t, "GET", "https://h/a?sig=xK9", "second");
  s.body = "\xff\0x";
  call (t, "GET", "https://h/b", NULL);
  call (t, "GET", "https://h/fails", NULL);
  transport_free (t);
}

static void
test_replay_in_order (void)
{
  struct transport *t;
  struct exchange c;

  record_three ();
  t = replay_transport_new (record_path, REPLAY_IN_ORDER, &real_clock, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (t);
  c = replayed (t, "https://h/b", NULL); /* not its turn */
  CU_ASSERT_EQUAL (c.err->code, ERR_NOT_FOUND);
  exchange_release (&c);
  c = replayed (t, "https://h/a?sig=other", "x");
  CU_ASSERT_STRING_EQUAL (c.reply.body, "one");
  exchange_release (&c);
  c = replayed (t, "https://h/a?sig=xK9", "first");
  CU_ASSERT_STRING_EQUAL (c.reply.body, "two");
  exchange_release (&c);
  c = replayed (t, "https://h/b", NULL);
  CU_ASSERT_EQUAL (c.reply.body_len, 3);
  CU_ASSERT_EQUAL (memcmp (c.reply.body, "\xff\0x", 3), 0);
  CU_ASSERT_STRING_EQUAL (http_header_get (&c.reply.headers, "x-kept"), "kept");
  exchange_release (&c);
  CU_ASSERT_EQUAL (replay_transport_unused (t), 1);
  c = replayed (t, "https://h/fails", NULL);
  CU_ASSERT_EQUAL (c.err->code, ERR_TRANSIENT);
  exchange_release (&c);
  transport_free (t);
  unlink (record_path);
}

static void
test_replay_by_url (void)
{
  struct transport *t;
  struct exchange c;

  record_three ();
  t = replay_transport_new (record_path, REPLAY_BY_URL, &real_clock, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (t);
  c = replayed (t, "https://h/a?sig=xK9", "second");
  CU_ASSERT_STRING_EQUAL (c.reply.body, "two");
  exchange_release (&c);
  c = replayed (t, "https://h/a?sig=xK9", "third");
  CU_ASSERT_STRING_EQUAL (c.reply.body, "one");
  exchange_release (&c);
  c = replayed (t, "https://h/a?sig=xK9", "third");
  CU_ASSERT_EQUAL (c.err->code, ERR_NOT_FOUND);
  exchange_release (&c);
  transport_free (t);
  unlink (record_path);
}

static void
test_bad_recordings (void)
{
  static const struct {
    const char *text, *says;
  } rows[] =
      {{"{", ":1"},
       {"\n\n[]\n", ":3"},
       {"{\"v\":2}", "version 2"},
       {"{\"v\":1,\"request\":{\"method\":\"GET\"}}", "url"},
       {"{\"v\":1,\"request\":{\"method\":\"GET\",\"url\":\"u\"}}", "status"},
       {"{\"v\":1,\"request\":{\"method\":\"GET\",\"url\":\"u\"},\"reply\":"
        "{\"status\":200,\"headers\":[[1,2]]}}",
        "headers[0]"},
       {"{\"v\":1,\"request\":{\"method\":\"GET\",\"url\":\"u\"},\"reply\":"
        "{\"status\":200,\"body_hex\":\"f\"}}",
        "body_hex"}};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (file_write_atomic (record_path, rows[i].text,
                                        strlen (rows[i].text), 0600, NULL),
                     0);
    CU_ASSERT_PTR_NULL (
        replay_transport_new (record_path, REPLAY_BY_URL, &real_clock, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, rows[i].says));
  }
  unlink (record_path);
}

/* A full disk does not stop a repair, and is not kept quiet. */
static void
test_full_disk (void)
{
  struct service s = {"x", 1, 0};
  const struct memory_service service = {&s, answer, NULL};
  struct transport *t =
      record_transport_new (memory_transport_new (&service, &real_clock),
                            "/dev/full", NULL);
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (t);
  call (t, "GET", "https://h/a", NULL);
  call (t, "GET", "https://h/a", NULL);
  CU_ASSERT_EQUAL (s.calls, 2);
  CU_ASSERT_PTR_NOT_NULL_FATAL (record_transport_failure (t));
  CU_ASSERT_EQUAL (record_transport_failure (t)->code, ERR_NO_SPACE);
  transport_free (t);
  CU_ASSERT_PTR_NULL (
      record_transport_new (memory_transport_new (&service, &real_clock),
                            "/nonexistent/x", &err));
  CU_ASSERT_EQUAL (err->code, ERR_NOT_FOUND);
}

static const struct unit_case cases[] = {
    {"every known place of a secret", test_tables},
    {"the rest is kept", test_keeps},
    {"joined in any order", test_joined},
    {"headers", test_headers},
    {"a recording holds no secret", test_record},
    {"replay in order", test_replay_in_order},
    {"replay by URL", test_replay_by_url},
    {"bad recordings", test_bad_recordings},
    {"full disk", test_full_disk},
};

int
main (void)
{
  char path[] = "/tmp/bootmend-record-XXXXXX";
  int fd = mkstemp (path), ret;

  if (fd == -1)
    return 1;
  close (fd);
  record_path = path;
  ret = unit_run ("mask", cases, ARRAY_SIZE (cases));
  unlink (path);
  return ret;
}
