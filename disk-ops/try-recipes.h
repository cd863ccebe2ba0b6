/* What each of several recipes would do on one disk, for `inspect`. */

#ifndef BOOTMEND_TRY_RECIPES_H
#define BOOTMEND_TRY_RECIPES_H

#include <base/err.h>

struct disk;

/* Evaluates those of work->recipes that are for the system which is mounted at
 * "/" (read-only will do) and adds their rows to the result as "recipes"; see
 * "result" in protocol/protocol.h.  What one recipe can't do is its row's
 * outcome; -1 only if the appliance is gone. */
int try_recipes (struct disk *disk, struct err **err) ATTR_USE;

#endif
