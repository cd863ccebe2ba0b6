/* What Compute's error replies mean for us: one table from reasons to verdicts.
 *
 * The same cause comes in two spellings: as a reason of a reply
 * ("resourceInUseByAnotherResource") and as a code inside an operation
 * ("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"); they are compared without case and
 * underscores. */

#ifndef BOOTMEND_GCP_ERRORS_H
#define BOOTMEND_GCP_ERRORS_H

#include <base/json.h>
#include <net/http.h>

#include "methods.h"

/* Of a reply that is not 2xx. */
int gcp_error (const struct gcp_method_row *row, const struct http_reply *reply,
               struct err **err);
/* Of a 2xx reply that is no JSON object. */
int gcp_error_of_nonsense (const struct gcp_method_row *row,
                           const struct http_reply *reply, struct err **err);
/* true, and an error, if this operation has failed. */
bool gcp_operation_failed (const struct gcp_method_row *row,
                           const json_t *operation, struct err **err);

#endif
