/* Credentials that are refused because of this machine's clock: AWS's words for
 * that are the same as for a wrong secret. */

#ifndef BOOTMEND_SKEW_EXPLAIN_H
#define BOOTMEND_SKEW_EXPLAIN_H

#include <net/transport.h>

/* Adds to the message how wrong the clock is, if the reply's Date shows that it
 * is (net/skew.h); host: whose clock is believed. */
void skew_explain (struct err **err, const struct exchange *exchange,
                   const char *host);

#endif
