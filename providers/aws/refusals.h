/* What must be known of an instance before it is stopped: a table of refusals
 * and one of warnings, each with a stable code and a text that says what to do.
 *
 * A row looks at a record and its facts (record.h, find.h).  What one call a VM
 * tells (stop protection) is OP_PREFLIGHT's, see op-preflight.c. */

#ifndef BOOTMEND_AWS_REFUSALS_H
#define BOOTMEND_AWS_REFUSALS_H

#include <base/json.h>

/* Adds refusals and warnings to the record. */
void aws_judge (json_t *vm);

/* Codes by number, NULL after the last: for tests and docs. */
const char *aws_refusal_code (size_t i);
const char *aws_warning_code (size_t i);

#endif
