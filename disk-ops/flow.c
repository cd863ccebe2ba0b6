#include "flow.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>

#include "actions.h"
#include "boot-sector.h"
#include "check.h"
#include "commit.h"
#include "evidence.h"
#include "inspect.h"
#include "mount.h"
#include "overlay.h"
#include "refuse.h"
#include "undo.h"
#include "unlock.h"

#define WORK_OVERLAY "work.qcow2"

static bool
is_mode (const struct disk *disk, const char *mode)
{
  return strcmp (disk->work->mode, mode) == 0;
}

static bool
writes (const struct disk *disk)
{
  return is_mode (disk, "apply") || is_mode (disk, "undo");
}

static int
identify (struct disk *disk, struct err **err)
{
  CLEANUP_FREE char *why = NULL, *who = NULL;
  const struct work *work = disk->work;
  const struct patient_expect expect = {work->size_bytes, work->serial,
                                        work->machine};
  const char *refusal;
  int r = patient_identify (&disk->patient, work->path, work->format, &expect,
                            writes (disk), &refusal, &why, err);

  if (r == 1)
    return disk_refuse (disk, err, refusal, "%s: %s", work->path, why);
  if (r == -1)
    return -1;
  r = patient_lock_take (&disk->lock, disk->patient.path, writes (disk), &who,
                         err);
  if (r == 1)
    return disk_refuse (disk, err, REFUSE_IN_USE, "%s is in use by %s",
                        work->path, who);
  if (r == 0 && disk->lock.unsupported)
    disk_note (disk,
               "the file system of %s has no locks: nothing keeps a VM "
               "from being started on it meanwhile",
               work->path);
  /* Once more, now that nobody else can write. */
  return r == 0 ? patient_stamp (disk->patient.path, &disk->patient.stamp, err)
                : -1;
}

/* The repair that this folder speaks of has come to its end: say so again.
 * `earlier`: this run had no part in it. */
static void
answer_from_manifest (struct disk *disk, bool earlier, const char *note)
{
  json_t *stored = json_object_get (disk->manifest.json, "result");

  if (json_is_object (stored))
    json_object_update (disk->result, stored);
  json_put_bool (disk->result, "changed", true);
  json_put_bool (disk->result, "earlier", earlier);
  disk_note (disk, "%s", note);
  disk_answer (disk, "repaired", NULL);
}

static bool
is_done_already (const struct disk *disk)
{
  struct stamp after;

  if (disk->manifest.state != MANIFEST_DONE || disk->patient.block)
    return false;
  stamp_from_json (json_at (disk->manifest.json, "patient.after"), &after);
  return stamp_equal (&after, &disk->patient.stamp);
}

static bool
is_same_recipe (const struct disk *disk)
{
  return disk->work->recipe &&
         strcmp (json_str (disk->manifest.json, "recipe.sha256", ""),
                 disk->work->recipe->sha256) == 0;
}

static int
prepare_apply (struct disk *disk, struct err **err)
{
  bool was_cut_short;

  if (evidence_open (disk, true, &disk->manifest, err) == -1)
    return -1;
  was_cut_short = disk->manifest.state == MANIFEST_COMMIT;
  if (commit_finish (disk, &disk->manifest, err) == -1)
    return -1;
  if (was_cut_short && disk->manifest.state == MANIFEST_DONE &&
      is_same_recipe (disk))
    answer_from_manifest (disk, false,
                          "the repair was cut short while the disk was "
                          "being written; it is finished now");
  else if (is_done_already (disk) && is_same_recipe (disk))
    answer_from_manifest (disk, true,
                          "this repair was made by an earlier run with "
                          "the same evidence folder; the disk has not "
                          "changed since");
  return 0;
}

void
flow_prepare (struct disk *disk)
{
  CLEANUP_ERR struct err *err = NULL;
  int r = identify (disk, &err);

  if (r == 0 && is_mode (disk, "apply"))
    r = prepare_apply (disk, &err);
  else if (r == 0 && is_mode (disk, "undo"))
    r = undo_prepare (disk, &err);
  if (r == -1)
    disk_answer_error (disk, err);
}

void
flow_make_overlay (struct disk *disk, const char *scratch, size_t index)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *name = NULL;

  if (writes (disk)) {
    disk->overlay =
        overlay_make (disk->work->evidence, WORK_OVERLAY, &disk->patient, &err);
  } else {
    name = xasprintf ("%d-%zu.qcow2", (int)getpid (), index);
    disk->overlay = overlay_make (scratch, name, &disk->patient, &err);
  }
  disk->overlay_is_scratch = true;
  if (disk->overlay == NULL)
    disk_answer_error (disk, err);
}

/* A repair goes on: one file is changed, and what is wrong elsewhere is fsck's.
 * The mark stays, so that the guest's own fsck sees it. */
static void
note_ext_errors (struct disk *disk, const struct volume *volume)
{
  const struct ext_state *ext = &volume->ext;
  CLEANUP_FREE char *last = NULL, *counted = NULL;

  if (!ext->errors)
    return;
  if (ext->error_count > 0 && ext->last_error_s > 0) {
    last = time_format_ms (ext->last_error_s * 1000);
    counted =
        xasprintf (" (%u of them, the last at %s)", ext->error_count, last);
  }
  disk_note (disk,
             "%s is marked as having errors%s: the mark stays, so the "
             "system's fsck checks it at its next start, which may stop for a "
             "person to answer",
             volume->name, counted ? counted : "");
}

/* Opened, system found, recipe matched. */
static int
look (struct disk *disk, struct err **err)
{
  /* a recipe for the boot volume leaves the system's as it is */
  bool to_write =
      is_mode (disk, "apply") && !disk->work->recipe->on_boot_volume;

  if (boot_sector_mend (disk, err) == -1 ||
      os_root_find (disk, to_write, err) == -1)
    return -1;
  json_put (disk->result, "os", os_root_to_json (&disk->os));
  disk_stage (disk, "os-found");
  note_ext_errors (disk, disk->os.volume);
  if (plan_make (disk, err) == -1)
    return -1;
  disk_stage (disk, "matched");
  return 0;
}

static int
change (struct disk *disk, struct err **err)
{
  if (evidence_begin (disk, &disk->manifest, err) == -1 ||
      evidence_save (disk, err) == -1)
    return -1;
  disk_stage (disk, "backed-up");
  if (actions_do (disk, err) == -1)
    return -1;
  disk_stage (disk, "changed");
  if (check_changes (disk, err) == -1 || check_recipe (disk, err) == -1)
    return -1;
  disk_stage (disk, "checked");
  return mount_end (disk, err);
}

static int
repair (struct disk *disk, struct err **err)
{
  if (look (disk, err) == -1)
    return -1;
  if (disk->plan.changes.len == 0) {
    if (check_recipe (disk, err) == -1)
      return err_wrap (err, "there is nothing to change, but a check fails");
    if (mount_end (disk, err) == -1)
      return -1;
    disk_answer (disk, "clean", NULL);
    return 0;
  }
  if (is_mode (disk, "report")) {
    json_put (disk->result, "changes", plan_to_json (&disk->plan));
    if (mount_end (disk, err) == -1)
      return -1;
    disk_answer (disk, "needed", NULL);
    return 0;
  }
  if (change (disk, err) == -1)
    return -1;
  disk->change_ready = true;
  return 0;
}

static bool
has_kind (const struct disk *disk, enum volume_kind kind)
{
  for (size_t i = 0; i < disk->volumes.all.len; i++)
    if (disk->volumes.all.ptr[i].kind == kind)
      return true;
  return false;
}

/* LVM in LUKS is usual, LUKS in LVM is possible. */
static int
unlock_all (struct disk *disk, struct err **err)
{
  size_t known;

  if (unlock_volumes (disk, 0, err) == -1)
    return -1;
  known = disk->volumes.all.len;
  if (volumes_find_logical (disk, err) == -1)
    return -1;
  return known < disk->volumes.all.len ? unlock_volumes (disk, known, err) : 0;
}

static int
open_and_work (struct disk *disk, char *const *partitions, struct err **err)
{
  if (disk_still_wanted (disk, err) == -1)
    return -1;
  if (volumes_find (disk, partitions, err) == -1 ||
      unlock_all (disk, err) == -1)
    return -1;
  disk_stage (disk, "opened");
  if (is_mode (disk, "inspect"))
    return inspect (disk, err);
  if (is_mode (disk, "undo"))
    return undo_files (disk, err);
  return repair (disk, err);
}

int
flow_in_appliance (struct disk *disk, bool shared, char *const *partitions,
                   struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  int r;

  disk->mark_ms = clock_now_ms (&real_clock);
  disk_stage (disk, "appliance");
  r = open_and_work (disk, partitions, &why);
  if (r == -1 && guestfs_is_ready (disk->g) != 1)
    return err_move (err, TAKE (why));
  if (r == -1 && shared && why->code != ERR_STOPPED &&
      has_kind (disk, VOLUME_BTRFS)) {
    /* Two clones of one btrfs can't be told apart by one kernel. */
    disk->round = ROUND_ALONE;
  } else if (r == -1)
    disk_answer_error (disk, why);
  /* whatever happened, the next disk gets an appliance without mounts */
  if (mount_end (disk, NULL) == -1 && guestfs_is_ready (disk->g) != 1)
    return err_set (err, ERR_TRANSIENT, "%s: the appliance died",
                    disk->work->id);
  (void)!unlock_end (disk, NULL);
  return 0;
}

void
flow_commit (struct disk *disk)
{
  CLEANUP_ERR struct err *err = NULL;
  int r;

  disk->mark_ms = clock_now_ms (&real_clock);
  disk_stage (disk, "closed");
  r = is_mode (disk, "undo") ? undo_commit (disk, &err)
                             : commit_change (disk, &disk->manifest, &err);
  if (r == -1)
    disk_answer_error (disk, err);
  else
    disk_answer (disk, is_mode (disk, "undo") ? "undone" : "repaired", NULL);
}
