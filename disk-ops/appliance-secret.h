/* A key on its way into the appliance.
 *
 * It goes into a file of the appliance's memory (tmpfs), which a command there
 * reads, and which is gone again when the command ends.  So it is on no disk,
 * neither the patient's nor the one that the appliance runs from, and in no
 * command line.  guestfs_cryptsetup_open would leave it in a temporary file on
 * the appliance's disk, which is a file of this machine. */

#ifndef BOOTMEND_APPLIANCE_SECRET_H
#define BOOTMEND_APPLIANCE_SECRET_H

#include <base/err.h>
#include <base/secret.h>

struct disk;

#define APPLIANCE_SECRET "/sysroot/secret" /* where the command finds it */

/* Nothing may be mounted.  What the command said on stderr is the error
 * (ERR_DISK, made printable). */
int appliance_run_with (struct disk *disk, const struct secret *secret,
                        const char *command, struct err **err) ATTR_USE;

/* The same for a command without a secret. */
int appliance_run (struct disk *disk, const char *command,
                   struct err **err) ATTR_USE;

#endif
