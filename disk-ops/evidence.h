/* Evidence: what a change takes away is copied out of the guest first, with
 * all that is needed to put it back and to prove what it was.
 *
 * evidence/files/0001, ... hold contents; evidence/files.json lists them with
 * SHA-256, times, owner and attributes.  Folder mode 0700, files 0600: it is
 * the guest's data. */

#ifndef BOOTMEND_EVIDENCE_H
#define BOOTMEND_EVIDENCE_H

#include <base/json.h>

struct disk;

/* Copies out everything that disk->plan is going to remove or change, syncs it
 * and writes files.json.  The rows also go to the result's "changes". */
int evidence_save (struct disk *disk, struct err **err) ATTR_USE;

/* The list of a finished repair. */
json_t *evidence_load (const char *evidence, struct err **err) ATTR_USE;

#endif
