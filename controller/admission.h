/* May this VM be begun now?  The one place that knows waves, budgets, groups
 * and how many may be in work; pure: jobs and policy in, verdict out.
 *
 *   survey_make (&s, jobs, n, policy)      // how things stand, O(jobs)
 *   survey_spent (&s)                      // why no VM may be begun; or NULL
 *   survey_next (&s)                       // what the next wave waits for
 *   admission (&s, job, &why)              // this job; then survey_begun ()
 *
 * What counts:
 *   failure   ended failed-attention, or failed-restored by itself, or
 *             repaired-unproven although it could be asked; not one that the
 *             operator turned back or has accepted (facts.forgiven), nor one
 *             that only lacks a key (job_lacks_key)
 *   proven    ended repaired: changed, started, and shown to be healthy; or
 *             unproven, and accepted by the operator
 *   down      in work, from its admission to its end, and whatever ended where
 *             it may be down: failed-attention, or unproven
 *
 * A wave begins when all of the one before has ended, its failures are within
 * the budget, and something has been proven in the campaign.  A first wave that
 * turns out to need no repair proves nothing: as many VMs of the next one stand
 * in for it (survey_stand_ins). */

#ifndef BOOTMEND_ADMISSION_H
#define BOOTMEND_ADMISSION_H

#include "job.h"
#include "policy.h"

struct wave_count {
  int64_t vms, open, failed, proven, left, unproven;
};

struct survey {
  const struct policy *policy;
  struct wave_count *waves; /* by wave, 1 to n_waves */
  int64_t n_waves;
  struct wave_count all;
  int64_t current;       /* the first wave with open jobs; 0: none is open */
  int64_t in_work;       /* VMs that count for max_in_flight */
  int64_t *down, *stuck; /* by group: in work or down; down for good */
  int n_groups;
};

/* Gives each job the number of its group (job->group, from 1; 0: none). */
int admission_number_groups (struct job *const *jobs, size_t n);

/* `others`: jobs of the same campaign that are not run now, but are down or
 * not. */
void survey_make (struct survey *survey, const struct job_vec *jobs,
                  const struct job_vec *others, const struct policy *policy);
void survey_release (struct survey *survey);
#define CLEANUP_SURVEY CLEANUP (survey_release)

/* NULL, or the reason why the budget is spent; to be freed. */
char *survey_spent (const struct survey *survey);

enum gate {
  GATE_OPEN,
  GATE_STAND_INS, /* nothing is proven yet: others take the place of the wave */
  GATE_UNPROVEN   /* repaired, but nobody could ask: a person must decide */
};
/* May the current wave begin, as far as proof goes? */
enum gate survey_gate (const struct survey *survey);

enum admission {
  ADMIT,
  ADMIT_LATER,
  ADMIT_NEVER
};
/* For a waiting job.  *why only with ADMIT_NEVER, to be freed. */
enum admission admission (const struct survey *survey, const struct job *job,
                          char **why);
/* Counts a job that was just begun. */
void survey_begun (struct survey *survey, const struct job *job);

bool job_has_failed (const struct job *job);
bool job_is_proven (const struct job *job);
/* It ended where its VM may not run: a person has to look, or it was asked
 * whether it boots and did not prove it. */
bool job_may_be_down_for_good (const struct job *job);
/* True once something has been done to its VM that has to be taken back. */
bool job_is_touched (const struct job *job);

#endif
