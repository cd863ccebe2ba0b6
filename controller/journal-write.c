/* The journal: transactions and rows. */

#include "journal.h"

#include <signal.h>
#include <string.h>

#include <base/clock.h>

#include "journal-internal.h"
#include "mutation.h"

static void
remember (struct journal *j, struct err *err)
{
  if (j->pending)
    err_free (err);
  else
    j->pending = err;
}

void
journal_begin (struct journal *j)
{
  struct err *err = NULL;

  if (journal_sql (j, "BEGIN IMMEDIATE", &err) == -1)
    remember (j, err);
}

/* The fault tests end the process here, after the Nth commit: an intent is on
 * disk and its request was never sent. */
static void
die_if_asked (const struct journal *j)
{
#ifdef BOOTMEND_FAULTS
  const char *n = getenv ("BOOTMEND_FAULT_KILL_AFTER_COMMIT");

  if (n && strtoull (n, NULL, 10) == j->commits)
    raise (SIGKILL);
#else
  (void)j;
#endif
}

static int
ask_fault (const struct journal *j, bool after, struct err **err)
{
  if (j->fault == NULL)
    return 0;
  return j->fault (j->fault_opaque, after ? j->commits : j->commits + 1, after,
                   err);
}

int
journal_commit (struct journal *j, struct err **err)
{
  struct err *failed = TAKE (j->pending);

  if (failed == NULL && ask_fault (j, false, &failed) == 0)
    journal_sql (j, mutated ("skip-commit") ? "ROLLBACK" : "COMMIT", &failed);
  if (failed) {
    sqlite3_exec (j->db, "ROLLBACK", NULL, NULL, NULL);
    memcpy (j->audit_hash, j->audit_committed, sizeof j->audit_hash);
    return err_move (err, failed);
  }
  memcpy (j->audit_committed, j->audit_hash, sizeof j->audit_committed);
  j->commits++;
  die_if_asked (j);
  return ask_fault (j, true, err);
}

#ifdef BOOTMEND_FAULTS
void
journal_set_fault (struct journal *j,
                   int (*fault) (void *, uint64_t, bool, struct err **),
                   void *opaque)
{
  j->fault = fault;
  j->fault_opaque = opaque;
}
#endif

uint64_t
journal_commits (const struct journal *j)
{
  return j->commits;
}

static void
bind_text (sqlite3_stmt *st, int column, const char *text)
{
  if (text)
    sqlite3_bind_text (st, column, text, -1, SQLITE_TRANSIENT);
  else
    sqlite3_bind_null (st, column);
}

static void
bind_json (sqlite3_stmt *st, int column, const json_t *json)
{
  CLEANUP_FREE char *text = json ? json_text (json) : NULL;

  bind_text (st, column, text);
}

static void
bind_time (sqlite3_stmt *st, int column, int64_t wall_ms)
{
  CLEANUP_FREE char *text = time_format_ms (wall_ms);

  bind_text (st, column, text);
}

static void
execute (struct journal *j, enum statement which)
{
  sqlite3_stmt *st = j->statements[which];
  struct err *err = NULL;

  if (j->pending == NULL && sqlite3_step (st) != SQLITE_DONE) {
    journal_fail (j, &err, "write");
    remember (j, err);
  }
  sqlite3_reset (st);
  sqlite3_clear_bindings (st);
}

/* --- the audit chain -------------------------------------------------------
 */

void
journal_add_audit (struct journal *j, const json_t *entry)
{
  CLEANUP_FREE char *text = audit_next (j, entry);

  bind_text (j->statements[ADD_AUDIT], 1, text);
  bind_text (j->statements[ADD_AUDIT], 2, j->audit_hash);
  execute (j, ADD_AUDIT);
}

/* The row of `table` that was just added; takes its columns. */
static void
enter_row (struct journal *j, const char *table, json_t *columns_taken,
           const json_t *detail, int64_t wall_ms)
{
  CLEANUP_JSON json_t *entry = columns_taken;
  CLEANUP_FREE char *at = time_format_ms (wall_ms);

  json_put_str (entry, "table", table);
  json_put_int (entry, "row", sqlite3_last_insert_rowid (j->db));
  json_put_str (entry, "at", at);
  json_put (entry, "detail",
            detail ? json_incref ((json_t *)detail) : json_null ());
  journal_add_audit (j, entry);
}

static void
enter_outcome (struct journal *j, const struct job_row *row)
{
  CLEANUP_JSON json_t *entry =
      json_make ("{s:s,s:I}", "table", "job", "row", (json_int_t)row->id);

  json_put_str (entry, "vm", row->vm);
  json_put_str (entry, "name", row->name);
  json_put_str (entry, "direction", row->direction);
  json_put_str (entry, "outcome", row->outcome);
  json_put_str (entry, "reason", row->reason);
  journal_add_audit (j, entry);
}

/* --- rows ------------------------------------------------------------------
 */

void
journal_set_campaign (struct journal *j, const json_t *campaign)
{
  bind_json (j->statements[SET_CAMPAIGN], 1, campaign);
  execute (j, SET_CAMPAIGN);
}

void
journal_set_figures (struct journal *j, const json_t *figures)
{
  bind_json (j->statements[SET_FIGURES], 1, figures);
  execute (j, SET_FIGURES);
}

void
journal_put_job (struct journal *j, const struct job_row *row, int64_t wall_ms)
{
  sqlite3_stmt *st = j->statements[PUT_JOB];
  const char *const texts[] = {row->strategy, row->direction, row->step,
                               row->phase};

  sqlite3_bind_int64 (st, 1, row->id);
  bind_text (st, 2, row->vm);
  bind_text (st, 3, row->name);
  sqlite3_bind_int64 (st, 4, row->wave);
  for (int i = 0; i < 4; i++)
    bind_text (st, 5 + i, texts[i]);
  sqlite3_bind_int64 (st, 9, row->attempt);
  bind_text (st, 10, row->outcome);
  bind_text (st, 11, row->reason);
  bind_json (st, 12, row->before);
  bind_json (st, 13, row->facts);
  bind_time (st, 14, wall_ms);
  execute (j, PUT_JOB);
  if (row->outcome && !mutated ("forget-audit"))
    enter_outcome (j, row);
}

void
journal_add_step (struct journal *j, int64_t job, const char *step,
                  const char *direction, const char *state, int64_t attempt,
                  const json_t *detail, int64_t wall_ms)
{
  sqlite3_stmt *st = j->statements[ADD_STEP];

  sqlite3_bind_int64 (st, 1, job);
  bind_text (st, 2, step);
  bind_text (st, 3, direction);
  bind_text (st, 4, state);
  sqlite3_bind_int64 (st, 5, attempt);
  bind_time (st, 6, wall_ms);
  bind_json (st, 7, detail);
  execute (j, ADD_STEP);
  enter_row (j, "step",
             json_make ("{s:I,s:s,s:s,s:s,s:I}", "job", (json_int_t)job, "step",
                        step, "direction", direction, "state", state, "attempt",
                        (json_int_t)attempt),
             detail, wall_ms);
}

void
journal_add_event (struct journal *j, int64_t job, const char *kind,
                   const json_t *detail, int64_t wall_ms)
{
  sqlite3_stmt *st = j->statements[ADD_EVENT];

  sqlite3_bind_int64 (st, 1, job);
  bind_text (st, 2, kind);
  bind_time (st, 3, wall_ms);
  bind_json (st, 4, detail);
  execute (j, ADD_EVENT);
  enter_row (j, "event",
             json_make ("{s:I,s:s}", "job", (json_int_t)job, "kind", kind),
             detail, wall_ms);
}
