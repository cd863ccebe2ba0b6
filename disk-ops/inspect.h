/* What is on a disk, for `bootmend inspect`: the result's "disk" and "os". */

#ifndef BOOTMEND_INSPECT_H
#define BOOTMEND_INSPECT_H

#include <base/err.h>

struct disk;

int inspect (struct disk *disk, struct err **err) ATTR_USE;

#endif
