/* Paths in a guest, as recipes write them: always from the root of the system
 * that is repaired, '/' between the parts, never out of it.
 *
 * Windows' and Linux' rules differ: a backslash or a colon is part of a name
 * on Linux and something else on Windows (separator, drive, stream). */

#ifndef BOOTMEND_GUEST_PATH_H
#define BOOTMEND_GUEST_PATH_H

#include "recipe.h"

enum guest_path_flags {
  GUEST_PATH_WILDCARDS = 1, /* * ? [...] may be in the last part */
  GUEST_PATH_NAME = 2       /* a single part without '/' */
};

/* NULL if it is fine, else the broken rule: a static text. */
const char *guest_path_fault (const char *path, enum recipe_os os,
                              unsigned flags);

/* Does the last part consist of wildcards only, as in "/tmp/ *"? */
bool guest_path_matches_all (const char *path);

#endif
