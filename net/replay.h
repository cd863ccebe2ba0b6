/* A transport that answers from a recording (record.h), for tests of parsers
 * and for bug reports. */

#ifndef BOOTMEND_REPLAY_H
#define BOOTMEND_REPLAY_H

#include "transport.h"

enum replay_order {
  REPLAY_IN_ORDER, /* each request must be the next one of the recording */
  REPLAY_BY_URL    /* the first unused one of that method and URL, with the same
                      body rather than with another */
};

/* Reads the whole file (at most 256 MiB); ERR_INPUT names the line.  Method and
 * URL are compared as they are recorded, that is masked.  A request that fits
 * nothing ends with ERR_NOT_FOUND, which is final. */
struct transport *replay_transport_new (const char *path,
                                        enum replay_order order,
                                        const struct clock *clock,
                                        struct err **err) ATTR_USE;

/* How many recorded calls nobody has asked for. */
size_t replay_transport_unused (struct transport *t);

#endif
