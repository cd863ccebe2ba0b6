/* Why a VM is left alone, or what is worth knowing before: a table of rules
 * over records (record.h). */

#ifndef BOOTMEND_AZURE_REFUSALS_H
#define BOOTMEND_AZURE_REFUSALS_H

#include <base/json.h>

/* Adds refusals and warnings to a record with everything in it. */
void azure_judge (json_t *vm);
/* Those of the management locks of its resource group (OP_PREFLIGHT). */
void azure_judge_locks (json_t *vm, const json_t *locks);

#endif
