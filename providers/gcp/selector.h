/* Words that name VMs of Google Cloud, as a selector:
 *
 *   {text, project, ids: [{zone: Z or absent, name}], names: [pattern],
 *    zones: [z], labels: [{key, pattern}], groups: [id], filters: [expression],
 *    not: [{by: "name" | "label", key, pattern}], all: bool}
 *
 * ids are added up; all else must fit, and of one kind any.  Names and labels
 * are compared here, too: the server's filter only makes the lists shorter. */

#ifndef BOOTMEND_GCP_SELECTOR_H
#define BOOTMEND_GCP_SELECTOR_H

#include <stdbool.h>

#include <base/json.h>
#include <base/strbuf.h>

extern const char gcp_selector_help[];

int gcp_selector_parse (const char *words, json_t **selector, struct err **err);
json_t *gcp_binding_words (json_t *selector);

/* Whether a record fits; `members` are the ids of the groups' VMs, NULL if no
 * group was named. */
bool gcp_selector_fits (const json_t *selector, const json_t *members,
                        const json_t *vm);
/* What Compute is asked for; nothing: everything. */
void gcp_selector_filter (const json_t *selector, struct strbuf *filter);

#endif
