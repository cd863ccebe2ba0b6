/* Could the file system take the changes that are planned?  Asked when a plan
 * is made, so that a report says what an apply would come to. */

#ifndef BOOTMEND_PLAN_ROOM_H
#define BOOTMEND_PLAN_ROOM_H

#include <base/err.h>

struct disk;

/* Refuses "no-space" if the new content would not fit, and "immutable" if a
 * file that changes, or its folder, may not be written by anyone (chattr +i,
 * +a). */
int plan_room_check (struct disk *disk, struct err **err) ATTR_USE;

/* After a write that failed: *err becomes a refusal if it was for want of space
 * or for an immutable file that was not seen before.  Returns -1. */
int plan_room_explain (struct disk *disk, const char *path, struct err **err);

#endif
