#include "undo.h"

#include <string.h>

#include "commit.h"
#include "disk.h"
#include "overlay.h"
#include "refuse.h"

/* Is the patient, as far as can be known, as the repair left it? */
static bool
is_unchanged (const struct disk *disk)
{
  struct stamp after;

  stamp_from_json (json_at (disk->manifest.json, "patient.after"), &after);
  if (!stamp_equal (&after, &disk->patient.stamp))
    return false;
  return !disk->patient.block || disk->work->unchanged;
}

static int
undo_bytes (struct disk *disk, struct err **err)
{
  if (image_verify (disk->work->evidence, json_at (disk->manifest.json, "undo"),
                    err) == -1 ||
      commit_undo (disk, &disk->manifest, EVIDENCE_UNDO, err) == -1)
    return -1;
  json_put_bool (disk->result, "changed", true);
  json_put_str (disk->result, "undo", "bytes");
  disk_stage (disk, "committed");
  disk_answer (disk, "undone", NULL);
  return 0;
}

int
undo_prepare (struct disk *disk, struct err **err)
{
  bool was_cut_short;

  if (evidence_open (disk, false, &disk->manifest, err) == -1)
    return -1;
  was_cut_short = disk->manifest.state == MANIFEST_UNDO_COMMIT;
  if (commit_finish (disk, &disk->manifest, err) == -1)
    return -1;
  switch (disk->manifest.state) {
  case MANIFEST_NONE:
    return disk_refuse (disk, err, REFUSE_NO_EVIDENCE,
                        "%s holds no evidence of a repair",
                        disk->work->evidence);
  case MANIFEST_BEGUN:
    disk_note (disk, "the repair never reached the disk");
    disk_answer (disk, "undone", NULL);
    return 0;
  case MANIFEST_UNDONE:
    disk_note (disk, was_cut_short ? "an undo that was cut short is finished"
                                   : "it was undone before");
    json_put_bool (disk->result, "changed", was_cut_short);
    disk_answer (disk, "undone", NULL);
    return 0;
  default:
    return is_unchanged (disk) ? undo_bytes (disk, err) : 0;
  }
}

int
undo_commit (struct disk *disk, struct err **err)
{
  if (keep_overlay (disk, EVIDENCE_REVERT, err) == -1 ||
      disk_still_wanted (disk, err) == -1)
    return -1;
  if (commit_undo (disk, &disk->manifest, EVIDENCE_REVERT, err) == -1)
    return -1;
  json_put_bool (disk->result, "changed", true);
  json_put_str (disk->result, "undo", "files");
  disk_stage (disk, "committed");
  return 0;
}
