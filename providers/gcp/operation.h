/* Operations: what Compute goes on with after it has accepted a change.
 *
 * One can fail long after its HTTP 200, and what VMs and disks show then tells
 * that nothing happened, not why.  Rows whose late errors matter (no room for a
 * start, too many snapshots, a disk that the helper's machine can't take) are
 * followed: their next requests read the operation, in.page.follow {operation,
 * tries}, a few times; an operation that still runs then is left to the looks
 * at what it changes (providers/provider.h).  Only those that move disks are
 * followed to their end: what may still take a disk away is waited for.
 *
 *   build:  if (gcp_follow_build (b, in, req)) return 0;
 *   parse:  return gcp_followed (GCP_START, in, reply, out, err);
 *
 * instances.wait would hold a connection for up to 2 minutes and counts as a
 * heavy read; a read of an operation has a quota of its own.
 * [Compute, "API rate limits"] */

#ifndef BOOTMEND_GCP_OPERATION_H
#define BOOTMEND_GCP_OPERATION_H

#include "call.h"

/* True: this request reads the operation; req is filled. */
bool gcp_follow_build (const struct binding *b, const json_t *in,
                       struct http_request *req);

/* The reply to the change, or to a read of its operation.  *out is {} or has
 * what comes next; the caller may add to it.  A late error is never one that is
 * worth asking again for: ERR_CONFLICT stands for what the next attempt may
 * mend. */
int gcp_followed (enum gcp_method method, const json_t *in,
                  const struct http_reply *reply, json_t **out,
                  struct err **err);

#endif
