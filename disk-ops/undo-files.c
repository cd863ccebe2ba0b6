/* The undo of single files, for a disk that has been used since. */

#include <inttypes.h>
#include <string.h>

#include <base/files.h>
#include <base/text.h>
#include <recipes/digest.h>

#include "actions.h"
#include "disk.h"
#include "evidence.h"
#include "guest-path.h"
#include "linux-devices.h"
#include "mount.h"
#include "refuse.h"
#include "undo-ntfs.h"
#include "undo.h"

#define NS INT64_C (1000000000)

/* What is at a path now: sha256 "" for nothing, "?" for what is no file. */
static int
now_at (struct disk *disk, const char *path, char sha256[65], struct err **err)
{
  struct guest_file file = {0};
  int r = guest_file_stat (disk, path, &file, err);

  sha256[0] = '\0';
  if (r == 1 && !file.regular)
    memcpy (sha256, "?", 2);
  else if (r == 1)
    r = guest_file_sha256 (disk, &file, sha256, err);
  guest_file_release (&file);
  return r == -1 ? -1 : 0;
}

static int
changed_since (struct disk *disk, const char *path, struct err **err)
{
  return disk_refuse (disk, err, REFUSE_CHANGED_SINCE,
                      "%s was changed since the repair: it is not overwritten",
                      path);
}

/* Attributes of other systems than NTFS are text, which libguestfs can set. */
static int
put_back_metadata (struct disk *disk, const char *path, const json_t *metadata,
                   struct err **err)
{
  int64_t modified = json_int (metadata, "modified_ns", 0);
  int64_t accessed = json_int (metadata, "accessed_ns", 0);
  json_t *xattrs = json_object_get (metadata, "xattrs"), *value;
  enum volume_kind kind = disk->mounted->kind;
  const char *name;

  if (kind != VOLUME_NTFS && kind != VOLUME_VFAT) {
    if (guestfs_chown (disk->g, (int)json_int (metadata, "uid", 0),
                       (int)json_int (metadata, "gid", 0), path) == -1 ||
        guestfs_chmod (disk->g, (int)json_int (metadata, "mode", 0), path) ==
            -1)
      return disk_guest_error (disk, err, "%s: owner and mode", path);
    json_object_foreach (xattrs, name, value)
    {
      CLEANUP_FREE unsigned char *bytes = NULL;
      size_t len;

      if (base64_decode (json_string_value (value), &bytes, &len) == -1)
        continue;
      bytes[len] = '\0';
      /* A label ends in a zero byte, which the call may count. */
      if (strlen ((char *)bytes) + 1 < len ||
          guestfs_lsetxattr (disk->g, name, (char *)bytes, (int)len, path) ==
              -1)
        disk_note (disk,
                   "%s: attribute %s could not be set, it is in the "
                   "evidence",
                   path, name);
    }
  }
  if (guestfs_utimens (disk->g, path, accessed / NS, accessed % NS,
                       modified / NS, modified % NS) == -1)
    return disk_guest_error (disk, err, "%s: times", path);
  return kind == VOLUME_NTFS ? undo_ntfs_metadata (disk, path, metadata, err)
                             : 0;
}

/* The content from the evidence, after a look at its hash. */
static int
put_back_content (struct disk *disk, const char *path, bool exists,
                  const json_t *row, struct err **err)
{
  const char *copy = json_str (row, "copy", NULL);
  CLEANUP_FREE char *local = NULL;
  char sha256[65];

  if (copy == NULL || strncmp (copy, "files/", 6) != 0 ||
      strchr (copy + 6, '/'))
    return err_set (err, ERR_INPUT, "files.json: no copy of %s", path);
  local = path_join (disk->work->evidence, copy);
  if (digest_file (local, sha256, err) == -1)
    return -1;
  if (strcmp (sha256, json_str (row, "sha256", "")) != 0)
    return err_set (err, ERR_DISK,
                    "%s is not what files.json says: do not "
                    "use it",
                    local);
  if (content_put (disk, path, exists, local, err) == -1)
    return -1;
  return put_back_metadata (disk, path, json_object_get (row, "metadata"), err);
}

static int
undo_delete (struct disk *disk, const json_t *row, const char *path,
             struct err **err)
{
  char now[65];

  if (now_at (disk, path, now, err) == -1)
    return -1;
  if (strcmp (now, json_str (row, "sha256", "")) == 0)
    return 0; /* it is there again */
  if (now[0])
    return changed_since (disk, path, err);
  return put_back_content (disk, path, false, row, err);
}

static int
undo_move (struct disk *disk, const json_t *row, const char *path,
           struct err **err)
{
  const char *to = json_need_str (row, "to", err);
  struct guest_file there = {0}, back = {0};
  CLEANUP_FREE char *folder = NULL;
  int moved, again;

  if (to == NULL)
    return -1;
  moved = guest_file_stat (disk, to, &there, err);
  if (moved == -1)
    return -1;
  guest_file_release (&there);
  again = guest_file_stat (disk, path, &back, err);
  if (again == -1)
    return -1;
  guest_file_release (&back);
  if (!moved && again)
    return 0;
  if (!moved || again)
    return changed_since (disk, moved ? path : to, err);
  if (guestfs_rename (disk->g, to, path) == -1)
    return disk_guest_error (disk, err, "rename %s to %s", to, path);
  if (disk->mounted->kind == VOLUME_NTFS &&
      undo_ntfs_short_name (disk, path, json_object_get (row, "metadata"),
                            err) == -1)
    return -1;
  /* the quarantine folders, if nothing else is in them */
  folder = guest_path_parent (to);
  if (strcmp (json_str (row, "action", ""), "quarantine") == 0)
    for (int i = 0; i < 2 && guestfs_rmdir (disk->g, folder) == 0; i++)
      *strrchr (folder, '/') = '\0';
  return 0;
}

static int
undo_content (struct disk *disk, const json_t *row, const char *path,
              struct err **err)
{
  const char *before = json_str (row, "sha256", "");
  char now[65];

  if (now_at (disk, path, now, err) == -1)
    return -1;
  if (strcmp (now, before) == 0)
    return 0;
  if (now[0] && strcmp (now, json_str (row, "sha256_after", "")) != 0)
    return changed_since (disk, path, err);
  if (before[0])
    return put_back_content (disk, path, now[0] != '\0', row, err);
  if (now[0] && guestfs_rm (disk->g, path) == -1)
    return disk_guest_error (disk, err, "delete %s", path);
  return 0;
}

static int
undo_registry (struct disk *disk, const json_t *row, const char *path,
               struct err **err)
{
  (void)path;
  return registry_undo (disk, row, err);
}

/* A link that we made and that is still one. */
static int
undo_link (struct disk *disk, const json_t *row, const char *path,
           struct err **err)
{
  struct guest_file file = {0};
  int r = guest_file_stat (disk, path, &file, err);
  bool link = file.link;

  (void)row;
  guest_file_release (&file);
  if (r != 1)
    return r;
  if (!link)
    return changed_since (disk, path, err);
  if (guestfs_rm (disk->g, path) == -1)
    return disk_guest_error (disk, err, "delete %s", path);
  return 0;
}

/* The volume has been used with it: the damaged one would tear it apart. */
static int
undo_boot_sector (struct disk *disk, const json_t *row, const char *path,
                  struct err **err)
{
  (void)row, (void)err;
  disk_note (disk, "%s stays mended; the damaged one is in files.json", path);
  return 0;
}

static const struct {
  const char *action;
  int (*undo) (struct disk *disk, const json_t *row, const char *path,
               struct err **err);
} undoers[] = {{"delete", undo_delete},
               {"quarantine", undo_move},
               {"rename", undo_move},
               {"write", undo_content},
               {"copy", undo_content},
               {"restore", undo_content},
               {"hive-restore", undo_content},
               {"registry-set", undo_registry},
               {"registry-delete", undo_registry},
               {"service-disable", undo_registry},
               {"set-line", undo_content},
               {"remove-line", undo_content},
               {"link", undo_link},
               {"fstab-let-go", undo_content},
               {"previous-kernel", undo_content},
               {"free-space", undo_delete},
               {"ntfs-boot-sector", undo_boot_sector}};

static int
undo_row (struct disk *disk, const json_t *row, struct err **err)
{
  const char *action = json_need_str (row, "action", err);
  const char *path = action ? json_need_str (row, "path", err) : NULL;

  if (path == NULL ||
      (strncmp (path, "/boot/", 6) == 0 && disk->os.kind == OS_LINUX &&
       linux_boot_mount (disk, err) == -1))
    return -1;
  if (json_bool (row, "evidence_only", false))
    return 0;
  for (size_t i = 0; i < ARRAY_SIZE (undoers); i++)
    if (strcmp (undoers[i].action, action) == 0)
      return undoers[i].undo (disk, row, path, err);
  return err_set (err, ERR_INPUT, "files.json: unknown action \"%s\"", action);
}

int
undo_files (struct disk *disk, struct err **err)
{
  CLEANUP_JSON json_t *list = evidence_load (disk->work->evidence, err);
  json_t *rows = json_object_get (list, "files");

  bool boot_volume = json_bool (list, "boot_volume", false);

  if (list == NULL || os_root_find (disk, !boot_volume, err) == -1)
    return -1;
  if (os_root_mount_for (disk, boot_volume, true, err) == -1)
    return -1;
  disk_stage (disk, "os-found");
  if (strcmp (disk->mounted->name, json_str (list, "volume", "")) != 0)
    return disk_refuse (disk, err, REFUSE_CHANGED_SINCE,
                        "the repair was made on %s, now it would be on %s",
                        json_str (list, "volume", "?"), disk->mounted->name);
  for (size_t i = json_array_size (rows); i-- > 0;)
    if (undo_row (disk, json_array_get (rows, i), err) == -1)
      return -1;
  disk_stage (disk, "changed");
  if (mount_end (disk, err) == -1)
    return -1;
  disk->change_ready = true;
  return 0;
}
