/* Header lines from the wire, and everything that reads headers. */

#include "fuzz.h"

#include <string.h>

#include <net/limiter.h>
#include <net/mask.h>
#include <net/retry.h>
#include <net/skew.h>

static const struct limit_spec limits[] =
    {{.limit_class = "c",
      .bucket = "a",
      .capacity = 200,
      .refill_per_s = 10,
      .remaining = "x-ms-ratelimit-remaining-subscription-writes"},
     {.limit_class = "c",
      .bucket = "b",
      .capacity = 300,
      .window_ms = 60000,
      .remaining = "x-ms-ratelimit-remaining-resource: Compute/PutVM3Min"},
     {0}};

static void
use_headers (const struct http_reply *reply)
{
  const struct limit_scope scope = {"azure", "s", "r"};
  struct limiter *limiter = limiter_new ();
  struct limit_queue *queue =
      limiter_queue (limiter, &scope, limits, "c", 0, NULL);
  int64_t ms = http_retry_after_ms (reply, INT64_C (1700000000000));
  struct admission admission;

  FUZZ_CHECK (ms >= 0 && ms <= 86400000);
  (void)http_skew_ms (reply, 0, 1000, &ms);
  FUZZ_CHECK (limit_queue_push (queue, 1, 1, 0, NULL) == 0);
  limit_queue_reply (queue, 0, reply);
  /* Whatever a service says is left, we go on some time. */
  ms = limiter_next_ms (limiter, 0);
  FUZZ_CHECK (ms >= 0 && ms <= 62000);
  FUZZ_CHECK (limiter_take (limiter, ms, &admission));
  limiter_free (limiter);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct http_reply reply = {0};
  const char *at = (const char *)data, *end = at + size;

  while (at < end) {
    const char *newline = memchr (at, '\n', (size_t)(end - at));
    const char *next = newline ? newline + 1 : end;

    if (http_header_line (&reply.headers, at, (size_t)(next - at)) == -1)
      break;
    at = next;
  }
  FUZZ_CHECK (reply.headers.len <= HTTP_MAX_HEADERS);
  for (size_t i = 0; i < reply.headers.len; i++) {
    const struct http_header *h = &reply.headers.ptr[i];

    FUZZ_CHECK (h->name[0] && strpbrk (h->name, " \t\r\n:") == NULL);
    free (mask_header (h->name, h->value));
  }
  use_headers (&reply);
  http_reply_release (&reply);
  return 0;
}
