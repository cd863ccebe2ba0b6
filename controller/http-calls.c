#include "http-calls.h"

#include <string.h>

#include <net/retry.h>
#include <base/log.h>
#include <base/random.h>
#include <base/vec.h>

#include "call-join.h"
#include "call-tally.h"
#include "call-trial.h"
#include "service-clock.h"
#include "skew-explain.h"

#define AUTH_POLL_MS 100 /* while credentials are being fetched */
enum call_state {
  CALL_QUEUED,  /* waits for tokens */
  CALL_HELD,    /* has its tokens, waits for credentials or room */
  CALL_SENT,    /* on its way */
  CALL_RETRYING /* joins the queue (again) at not_before_ms */
};

DEFINE_VEC (uint64_t, id_vec);

struct call {
  uint64_t tag;
  enum call_state state;
  struct binding *binding;
  enum op_id op;
  json_t *in;
  struct id_vec effects; /* whose it is: several, if it was filled */
  json_t *parts;         /* the answer so far, if it comes in several */
  unsigned pages;
  struct limit_queue *queue;
  struct limit_queue *held; /* lets nothing else go until this one has ended */
  unsigned attempt;
  const char *action; /* of what was sent last */
  int64_t first_ms, sent_ms, not_before_ms, waited_ms;
  int64_t sent_wall_ms;
  char *audience;    /* of the keys that it was sent with */
  unsigned refusals; /* of its keys */
  bool repeatable;
};

DEFINE_VEC (struct call *, call_vec);
DEFINE_VEC (struct completion, finished_vec);

struct http_calls {
  struct http_calls_options options;
  struct call_vec calls; /* oldest first */
  struct finished_vec finished;
  struct call_tallies tallies;
  struct call_trials trials;
  struct exchanges exchanges;
  struct random_source random;
  uint64_t next_tag;
};

struct http_calls *
http_calls_new (const struct http_calls_options *options)
{
  struct http_calls *calls = xcalloc (1, sizeof *calls);

  calls->options = *options;
  calls->next_tag = 1;
  random_init (&calls->random, options->seed);
  return calls;
}

static void
call_free (struct call *call)
{
  json_decref (call->in);
  json_decref (call->parts);
  id_vec_release (&call->effects);
  free (call->audience);
  free (call);
}

void
http_calls_free (struct http_calls *calls)
{
  if (calls == NULL)
    return;
  for (size_t i = 0; i < calls->calls.len; i++)
    call_free (calls->calls.ptr[i]);
  call_vec_release (&calls->calls);
  for (size_t i = 0; i < calls->finished.len; i++)
    completion_release (&calls->finished.ptr[i]);
  finished_vec_release (&calls->finished);
  call_tallies_release (&calls->tallies);
  call_trials_release (&calls->trials);
  exchanges_free_all (&calls->exchanges);
  free (calls);
}

static int64_t
now_of (const struct http_calls *calls)
{
  return clock_now_ms (calls->options.clock);
}

static const struct provider_op *
row_of (const struct call *call)
{
  return &call->binding->provider->ops[call->op];
}

static bool
was_sent (const struct call *call)
{
  return call->state != CALL_QUEUED || call->attempt > 0 || call->pages > 0;
}

/* --- ends ---------------------------------------------------------------- */

static void
let_others_go (struct call *call)
{
  if (call->held)
    limit_queue_hold (TAKE (call->held), false);
}

/* Every effect of a filled call gets the same answer. */
static void
finish (struct http_calls *calls, struct call *call, json_t *out_taken,
        struct err *err_taken)
{
  CLEANUP_JSON json_t *out = out_taken;
  CLEANUP_ERR struct err *err = err_taken;

  let_others_go (call);
  if (err)
    err_wrap (&err, "%s: %s", call->binding->provider->name,
              row_of (call)->name);
  for (size_t i = 0; i < call->effects.len; i++) {
    struct completion completion = {call->effects.ptr[i],
                                    out ? json_incref (out) : NULL,
                                    err_copy (err), true, call->waited_ms};

    finished_vec_push (&calls->finished, completion);
  }
  for (size_t i = 0; i < calls->calls.len; i++)
    if (calls->calls.ptr[i] == call) {
      call_vec_remove (&calls->calls, i);
      break;
    }
  call_free (call);
}

bool
http_calls_collect (struct http_calls *calls, struct completion *completion)
{
  if (calls->finished.len == 0)
    return false;
  *completion = finished_vec_remove (&calls->finished, 0);
  return true;
}

bool
http_calls_waits (const struct http_calls *calls, uint64_t effect)
{
  for (size_t i = 0; i < calls->calls.len; i++)
    for (size_t j = 0; j < calls->calls.ptr[i]->effects.len; j++)
      if (calls->calls.ptr[i]->effects.ptr[j] == effect)
        return !was_sent (calls->calls.ptr[i]);
  return false;
}

size_t
http_calls_pending (const struct http_calls *calls)
{
  return calls->calls.len;
}

/* --- the queue ----------------------------------------------------------- */

static void
enqueue (struct http_calls *calls, struct call *call)
{
  struct limit_scope scope = {call->binding->provider->name,
                              call->binding->account, call->binding->region,
                              call_part (row_of (call), call->in, call->pages)};
  struct err *err = NULL;

  call->state = CALL_QUEUED;
  if (call->queue == NULL)
    call->queue = limiter_queue (calls->options.limiter, &scope,
                                 call->binding->provider->limits,
                                 call_class (call->binding, call->op, call->in,
                                             call->pages),
                                 now_of (calls), &err);
  if (call->queue == NULL ||
      limit_queue_push (call->queue, call->tag, call_size (call->in),
                        now_of (calls), &err) == -1)
    finish (calls, call, NULL, err);
}

static bool
join (struct http_calls *calls, const struct effect *effect)
{
  const char *key = call_list (effect->in);
  json_t *list = json_object_get (effect->in, key);
  unsigned most = effect->binding->provider->ops[effect->op].max_ids;

  if (most <= 1 || list == NULL || strcmp (key, "ids") == 0)
    return false; /* looks are joined where they are asked for */
  for (size_t i = 0; i < calls->calls.len; i++) {
    struct call *call = calls->calls.ptr[i];
    unsigned size = call_size (call->in) + (unsigned)json_array_size (list);

    if (was_sent (call) || call->binding != effect->binding ||
        call->op != effect->op || size > most ||
        !call_may_join (row_of (call), call->in, effect->in) ||
        !limit_queue_resize (call->queue, call->tag, size))
      continue;
    json_array_extend (json_object_get (call->in, key), list);
    id_vec_push (&call->effects, effect->id);
    return true;
  }
  return false;
}

void
http_calls_submit (struct http_calls *calls, struct effect effect)
{
  struct call *call;

  if (join (calls, &effect)) {
    effect_release (&effect);
    return;
  }
  call = xcalloc (1, sizeof *call);
  call->tag = calls->next_tag++;
  call->binding = effect.binding;
  call->op = effect.op;
  call->in = json_deep_copy (effect.in); /* its list may grow */
  call->first_ms = now_of (calls);
  id_vec_push (&call->effects, effect.id);
  effect_release (&effect);
  call_vec_push (&calls->calls, call);
  enqueue (calls, call);
}

/* --- sending ------------------------------------------------------------- */

static struct call_tally *
tally_of (struct http_calls *calls, const struct call *call)
{
  return call_tally_find (&calls->tallies, call->binding, call->op,
                          call->action);
}

static void
send_call (struct http_calls *calls, struct call *call)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  struct http_auth auth = {0};
  struct err *err = NULL;

  if (row_of (call)->build (call->binding, call->in, &req, &err) == -1) {
    finish (calls, call, NULL, err);
    return;
  }
  if (req.sign != HTTP_SIGN_NONE &&
      call_trial_holds (&calls->trials, call->binding, call->tag)) {
    call->state = CALL_HELD;
    return;
  }
  if (req.sign != HTTP_SIGN_NONE)
    switch (calls->options.authenticate (calls->options.opaque, call->binding,
                                         req.audience, &auth, &err)) {
    case AUTH_WAIT:
      call->state = CALL_HELD;
      return;
    case AUTH_FAILED:
      finish (calls, call, NULL, err);
      return;
    case AUTH_HAVE:
      break;
    }
  call->repeatable = req.repeatable;
  call->action = req.action;
  call->sent_ms = now_of (calls);
  call->sent_wall_ms = clock_wall_ms (calls->options.clock);
  free (call->audience);
  call->audience = TAKE (req.audience);
  if (transport_submit (calls->options.transport, &req, &auth, call->tag,
                        &err) == -1) {
    finish (calls, call, NULL, err);
    return;
  }
  call->state = CALL_SENT;
  if (req.sign != HTTP_SIGN_NONE)
    call_trial_sent (&calls->trials, call->binding, call->tag);
  call_tally_sent (tally_of (calls, call), call_size (call->in),
                   call->attempt > 0);
  call->attempt++;
}

static struct call *
call_of_tag (const struct http_calls *calls, uint64_t tag)
{
  for (size_t i = 0; i < calls->calls.len; i++)
    if (calls->calls.ptr[i]->tag == tag)
      return calls->calls.ptr[i];
  return NULL;
}

static void
send_what_may (struct http_calls *calls)
{
  struct admission admission;

  for (size_t i = 0; i < calls->calls.len; i++)
    if (calls->calls.ptr[i]->state == CALL_HELD) {
      size_t before = calls->calls.len;

      if (transport_room (calls->options.transport) == 0)
        return;
      send_call (calls, calls->calls.ptr[i]);
      i -= calls->calls.len < before;
    }
  while (transport_room (calls->options.transport) > 0 &&
         limiter_take (calls->options.limiter, now_of (calls), &admission)) {
    struct call *call = call_of_tag (calls, admission.tag);

    if (call == NULL)
      continue;
    call->waited_ms += admission.waited_ms;
    if (call_part (row_of (call), call->in, call->pages)) {
      call->held = admission.queue;
      limit_queue_hold (call->held, true);
    }
    send_call (calls, call);
  }
}

/* --- replies ------------------------------------------------------------- */

static void
failed (struct http_calls *calls, struct call *call,
        const struct exchange *exchange, struct err *err_taken)
{
  CLEANUP_ERR struct err *err = err_taken;
  struct retry_case what = {.repeatable = call->repeatable,
                            .sent = exchange->sent,
                            .attempt = call->attempt,
                            .code = err->code,
                            .retry_after_ms = err->retry_after_ms,
                            .elapsed_ms = now_of (calls) - call->first_ms};
  struct retry_decision decision =
      retry_decide (&retry_policy_default, &what, &calls->random);

  call_tally_failed (tally_of (calls, call), err->code == ERR_THROTTLED);
  if (decision.verdict == RETRY_AGAIN) {
    log_info ("%s: %s: %s; again in %lld ms", call->binding->provider->name,
              row_of (call)->name, err->msg, (long long)decision.wait_ms);
    call->state = CALL_RETRYING;
    call->not_before_ms = now_of (calls) + decision.wait_ms;
    if (call->pages == 0)
      let_others_go (call);
    return;
  }
  if ((decision.verdict == RETRY_LOOK && err->code != ERR_CONFLICT) ||
      call_goes_on_alone (call->in, err->code))
    err->code = ERR_UNKNOWN_EFFECT;
  finish (calls, call, NULL, TAKE (err));
}

/* Its keys are found once more, and it goes again with those. */
static bool
was_refused (struct http_calls *calls, struct call *call, const struct err *err)
{
  if (err->code != ERR_AUTH || calls->options.refused == NULL)
    return false;
  calls->options.refused (calls->options.opaque, call->binding, call->audience,
                          call->sent_wall_ms, err);
  if (!call_trial_refused (&calls->trials, call->binding, call->tag,
                           ++call->refusals))
    return false;
  call->state = CALL_HELD;
  call_tally_failed (tally_of (calls, call), false);
  return true;
}

/* The next request of the same operation; OP_FIND's parts are pages. */
static bool
goes_on (struct http_calls *calls, struct call *call, json_t *out)
{
  json_t *next = call_next_part (out, call->pages);
  int64_t after_ms = json_int (out, "after_ms", 0);

  if (call->op == OP_FIND || next == NULL)
    return false;
  if (call->parts == NULL)
    call->parts = json_object ();
  call_join_parts (call->parts, out);
  json_object_set (call->in, "page", next);
  json_decref (out);
  call->pages++;
  call->attempt = 0;
  call->first_ms = call->not_before_ms = now_of (calls) + after_ms;
  call->queue = NULL; /* its class may be another one */
  call->state = CALL_RETRYING;
  return true;
}

static void
ended (struct http_calls *calls, struct call *call, json_t *out)
{
  if (call->parts) {
    call_join_parts (call->parts, out);
    json_decref (out);
    out = TAKE (call->parts);
  }
  finish (calls, call, out, NULL);
}

static void
replied (struct http_calls *calls, struct exchange *exchange)
{
  struct call *call = call_of_tag (calls, exchange->tag);
  struct err *err = NULL;
  json_t *out = NULL;

  if (call == NULL)
    return;
  if (exchange->err) {
    call_trial_over (&calls->trials, call->binding, call->tag, exchange->err);
    failed (calls, call, exchange, TAKE (exchange->err));
    return;
  }
  limit_queue_reply (call->queue, now_of (calls), &exchange->reply);
  service_clock_note (call->binding, &exchange->reply, now_of (calls));
  if (row_of (call)->parse (call->binding, call->in, &exchange->reply, &out,
                            &err) == 0) {
    call_trial_over (&calls->trials, call->binding, call->tag, NULL);
    if (!goes_on (calls, call, out))
      ended (calls, call, out);
    return;
  }
  if (err->retry_after_ms == 0)
    err->retry_after_ms =
        http_retry_after_ms (&exchange->reply, exchange->ended_wall_ms);
  if (err->code == ERR_THROTTLED)
    limit_queue_throttled (call->queue, NULL, now_of (calls), call->sent_ms,
                           err->retry_after_ms);
  if (err->code == ERR_AUTH)
    skew_explain (&err, exchange, call->binding->provider->name);
  if (was_refused (calls, call, err)) {
    err_free (err);
    return;
  }
  call_trial_over (&calls->trials, call->binding, call->tag, err);
  failed (calls, call, exchange, err);
}

void
http_calls_step (struct http_calls *calls)
{
  transport_step (calls->options.transport, &calls->exchanges);
  for (size_t i = 0; i < calls->exchanges.len; i++)
    replied (calls, &calls->exchanges.ptr[i]);
  exchanges_clear (&calls->exchanges);
  for (size_t i = 0; i < calls->calls.len; i++) {
    struct call *call = calls->calls.ptr[i];

    if (call->state == CALL_RETRYING && call->not_before_ms <= now_of (calls))
      enqueue (calls, call);
  }
  send_what_may (calls);
}

int64_t
http_calls_next_ms (const struct http_calls *calls)
{
  int64_t now = now_of (calls);
  int64_t wait = limiter_next_ms (calls->options.limiter, now);
  int64_t next = wait < 0 ? -1 : now + wait;

  for (size_t i = 0; i < calls->calls.len; i++) {
    const struct call *call = calls->calls.ptr[i];
    int64_t due = call->state == CALL_RETRYING ? call->not_before_ms
                  : call->state == CALL_HELD   ? now + AUTH_POLL_MS
                                               : -1;

    if (due >= 0 && (next < 0 || due < next))
      next = due;
  }
  return next;
}

json_t *
http_calls_report (const struct http_calls *calls)
{
  return json_make ("{s:o,s:o}", "calls", call_tallies_report (&calls->tallies),
                    "queues", limiter_report (calls->options.limiter));
}
