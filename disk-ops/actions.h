/* Carrying out a plan on the volume that is mounted to write. */

#ifndef BOOTMEND_ACTIONS_H
#define BOOTMEND_ACTIONS_H

#include <stdbool.h>

#include <base/err.h>

struct disk;

int actions_do (struct disk *disk, struct err **err) ATTR_USE;

/* Puts content into a file of the guest.  An existing file is overwritten in
 * place and so keeps its owner, security descriptor, short name and links (the
 * overlay sees to it that no half file can reach the patient); a new one is
 * written under a temporary name and renamed. */
int content_put (struct disk *disk, const char *path, bool exists,
                 const char *local_file, struct err **err) ATTR_USE;

#endif
