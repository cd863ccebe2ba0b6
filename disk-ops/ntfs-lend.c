#include "ntfs-lend.h"

#include <string.h>

#include "disk.h"
#include "mount.h"
#include "ntfs-log.h"

void
ntfs_lent_release (struct ntfs_lent *lent)
{
  free (lent->bytes);
  memset (lent, 0, sizeof *lent);
}

static unsigned char *
read_at (struct disk *disk, const struct volume *volume, uint64_t at,
         size_t bytes)
{
  size_t len;
  unsigned char *got =
      (unsigned char *)guestfs_pread_device (disk->g, volume->device,
                                             (int)bytes, (int64_t)at, &len);

  if (got && len == bytes)
    return got;
  free (got);
  return NULL;
}

static int
write_at (struct disk *disk, const struct volume *volume, uint64_t at,
          const unsigned char *bytes, size_t len, struct err **err)
{
  int n = guestfs_pwrite_device (disk->g, volume->device, (const char *)bytes,
                                 len, (int64_t)at);

  if (n == -1 || (size_t)n != len)
    return disk_guest_error (disk, err, "%s: write", volume->name);
  return 0;
}

/* Only where each of the records is whole: else the mirror may be the better
 * one, and which it is decides ntfsfix. */
static bool
are_whole (const unsigned char *records, const struct ntfs_boot *boot)
{
  for (size_t i = 0; i < NTFS_MIRRORED_RECORDS; i++) {
    CLEANUP_FREE unsigned char *record =
        xmemdup (records + i * boot->record_bytes, boot->record_bytes);

    if (!ntfs_record_is_whole (record, boot->record_bytes))
      return false;
  }
  return true;
}

static int
lend_mirror (struct disk *disk, const struct volume *volume, struct err **err)
{
  CLEANUP_FREE unsigned char *sector = read_at (disk, volume, 0, 512);
  CLEANUP_FREE unsigned char *records = NULL;
  struct ntfs_boot boot;
  size_t len;

  if (sector == NULL || ntfs_boot_parse (sector, 512, &boot) == -1)
    return 0;
  len = NTFS_MIRRORED_RECORDS * boot.record_bytes;
  records = read_at (disk, volume, boot.mft_offset, len);
  if (records == NULL || !are_whole (records, &boot))
    return 0;
  ntfs_lent_release (&disk->lent);
  disk->lent.bytes = read_at (disk, volume, boot.mirror_offset, len);
  if (disk->lent.bytes == NULL)
    return 0;
  disk->lent.volume = volume;
  disk->lent.offset = boot.mirror_offset;
  disk->lent.len = len;
  return write_at (disk, volume, boot.mirror_offset, records, len, err);
}

int
ntfs_mount_to_look (struct disk *disk, const struct volume *volume,
                    struct err **err)
{
  if (volume->log.mirror == NTFS_COPY_DIFFERS &&
      lend_mirror (disk, volume, err) == -1)
    return -1;
  if (mount_plain (disk, volume, "ro", err) == 0)
    return 0;
  (void)!ntfs_take_back (disk, NULL);
  return -1;
}

int
ntfs_take_back (struct disk *disk, struct err **err)
{
  struct ntfs_lent lent = disk->lent;
  int r = 0;

  memset (&disk->lent, 0, sizeof disk->lent);
  if (lent.volume)
    r = write_at (disk, lent.volume, lent.offset, lent.bytes, lent.len, err);
  ntfs_lent_release (&lent);
  return r;
}
