/* Making an NTFS volume writable that was not shut down.
 *
 * "replay" (the default) applies what Windows had committed to the log and not
 * yet written, with ntfsrecover of ntfs-3g; where that does not work, and with
 * "reset", the log is emptied, which loses those changes.  Either way the
 * volume is left marked dirty, so that Windows checks it at its next start, and
 * what is there before (log, $MFTMirr, boot sectors) is kept for the evidence.
 * docs/evidence.md explains the choice. */

#ifndef BOOTMEND_NTFS_FIX_H
#define BOOTMEND_NTFS_FIX_H

#include <base/json.h>
#include <base/vec.h>

struct disk;
struct volume;

/* A part of the volume as it was before. */
struct ntfs_saved {
  const char *name; /* in the evidence folder, below ntfs/ */
  uint64_t offset;  /* in the volume */
  unsigned char *bytes;
  size_t len;
};
DEFINE_VEC (struct ntfs_saved, ntfs_saved_vec);
void ntfs_saved_release (struct ntfs_saved_vec *saved);

/* 1: done; 0: it can't be, *said is what ntfsfix has to say; -1.  Refuses a
 * hibernated one before anything is written. */
int ntfs_make_writable (struct disk *disk, const struct volume *volume,
                        char **said, struct err **err) ATTR_USE;

/* Writes what was kept to the evidence folder: [{name, offset, size_bytes,
 * sha256}]; NULL: error.  An empty list if nothing was. */
json_t *ntfs_saved_write (struct disk *disk, struct err **err) ATTR_USE;

#endif
