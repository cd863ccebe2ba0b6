#include "sim-journal.h"

#include <sqlite3.h>
#include <string.h>

#include <base/json.h>

struct sim_journal {
  sqlite3 *db;
  sqlite3_stmt *announced, *facts;
};

struct sim_journal *
sim_journal_open (const char *path)
{
  struct sim_journal *journal = xcalloc (1, sizeof *journal);

  if (sqlite3_open_v2 (path, &journal->db, SQLITE_OPEN_READWRITE, NULL) !=
          SQLITE_OK ||
      sqlite3_prepare_v2 (journal->db,
                          "SELECT count (*) FROM step WHERE job = ?1 AND step ="
                          " ?2 AND direction = ?3 AND state IN ('intent',"
                          " 'again') AND detail IS NULL",
                          -1, &journal->announced, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2 (journal->db, "SELECT facts FROM job WHERE id = ?1",
                          -1, &journal->facts, NULL) != SQLITE_OK)
    abort ();
  return journal;
}

void
sim_journal_close (struct sim_journal *journal)
{
  if (journal == NULL)
    return;
  sqlite3_finalize (journal->announced);
  sqlite3_finalize (journal->facts);
  sqlite3_close (journal->db);
  free (journal);
}

unsigned
sim_journal_announced (struct sim_journal *journal, int64_t job,
                       const char *step, bool back)
{
  sqlite3_stmt *st = journal->announced;
  unsigned n = 0;

  sqlite3_bind_int64 (st, 1, job);
  sqlite3_bind_text (st, 2, step, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text (st, 3, back ? "back" : "forward", -1, SQLITE_TRANSIENT);
  if (sqlite3_step (st) == SQLITE_ROW)
    n = (unsigned)sqlite3_column_int (st, 0);
  sqlite3_reset (st);
  return n;
}

bool
sim_journal_has_undo (struct sim_journal *journal, int64_t job,
                      const char *step)
{
  sqlite3_stmt *st = journal->facts;
  CLEANUP_JSON json_t *facts = NULL;
  bool found = false;
  json_t *item;
  size_t i;

  sqlite3_bind_int64 (st, 1, job);
  if (sqlite3_step (st) == SQLITE_ROW)
    facts = json_loads ((const char *)sqlite3_column_text (st, 0), 0, NULL);
  sqlite3_reset (st);
  json_array_foreach (json_at (facts, "undo"), i, item)
  {
    const char *name = json_string_value (item);

    found = found || (name && strcmp (name, step) == 0);
  }
  return found;
}
