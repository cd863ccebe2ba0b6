/* Putting back what is missing or damaged: a file of the system, from the
 * component store or from elsewhere, and a whole registry hive. */

#ifndef BOOTMEND_RESTORE_H
#define BOOTMEND_RESTORE_H

#include <recipes/recipe.h>

struct disk;
struct change;

/* 1: *change says what is to be done; 0: nothing is missing; -1 */
int restore_plan (struct disk *disk, const struct recipe_action *action,
                  struct change *change, struct err **err) ATTR_USE;
int restore_plan_hive (struct disk *disk, const struct recipe_action *action,
                       struct change *change, struct err **err) ATTR_USE;

/* The newer of two folders of the component store, by the version in their
 * names ("..._10.0.20348.2_none_0b"): like strcmp. */
int restore_compare_versions (const char *a, const char *b);

#endif
