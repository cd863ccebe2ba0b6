#include "overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <base/files.h>
#include <base/text.h>
#include <recipes/digest.h>

#include "manifest.h"
#include "qemu-img.h"

/* Comparing takes a process for each window, and yet no gap is bridged: where
 * a window falls through to a sparse raw backing file, qemu-img 7.2 takes the
 * block status of the wrong place for it, and reads zeros where there is data
 * (seen with raw,offset= over qcow2 over raw; tests/integration/cli-fix-disk
 * has such an image). */
#define WINDOW_GAP 0
#define SECTOR     512

/* What an overlay and the undo image may need.  A disk that is full in the
 * middle makes QEMU halt the appliance, and the repair would stand until its
 * limit; so it does not begin. */
#define SPACE_NEEDED (64 << 20)

static int
check_space (const char *folder, struct err **err)
{
  struct statvfs st;
  CLEANUP_FREE char *left = NULL, *needed = text_bytes (SPACE_NEEDED);

  if (statvfs (folder, &st) == -1)
    return err_set_errno (err, errno, "%s", folder);
  if ((uint64_t)st.f_bavail * st.f_frsize >= SPACE_NEEDED)
    return 0;
  left = text_bytes ((uint64_t)st.f_bavail * st.f_frsize);
  return err_set (err, ERR_NO_SPACE,
                  "%s: only %s are free, and a repair may need %s: make room, "
                  "or use another state folder",
                  folder, left, needed);
}

char *
overlay_make (const char *folder, const char *name,
              const struct patient *patient, struct err **err)
{
  CLEANUP_FREE char *path = path_join (folder, name);

  if (check_space (folder, err) == -1)
    return NULL;
  if (unlink (path) == -1 && errno != ENOENT) {
    err_set_errno (err, errno, "%s", path);
    return NULL;
  }
  if (qemu_img_overlay (path, patient, err) == -1)
    return NULL;
  if (chmod (path, 0600) == -1) {
    err_set_errno (err, errno, "%s", path);
    return NULL;
  }
  return TAKE (path);
}

static bool
covers (const struct extents *whole, const struct extents *part)
{
  size_t w = 0;

  for (size_t i = 0; i < part->len; i++) {
    int64_t start = part->ptr[i].start;
    int64_t end = start + part->ptr[i].length;

    while (w < whole->len && whole->ptr[w].start + whole->ptr[w].length < end)
      w++;
    if (w == whole->len || whole->ptr[w].start > start)
      return false;
  }
  return true;
}

int
undo_image_make (const char *folder, const char *redo,
                 const struct patient *patient, struct extents *extents,
                 struct err **err)
{
  CLEANUP_FREE char *undo = NULL;
  struct extents got = VEC_EMPTY;
  int r = 0;

  if (qemu_img_map (redo, extents, err) == -1)
    return -1;
  undo = overlay_make (folder, EVIDENCE_UNDO, patient, err);
  if (undo == NULL || qemu_io_fill (undo, extents, err) == -1 ||
      qemu_img_map (undo, &got, err) == -1)
    r = -1;
  else if (!covers (&got, extents))
    r = err_set (err, ERR_IO, "the undo image misses some of the old content");
  extents_release (&got);
  return r;
}

json_t *
image_describe (const char *folder, const char *name, struct err **err)
{
  CLEANUP_FREE char *path = path_join (folder, name);
  char sha256[65];
  struct stat st;

  if (file_sync (path, err) == -1 || digest_file (path, sha256, err) == -1)
    return NULL;
  if (stat (path, &st) == -1) {
    err_set_errno (err, errno, "%s", path);
    return NULL;
  }
  return json_make ("{s:s, s:I, s:s}", "name", name, "size_bytes",
                    (json_int_t)st.st_size, "sha256", sha256);
}

int
image_verify (const char *folder, const json_t *description, struct err **err)
{
  CLEANUP_FREE char *path = NULL;
  const char *name = json_need_str (description, "name", err);
  char sha256[65];

  if (name == NULL)
    return -1;
  if (strchr (name, '/'))
    return err_set (err, ERR_INPUT, "manifest: \"%s\" is no plain name", name);
  path = path_join (folder, name);
  if (digest_file (path, sha256, err) == -1)
    return -1;
  if (strcmp (sha256, json_str (description, "sha256", "")) != 0)
    return err_set (err, ERR_DISK,
                    "%s is not what the manifest says: do not use it", path);
  return 0;
}

int
patient_holds (const char *overlay, const struct patient *patient,
               const struct extents *extents, struct err **err)
{
  struct extents windows = VEC_EMPTY;
  int r = 1;

  extents_windows (extents, WINDOW_GAP, &windows);
  for (size_t i = 0; r == 1 && i < windows.len; i++)
    r = qemu_img_equal (overlay, patient, &windows.ptr[i], err);
  extents_release (&windows);
  return r;
}

/* 1: every sector of `now` is the one of `a` or of `b`. */
static int
compare_sectors (const char *now_path, const char *a_path, const char *b_path,
                 struct err **err)
{
  CLEANUP_FILE FILE *now = fopen (now_path, "re");
  CLEANUP_FILE FILE *a = fopen (a_path, "re");
  CLEANUP_FILE FILE *b = fopen (b_path, "re");
  char n[SECTOR], x[SECTOR], y[SECTOR];

  if (now == NULL || a == NULL || b == NULL)
    return err_set_errno (err, errno, "%s", now_path);
  while (fread (n, 1, SECTOR, now) == SECTOR) {
    if (fread (x, 1, SECTOR, a) != SECTOR || fread (y, 1, SECTOR, b) != SECTOR)
      return err_set (err, ERR_IO, "%s: short read", a_path);
    if (memcmp (n, x, SECTOR) != 0 && memcmp (n, y, SECTOR) != 0)
      return 0;
  }
  return ferror (now) ? err_set_errno (err, errno, "%s", now_path) : 1;
}

/* All three images hold the windows themselves; see WINDOW_GAP. */
static int
compare_images (const char *now, const char *redo, const char *undo,
                const struct patient *patient, const struct extents *extents,
                const char *scratch, struct err **err)
{
  const char *images[] = {now, redo, undo};
  char *files[3];
  int r = 1;

  for (size_t i = 0; i < 3; i++)
    files[i] = xasprintf ("%s/window-%zu.tmp", scratch, i);
  for (size_t i = 0; r == 1 && i < extents->len; i++) {
    for (size_t f = 0; r == 1 && f < 3; f++)
      if (qemu_img_extract (images[f], patient, &extents->ptr[i], files[f],
                            err) == -1)
        r = -1;
    if (r == 1)
      r = compare_sectors (files[0], files[1], files[2], err);
  }
  for (size_t i = 0; i < 3; i++) {
    unlink (files[i]);
    free (files[i]);
  }
  return r;
}

int
patient_is_between (const char *redo, const char *undo,
                    const struct patient *patient,
                    const struct extents *extents, const char *scratch,
                    struct err **err)
{
  CLEANUP_FREE char *now = overlay_make (scratch, "now.tmp", patient, err);
  int r;

  if (now == NULL)
    return -1;
  r = qemu_io_fill (now, extents, err);
  if (r == 0)
    r = compare_images (now, redo, undo, patient, extents, scratch, err);
  unlink (now);
  return r;
}

json_t *
extents_to_json (const struct extents *extents)
{
  json_t *json = json_array ();

  for (size_t i = 0; i < extents->len; i++)
    json_array_append_new (json,
                           json_make ("[I, I]",
                                      (json_int_t)extents->ptr[i].start,
                                      (json_int_t)extents->ptr[i].length));
  return json;
}

int
extents_from_json (const json_t *json, struct extents *extents,
                   struct err **err)
{
  size_t i;
  json_t *row;

  json_array_foreach (json, i, row)
  {
    struct extent e = {json_integer_value (json_array_get (row, 0)),
                       json_integer_value (json_array_get (row, 1))};

    if (e.start < 0 || e.length <= 0)
      return err_set (err, ERR_INPUT, "manifest: extent %zu makes no sense", i);
    extents_push (extents, e);
  }
  return 0;
}
