/* The libcurl transport against servers that behave and that do not. */

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <net/transport.h>
#include <net/url-rules.h>

#include "client.h"
#include "server.h"
#include "unit.h"

static void
test_plain (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  struct exchange c = run_path (t, "GET", "http", s->port, "/ok");

  CU_ASSERT_PTR_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.reply.status, 200);
  CU_ASSERT_STRING_EQUAL (c.reply.body, "hello");
  CU_ASSERT_EQUAL (c.reply.body_len, 5);
  CU_ASSERT_PTR_NOT_NULL (http_header_get (&c.reply.headers, "DATE"));
  CU_ASSERT (c.sent);
  exchange_release (&c);
  c = run_path (t, "GET", "http", s->port, "/status/503");
  CU_ASSERT_PTR_NULL (c.err); /* a status is a reply, not an error */
  CU_ASSERT_EQUAL (c.reply.status, 503);
  exchange_release (&c);
  c = run_path (t, "GET", "http", s->port, "/gzip");
  CU_ASSERT_STRING_EQUAL (c.reply.body, "hello");
  exchange_release (&c);
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
    struct exchange c;

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
    exchange_release (&c);
  }
  transport_free (t);
  server_stop (s);
}

static void
test_many_at_once (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  CLEANUP_EXCHANGES struct exchanges done = VEC_EMPTY;
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
  struct exchange c;

  make_request (&req, "POST", "http", s->port, "/slow");
  req.deadline_ms = 300;
  c = run_request (t, &req, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.err->code, ERR_UNKNOWN_EFFECT);
  CU_ASSERT (c.sent);
  CU_ASSERT (c.ended_wall_ms - c.started_wall_ms < 2500);
  exchange_release (&c);
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
      struct exchange c;

      make_request (&req, post ? "POST" : "GET", "http", s->port, paths[i]);
      req.max_reply_bytes = 100000;
      c = run_request (t, &req, NULL);
      CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
      CU_ASSERT_EQUAL (c.err->code, post ? ERR_UNKNOWN_EFFECT : ERR_PROTOCOL);
      CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "100000 bytes"));
      exchange_release (&c);
    }
  transport_free (t);
  server_stop (s);
}

static void
test_redirect (void)
{
  struct server *s = server_start (NULL);
  struct transport *t = new_transport (NULL);
  struct exchange c = run_path (t, "GET", "http", s->port, "/redirect");

  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.err->code, ERR_PROTOCOL);
  CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "https://portal.example/login"));
  CU_ASSERT_PTR_NULL (strstr (c.err->msg, "SECRET"));
  CU_ASSERT_EQUAL (s->requests, 1);
  exchange_release (&c);
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
    struct exchange c;

    make_request (&req, "POST", "http", s->port, "/x");
    req.deadline_ms = rows[i].how == RUDE_SILENT ? 500 : 0;
    c = run_request (t, &req, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
    CU_ASSERT_EQUAL (c.err->code, rows[i].code);
    CU_ASSERT_EQUAL (c.sent, rows[i].sent);
    CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "127.0.0.1: "));
    exchange_release (&c);
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
    struct exchange c = run_path (t, "POST", "http", s->port, "/first");

    CU_ASSERT_PTR_NULL_FATAL (c.err);
    exchange_release (&c);
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
    exchange_release (&c);
    transport_free (t);
    rude_stop (s);
  }
}

static void
test_early_headers (void)
{
  struct server *s = rude_start (RUDE_CONTINUE);
  struct transport *t = new_transport (NULL);
  struct exchange c = run_path (t, "GET", "http", s->port, "/x");

  CU_ASSERT_PTR_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.reply.status, 200);
  CU_ASSERT_PTR_NULL (http_header_get (&c.reply.headers, "X-Early"));
  CU_ASSERT_PTR_NOT_NULL (http_header_get (&c.reply.headers, "X-Late"));
  CU_ASSERT_STRING_EQUAL (http_header_get (&c.reply.headers, "X-Empty"), "");
  exchange_release (&c);
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
test_no_such_host (void)
{
  struct transport *t = new_transport (NULL);
  CLEANUP_HTTP_REQUEST struct http_request req;
  struct exchange c;

  make_request (&req, "POST", "https", 1, "/");
  free (req.url);
  req.url = xstrdup ("https://nobody.invalid/");
  c = run_request (t, &req, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (c.err);
  CU_ASSERT_EQUAL (c.err->code, ERR_TRANSIENT);
  CU_ASSERT_PTR_NOT_NULL (strstr (c.err->msg, "nobody.invalid"));
  CU_ASSERT_FALSE (c.sent);
  exchange_release (&c);
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
