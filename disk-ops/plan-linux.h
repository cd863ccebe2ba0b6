/* What the actions for Linux would change: planned as all actions are (plan.h),
 * from the content of the guest's files as plain text. */

#ifndef BOOTMEND_PLAN_LINUX_H
#define BOOTMEND_PLAN_LINUX_H

#include <base/err.h>

struct disk;
struct recipe_action;
struct match_found;

int plan_set_line (struct disk *disk, const struct recipe_action *action,
                   struct match_found *found, struct err **err) ATTR_USE;
int plan_remove_line (struct disk *disk, const struct recipe_action *action,
                      struct match_found *found, struct err **err) ATTR_USE;
int plan_link (struct disk *disk, const struct recipe_action *action,
               struct match_found *found, struct err **err) ATTR_USE;
int plan_fstab (struct disk *disk, const struct recipe_action *action,
                struct match_found *found, struct err **err) ATTR_USE;
int plan_previous_kernel (struct disk *disk, const struct recipe_action *action,
                          struct match_found *found, struct err **err) ATTR_USE;
int plan_free_space (struct disk *disk, const struct recipe_action *action,
                     struct match_found *found, struct err **err) ATTR_USE;

#endif
