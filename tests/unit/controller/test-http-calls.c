/* What the carrier of calls does with keys that are refused, against a service
 * in memory: renewed ones are tried by one call, wrong ones cost one request
 * and one message.  And whose calls share a limit. */

#include "unit.h"

#include <string.h>

#include <controller/credentials-cache.h>
#include <controller/http-calls.h>
#include <net/memory-transport.h>

struct service {
  struct fake_clock clock;
  unsigned generation; /* of the keys that are given out now */
  unsigned good;       /* those that are accepted; 0: none are */
  unsigned requests, refused, fetched, most_refused_at_once;
  struct credentials_cache *cache;
  struct transport *transport;
  struct limiter *limiter;
  struct http_calls *calls;
};

/* --- a provider with one operation -----------------------------------------
 */

static int
build (const struct binding *b, const json_t *in, struct http_request *req,
       struct err **err)
{
  (void)b;
  (void)in;
  (void)err;
  req->method = xstrdup ("POST");
  req->url = xstrdup ("https://service.example/");
  req->sign = HTTP_SIGN_BEARER;
  req->action = "Do";
  return 0;
}

static int
parse (const struct binding *b, const json_t *in, const struct http_reply *r,
       json_t **out, struct err **err)
{
  (void)b;
  if (r->status == 401)
    return err_set (err, ERR_AUTH, "the keys are refused");
  if (r->status == 503)
    return err_set (err, ERR_TRANSIENT, "not now");
  /* {wait, parts}: so many more requests, each so much later */
  if (json_int (in, "parts", 0) > json_int (in, "page", 0)) {
    *out = json_make ("{s:I,s:I,s:[I]}", "next",
                      (json_int_t)json_int (in, "page", 0) + 1, "after_ms",
                      (json_int_t)json_int (in, "wait", 0), "seen",
                      (json_int_t)json_int (in, "page", 0));
    return 0;
  }
  *out = json_object ();
  return 0;
}

static const struct limit_spec limits[] =
    {{.limit_class = "x", .bucket = "x", .capacity = 1000, .refill_per_s = 100},
     {.limit_class = "few", .bucket = "few", .capacity = 10, .refill_per_s = 1},
     {.limit_class = "y", .bucket = "y", .capacity = 1000, .refill_per_s = 100},
     {.limit_class = "helper",
      .bucket = "h",
      .capacity = 100,
      .refill_per_s = 100},
     {.limit_class = "helper",
      .bucket = "each",
      .capacity = 4,
      .refill_per_s = 0.1,
      .per_part = true},
     {0}};
static const struct provider provider =
    {.name = "plain",
     .limits = limits,
     .ops = {[OP_STOP] = {.name = "stop",
                          .limit_class = "x",
                          .changes = true,
                          .next_class = "y",
                          .build = build,
                          .parse = parse},
             [OP_HELPER_ATTACH] = {.name = "helper-attach",
                                   .limit_class = "helper",
                                   .max_ids = 8,
                                   .changes = true,
                                   .next_class = "y",
                                   .part = "helper.id",
                                   .build = build,
                                   .parse = parse},
             [OP_START] = {.name = "start",
                           .limit_class = "few",
                           .changes = true,
                           .build = build,
                           .parse = parse}}};
static struct binding binding = {.provider = &provider,
                                 .account = (char *)"1",
                                 .region = (char *)"r"};

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct service *service = opaque;
  char wanted[32];

  (void)req;
  (void)err;
  snprintf (wanted, sizeof wanted, "key-%u", service->good);
  *delay_ms = 50;
  service->requests++;
  reply->status = 200;
  if (strcmp (auth->bearer->data, wanted) != 0) {
    reply->status = 401;
    service->refused++;
  }
  return 0;
}

static void
pass (void *opaque, int64_t ms)
{
  struct service *service = opaque;

  fake_clock_advance (&service->clock, ms);
}

/* --- credentials ------------------------------------------------------------
 */

static int64_t
wall_of (const struct service *service)
{
  return clock_wall_ms (&service->clock.clock);
}

static enum auth_state
authenticate (void *opaque, struct binding *b, const char *audience,
              struct http_auth *auth, struct err **err)
{
  struct service *service = opaque;

  return credentials_cache_get (service->cache, b, audience, wall_of (service),
                                auth, err);
}

static void
refused (void *opaque, struct binding *b, const char *audience,
         int64_t sent_wall_ms, const struct err *err)
{
  struct service *service = opaque;

  credentials_cache_refused (service->cache, b, audience, sent_wall_ms,
                             wall_of (service), err);
}

static void
fetch (struct service *service)
{
  const struct binding *b;
  const char *audience;

  while (credentials_cache_wants (service->cache, wall_of (service), &b,
                                  &audience)) {
    struct credentials *keys = xcalloc (1, sizeof *keys);

    keys->source = xstrdup ("a test");
    keys->expires_wall_ms = INT64_MAX;
    keys->bearer =
        secret_take_string (xasprintf ("key-%u", service->generation));
    service->fetched++;
    credentials_cache_put (service->cache, b, audience, wall_of (service),
                           keys);
  }
}

/* --- runs ------------------------------------------------------------------
 */

struct result {
  unsigned well, auth, other;
};

static void
submit (struct service *service, uint64_t id, struct binding *by, enum op_id op,
        json_t *in_taken)
{
  struct effect effect = {id, EFFECT_OP, by, op, in_taken};

  http_calls_submit (service->calls, effect);
}

/* n calls at once, until all are answered. */
static struct result
run (struct service *service, unsigned n)
{
  struct http_calls *calls = service->calls;
  struct result result = {0};

  for (unsigned i = 0; i < n; i++)
    submit (service, i + 1, &binding, OP_STOP, json_object ());
  for (unsigned i = 0; i < 1000 && http_calls_pending (calls); i++) {
    struct completion completion;

    fetch (service);
    http_calls_step (calls);
    while (http_calls_collect (calls, &completion)) {
      result.well += completion.err == NULL;
      result.auth += completion.err && completion.err->code == ERR_AUTH;
      result.other += completion.err && completion.err->code != ERR_AUTH;
      completion_release (&completion);
    }
    fake_clock_advance (&service->clock, 60);
  }
  CU_ASSERT_EQUAL (http_calls_pending (calls), 0);
  return result;
}

static void
init (struct service *service, unsigned generation, unsigned good)
{
  struct memory_service memory = {service, answer, pass};
  struct http_calls_options options = {.seed = 3,
                                       .authenticate = authenticate,
                                       .refused = refused,
                                       .opaque = service};

  memset (service, 0, sizeof *service);
  fake_clock_init (&service->clock, 1700000000000);
  service->cache = credentials_cache_new ();
  service->generation = generation;
  service->good = good;
  options.clock = &service->clock.clock;
  options.limiter = service->limiter = limiter_new ();
  options.transport = service->transport =
      memory_transport_new (&memory, options.clock);
  service->calls = http_calls_new (&options);
}

static void
release (struct service *service)
{
  http_calls_free (service->calls);
  transport_free (service->transport);
  limiter_free (service->limiter);
  credentials_cache_free (service->cache);
}

/* They ended early: in the middle of a campaign, with many calls on their way.
 */
static void
test_renewed_once (void)
{
  struct service service;
  struct result result;

  init (&service, 1, 1);
  result = run (&service, 5);
  CU_ASSERT_EQUAL (result.well, 5);
  CU_ASSERT_EQUAL (service.fetched, 1);
  service.generation = service.good = 2;
  result = run (&service, 40);
  CU_ASSERT_EQUAL (result.well, 40);
  CU_ASSERT_EQUAL (service.fetched, 2);
  /* Those that were on their way, and never the renewed ones. */
  CU_ASSERT_EQUAL (service.refused, 40);
  CU_ASSERT_EQUAL (service.requests, 5 + 40 + 40);
  release (&service);
}

/* Renewal brings the same, which are refused again: one call finds that out. */
static void
test_wrong_keys (void)
{
  struct service service;
  struct result result;

  init (&service, 1, 1);
  result = run (&service, 1);
  CU_ASSERT_EQUAL (result.well, 1);
  service.good = 7;
  result = run (&service, 30);
  CU_ASSERT_EQUAL (result.auth, 30);
  CU_ASSERT_EQUAL (service.fetched, 2);
  CU_ASSERT_EQUAL (service.requests, 1 + 30 + 1);
  /* Whoever comes later hears it without a request. */
  result = run (&service, 10);
  CU_ASSERT_EQUAL (result.auth, 10);
  CU_ASSERT_EQUAL (service.requests, 32);
  release (&service);
}

static void
test_wrong_from_the_start (void)
{
  struct service service;
  struct result result;

  init (&service, 1, 7);
  result = run (&service, 1);
  CU_ASSERT_EQUAL (result.auth, 1);
  CU_ASSERT_EQUAL (service.requests, 1);
  release (&service);
}

/* n calls by these bindings in turn, of a bucket that holds 10 and gets one
 * more in a second; how long each stood in line, of those that end in time. */
static void
start (struct service *service, struct binding *by, unsigned n_by, unsigned n,
       unsigned steps, int64_t *waited)
{
  for (unsigned i = 0; i < n; i++)
    submit (service, i, &by[i % n_by], OP_START, json_object ());
  for (unsigned i = 0; i < steps; i++) {
    struct completion completion;

    fetch (service);
    http_calls_step (service->calls);
    while (http_calls_collect (service->calls, &completion)) {
      waited[completion.id] = completion.waited_ms;
      completion_release (&completion);
    }
    CU_ASSERT (i || (http_calls_waits (service->calls, n - 1) &&
                     !http_calls_waits (service->calls, 0)));
    fake_clock_advance (&service->clock, 60);
  }
}

/* Requests in the first second of 15 calls for each of two bindings. */
static unsigned
begun_together (const char *account, const char *region)
{
  struct binding others[] = {binding, binding};
  struct service service;
  int64_t waited[30];
  unsigned begun;

  others[1].account = (char *)account;
  others[1].region = (char *)region;
  init (&service, 1, 1);
  start (&service, others, 2, 30, 15, waited);
  begun = service.requests;
  release (&service);
  return begun;
}

/* Two profiles that lead into one account are one to its limits. */
static void
test_shared_limits (void)
{
  CU_ASSERT_EQUAL (begun_together ("1", "r"), 10);
  CU_ASSERT_EQUAL (begun_together ("2", "r"), 20);
  CU_ASSERT_EQUAL (begun_together ("1", "s"), 20);
}

/* Who stood in line hears for how long. */
static void
test_waited (void)
{
  struct service service;
  int64_t waited[12] = {0};

  init (&service, 1, 1);
  start (&service, &binding, 1, 12, 100, waited);
  CU_ASSERT (waited[9] < 500);
  CU_ASSERT (waited[10] >= waited[9] + 900 && waited[10] < waited[9] + 1100);
  CU_ASSERT (waited[11] >= waited[10] + 900 && waited[11] < waited[10] + 1100);
  release (&service);
}

/* An operation that is followed: its requests are so far apart as it says, the
 * later ones count in a class of their own, and the parts become one answer. */
static void
test_followed (void)
{
  struct service service;
  struct completion completion;
  struct effect effect = {.id = 1,
                          .kind = EFFECT_OP,
                          .binding = &binding,
                          .op = OP_STOP};
  CLEANUP_JSON json_t *report = NULL;
  json_t *queue;
  int64_t began;
  size_t i;

  init (&service, 1, 1);
  effect.in = json_make ("{s:i,s:i}", "parts", 3, "wait", 5000);
  began = clock_now_ms (&service.clock.clock);
  http_calls_submit (service.calls, effect);
  for (i = 0; i < 1000; i++) {
    fetch (&service);
    http_calls_step (service.calls);
    if (http_calls_collect (service.calls, &completion))
      break;
    fake_clock_advance (&service.clock, 50);
  }
  CU_ASSERT_PTR_NULL (completion.err);
  CU_ASSERT_EQUAL (json_array_size (json_at (completion.out, "seen")), 3);
  CU_ASSERT_PTR_NULL (json_at (completion.out, "after_ms"));
  CU_ASSERT_PTR_NULL (json_at (completion.out, "next"));
  CU_ASSERT_EQUAL (service.requests, 4);
  began = clock_now_ms (&service.clock.clock) - began;
  CU_ASSERT (began >= 15000 && began < 16500);
  report = http_calls_report (service.calls);
  json_array_foreach (json_at (report, "queues"), i, queue)
  {
    bool first = strcmp (json_str (queue, "class", ""), "x") == 0;

    CU_ASSERT_EQUAL (json_int (queue, "admitted", 0), first ? 1 : 3);
  }
  CU_ASSERT_EQUAL (json_array_size (json_at (report, "queues")), 2);
  completion_release (&completion);
  release (&service);
}

static json_t *
lend (const char *helper, unsigned disk, unsigned alone)
{
  json_t *in =
      json_make ("{s:{s:s},s:[{s:{s:i}}],s:i,s:i}", "helper", "id", helper,
                 "disks", "disk", "id", (int)disk, "parts", 2, "wait", 5000);

  if (alone)
    json_put_int (in, "alone", (int64_t)alone);
  return in;
}

/* A call that takes many disks of a helper goes alone, until what it began has
 * ended; those that come meanwhile become one, but for who wants to be alone.
 * Another helper's calls do not wait for it, and count in a bucket of its own.
 */
static void
test_parts (void)
{
  struct service service;
  struct completion completion;
  CLEANUP_JSON json_t *report = NULL;
  json_t *row;
  unsigned answered = 0, queues = 0;
  int64_t first_ms = 0, last_ms = 0;
  size_t i;

  init (&service, 1, 1);
  for (unsigned n = 1; n <= 12; n++) {
    submit (&service, n, &binding, OP_HELPER_ATTACH,
            lend (n == 12 ? "b" : "a", n, n == 11));
    fetch (&service);
    http_calls_step (service.calls);
    fake_clock_advance (&service.clock, 20);
  }
  for (i = 0; i < 4000 && http_calls_pending (service.calls); i++) {
    http_calls_step (service.calls);
    while (http_calls_collect (service.calls, &completion)) {
      CU_ASSERT_PTR_NULL (completion.err);
      answered++;
      last_ms = clock_now_ms (&service.clock.clock);
      if (first_ms == 0)
        first_ms = last_ms;
      completion_release (&completion);
    }
    fake_clock_advance (&service.clock, 50);
  }
  CU_ASSERT_EQUAL (answered, 12);
  report = http_calls_report (service.calls);
  json_array_foreach (json_at (report, "calls"), i, row)
  {
    /* a: 1, then 2 to 9 (8 a call), 10, 11 alone; b: 12; two polls each */
    CU_ASSERT_EQUAL (json_int (row, "calls", 0), 5 * 3);
  }
  json_array_foreach (json_at (report, "queues"), i, row)
  {
    bool a = strcmp (json_str (row, "part", ""), "a") == 0;

    if (strcmp (json_str (row, "class", ""), "helper") != 0)
      continue;
    CU_ASSERT_EQUAL (json_int (row, "admitted", 0), a ? 4 : 1);
    queues++;
  }
  CU_ASSERT_EQUAL (queues, 2);
  /* Four of one helper, one after the other, of two waits each. */
  CU_ASSERT (last_ms - first_ms >= 3 * 10000);
  CU_ASSERT (last_ms - first_ms < 3 * 10000 + 12000);
  release (&service);
}

static const struct unit_case cases[] = {
    {"calls about one helper become one", test_parts},
    {"keys that ended are renewed once", test_renewed_once},
    {"wrong keys are tried once more, by one call", test_wrong_keys},
    {"wrong keys from the start cost one request", test_wrong_from_the_start},
    {"limits are of an account and region", test_shared_limits},
    {"who stood in line hears it", test_waited},
    {"an operation is followed", test_followed},
};

UNIT_MAIN ("http calls: keys", cases)
