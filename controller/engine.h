/* The loop that carries jobs through their steps.
 *
 *   1. completions go to their jobs, which move on
 *   2. everything that this changed is committed to the journal, at once
 *   3. only then are new requests submitted
 *   4. the world waits for the next completion or deadline
 *
 * The engine is single-threaded and knows nothing but its world (world.h) and
 * its journal; with a simulated world a run is repeatable from its seed.
 */

#ifndef BOOTMEND_ENGINE_H
#define BOOTMEND_ENGINE_H

#include "job.h"
#include "journal.h"
#include "policy.h"
#include "world.h"

struct engine;

struct engine_hooks {
  /* After the commit that holds the change.  May be NULL. */
  void (*changed) (void *opaque, const struct job *job);
  /* An agent's progress on a job's disk: an event "stage", or an "appliance"
   * event with notes for the operator.  May be NULL. */
  void (*progress) (void *opaque, const struct job *job, const json_t *event);
  /* Asked once in each round: true parks the jobs at a safe point. */
  bool (*stop_requested) (void *opaque);
  void *opaque;
};

/* Borrows everything; journal NULL: nothing is written (plan, tests). */
struct engine *engine_new (struct world *world, struct journal *journal,
                           const struct policy *policy,
                           const struct engine_hooks *hooks, uint64_t seed);
void engine_free (struct engine *engine);

/* Jobs in the order in which they may start.  Borrowed. */
void engine_add_job (struct engine *engine, struct job *job);

enum engine_end {
  ENGINE_FINISHED, /* every job has ended */
  ENGINE_STOPPED   /* jobs are parked; a resume goes on */
};

/* Runs until all jobs ended or a stop was asked for.  -1: the journal can't be
 * written (nothing more was sent), or an account's credentials failed; jobs are
 * as the journal says, and a resume goes on. */
int engine_run (struct engine *engine, enum engine_end *end,
                struct err **err) ATTR_USE;

/* Takes an ended or open job back: every effect that stands is undone. */
void job_turn_back (struct job *job);

/* The operator's rollback of one job: turns back what was changed, ends what
 * has not begun, leaves alone what is as it was. */
void job_roll_back (struct job *job);

#endif
