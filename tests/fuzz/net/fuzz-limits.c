/* The operator's file of limits: any JSON; what is accepted must work. */

#include "fuzz.h"

#include <net/limiter.h>

static const struct limit_spec limits[] = {{.limit_class = "mutate",
                                            .bucket = "mutate",
                                            .capacity = 50,
                                            .refill_per_s = 5},
                                           {0}};

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const struct limit_scope scope = {"aws", "123456789012", "eu-west-1"};
  CLEANUP_JSON json_t *json =
      json_parse ((const char *)data, size, "input", NULL);
  struct limiter *limiter = limiter_new ();
  struct limit_queue *queue;
  struct admission admission;
  int64_t now = 0;

  if (json && limiter_override (limiter, json, NULL) == 0) {
    queue = limiter_queue (limiter, &scope, limits, "mutate", 0, NULL);
    FUZZ_CHECK (queue != NULL);
    for (uint64_t i = 0; i < 3; i++)
      FUZZ_CHECK (limit_queue_push (queue, i, 1, 0, NULL) == 0);
    for (int i = 0; i < 3; i++) {
      int64_t ms = limiter_next_ms (limiter, now);

      FUZZ_CHECK (ms >= 0);
      now += ms;
      FUZZ_CHECK (limiter_take (limiter, now, &admission));
    }
  }
  limiter_free (limiter);
  return 0;
}
