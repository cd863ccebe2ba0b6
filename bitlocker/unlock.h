/* From a key that somebody has to the key of the volume.
 *
 * A protector seals the volume's master key, which seals the full volume
 * encryption key, both with AES-CCM; a password is stretched first with
 * 1,048,576 rounds of SHA-256, about 0.3 s.  All of that is arithmetic on
 * bytes and needs no appliance.  [libbde documentation, "Encryption"] */

#ifndef BOOTMEND_UNLOCK_H
#define BOOTMEND_UNLOCK_H

#include <base/secret.h>

#include "fve.h"

/* What a key is, which says which protectors it can open. */
enum fve_key_kind {
  FVE_KEY_RECOVERY_PASSWORD, /* 48 digits */
  FVE_KEY_PASSWORD,          /* UTF-8 */
  FVE_KEY_STARTUP_KEY        /* the bytes of a .BEK file */
};

/* By what it looks like. */
enum fve_key_kind fve_key_kind_of (const void *key, size_t len);
const char *fve_key_kind_name (enum fve_key_kind kind);

/* Could this kind of key open this type of protector? */
bool fve_key_suits (enum fve_key_kind kind, unsigned protector_type);

/* Tries one key on one protector.  1: *volume_key is the raw key of the
 * volume; 0: it does not fit; -1: the key itself is wrong (ERR_INPUT: which
 * block is mistyped), or the volume's keys are of a kind that is not known
 * (ERR_DISK). */
int fve_unlock (const struct fve *fve, const struct fve_protector *protector,
                enum fve_key_kind kind, const struct secret *key,
                struct secret **volume_key, struct err **err) ATTR_USE;

/* With the clear key of a volume whose protection is suspended; 0: there is
 * none that fits. */
int fve_unlock_clear (const struct fve *fve, struct secret **volume_key,
                      struct err **err) ATTR_USE;

#endif
