/* The rows of the table in azure-provider.c; looks are in look.h.  `in` and
 * `out` as providers/provider.h says. */

#ifndef BOOTMEND_AZURE_OPS_H
#define BOOTMEND_AZURE_OPS_H

#include "call.h"

extern const struct azure_op azure_op_identify, azure_op_stop, azure_op_start,
    azure_op_mark, azure_op_unmark, azure_op_keep, azure_op_helper_attach,
    azure_op_helper_detach, azure_op_disk_from, azure_op_snapshot,
    azure_op_swap, azure_op_delete, azure_op_snapshots, azure_op_preflight,
    azure_op_diagnostics, azure_op_find_created;

/* All of them, ended by NULL: what `bootmend policy azure` makes a role of. */
extern const struct azure_op *const azure_ops[];

/* Boot diagnostics: a call of ARM, then the blobs that it names. */
#define AZURE_ROW(name)                                                        \
  int azure_##name##_build (const struct binding *b, const json_t *in,         \
                            struct http_request *req, struct err **err);       \
  int azure_##name##_parse (const struct binding *b, const json_t *in,         \
                            const struct http_reply *reply, json_t **out,      \
                            struct err **err)
AZURE_ROW (serial_log);
AZURE_ROW (screenshot);

int azure_preflight_parse (const struct binding *b, const json_t *in,
                           const struct http_reply *reply, json_t **out,
                           struct err **err);

#endif
