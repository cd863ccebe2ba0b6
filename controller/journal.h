/* The journal of one campaign: what was meant to be done, and what was seen to
 * have happened.  SQLite, WAL, synchronous=FULL; docs/journal.md describes the
 * tables for people with the sqlite3 shell.
 *
 * Use: any number of journal_put_job, journal_add_step and journal_add_event
 * between journal_begin and journal_commit.  A request with an effect is sent
 * only after the commit that holds its intent has returned 0.  If a commit
 * fails, nothing more may be sent: ERR_NO_SPACE for a full or read-only file
 * system, ERR_IO else.
 *
 * One process writes: journal_open for writing takes a lock on "PATH.lock"
 * which the kernel drops when the process ends, however it ends.
 */

#ifndef BOOTMEND_JOURNAL_H
#define BOOTMEND_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>

#define JOURNAL_SCHEMA 2

enum journal_mode {
  JOURNAL_READ,
  JOURNAL_WRITE
};

struct journal;

/* Makes a new journal (the file must not exist) that holds `campaign`, and
 * leaves it open for writing. */
struct journal *journal_create (const char *path, const json_t *campaign,
                                struct err **err) ATTR_USE;

/* Opens one.  ERR_NOT_FOUND: no such file; ERR_INPUT: it is damaged, is no
 * journal, or was written by a newer bootmend; ERR_CONFLICT: for writing, and
 * another process has it. */
struct journal *journal_open (const char *path, enum journal_mode mode,
                              struct err **err) ATTR_USE;
void journal_close (struct journal *journal);
#define CLEANUP_JOURNAL CLEANUP (cleanup_journal)
void cleanup_journal (struct journal **journal);

/* True if some process has the journal open for writing. */
bool journal_is_live (const char *path);

/* The campaign's own data, as given to journal_create or set later. */
json_t *journal_campaign (struct journal *journal, struct err **err) ATTR_USE;

/* Within begin and commit; errors stick and come out of journal_commit. */
void journal_begin (struct journal *journal);
int journal_commit (struct journal *journal, struct err **err) ATTR_USE;

void journal_set_campaign (struct journal *journal, const json_t *campaign);

/* How often the cloud was called and how long for its turn was waited, in all
 * runs so far (call-tally.h); {}: nothing was kept. */
void journal_set_figures (struct journal *journal, const json_t *figures);
json_t *journal_figures (struct journal *journal, struct err **err) ATTR_USE;

/* One job as it stands.  Strings are borrowed. */
struct job_row {
  int64_t id;       /* 1, 2, ... */
  const char *vm;   /* vm_key () */
  const char *name; /* for people */
  int64_t wave;     /* 1, 2, ... */
  const char *strategy;
  const char *direction; /* "forward", "back" */
  const char *step;      /* where it is; NULL: not begun, or ended */
  const char *phase;     /* of that step */
  int64_t attempt;
  const char *outcome;  /* NULL while it is open */
  const char *reason;   /* of the outcome, or why it turns back */
  const json_t *before; /* the VM's record when the job began, or NULL */
  const json_t *facts;  /* what its steps found out; never NULL */
};
void journal_put_job (struct journal *journal, const struct job_row *row,
                      int64_t wall_ms);

/* state: "intent", "done", "skipped", "again", "failed". */
void journal_add_step (struct journal *journal, int64_t job, const char *step,
                       const char *direction, const char *state,
                       int64_t attempt, const json_t *detail, int64_t wall_ms);

/* Things of the whole campaign (job 0) or of one job that are no steps. */
void journal_add_event (struct journal *journal, int64_t job, const char *kind,
                        const json_t *detail, int64_t wall_ms);

/* Calls row () for each job in order of id, with strings that live until it
 * returns.  A return of -1 by row ends the reading with its error. */
int journal_each_job (struct journal *journal,
                      int (*row) (void *opaque, const struct job_row *row,
                                  struct err **err),
                      void *opaque, struct err **err) ATTR_USE;

/* All steps of a job in order: [{step, direction, state, attempt, at, detail}].
 * All events: [{job, kind, at, detail}]. */
json_t *journal_steps (struct journal *journal, int64_t job,
                       struct err **err) ATTR_USE;
json_t *journal_events (struct journal *journal, struct err **err) ATTR_USE;

/* Commits so far by this process. */
uint64_t journal_commits (const struct journal *journal);

#ifdef BOOTMEND_FAULTS
/* For tests: asked before each commit and right after it, with the number that
 * it has or would have; -1 makes the commit fail, after it was done or not. */
void journal_set_fault (struct journal *journal,
                        int (*fault) (void *opaque, uint64_t commit, bool after,
                                      struct err **err),
                        void *opaque);
#endif

#endif
