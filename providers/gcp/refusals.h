/* What speaks against a repair, by name: one table, from what a look found. */

#ifndef BOOTMEND_GCP_REFUSALS_H
#define BOOTMEND_GCP_REFUSALS_H

#include <providers/provider.h>

/* Adds refusals and warnings to a whole record. */
void gcp_judge (const struct binding *b, json_t *vm);

/* The codes, for tests and documents; NULL after the last. */
const char *gcp_refusal_code (size_t i);
const char *gcp_warning_code (size_t i);

#endif
