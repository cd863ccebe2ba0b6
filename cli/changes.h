/* What was changed on a disk, in a few words for a table. */

#ifndef BOOTMEND_CHANGES_H
#define BOOTMEND_CHANGES_H

#include <base/json.h>

/* From the rows of a result's "changes": "deleted a.sys, b.sys and 3 more,
 * renamed CrowdStrike to CrowdStrike.off"; with `would` "would delete ...".
 * Names without their folders: whole paths are in the JSON and the report.  ""
 * if there are none.  To be freed. */
char *changes_text (const json_t *changes, bool would);

#endif
