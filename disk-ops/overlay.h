/* Overlays and undo images of one patient: making them, filling them, and
 * knowing them again by size and SHA-256. */

#ifndef BOOTMEND_OVERLAY_H
#define BOOTMEND_OVERLAY_H

#include <base/json.h>

#include "extents.h"
#include "identify.h"

/* Makes FOLDER/NAME over the patient, in place of an older one. */
char *overlay_make (const char *folder, const char *name,
                    const struct patient *patient, struct err **err) ATTR_USE;

/* Makes FOLDER/undo.qcow2 and fills it with what the patient now holds in the
 * ranges that `redo` changes; *extents are these ranges.  The patient must not
 * be open for writing anywhere, nor locked for writing by us. */
int undo_image_make (const char *folder, const char *redo,
                     const struct patient *patient, struct extents *extents,
                     struct err **err) ATTR_USE;

/* Syncs an image and describes it: {name, size_bytes, sha256}. */
json_t *image_describe (const char *folder, const char *name,
                        struct err **err) ATTR_USE;

/* Is the image still what the description says?  ERR_DISK if not. */
int image_verify (const char *folder, const json_t *description,
                  struct err **err) ATTR_USE;

/* Do all sectors of these windows hold either what `redo` or what `undo` says?
 * That is what a commit that was cut short leaves.  1: yes; 0: someone else has
 * written there.  The patient must not be locked for writing yet; `scratch`
 * takes temporary files. */
int patient_is_between (const char *redo, const char *undo,
                        const struct patient *patient,
                        const struct extents *extents, const char *scratch,
                        struct err **err) ATTR_USE;

/* Does the patient hold what the overlay says in these windows? */
int patient_holds (const char *overlay, const struct patient *patient,
                   const struct extents *extents, struct err **err) ATTR_USE;

json_t *extents_to_json (const struct extents *extents);
int extents_from_json (const json_t *json, struct extents *extents,
                       struct err **err) ATTR_USE;

#endif
