#include "guest-file.h"

#include <string.h>
#include <sys/stat.h>

#include <base/clock.h>
#include <base/text.h>

#include "disk.h"
#include "refuse.h"

#define MAX_XATTRS      256
#define MAX_XATTR_BYTES (1 << 20)
#define NTFS_TIMES      "system.ntfs_times"

void
guest_file_release (struct guest_file *file)
{
  free (TAKE (file->path));
}

int
guest_file_stat (struct disk *disk, const char *path, struct guest_file *file,
                 struct err **err)
{
  struct guestfs_statns *st = guestfs_lstatns (disk->g, path);

  if (st == NULL)
    return disk_is_enoent (disk) ? 0 : disk_guest_error (disk, err, "%s", path);
  file->path = xstrdup (path);
  file->folder = S_ISDIR (st->st_mode);
  file->regular = S_ISREG (st->st_mode);
  file->link = S_ISLNK (st->st_mode);
  file->size_bytes = st->st_size;
  file->modified_ns = st->st_mtime_sec * 1000000000 + st->st_mtime_nsec;
  file->accessed_ns = st->st_atime_sec * 1000000000 + st->st_atime_nsec;
  file->mode = st->st_mode & 07777;
  file->uid = st->st_uid;
  file->gid = st->st_gid;
  file->links = st->st_nlink;
  guestfs_free_statns (st);
  return 1;
}

int
guest_file_starts_with (struct disk *disk, const struct guest_file *file,
                        const unsigned char *bytes, size_t len,
                        struct err **err)
{
  CLEANUP_FREE char *got = NULL;
  size_t got_len;

  if (file->size_bytes < (int64_t)len)
    return 0;
  got = guestfs_pread (disk->g, file->path, (int)len, 0, &got_len);
  if (got == NULL)
    return disk_guest_error (disk, err, "%s", file->path);
  return got_len == len && memcmp (got, bytes, len) == 0;
}

int
guest_file_sha256 (struct disk *disk, const struct guest_file *file,
                   char hex[65], struct err **err)
{
  CLEANUP_FREE char *sum = NULL;

  if (file->size_bytes > GUEST_FILE_MAX_BYTES)
    return disk_refuse (disk, err, REFUSE_TOO_LARGE,
                        "%s has %lld bytes: too large to be hashed", file->path,
                        (long long)file->size_bytes);
  sum = guestfs_checksum (disk->g, "sha256", file->path);
  if (sum == NULL)
    return disk_guest_error (disk, err, "%s", file->path);
  if (strlen (sum) != 64)
    return err_set (err, ERR_INTERNAL, "%s: \"%s\" is no SHA-256", file->path,
                    sum);
  memcpy (hex, sum, 65);
  return 0;
}

json_t *
guest_file_to_json (const struct guest_file *file)
{
  CLEANUP_FREE char *modified = time_format_ms (file->modified_ns / 1000000);
  json_t *json = json_object ();

  json_put_str (json, "path", file->path);
  json_put_str (json, "modified", modified);
  if (file->folder)
    json_put_bool (json, "folder", true);
  else
    json_put_int (json, "size_bytes", file->size_bytes);
  return json;
}

/* Four FILETIMEs, little-endian: creation, data change, access, record change.
 * [ntfs-3g libntfs-3g/inode.c ntfs_inode_get_times] */
static void
put_ntfs_times (json_t *json, const char *value, size_t len)
{
  static const char *const names[] = {"created", "modified", "accessed",
                                      "record_changed"};
  const unsigned char *p = (const unsigned char *)value;
  json_t *times;

  if (len < 32)
    return;
  times = json_object ();
  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    uint64_t filetime = 0;

    for (int byte = 7; byte >= 0; byte--)
      filetime = filetime << 8 | p[8 * i + (size_t)byte];
    json_put_int (times, names[i], (int64_t)filetime);
  }
  json_put (json, "ntfs_times", times);
}

static void
put_xattr (json_t *xattrs, const char *name, const char *value, size_t len)
{
  CLEANUP_FREE char *text = NULL;

  if (len > MAX_XATTR_BYTES)
    return;
  text = base64_encode (value, len);
  json_put_str (xattrs, name, text);
}

/* ntfs-3g keeps these out of the list, but gives them when asked. */
static void
put_ntfs_attributes (struct disk *disk, const struct guest_file *file,
                     json_t *json, json_t *xattrs)
{
  static const char *const names[] = {NTFS_TIMES, "system.ntfs_attrib",
                                      "system.ntfs_acl",
                                      "system.ntfs_dos_name"};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    size_t len;
    CLEANUP_FREE char *value =
        guestfs_lgetxattr (disk->g, file->path, names[i], &len);

    if (value == NULL)
      continue;
    put_xattr (xattrs, names[i], value, len);
    if (strcmp (names[i], NTFS_TIMES) == 0)
      put_ntfs_times (json, value, len);
  }
}

json_t *
guest_file_metadata (struct disk *disk, const struct guest_file *file,
                     struct err **err)
{
  struct guestfs_xattr_list *list;
  json_t *json = guest_file_to_json (file), *xattrs = json_object ();

  json_put_int (json, "modified_ns", file->modified_ns);
  json_put_int (json, "accessed_ns", file->accessed_ns);
  json_put_int (json, "mode", file->mode);
  json_put_int (json, "uid", file->uid);
  json_put_int (json, "gid", file->gid);
  json_put_int (json, "links", file->links);
  json_put (json, "xattrs", xattrs);
  if (disk->mounted->kind == VOLUME_NTFS)
    put_ntfs_attributes (disk, file, json, xattrs);
  if (disk->mounted->kind == VOLUME_VFAT)
    return json;
  list = guestfs_lgetxattrs (disk->g, file->path);
  if (list == NULL) {
    json_decref (json);
    disk_guest_error (disk, err, "%s: extended attributes", file->path);
    return NULL;
  }
  for (size_t i = 0; i < list->len && i < MAX_XATTRS; i++)
    put_xattr (xattrs, list->val[i].attrname, list->val[i].attrval,
               list->val[i].attrval_len);
  guestfs_free_xattr_list (list);
  return json;
}
