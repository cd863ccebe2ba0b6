/* The boot sector of an NTFS volume, put back from the copy behind the volume.
 *
 * A volume without it can't be mounted, so it is mended (in the overlay, as all
 * is) before the system is looked for, if the recipe says so; the plan then has
 * a row for each volume that was mended.  An undo by bytes brings the damaged
 * sector back; one by files leaves the good one, since the volume has been used
 * with it. */

#ifndef BOOTMEND_BOOT_SECTOR_H
#define BOOTMEND_BOOT_SECTOR_H

#include <base/err.h>
#include <recipes/recipe.h>

struct disk;
struct match_found;

/* If the recipe has the action: all volumes whose copy proves right.  One whose
 * copy does not is told in a note. */
int boot_sector_mend (struct disk *disk, struct err **err) ATTR_USE;

int plan_boot_sector (struct disk *disk, const struct recipe_action *action,
                      struct match_found *found, struct err **err) ATTR_USE;

#endif
