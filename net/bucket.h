/* How fast calls may go: a model of one cloud-side throttle.
 *
 * The clouds publish two kinds.  A token bucket holds `capacity` tokens and
 * gets `refill_per_s` back each second (EC2, Azure); a window allows `capacity`
 * calls in each window_ms (Google: a minute).  A window's start on the other
 * side is not known, so any stretch of window_ms counts.
 *
 * The documented figure is where a bucket starts, not what it believes: a
 * throttled call closes it, halves its speed and lets it recover step by step;
 * what a reply says is left (bucket_remaining) can only lower it.
 *
 * Pure data and arithmetic: time comes in as `now_ms` (clock_now_ms), which
 * never goes back.  Queues and names are in limiter.h. */

#ifndef BOOTMEND_BUCKET_H
#define BOOTMEND_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define BUCKET_SLOTS 61 /* a window is counted in sixtieths */

struct bucket {
  int64_t capacity;  /* token bucket: nanotokens; window: calls */
  int64_t full_rate; /* nanotokens per ms at full speed; 0 in a window */
  int64_t window_ms; /* 0: a token bucket */

  int64_t tokens;             /* nanotokens */
  int64_t settled_ms;         /* `tokens` and `speed` hold for this instant */
  int64_t used[BUCKET_SLOTS]; /* window: calls in each sixtieth ... */
  int64_t newest_slot;        /* ... up to this one */

  int speed;            /* in BUCKET_FULL_SPEED parts of full_rate */
  int64_t recover_ms;   /* when speed is raised next */
  int64_t slowed_ms;    /* when it was halved last */
  int64_t closed_until; /* nothing is admitted before */
  unsigned streak;      /* throttled in a row, for waits nobody told us */
  bool stray;           /* the last one was alone so far */

  uint64_t admitted, throttled; /* statistics: tokens; replies */
};

#define BUCKET_FULL_SPEED 256
#define BUCKET_MIN_SPEED  16    /* a sixteenth */
#define BUCKET_RECOVER_MS 1000  /* a twentieth of full speed every second */
#define BUCKET_STRAY_MS   10000 /* a throttle after so long is a stray one */

/* capacity > 0; refill_per_s > 0 unless window_ms > 0.  It starts full: a
 * campaign is the first to call.  now_ms: any start of time. */
void bucket_init (struct bucket *b, double capacity, double refill_per_s,
                  int64_t window_ms, int64_t now_ms);

/* Takes n tokens if they are there; else takes nothing and returns false.  More
 * than bucket_capacity are never there. */
bool bucket_take (struct bucket *b, int64_t n, int64_t now_ms);
/* Milliseconds until bucket_take would succeed if nothing else happens; 0 =
 * now. */
int64_t bucket_next_ms (struct bucket *b, int64_t n, int64_t now_ms);
/* What one call can ask for at most. */
int64_t bucket_capacity (const struct bucket *b);

/* A call that was admitted at sent_ms came back throttled.  Closes the bucket
 * for retry_after_ms (0: not said; then 1 s, doubling up to a minute, for a
 * window its whole length), empties it and halves its speed, the latter once
 * for all the calls that were already on their way.
 *
 * A stray one, the first for BUCKET_STRAY_MS, closes a token bucket for 250 ms
 * (or as said) and takes a sixteenth of its speed; if another of the calls that
 * were on their way comes back throttled, it was none. */
void bucket_throttled (struct bucket *b, int64_t now_ms, int64_t sent_ms,
                       int64_t retry_after_ms);
/* The same without closing: when it is not sure that this bucket was meant. */
void bucket_slow_down (struct bucket *b, int64_t now_ms, int64_t sent_ms);

/* The service says that this many are left: never raises ours. */
void bucket_remaining (struct bucket *b, int64_t remaining, int64_t now_ms);

#endif
