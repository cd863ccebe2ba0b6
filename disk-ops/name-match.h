/* Names of files compared the way the guest's file system does it: NTFS and
 * FAT without regard to case, in all of Unicode; others byte by byte. */

#ifndef BOOTMEND_NAME_MATCH_H
#define BOOTMEND_NAME_MATCH_H

#include <stdbool.h>

bool name_equal (const char *a, const char *b, bool fold_case);

/* Wildcards * ? [a-z] [!a-z] over characters, not bytes. */
bool name_match (const char *pattern, const char *name, bool fold_case);

bool name_has_wildcard (const char *pattern);

/* Is this one part of a path that can name a file: not empty, ".", "..", no
 * slash? */
bool name_is_plain (const char *name);

#endif
