#include "bucket.h"

#include <string.h>

#define NANO INT64_C (1000000000)

#define UNTOLD_WAIT_MS     1000
#define UNTOLD_WAIT_MAX_MS 60000
#define STRAY_WAIT_MS      250
#define STRAY_STEP         (BUCKET_FULL_SPEED / 16)

void
bucket_init (struct bucket *b, double capacity, double refill_per_s,
             int64_t window_ms, int64_t now_ms)
{
  memset (b, 0, sizeof *b);
  b->window_ms = window_ms;
  if (window_ms > 0)
    b->capacity = capacity < 1 ? 1 : (int64_t)capacity;
  else {
    b->capacity = (int64_t)(capacity * NANO);
    if (b->capacity < NANO)
      b->capacity = NANO; /* less than one token would admit nothing ever */
    b->full_rate = (int64_t)(refill_per_s * (NANO / 1000));
    if (b->full_rate < 1)
      b->full_rate = 1;
    b->tokens = b->capacity;
  }
  b->speed = BUCKET_FULL_SPEED;
  b->settled_ms = b->recover_ms = now_ms;
  b->closed_until = now_ms - BUCKET_STRAY_MS - 1;
  b->slowed_ms = now_ms - BUCKET_STRAY_MS - 1;
}

int64_t
bucket_capacity (const struct bucket *b)
{
  return b->window_ms ? b->capacity : b->capacity / NANO;
}

static int64_t
rate (const struct bucket *b)
{
  int64_t now = b->full_rate / BUCKET_FULL_SPEED * b->speed +
                b->full_rate % BUCKET_FULL_SPEED * b->speed / BUCKET_FULL_SPEED;

  return now > 0 ? now : 1;
}

/* Refills at the present speed up to `until`. */
static void
refill (struct bucket *b, int64_t until)
{
  int64_t ms = until - b->settled_ms;
  int64_t to_fill;

  if (ms <= 0)
    return;
  if (!b->window_ms) {
    /* The quotient first: a long sleep must not overflow the product. */
    to_fill = (b->capacity - b->tokens) / rate (b) + 1;
    if (ms >= to_fill)
      b->tokens = b->capacity;
    else
      b->tokens += ms * rate (b);
  }
  b->settled_ms = until;
}

/* Brings tokens and speed to now, through every change of speed on the way. */
static void
settle (struct bucket *b, int64_t now_ms)
{
  while (b->speed < BUCKET_FULL_SPEED && b->recover_ms <= now_ms) {
    refill (b, b->recover_ms);
    b->speed += BUCKET_FULL_SPEED / 20 + 1;
    if (b->speed > BUCKET_FULL_SPEED)
      b->speed = BUCKET_FULL_SPEED;
    b->recover_ms += BUCKET_RECOVER_MS;
  }
  refill (b, now_ms);
}

static int64_t
slot_ms (const struct bucket *b)
{
  return (b->window_ms + BUCKET_SLOTS - 2) / (BUCKET_SLOTS - 1);
}

static int64_t
slot_of (const struct bucket *b, int64_t now_ms)
{
  int64_t ms = slot_ms (b);

  return now_ms >= 0 ? now_ms / ms : -((ms - 1 - now_ms) / ms);
}

static int64_t *
slot (struct bucket *b, int64_t number)
{
  int64_t i = number % BUCKET_SLOTS;

  return &b->used[i < 0 ? i + BUCKET_SLOTS : i];
}

/* Forgets the slots that have left the window.  Sixty whole slots lie between a
 * call and the one that may take its place: never less than the window. */
static void
turn (struct bucket *b, int64_t now_ms)
{
  int64_t newest = slot_of (b, now_ms);

  if (newest - b->newest_slot >= BUCKET_SLOTS) {
    memset (b->used, 0, sizeof b->used);
    b->newest_slot = newest;
  }
  while (b->newest_slot < newest)
    *slot (b, ++b->newest_slot) = 0;
}

static int64_t
window_quota (const struct bucket *b)
{
  int64_t quota =
      b->capacity / BUCKET_FULL_SPEED * b->speed +
      b->capacity % BUCKET_FULL_SPEED * b->speed / BUCKET_FULL_SPEED;

  return quota > 0 ? quota : 1;
}

static int64_t
window_left (struct bucket *b, int64_t now_ms)
{
  int64_t left = window_quota (b);

  turn (b, now_ms);
  for (int i = 0; i < BUCKET_SLOTS; i++)
    left -= b->used[i];
  return left;
}

/* A slowed-down window gives few; a call that needs more of them than that, but
 * no more than the window holds at full speed, may go when it is unused. */
static bool
window_has (struct bucket *b, int64_t n, int64_t now_ms)
{
  int64_t left = window_left (b, now_ms);

  return left >= n || (left == window_quota (b) && n <= b->capacity);
}

bool
bucket_take (struct bucket *b, int64_t n, int64_t now_ms)
{
  settle (b, now_ms);
  if (now_ms < b->closed_until)
    return false;
  if (b->window_ms) {
    if (!window_has (b, n, now_ms))
      return false;
    *slot (b, b->newest_slot) += n;
  } else {
    if (n > b->capacity / NANO || b->tokens < n * NANO)
      return false;
    b->tokens -= n * NANO;
  }
  b->admitted += (uint64_t)n;
  return true;
}

/* As seen from `at`, at or after now, without touching the bucket.  More calls
 * become possible only when a slot leaves the window or the speed is raised. */
static int64_t
window_wait_ms (const struct bucket *b, int64_t n, int64_t at)
{
  struct bucket later = *b;
  int64_t then = at;

  for (;;) {
    int64_t turn_ms = (slot_of (b, then) + 1) * slot_ms (b);

    settle (&later, then);
    if (window_has (&later, n, then))
      return then - at;
    then = turn_ms;
    if (later.speed < BUCKET_FULL_SPEED && later.recover_ms < turn_ms)
      then = later.recover_ms;
  }
}

static int64_t
token_wait_ms (const struct bucket *b, int64_t n, int64_t at)
{
  struct bucket later = *b;
  int64_t start = at;

  /* Speed changes on the way: go from one change to the next. */
  for (;;) {
    int64_t lack, ms;

    settle (&later, at);
    lack = n * NANO - later.tokens;
    if (lack <= 0)
      return at - start;
    ms = (lack + rate (&later) - 1) / rate (&later);
    if (later.speed == BUCKET_FULL_SPEED || at + ms <= later.recover_ms)
      return at + ms - start;
    at = later.recover_ms;
  }
}

int64_t
bucket_next_ms (struct bucket *b, int64_t n, int64_t now_ms)
{
  int64_t at;

  settle (b, now_ms);
  at = now_ms < b->closed_until ? b->closed_until : now_ms;
  if (n > bucket_capacity (b))
    n = bucket_capacity (b); /* asked wrongly; no endless loop for it */
  return at - now_ms +
         (b->window_ms ? window_wait_ms (b, n, at) : token_wait_ms (b, n, at));
}

/* One throttled call after a quiet while: services throttle now and then for
 * reasons of their own, and to slow down for that costs more than the next.  If
 * the rate is the reason, the next comes soon. */
static bool
is_stray (const struct bucket *b, int64_t now_ms, int64_t sent_ms)
{
  int64_t quiet_from =
      b->closed_until > b->slowed_ms ? b->closed_until : b->slowed_ms;

  return !b->window_ms && sent_ms > b->slowed_ms &&
         now_ms - quiet_from > BUCKET_STRAY_MS;
}

void
bucket_slow_down (struct bucket *b, int64_t now_ms, int64_t sent_ms)
{
  bool stray = is_stray (b, now_ms, sent_ms);

  settle (b, now_ms);
  b->throttled++;
  /* Calls that left before the last halving say nothing about its effect. */
  if (sent_ms <= b->slowed_ms && !b->stray)
    return;
  b->slowed_ms = now_ms;
  b->stray = stray;
  b->streak = stray ? 0 : b->streak + 1;
  b->speed = stray ? b->speed - STRAY_STEP : b->speed / 2;
  if (b->speed < BUCKET_MIN_SPEED)
    b->speed = BUCKET_MIN_SPEED;
  b->recover_ms = now_ms + BUCKET_RECOVER_MS;
}

static int64_t
untold_wait_ms (const struct bucket *b)
{
  int64_t ms = UNTOLD_WAIT_MS;

  if (b->window_ms)
    return b->window_ms;
  for (unsigned i = 1; i < b->streak && ms < UNTOLD_WAIT_MAX_MS; i++)
    ms *= 2;
  return ms < UNTOLD_WAIT_MAX_MS ? ms : UNTOLD_WAIT_MAX_MS;
}

void
bucket_throttled (struct bucket *b, int64_t now_ms, int64_t sent_ms,
                  int64_t retry_after_ms)
{
  bool stray = is_stray (b, now_ms, sent_ms);
  int64_t until;

  settle (b, now_ms);
  bucket_slow_down (b, now_ms, sent_ms);
  until = now_ms + (retry_after_ms > 0 ? retry_after_ms
                    : stray            ? STRAY_WAIT_MS
                                       : untold_wait_ms (b));
  if (until > b->closed_until) {
    b->closed_until = until;
    if (b->recover_ms < until + BUCKET_RECOVER_MS)
      b->recover_ms = until + BUCKET_RECOVER_MS;
    if (!b->window_ms && !stray) {
      /* Empty now, and by the time it opens one call may go: the service said
       * that one may. */
      b->tokens = NANO < b->capacity ? NANO : b->capacity;
      b->settled_ms = until;
    }
  }
}

void
bucket_remaining (struct bucket *b, int64_t remaining, int64_t now_ms)
{
  int64_t left;

  if (remaining < 0)
    return;
  settle (b, now_ms);
  if (b->window_ms) {
    left = window_left (b, now_ms);
    if (left > remaining)
      *slot (b, b->newest_slot) += left - remaining;
  } else if (remaining < b->tokens / NANO)
    b->tokens = remaining * NANO;
}
