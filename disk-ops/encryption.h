/* What an encrypted volume says of itself without a key, and whether it was
 * unlocked. */

#ifndef BOOTMEND_ENCRYPTION_H
#define BOOTMEND_ENCRYPTION_H

#include <bitlocker/fve.h>

#include "luks.h"

struct disk;
struct volume;

struct encryption {
  struct fve *fve;  /* of BitLocker, if it could be read */
  struct luks luks; /* of LUKS; version 0: it could not be read */
  bool unlocked;
  char *opened_by;     /* "recovery-password 64311DEA-...", for people */
  const char *refusal; /* why it is not, one of refuse.h; NULL: not tried */
  char *why;           /* a sentence */
};

/* Reads header and metadata of an encrypted volume; what is damaged or not
 * known is a refusal, no error.  -1: the appliance is gone. */
int encryption_look (struct disk *disk, struct volume *volume,
                     struct err **err) ATTR_USE;
void encryption_free (struct encryption *e);

/* Remembers why it stays closed; takes why over. */
void encryption_close (struct encryption *e, const char *refusal,
                       char *why_taken);

/* The part of the volume's JSON: {unlocked, opened_by, refusal, why, and
 * either all of fve_to_json or luks_to_json}. */
json_t *encryption_to_json (const struct encryption *e);

/* For the controller, which looks for keys: {volume, encryption, id,
 * description, protectors: [{guid, type}]}; only protectors that a key opens.
 */
json_t *encryption_wanted (const struct volume *volume);

#endif
