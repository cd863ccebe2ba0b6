/* What the helper itself does with a block device, from /sys and /proc. */

#ifndef BOOTMEND_HOST_DISK_H
#define BOOTMEND_HOST_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/mem.h>

/* Why this device is the helper's own or in its use ("/dev/sda1 is mounted at
 * /data"); NULL: it is free.  `root` stands for "/" of /sys and /proc (tests
 * use a made-up tree; "" is the machine's). */
char *host_disk_use (const char *root, dev_t device);

/* The serial number as the device says it, blanks trimmed; NULL: none. */
char *host_disk_serial (const char *root, dev_t device);

bool host_disk_read_only (const char *root, dev_t device);
/* In bytes; -1: not known. */
int64_t host_disk_size (const char *root, dev_t device);

/* Is this image file behind a loop device?  Its name, or NULL. */
char *host_loop_of (const char *root, const char *path);

#endif
