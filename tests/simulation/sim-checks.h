/* What must hold: at every request, and at the end against the truth. */

#ifndef BOOTMEND_SIM_CHECKS_H
#define BOOTMEND_SIM_CHECKS_H

#include <controller/job.h>
#include <controller/policy.h>

#include "fake-cloud.h"
#include "sim-journal.h"

void sim_check_request (struct fake_cloud *cloud, struct sim_journal *reader,
                        const struct job *job, struct fake_vm *vm,
                        const struct effect *effect);
/* Never more jobs in flight than the policy allows. */
void sim_check_load (struct fake_cloud *cloud, const struct job_vec *jobs,
                     const struct policy *policy);
void sim_check_outcome (struct fake_cloud *cloud, const struct job *job,
                        struct fake_vm *vm, bool rolled_back,
                        struct str_vec *outcomes);

#endif
