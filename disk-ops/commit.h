/* The moment of truth: a checked change goes from an overlay into the patient.
 *
 * Order: sync the overlay, make and sync the undo image, lock out everybody,
 * write "commit" into the manifest, write the patient, sync it, write "done".
 * A crash before "commit" leaves the patient untouched; after it, commit_finish
 * of the next run brings it to "done". */

#ifndef BOOTMEND_COMMIT_H
#define BOOTMEND_COMMIT_H

#include "disk.h"
#include "manifest.h"

/* Opens the evidence folder of a disk (mode 0700), keeps others out of it, and
 * reads its manifest.  Refuses one that belongs to another patient. */
int evidence_open (struct disk *disk, bool make, struct manifest *manifest,
                   struct err **err) ATTR_USE;

/* Makes room for a new change: leftovers of a run that never reached the
 * patient go, a finished one moves to earlier-N/. */
int evidence_begin (struct disk *disk, struct manifest *manifest,
                    struct err **err) ATTR_USE;

/* Gives the overlay, once its appliance has ended well, its name in the
 * evidence folder, and syncs it. */
int keep_overlay (struct disk *disk, const char *name,
                  struct err **err) ATTR_USE;

/* Commits disk->overlay (EVIDENCE_REDO).  disk->result is stored as what the
 * operator will be told.  If the write itself fails the old content is put
 * back. */
int commit_change (struct disk *disk, struct manifest *manifest,
                   struct err **err) ATTR_USE;

/* Finishes what a crash cut short, forwards: "commit" becomes "done",
 * "undo-commit" becomes "undone"; other states stay. */
int commit_finish (struct disk *disk, struct manifest *manifest,
                   struct err **err) ATTR_USE;

/* Writes the image called `name` in the evidence folder into the patient as an
 * undo: states "undo-commit" and "undone". */
int commit_undo (struct disk *disk, struct manifest *manifest, const char *name,
                 struct err **err) ATTR_USE;

#endif
