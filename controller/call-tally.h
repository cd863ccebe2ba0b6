/* How many calls were sent, by their action (an operation may take several, as
 * a describe does), and how long they waited for their turn.
 *
 *   figures = {calls: [{provider, account, region, operation, action, calls,
 *                       vms, errors, throttled, repeated}],
 *              queues: [as limiter_report]}
 *
 * A campaign that is resumed adds them up (figures_add). */

#ifndef BOOTMEND_CALL_TALLY_H
#define BOOTMEND_CALL_TALLY_H

#include <stdint.h>

#include <base/vec.h>
#include <providers/provider.h>

struct call_tally {
  const struct binding *binding;
  enum op_id op;
  const char *action; /* of the request; NULL: the operation says it all */
  uint64_t calls, vms, errors, throttled, repeated;
};

DEFINE_VEC (struct call_tally, call_tallies);

/* The row of an action, made at the first call; valid until the next.  `action`
 * must live as long as the tallies. */
struct call_tally *call_tally_find (struct call_tallies *tallies,
                                    const struct binding *binding,
                                    enum op_id op, const char *action);

/* So many VMs' call was sent (once more), or failed. */
void call_tally_sent (struct call_tally *tally, unsigned vms, bool again);
void call_tally_failed (struct call_tally *tally, bool throttled);

/* figures.calls */
json_t *call_tallies_report (const struct call_tallies *tallies);

/* Adds `from` to `to` ({} is a good beginning): what is of the same place and
 * kind becomes one row. */
void figures_add (json_t *to, const json_t *from);

#endif
