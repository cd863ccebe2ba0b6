/* The volumes of one disk: partitions, a whole-disk file system, logical
 * volumes. */

#ifndef BOOTMEND_VOLUMES_H
#define BOOTMEND_VOLUMES_H

#include <base/json.h>
#include <base/vec.h>

#include "encryption.h"
#include "ext-state.h"
#include "ntfs-log.h"
#include "signature.h"

struct disk;

struct volume {
  char *device;    /* in the appliance: /dev/sda1, /dev/vg/lv */
  char *subvolume; /* of a btrfs, or NULL */
  char *name;      /* for people: "partition 2", "whole disk", "vg/lv" */
  enum volume_kind kind;
  struct ntfs_log log;     /* of NTFS */
  unsigned char *old_boot; /* its damaged boot sector, if that was mended */
  struct ext_state ext;    /* of ext2, ext3, ext4 */
  struct encryption *encryption; /* of an encrypted one, else NULL */
};
DEFINE_VEC (struct volume, volume_vec);

struct volumes {
  enum table_kind table;
  struct volume_vec all;
};

void volumes_release (struct volumes *volumes);

/* Fills disk->volumes.  Refuses what is no disk, or ends before its partitions
 * do.  `partitions` is what the appliance's kernel sees on all of its disks. */
int volumes_find (struct disk *disk, char *const *partitions,
                  struct err **err) ATTR_USE;

/* Adds a volume after a look at its first bytes; there must be room. */
int volumes_add (struct disk *disk, const char *device, char *name_taken,
                 struct err **err) ATTR_USE;

/* Adds the logical volumes of this disk, and of what was unlocked on it. */
int volumes_find_logical (struct disk *disk, struct err **err) ATTR_USE;

/* Volumes are pointed at, so their array never moves; is there a place left? */
bool volumes_have_room (const struct volumes *volumes);

const char *table_kind_name (enum table_kind kind);

#endif
