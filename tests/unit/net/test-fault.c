/* The transport in memory and the fault injector: what each kind does to the
 * effect and to the answer. */

#include <string.h>

#include <net/fault.h>
#include <net/memory-transport.h>

#include "unit.h"

struct world {
  struct fake_clock clock;
  int effects;
  int64_t delay_ms;
};

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct world *w = opaque;

  (void)req;
  (void)auth;
  (void)err;
  w->effects++;
  *delay_ms = w->delay_ms;
  reply->status = 200;
  http_reply_set_body (reply, "0123456789", 10);
  return 0;
}

static void
pass (void *opaque, int64_t ms)
{
  struct world *w = opaque;

  fake_clock_advance (&w->clock, ms);
}

static struct transport *
start (struct world *w, const struct fault_rule *rules, size_t n, uint64_t seed)
{
  const struct memory_service service = {w, answer, pass};

  memset (w, 0, sizeof *w);
  fake_clock_init (&w->clock, 1000000);
  w->delay_ms = 50;
  return fault_transport_new (memory_transport_new (&service, &w->clock.clock),
                              rules, n, seed, &w->clock.clock);
}

static void
submit (struct transport *t, uint64_t tag, const char *url, const char *body)
{
  struct http_request req = {.method = xstrdup ("POST"),
                             .url = xstrdup (url),
                             .body = xstrdup (body),
                             .body_len = strlen (body)};

  CU_ASSERT_EQUAL (transport_submit (t, &req, NULL, tag, NULL), 0);
  http_request_release (&req);
}

/* Runs invented time until the answer is there. */
static struct exchange
await (struct transport *t)
{
  struct exchanges done = VEC_EMPTY;
  struct exchange c = {0};

  for (int i = 0; i < 100 && done.len == 0; i++) {
    transport_step (t, &done);
    if (done.len == 0)
      CU_ASSERT_EQUAL (transport_wait (t, NULL, 0, 10000, NULL), 0);
  }
  CU_ASSERT_EQUAL_FATAL (done.len, 1);
  c = done.ptr[0];
  exchanges_release (&done);
  return c;
}

/* What a rule does, and what must come of it. */
static const struct {
  struct fault_rule rule;
  int effects;
  enum err_code code; /* 0: a reply */
  int status;
  const char *body;
  bool sent;
  int64_t after_ms;
} kind_rows[] = {
    {{.kind = FAULT_RESET_BEFORE, .every = 1},
     0,
     ERR_TRANSIENT,
     0,
     NULL,
     false,
     0},
    {{.kind = FAULT_LOST_REQUEST, .every = 1, .delay_ms = 700},
     0,
     ERR_UNKNOWN_EFFECT,
     0,
     NULL,
     true,
     700},
    {{.kind = FAULT_LOST_REPLY, .every = 1},
     1,
     ERR_UNKNOWN_EFFECT,
     0,
     NULL,
     true,
     50},
    {{.kind = FAULT_STATUS_BEFORE, .every = 1, .status = 503},
     0,
     0,
     503,
     "injected fault",
     true,
     0},
    {{.kind = FAULT_STATUS_AFTER, .every = 1, .status = 500},
     1,
     0,
     500,
     "injected fault",
     true,
     50},
    {{.kind = FAULT_SLOW, .every = 1, .delay_ms = 9000},
     1,
     0,
     200,
     "0123456789",
     true,
     9050},
    {{.kind = FAULT_TRUNCATED, .every = 1}, 1, 0, 200, "01234", true, 50},
    {{.kind = FAULT_HTML, .every = 1},
     1,
     0,
     200,
     "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad "
     "Gateway</h1></body></html>",
     true,
     50},
    {{.kind = FAULT_TWICE, .every = 1}, 2, 0, 200, "0123456789", true, 50},
};

static void
test_kinds (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (kind_rows); i++) {
    struct world w;
    struct transport *t = start (&w, &kind_rows[i].rule, 1, 1);
    struct exchange c;
    struct exchanges more = VEC_EMPTY;

    submit (t, 7, "https://h/x", "a=b");
    c = await (t);
    CU_ASSERT_EQUAL (c.tag, 7);
    CU_ASSERT_EQUAL (w.effects, kind_rows[i].effects);
    CU_ASSERT_EQUAL (c.err ? c.err->code : 0, kind_rows[i].code);
    CU_ASSERT_EQUAL (c.reply.status, kind_rows[i].status);
    if (kind_rows[i].body) {
      CU_ASSERT_STRING_EQUAL (c.reply.body, kind_rows[i].body);
    }
    CU_ASSERT_EQUAL (c.sent, kind_rows[i].sent);
    CU_ASSERT_EQUAL (w.clock.mono_ms, kind_rows[i].after_ms);
    CU_ASSERT_EQUAL (fault_transport_struck (t, 0), 1);
    exchange_release (&c);
    transport_step (t, &more); /* one answer, not two */
    CU_ASSERT_EQUAL (more.len, 0);
    CU_ASSERT_EQUAL (transport_next_ms (t), -1);
    exchanges_free_all (&more);
    transport_free (t);
  }
}

static void
test_which (void)
{
  static const struct fault_rule rules[] = {
      {.kind = FAULT_RESET_BEFORE,
       .match = "Action=AttachVolume",
       .every = 3,
       .skip = 1,
       .times = 2},
      {.kind = FAULT_STATUS_BEFORE,
       .match = "/i-0bad",
       .every = 1,
       .status = 503},
  };
  struct world w;
  struct transport *t = start (&w, rules, ARRAY_SIZE (rules), 1);
  char pattern[14] = "";

  for (int i = 0; i < 13; i++) {
    struct exchange c;

    submit (t, 1, "https://h/", "Action=AttachVolume&x=y");
    c = await (t);
    pattern[i] = c.err ? 'E' : '.';
    exchange_release (&c);
  }
  CU_ASSERT_STRING_EQUAL (pattern, "...E..E......");
  submit (t, 1, "https://h/i-0bad", "");
  CU_ASSERT_EQUAL (fault_transport_struck (t, 1), 1);
  CU_ASSERT (transport_cancel (t, 1));
  CU_ASSERT_EQUAL (transport_next_ms (t), -1);
  submit (t, 1, "https://h/i-0good", "");
  CU_ASSERT (transport_cancel (t, 1));
  CU_ASSERT_FALSE (transport_cancel (t, 1));
  transport_free (t);
}

/* The same seed gives the same faults, another one others. */
static void
test_seeds (void)
{
  static const struct fault_rule rule = {.kind = FAULT_LOST_REPLY,
                                         .per_mille = 250};
  char patterns[3][201] = {"", "", ""};

  for (int run = 0; run < 3; run++) {
    struct world w;
    struct transport *t = start (&w, &rule, 1, run == 2 ? 8 : 7);

    for (int i = 0; i < 200; i++) {
      struct exchange c;

      submit (t, 1, "https://h/", "");
      c = await (t);
      patterns[run][i] = c.err ? 'E' : '.';
      exchange_release (&c);
    }
    CU_ASSERT (fault_transport_struck (t, 0) > 25 &&
               fault_transport_struck (t, 0) < 75);
    transport_free (t);
  }
  CU_ASSERT_STRING_EQUAL (patterns[0], patterns[1]);
  CU_ASSERT_STRING_NOT_EQUAL (patterns[0], patterns[2]);
}

static void
test_many_in_work (void)
{
  static const struct fault_rule rules[] =
      {{.kind = FAULT_SLOW, .every = 2, .delay_ms = 300},
       {.kind = FAULT_TWICE, .per_mille = 200}};
  struct world w;
  struct transport *t = start (&w, rules, 2, 3);
  CLEANUP_EXCHANGES struct exchanges done = VEC_EMPTY;
  uint64_t tags = 0;

  for (uint64_t i = 1; i <= 100; i++)
    submit (t, i, "https://h/", "");
  for (int i = 0; i < 1000 && done.len < 100; i++) {
    transport_step (t, &done);
    if (done.len < 100)
      CU_ASSERT_EQUAL (transport_wait (t, NULL, 0, 10000, NULL), 0);
  }
  CU_ASSERT_EQUAL (done.len, 100);
  for (size_t i = 0; i < done.len; i++)
    tags += done.ptr[i].tag;
  CU_ASSERT_EQUAL (tags, 5050);
  CU_ASSERT_EQUAL (w.clock.mono_ms, 350);
  CU_ASSERT (w.effects > 100);
  submit (t, 1, "https://h/", ""); /* freed with requests on their way */
  submit (t, 2, "https://h/", "");
  transport_free (t);
}

static void
test_names (void)
{
  enum fault_kind kind;

  for (int i = FAULT_RESET_BEFORE; i <= FAULT_TWICE; i++) {
    CU_ASSERT_EQUAL (fault_kind_from_name (fault_kind_name ((enum fault_kind)i),
                                           &kind),
                     0);
    CU_ASSERT_EQUAL (kind, (enum fault_kind)i);
  }
  CU_ASSERT_EQUAL (fault_kind_from_name ("nothing", &kind), -1);
}

/* Waiting for ever where nothing can come is an error, not a hang. */
static void
test_nothing_to_wait_for (void)
{
  struct world w;
  struct transport *t = start (&w, NULL, 0, 1);
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL (transport_wait (t, NULL, 0, -1, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_INTERNAL);
  CU_ASSERT_EQUAL (transport_wait (t, NULL, 0, 120, NULL), 0);
  CU_ASSERT_EQUAL (w.clock.mono_ms, 120);
  transport_free (t);
}

static const struct unit_case cases[] = {
    {"what each kind does", test_kinds},
    {"which requests are struck", test_which},
    {"seeds", test_seeds},
    {"many in work", test_many_in_work},
    {"names", test_names},
    {"nothing to wait for", test_nothing_to_wait_for},
};

UNIT_MAIN ("fault", cases)
