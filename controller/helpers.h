/* Helpers: healthy VMs that the OS disks of others are attached to, for the
 * agent that runs there.
 *
 * A helper has a number of slots (device names, LUNs).  A job claims one just
 * before its disk is detached from its own VM, so that a disk which belongs
 * nowhere never waits for others; it gives the slot back when its disk has been
 * seen to have left the helper.  One that ends without having used its slot
 * (its VM does not let go of the disk) leaves it to whoever claims it next; one
 * that ends with its disk at the helper keeps it.  What a job has claimed is in
 * its facts:
 *
 *   facts.helper = {name, vm: id, slot, devices, remote: bool}
 *   facts.helped_by = name, which stays, for the report
 *
 * so that a resumed campaign finds the disks where they are.
 *
 * A helper that can't be reached for policy.helper_lost_ms, or whose agent is
 * lost again and again, is dead: it gets no more disks, and those it has are
 * taken from it (engine-helper.c).  Its agent's first sign of life revives it.
 */

#ifndef BOOTMEND_HELPERS_H
#define BOOTMEND_HELPERS_H

#include "job.h"

struct helpers;

struct helpers *helpers_new (void);
void helpers_free (struct helpers *helpers);

/* A helper: what jobs call it, where its agent sees devices ("/dev"), its VM
 * record, and its free slots, an array of texts, the best first.  All borrowed
 * but for the binding, which must outlive it.  Known already: only its record
 * is renewed. */
void helpers_add (struct helpers *helpers, const char *name,
                  const char *devices, const struct binding *binding,
                  const json_t *record, const json_t *slots);

/* Its agent is on another machine, and so is the evidence of its repairs. */
void helpers_set_remote (struct helpers *helpers, const char *name);

/* The agent of this helper can't be reached; `why` is kept. */
void helpers_note_lost (struct helpers *helpers, const char *name,
                        int64_t now_ms, const char *why);
/* It was heard; with `done` it has also brought something to its end. */
void helpers_note_alive (struct helpers *helpers, const char *name, bool done);
/* Not to be used from the beginning on: why. */
void helpers_note_dead (struct helpers *helpers, const char *name,
                        const char *why);
/* Why it is given up; NULL: it is not. */
const char *helpers_dead (const struct helpers *helpers, const char *name,
                          int64_t now_ms, int64_t lost_ms);

/* The slot of this job turned out to be taken by something else: it is not used
 * any more (`all`: nor are the other free ones of that helper), and the job has
 * none. */
void helpers_block (struct helpers *helpers, struct job *job, bool all);

/* The record of a helper; NULL: it is not known. */
const json_t *helpers_record (const struct helpers *helpers, const char *name);

/* The record of one of this binding's; NULL: it has none. */
const json_t *helpers_any (const struct helpers *helpers,
                           const struct binding *binding);

/* Is this VM one of them itself? */
bool helpers_include (const struct helpers *helpers, const json_t *vm);

/* Is there a helper that this VM's disk could be attached to? */
bool helpers_serve (const struct helpers *helpers,
                    const struct binding *binding, const json_t *vm);

/* A slot for this job, in facts.helper; true at once if it has one.  A helper
 * that has evidence of its repair (facts.evidence_on) comes first, then the one
 * with the most slots.  False: none is free now. */
bool helpers_claim (struct helpers *helpers, struct job *job);
/* False: the slots that it could have are all kept by jobs that have ended
 * without letting go of them. */
bool helpers_may_clear (const struct helpers *helpers, const struct job *job);
/* Gives it back, if it has one. */
void helpers_release (struct helpers *helpers, struct job *job);
/* What the facts of a job from the journal say it holds. */
void helpers_adopt (struct helpers *helpers, struct job *job);

#endif
