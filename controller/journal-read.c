/* The journal: reading it back. */

#include "journal.h"

#include <string.h>

#include "journal-internal.h"

static const char *
column_text (sqlite3_stmt *st, int column)
{
  return (const char *)sqlite3_column_text (st, column);
}

static json_t *
column_json (struct journal *j, sqlite3_stmt *st, int column, struct err **err)
{
  const char *text = column_text (st, column);

  if (text == NULL)
    return json_null ();
  return json_parse (text, strlen (text), j->path, err);
}

json_t *
journal_campaign (struct journal *j, struct err **err)
{
  sqlite3_stmt *st = NULL;
  json_t *json = NULL;

  if (sqlite3_prepare_v2 (j->db, "SELECT data FROM campaign", -1, &st, NULL) ==
          SQLITE_OK &&
      sqlite3_step (st) == SQLITE_ROW)
    json = column_json (j, st, 0, err);
  else
    journal_fail (j, err, "read");
  sqlite3_finalize (st);
  return json;
}

static int
read_job (struct journal *j, sqlite3_stmt *st,
          int (*row_fn) (void *, const struct job_row *, struct err **),
          void *opaque, struct err **err)
{
  CLEANUP_JSON json_t *before = column_json (j, st, 11, err);
  CLEANUP_JSON json_t *facts = before ? column_json (j, st, 12, err) : NULL;
  struct job_row row = {
      .id = sqlite3_column_int64 (st, 0),
      .vm = column_text (st, 1),
      .name = column_text (st, 2),
      .wave = sqlite3_column_int64 (st, 3),
      .strategy = column_text (st, 4),
      .direction = column_text (st, 5),
      .step = column_text (st, 6),
      .phase = column_text (st, 7),
      .attempt = sqlite3_column_int64 (st, 8),
      .outcome = column_text (st, 9),
      .reason = column_text (st, 10),
      .before = json_is_null (before) ? NULL : before,
      .facts = facts,
  };

  if (before == NULL || facts == NULL)
    return -1;
  return row_fn (opaque, &row, err);
}

int
journal_each_job (struct journal *j,
                  int (*row) (void *opaque, const struct job_row *row,
                              struct err **err),
                  void *opaque, struct err **err)
{
  static const char sql[] =
      "SELECT id, vm, name, wave, strategy, direction, step, phase, attempt,"
      " outcome, reason, before, facts FROM job ORDER BY id";
  sqlite3_stmt *st = NULL;
  int rc, r = 0;

  if (sqlite3_prepare_v2 (j->db, sql, -1, &st, NULL) != SQLITE_OK)
    return journal_fail (j, err, "read");
  while (r == 0 && (rc = sqlite3_step (st)) == SQLITE_ROW)
    r = read_job (j, st, row, opaque, err);
  if (r == 0 && rc != SQLITE_DONE)
    r = journal_fail (j, err, "read");
  sqlite3_finalize (st);
  return r;
}

json_t *
journal_rows (struct journal *j, const char *sql, int64_t parameter,
              struct err **err)
{
  CLEANUP_JSON json_t *list = json_array ();
  sqlite3_stmt *st = NULL;
  int rc;

  if (sqlite3_prepare_v2 (j->db, sql, -1, &st, NULL) != SQLITE_OK) {
    journal_fail (j, err, "read");
    return NULL;
  }
  sqlite3_bind_int64 (st, 1, parameter);
  while ((rc = sqlite3_step (st)) == SQLITE_ROW) {
    json_t *row = json_object ();

    for (int i = 0; i < sqlite3_column_count (st); i++) {
      const char *name = sqlite3_column_name (st, i);

      if (sqlite3_column_type (st, i) == SQLITE_INTEGER)
        json_put_int (row, name, sqlite3_column_int64 (st, i));
      else if (strcmp (name, "detail") == 0)
        json_put (row, name, column_json (j, st, i, NULL));
      else
        json_put_str (row, name, column_text (st, i));
    }
    json_array_append_new (list, row);
  }
  if (rc != SQLITE_DONE)
    journal_fail (j, err, "read");
  sqlite3_finalize (st);
  return rc == SQLITE_DONE ? TAKE (list) : NULL;
}

json_t *
journal_steps (struct journal *j, int64_t job, struct err **err)
{
  return journal_rows (j,
                       "SELECT step, direction, state, attempt, at, detail"
                       " FROM step WHERE job = ?1 ORDER BY id",
                       job, err);
}

json_t *
journal_events (struct journal *j, struct err **err)
{
  return journal_rows (j,
                       "SELECT job, kind, at, detail FROM event"
                       " WHERE ?1 = 0 ORDER BY id",
                       0, err);
}

json_t *
journal_figures (struct journal *j, struct err **err)
{
  CLEANUP_JSON json_t *has = journal_rows (
      j, "SELECT name FROM sqlite_schema WHERE name = 'figures' AND ?1 = 0", 0,
      err);
  CLEANUP_JSON json_t *rows = NULL;

  if (has == NULL || json_array_size (has) == 0)
    return has ? json_object () : NULL;
  rows = journal_rows (j, "SELECT data AS detail FROM figures WHERE ?1 = 0", 0,
                       err);
  if (rows == NULL)
    return NULL;
  return json_array_size (rows)
             ? json_incref (json_at (json_array_get (rows, 0), "detail"))
             : json_object ();
}
