#include "ntfs-fix.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <base/files.h>
#include <base/text.h>
#include <recipes/digest.h>

#include "disk.h"
#include "mount.h"
#include "ntfs-lend.h"
#include "ntfs.h"
#include "unlock.h"

#define CHUNK      (UINT64_C (2) << 20) /* a message of libguestfs has 4 MiB */
#define MAX_LOG    (UINT64_C (128) << 20) /* Windows makes at most 64 MiB */
#define LAST_WORDS 300

void
ntfs_saved_release (struct ntfs_saved_vec *saved)
{
  for (size_t i = 0; i < saved->len; i++)
    free (saved->ptr[i].bytes);
  ntfs_saved_vec_release (saved);
}

/* --- what was there before --- */

static int
save (struct disk *disk, const struct volume *volume, const char *name,
      uint64_t offset, uint64_t bytes, struct err **err)
{
  struct ntfs_saved saved = {name, offset, xmalloc (bytes + 1), 0};

  while (saved.len < bytes) {
    uint64_t want = bytes - saved.len < CHUNK ? bytes - saved.len : CHUNK;
    size_t got;
    CLEANUP_FREE char *part =
        guestfs_pread_device (disk->g, volume->device, (int)want,
                              (int64_t)(offset + saved.len), &got);

    if (part == NULL || got == 0) {
      free (saved.bytes);
      return disk_guest_error (disk, err, "%s: %s", volume->name, name);
    }
    memcpy (saved.bytes + saved.len, part, got);
    saved.len += got;
  }
  ntfs_saved_vec_push (&disk->ntfs_saved, saved);
  return 0;
}

/* Where the log is: its first run, which is all of it as a rule; the rest, if
 * any, is in the undo image like everything that is written. */
static int
find_log (struct disk *disk, const struct volume *volume,
          const struct ntfs_boot *boot, struct ntfs_run *run)
{
  size_t len;
  CLEANUP_FREE unsigned char *record = (unsigned char *)
      guestfs_pread_device (disk->g, volume->device, (int)boot->record_bytes,
                            (int64_t)(boot->mft_offset +
                                      (uint64_t)NTFS_RECORD_LOGFILE *
                                          boot->record_bytes),
                            &len);

  return record && len == boot->record_bytes &&
                 ntfs_first_run (record, len, boot, run) == 0 &&
                 run->length <= MAX_LOG
             ? 0
             : -1;
}

static int
save_all (struct disk *disk, const struct volume *volume, struct err **err)
{
  size_t len;
  CLEANUP_FREE unsigned char *sector =
      (unsigned char *)guestfs_pread_device (disk->g, volume->device, 512, 0,
                                             &len);
  struct ntfs_boot boot;
  struct ntfs_run run;
  uint64_t mirror;

  ntfs_saved_release (&disk->ntfs_saved);
  if (sector == NULL)
    return disk_guest_error (disk, err, "%s", volume->name);
  if (ntfs_boot_parse (sector, len, &boot) == -1)
    return 0;
  mirror = (uint64_t)NTFS_MIRRORED_RECORDS * boot.record_bytes;
  if (save (disk, volume, "boot-sectors", 0, 8192, err) == -1 ||
      save (disk, volume, "mftmirr", boot.mirror_offset, mirror, err) == -1 ||
      save (disk, volume, "mft-start", boot.mft_offset, mirror, err) == -1)
    return -1;
  if (volume->log.boot_copy != NTFS_COPY_UNKNOWN &&
      save (disk, volume, "boot-sector-copy", boot.volume_bytes, 512, err) ==
          -1)
    return -1;
  if (find_log (disk, volume, &boot, &run) == 0)
    return save (disk, volume, "logfile", run.offset, run.length, err);
  return 0;
}

json_t *
ntfs_saved_write (struct disk *disk, struct err **err)
{
  CLEANUP_JSON json_t *rows = json_array ();
  CLEANUP_FREE char *folder = path_join (disk->work->evidence, EVIDENCE_NTFS);

  if (disk->ntfs_saved.len && folder_make (folder, 0700, err) == -1)
    return NULL;
  for (size_t i = 0; i < disk->ntfs_saved.len; i++) {
    const struct ntfs_saved *saved = &disk->ntfs_saved.ptr[i];
    CLEANUP_FREE char *name = xasprintf ("%s/%s", EVIDENCE_NTFS, saved->name);
    CLEANUP_FREE char *path = path_join (disk->work->evidence, name);
    char sha256[65];

    if (file_write_atomic (path, saved->bytes, saved->len, 0600, err) == -1)
      return NULL;
    digest_bytes (saved->bytes, saved->len, sha256);
    json_array_append_new (rows,
                           json_make ("{s:s, s:I, s:I, s:s}", "name", name,
                                      "offset", (json_int_t)saved->offset,
                                      "size_bytes", (json_int_t)saved->len,
                                      "sha256", sha256));
  }
  return TAKE (rows);
}

/* --- the log --- */

/* The end of what a program said, on one line. */
static char *
last_words (const char *text)
{
  size_t len = text ? strlen (text) : 0;
  CLEANUP_FREE char *copy = NULL;

  while (len > 0 && text[len - 1] == '\n')
    len--;
  copy = xstrndup (text ? text : "", len);
  for (char *p = copy; *p; p++)
    if (*p == '\n')
      *p = ' ';
  return text_printable (len > LAST_WORDS ? copy + len - LAST_WORDS : copy);
}

/* ntfsrecover has no call of its own in libguestfs.  1: all that was committed
 * is applied; 0: it could not be, *why says it; -1: the appliance is gone.
 * [ntfsrecover(8); its author's order of preference, with --kill-fast-restart
 * for logs of version 2: tuxera/ntfs-3g issue 34] */
static int
replay (struct disk *disk, const struct volume *volume, char **why,
        struct err **err)
{
  CLEANUP_FREE char *device = unlock_device_inside (disk, volume);
  CLEANUP_FREE char *command =
      xasprintf ("ntfsrecover %s '%s' 2>&1; echo status=$?",
                 volume->log.major >= 2 ? "-k" : "", device);
  char *const argv[] = {command, NULL};
  CLEANUP_FREE char *said = NULL;

  if (strchr (device, '\''))
    return err_set (err, ERR_INTERNAL, "%s: its device's name is not plain",
                    volume->name);
  said = guestfs_debug (disk->g, "sh", argv);
  if (said == NULL && guestfs_is_ready (disk->g) != 1)
    return disk_guest_error (disk, err, "%s: ntfsrecover", volume->name);
  if (said && strstr (said, "status=0"))
    return 1;
  *why = last_words (said ? said : guestfs_last_error (disk->g));
  return 0;
}

static void
note (struct disk *disk, const struct volume *volume, int replayed,
      const char *why)
{
  const char *chkdsk = "the volume is marked dirty, so Windows may run chkdsk "
                       "at its next start";

  if (volume->log.mirror == NTFS_COPY_DIFFERS)
    disk_note (disk, "%s: $MFTMirr was not what $MFT is; it is made the same",
               volume->name);
  if (replayed == 1)
    disk_note (disk,
               "%s was not shut down (its log has version %d.%d): what was "
               "committed in the log is applied, and %s",
               volume->name, volume->log.major, volume->log.minor, chkdsk);
  else
    disk_note (disk,
               "%s was not shut down (its log has version %d.%d): the log was "
               "emptied%s%s%s and %s",
               volume->name, volume->log.major, volume->log.minor,
               why ? ", because it could not be replayed (" : "",
               why ? why : "", why ? ")," : "", chkdsk);
}

/* ntfsrecover would not look for a hibernated Windows, so that is done first,
 * as far as the volume can be mounted to look. */
static int
refuse_hibernated (struct disk *disk, const struct volume *volume,
                   struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;

  if (ntfs_mount_to_look (disk, volume, &why) == -1)
    return guestfs_is_ready (disk->g) == 1 ? 0 : err_move (err, TAKE (why));
  if (ntfs_refuse_hibernated (disk, volume, err) == -1)
    return -1;
  return mount_end (disk, err);
}

int
ntfs_make_writable (struct disk *disk, const struct volume *volume, char **said,
                    struct err **err)
{
  const char *how = disk->work->dirty_ntfs;
  bool want_replay =
      (how == NULL || strcmp (how, "replay") == 0) && volume->log.major >= 1;
  CLEANUP_FREE char *why = NULL;
  int replayed = 0;

  if (refuse_hibernated (disk, volume, err) == -1 ||
      save_all (disk, volume, err) == -1)
    return -1;
  if (want_replay)
    replayed = replay (disk, volume, &why, err);
  if (replayed == -1)
    return -1;
  /* Empties the log, compares the copies, and marks the volume dirty. */
  if (guestfs_ntfsfix (disk->g, volume->device, -1) == -1) {
    if (guestfs_is_ready (disk->g) != 1)
      return disk_guest_error (disk, err, "%s: ntfsfix", volume->name);
    *said = xstrdup (guestfs_last_error (disk->g));
    return 0;
  }
  note (disk, volume, replayed, why);
  return 1;
}
