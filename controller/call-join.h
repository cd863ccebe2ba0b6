/* May two requests about VMs or disks become one?  Asked where they wait for
 * the commit (outbox.c) and where they wait for tokens (http-calls.c). */

#ifndef BOOTMEND_CALL_JOIN_H
#define BOOTMEND_CALL_JOIN_H

#include <providers/provider.h>

/* The list in `in` that may grow: "vms" (records), "ids" of those asked about,
 * or "disks" of a helper. */
const char *call_list (const json_t *in);
/* How many are in it; 1 without one. */
unsigned call_size (const json_t *in);

/* Which limit class and part (net/limiter.h) the next request of an operation
 * counts in, after `pages` of them; part NULL: none. */
const char *call_class (const struct binding *b, enum op_id op,
                        const json_t *in, unsigned pages);
const char *call_part (const struct provider_op *row, const json_t *in,
                       unsigned pages);

/* The same words but for that list, and VMs that the row lets share a call? */
bool call_may_join (const struct provider_op *row, const json_t *a,
                    const json_t *b);

/* The answer of an operation that comes in parts (providers/provider.h): lists
 * are joined, of all else the last word counts. */
void call_join_parts (json_t *to, const json_t *part);
/* Where the next part begins, after `parts` of them; NULL: there is none. */
json_t *call_next_part (const json_t *out, unsigned parts);

/* What a change asked for goes on without us: only how it ends could not be
 * asked (providers/provider.h, "next"). */
bool call_goes_on_alone (const json_t *in, enum err_code code);

#endif
