/* The device-mapper table of an unlocked volume.
 *
 * dm-crypt knows BitLocker's ciphers; what differs from a plain encrypted disk
 * is that the first sectors lie elsewhere, and that the regions of the metadata
 * read as zeros and can't be written.  So a table made here is all that it
 * takes to open a volume of any release of Windows, whatever version of
 * cryptsetup the appliance has. */

#ifndef BOOTMEND_MAPPING_H
#define BOOTMEND_MAPPING_H

#include <base/secret.h>

#include "fve.h"

/* One line for each stretch of the device, as `dmsetup create` reads it; holds
 * the volume's key.  NULL: the metadata's regions overlap or lie outside of
 * the device (ERR_DISK). */
struct secret *fve_mapping (const struct fve *fve, const char *device,
                            uint64_t device_bytes,
                            const struct secret *volume_key,
                            struct err **err) ATTR_USE;

#endif
