/* Whether a failed call is repeated: one pure function over plain facts.
 *
 * Three answers.  AGAIN: repeating it has no second effect, or the first one
 * had none.  LOOK: it may have taken effect, and nobody knows; read the real
 * state, then decide.  GIVE_UP: repeating can't help, or time is up.
 *
 * The waits are exponential with full jitter: evenly random between 0 and
 * base_ms * 2^n (at most cap_ms), so that hundreds of calls that failed
 * together do not come back together; never sooner than Retry-After.  (M.
 * Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.) */

#ifndef BOOTMEND_RETRY_H
#define BOOTMEND_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>
#include <base/random.h>

#include "http.h"

struct retry_policy {
  unsigned max_attempts; /* for what is no throttling */
  int64_t base_ms, cap_ms;
  int64_t total_ms;     /* from the first attempt to the last */
  int64_t throttled_ms; /* the same for what is only throttled */
};

/* 6 attempts, 0.5 s doubling up to 30 s, 15 minutes in all; throttled calls go
 * on for 2 hours (Azure is known to say "Retry-After: 1200"). */
extern const struct retry_policy retry_policy_default;
/* For metadata services on this machine: 3 attempts, 0.25 s up to 2 s, 20 s. */
extern const struct retry_policy retry_policy_metadata;

struct retry_case {
  bool repeatable;        /* struct http_request */
  bool sent;              /* struct exchange: it may have reached the service */
  unsigned attempt;       /* the one that failed: 1, 2, ... */
  enum err_code code;     /* the provider's verdict, or the transport's */
  int64_t retry_after_ms; /* 0: not said */
  int64_t elapsed_ms;     /* since the first attempt was ready to go */
};

enum retry_verdict {
  RETRY_AGAIN,
  RETRY_LOOK,
  RETRY_GIVE_UP
};

struct retry_decision {
  enum retry_verdict verdict;
  int64_t wait_ms; /* before the repetition or the look */
  const char *why; /* for logs and reports; static */
};

struct retry_decision retry_decide (const struct retry_policy *policy,
                                    const struct retry_case *what,
                                    struct random_source *random);

/* What an HTTP status means where the body says nothing better; `repeatable` as
 * above (a 5xx may hide an effect).  Not for 2xx: ERR_INTERNAL. */
enum err_code http_status_code (int status, bool repeatable);

/* Retry-After (seconds or an HTTP date; RFC 9110, 10.2.3) or retry-after-ms /
 * x-ms-retry-after-ms as milliseconds from now_wall_ms, at least 1, at most a
 * day; 0 if there is none that can be read. */
int64_t http_retry_after_ms (const struct http_reply *reply,
                             int64_t now_wall_ms);

#endif
