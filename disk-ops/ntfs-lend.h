/* A look at an NTFS volume whose $MFTMirr is not what $MFT is.
 *
 * ntfs-3g mounts such a volume in no way, so a look would say no where an
 * apply, which has ntfsfix mend the mirror first, says yes.  For as long as it
 * is mounted to look the volume gets, in the overlay, the mirror that ntfsfix
 * would give it; when it is unmounted it gets back what was there, so that a
 * volume that was only looked at is not changed by the commit either. */

#ifndef BOOTMEND_NTFS_LEND_H
#define BOOTMEND_NTFS_LEND_H

#include <stddef.h>
#include <stdint.h>

#include <base/err.h>

struct disk;
struct volume;

/* What a volume has been lent the place of. */
struct ntfs_lent {
  const struct volume *volume; /* NULL: nothing is lent */
  uint64_t offset;
  unsigned char *bytes;
  size_t len;
};
void ntfs_lent_release (struct ntfs_lent *lent);

/* Mounts read-only at "/". */
int ntfs_mount_to_look (struct disk *disk, const struct volume *volume,
                        struct err **err) ATTR_USE;

/* After the unmount; nothing lent is fine. */
int ntfs_take_back (struct disk *disk, struct err **err) ATTR_USE;

#endif
