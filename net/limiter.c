#include "limiter.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <base/text.h>

#include "bucket.h"
#include "limits-file.h"

struct named_bucket {
  char *cloud, *account, *region, *part, *name;
  struct bucket bucket;
  /* The queue that has found too few tokens here and saves for its turn; the
   * others leave them, or a call for 500 ids would never see 500 tokens. */
  struct limit_queue *holder;
};

DEFINE_VEC (struct named_bucket *, bucket_vec);

/* One row of a class: which bucket, and how it counts. */
struct charge {
  struct named_bucket *bucket;
  bool per_id;
  char *remaining_header, *remaining_item; /* either NULL if not said */
};

DEFINE_VEC (struct charge, charge_vec);

struct waiting {
  uint64_t tag;
  unsigned ids;
  int64_t since_ms;
};

DEFINE_VEC (struct waiting, waiting_vec);

struct limit_queue {
  char *cloud, *account, *region, *part, *limit_class;
  struct charge_vec charges;
  struct waiting_vec waiting; /* from `head` on, oldest first */
  size_t head;
  struct bucket gate; /* closed when a throttle can't be laid to a bucket */
  bool held;
  uint64_t admitted, throttled;
  int64_t waited_ms, longest_ms;
};

DEFINE_VEC (struct limit_queue *, queue_vec);

struct limiter {
  struct limit_override_vec overrides;
  struct bucket_vec buckets;
  struct queue_vec queues;
  size_t turn; /* which queue is asked first */
};

/* Calls leave here evenly and arrive unevenly: the service may see a burst by
 * so much earlier, compared with its first call, than we do.  What it refills
 * in that time is not used, or a bucket that is run at its edge is throttled
 * now and then, which costs more.  (A window has that slack in its slots.) */
#define JITTER_S 0.25

struct limiter *
limiter_new (void)
{
  return xcalloc (1, sizeof (struct limiter));
}

static void
bucket_free (struct named_bucket *named)
{
  free (named->cloud);
  free (named->account);
  free (named->region);
  free (named->part);
  free (named->name);
  free (named);
}

static void
queue_free (struct limit_queue *queue)
{
  for (size_t i = 0; i < queue->charges.len; i++) {
    free (queue->charges.ptr[i].remaining_header);
    free (queue->charges.ptr[i].remaining_item);
  }
  charge_vec_release (&queue->charges);
  waiting_vec_release (&queue->waiting);
  free (queue->cloud);
  free (queue->account);
  free (queue->region);
  free (queue->part);
  free (queue->limit_class);
  free (queue);
}

void
limiter_free (struct limiter *limiter)
{
  if (limiter == NULL)
    return;
  for (size_t i = 0; i < limiter->queues.len; i++)
    queue_free (limiter->queues.ptr[i]);
  queue_vec_release (&limiter->queues);
  for (size_t i = 0; i < limiter->buckets.len; i++)
    bucket_free (limiter->buckets.ptr[i]);
  bucket_vec_release (&limiter->buckets);
  limit_overrides_free (&limiter->overrides);
  free (limiter);
}

int
limiter_override (struct limiter *limiter, const json_t *json, struct err **err)
{
  return limit_overrides_read (json, &limiter->overrides, err);
}

int
limiter_override_file (struct limiter *limiter, const char *path,
                       struct err **err)
{
  CLEANUP_JSON json_t *json = json_parse_file (path, 1 << 20, err);

  if (json == NULL)
    return -1;
  if (limiter_override (limiter, json, err) == -1)
    return err_wrap (err, "%s", path);
  return 0;
}

static double
usable_capacity (const struct limit_spec *figures)
{
  double kept = figures->window_ms ? 0 : figures->refill_per_s * JITTER_S;

  return figures->capacity -
         (kept < figures->capacity / 2 ? kept : figures->capacity / 2);
}

/* The bucket of a row, with the figures that hold for this scope. */
static struct named_bucket *
get_bucket (struct limiter *limiter, const struct limit_scope *scope,
            const struct limit_spec *spec, int64_t now_ms)
{
  const char *part = (spec->per_part ? scope->part : NULL) ?: "";
  struct limit_spec figures = *spec;
  struct named_bucket *named;

  for (size_t i = 0; i < limiter->buckets.len; i++) {
    named = limiter->buckets.ptr[i];
    if (strcmp (named->name, spec->bucket) == 0 &&
        strcmp (named->cloud, scope->cloud) == 0 &&
        strcmp (named->account, scope->account) == 0 &&
        strcmp (named->region, scope->region) == 0 &&
        strcmp (named->part, part) == 0)
      return named;
  }
  limit_overrides_apply (&limiter->overrides, scope, &figures);
  named = xcalloc (1, sizeof *named);
  named->cloud = xstrdup (scope->cloud);
  named->account = xstrdup (scope->account);
  named->region = xstrdup (scope->region);
  named->part = xstrdup (part);
  named->name = xstrdup (spec->bucket);
  bucket_init (&named->bucket, usable_capacity (&figures), figures.refill_per_s,
               figures.window_ms, now_ms);
  bucket_vec_push (&limiter->buckets, named);
  return named;
}

static void
add_charge (struct limit_queue *queue, struct named_bucket *bucket,
            const struct limit_spec *spec)
{
  struct charge charge = {.bucket = bucket, .per_id = spec->per_id};
  const char *colon = spec->remaining ? strchr (spec->remaining, ':') : NULL;

  if (colon) {
    charge.remaining_header =
        xstrndup (spec->remaining, (size_t)(colon - spec->remaining));
    charge.remaining_item = xstrdup (colon + 1 + strspn (colon + 1, " "));
  } else if (spec->remaining)
    charge.remaining_header = xstrdup (spec->remaining);
  charge_vec_push (&queue->charges, charge);
}

static struct limit_queue *
find_queue (const struct limiter *limiter, const struct limit_scope *scope,
            const char *limit_class)
{
  for (size_t i = 0; i < limiter->queues.len; i++) {
    struct limit_queue *q = limiter->queues.ptr[i];

    if (strcmp (q->limit_class, limit_class) == 0 &&
        strcmp (q->cloud, scope->cloud) == 0 &&
        strcmp (q->account, scope->account) == 0 &&
        strcmp (q->region, scope->region) == 0 &&
        strcmp (q->part, scope->part ?: "") == 0)
      return q;
  }
  return NULL;
}

struct limit_queue *
limiter_queue (struct limiter *limiter, const struct limit_scope *scope,
               const struct limit_spec *specs, const char *limit_class,
               int64_t now_ms, struct err **err)
{
  struct limit_queue *queue = find_queue (limiter, scope, limit_class);

  if (queue)
    return queue;
  queue = xcalloc (1, sizeof *queue);
  for (; specs && specs->limit_class; specs++)
    if (strcmp (specs->limit_class, limit_class) == 0)
      add_charge (queue, get_bucket (limiter, scope, specs, now_ms), specs);
  if (specs && queue->charges.len == 0) {
    queue_free (queue);
    err_set (err, ERR_INTERNAL, "%s: no limits are known for class \"%s\"",
             scope->cloud, limit_class);
    return NULL;
  }
  queue->cloud = xstrdup (scope->cloud);
  queue->account = xstrdup (scope->account);
  queue->region = xstrdup (scope->region);
  queue->part = xstrdup (scope->part ?: "");
  queue->limit_class = xstrdup (limit_class);
  bucket_init (&queue->gate, 1, 1, 0, now_ms);
  queue_vec_push (&limiter->queues, queue);
  return queue;
}

unsigned
limit_queue_max_ids (const struct limit_queue *queue)
{
  int64_t max = UINT_MAX;

  for (size_t i = 0; i < queue->charges.len; i++) {
    const struct charge *charge = &queue->charges.ptr[i];

    if (charge->per_id && bucket_capacity (&charge->bucket->bucket) < max)
      max = bucket_capacity (&charge->bucket->bucket);
  }
  return (unsigned)max;
}

int
limit_queue_push (struct limit_queue *queue, uint64_t tag, unsigned ids,
                  int64_t now_ms, struct err **err)
{
  struct waiting item = {tag, ids ? ids : 1, now_ms};

  if (item.ids > limit_queue_max_ids (queue))
    return err_set (err, ERR_INTERNAL,
                    "%s: %u ids in one call of class \"%s\", but the limit "
                    "allows no more than %u",
                    queue->cloud, item.ids, queue->limit_class,
                    limit_queue_max_ids (queue));
  waiting_vec_push (&queue->waiting, item);
  return 0;
}

size_t
limit_queue_length (const struct limit_queue *queue)
{
  return queue->waiting.len - queue->head;
}

void
limit_queue_hold (struct limit_queue *queue, bool held)
{
  queue->held = held;
}

static struct waiting *
find_waiting (const struct limit_queue *queue, uint64_t tag)
{
  for (size_t i = queue->head; i < queue->waiting.len; i++)
    if (queue->waiting.ptr[i].tag == tag)
      return &queue->waiting.ptr[i];
  return NULL;
}

bool
limit_queue_resize (struct limit_queue *queue, uint64_t tag, unsigned ids)
{
  struct waiting *item = find_waiting (queue, tag);

  if (item && ids <= limit_queue_max_ids (queue))
    item->ids = ids;
  return item && item->ids == ids;
}

bool
limit_queue_remove (struct limit_queue *queue, uint64_t tag)
{
  struct waiting *item = find_waiting (queue, tag);

  if (item == NULL)
    return false;
  waiting_vec_remove (&queue->waiting, (size_t)(item - queue->waiting.ptr));
  return true;
}

static int64_t
cost (const struct charge *charge, const struct waiting *item)
{
  return charge->per_id ? item->ids : 1;
}

/* How long the head of a queue that is not empty waits at least, and the bucket
 * that is the reason (NULL: none, or the queue's own gate). */
static int64_t
head_wait_ms (struct limit_queue *queue, int64_t now_ms,
              struct named_bucket **reason)
{
  const struct waiting *item = &queue->waiting.ptr[queue->head];
  int64_t wait_ms = 0;

  *reason = NULL;
  if (queue->gate.closed_until > now_ms)
    wait_ms = queue->gate.closed_until - now_ms;
  for (size_t i = 0; i < queue->charges.len; i++) {
    const struct charge *charge = &queue->charges.ptr[i];
    int64_t ms =
        bucket_next_ms (&charge->bucket->bucket, cost (charge, item), now_ms);

    if (ms > wait_ms) {
      wait_ms = ms;
      *reason = charge->bucket;
    }
  }
  return wait_ms;
}

static bool
is_idle (const struct limit_queue *queue)
{
  return queue->held || limit_queue_length (queue) == 0;
}

/* Whether another queue saves tokens of a bucket that this one needs too. */
static bool
must_leave (struct limit_queue *queue, int64_t now_ms)
{
  bool leave = false;

  for (size_t i = 0; i < queue->charges.len; i++) {
    struct named_bucket *bucket = queue->charges.ptr[i].bucket, *reason;
    struct limit_queue *holder = bucket->holder;

    if (holder == queue)
      return false; /* two that wait for each other would wait for ever */
    if (holder == NULL)
      continue;
    if (is_idle (holder) ||
        (head_wait_ms (holder, now_ms, &reason) > 0 && reason != bucket))
      bucket->holder = NULL; /* it is something else that it waits for now */
    else
      leave = true;
  }
  return leave;
}

static struct waiting
take_head (struct limit_queue *queue)
{
  struct waiting item = queue->waiting.ptr[queue->head++];

  /* Closing the gap only now and then keeps taking cheap in a long queue. */
  if (queue->head > 64 && queue->head * 2 > queue->waiting.len) {
    queue->waiting.len -= queue->head;
    memmove (queue->waiting.ptr, queue->waiting.ptr + queue->head,
             queue->waiting.len * sizeof *queue->waiting.ptr);
    queue->head = 0;
  }
  return item;
}

static void
admit (struct limit_queue *queue, int64_t now_ms, struct admission *admission)
{
  struct waiting item = take_head (queue);

  for (size_t i = 0; i < queue->charges.len; i++) {
    const struct charge *charge = &queue->charges.ptr[i];

    if (!bucket_take (&charge->bucket->bucket, cost (charge, &item), now_ms))
      abort (); /* head_wait_ms has just said that it is there */
    if (charge->bucket->holder == queue)
      charge->bucket->holder = NULL;
  }
  admission->queue = queue;
  admission->tag = item.tag;
  admission->waited_ms = now_ms - item.since_ms;
  queue->admitted++;
  queue->waited_ms += admission->waited_ms;
  if (admission->waited_ms > queue->longest_ms)
    queue->longest_ms = admission->waited_ms;
}

bool
limiter_take (struct limiter *limiter, int64_t now_ms,
              struct admission *admission)
{
  for (size_t i = 0; i < limiter->queues.len; i++) {
    size_t n = (limiter->turn + i) % limiter->queues.len;
    struct limit_queue *queue = limiter->queues.ptr[n];
    struct named_bucket *reason;

    if (is_idle (queue) || must_leave (queue, now_ms))
      continue;
    if (head_wait_ms (queue, now_ms, &reason) == 0) {
      admit (queue, now_ms, admission);
      limiter->turn = n + 1;
      return true;
    }
    if (reason && reason->holder == NULL)
      reason->holder = queue;
  }
  return false;
}

int64_t
limiter_next_ms (struct limiter *limiter, int64_t now_ms)
{
  int64_t next_ms = -1;

  for (size_t i = 0; i < limiter->queues.len; i++) {
    struct limit_queue *queue = limiter->queues.ptr[i];
    struct named_bucket *reason;
    int64_t ms;

    if (is_idle (queue) || must_leave (queue, now_ms))
      continue;
    ms = head_wait_ms (queue, now_ms, &reason);
    if (next_ms < 0 || ms < next_ms)
      next_ms = ms;
  }
  return next_ms;
}

void
limit_queue_throttled (struct limit_queue *queue, const char *bucket,
                       int64_t now_ms, int64_t sent_ms, int64_t retry_after_ms)
{
  queue->throttled++;
  for (size_t i = 0; bucket && i < queue->charges.len; i++) {
    struct named_bucket *named = queue->charges.ptr[i].bucket;

    if (strcmp (named->name, bucket) != 0)
      continue;
    bucket_throttled (&named->bucket, now_ms, sent_ms, retry_after_ms);
    return;
  }
  for (size_t i = 0; i < queue->charges.len; i++)
    bucket_slow_down (&queue->charges.ptr[i].bucket->bucket, now_ms, sent_ms);
  bucket_throttled (&queue->gate, now_ms, sent_ms, retry_after_ms);
}

void
limit_queue_reply (struct limit_queue *queue, int64_t now_ms,
                   const struct http_reply *reply)
{
  for (size_t i = 0; i < queue->charges.len; i++) {
    const struct charge *charge = &queue->charges.ptr[i];

    for (size_t j = 0; j < reply->headers.len; j++)
      bucket_remaining (&charge->bucket->bucket,
                        http_header_number (&reply->headers.ptr[j],
                                            charge->remaining_header,
                                            charge->remaining_item),
                        now_ms);
  }
}

json_t *
limiter_report (const struct limiter *limiter)
{
  json_t *report = json_array ();

  for (size_t i = 0; i < limiter->queues.len; i++) {
    const struct limit_queue *q = limiter->queues.ptr[i];

    json_array_append_new (
        report,
        json_make ("{s:s, s:s, s:s, s:s*, s:s, s:I, s:I, s:I, s:I, s:I}",
                   "cloud", q->cloud, "account", q->account, "region",
                   q->region, "part", *q->part ? q->part : NULL, "class",
                   q->limit_class, "admitted", (json_int_t)q->admitted,
                   "throttled", (json_int_t)q->throttled, "waited_ms",
                   (json_int_t)q->waited_ms, "longest_ms",
                   (json_int_t)q->longest_ms, "waiting",
                   (json_int_t)limit_queue_length (q)));
  }
  return report;
}
