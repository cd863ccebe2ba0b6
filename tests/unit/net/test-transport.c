/* The libcurl transport against servers that behave and that do not. */

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <net/transport.h>
#include <net/url-rules.h>

#include "client.h"
#include "server.h"
#include "sigv4-check.h"
#include "unit.h"

static void
test_plain (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  struct completion c = run_path (t, "GET", "http", s->port, "/ok");

  CU_ASSERT_PTR_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.reply.status, 200);
  CU_ASSERT_STRING_EQUAL (c.reply.body, "hello");
  CU_ASSERT_EQUAL (c.reply.body_len, 5);
  CU_ASSERT_PTR_NOT_NULL (http_header_get (&c.reply.headers, "DATE"));
  CU_ASSERT (c.sent);
  completion_release (&c);
  c = run_path (t, "GET", "http", s->port, "/status/503");
  CU_ASSERT_PTR_NULL (c.err); /* a status is a reply, not an error */
  CU_ASSERT_EQUAL (c.reply.status, 503);
  completion_release (&c);
  c = run_path (t, "GET", "http", s->port, "/gzip");
  CU_ASSERT_STRING_EQUAL (c.reply.body, "hello");
  completion_release (&c);
  CU_ASSERT_EQUAL (s->connections, 1); /* one for all of them */
  transport_free (t);
  server_stop (s);
}

static void
test_methods (void)
{
  static const struct {
    const char *method, *body, *expect, *never;
  } rows[] = {
      {"POST", "x=1", "Content-Length: 3", "Content-Type"},
      {"PUT", NULL, "Content-Length: 0", "Content-Type"},
      {"PUT", "x=1", "Content-Length: 3", "Content-Type"},
      {"PATCH", "x=1", "Content-Length: 3", "Expect"},
      {"DELETE", NULL, "User-Agent: bootmend/", "Content-Length"},
      {"GET", NULL, "X-Empty: \n", "Content-Length"},
  };
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_HTTP_REQUEST struct http_request req =
        {.method = xstrdup (rows[i].method),
         .url = xasprintf ("http://127.0.0.1:%u/echo", s->port),
         .body = rows[i].body ? xstrdup (rows[i].body) : NULL,
         .body_len = rows[i].body ? strlen (rows[i].body) : 0};
    struct completion c;

    http_header_add (&req.headers, "X-Empty", "");
    http_header_add (&req.headers, "Metadata", "true");
    c = run_request (t, &req, NULL);
    CU_ASSERT_PTR_NULL_FATAL (c.err);
    CU_ASSERT_EQUAL (strncmp (c.reply.body, rows[i].method,
                              strlen (rows[i].method)),
                     0);
    CU_ASSERT_PTR_NOT_NULL (strstr (c.reply.body, rows[i].expect));
    CU_ASSERT_PTR_NOT_NULL (strstr (c.reply.body, "Metadata: true\n"));
    CU_ASSERT_PTR_NULL (strstr (c.reply.body, rows[i].never));
    if (rows[i].body)
      CU_ASSERT_STRING_EQUAL (strstr (c.reply.body, "\n\n") + 2, rows[i].body);
    completion_release (&c);
  }
  transport_free (t);
  server_stop (s);
}

static void
test_many_at_once (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_COMPLETIONS struct completions done = VEC_EMPTY;
  CLEANUP_HTTP_REQUEST struct http_request req;
  CLEANUP_ERR struct err *err = NULL;
  uint64_t tags = 0;

  make_request (&req, "GET", "http", s->port, "/ok");
  for (uint64_t i = 1; i <= 40; i++)
    CU_ASSERT_EQUAL (transport_submit (t, &req, NULL, i, NULL), 0);
  CU_ASSERT_EQUAL (transport_room (t), 0);
  CU_ASSERT_EQUAL (transport_submit (t, &req, NULL, 99, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_THROTTLED);
  CU_ASSERT (transport_cancel (t, 5));
  CU_ASSERT_FALSE (transport_cancel (t, 5));
  CU_ASSERT_EQUAL (transport_room (t), 1);
  run_until (t, &done, 39);
  for (size_t i = 0; i < done.len; i++)
    tags += done.ptr[i].tag;
  CU_ASSERT_EQUAL (tags, 40 * 41 / 2 - 5); /* each once, the dropped one not */
  CU_ASSERT_EQUAL (transport_room (t), 40);
  transport_free (t);
  server_stop (s);
}

/* One wait for sockets and the caller's descriptors. */
static void
test_wait_with_fds (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_HTTP_REQUEST struct http_request req;
  int p[2];
  struct pollfd fd = {.events = POLLIN};
  int64_t start;

  CU_ASSERT_EQUAL_FATAL (pipe (p), 0);
  fd.fd = p[0];
  make_request (&req, "GET", "http", s->port, "/slow");
  CU_ASSERT_EQUAL (transport_submit (t, &req, NULL, 1, NULL), 0);
  CU_ASSERT_EQUAL (write (p[1], "x", 1), 1);
  start = clock_now_ms (&real_clock);
  CU_ASSERT_EQUAL (transport_wait (t, &fd, 1, 10000, NULL), 0);
  CU_ASSERT_EQUAL (fd.revents & POLLIN, POLLIN);
  CU_ASSERT (clock_now_ms (&real_clock) - start < 2500);
  CU_ASSERT_EQUAL (read (p[0], &(char){0}, 1), 1);
  close (p[1]); /* a child that ended: seen as well */
  CU_ASSERT_EQUAL (transport_wait (t, &fd, 1, 10000, NULL), 0);
  CU_ASSERT (fd.revents != 0);
  close (p[0]);
  transport_free (t); /* with a request on its way */
  server_stop (s);
}

static void
test_deadline (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_HTTP_REQUEST struct http_request req;
  struct completion c;

  make_request (&req, "POST", "http", s->port, "/slow");
  req.deadline_ms = 300;
  c = run_request (t, &req, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.err->code, ERR_UNKNOWN_EFFECT);
  CU_ASSERT (c.sent);
  CU_ASSERT (c.ended_wall_ms - c.started_wall_ms < 2500);
  completion_release (&c);
  transport_free (t);
  server_stop (s);
}

static void
test_size_limits (void)
{
  static const char *const paths[] = {"/big", "/bomb"};
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);

  for (size_t i = 0; i < ARRAY_SIZE (paths); i++)
    for (int post = 0; post < 2; post++) {
      CLEANUP_HTTP_REQUEST struct http_request req;
      struct completion c;

      make_request (&req, post ? "POST" : "GET", "http", s->port, paths[i]);
      req.max_reply_bytes = 100000;
      c = run_request (t, &req, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
      CU_ASSERT_EQUAL (c.err->code, post ? ERR_UNKNOWN_EFFECT : ERR_PROTOCOL);
      CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "100000 bytes"));
      completion_release (&c);
    }
  transport_free (t);
  server_stop (s);
}

static void
test_redirect (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  struct completion c = run_path (t, "GET", "http", s->port, "/redirect");

  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.err->code, ERR_PROTOCOL);
  CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "https://portal.example/login"));
  CU_ASSERT_PTR_NULL (strstr (c.err->msg, "SECRET"));
  CU_ASSERT_EQUAL (s->requests, 1);
  completion_release (&c);
  transport_free (t);
  server_stop (s);
}

/* What the engine must conclude from each way to fail. */
static void
test_rude (void)
{
  static const struct {
    enum rude how;
    enum err_code code;
    bool sent;
  } rows[] = {
      {RUDE_RESET, ERR_UNKNOWN_EFFECT, true},
      {RUDE_CLOSE, ERR_UNKNOWN_EFFECT, true},
      {RUDE_TRUNCATE, ERR_UNKNOWN_EFFECT, true},
      {RUDE_GARBAGE, ERR_UNKNOWN_EFFECT, true},
      {RUDE_SILENT, ERR_UNKNOWN_EFFECT, true},
      {RUDE_HEADERS, ERR_UNKNOWN_EFFECT, true},
      {RUDE_NO_LISTEN, ERR_TRANSIENT, false},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct server *s = rude_start (rows[i].how);
    struct transport *t = new_transport (NULL);
    CLEANUP_HTTP_REQUEST struct http_request req;
    struct completion c;

    make_request (&req, "POST", "http", s->port, "/x");
    req.deadline_ms = rows[i].how == RUDE_SILENT ? 500 : 0;
    c = run_request (t, &req, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
    CU_ASSERT_EQUAL (c.err->code, rows[i].code);
    CU_ASSERT_EQUAL (c.sent, rows[i].sent);
    CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "127.0.0.1: "));
    completion_release (&c);
    transport_free (t);
    rude_stop (s);
  }
}

/* The kept connection is closed under a second request: what may have an effect
 * is not sent again behind our back, what may not, is. */
static void
test_no_silent_resend (void)
{
  for (int repeatable = 0; repeatable < 2; repeatable++) {
    struct server *s = rude_start (RUDE_ONCE);
    struct transport *t = new_transport (NULL);
    CLEANUP_HTTP_REQUEST struct http_request req;
    struct completion c = run_path (t, "POST", "http", s->port, "/first");

    CU_ASSERT_PTR_NULL_FATAL (c.err);
    completion_release (&c);
    make_request (&req, "POST", "http", s->port, "/second");
    req.repeatable = repeatable;
    c = run_request (t, &req, NULL);
    if (repeatable) {
      CU_ASSERT_PTR_NULL (c.err);
      CU_ASSERT_EQUAL (s->requests, 3);
      CU_ASSERT_EQUAL (s->connections, 2);
    } else {
      CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
      CU_ASSERT_EQUAL (c.err->code, ERR_UNKNOWN_EFFECT);
      CU_ASSERT_EQUAL (s->requests, 2);
    }
    CU_ASSERT (c.sent);
    completion_release (&c);
    transport_free (t);
    rude_stop (s);
  }
}

static void
test_early_headers (void)
{
  struct server *s = rude_start (RUDE_CONTINUE);
  struct transport *t = new_transport (NULL);
  struct completion c = run_path (t, "GET", "http", s->port, "/x");

  CU_ASSERT_PTR_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.reply.status, 200);
  CU_ASSERT_PTR_NULL (http_header_get (&c.reply.headers, "X-Early"));
  CU_ASSERT_PTR_NOT_NULL (http_header_get (&c.reply.headers, "X-Late"));
  CU_ASSERT_STRING_EQUAL (http_header_get (&c.reply.headers, "X-Empty"), "");
  completion_release (&c);
  transport_free (t);
  rude_stop (s);
}

static void
test_addresses (void)
{
  static const struct {
    const char *url;
    bool ok, local;
  } rows[] = {
      {"https://ec2.eu-west-1.amazonaws.com/", true, false},
      {"https://10.0.0.1:8443/x", true, false},
      {"http://169.254.169.254/latest/", true, true},
      {"http://[fd00:ec2::254]/latest", true, true},
      {"http://metadata.google.internal/x", true, true},
      {"http://127.0.0.1:5000/", true, true},
      {"http://localhost/", true, true},
      {"http://[::1]:80/", true, true},
      {"http://ec2.eu-west-1.amazonaws.com/", false, false},
      {"http://10.0.0.1/", false, false},
      {"http://169.254.evil.example/", false, false},
      {"http://127.0.0.1.evil.example/", false, false},
      {"http://localhost.evil.example/", false, false},
      {"http://metadata.google.internal@evil.example/", false, false},
      {"https://user:pw@host.example/", false, false},
      {"ftp://127.0.0.1/", false, false},
      {"file:///etc/passwd", false, false},
      {"gopher://127.0.0.1/", false, false},
      {"https://", false, false},
      {"not an address", false, false},
      {"", false, false},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_URL_FACTS struct url_facts facts;
    CLEANUP_ERR struct err *err = NULL;
    int ret = url_check (rows[i].url, &facts, &err);

    if (ret != (rows[i].ok ? 0 : -1))
      fprintf (stderr, "%s\n", rows[i].url);
    CU_ASSERT_EQUAL (ret, rows[i].ok ? 0 : -1);
    if (ret == 0) {
      CU_ASSERT_EQUAL (facts.local, rows[i].local);
    } else {
      CU_ASSERT_EQUAL (err->code, ERR_USAGE);
    }
  }
}

static void
test_url_for_log (void)
{
  static const struct {
    const char *url, *shown;
  } rows[] = {{"https://h/p?sig=SECRET", "https://h/p"},
              {"https://u:SECRET@h/p@q#f", "https://h/p@q"},
              {"h?x", "h"},
              {"https://h\x1b[2J/", "https://h\\x1b[2J/"}};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *shown = url_for_log (rows[i].url);

    CU_ASSERT_STRING_EQUAL (shown, rows[i].shown);
  }
}

static void
test_bearer (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_SECRET struct secret *token = secret_new ("tok.en-1", 8);
  CLEANUP_SECRET struct secret *bad = secret_new ("a\r\nX: y", 7);
  struct http_auth auth = {.bearer = token};
  CLEANUP_HTTP_REQUEST struct http_request req;
  struct completion c;

  make_request (&req, "GET", "http", s->port, "/echo");
  req.sign = HTTP_SIGN_BEARER;
  c = run_request (t, &req, &auth);
  CU_ASSERT_PTR_NULL_FATAL (c.err);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (c.reply.body, "Authorization: Bearer tok.en-1\n"));
  completion_release (&c);
  c = run_request (t, &req, NULL);
  CU_ASSERT_EQUAL (c.err->code, ERR_AUTH);
  completion_release (&c);
  auth.bearer = bad;
  c = run_request (t, &req, &auth);
  CU_ASSERT_EQUAL (c.err->code, ERR_AUTH);
  completion_release (&c);
  http_header_add (&req.headers, "X", "a\r\nHost: other");
  auth.bearer = token;
  c = run_request (t, &req, &auth);
  CU_ASSERT_EQUAL (c.err->code, ERR_INPUT);
  completion_release (&c);
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
  struct completion c;

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
    completion_release (&c);
  }
  c = run_request (t, &req, NULL);
  CU_ASSERT_EQUAL (c.err->code, ERR_AUTH);
  completion_release (&c);
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
  struct completion c;

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
  completion_release (&c);
  /* This machine is called directly. */
  proxy->requests = 0;
  c = run_path (t, "GET", "http", s->port, "/ok");
  CU_ASSERT_PTR_NULL (c.err);
  CU_ASSERT_EQUAL (proxy->requests, 0);
  completion_release (&c);
  unsetenv ("https_proxy");
  unsetenv ("http_proxy");
  transport_free (t);
  server_stop (s);
  rude_stop (proxy);
}

static void
test_no_such_host (void)
{
  struct transport *t = new_transport (NULL);
  CLEANUP_HTTP_REQUEST struct http_request req;
  struct completion c;

  make_request (&req, "POST", "https", 1, "/");
  free (req.url);
  req.url = xstrdup ("https://nobody.invalid/");
  c = run_request (t, &req, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.err->code, ERR_TRANSIENT);
  CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "nobody.invalid"));
  CU_ASSERT_FALSE (c.sent);
  completion_release (&c);
  transport_free (t);
}

static const struct unit_case cases[] = {
    {"plain requests on one connection", test_plain},
    {"methods and headers", test_methods},
    {"many at once", test_many_at_once},
    {"one wait for all descriptors", test_wait_with_fds},
    {"deadline", test_deadline},
    {"size limits, also unpacked", test_size_limits},
    {"redirects are errors", test_redirect},
    {"rude servers", test_rude},
    {"nothing is sent twice in silence", test_no_silent_resend},
    {"headers of 1xx do not count", test_early_headers},
    {"allowed addresses", test_addresses},
    {"addresses in messages", test_url_for_log},
    {"bearer token", test_bearer},
    {"sigv4: our check against published examples", test_sigv4_check},
    {"sigv4: libcurl against our check", test_sigv4},
    {"proxy", test_proxy},
    {"no such host", test_no_such_host},
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
  return unit_run ("transport", cases, ARRAY_SIZE (cases));
}
