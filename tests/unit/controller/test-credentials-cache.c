/* When credentials are fetched, used, waited for and given up; on invented
 * time. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <controller/credentials-cache.h>

#define T0     INT64_C (1750000000000)
#define MINUTE INT64_C (60000)
#define HOUR   (60 * MINUTE)

static const struct provider aws = {.name = "aws"}, gcp = {.name = "gcp"};
static const struct binding prod = {.provider = &aws, .account = (char *)"1"};
static const struct binding dev = {.provider = &aws, .account = (char *)"2"};
static const struct binding google = {.provider = &gcp};

static struct credentials *
keys (const char *id, int64_t expires)
{
  struct credentials *c = xcalloc (1, sizeof *c);

  c->access_key_id = xstrdup (id);
  c->secret_key = secret_new ("s", 1);
  c->source = xstrdup ("test");
  c->expires_wall_ms = expires;
  return c;
}

static struct err *
failure (enum err_code code)
{
  struct err *err = NULL;

  err_set (&err, code, "it failed");
  return err;
}

/* 'W', 'F', or the first letter of the key that is held. */
static char
ask (struct credentials_cache *c, const struct binding *b, int64_t now)
{
  struct http_auth auth = {0};
  CLEANUP_ERR struct err *err = NULL;
  enum auth_state state = credentials_cache_get (c, b, NULL, now, &auth, &err);

  CU_ASSERT_EQUAL (state == AUTH_FAILED, err != NULL);
  return state == AUTH_WAIT     ? 'W'
         : state == AUTH_FAILED ? 'F'
                                : auth.access_key_id[0];
}

/* Whether something is wanted; what is must be for `b`. */
static bool
wants (struct credentials_cache *c, const struct binding *b, int64_t now)
{
  const struct binding *wanted = NULL;
  const char *audience = NULL;
  int64_t next = credentials_cache_next_ms (c, now);
  bool is = credentials_cache_wants (c, now, &wanted, &audience);

  CU_ASSERT_EQUAL (is, next == 0);
  CU_ASSERT (!is || wanted == b);
  return is;
}

static void
test_first_time (void)
{
  struct credentials_cache *c = credentials_cache_new ();

  CU_ASSERT_EQUAL (credentials_cache_next_ms (c, T0), -1);
  CU_ASSERT (!wants (c, &prod, T0));
  CU_ASSERT_EQUAL (ask (c, &prod, T0), 'W');
  CU_ASSERT (wants (c, &prod, T0));
  CU_ASSERT (!wants (c, &prod, T0)); /* under way: not twice */
  CU_ASSERT_EQUAL (ask (c, &prod, T0), 'W');
  credentials_cache_put (c, &prod, NULL, T0 + 1, keys ("A", INT64_MAX));
  CU_ASSERT_EQUAL (ask (c, &prod, T0 + 1000 * HOUR), 'A');
  CU_ASSERT (!wants (c, &prod, T0 + 1000 * HOUR));
  credentials_cache_free (c);
}

static void
test_each_its_own (void)
{
  struct credentials_cache *c = credentials_cache_new ();
  struct http_auth auth;
  const struct binding *b;
  const char *audience;

  ask (c, &prod, T0);
  credentials_cache_get (c, &prod, "vault", T0, &auth, NULL);
  ask (c, &dev, T0);
  CU_ASSERT (credentials_cache_wants (c, T0, &b, &audience));
  CU_ASSERT (b == &prod && audience == NULL);
  CU_ASSERT (credentials_cache_wants (c, T0, &b, &audience));
  CU_ASSERT (b == &prod && strcmp (audience, "vault") == 0);
  CU_ASSERT (credentials_cache_wants (c, T0, &b, &audience));
  CU_ASSERT (b == &dev && audience == NULL);
  credentials_cache_put (c, &dev, NULL, T0, keys ("D", INT64_MAX));
  credentials_cache_put (c, &prod, "vault", T0, keys ("V", INT64_MAX));
  CU_ASSERT_EQUAL (ask (c, &prod, T0), 'W');
  CU_ASSERT_EQUAL (ask (c, &dev, T0), 'D');
  CU_ASSERT_EQUAL (credentials_cache_get (c, &prod, "vault", T0, &auth, NULL),
                   AUTH_HAVE);
  CU_ASSERT_STRING_EQUAL (auth.access_key_id, "V");
  credentials_cache_free (c);
}

static struct credentials_cache *
holding (const struct binding *b, int64_t life)
{
  struct credentials_cache *c = credentials_cache_new ();

  ask (c, b, T0);
  CU_ASSERT (wants (c, b, T0));
  credentials_cache_put (c, b, NULL, T0, keys ("A", T0 + life));
  return c;
}

/* An hour of AWS: tried from 45 minutes on, waited for from 50 on. */
static void
test_renewal_of_an_hour (void)
{
  struct credentials_cache *c = holding (&prod, HOUR);

  CU_ASSERT_EQUAL (credentials_cache_next_ms (c, T0), 45 * MINUTE);
  CU_ASSERT (!wants (c, &prod, T0 + 45 * MINUTE - 1));
  CU_ASSERT (wants (c, &prod, T0 + 45 * MINUTE));
  CU_ASSERT_EQUAL (ask (c, &prod, T0 + 49 * MINUTE), 'A');
  CU_ASSERT_EQUAL (ask (c, &prod, T0 + 50 * MINUTE), 'W');
  credentials_cache_put (c, &prod, NULL, T0 + 51 * MINUTE,
                         keys ("B", T0 + 2 * HOUR));
  CU_ASSERT_EQUAL (ask (c, &prod, T0 + 51 * MINUTE), 'B');
  CU_ASSERT_EQUAL (credentials_cache_next_ms (c, T0 + 51 * MINUTE),
                   54 * MINUTE);
  credentials_cache_free (c);
  c = holding (&google, HOUR);
  CU_ASSERT_EQUAL (credentials_cache_next_ms (c, T0), 55 * MINUTE);
  credentials_cache_free (c);
}

/* A failed renewal stops nothing before the end, whatever its code. */
static void
test_failed_renewals (void)
{
  static const enum err_code codes[] = {ERR_TRANSIENT, ERR_AUTH};

  for (size_t i = 0; i < ARRAY_SIZE (codes); i++) {
    struct credentials_cache *c = holding (&prod, HOUR);
    int64_t now = T0 + 45 * MINUTE, end = T0 + HOUR - 10000;
    unsigned attempts = 0;

    for (; now < end; now += 1000) {
      if (wants (c, &prod, now)) {
        attempts++;
        credentials_cache_failed (c, &prod, NULL, now, failure (codes[i]));
      }
      CU_ASSERT_EQUAL (ask (c, &prod, now), 'A');
    }
    CU_ASSERT (attempts >= 4 && attempts <= 16);
    /* The end: one last attempt, then the operator hears of it. */
    CU_ASSERT_EQUAL (ask (c, &prod, now), 'W');
    for (; ask (c, &prod, now) == 'W' && now < T0 + 3 * HOUR; now += 1000)
      if (wants (c, &prod, now)) {
        attempts++;
        credentials_cache_failed (c, &prod, NULL, now, failure (codes[i]));
      }
    CU_ASSERT_EQUAL (ask (c, &prod, now), 'F');
    if (codes[i] == ERR_AUTH)
      CU_ASSERT (now < T0 + HOUR + 30000 + 10000);
    if (codes[i] == ERR_TRANSIENT)
      CU_ASSERT (now >= T0 + HOUR + 14 * MINUTE &&
                 now < T0 + HOUR + 17 * MINUTE);
    CU_ASSERT (!wants (c, &prod, now + HOUR));
    credentials_cache_free (c);
  }
}

/* While an attempt is under way after a failure, close to the end, new calls
 * wait; when it fails they go on. */
static void
test_waiting_close_to_the_end (void)
{
  struct credentials_cache *c = holding (&prod, HOUR);
  int64_t now = T0 + 52 * MINUTE;

  CU_ASSERT_EQUAL (ask (c, &prod, now), 'W'); /* due: wait for it */
  CU_ASSERT (wants (c, &prod, now));
  CU_ASSERT_EQUAL (ask (c, &prod, now), 'W');
  credentials_cache_failed (c, &prod, NULL, now + 5000,
                            failure (ERR_TRANSIENT));
  CU_ASSERT_EQUAL (ask (c, &prod, now + 5000), 'A');
  CU_ASSERT_EQUAL (ask (c, &prod, now + 34999), 'A');
  CU_ASSERT_EQUAL (ask (c, &prod, now + 35000), 'W');
  credentials_cache_free (c);
}

/* Wrong keys at the start: one attempt, one message. */
static void
test_wrong_from_the_start (void)
{
  struct credentials_cache *c = credentials_cache_new ();
  unsigned attempts = 0;

  for (int64_t now = T0; now < T0 + HOUR; now += 1000) {
    ask (c, &prod, now);
    if (wants (c, &prod, now)) {
      attempts++;
      credentials_cache_failed (c, &prod, NULL, now, failure (ERR_AUTH));
    }
  }
  CU_ASSERT_EQUAL (attempts, 1);
  CU_ASSERT_EQUAL (ask (c, &prod, T0 + HOUR), 'F');
  credentials_cache_free (c);
}

/* No answer at the start: two minutes, with pauses that grow. */
static void
test_silent_from_the_start (void)
{
  struct credentials_cache *c = credentials_cache_new ();
  unsigned attempts = 0;
  int64_t now = T0;

  for (; ask (c, &prod, now) == 'W' && now < T0 + HOUR; now += 500)
    if (wants (c, &prod, now)) {
      attempts++;
      credentials_cache_failed (c, &prod, NULL, now, failure (ERR_TIMEOUT));
    }
  CU_ASSERT_EQUAL (ask (c, &prod, now), 'F');
  CU_ASSERT (now - T0 >= 2 * MINUTE && now - T0 < 3 * MINUTE);
  CU_ASSERT (attempts >= 5 && attempts <= 12);
  credentials_cache_free (c);
}

/* Tokens of a minute for an hour: about four renewals in three minutes, and no
 * call is ever left with one that has ended. */
static void
test_tokens_of_a_minute (void)
{
  struct credentials_cache *c = credentials_cache_new ();
  unsigned renewals = 0, waits = 0;
  int64_t expires = 0, answer = 0;

  for (int64_t now = T0; now < T0 + HOUR; now += 250) {
    char state = ask (c, &prod, now);

    if (state == 'A')
      CU_ASSERT (now + 2000 < expires);
    if (state == 'W' && now > T0 + 1000)
      waits++;
    if (wants (c, &prod, now))
      answer = now + 750;
    if (answer && now >= answer) {
      renewals++;
      answer = 0;
      expires = now + MINUTE;
      credentials_cache_put (c, &prod, NULL, now, keys ("A", expires));
    }
  }
  CU_ASSERT (renewals >= 70 && renewals <= 90);
  CU_ASSERT_EQUAL (waits, 0);
  credentials_cache_free (c);
}

/* What a renewal brings may be the same once more (IMDS hands out new keys only
 * minutes before the end): asked a few times, not without end. */
static void
test_renewal_that_brings_the_same (void)
{
  struct credentials_cache *c = holding (&prod, 6 * HOUR);
  int64_t end = T0 + 6 * HOUR;
  unsigned attempts = 0;

  for (int64_t now = T0; now < end - 5 * MINUTE; now += 1000) {
    CU_ASSERT_EQUAL (ask (c, &prod, now), 'A');
    if (wants (c, &prod, now)) {
      attempts++;
      credentials_cache_put (c, &prod, NULL, now, keys ("A", end));
    }
  }
  CU_ASSERT (attempts >= 1 && attempts <= 4);
  credentials_cache_free (c);
}

static void
test_ended_when_they_came (void)
{
  struct credentials_cache *c = credentials_cache_new ();
  CLEANUP_ERR struct err *err = NULL;
  struct http_auth auth;

  ask (c, &prod, T0);
  wants (c, &prod, T0);
  credentials_cache_put (c, &prod, NULL, T0, keys ("A", T0));
  CU_ASSERT_EQUAL (credentials_cache_get (c, &prod, NULL, T0, &auth, &err),
                   AUTH_FAILED);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_EQUAL (err->code, ERR_AUTH);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "clock"));
  credentials_cache_free (c);
}

static void
test_refused_by_a_service (void)
{
  struct credentials_cache *c = holding (&prod, HOUR);
  CLEANUP_ERR struct err *err = failure (ERR_AUTH);
  int64_t now = T0 + MINUTE;

  credentials_cache_refused (c, &prod, NULL, now - 100, now, err);
  CU_ASSERT_EQUAL (ask (c, &prod, now), 'W');
  CU_ASSERT (wants (c, &prod, now));
  credentials_cache_refused (c, &prod, NULL, now - 50, now, err);
  credentials_cache_put (c, &prod, NULL, now + 10, keys ("B", T0 + HOUR));
  /* A straggler that was sent with the old ones. */
  credentials_cache_refused (c, &prod, NULL, now - 10, now + 20, err);
  CU_ASSERT_EQUAL (ask (c, &prod, now + 20), 'B');
  /* But these, too: final. */
  credentials_cache_refused (c, &prod, NULL, now + 30, now + 40, err);
  CU_ASSERT_EQUAL (ask (c, &prod, now + 40), 'F');
  CU_ASSERT (!wants (c, &prod, now + 40));
  credentials_cache_free (c);
  /* An hour later it is another matter. */
  c = holding (&prod, 6 * HOUR);
  credentials_cache_refused (c, &prod, NULL, now, now, err);
  CU_ASSERT (wants (c, &prod, now));
  credentials_cache_put (c, &prod, NULL, now, keys ("B", T0 + 6 * HOUR));
  credentials_cache_refused (c, &prod, NULL, now + HOUR, now + HOUR, err);
  CU_ASSERT_EQUAL (ask (c, &prod, now + HOUR), 'W');
  CU_ASSERT (wants (c, &prod, now + HOUR));
  credentials_cache_free (c);
}

/* An attempt that is under way may still end; no other one begins, not even
 * after a refusal or when the old ones end. */
static void
test_forgotten (void)
{
  struct credentials_cache *c = holding (&prod, HOUR);
  CLEANUP_ERR struct err *err = failure (ERR_AUTH);
  int64_t now = T0 + MINUTE;

  credentials_cache_refused (c, &prod, NULL, now - 100, now, err);
  CU_ASSERT (wants (c, &prod, now));
  credentials_cache_forget (c, &prod);
  credentials_cache_put (c, &prod, NULL, now, keys ("B", T0 + HOUR));
  credentials_cache_refused (c, &prod, NULL, now + HOUR, now + HOUR, err);
  CU_ASSERT (!wants (c, &prod, now + 2 * HOUR));
  CU_ASSERT_EQUAL (credentials_cache_next_ms (c, now + 2 * HOUR), -1);
  credentials_cache_free (c);
}

/* A clock that is set back by a day in the middle of a wait. */
static void
test_clock_set_back (void)
{
  struct credentials_cache *c = credentials_cache_new ();
  int64_t before = T0 - 24 * HOUR;

  ask (c, &prod, T0);
  wants (c, &prod, T0);
  credentials_cache_failed (c, &prod, NULL, T0, failure (ERR_TRANSIENT));
  CU_ASSERT (!wants (c, &prod, T0 + 500));
  CU_ASSERT (wants (c, &prod, before));
  credentials_cache_failed (c, &prod, NULL, before, failure (ERR_TRANSIENT));
  CU_ASSERT_EQUAL (ask (c, &prod, before + MINUTE), 'W');
  credentials_cache_free (c);
}

static void
test_words (void)
{
  struct credentials_cache *c = credentials_cache_new ();
  CLEANUP_FREE char *first = NULL, *none = NULL, *text = NULL;
  CLEANUP_JSON json_t *report = NULL;

  for (int i = 0; i < 2; i++) {
    struct credentials *k = keys ("A", T0 + HOUR);

    k->warnings = xcalloc (2, sizeof (char *));
    k->warnings[0] = xstrdup ("chmod 600");
    credentials_cache_put (c, &prod, NULL, T0, k);
  }
  first = credentials_cache_warning (c);
  CU_ASSERT_STRING_EQUAL (first, "chmod 600");
  none = credentials_cache_warning (c);
  CU_ASSERT_PTR_NULL (none); /* said once */
  credentials_cache_failed (c, &prod, NULL, T0, failure (ERR_TIMEOUT));
  report = credentials_cache_report (c);
  text = json_text (report);
  CU_ASSERT_STRING_EQUAL (
      text, "[{\"account\":\"1\",\"expires\":\"2025-06-15T16:06:40Z\","
            "\"failures\":1,\"fetched\":2,\"last_error\":\"it failed\","
            "\"provider\":\"aws\",\"region\":\"\",\"source\":\"test\"}]");
  credentials_cache_free (c);
}

static const struct unit_case cases[] = {
    {"first time", test_first_time},
    {"each its own", test_each_its_own},
    {"renewal of an hour", test_renewal_of_an_hour},
    {"failed renewals", test_failed_renewals},
    {"waiting close to the end", test_waiting_close_to_the_end},
    {"wrong from the start", test_wrong_from_the_start},
    {"silent from the start", test_silent_from_the_start},
    {"tokens of a minute", test_tokens_of_a_minute},
    {"renewal that brings the same", test_renewal_that_brings_the_same},
    {"ended when they came", test_ended_when_they_came},
    {"refused by a service", test_refused_by_a_service},
    {"forgotten", test_forgotten},
    {"clock set back", test_clock_set_back},
    {"words", test_words},
};
UNIT_MAIN ("controller/credentials-cache", cases)
