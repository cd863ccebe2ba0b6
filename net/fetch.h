/* One request, waited for: for code that runs on a worker thread and has to
 * block, which is the search for credentials and nothing else.  The engine
 * never calls this; its requests go through transport.h and the limiter.
 *
 *   CLEANUP_FETCHED struct fetched got = {0};
 *   if (fetch (t, &req, NULL, &options, &got, err) == -1) ...
 *   if (got.reply.status != 200) ...
 *
 * It repeats as retry.h says, within one limit on time for all attempts and
 * waits.  Metadata services and this machine are called directly, whatever
 * proxy the environment names (curl-transport.h). */

#ifndef BOOTMEND_FETCH_H
#define BOOTMEND_FETCH_H

#include "retry.h"
#include "transport.h"

struct fetch_options {
  const struct retry_policy *policy; /* NULL: retry_policy_default */
  int64_t total_ms;                  /* 0: the policy's */
  const struct clock *clock;         /* NULL: the real one */
  struct random_source *random;      /* NULL: a fresh one */

  /* What a reply that is no 2xx means, for retry_decide; NULL: by its status.
   */
  enum err_code (*verdict) (const struct http_reply *reply);
};

struct fetched {
  struct http_reply reply;
  unsigned attempts;
  bool skew_known; /* the reply had a Date ... */
  int64_t skew_ms; /* ... and says this (skew.h) */
};

void fetched_release (struct fetched *got);
#define CLEANUP_FETCHED CLEANUP (fetched_release)

/* 0: the last reply, whatever its status.  -1: there was none; ERR_TIMEOUT if
 * the time was up, else as in struct exchange.  The transport must have nothing
 * else in work. */
int fetch (struct transport *t, const struct http_request *req,
           const struct http_auth *auth, const struct fetch_options *options,
           struct fetched *got, struct err **err) ATTR_USE;

#endif
