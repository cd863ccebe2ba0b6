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
