/* The engine's side of credentials: what is held for each binding and audience,
 * when it is renewed, and what a call is to do meanwhile.
 *
 * Finding them blocks, so somebody else does it (provider->authenticate on a
 * worker thread).  This is a state machine without clock, threads or I/O:
 *
 *   options.authenticate -> credentials_cache_get (cache, b, audience, now,
 * ...) while (credentials_cache_wants (cache, now, &b, &audience)) submit a
 * task that calls b->provider->authenticate (b, audience, &err) when it is
 * done: credentials_cache_put (...)  or  credentials_cache_failed (...) while
 * ((text = credentials_cache_warning (cache))) log_warn ("%s", text);
 *
 * Renewal is tried early, while the old ones go on being used; close to their
 * end new calls wait for an attempt that is under way.  An attempt that fails
 * stops nothing as long as the old ones hold.  All times are wall_ms: an end is
 * a time of day.  One thread. */

#ifndef BOOTMEND_CREDENTIALS_CACHE_H
#define BOOTMEND_CREDENTIALS_CACHE_H

#include <providers/credentials.h>

#include "http-calls.h"

struct credentials_cache;

struct credentials_cache *credentials_cache_new (void);
void credentials_cache_free (struct credentials_cache *cache);

/* What to sign with, now.  `auth` borrows: good until the next put.  Asked for
 * the first time, it notes that they are wanted.  AUTH_FAILED stays: what a
 * repetition may mend has been repeated by then. */
enum auth_state credentials_cache_get (struct credentials_cache *cache,
                                       const struct binding *binding,
                                       const char *audience, int64_t wall_ms,
                                       struct http_auth *auth,
                                       struct err **err);

/* The next that should be fetched now; it then counts as under way until put or
 * failed is called for it.  *audience lives as long as the cache. */
bool credentials_cache_wants (struct credentials_cache *cache, int64_t wall_ms,
                              const struct binding **binding,
                              const char **audience);

/* Both take over what they are given. */
void credentials_cache_put (struct credentials_cache *cache,
                            const struct binding *binding, const char *audience,
                            int64_t wall_ms, struct credentials *credentials);
void credentials_cache_failed (struct credentials_cache *cache,
                               const struct binding *binding,
                               const char *audience, int64_t wall_ms,
                               struct err *err);

/* Nobody will ask for this binding again: none of its credentials is renewed.
 * It must live as long as an attempt that is under way. */
void credentials_cache_forget (struct credentials_cache *cache,
                               const struct binding *binding);

/* A service refused a call that was sent at sent_wall_ms (struct exchange):
 * ended early, revoked, rotated.  They are fetched once more; if those are
 * refused as well, that is final.  A call that was sent with older ones than
 * are held now says nothing.  `err` is copied. */
void credentials_cache_refused (struct credentials_cache *cache,
                                const struct binding *binding,
                                const char *audience, int64_t sent_wall_ms,
                                int64_t wall_ms, const struct err *err);

/* Milliseconds until credentials_cache_wants has something by itself; 0 = now,
 * -1 = nothing is due. */
int64_t credentials_cache_next_ms (const struct credentials_cache *cache,
                                   int64_t wall_ms);

/* What the operator should hear and has not heard yet; NULL: nothing.  To be
 * freed. */
char *credentials_cache_warning (struct credentials_cache *cache);

/* [{provider, account, region, audience, source, expires, fetched, failures,
 * last_error}]: nothing secret. */
json_t *credentials_cache_report (const struct credentials_cache *cache);

#endif
