/* Every request that the provider can build, for tests that look at all of
 * them: rows from plain data, and every phase of the looks. */

#ifndef BOOTMEND_TEST_AWS_REQUESTS_H
#define BOOTMEND_TEST_AWS_REQUESTS_H

#include <providers/provider.h>

/* Calls `see` for each; `what` says which, "stop" or "find/volumes". */
void each_request (void (*see) (void *opaque, const char *what,
                                const struct http_request *req),
                   void *opaque);

/* "StopInstances": of the form, or of KMS's header; to be freed. */
char *action_of (const struct http_request *req);

#endif
