/* Locks on a patient that QEMU understands.
 *
 * QEMU marks what it does with an image by open-file-description locks on
 * single bytes: 100 + n says "I use permission n", 200 + n says "I do not share
 * permission n" (n = 1 write, 3 resize).  [QEMU docs/system/images.rst "Disk
 * image file locking"; block/file-posix.c]  By holding "write and resize are
 * not shared" on the patient for as long as we work, nobody can start a VM on
 * it, while our own QEMU may still read it through an overlay; and a VM that
 * runs already has "I write", which we see.
 *
 * A byte of our own (300) keeps two bootmends off one disk.  The locks belong
 * to the open file, which children inherit: a `qemu-img commit` that outlives
 * us keeps the disk locked. */

#ifndef BOOTMEND_LOCK_H
#define BOOTMEND_LOCK_H

#include <stdbool.h>

#include <base/err.h>

struct patient_lock {
  int fd;           /* -1: none; not close-on-exec, see above */
  bool unsupported; /* the file system has no such locks */
};

#define PATIENT_LOCK_INIT                                                      \
  {                                                                            \
    .fd = -1                                                                   \
  }

/* Locks `path`, for writing later (apply, undo) or only for reading.  Returns
 * 1 if someone else has it; then *who says what is known of them. */
int patient_lock_take (struct patient_lock *lock, const char *path,
                       bool for_writing, char **who, struct err **err) ATTR_USE;

/* "We write now": nobody else may even read through QEMU.  1: someone does. */
int patient_lock_upgrade (struct patient_lock *lock, struct err **err) ATTR_USE;

void patient_lock_drop (struct patient_lock *lock);

#endif
