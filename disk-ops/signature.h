/* What the first bytes of a volume or disk say that it is.
 *
 * Only fixed places are compared and no number of the guest's is trusted
 * beyond a range check, so this is safe outside the appliance.  The answer
 * decides which driver is *named* at the mount; it is the driver that then
 * judges the volume. */

#ifndef BOOTMEND_SIGNATURE_H
#define BOOTMEND_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_BYTES (65536 + 4096) /* as far as any of them looks */

enum volume_kind {
  VOLUME_UNKNOWN,
  VOLUME_NTFS,
  VOLUME_EXT, /* ext2, ext3, ext4 */
  VOLUME_XFS,
  VOLUME_BTRFS,
  VOLUME_VFAT,
  VOLUME_EXFAT,
  VOLUME_REFS,
  VOLUME_SWAP,
  VOLUME_ISO9660,
  VOLUME_BITLOCKER,
  VOLUME_LUKS,
  VOLUME_LVM_PV,
  VOLUME_MD_MEMBER,
  VOLUME_KINDS
};

/* A kind's name ("ntfs"), the driver to mount it with (NULL: it can't be), and
 * what it is. */
struct volume_kind_info {
  const char *name;
  const char *driver;
  bool encrypted;
  bool fold_case; /* names are looked up without regard to case */
};
extern const struct volume_kind_info volume_kinds[VOLUME_KINDS];

/* From the first bytes of a volume; fewer than SIGNATURE_BYTES only if the
 * volume is smaller. */
enum volume_kind volume_kind_of (const unsigned char *bytes, size_t len);

/* The partition table of a disk. */
enum table_kind {
  TABLE_NONE,
  TABLE_MBR,
  TABLE_GPT
};

struct table_look {
  enum table_kind kind;
  /* the last sector that the table speaks of, 0 if none: a disk that ends
   * before it is truncated */
  uint64_t last_sector;
};

/* From the first 2 sectors of 512 bytes (1,024 bytes).  A disk whose first
 * sector is a file system's boot sector has no table. */
void table_look (const unsigned char *bytes, size_t len,
                 struct table_look *look);

/* Another container format at the start of what should be a raw disk ("qcow2",
 * "VMDK", ...); NULL: none known. */
const char *container_of (const unsigned char *bytes, size_t len);

#endif
