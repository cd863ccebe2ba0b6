/* Paths in the guest, found the way the guest would find them, without ever
 * leaving its file system or following a link.
 *
 * A path is resolved part by part from "/" of the mounted volume.  On NTFS and
 * FAT a part may be spelled in other letter case; two names that differ only in
 * case are refused as "ambiguous-name".  A symbolic link or reparse point on
 * the way is refused as "reparse-point".  "/Windows" stands for the folder that
 * the system really lives in. */

#ifndef BOOTMEND_GUEST_PATH_H
#define BOOTMEND_GUEST_PATH_H

#include <base/err.h>

struct disk;

/* All three: 1 = there, *found is the real spelling; 0 = there is no such
 * thing; -1 = error or refusal. */

/* Whatever has this name; its last part may be a link, which is not followed.
 */
int guest_path_find (struct disk *disk, const char *path, char **found,
                     struct err **err) ATTR_USE;

/* The same, but it has to be a folder. */
int guest_path_find_folder (struct disk *disk, const char *path, char **found,
                            struct err **err) ATTR_USE;

/* All names that fit a path whose last part may have wildcards, sorted. */
int guest_path_glob (struct disk *disk, const char *pattern, char ***found,
                     struct err **err) ATTR_USE;

/* Where a new file of this path would be: its folder must exist.  The last
 * part is taken from an existing file of that name, else as given. */
int guest_path_target (struct disk *disk, const char *path, char **target,
                       struct err **err) ATTR_USE;

/* "/a/b" from "/a/b/c", "/" from "/a". */
char *guest_path_parent (const char *path);
const char *guest_path_name (const char *path);

#endif
