/* The worker: one batch, one appliance, then the end.  Its stdin brings the
 * batch and later "cancel" lines, its stdout takes events. */

#ifndef BOOTMEND_WORKER_H
#define BOOTMEND_WORKER_H

#include "agent.h"

/* Returns the exit code. */
int worker_main (const struct agent_backend *backend);

#endif
