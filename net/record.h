/* A transport that writes down what passes through it, for bug reports and
 * tests: one JSON object a line, secrets masked (mask.h).
 *
 * {"v": 1, "request": {"method", "url", "headers": [[name, value]], "body"},
 *  "reply": {"status", "headers", "body"} or "error": {"code", "message"},
 *  "sent": bool, "started_ms", "ended_ms"}
 *
 * A body that is no UTF-8 is "body_hex". */

#ifndef BOOTMEND_RECORD_H
#define BOOTMEND_RECORD_H

#include "transport.h"

/* Appends to path (made with mode 0600); takes over `below`, also on error. */
struct transport *record_transport_new (struct transport *below,
                                        const char *path,
                                        struct err **err) ATTR_USE;

/* The first failure to write, after which nothing more is recorded; NULL if
 * there was none.  A recording that fails does not disturb the repair. */
const struct err *record_transport_failure (struct transport *t);

#endif
