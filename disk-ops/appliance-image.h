/* An appliance that libguestfs can start, how it is made known to a handle, and
 * a trial start of it. */

#ifndef BOOTMEND_APPLIANCE_IMAGE_H
#define BOOTMEND_APPLIANCE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/err.h>

struct guestfs_h; /* guestfs_h of <guestfs.h> */

/* Folders and files; any may be NULL, and then libguestfs's own is taken. */
struct appliance_image {
  char *lean;    /* fixed appliance that starts fast; NULL: there is none */
  char *stock;   /* the same root image with libguestfs's own start */
  char *results; /* where libguestfs keeps what it found out about QEMU */
  char *wrapper; /* bootmend-qemu: QEMU that dies with us */
  char *note;    /* one line for the operator: why lean or both are missing, or
                  * what was built; NULL: nothing to say */
};

#define CLEANUP_APPLIANCE_IMAGE CLEANUP (appliance_image_release)
void appliance_image_release (struct appliance_image *image);

/* Sets path, cache folder, kernel parameters and hypervisor of a handle, before
 * its launch. Without lean, or if there is none, it is the stock appliance.
 * Call it, and guestfs_launch, from the process's main thread: QEMU dies with
 * the thread that started it.  Sets environment variables for bootmend-qemu. */
int appliance_apply (const struct appliance_image *image, bool lean,
                     struct guestfs_h *g, struct err **err) ATTR_USE;

/* Starts the lean (or stock) appliance with two small disks and sees that they
 * come in their order, and that an NTFS and a FAT file system can be written
 * and read (the one needs FUSE, the other a module from the root image).
 * `scratch` is a folder for the disks.  If KVM is what fails, TCG is tried: a
 * broken KVM is not the appliance's fault. */
int appliance_try (const struct appliance_image *image, bool lean,
                   bool force_tcg, const char *scratch,
                   struct err **err) ATTR_USE;

#endif
