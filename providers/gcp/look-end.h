/* What the phases of a look at VMs share with its end; look-vms.c says what is
 * in its state. */

#ifndef BOOTMEND_GCP_LOOK_END_H
#define BOOTMEND_GCP_LOOK_END_H

#include <providers/provider.h>

/* Whether the disks are looked at, too. */
bool gcp_look_is_whole (const json_t *in);
/* out of a page whose records are whole; may hand out "next". */
json_t *gcp_look_end (const struct binding *b, const json_t *in, json_t *state);

/* look-consoles.c: which of state.vms fail to boot. */
bool gcp_consoles_next (json_t *state);
int gcp_consoles_build (const struct binding *b, const json_t *in,
                        const json_t *state, struct http_request *req,
                        struct err **err) ATTR_USE;
int gcp_consoles_read (json_t *state, const struct http_reply *reply,
                       struct err **err) ATTR_USE;
void gcp_consoles_choose (json_t *state);
/* The line of a console that says why it does not boot; NULL: none does. */
char *gcp_console_complaint (const char *text);

#endif
