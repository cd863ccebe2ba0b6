#include "signature.h"

#include <string.h>

#include <base/bytes.h>

const struct volume_kind_info volume_kinds[VOLUME_KINDS] = {
    [VOLUME_UNKNOWN] = {"unknown", NULL, false, false},
    [VOLUME_NTFS] = {"ntfs", "ntfs", false, true},
    [VOLUME_EXT] = {"ext4", "ext4", false, false},
    [VOLUME_XFS] = {"xfs", "xfs", false, false},
    [VOLUME_BTRFS] = {"btrfs", "btrfs", false, false},
    [VOLUME_VFAT] = {"vfat", "vfat", false, true},
    [VOLUME_EXFAT] = {"exfat", NULL, false, true},
    [VOLUME_REFS] = {"refs", NULL, false, true},
    [VOLUME_SWAP] = {"swap", NULL, false, false},
    [VOLUME_ISO9660] = {"iso9660", NULL, false, false},
    [VOLUME_BITLOCKER] = {"BitLocker", NULL, true, false},
    [VOLUME_LUKS] = {"LUKS", NULL, true, false},
    [VOLUME_LVM_PV] = {"LVM2_member", NULL, false, false},
    [VOLUME_MD_MEMBER] = {"linux_raid_member", NULL, false, false},
};

/* Order matters: a boot sector of BitLocker or LUKS can lie over the remains
 * of an older file system, never the other way round. */
static const struct {
  size_t offset;
  const char *bytes;
  size_t len;
  enum volume_kind kind;
} signatures[] = {
    {3, "-FVE-FS-", 8, VOLUME_BITLOCKER},
    /* BitLocker To Go looks like FAT; its GUID follows at 424 (first 8 bytes
     * of 4967d63b-2e29-4ad8-8399-f6a339e3d001 as stored) */
    {424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a", 8, VOLUME_BITLOCKER},
    {0, "LUKS\xba\xbe", 6, VOLUME_LUKS},
    {3, "NTFS    ", 8, VOLUME_NTFS},
    {3, "EXFAT   ", 8, VOLUME_EXFAT},
    {3, "ReFS\0\0\0\0", 8, VOLUME_REFS},
    {0, "XFSB", 4, VOLUME_XFS},
    {65536 + 64, "_BHRfS_M", 8, VOLUME_BTRFS},
    /* The label may be in any of the first 4 sectors. */
    {0, "LABELONE", 8, VOLUME_LVM_PV},
    {512, "LABELONE", 8, VOLUME_LVM_PV},
    {1024, "LABELONE", 8, VOLUME_LVM_PV},
    {1536, "LABELONE", 8, VOLUME_LVM_PV},
    {4096, "\xfc\x4e\x2b\xa9", 4, VOLUME_MD_MEMBER},
    {0, "\xfc\x4e\x2b\xa9", 4, VOLUME_MD_MEMBER},
    {4086, "SWAPSPACE2", 10, VOLUME_SWAP},
    {0x438, "\x53\xef", 2, VOLUME_EXT},
    {32769, "CD001", 5, VOLUME_ISO9660},
    {82, "FAT32   ", 8, VOLUME_VFAT},
    {54, "FAT16   ", 8, VOLUME_VFAT},
    {54, "FAT12   ", 8, VOLUME_VFAT},
};

static bool
has (const unsigned char *bytes, size_t len, size_t offset, const char *what,
     size_t what_len)
{
  return len >= offset + what_len &&
         memcmp (bytes + offset, what, what_len) == 0;
}

enum volume_kind
volume_kind_of (const unsigned char *bytes, size_t len)
{
  for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
    if (has (bytes, len, signatures[i].offset, signatures[i].bytes,
             signatures[i].len))
      return signatures[i].kind;
  return VOLUME_UNKNOWN;
}

/* Offsets: UEFI specification, "Protective MBR" and "GPT header": the sector of
 * the header's copy, which is the last of the disk, is at 32. */
void
table_look (const unsigned char *bytes, size_t len, struct table_look *look)
{
  enum volume_kind kind = volume_kind_of (bytes, len);

  look->kind = TABLE_NONE;
  look->last_sector = 0;
  if (has (bytes, len, 512, "EFI PART", 8)) {
    look->kind = TABLE_GPT;
    look->last_sector = le64 (bytes + 512 + 32);
    return;
  }
  /* A FAT or NTFS boot sector ends in 55 aa as well. */
  if (!has (bytes, len, 510, "\x55\xaa", 2) || kind == VOLUME_NTFS ||
      kind == VOLUME_VFAT || kind == VOLUME_BITLOCKER || kind == VOLUME_EXFAT)
    return;
  for (int i = 0; i < 4; i++) {
    const unsigned char *entry = bytes + 446 + 16 * i;
    uint64_t start = le32 (entry + 8), sectors = le32 (entry + 12);

    /* 0xee stands for a GPT, and says "all of the disk" even where it is too
     * small a number or too large */
    if (entry[4] == 0 || sectors == 0 || entry[4] == 0xee)
      continue;
    look->kind = TABLE_MBR;
    if (start + sectors - 1 > look->last_sector)
      look->last_sector = start + sectors - 1;
  }
}

const char *
container_of (const unsigned char *bytes, size_t len)
{
  static const struct {
    const char *bytes;
    size_t len;
    const char *name;
  } containers[] = {{"QFI\xfb", 4, "qcow2"},
                    {"KDMV", 4, "VMDK"},
                    {"# Disk De", 9, "VMDK"},
                    {"vhdxfile", 8, "VHDX"},
                    {"conectix", 8, "VHD"},
                    {"<<< ", 4, "VDI"},
                    {"\x1f\x8b", 2, "gzip"},
                    {"\xfd"
                     "7zXZ",
                     5, "xz"},
                    {"\x28\xb5\x2f\xfd", 4, "zstd"},
                    {"PK\3\4", 4, "zip"}};

  for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++)
    if (has (bytes, len, 0, containers[i].bytes, containers[i].len))
      return containers[i].name;
  return NULL;
}
