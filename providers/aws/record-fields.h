/* Single members of EC2's replies (XML as JSON: every value is a text) on their
 * way into records. */

#ifndef BOOTMEND_AWS_RECORD_FIELDS_H
#define BOOTMEND_AWS_RECORD_FIELDS_H

#include <stdbool.h>

#include <base/json.h>

#define GIB (INT64_C (1) << 30)

/* "true" */
bool aws_field_flag (const json_t *json, const char *path);
/* -1: it is no number. */
int64_t aws_field_number (const json_t *json, const char *path);
/* Copies a text that is not empty. */
void aws_field_copy (json_t *to, const char *key, const json_t *from,
                     const char *path);

/* What must be the same of a volume after it has been elsewhere. */
json_t *aws_volume_attributes (const json_t *volume);

#endif
