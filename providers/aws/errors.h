/* What AWS's error replies mean for us: one table from codes to verdicts.
 *
 * Matched on the code, never on the text (which changes), but the ids that a
 * text names are read: EC2 fails a call on many instances as a whole and names
 * those at fault. */

#ifndef BOOTMEND_AWS_ERRORS_H
#define BOOTMEND_AWS_ERRORS_H

#include <base/json.h>
#include <net/http.h>

#include "actions.h"

enum aws_verdict {
  AWS_FAILED,
  AWS_DRY_RUN, /* it would have been allowed */
  AWS_NAMED    /* a failure of what the reply's text names, nothing done */
};

/* Sets the error of a reply that is not 2xx: "IncorrectState: its text (what to
 * do)". */
enum aws_verdict aws_error (const struct aws_action_row *action,
                            const struct http_reply *reply, struct err **err);

/* The reply is a success by its status, but its body makes no sense (*why says
 * how): says who may have sent it, and that an effect is possible. */
void aws_error_of_nonsense (const struct aws_action_row *action,
                            const struct http_reply *reply, struct err **why);

/* The code and text of an error reply, both to be freed; NULL if it has none.
 */
void aws_error_parts (const struct http_reply *reply, char **code, char **text);

/* For calls on many VMs (in.vms): out {failed: [...]} if the reply is a failure
 * of some of them; -1 and the error of the whole call else. */
int aws_batch_failed (const struct aws_action_row *action, const json_t *in,
                      const struct http_reply *reply, json_t **out,
                      struct err **err);

#endif
