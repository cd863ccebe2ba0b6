/* The supervisor: one poll loop over the controller and the workers.  It opens
 * no disk and no guest content itself, so nothing on a disk can hang it. */

#ifndef BOOTMEND_SUPERVISOR_H
#define BOOTMEND_SUPERVISOR_H

#include <base/clock.h>

#include "options.h"

/* in_fd, out_fd: the controller.  Returns the exit code. */
int supervisor_main (const struct agent_options *options, int in_fd, int out_fd,
                     const struct clock *clock);

#endif
