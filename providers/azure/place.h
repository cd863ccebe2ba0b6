/* Where disks are on a helper: LUNs, and the device links that Azure's udev
 * rules make of them. */

#ifndef BOOTMEND_AZURE_PLACE_H
#define BOOTMEND_AZURE_PLACE_H

#include <providers/provider.h>

char **azure_helper_paths (const json_t *disk, const char *slot,
                           const char *devices);
json_t *azure_helper_slots (const json_t *helper);
json_t *azure_helper_expect (const json_t *helper, const char *devices);
bool azure_is_vm_id (const char *id);

#endif
