/* What must be true after a repair: the recipe's checks, and that every change
 * of the plan has really happened. */

#ifndef BOOTMEND_CHECK_H
#define BOOTMEND_CHECK_H

#include <base/err.h>

struct disk;

/* ERR_DISK names the first check that does not hold. */
int check_recipe (struct disk *disk, struct err **err) ATTR_USE;
int check_changes (struct disk *disk, struct err **err) ATTR_USE;

#endif
