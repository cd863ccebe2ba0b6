/* The libguestfs appliance: a small VM that alone opens guest disks.
 *
 *   appliance_launch (&appliance, options, disks...)
 *   ... guestfs calls on appliance.g ...
 *   appliance_close (&appliance, &err)   // only now are overlays complete
 *
 * One appliance serves many disks, since its start costs seconds and the work
 * on a disk tenths of one.  Each disk in it has a time limit: a watchdog kills
 * the appliance's QEMU when it runs out, and the blocked call returns. */

#ifndef BOOTMEND_APPLIANCE_H
#define BOOTMEND_APPLIANCE_H

#include <guestfs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>

#include "work.h"

struct appliance {
  guestfs_h *g;
  bool tcg, lean;
  int64_t launch_ms;
  char **devices; /* /dev/sdX in the order in which overlays were given */
  struct watchdog *watchdog;
  json_t *notes;      /* array of text for the operator: what was built, what
                       * did not work and is done without */
  char *last_message; /* of QEMU or the appliance's kernel, for errors */
};

/* Takes the lean appliance if there is one that works (appliance-cache.h). */
int appliance_launch (struct appliance *appliance,
                      const struct batch_options *options,
                      char *const *overlays, size_t n_overlays,
                      struct err **err) ATTR_USE;

/* The label of the disk with this number (from 0): in the appliance it is
 * /dev/disk/guestfs/LABEL, its partitions LABEL1 and so on.  libguestfs's names
 * (/dev/sda) are its own: the appliance's kernel may have others. */
char *appliance_label (size_t i);

/* Ends the appliance in good order; what overlays hold is whole only if this
 * returns 0. */
int appliance_close (struct appliance *appliance, struct err **err) ATTR_USE;

/* Ends it at once, whatever its state. */
void appliance_kill (struct appliance *appliance);

bool appliance_is_alive (const struct appliance *appliance);

/* The time limit for what follows; 0: none. */
void appliance_limit (struct appliance *appliance, int64_t limit_ms);
/* Did the limit run out? */
bool appliance_timed_out (const struct appliance *appliance);

#endif
