/* May two requests about VMs become one?  Asked where they wait for the commit
 * (outbox.c) and where they wait for tokens (http-calls.c). */

#ifndef BOOTMEND_CALL_JOIN_H
#define BOOTMEND_CALL_JOIN_H

#include <providers/provider.h>

/* The VMs' place in `in`: "vms" (records), or "ids" of those asked about. */
const char *call_list (const json_t *in);

/* The same words but for the VMs, and VMs that the row lets share a call? */
bool call_may_join (const struct provider_op *row, const json_t *a,
                    const json_t *b);

/* The answer of an operation that comes in parts (providers/provider.h): lists
 * are joined, of all else the last word counts. */
void call_join_parts (json_t *to, const json_t *part);

#endif
