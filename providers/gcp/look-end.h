/* What the phases of a look at VMs share with its end; look-vms.c says what is
 * in its state. */

#ifndef BOOTMEND_GCP_LOOK_END_H
#define BOOTMEND_GCP_LOOK_END_H

#include <providers/provider.h>

/* Whether the disks are looked at, too. */
bool gcp_look_is_whole (const json_t *in);
/* A list in the state, made when it is needed; borrowed. */
json_t *gcp_look_list (json_t *state, const char *key);
/* out of a page whose records are whole; may hand out "next". */
json_t *gcp_look_end (const struct binding *b, const json_t *in, json_t *state);

#endif
