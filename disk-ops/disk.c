#include "disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/text.h>

#include "refuse.h"

void
disk_init (struct disk *disk, const struct work *work,
           const struct batch_hooks *hooks)
{
  memset (disk, 0, sizeof *disk);
  disk->work = work;
  disk->hooks = hooks;
  disk->lock = (struct patient_lock)PATIENT_LOCK_INIT;
  disk->evidence_lock = -1;
  disk->result = json_object ();
  json_put_bool (disk->result, "changed", false);
  disk->started_ms = disk->mark_ms = clock_now_ms (&real_clock);
}

void
disk_release (struct disk *disk)
{
  if (disk->overlay && disk->overlay_is_scratch)
    unlink (disk->overlay);
  free (disk->overlay);
  free (disk->device);
  free (disk->link);
  patient_lock_drop (&disk->lock);
  if (disk->evidence_lock >= 0)
    close (disk->evidence_lock);
  manifest_release (&disk->manifest);
  patient_release (&disk->patient);
  volumes_release (&disk->volumes);
  os_root_release (&disk->os);
  plan_release (&disk->plan);
  registry_forget (disk);
  ntfs_saved_release (&disk->ntfs_saved);
  ntfs_lent_release (&disk->lent);
  str_vec_free_all (&disk->mappings);
  json_decref (disk->result);
}

void
disk_stage (struct disk *disk, const char *stage)
{
  int64_t now = clock_now_ms (&real_clock);
  json_t *timings = json_object_get (disk->result, "timings_ms");

  if (timings == NULL) {
    timings = json_object ();
    json_put (disk->result, "timings_ms", timings);
  }
  json_put_int (timings, stage,
                json_int (timings, stage, 0) + now - disk->mark_ms);
  disk->mark_ms = now;
  disk->hooks->stage (disk->hooks->opaque, disk->work->id, stage, NULL);
}

void
disk_note (struct disk *disk, const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL, *printable = NULL;
  json_t *notes = json_list (disk->result, "notes");
  va_list args;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  printable = text_printable (text);
  json_array_append_new (notes, json_string (printable));
}

bool
disk_allows (const struct disk *disk, const char *code)
{
  size_t i;
  json_t *word;

  json_array_foreach ((json_t *)disk->work->allow, i,
                      word) if (json_is_string (word) &&
                                strcmp (json_string_value (word), code) ==
                                    0) return true;
  return false;
}

int
disk_refuse (struct disk *disk, struct err **err, const char *code,
             const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL, *printable = NULL;
  va_list args;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  printable = text_printable (text);
  disk->refusal = code;
  return err_set (err, ERR_REFUSED, "%s", printable);
}

/* What drivers say of structures that make no sense: EIO (ntfs-3g), EUCLEAN and
 * EBADMSG (ext4, xfs, btrfs).  Programs in the appliance give only the text; of
 * a folder or file that can't be read to its end libguestfs says only that. */
static bool
says_damaged (const char *why)
{
  static const char *const words[] = {"Input/output error",
                                      "Structure needs cleaning", "Bad message",
                                      "receive cancelled by daemon"};

  for (size_t i = 0; i < ARRAY_SIZE (words); i++)
    if (strstr (why, words[i]))
      return true;
  return false;
}

int
disk_guest_error (struct disk *disk, struct err **err, const char *fmt, ...)
{
  CLEANUP_FREE char *what = NULL, *text = NULL, *printable = NULL;
  const char *why = guestfs_last_error (disk->g);
  va_list args;

  va_start (args, fmt);
  what = xvasprintf (fmt, args);
  va_end (args);
  text = xasprintf ("%s: %s", what, why ? why : "unknown error");
  /* programs in the appliance answer with several lines */
  for (char *p = text; *p; p++)
    if (*p == '\n')
      *p = ' ';
  printable = text_printable (text);
  if (disk->mounted && why && says_damaged (why) &&
      guestfs_is_ready (disk->g) == 1)
    return disk_refuse (disk, err, REFUSE_FS_DAMAGED,
                        "%s: the file system is damaged there: %s",
                        disk->mounted->name, printable);
  return err_set (err,
                  guestfs_is_ready (disk->g) == 1 ? ERR_DISK : ERR_TRANSIENT,
                  "%s", printable);
}

bool
disk_is_enoent (const struct disk *disk)
{
  int e = guestfs_last_errno (disk->g);

  return e == ENOENT || e == ENOTDIR;
}

void
disk_answer (struct disk *disk, const char *outcome, const struct err *err)
{
  json_t *result = disk->result;

  if (disk->answered)
    return;
  disk->answered = true;
  json_put_str (result, "outcome", outcome);
  if (err)
    json_put_str (result, "reason", err->msg);
  if (err && strcmp (outcome, "failed") == 0)
    json_put (result, "error", json_from_err (err));
  if (disk->refusal && strcmp (outcome, "refused") == 0)
    json_put_str (result, "refusal", disk->refusal);
  if (disk->work->evidence && disk->manifest.state != MANIFEST_NONE)
    json_put_str (result, "evidence", disk->work->evidence);
  disk->hooks->result (disk->hooks->opaque, disk->work->id,
                       json_incref (result));
}

void
disk_answer_error (struct disk *disk, const struct err *err)
{
  bool refused = err->code == ERR_REFUSED && disk->refusal;

  disk_answer (disk, refused ? "refused" : "failed", err);
}

int
disk_still_wanted (struct disk *disk, struct err **err)
{
  if (disk->hooks->wanted == NULL ||
      disk->hooks->wanted (disk->hooks->opaque, disk->work->id))
    return 0;
  return err_set (err, ERR_STOPPED, "stopped before it was touched");
}

int
disk_may_commit (struct disk *disk, struct err **err)
{
  if (!disk->work->ask || disk->hooks->may_commit == NULL)
    return disk_still_wanted (disk, err);
  if (disk->hooks->may_commit (disk->hooks->opaque, disk->work->id))
    return 0;
  return err_set (err, ERR_STOPPED, "stopped before it was touched");
}
