/* Buckets and queues on invented time: the documented rate is never exceeded,
 * throttles slow down and wear off, queues are served in order and in turn. */

#include <net/bucket.h>
#include <net/limiter.h>

#include <base/random.h>

#include "unit.h"

#define MAX_CALLS 20000

struct log {
  int64_t at[MAX_CALLS];
  size_t n;
};

/* Greedy and random callers for an hour of invented time. */
static void
drive (struct bucket *b, struct log *log, uint64_t seed, int64_t until)
{
  struct random_source random;
  int64_t now = 0;

  random_init (&random, seed);
  while (now < until && log->n < MAX_CALLS) {
    while (log->n < MAX_CALLS && bucket_take (b, 1, now))
      log->at[log->n++] = now;
    if (random_below (&random, 50) == 0)
      now += (int64_t)random_below (&random, 90000); /* a pause: it fills up */
    else
      now += bucket_next_ms (b, 1, now);
  }
}

/* Every stretch of time that starts with a call. */
static void
check_bucket_bound (const struct log *log, double capacity, double per_s)
{
  size_t step = log->n / 300 + 1, broken = 0;

  for (size_t i = 0; i < log->n; i += step)
    for (size_t j = i; j < log->n; j++) {
      double allowed =
          capacity + per_s * (double)(log->at[j] - log->at[i]) / 1000;

      if ((double)(j - i + 1) > allowed + 1e-6)
        broken++;
    }
  CU_ASSERT_EQUAL (broken, 0);
}

static void
test_never_exceeds_bucket (void)
{
  /* The rows of the EC2 table and some of Azure's (per second). */
  static const struct {
    double capacity, per_s;
  } rows[] = {{100, 20}, {50, 10},          {50, 5},       {100, 5},
              {5, 2},    {1500, 500 / 60.}, {12, 4 / 60.}, {250, 25}};
  static struct log log;

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    for (uint64_t seed = 1; seed <= 3; seed++) {
      struct bucket b;

      log.n = 0;
      bucket_init (&b, rows[i].capacity, rows[i].per_s, 0, 0);
      drive (&b, &log, seed, 600000);
      check_bucket_bound (&log, rows[i].capacity, rows[i].per_s);
      /* And it is used: no less than nine tenths of what one may. */
      CU_ASSERT (log.n == MAX_CALLS || log.n > rows[i].capacity * 0.9);
    }
}

/* A greedy caller gets the whole rate, not only less than it. */
static void
test_gets_full_rate (void)
{
  struct bucket b;
  int64_t now = 0;
  int taken = 0;

  bucket_init (&b, 50, 5, 0, 0);
  while (now <= 60000) {
    while (bucket_take (&b, 1, now))
      taken++;
    now += bucket_next_ms (&b, 1, now);
  }
  CU_ASSERT_EQUAL (taken, 50 + 5 * 60);
}

static void
test_never_exceeds_window (void)
{
  static struct log log;

  for (uint64_t seed = 1; seed <= 5; seed++) {
    struct bucket b;
    size_t broken = 0, first = 0;

    log.n = 0;
    bucket_init (&b, 300, 0, 60000, 0);
    drive (&b, &log, seed, 1800000);
    for (size_t i = 0; i < log.n; i++) {
      while (log.at[i] - log.at[first] >= 60000)
        first++;
      if (i - first + 1 > 300)
        broken++;
    }
    CU_ASSERT_EQUAL (broken, 0);
    CU_ASSERT (log.n > 300 * 20);
  }
}

/* next_ms is exact: at that time it goes, one ms earlier it does not. */
static void
test_next_is_exact (void)
{
  struct random_source random;
  int wrong = 0;

  random_init (&random, 7);
  for (int round = 0; round < 2000; round++) {
    struct bucket b, before, at;
    int64_t now = (int64_t)random_below (&random, 100000), ms, n;
    bool window = random_below (&random, 2);

    bucket_init (&b, 40, 3, window ? 60000 : 0, 0);
    n = 1 + (int64_t)random_below (&random, 40);
    for (uint64_t i = random_below (&random, 60); i > 0; i--)
      (void)bucket_take (&b, 1, now);
    if (random_below (&random, 3) == 0)
      bucket_throttled (&b, now, now,
                        (int64_t)random_below (&random, 3) * 2500);
    now += (int64_t)random_below (&random, 20000);
    ms = bucket_next_ms (&b, n, now);
    before = at = b;
    if (!bucket_take (&at, n, now + ms))
      wrong++;
    if (ms > 0 && bucket_take (&before, n, now + ms - 1))
      wrong++;
  }
  CU_ASSERT_EQUAL (wrong, 0);
}

static void
test_throttle_closes_and_recovers (void)
{
  struct bucket b;
  int taken = 0;
  int64_t now;

  bucket_init (&b, 50, 10, 0, 0);
  CU_ASSERT (bucket_take (&b, 1, 1000));
  bucket_throttled (&b, 1100, 1000, 20000);
  CU_ASSERT_FALSE (bucket_take (&b, 1, 21099));
  CU_ASSERT_EQUAL (bucket_next_ms (&b, 1, 1100), 20000);
  CU_ASSERT (bucket_take (&b, 1, 21100));
  CU_ASSERT_FALSE (bucket_take (&b, 1, 21100)); /* it is empty behind that */
  CU_ASSERT_EQUAL (bucket_next_ms (&b, 1, 21100), 200); /* half speed */
  /* Recovered after at most ten steps; then the full rate again. */
  for (now = 21100; now < 21100 + 10 * BUCKET_RECOVER_MS; now += 50)
    (void)bucket_take (&b, 1, now);
  while (bucket_take (&b, 1, now))
    ;
  for (int64_t end = now + 10000; now <= end;
       now += bucket_next_ms (&b, 1, now))
    while (bucket_take (&b, 1, now))
      taken++;
  CU_ASSERT (taken >= 99 && taken <= 101);
}

/* 30 calls on their way when the first throttle came: one halving, not 30. */
static void
test_one_halving_for_a_volley (void)
{
  struct bucket b;

  bucket_init (&b, 50, 10, 0, 0);
  for (int i = 0; i < 30; i++)
    bucket_throttled (&b, 1000 + i, 900, 1000);
  CU_ASSERT_EQUAL (b.speed, BUCKET_FULL_SPEED / 2);
  CU_ASSERT_EQUAL (b.throttled, 30);
  bucket_throttled (&b, 5000, 4000, 1000);
  CU_ASSERT_EQUAL (b.speed, BUCKET_FULL_SPEED / 4);
  for (int i = 0; i < 20; i++)
    bucket_throttled (&b, 6000 + 10 * i, 5999 + 10 * i, 1000);
  CU_ASSERT_EQUAL (b.speed, BUCKET_MIN_SPEED); /* bounded */
}

static void
test_untold_wait_doubles (void)
{
  struct bucket b;
  int64_t now = 1000, expect = 1000;

  bucket_init (&b, 50, 10, 0, 0);
  for (int i = 0; i < 8; i++) {
    bucket_throttled (&b, now, now, 0);
    CU_ASSERT_EQUAL (b.closed_until - now, expect);
    now = b.closed_until + 1;
    expect = expect * 2 > 60000 ? 60000 : expect * 2;
  }
  now += 3600000; /* forgotten after a quiet hour */
  bucket_throttled (&b, now, now, 0);
  CU_ASSERT_EQUAL (b.closed_until - now, 1000);
  bucket_init (&b, 100, 0, 60000, 0);
  bucket_throttled (&b, 5, 1, 0);
  CU_ASSERT_EQUAL (b.closed_until, 60005); /* a window: wait it out */
}

static void
test_remaining_only_lowers (void)
{
  struct bucket b;
  int taken = 0;

  bucket_init (&b, 200, 10, 0, 0);
  bucket_remaining (&b, 5, 0);
  bucket_remaining (&b, 199, 0);
  bucket_remaining (&b, -1, 0);
  while (bucket_take (&b, 1, 0))
    taken++;
  CU_ASSERT_EQUAL (taken, 5);
  bucket_init (&b, 300, 0, 60000, 0);
  bucket_remaining (&b, 7, 0);
  for (taken = 0; bucket_take (&b, 1, 0); taken++)
    ;
  CU_ASSERT_EQUAL (taken, 7);
  CU_ASSERT (bucket_take (&b, 300, 61000));
}

static const struct limit_scope scope = {"aws", "123456789012", "eu-west-1"};

static const struct limit_spec specs[] =
    {{.limit_class = "mutate",
      .bucket = "mutate",
      .capacity = 50,
      .refill_per_s = 5},
     {.limit_class = "stop",
      .bucket = "mutate",
      .capacity = 50,
      .refill_per_s = 5},
     {.limit_class = "stop",
      .bucket = "stop-instances",
      .capacity = 1000,
      .refill_per_s = 20,
      .per_id = true},
     {.limit_class = "start",
      .bucket = "start-requests",
      .capacity = 5,
      .refill_per_s = 2},
     {.limit_class = "start",
      .bucket = "start-instances",
      .capacity = 1000,
      .refill_per_s = 2,
      .per_id = true},
     {.limit_class = "arm",
      .bucket = "writes",
      .capacity = 200,
      .refill_per_s = 10,
      .remaining = "x-ms-ratelimit-remaining-subscription-writes"},
     {.limit_class = "arm",
      .bucket = "put",
      .capacity = 1500,
      .refill_per_s = 8,
      .remaining =
          "x-ms-ratelimit-remaining-resource: Microsoft.Compute/PutVM3Min"},
     {0}};

static struct limit_queue *
get_queue (struct limiter *l, const char *limit_class)
{
  struct limit_queue *q =
      limiter_queue (l, &scope, specs, limit_class, 0, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (q);
  return q;
}

static void
push (struct limit_queue *q, uint64_t tag, unsigned ids, int64_t now)
{
  CU_ASSERT_EQUAL (limit_queue_push (q, tag, ids, now, NULL), 0);
}

static void
test_fifo_and_two_buckets (void)
{
  struct limiter *l = limiter_new ();
  struct limit_queue *start = get_queue (l, "start");
  struct admission a;
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_PTR_EQUAL (start, get_queue (l, "start"));
  CU_ASSERT_EQUAL (limiter_next_ms (l, 0), -1);
  push (start, 1, 900, 0);
  push (start, 2, 200, 0);
  push (start, 3, 1, 0); /* could go, but 2 was here before */
  CU_ASSERT (limiter_take (l, 0, &a));
  CU_ASSERT_EQUAL (a.tag, 1);
  CU_ASSERT_FALSE (limiter_take (l, 0, &a));
  CU_ASSERT_EQUAL (limiter_next_ms (l, 0), 50000); /* 100 more at 2/s */
  CU_ASSERT_FALSE (limiter_take (l, 49999, &a));
  CU_ASSERT (limiter_take (l, 50000, &a));
  CU_ASSERT_EQUAL (a.tag, 2);
  CU_ASSERT_EQUAL (a.waited_ms, 50000);
  CU_ASSERT_EQUAL (limit_queue_length (start), 1);
  CU_ASSERT (limit_queue_remove (start, 3));
  CU_ASSERT_FALSE (limit_queue_remove (start, 3));
  CU_ASSERT_EQUAL (limit_queue_max_ids (start), 1000);
  CU_ASSERT_EQUAL (limit_queue_push (start, 4, 1001, 0, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_INTERNAL);
  limiter_free (l);
}

static void
test_unknown_class (void)
{
  struct limiter *l = limiter_new ();
  CLEANUP_ERR struct err *err = NULL;
  struct limit_queue *q;
  struct admission a;

  CU_ASSERT_PTR_NULL (limiter_queue (l, &scope, specs, "mutat", 0, &err));
  CU_ASSERT_EQUAL (err->code, ERR_INTERNAL);
  q = limiter_queue (l, &scope, NULL, "mutat", 0, NULL); /* no limits at all */
  push (q, 1, 5, 0);
  CU_ASSERT (limiter_take (l, 0, &a));
  limiter_free (l);
}

/* Two queues on one bucket: turns, however long one of them is. */
static void
test_turns (void)
{
  struct limiter *l = limiter_new ();
  struct limit_queue *many = get_queue (l, "mutate"), *few;
  int of_few = 0, taken = 0;
  struct admission a;

  few = get_queue (l, "stop");
  for (uint64_t i = 0; i < 500; i++)
    push (many, i, 1, 0);
  for (uint64_t i = 0; i < 10; i++)
    push (few, 1000 + i, 1, 0);
  while (taken < 20 && limiter_take (l, 0, &a)) {
    taken++;
    of_few += a.queue == few;
  }
  CU_ASSERT_EQUAL (taken, 20);
  CU_ASSERT_EQUAL (of_few, 10);
  limiter_free (l);
}

static const struct limit_spec shared[] = {{.limit_class = "big",
                                            .bucket = "b",
                                            .capacity = 100,
                                            .refill_per_s = 10,
                                            .per_id = true},
                                           {.limit_class = "small",
                                            .bucket = "b",
                                            .capacity = 100,
                                            .refill_per_s = 10},
                                           {0}};

/* Someone who needs many tokens is not starved by those who need few. */
static void
test_no_starvation (void)
{
  struct limiter *l = limiter_new ();
  struct limit_queue *big = limiter_queue (l, &scope, shared, "big", 0, NULL);
  struct limit_queue *small =
      limiter_queue (l, &scope, shared, "small", 0, NULL);
  struct admission a;
  int64_t now = 0, big_at = -1;
  int calls = 0;

  for (uint64_t i = 0; i < 150; i++)
    push (small, i, 1, 0);
  while (limiter_take (l, 0, &a))
    calls++;
  push (big, 1000, 100, 0);
  while (now < 60000 && limiter_next_ms (l, now) >= 0) {
    int64_t ms = limiter_next_ms (l, now);
    bool any = false;

    now += ms;
    while (limiter_take (l, now, &a)) {
      any = true;
      if (a.queue == big)
        big_at = now;
    }
    if (!any && ms == 0) {
      CU_FAIL ("it says that one may go and lets none go: a busy loop");
      break;
    }
  }
  CU_ASSERT_EQUAL (calls, 100);
  CU_ASSERT (big_at >= 0 && big_at <= 11000);
  CU_ASSERT_EQUAL (limit_queue_length (small), 0);
  limiter_free (l);
}

static void
test_throttled_queue (void)
{
  struct limiter *l = limiter_new ();
  struct limit_queue *mutate = get_queue (l, "mutate"),
                     *stop = get_queue (l, "stop");
  struct admission a;
  CLEANUP_JSON json_t *report = NULL;

  push (mutate, 1, 1, 0);
  push (stop, 2, 1, 0);
  limit_queue_throttled (mutate, NULL, 0, 0, 3000);
  CU_ASSERT (limiter_take (l, 0, &a)); /* the other queue goes on */
  CU_ASSERT_EQUAL (a.tag, 2);
  CU_ASSERT_FALSE (limiter_take (l, 0, &a));
  CU_ASSERT_EQUAL (limiter_next_ms (l, 0), 3000);
  CU_ASSERT (limiter_take (l, 3000, &a));
  push (mutate, 3, 1, 3000);
  push (stop, 4, 1, 3000);
  limit_queue_throttled (stop, "mutate", 3000, 2900, 5000);
  CU_ASSERT_FALSE (limiter_take (l, 7999, &a)); /* named: closed for both */
  CU_ASSERT (limiter_take (l, 8000, &a));
  report = limiter_report (l);
  CU_ASSERT_EQUAL (json_array_size (report), 2);
  CU_ASSERT_EQUAL (json_int (json_array_get (report, 0), "throttled", -1), 1);
  CU_ASSERT_EQUAL (json_int (json_array_get (report, 0), "waited_ms", -1),
                   a.queue == mutate ? 8000 : 3000);
  limiter_free (l);
}

static void
test_steering (void)
{
  struct limiter *l = limiter_new ();
  struct limit_queue *arm = get_queue (l, "arm");
  struct http_reply reply = {.status = 200};
  struct admission a;
  int taken = 0;

  http_header_add (&reply.headers, "X-Ms-Ratelimit-Remaining-Resource",
                   "Microsoft.Compute/PutVM30Min;2,"
                   "Microsoft.Compute/PutVM3Min;9");
  http_header_add (&reply.headers,
                   "x-ms-ratelimit-remaining-subscription-writes", "150");
  limit_queue_reply (arm, 0, &reply);
  for (uint64_t i = 0; i < 100; i++)
    push (arm, i, 1, 0);
  while (limiter_take (l, 0, &a))
    taken++;
  CU_ASSERT_EQUAL (taken, 9);
  http_reply_release (&reply);
  limiter_free (l);
}

static int
override (struct limiter *l, const char *text, struct err **err)
{
  CLEANUP_JSON json_t *json = json_parse (text, strlen (text), "test", NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (json);
  return limiter_override (l, json, err);
}

static void
test_overrides (void)
{
  struct limiter *l = limiter_new ();
  struct limit_queue *q;
  struct admission a;
  int taken = 0;

  CU_ASSERT_EQUAL (
      override (l,
                "{\"version\":1,\"limits\":["
                "{\"cloud\":\"aws\",\"bucket\":\"mutate\",\"capacity\":7,"
                "\"refill_per_second\":1},"
                "{\"cloud\":\"aws\",\"region\":\"us-*\",\"bucket\":\"mutate\","
                "\"calls\":9,\"window_seconds\":60}]}",
                NULL),
      0);
  q = get_queue (l, "mutate");
  for (uint64_t i = 0; i < 50; i++)
    push (q, i, 1, 0);
  while (limiter_take (l, 0, &a))
    taken++;
  CU_ASSERT_EQUAL (taken, 7);
  limiter_free (l);
}

static void
test_bad_overrides (void)
{
  static const struct {
    const char *text, *says;
  } rows[] = {{"{\"limits\":[]}", "version"},
              {"{\"version\":2,\"limits\":[]}", "version 2"},
              {"{\"version\":1,\"limits\":[{\"cloud\":\"aws\"}]}", "limits[0]"},
              {"{\"version\":1,\"limits\":[{\"cloud\":\"aws\",\"bucket\":\"b\","
               "\"capacity\":0,\"refill_per_second\":1}]}",
               "capacity"},
              {"{\"version\":1,\"limits\":[{\"cloud\":\"aws\",\"bucket\":\"b\","
               "\"capacity\":1e300,\"refill_per_second\":1}]}",
               "capacity"},
              {"{\"version\":1,\"limits\":[{\"cloud\":\"aws\",\"bucket\":\"b\","
               "\"capacity\":5,\"refill_per_second\":1,\"window_seconds\":3}]}",
               "capacity"},
              {"{\"version\":1,\"limits\":[{\"cloud\":\"aws\",\"bucket\":\"b\","
               "\"capacity\":5,\"refil_per_second\":1}]}",
               "refil_per_second"},
              {"{\"version\":1,\"limits\":[7]}", "no object"},
              {"[]", "version"}};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct limiter *l = limiter_new ();
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (override (l, rows[i].text, &err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, rows[i].says));
    limiter_free (l);
  }
}

static const struct unit_case cases[] = {
    {"never above a bucket's rate", test_never_exceeds_bucket},
    {"gets the full rate", test_gets_full_rate},
    {"never above a window's calls", test_never_exceeds_window},
    {"next is exact", test_next_is_exact},
    {"a throttle closes, halves, wears off", test_throttle_closes_and_recovers},
    {"one halving for a volley", test_one_halving_for_a_volley},
    {"untold wait doubles", test_untold_wait_doubles},
    {"remaining only lowers", test_remaining_only_lowers},
    {"FIFO, two buckets", test_fifo_and_two_buckets},
    {"unknown class", test_unknown_class},
    {"turns", test_turns},
    {"no starvation", test_no_starvation},
    {"throttled queue", test_throttled_queue},
    {"steering by headers", test_steering},
    {"overrides", test_overrides},
    {"bad overrides", test_bad_overrides},
};

UNIT_MAIN ("bucket", cases)
