#include "fetch.h"

#include <string.h>

#include <base/text.h>

#include "skew.h"

#define TAG              1
#define LONGEST_SLICE_MS 60000

struct fetching {
  struct transport *t;
  const struct http_request *req;
  const struct http_auth *auth;
  const struct clock *clock;
  enum err_code (*verdict) (const struct http_reply *reply);
  struct retry_policy policy;
  int64_t started_ms, end_ms;
};

void
fetched_release (struct fetched *got)
{
  http_reply_release (&got->reply);
}

static int64_t
left_ms (const struct fetching *f)
{
  return f->end_ms - clock_now_ms (f->clock);
}

/* One attempt.  -1: it could not even be made. */
static int
attempt (const struct fetching *f, struct exchange *ex, struct err **err)
{
  CLEANUP_EXCHANGES struct exchanges done = VEC_EMPTY;
  struct http_request bounded = *f->req; /* borrows everything */
  int64_t left = left_ms (f);

  if (bounded.deadline_ms == 0 || bounded.deadline_ms > left)
    bounded.deadline_ms = left > 1 ? left : 1;
  if (transport_submit (f->t, &bounded, f->auth, TAG, err) == -1)
    return -1;
  for (;;) {
    transport_step (f->t, &done);
    if (done.len) {
      *ex = exchanges_remove (&done, 0);
      return 0;
    }
    left = left_ms (f);
    if (left <= 0) {
      transport_cancel (f->t, TAG);
      ex->sent = true;
      return err_set (&ex->err, ERR_TIMEOUT, "no answer in time"), 0;
    }
    if (transport_wait (f->t, NULL, 0,
                        left < LONGEST_SLICE_MS ? left : LONGEST_SLICE_MS,
                        err) == -1) {
      transport_cancel (f->t, TAG);
      return -1;
    }
  }
}

static enum err_code
code_of (const struct fetching *f, const struct exchange *ex)
{
  if (ex->err)
    return ex->err->code;
  return f->verdict ? f->verdict (&ex->reply)
                    : http_status_code (ex->reply.status, f->req->repeatable);
}

static int
pause_ms (const struct fetching *f, int64_t ms, struct err **err)
{
  int64_t until = clock_now_ms (f->clock) + ms;

  for (;;) {
    int64_t left = until - clock_now_ms (f->clock);

    if (left <= 0)
      return 0;
    if (transport_wait (f->t, NULL, 0,
                        left < LONGEST_SLICE_MS ? left : LONGEST_SLICE_MS,
                        err) == -1)
      return -1;
  }
}

static void
keep (struct fetched *got, struct exchange *ex)
{
  got->reply = ex->reply;
  memset (&ex->reply, 0, sizeof ex->reply);
  got->skew_known = http_skew_ms (&got->reply, ex->started_wall_ms,
                                  ex->ended_wall_ms, &got->skew_ms);
}

static int
give_up (const struct fetched *got, struct err **err)
{
  return got->attempts > 1 ? err_wrap (err, "%u attempts", got->attempts) : -1;
}

/* Returns 1 if there is to be another attempt. */
static int
conclude (const struct fetching *f, struct exchange *ex,
          struct random_source *random, struct fetched *got, struct err **err)
{
  bool good = ex->err == NULL && ex->reply.status / 100 == 2;
  struct retry_case what = {.repeatable = f->req->repeatable,
                            .sent = ex->sent,
                            .attempt = got->attempts,
                            .elapsed_ms =
                                clock_now_ms (f->clock) - f->started_ms};
  struct retry_decision next = {RETRY_GIVE_UP, 0, ""};

  if (!good) {
    what.code = code_of (f, ex);
    if (ex->err == NULL)
      what.retry_after_ms =
          http_retry_after_ms (&ex->reply, clock_wall_ms (f->clock));
    next = retry_decide (&f->policy, &what, random);
  }
  if (next.verdict == RETRY_AGAIN)
    return pause_ms (f, next.wait_ms, err) == -1 ? -1 : 1;
  if (ex->err) {
    err_move (err, TAKE (ex->err));
    return give_up (got, err);
  }
  keep (got, ex);
  return 0;
}

int
fetch (struct transport *t, const struct http_request *req,
       const struct http_auth *auth, const struct fetch_options *options,
       struct fetched *got, struct err **err)
{
  struct fetching f = {.t = t,
                       .req = req,
                       .auth = auth,
                       .clock = options->clock ? options->clock : &real_clock,
                       .verdict = options->verdict,
                       .policy = options->policy ? *options->policy
                                                 : retry_policy_default};
  struct random_source fresh, *random = options->random;
  int more;

  if (random == NULL) {
    random_init (&fresh, random_fresh_seed ());
    random = &fresh;
  }
  if (options->total_ms)
    f.policy.total_ms = f.policy.throttled_ms = options->total_ms;
  f.started_ms = clock_now_ms (f.clock);
  f.end_ms = f.started_ms + (f.policy.total_ms > f.policy.throttled_ms
                                 ? f.policy.total_ms
                                 : f.policy.throttled_ms);
  do {
    struct exchange ex = {0};

    got->attempts++;
    more = attempt (&f, &ex, err) == -1 ? -1
                                        : conclude (&f, &ex, random, got, err);
    exchange_release (&ex);
  } while (more == 1);
  return more;
}
