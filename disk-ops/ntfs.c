#include "ntfs.h"

#include <errno.h>
#include <string.h>

#include <base/text.h>

#include "disk.h"
#include "guest-path.h"
#include "mount.h"
#include "ntfs-fix.h"
#include "ntfs-lend.h"
#include "ntfs-log.h"
#include "refuse.h"

#define HIBER_HEADER 4096
#define DIRTY_FLAG   0x0001

static int
read_record (struct disk *disk, const struct volume *volume,
             const struct ntfs_boot *boot, unsigned number,
             unsigned char **record, size_t *len)
{
  uint64_t at = boot->mft_offset + (uint64_t)number * boot->record_bytes;

  *record = (unsigned char *)guestfs_pread_device (disk->g, volume->device,
                                                   (int)boot->record_bytes,
                                                   (int64_t)at, len);
  return *record && *len == boot->record_bytes ? 0 : -1;
}

static unsigned char *
read_at (struct disk *disk, const struct volume *volume, uint64_t at,
         uint64_t bytes)
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

static enum ntfs_copy
compare (const unsigned char *a, const unsigned char *b, size_t len)
{
  if (a == NULL || b == NULL)
    return NTFS_COPY_UNKNOWN;
  return memcmp (a, b, len) == 0 ? NTFS_COPY_SAME : NTFS_COPY_DIFFERS;
}

static enum ntfs_copy
compare_mirror (struct disk *disk, const struct volume *volume,
                const struct ntfs_boot *boot)
{
  uint64_t bytes = (uint64_t)NTFS_MIRRORED_RECORDS * boot->record_bytes;
  CLEANUP_FREE unsigned char *a =
      read_at (disk, volume, boot->mft_offset, bytes);
  CLEANUP_FREE unsigned char *b =
      read_at (disk, volume, boot->mirror_offset, bytes);

  return compare (a, b, bytes);
}

static enum ntfs_copy
compare_boot (struct disk *disk, const struct volume *volume,
              const struct ntfs_boot *boot, const unsigned char *sector)
{
  CLEANUP_FREE unsigned char *copy =
      read_at (disk, volume, boot->volume_bytes, 512);

  return compare (sector, copy, 512);
}

bool
ntfs_find_boot_copy (struct disk *disk, struct volume *volume)
{
  int64_t size = guestfs_blockdev_getsize64 (disk->g, volume->device);
  CLEANUP_FREE unsigned char *copy = NULL;
  struct ntfs_boot boot;

  if (size < 1024)
    return false;
  copy = read_at (disk, volume, (uint64_t)size - 512, 512);
  if (copy == NULL || ntfs_boot_parse (copy, 512, &boot) == -1 ||
      boot.volume_bytes + 512 != (uint64_t)size)
    return false;
  volume->kind = VOLUME_NTFS;
  volume->log.state = NTFS_LOG_UNKNOWN;
  volume->log.major = volume->log.minor = -1;
  volume->log.boot_copy = NTFS_COPY_DIFFERS;
  volume->log.boot_damaged = true;
  return true;
}

void
ntfs_log_look (struct disk *disk, struct volume *volume)
{
  CLEANUP_FREE unsigned char *sector = NULL, *log = NULL, *info = NULL,
                             *pages = NULL;
  struct ntfs_boot boot;
  struct ntfs_run run;
  size_t len;
  uint16_t flags;

  volume->log.major = volume->log.minor = -1;
  sector = (unsigned char *)guestfs_pread_device (disk->g, volume->device, 512,
                                                  0, &len);
  if (sector == NULL || ntfs_boot_parse (sector, len, &boot) == -1) {
    volume->log.boot_unread = true;
    return;
  }
  volume->log.mirror = compare_mirror (disk, volume, &boot);
  volume->log.boot_copy = compare_boot (disk, volume, &boot, sector);
  if (read_record (disk, volume, &boot, NTFS_RECORD_VOLUME, &info, &len) == 0 &&
      ntfs_volume_flags (info, len, &flags) == 0) {
    volume->log.dirty_flag_known = true;
    volume->log.dirty_flag = flags & DIRTY_FLAG;
  }
  if (read_record (disk, volume, &boot, NTFS_RECORD_LOGFILE, &log, &len) ==
          -1 ||
      ntfs_first_run (log, len, &boot, &run) == -1)
    return;
  pages = (unsigned char *)guestfs_pread_device (disk->g, volume->device,
                                                 run.length < NTFS_RESTART_PAGES
                                                     ? (int)run.length
                                                     : NTFS_RESTART_PAGES,
                                                 (int64_t)run.offset, &len);
  if (pages)
    ntfs_restart_look (pages, len, &volume->log);
}

/* 1: hibernated; *why says how that shows.  [ntfs-3g
 * ntfs_volume_check_hiberfile] */
static int
is_hibernated (struct disk *disk, const char **why, struct err **err)
{
  CLEANUP_FREE char *path = NULL, *header = NULL;
  size_t len;
  int r = guest_path_find (disk, "/hiberfil.sys", &path, err);

  *why = NULL;
  if (r != 1)
    return r;
  header = guestfs_pread (disk->g, path, HIBER_HEADER, 0, &len);
  if (header == NULL)
    return disk_guest_error (disk, err, "/hiberfil.sys");
  if (len < HIBER_HEADER)
    *why = "/hiberfil.sys is shorter than its header";
  else if (memcmp (header, "hibr", 4) == 0 || memcmp (header, "HIBR", 4) == 0)
    *why = "/hiberfil.sys holds a hibernated Windows (or fast startup)";
  return *why != NULL;
}

int
ntfs_refuse_hibernated (struct disk *disk, const struct volume *volume,
                        struct err **err)
{
  const char *why;
  int r = is_hibernated (disk, &why, err);

  if (r == 1)
    return disk_refuse (disk, err, REFUSE_HIBERNATED,
                        "%s: %s; a change would be lost or would damage it: "
                        "start the VM and shut it down fully, then repair",
                        volume->name, why);
  return r;
}

/* It said no, or gave a read-only mount: find out why, by a read-only look. */
static int
explain_no (struct disk *disk, const struct volume *volume, const char *said,
            struct err **err)
{
  CLEANUP_FREE char *printable = text_printable (said ? said : "");

  if (ntfs_mount_to_look (disk, volume, err) == -1)
    return -1;
  if (ntfs_refuse_hibernated (disk, volume, err) == -1)
    return -1;
  return disk_refuse (disk, err,
                      strstr (printable, "MFT") ? REFUSE_FS_DAMAGED
                                                : REFUSE_FS_READ_ONLY,
                      "%s can't be mounted for writing: %s", volume->name,
                      printable);
}

bool
ntfs_needs_fix (const struct volume *volume)
{
  const struct ntfs_log *log = &volume->log;

  return log->state == NTFS_LOG_DIRTY || log->state == NTFS_LOG_UNKNOWN ||
         log->major >= 2 || log->mirror == NTFS_COPY_DIFFERS;
}

int
ntfs_refuse_dirty (struct disk *disk, const struct volume *volume,
                   struct err **err)
{
  const struct ntfs_log *log = &volume->log;

  if (!ntfs_needs_fix (volume) || disk->work->dirty_ntfs == NULL ||
      strcmp (disk->work->dirty_ntfs, "refuse") != 0)
    return 0;
  return disk_refuse (disk, err, REFUSE_DIRTY_NTFS,
                      "%s was not shut down (log: %s, version %d.%d%s), and "
                      "--dirty-ntfs refuse leaves such volumes alone",
                      volume->name, ntfs_log_state_name (log->state),
                      log->major, log->minor,
                      log->mirror == NTFS_COPY_DIFFERS
                          ? "; $MFTMirr is not what $MFT is"
                          : "");
}

static int
refuse_boot_damaged (struct disk *disk, const struct volume *volume,
                     struct err **err)
{
  if (!volume->log.boot_damaged)
    return 0;
  return disk_refuse (disk, err, REFUSE_FS_DAMAGED,
                      "%s: its boot sector is damaged; the copy behind the "
                      "volume is good: the recipe windows-boot-sector puts "
                      "it back; then repair",
                      volume->name);
}

static int
mount_to_write (struct disk *disk, const struct volume *volume,
                struct err **err)
{
  CLEANUP_FREE char *said = NULL;
  int rw, r;

  if (ntfs_needs_fix (volume)) {
    if (ntfs_refuse_dirty (disk, volume, err) == -1)
      return -1;
    r = ntfs_make_writable (disk, volume, &said, err);
    if (r != 1)
      return r == 0 ? explain_no (disk, volume, said, err) : -1;
  }
  if (mount_plain (disk, volume, "rw", err) == -1)
    return -1;
  rw = mount_is_writable (disk, err);
  if (rw != 0)
    return rw == 1 ? 0 : -1;
  if (mount_end (disk, err) == -1)
    return -1;
  return explain_no (disk, volume, "ntfs-3g mounts it read-only", err);
}

int
ntfs_mount (struct disk *disk, const struct volume *volume, bool to_write,
            struct err **err)
{
  if (refuse_boot_damaged (disk, volume, err) == -1)
    return -1;
  if (to_write)
    return mount_to_write (disk, volume, err);
  return ntfs_mount_to_look (disk, volume, err);
}
