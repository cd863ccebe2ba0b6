/* The calls of HTTP providers: effects that wait for their turn, are filled,
 * built, signed, sent, repeated where that is safe, and read.
 *
 * One queue for each account, region and limit class (net/limiter.h).  While a
 * call that can take many VMs waits for its tokens, others of the same kind
 * join it, as transactions join a group commit.  Time, the transport and the
 * credentials are parameters, so that the same code runs against a fake cloud
 * in memory on a fake clock.
 *
 *   calls = http_calls_new (&options);
 *   http_calls_submit (calls, effect);
 *   http_calls_step (calls);                      // never blocks
 *   while (http_calls_collect (calls, &completion)) ...
 *   wait for the transport, at most until http_calls_next_ms (calls)
 */

#ifndef BOOTMEND_HTTP_CALLS_H
#define BOOTMEND_HTTP_CALLS_H

#include <net/limiter.h>
#include <net/transport.h>

#include "world.h"

struct http_calls;

enum auth_state {
  AUTH_WAIT,
  AUTH_HAVE,
  AUTH_FAILED /* with an error */
};

struct http_calls_options {
  const struct clock *clock;
  struct transport *transport; /* borrowed */
  struct limiter *limiter;     /* borrowed */
  uint64_t seed;               /* for jitter */
  /* What to sign a request with, now.  AUTH_WAIT: asked again at the next
   * step. */
  enum auth_state (*authenticate) (void *opaque, struct binding *binding,
                                   const char *audience, struct http_auth *auth,
                                   struct err **err);
  /* A service refused what a call was signed with (ERR_AUTH): it should be
   * renewed.  The call is sent again then, once.  NULL: it just fails. */
  void (*refused) (void *opaque, struct binding *binding, const char *audience,
                   int64_t sent_wall_ms, const struct err *err);
  void *opaque;
};

struct http_calls *http_calls_new (const struct http_calls_options *options);
void http_calls_free (struct http_calls *calls);

/* Takes effect.in. */
void http_calls_submit (struct http_calls *calls, struct effect effect);
void http_calls_step (struct http_calls *calls);
bool http_calls_collect (struct http_calls *calls,
                         struct completion *completion);
/* Does this effect wait for its turn, and nothing of it was ever sent? */
bool http_calls_waits (const struct http_calls *calls, uint64_t effect);
/* When a step is due besides what the transport reports, on the clock; -1: not
 * before something is submitted or arrives. */
int64_t http_calls_next_ms (const struct http_calls *calls);
size_t http_calls_pending (const struct http_calls *calls);

/* Requests that were really sent, and their waiting (call-tally.h): a new
 * reference. */
json_t *http_calls_report (const struct http_calls *calls);

#endif
