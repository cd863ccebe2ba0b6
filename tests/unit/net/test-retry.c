/* The retry decision, status codes, Retry-After, HTTP dates and clock skew. */

#include <net/retry.h>
#include <net/skew.h>

#include "unit.h"

static struct retry_decision
decide (struct retry_case c, uint64_t seed)
{
  struct random_source random;

  random_init (&random, seed);
  return retry_decide (&retry_policy_default, &c, &random);
}

static void
test_table (void)
{
  static const struct {
    enum err_code code;
    bool repeatable, sent;
    enum retry_verdict verdict;
  } rows[] = {
      {ERR_THROTTLED, false, true, RETRY_AGAIN},
      {ERR_THROTTLED, true, true, RETRY_AGAIN},
      {ERR_TRANSIENT, false, false, RETRY_AGAIN},
      {ERR_TRANSIENT, false, true, RETRY_LOOK},
      {ERR_TRANSIENT, true, true, RETRY_AGAIN},
      {ERR_TIMEOUT, false, true, RETRY_LOOK},
      {ERR_TIMEOUT, false, false, RETRY_AGAIN},
      {ERR_UNKNOWN_EFFECT, true, true, RETRY_AGAIN},
      {ERR_UNKNOWN_EFFECT, false, true, RETRY_LOOK},
      {ERR_UNKNOWN_EFFECT, false, false, RETRY_LOOK},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    for (uint64_t seed = 0; seed < 20; seed++) {
      struct retry_case c = {.code = rows[i].code,
                             .repeatable = rows[i].repeatable,
                             .sent = rows[i].sent,
                             .attempt = 1};

      CU_ASSERT_EQUAL (decide (c, seed).verdict, rows[i].verdict);
    }
}

/* Whatever else holds: the final ones are final. */
static void
test_final (void)
{
  static const enum err_code final[] = {ERR_INTERNAL, ERR_USAGE,
                                        ERR_INPUT,    ERR_NOT_FOUND,
                                        ERR_CONFLICT, ERR_REFUSED,
                                        ERR_AUTH,     ERR_DENIED,
                                        ERR_IO,       ERR_NO_SPACE,
                                        ERR_PROTOCOL, ERR_DISK,
                                        ERR_STOPPED};

  for (size_t i = 0; i < ARRAY_SIZE (final); i++)
    for (int bits = 0; bits < 4; bits++) {
      struct retry_case c = {.code = final[i],
                             .repeatable = bits & 1,
                             .sent = bits & 2,
                             .attempt = 1,
                             .retry_after_ms = 5};

      CU_ASSERT_EQUAL (decide (c, 1).verdict, RETRY_GIVE_UP);
    }
}

static void
test_bounds (void)
{
  struct retry_case c = {.code = ERR_TRANSIENT, .repeatable = true};
  int64_t most = 0, sum = 0;
  struct retry_decision d;

  for (c.attempt = 1; c.attempt < retry_policy_default.max_attempts;
       c.attempt++)
    for (uint64_t seed = 0; seed < 500; seed++) {
      int64_t limit = 500 << (c.attempt - 1);

      d = decide (c, seed);
      CU_ASSERT (d.verdict == RETRY_AGAIN && d.wait_ms >= 0 &&
                 d.wait_ms <= (limit < 30000 ? limit : 30000));
      if (c.attempt == 5) {
        sum += d.wait_ms;
        most = d.wait_ms > most ? d.wait_ms : most;
      }
    }
  /* Full jitter: spread over the whole range, so about half of it. */
  CU_ASSERT (most > 7800 && sum / 500 > 3500 && sum / 500 < 4500);
  c.attempt = retry_policy_default.max_attempts;
  CU_ASSERT_EQUAL (decide (c, 1).verdict, RETRY_GIVE_UP);
  c.attempt = 2;
  c.elapsed_ms = retry_policy_default.total_ms + 1;
  CU_ASSERT_EQUAL (decide (c, 1).verdict, RETRY_GIVE_UP);
}

static void
test_throttled_waits_longer (void)
{
  struct retry_case c = {.code = ERR_THROTTLED,
                         .attempt = 40,
                         .retry_after_ms = 1200000,
                         .elapsed_ms = 600000};
  struct retry_decision d = decide (c, 3);

  CU_ASSERT_EQUAL (d.verdict, RETRY_AGAIN); /* not counted as a failure */
  CU_ASSERT (d.wait_ms >= 1200000 && d.wait_ms <= 1200000 + 7500);
  c.elapsed_ms = retry_policy_default.throttled_ms;
  CU_ASSERT_EQUAL (decide (c, 3).verdict, RETRY_GIVE_UP);
}

/* A lost reply of a change is looked after even when there is no time left. */
static void
test_look_always (void)
{
  struct retry_case c = {.code = ERR_UNKNOWN_EFFECT,
                         .attempt = 99,
                         .elapsed_ms = INT64_C (1) << 40};

  CU_ASSERT_EQUAL (decide (c, 3).verdict, RETRY_LOOK);
}

static void
test_status (void)
{
  static const struct {
    int status;
    enum err_code repeatable, not ;
  } rows[] = {{400, ERR_INPUT, ERR_INPUT},
              {401, ERR_AUTH, ERR_AUTH},
              {403, ERR_DENIED, ERR_DENIED},
              {404, ERR_NOT_FOUND, ERR_NOT_FOUND},
              {407, ERR_AUTH, ERR_AUTH},
              {409, ERR_CONFLICT, ERR_CONFLICT},
              {412, ERR_CONFLICT, ERR_CONFLICT},
              {418, ERR_INPUT, ERR_INPUT},
              {429, ERR_THROTTLED, ERR_THROTTLED},
              {500, ERR_TRANSIENT, ERR_UNKNOWN_EFFECT},
              {502, ERR_TRANSIENT, ERR_UNKNOWN_EFFECT},
              {503, ERR_TRANSIENT, ERR_UNKNOWN_EFFECT},
              {504, ERR_TRANSIENT, ERR_UNKNOWN_EFFECT},
              {501, ERR_PROTOCOL, ERR_PROTOCOL},
              {302, ERR_PROTOCOL, ERR_PROTOCOL},
              {200, ERR_INTERNAL, ERR_INTERNAL},
              {999, ERR_INTERNAL, ERR_INTERNAL}};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CU_ASSERT_EQUAL (http_status_code (rows[i].status, true),
                     rows[i].repeatable);
    CU_ASSERT_EQUAL (http_status_code (rows[i].status, false), rows[i].not );
  }
}

static int64_t
retry_after (const char *name, const char *value)
{
  struct http_reply reply = {0};
  int64_t ms;

  http_header_add (&reply.headers, name, value);
  ms = http_retry_after_ms (&reply, INT64_C (784111777000));
  http_reply_release (&reply);
  return ms;
}

static void
test_retry_after (void)
{
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "120"), 120000);
  CU_ASSERT_EQUAL (retry_after ("retry-after", "0"), 1);
  CU_ASSERT_EQUAL (retry_after ("x-ms-retry-after-ms", "1500"), 1500);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"),
                   30000);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"),
                   1);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "99999999999999999999999"),
                   86400000);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "9999999"), 86400000);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "-5"), 0);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "1.5"), 0);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", ""), 0);
  CU_ASSERT_EQUAL (retry_after ("Retry-After", "soon"), 0);
  CU_ASSERT_EQUAL (retry_after ("Server", "120"), 0);
}

static void
test_date (void)
{
  static const char *const bad[] = {"",
                                    "Sun, 06 Nov 1994 08:49:37 GMT ",
                                    "Sun, 06 Nov 1994 08:49:37 UTC",
                                    "Sun, 06 Nov 1994 24:49:37 GMT",
                                    "Sun, 00 Nov 1994 08:49:37 GMT",
                                    "Xyz, 06 Nov 1994 08:49:37 GMT",
                                    "Sun, 06 NoV 1994 08:49:37 GMT",
                                    "Sun, 06-Nov-1994 08:49:37 GMT",
                                    "Sun, 06 ovD 1994 08:49:37 GMT",
                                    "Sun, 06 Nov 19x4 08:49:37 GMT"};
  int64_t ms;

  CU_ASSERT_EQUAL (http_date_parse_ms ("Sun, 06 Nov 1994 08:49:37 GMT", &ms),
                   0);
  CU_ASSERT_EQUAL (ms, INT64_C (784111777000));
  for (size_t i = 0; i < ARRAY_SIZE (bad); i++)
    CU_ASSERT_EQUAL (http_date_parse_ms (bad[i], &ms), -1);
}

static void
test_skew (void)
{
  struct http_reply reply = {0};
  const int64_t date = INT64_C (784111777000);
  int64_t skew;
  char *text;

  CU_ASSERT_FALSE (http_skew_ms (&reply, 0, 0, &skew));
  http_header_add (&reply.headers, "date", "Sun, 06 Nov 1994 08:49:37 GMT");
  CU_ASSERT (http_skew_ms (&reply, date - 100, date + 300, &skew));
  CU_ASSERT_EQUAL (skew, 0);
  /* A slow call says little: nothing is concluded from it. */
  CU_ASSERT (http_skew_ms (&reply, date - 60000, date + 60000, &skew));
  CU_ASSERT_EQUAL (skew, 0);
  CU_ASSERT (http_skew_ms (&reply, date - 300100, date - 300000, &skew));
  CU_ASSERT_EQUAL (skew, 300000);
  text = skew_text (skew, "ec2.example");
  CU_ASSERT_PTR_NOT_NULL_FATAL (text);
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "5 min 0 s behind"));
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "ec2.example"));
  free (text);
  CU_ASSERT (http_skew_ms (&reply, date + 400999, date + 401000, &skew));
  CU_ASSERT_EQUAL (skew, -400000);
  text = skew_text (skew, "ec2.example");
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "ahead of"));
  free (text);
  CU_ASSERT_PTR_NULL (skew_text (59999, "x"));
  http_reply_release (&reply);
}

static void
test_random (void)
{
  struct random_source a, b;
  int seen[7] = {0};

  random_init (&a, 42);
  random_init (&b, 42);
  for (int i = 0; i < 7000; i++) {
    uint64_t n = random_below (&a, 7);

    CU_ASSERT_EQUAL (n, random_below (&b, 7));
    if (n < 7)
      seen[n]++;
  }
  for (int i = 0; i < 7; i++)
    CU_ASSERT (seen[i] > 850 && seen[i] < 1150);
  CU_ASSERT_EQUAL (random_below (&a, 0), 0);
  CU_ASSERT_EQUAL (random_below (&a, 1), 0);
}

static const struct unit_case cases[] = {
    {"table", test_table},
    {"final codes", test_final},
    {"bounds and jitter", test_bounds},
    {"throttled waits longer", test_throttled_waits_longer},
    {"look, always", test_look_always},
    {"status codes", test_status},
    {"Retry-After", test_retry_after},
    {"HTTP date", test_date},
    {"clock skew", test_skew},
    {"random", test_random},
};

UNIT_MAIN ("retry", cases)
