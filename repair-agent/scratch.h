/* The folder for redo overlays, and what dead agents left in it.
 *
 * FOLDER/agent-PID.lock is locked as long as agent PID lives; its workers use
 * FOLDER/scratch-PID-N.  What lies there is never needed after a crash: from
 * the moment a patient is written, its evidence folder holds all. */

#ifndef BOOTMEND_SCRATCH_H
#define BOOTMEND_SCRATCH_H

#include <base/err.h>

struct scratch {
  char *folder;
  int lock_fd;
};

/* dir NULL: "agent" in the state folder. */
int scratch_open (struct scratch *scratch, const char *dir,
                  struct err **err) ATTR_USE;
void scratch_close (struct scratch *scratch);

/* A new, empty folder for worker `number`. */
char *scratch_folder (const struct scratch *scratch, int number,
                      struct err **err) ATTR_USE;

#endif
