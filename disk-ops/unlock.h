/* Opening encrypted volumes: in the appliance, with keys that come from the
 * controller when it has been told which protectors there are.
 *
 * BitLocker: the key of the volume is computed here, and device-mapper in the
 * appliance gets a table (bitlocker/mapping.h).  That takes no cryptsetup, so
 * volumes open that the appliance's release of it does not know, and a
 * recovery password is stretched at the machine's own speed.  LUKS:
 * cryptsetup, which knows all of its forms. */

#ifndef BOOTMEND_DISK_UNLOCK_H
#define BOOTMEND_DISK_UNLOCK_H

#include <base/err.h>

struct disk;
struct volume;

/* The name of a volume's device for commands in the appliance, which are not
 * told libguestfs' own names: the kernel may have found the disks in another
 * order. */
char *unlock_device_inside (const struct disk *disk,
                            const struct volume *volume);

/* Unlocks what it can of the volumes from `from` on, and adds what is in them
 * as volumes; what stays closed says why (struct encryption), which is no
 * error. */
int unlock_volumes (struct disk *disk, size_t from, struct err **err) ATTR_USE;

/* Closes what was opened; nothing may be mounted. */
int unlock_end (struct disk *disk, struct err **err);

#endif
