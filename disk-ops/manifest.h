/* evidence/manifest.json: how far a change of a patient has come.
 *
 * It is the only thing that decides what a run after a crash does, so it is
 * written whole, synced, and renamed into place.  States and what they mean for
 * the patient:
 *
 *   begun        untouched; what is in the folder may be thrown away
 *   commit       being written: untouched, half or whole; redo.qcow2 holds all
 *                of the change, undo.qcow2 what was there before
 *   done         changed as "result" says; undo.qcow2 brings back the bytes
 *   undo-commit  being put back, from the image named in "undo_from"
 *   undone       as it was before
 *
 * docs/evidence.md describes the folder for people. */

#ifndef BOOTMEND_MANIFEST_H
#define BOOTMEND_MANIFEST_H

#include <stdbool.h>

#include <base/json.h>

#include "identify.h"

enum manifest_state {
  MANIFEST_NONE, /* there is no manifest */
  MANIFEST_BEGUN,
  MANIFEST_COMMIT,
  MANIFEST_DONE,
  MANIFEST_UNDO_COMMIT,
  MANIFEST_UNDONE
};

#define EVIDENCE_MANIFEST "manifest.json"
#define EVIDENCE_FILES    "files.json"
#define EVIDENCE_COPIES   "files"
#define EVIDENCE_NTFS     "ntfs"
#define EVIDENCE_REDO     "redo.qcow2"
#define EVIDENCE_UNDO     "undo.qcow2"
#define EVIDENCE_REVERT   "revert.qcow2" /* redo overlay of a file-level undo */

struct manifest {
  enum manifest_state state;
  json_t *json; /* never NULL after loading */
};

#define CLEANUP_MANIFEST CLEANUP (manifest_release)
void manifest_release (struct manifest *manifest);

/* No manifest is no error: MANIFEST_NONE.  ERR_INPUT for one that is damaged
 * or of a newer version. */
int manifest_load (const char *evidence, struct manifest *manifest,
                   struct err **err) ATTR_USE;

/* Goes to the next state and writes it.  A step that is not in the order above
 * is ERR_INTERNAL and writes nothing. */
int manifest_advance (const char *evidence, struct manifest *manifest,
                      enum manifest_state next, struct err **err) ATTR_USE;

/* May this state follow that one? */
bool manifest_may_follow (enum manifest_state from, enum manifest_state to);

const char *manifest_state_name (enum manifest_state state);

#endif
