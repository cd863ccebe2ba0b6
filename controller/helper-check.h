/* What is missing on a helper: asked before a campaign, not found out in it.
 *
 * An item is {name, level: "ok" | "warning" | "missing", detail, advice}; with
 * "missing" it can't work, with "warning" it works, but worse. */

#ifndef BOOTMEND_HELPER_CHECK_H
#define BOOTMEND_HELPER_CHECK_H

#include <stdbool.h>

#include <providers/provider.h>

/* Starts its agent (config as in world-real.h) and asks it what its machine
 * has; `expect`: what its provider expects of it, or NULL.  Blocks, for a
 * minute or so at most.  Adds to items. */
void helper_check_agent (const json_t *config, const json_t *expect,
                         json_t *items);

/* What the provider's record of it (OP_DESCRIBE with preflight) says: state,
 * zone, slots, role.  Adds to items. */
void helper_check_record (const struct provider *provider, const json_t *record,
                          json_t *items);

void helper_check_add (json_t *items, const char *name, const char *level,
                       const char *detail, const char *advice);

/* True if nothing is missing. */
bool helper_check_ok (const json_t *items);

#endif
