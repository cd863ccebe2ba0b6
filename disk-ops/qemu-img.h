/* The few things that qemu-img and qemu-io do for us, as functions.
 *
 * Images are always opened with the driver that the caller names and by an
 * absolute path, so nothing is probed and a name can't be taken for a
 * protocol.  `locked` says that our own lock on the patient (lock.h) is in
 * force, which QEMU would take for a stranger's when it wants to write. */

#ifndef BOOTMEND_QEMU_IMG_H
#define BOOTMEND_QEMU_IMG_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

#include "extents.h"

struct patient;

/* A qcow2 image's virtual size, after a check of its tables.  ERR_INPUT with
 * the reason if it is damaged or no qcow2 at all. */
int qemu_img_check (const char *path, int64_t *virtual_size,
                    struct err **err) ATTR_USE;

/* A new, empty qcow2 overlay over the patient. */
int qemu_img_overlay (const char *overlay, const struct patient *patient,
                      struct err **err) ATTR_USE;

/* What an overlay holds itself. */
int qemu_img_map (const char *overlay, struct extents *extents,
                  struct err **err) ATTR_USE;

/* Copies what lies below an overlay into it, for these extents. */
int qemu_io_fill (const char *overlay, const struct extents *extents,
                  struct err **err) ATTR_USE;

/* Writes an overlay's content into the patient below it; the overlay stays as
 * it is.  Safe to repeat. */
int qemu_img_commit (const char *overlay, const struct patient *patient,
                     struct err **err) ATTR_USE;

/* Is the overlay's view of this window what the patient itself holds?  1: yes,
 * 0: no. */
int qemu_img_equal (const char *overlay, const struct patient *patient,
                    const struct extent *window, struct err **err) ATTR_USE;

/* Writes a window of an overlay's view to a plain file; the overlay has to hold
 * all of the window itself. */
int qemu_img_extract (const char *overlay, const struct patient *patient,
                      const struct extent *window, const char *to,
                      struct err **err) ATTR_USE;

#endif
