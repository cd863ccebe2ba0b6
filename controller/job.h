/* A job: one VM within a campaign, and where it stands.
 *
 * A job walks through the steps of its strategy.  A step is done when its
 * effect has been *seen*, not when its request was answered; so going on after
 * a lost reply, a crash or another's interference is always the same: look,
 * and act only if it is not so yet.
 *
 * The way back is data too: facts.undo lists the steps whose effect stands (or
 * may stand), in order.  Going back takes them off the end, one by one, by the
 * step that each names as its undo.
 */

#ifndef BOOTMEND_JOB_H
#define BOOTMEND_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>
#include <base/vec.h>
#include <providers/provider.h>

#include "journal.h"

struct step;
struct policy;
struct strategy;

/* Each VM ends in exactly one of these; DESIGN calls them outcomes. */
enum outcome {
  OUT_OPEN, /* not ended */
  OUT_REPAIRED,
  OUT_REPAIRED_UNPROVEN,
  OUT_CLEAN,
  OUT_RECOVERED,
  OUT_SKIPPED,
  OUT_FAILED_RESTORED,
  OUT_FAILED_ATTENTION,
  OUT_COUNT
};
/* "repaired-unproven"; "open" for OUT_OPEN. */
const char *outcome_name (enum outcome outcome);
int outcome_from_name (const char *name);
/* True if it counts as success for the exit code. */
bool outcome_is_good (enum outcome outcome);

enum phase {
  PHASE_WAITING, /* not begun: waits for its turn */
  PHASE_ENTER,   /* at a step, nothing done for it yet */
  PHASE_LOOK,    /* needs to see the VM as it is now before it acts */
  PHASE_ACT,     /* its request is on its way */
  PHASE_WATCH,   /* accepted; waits until the effect is seen */
  PHASE_PAUSE,   /* acts again at not_before_ms */
  PHASE_ENDED
};
const char *phase_name (enum phase phase);

/* When the last request of a step that changes anything was answered well. */
struct answered {
  const struct step *step;
  int64_t at_ms;
};
DEFINE_VEC (struct answered, answered_vec);

struct job {
  int64_t id;
  char *vm;   /* vm_key () */
  char *name; /* for people */
  int64_t wave;
  int group; /* see admission_number_groups */
  struct binding *binding;
  const struct strategy *strategy;
  const struct policy *policy;

  bool back; /* direction */
  const struct step *step;
  enum phase phase;
  int64_t attempt;
  enum outcome outcome;
  char *reason;

  json_t *before; /* the VM when the job began; NULL until it did */
  json_t *facts;
  json_t *now;           /* the VM as last seen; NULL: gone or never seen */
  int64_t now_at_ms;     /* when the describe was sent that showed it */
  int now_depth;         /* how much that asked for (enum depth) */
  int64_t need_after_ms; /* what was sent before this is too old */
  /* A describe sent before this may not show our own last request yet. */
  int64_t trust_after_ms;
  /* Before this not even what can only be new: see job_sees_early. */
  int64_t early_after_ms;
  struct answered_vec answered; /* by the process that runs now */
  bool gone;                    /* the last describe did not find it */

  /* Its disk as last seen (OP_DESCRIBE_DISKS); only for providers whose
   * disks are attached to a helper; which disk, the step says (job_step_disk).
   * NULL: never seen, or gone. */
  json_t *disk;
  int64_t disk_at_ms;

  int64_t step_began_ms;
  int64_t not_before_ms;
  int64_t acted_ms;    /* when the last request was made */
  int asked_again;     /* whether it boots, as its stop had to wait */
  int64_t errors;      /* failed replies in a row, at this step */
  struct err *failure; /* the last of them; NULL: none yet */
  uint64_t effect;     /* in flight; 0: none */
  uint64_t allowed;    /* the last one whose agent was allowed to write */
  bool changes;        /* what was requested last has an effect */
  bool uncertain;      /* an earlier request of this step may have had effect */
  bool cancelled;      /* the one in flight was told to end */
  bool adopted;        /* by the engine that runs it now */
  unsigned abandoned;  /* requests with an effect that were given up and may
                          still take effect */
  bool disturbed;      /* one of these was answered after all */
  uint64_t renewal;    /* of its mark, in flight; 0: none */
  int64_t renewal_sent_ms; /* when */
  int64_t renewed_ms;      /* one that failed may take effect until then */
  int64_t marked_ms;       /* when its mark was last written; 0: unknown */
  int64_t lease_after_ms;  /* an older look may show a mark that is lost */
  int64_t wall_ms; /* the clock on the wall, as of now: for marks of others */
  bool changed;    /* since it was last put into the journal */
};

DEFINE_VEC (struct job *, job_vec);

struct job *job_new (int64_t id, const json_t *vm, struct binding *binding,
                     const struct strategy *strategy,
                     const struct policy *policy);
void job_free (struct job *job);
#define CLEANUP_JOB CLEANUP (cleanup_job)
void cleanup_job (struct job **job);

/* The row for the journal; borrows from the job. */
struct job_row job_to_row (const struct job *job);
/* Takes over what a row says (direction, step, phase, facts, ...). */
int job_from_row (struct job *job, const struct job_row *row,
                  struct err **err) ATTR_USE;

/* facts.undo */
void job_undo_push (struct job *job, const char *step);
void job_undo_pop (struct job *job);
/* The step whose effect has to be taken back next; NULL: none is left. */
const char *job_undo_top (const struct job *job);

/* Remembers what a step found out; NULL forgets it. */
void job_set_fact (struct job *job, const char *key, json_t *value_taken);
/* What failed at this step does not count any more. */
void job_no_errors (struct job *job);
/* One more line for the report. */
void job_note (struct job *job, const char *fmt, ...) ATTR_PRINTF (2, 3);

void job_set_reason (struct job *job, const char *fmt, ...) ATTR_PRINTF (2, 3);

/* The disk that helper and agent work on: the VM's own, or the copy that will
 * take its place (facts.work_disk). */
const json_t *job_work_disk (const struct job *job);
/* The VM's own disk, if another is in its place; NULL: it is where it was. */
const json_t *job_kept (const struct job *job);
/* ... and it was deleted since: there is no way back. */
bool job_is_released (const struct job *job);
/* What was seen of a disk is of no use any more. */
void job_forget_disk (struct job *job);

/* For people: its OS disk, and what that is attached to. */
char *job_disk_place (const struct job *job);

/* Was it given back, or left alone, because no key opens its disk?  That is for
 * somebody who has keys, and no sign that the repair does harm. */
bool job_lacks_key (const struct job *job);

/* The VM's power state when the job began. */
bool job_was_running (const struct job *job);

/* Notes, and tells, when a step's request was answered (INT64_MIN: never). */
void job_set_answered (struct job *job, const struct step *step, int64_t at_ms);
int64_t job_answered_ms (const struct job *job, const struct step *step);

/* What status, list and report say of one job. */
json_t *job_summary (const struct job *job);

#endif
