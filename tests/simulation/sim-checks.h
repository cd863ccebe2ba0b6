/* What must hold: at every request, and at the end against the truth. */

#ifndef BOOTMEND_SIM_CHECKS_H
#define BOOTMEND_SIM_CHECKS_H

#include "sim-internal.h"

void sim_check_request (struct sim *sim, const struct job *job,
                        struct fake_vm *vm, const struct effect *effect);
/* Never more jobs in flight than the policy allows. */
void sim_check_load (struct sim *sim);
/* At the end of the campaign. */
void sim_check_outcome (struct sim *sim, const struct job *job,
                        struct fake_vm *vm);

/* sim-pair.c: the two controllers, at every request. */
void sim_check_pair (struct sim *sim, struct fake_vm *vm,
                     const struct effect *effect);

#endif
