/* Within bitlocker/: the entries of the metadata. */

#ifndef BOOTMEND_FVE_INTERNAL_H
#define BOOTMEND_FVE_INTERNAL_H

#include "fve.h"

enum fve_entry_type {
  FVE_ENTRY_PROPERTY = 0x0000,
  FVE_ENTRY_MASTER_KEY = 0x0002,
  FVE_ENTRY_VOLUME_KEY = 0x0003,
  FVE_ENTRY_STARTUP_KEY = 0x0006,
  FVE_ENTRY_DESCRIPTION = 0x0007,
  FVE_ENTRY_BOOT_SECTORS = 0x000f
};

enum fve_value_type {
  FVE_VALUE_KEY = 0x0001,
  FVE_VALUE_TEXT = 0x0002,
  FVE_VALUE_STRETCH_KEY = 0x0003,
  FVE_VALUE_SEALED_KEY = 0x0005,
  FVE_VALUE_MASTER_KEY = 0x0008,
  FVE_VALUE_EXTERNAL_KEY = 0x0009,
  FVE_VALUE_OFFSET = 0x000f
};

/* One entry: {size, type, value type, version}, then `data`. */
struct fve_entry {
  unsigned type, value, version;
  const unsigned char *data;
  size_t len;
};

/* The next entry of a list.  1: *entry is it, and *bytes and *len are what
 * follows; 0: the list ends; -1: it is damaged. */
int fve_entry_next (const unsigned char **bytes, size_t *len,
                    struct fve_entry *entry);

int fve_entries_parse (struct fve *fve, const unsigned char *bytes, size_t len,
                       struct err **err) ATTR_USE;

#endif
