/* How many calls were sent, for which operation, about how many VMs: for the
 * report. */

#ifndef BOOTMEND_CALL_TALLY_H
#define BOOTMEND_CALL_TALLY_H

#include <stdint.h>

#include <base/vec.h>
#include <providers/provider.h>

struct call_tally {
  const struct binding *binding;
  enum op_id op;
  uint64_t calls, vms, errors, repeated;
};

DEFINE_VEC (struct call_tally, call_tallies);

/* The row of an operation, made at the first call; valid until the next. */
struct call_tally *call_tally_find (struct call_tallies *tallies,
                                    const struct binding *binding,
                                    enum op_id op);

/* [{provider, account, region, operation, calls, vms, errors, repeated}] */
json_t *call_tallies_report (const struct call_tallies *tallies);

#endif
