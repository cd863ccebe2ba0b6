/* Giving an NTFS file back what a copy of its bytes has lost.
 *
 * libguestfs takes the value of an extended attribute as a C string, so that
 * what has a zero byte in it is cut off without a word; setfattr in the
 * appliance takes it as digits.  docs/evidence.md says what comes back. */

#ifndef BOOTMEND_UNDO_NTFS_H
#define BOOTMEND_UNDO_NTFS_H

#include <base/json.h>

struct disk;

/* Streams, security descriptor, short name, DOS attributes and times of a file
 * that has its content again; `metadata` is what guest_file_metadata gave. What
 * could not be set is told in a note. */
int undo_ntfs_metadata (struct disk *disk, const char *path,
                        const json_t *metadata, struct err **err) ATTR_USE;

/* ntfs-3g drops the short name of what it renames: given back to what has its
 * old name again. */
int undo_ntfs_short_name (struct disk *disk, const char *path,
                          const json_t *metadata, struct err **err) ATTR_USE;

#endif
