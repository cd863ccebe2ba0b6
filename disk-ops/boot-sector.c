#include "boot-sector.h"

#include <string.h>

#include <recipes/digest.h>

#include "disk.h"
#include "ntfs-log.h"
#include "ntfs.h"

#define SECTOR 512

static bool
is_wanted (const struct recipe *recipe)
{
  for (size_t i = 0; i < recipe->n_actions; i++)
    if (recipe->actions[i].kind == ACTION_BOOT_SECTOR)
      return true;
  return false;
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

static bool
is_record_at (struct disk *disk, const struct volume *volume,
              const struct ntfs_boot *boot, uint64_t at)
{
  CLEANUP_FREE unsigned char *record =
      read_at (disk, volume, at, boot->record_bytes);

  return record && ntfs_record_is_whole (record, boot->record_bytes);
}

/* The copy, if all that it says is so; NULL: *why it is not used. */
static unsigned char *
proven_copy (struct disk *disk, const struct volume *volume, const char **why)
{
  int64_t size = guestfs_blockdev_getsize64 (disk->g, volume->device);
  CLEANUP_FREE unsigned char *copy = NULL;
  struct ntfs_boot boot;

  *why = "the copy can't be read";
  if (size < 2 * SECTOR)
    return NULL;
  copy = read_at (disk, volume, (uint64_t)size - SECTOR, SECTOR);
  if (copy == NULL)
    return NULL;
  *why = "the copy is no boot sector of a volume of this size";
  if (ntfs_boot_parse (copy, SECTOR, &boot) == -1 || copy[510] != 0x55 ||
      copy[511] != 0xaa || boot.volume_bytes + SECTOR != (uint64_t)size)
    return NULL;
  *why = "$MFT and $MFTMirr are not where the copy says";
  if (!is_record_at (disk, volume, &boot, boot.mft_offset) ||
      !is_record_at (disk, volume, &boot, boot.mirror_offset))
    return NULL;
  return TAKE (copy);
}

static int
mend (struct disk *disk, struct volume *volume, struct err **err)
{
  const char *why;
  CLEANUP_FREE unsigned char *copy = proven_copy (disk, volume, &why);
  CLEANUP_FREE unsigned char *old = NULL;

  if (copy == NULL) {
    if (guestfs_is_ready (disk->g) != 1)
      return disk_guest_error (disk, err, "%s", volume->name);
    disk_note (disk, "%s: its boot sector is damaged and stays so: %s",
               volume->name, why);
    return 0;
  }
  old = read_at (disk, volume, 0, SECTOR);
  if (old == NULL ||
      guestfs_pwrite_device (disk->g, volume->device, (const char *)copy,
                             SECTOR, 0) != SECTOR)
    return disk_guest_error (disk, err, "%s: boot sector", volume->name);
  volume->old_boot = TAKE (old);
  memset (&volume->log, 0, sizeof volume->log);
  ntfs_log_look (disk, volume);
  return 0;
}

int
boot_sector_mend (struct disk *disk, struct err **err)
{
  if (!is_wanted (disk->work->recipe))
    return 0;
  for (size_t i = 0; i < disk->volumes.all.len; i++) {
    struct volume *volume = &disk->volumes.all.ptr[i];

    if (volume->log.boot_damaged && mend (disk, volume, err) == -1)
      return -1;
  }
  return 0;
}

int
plan_boot_sector (struct disk *disk, const struct recipe_action *action,
                  struct match_found *found, struct err **err)
{
  (void)found;
  for (size_t i = 0; i < disk->volumes.all.len; i++) {
    const struct volume *volume = &disk->volumes.all.ptr[i];
    struct change change = {.action = action, .boot_of = volume};

    if (volume->old_boot == NULL)
      continue;
    change.to = xasprintf ("%s: boot sector", volume->name);
    disk_note (disk,
               "%s: its boot sector was damaged; the copy behind the volume "
               "takes its place. If the sectors after it are damaged as well, "
               "a BIOS does not start from it: bootsect /nt60 then writes them",
               volume->name);
    if (plan_push (disk, change, err) == -1)
      return -1;
  }
  return 0;
}
