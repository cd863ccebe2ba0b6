#include "startup-key.h"

#include <string.h>

#include <base/bytes.h>

#include "fve-internal.h"

#define HEADER          48
#define EXTERNAL_HEADER 24 /* GUID, time of its last change */

static bool
header_is_right (const unsigned char *bytes, size_t len)
{
  return len >= HEADER && len <= STARTUP_KEY_MAX && le32 (bytes) == len &&
         le32 (bytes + 4) == 1 && le32 (bytes + 8) == HEADER;
}

bool
startup_key_looks_like (const void *bytes, size_t len)
{
  return header_is_right (bytes, len);
}

/* The key among what an external key holds. */
static bool
find_key (const struct fve_entry *external, struct startup_key *key)
{
  const unsigned char *bytes = external->data + EXTERNAL_HEADER;
  size_t len;
  struct fve_entry inner;

  if (external->len < EXTERNAL_HEADER)
    return false;
  len = external->len - EXTERNAL_HEADER;
  memcpy (key->protector, external->data, GUID_BYTES);
  while (fve_entry_next (&bytes, &len, &inner) == 1)
    if (inner.value == FVE_VALUE_KEY && inner.len == 4 + STARTUP_KEY_BYTES) {
      memcpy (key->key, inner.data + 4, STARTUP_KEY_BYTES);
      return true;
    }
  return false;
}

int
startup_key_parse (const void *bytes, size_t len, struct startup_key *key,
                   struct err **err)
{
  const unsigned char *entries;
  size_t left;
  struct fve_entry entry;

  memset (key, 0, sizeof *key);
  if (!header_is_right (bytes, len))
    return err_set (err, ERR_INPUT, "this is no startup key (.BEK file)");
  entries = (const unsigned char *)bytes + HEADER;
  left = len - HEADER;
  while (fve_entry_next (&entries, &left, &entry) == 1)
    if (entry.type == FVE_ENTRY_STARTUP_KEY &&
        entry.value == FVE_VALUE_EXTERNAL_KEY && find_key (&entry, key))
      return 0;
  return err_set (err, ERR_INPUT, "the startup key (.BEK file) is damaged");
}
