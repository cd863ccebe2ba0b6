/* A lean appliance, if one has been built for this machine: the stock one
 * spends two thirds of its start in udev, MD and LVM, which disks with plain
 * partitions do not need.  See lean.c. */

#ifndef BOOTMEND_LEAN_H
#define BOOTMEND_LEAN_H

/* Folder of a usable lean appliance; NULL: use the stock one. */
char *lean_appliance_path (void);

#endif
