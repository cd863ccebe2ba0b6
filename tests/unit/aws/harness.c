#include "harness.h"

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include <base/strbuf.h>
#include <net/memory-transport.h>

static int
answer (void *opaque, const struct http_request *req,
        const struct http_auth *auth, struct http_reply *reply,
        int64_t *delay_ms, struct err **err)
{
  struct harness *h = opaque;
  struct http_request *copy = http_request_copy (req);

  (void)auth;
  if (h->d.key)
    http_header_add (&copy->headers, "X-Fake-Key", h->d.key);
  *delay_ms = fake_cloud_handle (h->d.cloud, copy, reply);
  http_request_release (copy);
  free (copy);
  if (reply->status > 0)
    return 0;
  http_reply_release (reply);
  return err_set (err, ERR_UNKNOWN_EFFECT, "the connection broke");
}

static void
pass (void *opaque, int64_t ms)
{
  fake_clock_advance (&((struct harness *)opaque)->d.clock, ms);
}

static enum auth_state
authenticate (void *opaque, struct binding *binding, const char *audience,
              struct http_auth *auth, struct err **err)
{
  (void)opaque;
  (void)binding;
  (void)audience;
  (void)auth;
  (void)err;
  return AUTH_HAVE;
}

void
harness_init (struct harness *h, const char *patch)
{
  struct memory_service service = {h, answer, pass};
  struct http_calls_options options = {0};

  memset (h, 0, sizeof *h);
  driver_init (&h->d, patch);
  h->b.provider = provider_by_name ("aws");
  h->b.account = xstrdup ("111122223333");
  h->b.region = xstrdup ("us-east-1");
  h->b.config = json_object ();
  h->transport = memory_transport_new (&service, &h->d.clock.clock);
  h->limiter = limiter_new ();
  h->next_effect = 1;
  options.clock = &h->d.clock.clock;
  options.transport = h->transport;
  options.limiter = h->limiter;
  options.authenticate = authenticate;
  h->calls = http_calls_new (&options);
}

void
harness_release (struct harness *h)
{
  http_calls_free (h->calls);
  transport_free (h->transport);
  limiter_free (h->limiter);
  free (h->b.account);
  free (h->b.region);
  json_decref (h->b.config);
  driver_release (&h->d);
}

void
harness_wait (struct harness *h, int64_t ms)
{
  fake_clock_advance (&h->d.clock, ms);
}

json_t *
harness_do (struct harness *h, enum op_id op, json_t *in_taken,
            struct err **err)
{
  struct effect effect = {.id = h->next_effect++,
                          .kind = EFFECT_OP,
                          .binding = &h->b,
                          .op = op,
                          .in = in_taken};
  struct completion done;

  http_calls_submit (h->calls, effect);
  for (int i = 0; i < 100000; i++) {
    int64_t now = clock_now_ms (&h->d.clock.clock), next, arrives;

    http_calls_step (h->calls);
    if (http_calls_collect (h->calls, &done)) {
      if (done.err)
        err_move (err, done.err);
      return done.out;
    }
    next = http_calls_next_ms (h->calls);
    arrives = transport_next_ms (h->transport);
    next = next < 0 ? now : next;
    if (arrives >= 0 && now + arrives < next)
      next = now + arrives;
    harness_wait (h, next > now ? next - now : 0);
  }
  err_set (err, ERR_INTERNAL, "it never ends");
  return NULL;
}

json_t *
harness_must (struct harness *h, enum op_id op, json_t *in_taken)
{
  CLEANUP_ERR struct err *err = NULL;
  json_t *out = harness_do (h, op, in_taken, &err);

  if (err)
    fprintf (stderr, "%s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (out);
  return out;
}

json_t *
harness_find (struct harness *h, const char *words, json_t **missing)
{
  CLEANUP_JSON json_t *selector = NULL, *page = NULL;
  json_t *vms = json_array ();
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL_FATAL (h->b.provider->parse_selector (words, &selector, &err),
                         0);
  for (int i = 0; i < 1000; i++) {
    json_t *in = json_make ("{s:O}", "selector", selector);
    CLEANUP_JSON json_t *out = NULL;

    if (page)
      json_put (in, "page", TAKE (page));
    out = harness_must (h, OP_FIND, in);
    json_array_extend (vms, json_object_get (out, "vms"));
    if (json_object_get (out, "missing") && missing)
      *missing = json_incref (json_object_get (out, "missing"));
    page = json_incref (json_object_get (out, "next"));
    if (page == NULL)
      return vms;
  }
  CU_FAIL ("find never ends");
  return vms;
}

static json_t *
describe (struct harness *h, json_t *in_taken)
{
  CLEANUP_JSON json_t *out = harness_must (h, OP_DESCRIBE, in_taken);
  json_t *vm = json_array_get (json_object_get (out, "vms"), 0);

  CU_ASSERT_PTR_NOT_NULL_FATAL (vm);
  return json_incref (vm);
}

json_t *
harness_vm (struct harness *h, const char *id)
{
  return describe (h, json_make ("{s:[s],s:b}", "ids", id, "preflight", 1));
}

json_t *
harness_plain (struct harness *h, const char *id)
{
  return describe (h, json_make ("{s:[s]}", "ids", id));
}

char *
harness_calls (struct harness *h)
{
  CLEANUP_JSON json_t *log = fake_cloud_calls (h->d.cloud, h->first_call);
  struct strbuf sb = STRBUF_EMPTY;
  size_t i;
  json_t *call;

  json_array_foreach (log, i, call)
  {
    strbuf_addf (&sb, "%s ", json_str (call, "action", "?"));
  }
  h->first_call += json_array_size (log);
  return strbuf_take (&sb);
}

bool
has_code (const json_t *vm, const char *list, const char *code)
{
  size_t i;
  json_t *item;

  json_array_foreach (json_object_get (vm, list), i, item)
  {
    if (strcmp (json_str (item, "code", ""), code) == 0)
      return true;
  }
  return false;
}
