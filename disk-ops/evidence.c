#include "evidence.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <base/files.h>
#include <base/text.h>
#include <recipes/digest.h>

#include "disk.h"
#include "manifest.h"
#include "refuse.h"

#define MAX_LIST_BYTES (64 << 20)
/* Left free on the file system of the evidence: the journal lives there too. */
#define SPARE_BYTES (16 << 20)

static int
check_space (struct disk *disk, struct err **err)
{
  struct statvfs st;
  int64_t wanted = SPARE_BYTES, free_bytes;

  for (size_t i = 0; i < disk->plan.changes.len; i++) {
    const struct guest_file *file = &disk->plan.changes.ptr[i].file;

    if (file->path == NULL || file->folder)
      continue;
    if (file->size_bytes > GUEST_FILE_MAX_BYTES)
      return disk_refuse (disk, err, REFUSE_TOO_LARGE,
                          "%s has %" PRId64 " bytes, more than is copied out",
                          file->path, file->size_bytes);
    wanted += file->size_bytes;
  }
  if (statvfs (disk->work->evidence, &st) == -1)
    return 0;
  free_bytes = (int64_t)st.f_bavail * (int64_t)st.f_frsize;
  if (free_bytes < wanted)
    return err_set (err, ERR_NO_SPACE,
                    "%s: evidence needs %" PRId64 " bytes, %" PRId64
                    " are free",
                    disk->work->evidence, wanted, free_bytes);
  return 0;
}

/* The content, and the proof that all of it arrived. */
static int
copy_out (struct disk *disk, const struct guest_file *file, const char *name,
          json_t *row, struct err **err)
{
  CLEANUP_FREE char *path = path_join (disk->work->evidence, name);
  char sha256[65];
  struct stat st;

  if (guestfs_download (disk->g, file->path, path) == -1)
    return disk_guest_error (disk, err, "%s: copy out", file->path);
  if (chmod (path, 0600) == -1 || stat (path, &st) == -1)
    return err_set_errno (err, errno, "%s", path);
  if (st.st_size != file->size_bytes)
    return err_set (err, ERR_DISK,
                    "%s has %" PRId64 " bytes, only %" PRId64 " could be read",
                    file->path, file->size_bytes, (int64_t)st.st_size);
  if (file_sync (path, err) == -1 || digest_file (path, sha256, err) == -1)
    return -1;
  json_put_str (row, "copy", name);
  json_put_str (row, "sha256", sha256);
  return 0;
}

static int
save_one (struct disk *disk, size_t i, json_t *row, struct err **err)
{
  const struct change *change = &disk->plan.changes.ptr[i];
  CLEANUP_FREE char *name = xasprintf ("%s/%04zu", EVIDENCE_COPIES, i + 1);
  json_t *metadata;

  if (change->after[0])
    json_put_str (row, "sha256_after", change->after);
  if (change->boot_of) {
    CLEANUP_FREE char *before = base64_encode (change->boot_of->old_boot, 512);

    json_put (row, "metadata", json_make ("{s:s}", "before", before));
  }
  if (change->file.path == NULL)
    return 0;
  metadata = guest_file_metadata (disk, &change->file, err);
  if (metadata == NULL)
    return -1;
  json_put (row, "metadata", metadata);
  if (!change->file.regular)
    return 0;
  return copy_out (disk, &change->file, name, row, err);
}

/* For the operator's result: what was done, and the hash; the rest is in
 * files.json. */
static void
add_to_result (json_t *changes, const json_t *row)
{
  json_t *shown = json_deep_copy (row);

  json_object_del (shown, "metadata");
  json_array_append_new (changes, shown);
}

static int
write_list (struct disk *disk, const json_t *list, struct err **err)
{
  CLEANUP_FREE char *path = path_join (disk->work->evidence, EVIDENCE_FILES);
  CLEANUP_FREE char *copies = path_join (disk->work->evidence, EVIDENCE_COPIES);
  CLEANUP_FREE char *text = json_text_pretty (list);

  if (folder_sync (copies, err) == -1)
    return -1;
  return file_write_atomic (path, text, strlen (text), 0600, err);
}

int
evidence_save (struct disk *disk, struct err **err)
{
  CLEANUP_JSON json_t *rows = plan_to_json (&disk->plan);
  json_t *changes = json_array (), *row;
  CLEANUP_JSON json_t *list =
      json_make ("{s:i, s:O, s:s}", "version", 1, "files", rows, "volume",
                 disk->mounted->name);
  CLEANUP_JSON json_t *ntfs = NULL;
  size_t i;

  if (disk->work->recipe->on_boot_volume)
    json_put_bool (list, "boot_volume", true);
  json_put (disk->result, "changes", changes);
  if (check_space (disk, err) == -1)
    return -1;
  json_array_foreach (rows, i, row)
  {
    if (save_one (disk, i, row, err) == -1)
      return err_wrap (err, "evidence");
    add_to_result (changes, row);
  }
  ntfs = ntfs_saved_write (disk, err);
  if (ntfs == NULL)
    return err_wrap (err, "evidence");
  if (json_array_size (ntfs) > 0)
    json_put (list, "ntfs", TAKE (ntfs));
  return write_list (disk, list, err);
}

json_t *
evidence_load (const char *evidence, struct err **err)
{
  CLEANUP_FREE char *path = path_join (evidence, EVIDENCE_FILES);
  json_t *list = json_parse_file (path, MAX_LIST_BYTES, err);

  if (list && !json_is_array (json_object_get (list, "files"))) {
    json_decref (list);
    err_set (err, ERR_INPUT, "%s: no list of files", path);
    return NULL;
  }
  return list;
}
