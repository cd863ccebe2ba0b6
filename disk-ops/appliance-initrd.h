/* The initrd of the lean appliance: our first process and the few modules that
 * it needs to see the disks, taken from supermin's initrd. */

#ifndef BOOTMEND_APPLIANCE_INITRD_H
#define BOOTMEND_APPLIANCE_INITRD_H

#include <base/err.h>

/* Reads `source`, a cpio archive ("newc") as supermin writes it, with modules
 * and the order to load them in as file "modules"; writes `dest`: /init is the
 * program `init`, /modules and the modules are the part of the source's that a
 * QEMU machine of libguestfs needs, in the same order.  ERR_INPUT if source is
 * not such an archive. */
int initrd_build (const char *source, const char *init, const char *dest,
                  struct err **err) ATTR_USE;

#endif
