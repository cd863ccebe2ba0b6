/* Who may call now: one FIFO queue for each cloud, account, region and limit
 * class, admitted by the buckets (bucket.h) that count that class.
 *
 * A provider's table of documented figures says which classes there are:
 *
 *   static const struct limit_spec limits[] = {
 *     {.limit_class = "start", .bucket = "start-requests",
 *      .capacity = 5, .refill_per_s = 2},
 *     {.limit_class = "start", .bucket = "start-instances",
 *      .capacity = 1000, .refill_per_s = 2, .per_id = true},
 *     {0}};
 *
 * A class with several rows needs a token from each of them at the same time;
 * rows of several classes that name the same bucket share it.  The engine asks
 * for the queue once, pushes tags, and takes them as they are admitted:
 *
 *   q = limiter_queue (limiter, &scope, limits, op->limit_class, now, err);
 *   limit_queue_push (q, job_tag, 1, now, err);
 *   while (room && limiter_take (limiter, now, &admission)) send (...);
 *   wait at most limiter_next_ms (limiter, now);
 *
 * A queue with a lot to do does not hold up the others: they take turns. */

#ifndef BOOTMEND_LIMITER_H
#define BOOTMEND_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <base/json.h>

#include "http.h"

struct limit_spec {
  const char *limit_class; /* as in struct provider_op; NULL ends the table */
  const char *bucket;
  double capacity;     /* tokens, or calls in a window */
  double refill_per_s; /* tokens a second; unused in a window */
  int64_t window_ms;   /* 0: token bucket */
  bool per_id;         /* one token for each id in the call, not for the call */
  bool per_part;       /* a bucket for each part (struct limit_scope) */

  /* Where replies say how much is left: "Header-Name" whose value is a number,
   * or "Header-Name: Item" where the value is a list "Item;12,Other;7" (as in
   * x-ms-ratelimit-remaining-resource).  NULL: they do not. */
  const char *remaining;
};

/* Whose limit: strings are copied. */
struct limit_scope {
  const char *cloud, *account, *region;
  /* What of it the service counts by itself (one VM); NULL: nothing.  Each has
   * a queue of its own. */
  const char *part;
};

struct limiter *limiter_new (void);
void limiter_free (struct limiter *limiter);

/* Figures of an account that differ from the documented ones (a raised quota,
 * or less because others use the account too):
 *
 * {"version": 1, "limits": [
 *   {"cloud": "aws", "account": "123456789012", "region": "eu-*",
 *    "bucket": "mutate", "capacity": 200, "refill_per_second": 20},
 *   {"cloud": "gcp", "bucket": "read", "calls": 3000, "window_seconds": 60}]}
 *
 * account and region are patterns and may be left out; of several rows that
 * fit, the last counts.  Before the first limiter_queue.  ERR_INPUT names the
 * row and field. */
int limiter_override (struct limiter *limiter, const json_t *json,
                      struct err **err) ATTR_USE;
int limiter_override_file (struct limiter *limiter, const char *path,
                           struct err **err) ATTR_USE;

/* The queue of a class, made at the first call; owned by the limiter.  `specs`
 * is the provider's table; NULL: it has no limits.  A class that the table
 * lacks is an error (ERR_INTERNAL): nothing goes unlimited by a misspelling. */
struct limit_queue *limiter_queue (struct limiter *limiter,
                                   const struct limit_scope *scope,
                                   const struct limit_spec *specs,
                                   const char *limit_class, int64_t now_ms,
                                   struct err **err) ATTR_USE;

/* `ids`: how many VMs the call is about.  ERR_INTERNAL if that is more than the
 * limit ever allows in one call (limit_queue_max_ids). */
int limit_queue_push (struct limit_queue *queue, uint64_t tag, unsigned ids,
                      int64_t now_ms, struct err **err) ATTR_USE;
unsigned limit_queue_max_ids (const struct limit_queue *queue);
/* A call that still waits has come to be about more ids; it keeps its place.
 * false: it does not wait here any more, or the limit never allows so many. */
bool limit_queue_resize (struct limit_queue *queue, uint64_t tag, unsigned ids);
/* Takes a waiting tag out again; false if it does not wait here. */
bool limit_queue_remove (struct limit_queue *queue, uint64_t tag);
size_t limit_queue_length (const struct limit_queue *queue);
/* While it is held, nothing leaves it. */
void limit_queue_hold (struct limit_queue *queue, bool held);

struct admission {
  struct limit_queue *queue;
  uint64_t tag;
  int64_t waited_ms;
};

/* The next call that may go, with its tokens taken; false: none now. */
bool limiter_take (struct limiter *limiter, int64_t now_ms,
                   struct admission *admission);
/* Milliseconds until limiter_take may give something; -1: nothing waits. */
int64_t limiter_next_ms (struct limiter *limiter, int64_t now_ms);

/* A call admitted at sent_ms came back as throttled.  `bucket` is the one that
 * was named by the service: it is closed and slowed down.  NULL: unknown; then
 * this queue is closed (others that share a bucket go on) and all its buckets
 * are slowed down. */
void limit_queue_throttled (struct limit_queue *queue, const char *bucket,
                            int64_t now_ms, int64_t sent_ms,
                            int64_t retry_after_ms);

/* Looks at a reply's headers for what is left. */
void limit_queue_reply (struct limit_queue *queue, int64_t now_ms,
                        const struct http_reply *reply);

/* [{cloud, account, region, part (if any), class, admitted, throttled,
 * waited_ms, longest_ms, waiting}]; new reference. */
json_t *limiter_report (const struct limiter *limiter);

#endif
