/* Which machine is this?
 *
 * On Azure a disk is found by its LUN alone: LUN 0 of another helper is another
 * VM's disk, perhaps of the same size.  So what the provider calls the helper
 * is compared with what its firmware says, before a disk is opened. */

#ifndef BOOTMEND_HOST_MACHINE_H
#define BOOTMEND_HOST_MACHINE_H

enum host_machine {
  MACHINE_SAME,
  MACHINE_OTHER,
  MACHINE_UNKNOWN /* its UUID can't be read */
};

/* Where the firmware's words are: /sys/class/dmi/id, or BOOTMEND_DMI_DIR (for
 * tests). */
const char *host_machine_folder (void);

/* Is this the machine with that UUID?  Its first three fields may be in either
 * byte order: Azure's generation 1 shows them swapped, as its SMBIOS is older
 * than 2.6. [cloud-init, sources/azure/identity.py; learn.microsoft.com,
 * "Azure VM unique ID"]  *why: what it is, or why that can't be told; to be
 * freed. */
enum host_machine host_machine_is (const char *folder, const char *uuid,
                                   char **why);

#endif
