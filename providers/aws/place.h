/* Where disks are on a helper, and how many it takes. */

#ifndef BOOTMEND_AWS_PLACE_H
#define BOOTMEND_AWS_PLACE_H

#include <base/json.h>

/* Device names for the free slots of a helper, best first; its record must come
 * from OP_FIND or a describe with preflight. */
json_t *aws_helper_slots (const json_t *helper);
bool aws_is_vm_id (const char *id);
/* Paths below `devices` where a disk in that slot may show up; strv. */
char **aws_helper_paths (const json_t *disk, const char *slot,
                         const char *devices);

#endif
