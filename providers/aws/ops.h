/* The rows of the table in aws-provider.c that are one request each; what takes
 * several is in look.h.  `in` and `out` as providers/provider.h says. */

#ifndef BOOTMEND_AWS_OPS_H
#define BOOTMEND_AWS_OPS_H

#include "call.h"

/* One row: which action, what goes into the form, what the reply means. */
struct aws_op {
  enum aws_action action;
  int (*fill) (const struct binding *b, const json_t *in, struct strbuf *form,
               struct err **err);
  /* NULL: out is {}. */
  int (*read) (const json_t *in, const json_t *root, json_t **out,
               struct err **err);
  /* About in.vms: a failure of some is no failure of all; out is {failed}. */
  bool batch;
  /* An error reply with this code means that all is done; NULL: none. */
  const char *done_code;
};

extern const struct aws_op aws_op_identify, aws_op_stop, aws_op_start,
    aws_op_mark, aws_op_unmark, aws_op_detach_os, aws_op_attach_os,
    aws_op_restore, aws_op_helper_attach, aws_op_helper_detach, aws_op_snapshot,
    aws_op_disk_from, aws_op_swap, aws_op_delete_snapshot, aws_op_delete_volume,
    aws_op_keep, aws_op_unkeep, aws_op_leave_group, aws_op_join_group,
    aws_op_screenshot;

int aws_op_build (const struct aws_op *op, const struct binding *b,
                  const json_t *in, struct http_request *req, struct err **err);
int aws_op_parse (const struct aws_op *op, const json_t *in,
                  const struct http_reply *reply, json_t **out,
                  struct err **err);

/* Those with more than one request or kind of request. */
#define AWS_ROW(name)                                                          \
  int aws_##name##_build (const struct binding *b, const json_t *in,           \
                          struct http_request *req, struct err **err);         \
  int aws_##name##_parse (const struct binding *b, const json_t *in,           \
                          const struct http_reply *reply, json_t **out,        \
                          struct err **err)
AWS_ROW (delete);
AWS_ROW (keep);
AWS_ROW (snapshots);
AWS_ROW (preflight);
AWS_ROW (serial_log);
AWS_ROW (find_created);

#endif
