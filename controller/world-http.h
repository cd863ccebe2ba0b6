/* HTTP providers in the real world: the calls (http-calls.h) over the network,
 * their limits, and credentials that are found and renewed on worker threads.
 */

#ifndef BOOTMEND_WORLD_HTTP_H
#define BOOTMEND_WORLD_HTTP_H

#include <poll.h>

#include "pool.h"

struct world_http;

/* `pool` is borrowed; config {ca_file, limits_file}, both may be absent. */
struct world_http *world_http_new (struct pool *pool, const json_t *config,
                                   struct err **err) ATTR_USE;
/* After the pool's threads have ended (`quiet`); else what they use stays. */
void world_http_free (struct world_http *http, bool quiet);

void world_http_submit (struct world_http *http, struct effect effect);
/* As world_real_forget. */
void world_http_forget (struct world_http *http, const struct binding *binding);
bool world_http_collect (struct world_http *http,
                         struct completion *completion);
/* True if a completion of the pool was credentials, and is used up. */
bool world_http_takes (struct world_http *http, struct completion *completion);
/* Waits for the network and the caller's descriptors, at most so long. */
void world_http_wait (struct world_http *http, struct pollfd *fds, unsigned n,
                      int64_t ms);
/* As http_calls_waits. */
bool world_http_waits (const struct world_http *http, uint64_t id);
/* As http_calls_report: the calls of this process. */
json_t *world_http_report (const struct world_http *http);

#endif
