/* Resource ids of ARM: compared without case, because Azure itself gives the
 * same id in several spellings (managedDisk.id has its resource group in upper
 * case whatever it was created as).
 *
 * The engine compares ids as texts; so every id that goes out of this provider
 * is put into one spelling first: all lower case, but for the name of a disk or
 * snapshot, which a swap writes into the VM's model. */

#ifndef BOOTMEND_AZURE_IDS_H
#define BOOTMEND_AZURE_IDS_H

#include <stdbool.h>

#include <base/mem.h>

/* The one spelling, to be freed; `text` may be no id at all. */
char *azure_vm_id (const char *text);
char *azure_disk_id (const char *text);

/* /subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/TYPE/NAME with
 * nothing behind it and nothing that would mean something else in a URL. */
bool azure_is_id (const char *text, const char *type);
bool azure_is_name (const char *text, size_t len);

/* What follows a segment: azure_id_part (id, "resourceGroups"); NULL if it has
 * no such segment.  To be freed. */
char *azure_id_part (const char *id, const char *segment);
/* The last segment, within id. */
const char *azure_id_name (const char *id);
/* ".../resourceGroups/G/providers/Microsoft.Compute/TYPE/NAME" beside another
 * resource, in its group; in the one spelling.  NULL if `beside` is no id. */
char *azure_id_beside (const char *beside, const char *type, const char *name);

#endif
