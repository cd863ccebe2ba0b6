/* Which devices of an fstab are on the disk that is repaired.
 *
 * A helper has only the OS disk of a VM: what is on its data disks can't be
 * told from what is nowhere.  That is no harm where the answer only decides
 * whether the boot has to wait for it. */

#ifndef BOOTMEND_LINUX_DEVICES_H
#define BOOTMEND_LINUX_DEVICES_H

#include <base/json.h>

#include "lines.h"

struct disk;

struct linux_devices {
  json_t *names; /* {"UUID=...": device, "/dev/mapper/vg-lv": device, ...} */
  bool luks;     /* what is in LUKS has a name that only its crypttab knows */
};

int linux_devices_find (struct disk *disk, struct linux_devices *devices,
                        struct err **err) ATTR_USE;
void linux_devices_release (struct linux_devices *devices);

/* The first field of an fstab entry: UUID=, LABEL=, PARTUUID=, PARTLABEL=, also
 * as /dev/disk/by-*, or a logical volume.  FSTAB_NO_DISK for all that has no
 * stable name: "/dev/sdb1" may be this disk or another, and so may
 * "/dev/mapper/home" where there is LUKS. [fstab(5)] */
enum fstab_device linux_device_where (const struct linux_devices *devices,
                                      const char *spec);

/* Mounts the system's /boot, if it has a volume of its own on this disk, as "/"
 * is mounted, to write or not; done already, and no such volume, are fine. */
int linux_boot_mount (struct disk *disk, struct err **err) ATTR_USE;

/* "vg-lv" with its hyphens doubled, as device-mapper names it; to be freed. */
char *linux_mapper_name (const char *vg, const char *lv);

#endif
