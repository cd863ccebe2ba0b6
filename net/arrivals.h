/* Exchanges that end at a time of their own: answers that a transport in memory
 * has given, or that a fault holds back. */

#ifndef BOOTMEND_ARRIVALS_H
#define BOOTMEND_ARRIVALS_H

#include <base/clock.h>

#include "transport.h"

struct arrival {
  int64_t due_ms;
  struct exchange done;
};

DEFINE_VEC (struct arrival, arrivals);

/* It ends in delay_ms; takes it over. */
void arrivals_add (struct arrivals *arrivals, const struct clock *clock,
                   struct exchange done, int64_t delay_ms);
/* Moves what is due, in the order in which it was added. */
void arrivals_take_due (struct arrivals *arrivals, const struct clock *clock,
                        struct exchanges *done);
/* When the next is due, in ms from now; -1: there is none. */
int64_t arrivals_next_ms (const struct arrivals *arrivals,
                          const struct clock *clock);
/* False: there is none of that tag. */
bool arrivals_cancel (struct arrivals *arrivals, uint64_t tag);
void arrivals_free_all (struct arrivals *arrivals);

#endif
