/* One request, waited for: repetitions, limits on time, proxies. */

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <net/fetch.h>
#include <net/memory-transport.h>

#include "client.h"
#include "server.h"

/* A service that plays a list of answers on a fake clock: a status, or 0 for a
 * connection that breaks after sending, -1 for one that never stood, -2 for no
 * answer at all. */
struct script {
  struct fake_clock clock;
  const int *answers;
  size_t n, next;
  int64_t delay_ms;
  const char *retry_after;
};

static int
play (void *opaque, const struct http_request *req,
      const struct http_auth *auth, struct http_reply *reply, int64_t *delay_ms,
      struct err **err)
{
  struct script *s = opaque;
  int answer = s->answers[s->next < s->n ? s->next : s->n - 1];

  (void)req;
  (void)auth;
  s->next++;
  *delay_ms = s->delay_ms;
  if (answer == -2)
    *delay_ms = INT64_C (1000000000);
  if (answer == 0)
    return err_set (err, ERR_UNKNOWN_EFFECT, "reset");
  if (answer == -1)
    return err_set (err, ERR_TRANSIENT, "refused");
  reply->status = answer > 0 ? answer : 200;
  if (s->retry_after && answer != 200)
    http_header_add (&reply->headers, "Retry-After", s->retry_after);
  http_header_add (&reply->headers, "Date", "Sun, 15 Jun 2025 15:06:40 GMT");
  http_reply_set_body (reply, "hello", 5);
  return 0;
}

static void
pass (void *opaque, int64_t ms)
{
  struct script *s = opaque;

  fake_clock_advance (&s->clock, ms);
}

struct result {
  int ret, status;
  unsigned attempts;
  enum err_code code;
  int64_t took_ms;
};

static struct result
run (struct script *s, bool repeatable, int64_t total_ms)
{
  struct memory_service service = {s, play, pass};
  struct transport *t;
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_ERR struct err *err = NULL;
  struct random_source random;
  struct fetch_options options = {.policy = &retry_policy_metadata,
                                  .total_ms = total_ms,
                                  .clock = &s->clock.clock,
                                  .random = &random};
  struct result result = {0};

  fake_clock_init (&s->clock, INT64_C (1750000000000));
  random_init (&random, 1);
  t = memory_transport_new (&service, &s->clock.clock);
  make_request (&req, "GET", "http", 1, "/");
  req.repeatable = repeatable;
  result.took_ms = -clock_now_ms (&s->clock.clock);
  result.ret = fetch (t, &req, NULL, &options, &got, &err);
  result.took_ms += clock_now_ms (&s->clock.clock);
  result.status = got.reply.status;
  result.attempts = got.attempts;
  result.code = err ? err->code : 0;
  CU_ASSERT_EQUAL (result.ret, err ? -1 : 0);
  CU_ASSERT_EQUAL (got.attempts, s->next);
  transport_free (t);
  return result;
}

static void
test_repeats_what_may_be (void)
{
  static const struct {
    int answers[4];
    bool repeatable;
    int status; /* 0: an error with this code */
    enum err_code code;
    unsigned attempts;
  } cases[] = {
      {{200}, true, 200, 0, 1},
      {{503, 200}, true, 200, 0, 2},
      {{-1, 0, 200}, true, 200, 0, 3},
      {{503, 503, 503, 200}, true, 503, 0, 3}, /* three attempts */
      {{-1, -1, -1, 200}, true, 0, ERR_TRANSIENT, 3},
      {{0, 200}, false, 0, ERR_UNKNOWN_EFFECT, 1}, /* may have had an effect */
      {{-1, 200}, false, 200, 0, 2},
      {{404, 200}, true, 404, 0, 1},
      {{401, 200}, true, 401, 0, 1},
      {{429, 429, 429, 200}, true, 200, 0, 4},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    struct script s = {.answers = cases[i].answers, .n = 4};
    struct result r = run (&s, cases[i].repeatable, 0);

    CU_ASSERT_EQUAL (r.status, cases[i].status);
    CU_ASSERT_EQUAL (r.code, cases[i].code);
    CU_ASSERT_EQUAL (r.attempts, cases[i].attempts);
  }
}

static void
test_one_limit_for_all (void)
{
  static const int silence[] = {-2}, busy[] = {503, 200};
  struct script s = {.answers = silence, .n = 1};
  struct result r = run (&s, true, 3000);

  CU_ASSERT_EQUAL (r.code, ERR_TIMEOUT);
  CU_ASSERT_EQUAL (r.took_ms, 3000);
  /* What asks for more patience than there is gets its answer back. */
  s = (struct script){.answers = busy, .n = 2, .retry_after = "60"};
  r = run (&s, true, 3000);
  CU_ASSERT_EQUAL (r.status, 503);
  CU_ASSERT_EQUAL (r.attempts, 1);
  s = (struct script){.answers = busy, .n = 2, .retry_after = "2"};
  r = run (&s, true, 3000);
  CU_ASSERT_EQUAL (r.status, 200);
  CU_ASSERT (r.took_ms >= 2000);
}

static enum err_code
teapots_pass (const struct http_reply *reply)
{
  return reply->status == 418 ? ERR_THROTTLED : ERR_AUTH;
}

static void
test_verdict_and_skew (void)
{
  static const int answers[] = {418, 200};
  struct script s = {.answers = answers, .n = 2};
  struct memory_service service = {&s, play, pass};
  struct transport *t;
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  struct fetch_options options = {.clock = &s.clock.clock,
                                  .verdict = teapots_pass};

  /* The service's clock is ten minutes ahead of this one. */
  fake_clock_init (&s.clock, INT64_C (1749999400000));
  t = memory_transport_new (&service, &s.clock.clock);
  make_request (&req, "GET", "http", 1, "/");
  CU_ASSERT_EQUAL (fetch (t, &req, NULL, &options, &got, NULL), 0);
  CU_ASSERT_EQUAL (got.attempts, 2);
  CU_ASSERT (got.skew_known);
  CU_ASSERT (got.skew_ms > 599000 - 1000 * 30 && got.skew_ms <= 600000);
  transport_free (t);
}

/* The real thing, with a proxy in the environment that does not exist. */
static void
test_never_through_a_proxy (void)
{
  static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy",
                                      "HTTPS_PROXY", "ALL_PROXY"};
  struct server *server = server_start (NULL);
  struct transport *t = new_transport (NULL);
  struct fetch_options options = {.policy = &retry_policy_metadata};
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_ERR struct err *err = NULL;

  for (size_t i = 0; i < ARRAY_SIZE (names); i++)
    setenv (names[i], "http://127.0.0.1:1", 1);
  make_request (&req, "GET", "http", server->port, "/ok");
  req.repeatable = true;
  CU_ASSERT_EQUAL (fetch (t, &req, NULL, &options, &got, &err), 0);
  CU_ASSERT_EQUAL (got.reply.status, 200);
  for (size_t i = 0; i < ARRAY_SIZE (names); i++)
    unsetenv (names[i]);
  transport_free (t);
  server_stop (server);
}

static void
test_silent_server (void)
{
  struct server *server = rude_start (RUDE_SILENT);
  struct transport *t = new_transport (NULL);
  struct fetch_options options = {.policy = &retry_policy_metadata,
                                  .total_ms = 300};
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_ERR struct err *err = NULL;
  int64_t started = clock_now_ms (&real_clock);

  make_request (&req, "GET", "http", server->port, "/");
  CU_ASSERT_EQUAL (fetch (t, &req, NULL, &options, &got, &err), -1);
  CU_ASSERT (err &&
             (err->code == ERR_TIMEOUT || err->code == ERR_UNKNOWN_EFFECT));
  CU_ASSERT (clock_now_ms (&real_clock) - started < 10000);
  transport_free (t);
  rude_stop (server);
}

static const struct unit_case cases[] = {
    {"repeats what may be", test_repeats_what_may_be},
    {"one limit for all", test_one_limit_for_all},
    {"verdict and skew", test_verdict_and_skew},
    {"never through a proxy", test_never_through_a_proxy},
    {"silent server", test_silent_server},
};
UNIT_MAIN ("net/fetch", cases)
