/* What time it is where the VMs are.
 *
 * The mark on a VM says when its controller gave its last sign of life, and
 * another one judges by that whether it still lives.  Clocks of two machines
 * may differ by hours, and may be set meanwhile; so both go by the one clock
 * that they share: the service's, from the Date of its replies.  Where a
 * provider has none (libvirt), it is the machine's own clock on the wall. */

#ifndef BOOTMEND_SERVICE_CLOCK_H
#define BOOTMEND_SERVICE_CLOCK_H

#include <base/clock.h>
#include <net/transport.h>
#include <providers/provider.h>

/* Takes the time from a reply that came just now. */
void service_clock_note (struct binding *binding,
                         const struct http_reply *reply, int64_t now_ms);

/* Milliseconds since 1970, right to a few seconds. */
int64_t service_clock_ms (const struct binding *binding,
                          const struct clock *clock);

#endif
