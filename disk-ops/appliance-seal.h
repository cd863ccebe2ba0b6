/* The seal of an appliance in the cache: shows that it is whole, and says how
 * its trial start went. */

#ifndef BOOTMEND_APPLIANCE_SEAL_H
#define BOOTMEND_APPLIANCE_SEAL_H

#include <stdint.h>

#include <base/err.h>

enum lean_state {
  LEAN_UNTRIED,
  LEAN_GOOD,
  LEAN_BAD
};

struct seal {
  enum lean_state lean;
  char *why;     /* if LEAN_BAD */
  int64_t at_ms; /* when it was sealed */
};

#define CLEANUP_SEAL CLEANUP (seal_release)
void seal_release (struct seal *seal);

/* Writes place/seal for what place/stock and place/lean hold now. */
int seal_write (const char *place, enum lean_state lean, const char *why,
                struct err **err) ATTR_USE;

/* Reads it, and compares: kernel and initrd by SHA-256, the root image, which
 * is too large for that, by its size and its ext2 superblock.  ERR_CONFLICT:
 * it is not whole. */
int seal_check (const char *place, struct seal *ret, struct err **err) ATTR_USE;

#endif
