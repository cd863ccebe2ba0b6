#include "commit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>

#include "overlay.h"
#include "qemu-img.h"
#include "refuse.h"

#define LOCK_NAME "lock"

static int
lock_folder (struct disk *disk, struct err **err)
{
  CLEANUP_FREE char *path = path_join (disk->work->evidence, LOCK_NAME);

  disk->evidence_lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (disk->evidence_lock == -1)
    return err_set_errno (err, errno, "%s", path);
  if (flock (disk->evidence_lock, LOCK_EX | LOCK_NB) == -1)
    return disk_refuse (disk, err, REFUSE_IN_USE,
                        "%s: another run uses this evidence folder",
                        disk->work->evidence);
  return 0;
}

/* The same file or device?  A path can be another name for it, so the stamp's
 * numbers count, and the path if the file was copied. */
static bool
same_patient (const struct disk *disk, const struct manifest *manifest)
{
  struct stamp before;

  stamp_from_json (json_at (manifest->json, "patient.before"), &before);
  return (before.dev == disk->patient.stamp.dev &&
          before.ino == disk->patient.stamp.ino) ||
         strcmp (json_str (manifest->json, "patient.path", ""),
                 disk->patient.path) == 0;
}

int
evidence_open (struct disk *disk, bool make, struct manifest *manifest,
               struct err **err)
{
  const char *folder = disk->work->evidence;

  if (folder == NULL)
    return err_set (err, ERR_INTERNAL, "no evidence folder given");
  if (make && folder_make (folder, 0700, err) == -1)
    return -1;
  if (!make && access (folder, F_OK) == -1)
    return disk_refuse (disk, err, REFUSE_NO_EVIDENCE, "%s: %s", folder,
                        strerror (errno));
  if (lock_folder (disk, err) == -1 ||
      manifest_load (folder, manifest, err) == -1)
    return -1;
  if (manifest->state != MANIFEST_NONE && !same_patient (disk, manifest))
    return disk_refuse (disk, err, REFUSE_FOREIGN_EVIDENCE,
                        "%s holds the evidence of %s", folder,
                        json_str (manifest->json, "patient.path", "?"));
  return 0;
}

static const char *const kept_files[] = {EVIDENCE_FILES,   EVIDENCE_COPIES,
                                         EVIDENCE_NTFS,    EVIDENCE_REDO,
                                         EVIDENCE_UNDO,    EVIDENCE_REVERT,
                                         EVIDENCE_MANIFEST};

/* The manifest goes last: until then the folder still explains itself. */
static int
move_earlier (const char *folder, struct err **err)
{
  CLEANUP_FREE char *earlier = NULL;

  for (int n = 1; earlier == NULL; n++) {
    earlier = xasprintf ("%s/earlier-%d", folder, n);
    if (mkdir (earlier, 0700) == -1) {
      if (errno != EEXIST || n == 10000)
        return err_set_errno (err, errno, "%s", earlier);
      free (TAKE (earlier));
    }
  }
  for (size_t i = 0; i < ARRAY_SIZE (kept_files); i++) {
    CLEANUP_FREE char *from = path_join (folder, kept_files[i]);
    CLEANUP_FREE char *to = path_join (earlier, kept_files[i]);

    if (rename (from, to) == -1 && errno != ENOENT)
      return err_set_errno (err, errno, "%s", to);
  }
  return folder_sync (folder, err);
}

static int
remove_leftovers (const char *folder, struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (kept_files); i++) {
    CLEANUP_FREE char *path = path_join (folder, kept_files[i]);

    if (folder_remove (path, err) == -1)
      return -1;
  }
  return 0;
}

static void
describe_patient (struct disk *disk, json_t *json)
{
  json_put (json, "patient",
            json_make ("{s:s, s:s, s:I, s:o}", "path", disk->patient.path,
                       "format", disk->patient.raw ? "raw" : "qcow2",
                       "virtual_size", (json_int_t)disk->patient.virtual_size,
                       "before", stamp_to_json (&disk->patient.stamp)));
}

int
evidence_begin (struct disk *disk, struct manifest *manifest, struct err **err)
{
  const char *folder = disk->work->evidence;
  CLEANUP_FREE char *copies = path_join (folder, EVIDENCE_COPIES);
  int r = manifest->state == MANIFEST_DONE || manifest->state == MANIFEST_UNDONE
              ? move_earlier (folder, err)
              : remove_leftovers (folder, err);

  if (r == -1)
    return -1;
  manifest->state = MANIFEST_NONE;
  json_object_clear (manifest->json);
  json_put_str (manifest->json, "work", disk->work->id);
  describe_patient (disk, manifest->json);
  if (disk->work->recipe)
    json_put (manifest->json, "recipe",
              json_make ("{s:s, s:I, s:s}", "name", disk->work->recipe->name,
                         "version", (json_int_t)disk->work->recipe->version,
                         "sha256", disk->work->recipe->sha256));
  if (folder_make (copies, 0700, err) == -1)
    return -1;
  return manifest_advance (folder, manifest, MANIFEST_BEGUN, err);
}

/* Nobody may have written to the patient between our first look and now: the
 * overlay would not fit. */
static int
check_unchanged (struct disk *disk, struct err **err)
{
  struct stamp now;

  if (patient_stamp (disk->patient.path, &now, err) == -1)
    return -1;
  if (!stamp_equal (&now, &disk->patient.stamp))
    return disk_refuse (disk, err, REFUSE_IN_USE,
                        "%s changed while we worked on it", disk->patient.path);
  return 0;
}

static int
lock_out_all (struct disk *disk, struct err **err)
{
  int r = patient_lock_upgrade (&disk->lock, err);

  if (r == 1)
    return disk_refuse (disk, err, REFUSE_IN_USE,
                        "%s: someone else has it open", disk->patient.path);
  return r;
}

static void
put_time (json_t *json, const char *key)
{
  CLEANUP_FREE char *now = time_format_ms (clock_wall_ms (&real_clock));

  json_put_str (json, key, now);
}

/* Images, extents and result into the manifest, then "commit". */
static int
save_intent (struct disk *disk, struct manifest *manifest,
             const struct extents *extents, struct err **err)
{
  const char *folder = disk->work->evidence;
  json_t *redo = image_describe (folder, EVIDENCE_REDO, err);
  json_t *undo = redo ? image_describe (folder, EVIDENCE_UNDO, err) : NULL;

  if (undo == NULL) {
    json_decref (redo);
    return -1;
  }
  json_put (manifest->json, "redo", redo);
  json_put (manifest->json, "undo", undo);
  json_put (manifest->json, "extents", extents_to_json (extents));
  json_put (manifest->json, "result", json_deep_copy (disk->result));
  put_time (manifest->json, "commit_at");
  if (folder_sync (folder, err) == -1)
    return -1;
  return manifest_advance (folder, manifest, MANIFEST_COMMIT, err);
}

static int
save_done (struct disk *disk, struct manifest *manifest,
           enum manifest_state state, const char *key, struct err **err)
{
  struct stamp after;

  if (file_sync (disk->patient.path, err) == -1 ||
      patient_stamp (disk->patient.path, &after, err) == -1)
    return -1;
  json_put (json_object_get (manifest->json, "patient"), key,
            stamp_to_json (&after));
  put_time (manifest->json, manifest_state_name (state));
  return manifest_advance (disk->work->evidence, manifest, state, err);
}

static void
drop_image (const struct disk *disk, const char *name)
{
  CLEANUP_FREE char *path = path_join (disk->work->evidence, name);

  unlink (path);
}

/* The write failed half-way (disk full, I/O error): back to what was. */
static int
take_back (struct disk *disk, struct manifest *manifest, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;

  if (commit_undo (disk, manifest, EVIDENCE_UNDO, &why) == 0) {
    err_wrap (err, "the change could not be written, the old content is back");
    json_put_bool (disk->result, "changed", false);
    return -1;
  }
  json_put_bool (disk->result, "changed", true);
  return err_wrap (err,
                   "the change is half written and could not be taken back "
                   "(%s): keep %s, remove the cause and run the same repair "
                   "again, it will finish it",
                   why->msg, disk->work->evidence);
}

static int
write_patient (struct disk *disk, struct manifest *manifest, struct err **err)
{
  CLEANUP_FREE char *redo = path_join (disk->work->evidence, EVIDENCE_REDO);

  json_put_bool (disk->result, "changed", true);
  if (qemu_img_commit (redo, &disk->patient, err) == -1)
    return take_back (disk, manifest, err);
  if (save_done (disk, manifest, MANIFEST_DONE, "after", err) == -1)
    return -1;
  drop_image (disk, EVIDENCE_REDO);
  return 0;
}

int
keep_overlay (struct disk *disk, const char *name, struct err **err)
{
  CLEANUP_FREE char *path = path_join (disk->work->evidence, name);

  if (rename (disk->overlay, path) == -1)
    return err_set_errno (err, errno, "%s", path);
  free (disk->overlay);
  disk->overlay = TAKE (path);
  disk->overlay_is_scratch = false;
  return file_sync (disk->overlay, err);
}

int
commit_change (struct disk *disk, struct manifest *manifest, struct err **err)
{
  struct extents extents = VEC_EMPTY;
  int r = -1;

  if (keep_overlay (disk, EVIDENCE_REDO, err) == 0 &&
      undo_image_make (disk->work->evidence, disk->overlay, &disk->patient,
                       &extents, err) == 0 &&
      lock_out_all (disk, err) == 0 && check_unchanged (disk, err) == 0 &&
      disk_may_commit (disk, err) == 0) {
    json_put (disk->result, "written",
              json_make ("{s:I, s:I}", "extents", (json_int_t)extents.len,
                         "bytes", (json_int_t)extents_bytes (&extents)));
    json_put_str (disk->result, "outcome", "repaired");
    r = save_intent (disk, manifest, &extents, err);
  }
  extents_release (&extents);
  if (r == -1)
    return -1;
  disk_stage (disk, "saved");
  if (write_patient (disk, manifest, err) == -1)
    return -1;
  disk_stage (disk, "committed");
  return 0;
}

int
commit_undo (struct disk *disk, struct manifest *manifest, const char *name,
             struct err **err)
{
  CLEANUP_FREE char *image = path_join (disk->work->evidence, name);
  struct extents extents = VEC_EMPTY;
  int r;

  if (lock_out_all (disk, err) == -1)
    return -1;
  if (manifest->state != MANIFEST_UNDO_COMMIT) {
    json_t *description;

    if (disk_may_commit (disk, err) == -1)
      return -1;
    description = image_describe (disk->work->evidence, name, err);
    if (description == NULL)
      return -1;
    json_put (manifest->json, "undo_from", description);
    if (manifest_advance (disk->work->evidence, manifest, MANIFEST_UNDO_COMMIT,
                          err) == -1)
      return -1;
  }
  json_put_bool (disk->result, "changed", true);
  if (qemu_img_commit (image, &disk->patient, err) == -1)
    return -1;
  if (qemu_img_map (image, &extents, err) == -1) {
    extents_release (&extents);
    return -1;
  }
  r = patient_holds (image, &disk->patient, &extents, err);
  extents_release (&extents);
  if (r == 0)
    return err_set (err, ERR_DISK, "%s does not hold what was written to it",
                    disk->patient.path);
  if (r == -1)
    return -1;
  if (save_done (disk, manifest, MANIFEST_UNDONE, "undone", err) == -1)
    return -1;
  drop_image (disk, EVIDENCE_REDO);
  drop_image (disk, EVIDENCE_REVERT);
  return 0;
}

/* Between the crash and now someone may have started the VM: then neither
 * image fits any more, and finishing would damage the file system. */
static int
check_between (struct disk *disk, struct manifest *manifest, struct err **err)
{
  const char *folder = disk->work->evidence;
  CLEANUP_FREE char *redo = path_join (folder, EVIDENCE_REDO);
  CLEANUP_FREE char *undo = path_join (folder, EVIDENCE_UNDO);
  struct extents extents = VEC_EMPTY;
  struct stamp before;
  int r;

  stamp_from_json (json_at (manifest->json, "patient.before"), &before);
  if (!disk->patient.block && stamp_equal (&before, &disk->patient.stamp))
    return 0; /* not a byte was written yet */
  r = extents_from_json (json_at (manifest->json, "extents"), &extents, err);
  if (r == 0)
    r = patient_is_between (redo, undo, &disk->patient, &extents, folder, err);
  extents_release (&extents);
  if (r == 0)
    return disk_refuse (
        disk, err, REFUSE_CHANGED_SINCE,
        "a repair of this disk was cut short while it was being written, and "
        "something else has written to it since; %s holds what was there "
        "before (%s) and what was to be written (%s)",
        folder, EVIDENCE_UNDO, EVIDENCE_REDO);
  return r == 1 ? 0 : -1;
}

static int
finish_forward (struct disk *disk, struct manifest *manifest, struct err **err)
{
  const char *folder = disk->work->evidence;

  if (image_verify (folder, json_at (manifest->json, "redo"), err) == -1 ||
      image_verify (folder, json_at (manifest->json, "undo"), err) == -1 ||
      check_between (disk, manifest, err) == -1 ||
      lock_out_all (disk, err) == -1)
    return -1;
  if (write_patient (disk, manifest, err) == -1)
    return -1;
  return patient_stamp (disk->patient.path, &disk->patient.stamp, err);
}

/* Only a name that we write ourselves: the manifest lies in a folder. */
static const char *
undo_image_name (const struct manifest *manifest)
{
  const char *name = json_str (manifest->json, "undo_from.name", "");

  return strcmp (name, EVIDENCE_REVERT) == 0 ? EVIDENCE_REVERT : EVIDENCE_UNDO;
}

int
commit_finish (struct disk *disk, struct manifest *manifest, struct err **err)
{
  switch (manifest->state) {
  case MANIFEST_COMMIT:
    if (finish_forward (disk, manifest, err) == -1)
      return err_wrap (err, "finish the repair that was cut short");
    return 0;
  case MANIFEST_UNDO_COMMIT:
    if (image_verify (disk->work->evidence,
                      json_at (manifest->json, "undo_from"), err) == -1 ||
        commit_undo (disk, manifest, undo_image_name (manifest), err) == -1)
      return err_wrap (err, "finish the undo that was cut short");
    return patient_stamp (disk->patient.path, &disk->patient.stamp, err);
  default:
    return 0;
  }
}
