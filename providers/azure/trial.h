/* in.dry_run of a change: is its right granted?  Nothing is changed. */

#ifndef BOOTMEND_AZURE_TRIAL_H
#define BOOTMEND_AZURE_TRIAL_H

#include "call.h"

/* The question in place of `call`, which is used up. */
int azure_trial_build (const struct binding *b, struct azure_call *call,
                       struct http_request *req, struct err **err);
/* ERR_DENIED: `right` is missing; any other error: that is not known. */
int azure_trial_parse (const char *right, const struct http_reply *reply,
                       json_t **out, struct err **err);

#endif
