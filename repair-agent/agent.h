/* bootmend-agent as a function.
 *
 * The program has three faces: the supervisor (speaks with the controller,
 * never touches a disk), its workers (`--worker`: one batch, one appliance,
 * then the end) and `--check`.  What really works on disks comes as a backend,
 * so that every fault of a worker can be tested without an appliance. */

#ifndef BOOTMEND_AGENT_H
#define BOOTMEND_AGENT_H

#include <disk-ops/work.h>

struct agent_backend {
  int (*batch_run) (const struct batch_options *options,
                    const struct work *works, size_t n_works,
                    const struct batch_hooks *hooks, struct err **err);
  bool (*kvm_is_broken) (const char *scratch);
  /* For --prepare: makes the appliance ready that BOOTMEND_APPLIANCE asks for;
   * *note (to be freed) says what is there now. */
  int (*prepare) (bool force_tcg, char **note, struct err **err);
};

/* Returns the exit code. */
int agent_main (int argc, char **argv, const struct agent_backend *backend);

enum agent_exit {
  AGENT_OK = 0,    /* quit, or the end of input with nothing left to do */
  AGENT_ERROR = 1, /* could not start, or the controller talks garbage */
  AGENT_USAGE = 2,
  AGENT_STOPPED = 4 /* stopped with work left undone */
};

#endif
