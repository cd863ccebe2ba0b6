/* A worker process as the supervisor sees it: one batch, one appliance.
 *
 * A worker may hang, die or talk nonsense at any moment (its QEMU works on
 * hostile disks); all of that ends as "lost" with a reason, and the disks that
 * have no result yet go back to the queue. */

#ifndef BOOTMEND_SLOT_H
#define BOOTMEND_SLOT_H

#include <base/clock.h>
#include <base/command.h>
#include <protocol/channel.h>

#include "job.h"
#include "options.h"

struct slot {
  int number; /* of the worker, unique in this agent */
  struct child child;
  int pidfd;
  struct channel ch;
  struct job_vec jobs; /* of its batch, in order */
  char *scratch;
  bool up;             /* the appliance runs */
  struct job *current; /* what it is busy with; NULL: starting or closing */
  int64_t started_ms, stage_ms;
  int64_t stop_by_ms; /* asked to stop; killed at this time; 0: not asked */
  char *lost;         /* why it was killed or what it said before it failed */
  bool timed_out;
};

/* Starts a worker of this very program for the jobs; takes scratch over. */
struct slot *slot_start (int number, const struct job_vec *jobs,
                         const struct agent_options *options,
                         char *scratch_taken, int64_t now_ms,
                         struct err **err) ATTR_USE;

/* Kills the worker's whole process group (its QEMU too), once; `why` is kept
 * as the reason if there is none yet. */
void slot_kill (struct slot *slot, const char *fmt, ...) ATTR_PRINTF (2, 3);

/* When slot_enforce has to be called next. */
int64_t slot_deadline_ms (const struct slot *slot,
                          const struct agent_options *options);

/* Kills it if a limit on time has run out. */
void slot_enforce (struct slot *slot, const struct agent_options *options,
                   int64_t now_ms);

/* Asks for an end at the next safe point: at once, unless a patient is being
 * written or all results are given and the appliance is closing, which gets
 * until by_ms. */
void slot_stop (struct slot *slot, int64_t by_ms);

/* The disk may be written: the answer to the worker's "ask". */
void slot_allow (struct slot *slot, struct job *job);

/* The disk is no longer wanted. */
void slot_cancel (struct slot *slot, struct job *job);

/* Keys for a disk of this worker, as the controller sent them. */
void slot_give_keys (struct slot *slot, const json_t *keys);

/* Its job by id; NULL: it has none such. */
struct job *slot_job (const struct slot *slot, const char *id);

/* Those of its jobs that have no result yet. */
size_t slot_open_jobs (const struct slot *slot);

/* Notes that the worker turned to this job (NULL: to none). */
void slot_turn_to (struct slot *slot, struct job *job, int64_t now_ms);
/* The first of its jobs that has no result yet; NULL: none. */
struct job *slot_next_job (const struct slot *slot);

/* After its end (pidfd is readable): reaps it and whatever is left of its
 * group.  Returns how it ended as text if that was no success, else NULL. */
char *slot_reap (struct slot *slot);
void slot_free (struct slot *slot);

#endif
