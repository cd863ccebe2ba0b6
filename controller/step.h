/* Steps: named rows; a strategy is an ordered list of them.
 *
 * A step's name never changes (it is in journals).  The engine drives each row
 * the same way (engine-job.c):
 *
 *   wanted?  --no-->  next step, journalled as "skipped"
 *   ready?   --WAIT-->  waits for its turn; no time runs meanwhile
 *   seen?    --yes->  next step, "done", nothing was sent
 *   "intent" is journalled and committed, then act's effect is submitted
 *   reply:   NO -> act again later;  YES -> watch
 *   watch:   describe the VM until seen says YES (or FAIL, or the limit)
 *
 * "done" of a step with an undo puts it on facts.undo even if nothing had to be
 * sent: what matters for the way back is how things are, not who did it.
 */

#ifndef BOOTMEND_STEP_H
#define BOOTMEND_STEP_H

#include "job.h"
#include "world.h"

enum verdict {
  VERDICT_NO,
  VERDICT_YES,
  VERDICT_FAIL, /* with an error */
  VERDICT_WAIT  /* not yet, and it would be wrong to act: look again */
};

enum step_flags {
  STEP_FRESH = 1,       /* look at the VM before acting, even the first time */
  STEP_BEST_EFFORT = 2, /* its failure is a note, not a reason to turn back */
  STEP_FIRST = 4,       /* nothing has been touched before it ends */
  STEP_QUIET = 16,      /* waits until no request is left that was given up */
  STEP_LAST = 8,        /* the VM is proven by now: no failure is a reason to
                           take its repair away; a person must look */
  STEP_DISK = 32,       /* looks at its OS disk itself, where the provider's
                               disks are attached to a helper */
  STEP_ATTACHES = 64,  /* only for such providers: for others it is not there */
  STEP_WHOLE = 128,    /* needs all that a describe can say of the VM */
  STEP_REFUSALS = 256, /* likewise, and what the provider refuses */
  STEP_ASIDE = 512,    /* what it changes, no other step looks at */
  STEP_SETTLED = 2048, /* its look must not lag at all: it is about the mark */
  STEP_WATCHES = 1024  /* only watches a VM that runs, for its whole limit: the
                          end of that is its success */
};

/* Which disk a step with STEP_DISK looks at, and works on. */
enum disk_role {
  DISK_WORK,     /* the one that is repaired: the VM's own, or its copy */
  DISK_ORIGINAL, /* the one that the VM had when the job began */
  DISK_SNAPSHOT, /* what the job has made ... */
  DISK_COPY,     /* ... before it is known to be usable */
  DISK_TASK,     /* of a swap in one call, or the copy while there is none */
  DISK_TASK_BACK /* ... of the way back, or the original */
};

struct step {
  const char *name;
  const char
      *undo; /* the step that takes it back; NULL: nothing to take back */
  const char *doing; /* for people: "stopping" */
  unsigned flags;
  enum disk_role disk;
  size_t limit; /* offsetof (struct policy, ..._ms): how long it may take */

  /* All may be NULL: always wanted; at once; done when the reply says so; no
   * request; any reply will do. */
  bool (*wanted) (const struct job *job);
  enum verdict (*ready) (struct job *job, struct err **err);
  enum verdict (*seen) (struct job *job, struct err **err);
  int (*act) (struct job *job, struct effect *effect, struct err **err);
  enum verdict (*reply) (struct job *job, json_t *out, struct err **err);
  /* The fact that belongs into the history of the campaign when the step is
   * done: what was changed in the guest.  NULL: none. */
  const char *told;
  /* For STEP_BEST_EFFORT: what is known now that it failed. */
  void (*failed) (struct job *job, const struct err *err);

  /* Another step that comes next instead; NULL, or NULL from it: the one after
   * it in the strategy. */
  const char *(*next) (const struct job *job);
  const char *closes; /* what it has taken back on the way forward, once done */

  int64_t again_ms; /* not seen for so long after the reply: act again; 0: no;
                       -1: policy.shutdown_ms after a polite stop */
};

struct strategy {
  const char *name;
  const char *description;
  unsigned cap;                       /* what a provider must be able to do */
  const char *const *steps;           /* names in order, ended by NULL */
  void (*conclude) (struct job *job); /* decides how a job ended */
};

const struct step *step_by_name (const char *name);
const struct strategy *strategy_by_name (const char *name);
/* All of them, ended by NULL. */
extern const struct strategy *const strategies[];
/* The forward step after `name`; NULL: it was the last. */
const struct step *strategy_next (const struct strategy *strategy,
                                  const char *name);
const struct step *strategy_first (const struct strategy *strategy);

/* The disk that its step is about, as an os_disk of a VM record; of what was
 * only just made no more than its id is known.  NULL: there is none. */
const json_t *job_step_disk (const struct job *job);
/* What the VM must look like at the end: as before, but for the OS disk that
 * was put into it on purpose.  New reference. */
json_t *job_expected (const struct job *job);

/* Decides how a job that has gone through all its steps ended. */
void job_conclude (struct job *job);
/* The same for one that has gone all the way back. */
void job_conclude_back (struct job *job);

#endif
