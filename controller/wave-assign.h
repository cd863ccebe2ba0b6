/* Puts the jobs of a campaign into their order, groups and waves.  Pure. */

#ifndef BOOTMEND_WAVE_ASSIGN_H
#define BOOTMEND_WAVE_ASSIGN_H

#include "job.h"
#include "policy.h"

/* Sorts the jobs (by --order; else, where there are waves, those that run come
 * first, because only they can prove anything; then by name), numbers them from
 * 1, and sets wave and facts.group.  Jobs that have ended (a check says that
 * they need no repair) get wave 0.
 * ERR_USAGE: no VM has the tag that makes the groups. */
int waves_assign (struct job_vec *jobs, const struct policy *policy,
                  struct err **err) ATTR_USE;

#endif
