/* Ranges of a disk. */

#ifndef BOOTMEND_EXTENTS_H
#define BOOTMEND_EXTENTS_H

#include <stdint.h>

#include <base/json.h>
#include <base/vec.h>

struct extent {
  int64_t start, length; /* bytes */
};
DEFINE_VEC (struct extent, extents);

/* From the output of `qemu-img map --output=json` the ranges that the topmost
 * image holds itself (depth 0), neighbours joined.  They must be in order,
 * whole and without overlap, else ERR_INTERNAL. */
int extents_from_map (const json_t *map, struct extents *extents,
                      struct err **err) ATTR_USE;

int64_t extents_bytes (const struct extents *extents);

/* Fewer and larger ranges that cover these: a gap of up to max_gap is bridged.
 */
void extents_windows (const struct extents *extents, int64_t max_gap,
                      struct extents *windows);

#endif
