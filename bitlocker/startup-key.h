/* Startup keys: the .BEK files that Windows writes to a USB stick, and that
 * Azure keeps in a Key Vault.  [libbde documentation, "BEK"] */

#ifndef BOOTMEND_STARTUP_KEY_H
#define BOOTMEND_STARTUP_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include <base/err.h>

#include "guid.h"

#define STARTUP_KEY_BYTES 32
#define STARTUP_KEY_MAX   4096 /* a file is about 156 bytes long */

struct startup_key {
  unsigned char protector[GUID_BYTES]; /* whose key it is */
  unsigned char key[STARTUP_KEY_BYTES];
};

/* Does it start like one? */
bool startup_key_looks_like (const void *bytes, size_t len);

/* ERR_INPUT: it is none, or it is damaged.  The caller wipes *key. */
int startup_key_parse (const void *bytes, size_t len, struct startup_key *key,
                       struct err **err) ATTR_USE;

#endif
