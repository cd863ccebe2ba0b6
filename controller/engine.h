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

/* What the operator says from another terminal. */
enum halt_wish {
  HALT_NONE,
  HALT_PARK,   /* every job stops at its next safe point */
  HALT_FINISH, /* nothing new is begun, what is in flight is finished */
  HALT_DRAIN   /* nothing new is begun, what is in flight goes back */
};

struct engine_hooks {
  /* After the commit that holds the change.  May be NULL. */
  void (*changed) (void *opaque, const struct job *job);
  /* An agent's progress on a job's disk: an event "stage", or an "appliance"
   * event with notes for the operator.  May be NULL. */
  void (*progress) (void *opaque, const struct job *job, const json_t *event);
  /* Something of the whole campaign, as it went into the journal's events;
   * after the commit that holds it.  May be NULL. */
  void (*event) (void *opaque, const char *kind, const json_t *detail);
  /* Asked once in each round: true parks the jobs at a safe point. */
  bool (*stop_requested) (void *opaque);
  /* Asked about once a second; *why is one line for people, to be freed.  May
   * be NULL. */
  enum halt_wish (*halt_wish) (void *opaque, char **why);
  /* Has a person approved this wave?  *by: who; to be freed.  May be NULL. */
  bool (*approved) (void *opaque, int64_t wave, char **by);
  void *opaque;
};

/* Borrows everything; journal NULL: nothing is written (plan, tests). */
struct engine *engine_new (struct world *world, struct journal *journal,
                           const struct policy *policy,
                           const struct engine_hooks *hooks, uint64_t seed);
void engine_free (struct engine *engine);

/* Jobs in the order in which they may start.  Borrowed. */
void engine_add_job (struct engine *engine, struct job *job);

/* A job of the same campaign that is not run now: it counts where groups and
 * budgets are counted.  Borrowed. */
void engine_add_bystander (struct engine *engine, struct job *job);
/* For what changes nothing: all jobs may begin, but for max_in_flight. */
void engine_ignore_waves (struct engine *engine);
/* Waves up to this one have been approved before. */
void engine_approve (struct engine *engine, int64_t wave);

enum engine_end {
  ENGINE_FINISHED, /* every job has ended */
  ENGINE_STOPPED,  /* jobs are parked; a resume goes on */
  ENGINE_HALTED    /* nothing is in flight, and nothing new was begun */
};

/* Runs until all jobs ended or a stop was asked for.  -1: the journal can't be
 * written (nothing more was sent), or an account's credentials failed; jobs are
 * as the journal says, and a resume goes on. */
int engine_run (struct engine *engine, enum engine_end *end,
                struct err **err) ATTR_USE;

/* One round of that, without waiting, for who has to wait for more than one
 * engine: 1, it wants its next turn when its world has something for it, and at
 * *until_ms of its clock (-1: at no time of its own); else as engine_run. */
int engine_turn (struct engine *engine, enum engine_end *end, int64_t *until_ms,
                 struct err **err) ATTR_USE;

/* Takes an ended or open job back: every effect that stands is undone. */
void job_turn_back (struct job *job);

/* From its beginning once more: it waits for its turn. */
void job_renew (struct job *job);
/* The operator's retry of one job that has ended: what is as it was begins
 * anew, what was left on the way back goes on going back, what was unproven is
 * asked again.  False: there is nothing to try. */
bool job_retry (struct job *job);

/* The operator's rollback of one job: turns back what was changed, ends what
 * has not begun, leaves alone what is as it was. */
void job_roll_back (struct job *job);

#endif
