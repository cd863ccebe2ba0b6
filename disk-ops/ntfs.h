/* NTFS as a crash leaves it: looked at before any write, made writable the
 * documented way, left marked dirty so that Windows checks it itself. */

#ifndef BOOTMEND_NTFS_H
#define BOOTMEND_NTFS_H

#include <stdbool.h>

#include <base/err.h>

struct disk;
struct volume;

/* Fills volume->log; what can't be read stays unknown. */
void ntfs_log_look (struct disk *disk, struct volume *volume);

/* A volume whose first sector says nothing: if the copy of the boot sector that
 * NTFS keeps behind it is good, it is taken for one with a damaged boot
 * sector, and true is the answer. */
bool ntfs_find_boot_copy (struct disk *disk, struct volume *volume);

/* Was it shut down, and do its copies agree?  If not, it has to be made
 * writable (ntfs-fix.h) before it is mounted to write. */
bool ntfs_needs_fix (const struct volume *volume);

/* Refuses ("dirty-ntfs") if it needs that and the operator does not want it. */
int ntfs_refuse_dirty (struct disk *disk, const struct volume *volume,
                       struct err **err) ATTR_USE;

/* Mounts an NTFS volume at "/".  To write: refuses a hibernated one
 * ("hibernated") before any write, empties a log that was not closed with
 * ntfsfix, and checks that what was mounted can be written.  To read: mounts
 * read-only. */
int ntfs_mount (struct disk *disk, const struct volume *volume, bool to_write,
                struct err **err) ATTR_USE;

/* Looks at the header of the volume's hiberfil.sys (it is mounted at "/") and
 * refuses if it holds a hibernated Windows. */
int ntfs_refuse_hibernated (struct disk *disk, const struct volume *volume,
                            struct err **err) ATTR_USE;

#endif
