/* Queues on invented time: served in order and in turn, nobody starves, replies
 * steer them, files override the figures. */

#include <base/random.h>
#include <net/limiter.h>

#include "unit.h"

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
  /* 100 more at 2/s, and a quarter of a second's worth that is left alone. */
  CU_ASSERT_EQUAL (limiter_next_ms (l, 0), 50250);
  CU_ASSERT_FALSE (limiter_take (l, 50249, &a));
  CU_ASSERT (limiter_take (l, 50250, &a));
  CU_ASSERT_EQUAL (a.tag, 2);
  CU_ASSERT_EQUAL (a.waited_ms, 50250);
  CU_ASSERT_EQUAL (limit_queue_length (start), 1);
  CU_ASSERT (limit_queue_remove (start, 3));
  CU_ASSERT_FALSE (limit_queue_remove (start, 3));
  CU_ASSERT_EQUAL (limit_queue_max_ids (start), 999);
  CU_ASSERT_EQUAL (limit_queue_push (start, 4, 1000, 0, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_INTERNAL);
  limiter_free (l);
}

/* A service that keeps to its figures never throttles us, although some calls
 * take a quarter of a second to arrive and those behind them no time. */
static void
test_uneven_arrival (void)
{
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct limiter *l = limiter_new ();
    struct limit_queue *q = get_queue (l, "mutate");
    static int64_t arrivals[400];
    struct random_source random;
    struct admission a;
    int64_t now = 0;
    int n = 0, refused = 0, slow;

    random_init (&random, seed);
    slow = 50 + (int)random_below (&random, 100);
    for (uint64_t i = 0; i < 400; i++)
      push (q, i, 1, 0);
    for (; n < 400; now += limiter_next_ms (l, now))
      while (n < 400 && limiter_take (l, now, &a)) {
        arrivals[n] = now + (n < slow ? 250 : 0);
        n++;
      }
    for (int i = 0; i < n; i += 40) /* 0: the burst */
      for (int j = 0; j < n; j++) {
        int seen = 0;

        if (arrivals[j] < arrivals[i])
          continue;
        for (int k = 0; k < n; k++)
          seen += arrivals[k] >= arrivals[i] && arrivals[k] <= arrivals[j];
        refused += seen > 50 + (double)(arrivals[j] - arrivals[i]) * 5 / 1000;
      }
    CU_ASSERT_EQUAL (refused, 0);
    limiter_free (l);
  }
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
  push (big, 1000, 90, 0);
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
  CU_ASSERT_EQUAL (calls, 97);
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
  CU_ASSERT_EQUAL (taken, 6); /* 7 less a quarter second */
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
    {"FIFO, two buckets", test_fifo_and_two_buckets},
    {"uneven arrival", test_uneven_arrival},
    {"unknown class", test_unknown_class},
    {"turns", test_turns},
    {"no starvation", test_no_starvation},
    {"throttled queue", test_throttled_queue},
    {"steering by headers", test_steering},
    {"overrides", test_overrides},
    {"bad overrides", test_bad_overrides},
};

UNIT_MAIN ("limiter", cases)
