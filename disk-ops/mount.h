/* Mounting one volume at "/" of the appliance, and knowing what came of it. */

#ifndef BOOTMEND_MOUNT_H
#define BOOTMEND_MOUNT_H

#include <stdbool.h>

#include <base/err.h>

struct disk;
struct volume;

/* Mounts with the driver that goes with the volume's kind and checks that a
 * mount to write can be written.  Refuses ("fs-damaged", "fs-read-only",
 * "hibernated") what can't be used. */
int mount_volume (struct disk *disk, const struct volume *volume, bool to_write,
                  struct err **err) ATTR_USE;

/* Syncs and unmounts; nothing mounted is fine. */
int mount_end (struct disk *disk, struct err **err) ATTR_USE;

/* The two below are for drivers that need more, as NTFS does.  mount_plain does
 * no check; mount_is_writable says 1, 0 (a silent read-only mount) or -1. */
int mount_plain (struct disk *disk, const struct volume *volume,
                 const char *options, struct err **err) ATTR_USE;
int mount_is_writable (struct disk *disk, struct err **err) ATTR_USE;

#endif
