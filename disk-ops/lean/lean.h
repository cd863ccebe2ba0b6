/* What the parts of the appliance's first process share; see init.c. */

#ifndef BOOTMEND_LEAN_LEAN_H
#define BOOTMEND_LEAN_LEAN_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

/* "bootmend-init: text: errno's text" on the console. */
void complain (const char *fmt, ...) __attribute__ ((format (printf, 1, 2)));

/* At most size - 1 bytes, terminated. */
ssize_t read_text (const char *path, char *buf, size_t size);
void write_text (const char *path, const char *text);

/* Runs a program of the root image to its end. */
void run (const char *const *argv);

/* Waits for the one disk whose ext2 superblock has this UUID; "/dev/sdX".  -1
 * if none comes within 30 s, or if two have it: a guest's disk could only
 * have it by design. */
int find_root (const char *uuid, char *device, size_t size);

/* Calls fn with the name ("sda", "sda1") of each disk but the root image, and
 * of each partition. */
void each_block (const char *root_device,
                 void (*fn) (const char *disk, const char *partition));

/* The links that udev would make: /dev/disk/by-path, /dev/disk/guestfs; and
 * the time limit on the disks' commands. */
void name_disks (const char *root_device);
/* /dev/virtio-ports/NAME. */
void name_ports (void);

/* RAID, LVM, dynamic disks, if there are any. */
void start_stacks (const char *root_device);

#endif
