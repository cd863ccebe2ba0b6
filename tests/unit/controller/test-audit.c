/* The audit chain: what was entered is verified, and every kind of change of it
 * afterwards is named. */

#include "unit.h"

#include <string.h>

#include <sqlite3.h>

#include <controller/audit.h>

#include "journal-fixture.h"

/* A campaign of two VMs, one of which has ended. */
static char *
sample (void)
{
  char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *journal = create (path);
  CLEANUP_JSON json_t *who = json_make ("{s:s}", "user", "ops");
  CLEANUP_JSON json_t *facts = json_object ();
  struct job_row ended = {.id = 2,
                          .vm = "vm-2",
                          .name = "web-2",
                          .wave = 1,
                          .strategy = "move",
                          .direction = "forward",
                          .phase = "ended",
                          .outcome = "repaired",
                          .reason = "it boots",
                          .facts = facts};

  journal_begin (journal);
  put (journal, 1, "stop", "web-1");
  journal_add_event (journal, 0, "begin", who, 0);
  journal_add_step (journal, 1, "stop", "forward", "intent", 1, NULL, 1000);
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  journal_begin (journal);
  journal_add_step (journal, 1, "stop", "forward", "done", 1, who, 2000);
  journal_put_job (journal, &ended, 3000);
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  return path;
}

static json_t *
verify (const char *path, const char *head, struct err **err)
{
  CLEANUP_JOURNAL struct journal *journal =
      journal_open (path, JOURNAL_READ, err);

  return journal ? audit_verify (journal, head, err) : NULL;
}

static void
sql (const char *path, const char *text)
{
  sqlite3 *db = NULL;
  char *msg = NULL;

  CU_ASSERT_EQUAL (sqlite3_open (path, &db), SQLITE_OK);
  if (sqlite3_exec (db, text, NULL, NULL, &msg) != SQLITE_OK) {
    printf ("%s: %s\n", text, msg);
    CU_FAIL ("sql");
  }
  sqlite3_free (msg);
  sqlite3_close (db);
}

static void
test_what_was_entered_is_verified (void)
{
  CLEANUP_FREE char *path = sample ();
  CLEANUP_JSON json_t *chain = verify (path, NULL, NULL);
  CLEANUP_JOURNAL struct journal *journal = NULL;
  CLEANUP_JSON json_t *entries = NULL, *head = NULL, *later = NULL;
  CLEANUP_FREE char *old = NULL;

  CU_ASSERT_PTR_NOT_NULL_FATAL (chain);
  CU_ASSERT_EQUAL (json_int (chain, "entries", 0), 4);
  old = xstrdup (json_str (chain, "head", ""));
  journal = journal_open (path, JOURNAL_WRITE, NULL);
  entries = audit_entries (journal, NULL);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (entries, 3),
                                    "entry.outcome", ""),
                          "repaired");
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (entries, 0),
                                    "entry.detail.user", ""),
                          "ops");

  /* It goes on where it stood, in another process, too. */
  journal_begin (journal);
  journal_add_event (journal, 0, "resume", NULL, 4000);
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  head = audit_head (journal, NULL);
  CU_ASSERT_EQUAL (json_int (head, "entries", 0), 5);
  later = audit_verify (journal, old, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (later);
  CU_ASSERT_STRING_EQUAL (json_str (later, "head", ""),
                          json_str (head, "head", "-"));
}

static void
test_every_change_shows (void)
{
  static const struct {
    const char *sql, *text;
  } cases[] = {
      {"UPDATE step SET state='skipped' WHERE id=2",
       "row 2 of table step was changed"},
      {"UPDATE step SET detail=NULL WHERE id=2",
       "row 2 of table step was changed"},
      {"DELETE FROM step WHERE id=1", "row 1 of table step was removed"},
      {"INSERT INTO step SELECT 9, job, step, direction, state, attempt, at,"
       " detail FROM step WHERE id=1",
       "table step has 3 rows, and 2 were entered"},
      {"UPDATE event SET kind='approved'", "row 1 of table event was changed"},
      {"DELETE FROM event", "row 1 of table event was removed"},
      {"UPDATE job SET outcome='clean' WHERE id=2", "web-2: its outcome"},
      {"UPDATE job SET reason='so' WHERE id=2", "web-2: its outcome"},
      {"UPDATE job SET outcome='repaired' WHERE id=1", "web-1: its outcome"},
      {"DROP TRIGGER audit_kept; UPDATE audit SET"
       " entry=replace(entry,'ops','eve') WHERE id=1",
       "entry 1, or one before it, was changed"},
      {"DROP TRIGGER audit_kept; UPDATE audit SET hash=upper(hash) WHERE id=2",
       "entry 2, or one before it, was changed"},
      {"DROP TRIGGER audit_stays; DELETE FROM audit WHERE id=1",
       "entry 1 is missing"},
      {"DROP TRIGGER audit_stays; DELETE FROM audit WHERE id=3",
       "entry 3 is missing"},
      {"DROP TRIGGER audit_stays; DELETE FROM audit WHERE id=4",
       "web-2: its outcome"},
      {"UPDATE campaign SET data=replace(data,'mp','mm')",
       "entry 1, or one before it, was changed"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    CLEANUP_FREE char *path = sample ();
    CLEANUP_JSON json_t *chain = NULL;
    CLEANUP_ERR struct err *err = NULL;

    sql (path, cases[i].sql);
    chain = verify (path, NULL, &err);
    CU_ASSERT_PTR_NULL (chain);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
    if (strstr (err->msg, cases[i].text) == NULL)
      printf ("%s: %s\n", cases[i].sql, err->msg);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].text));
  }
}

static void
test_by_accident (void)
{
  CLEANUP_FREE char *path = sample ();
  sqlite3 *db = NULL;

  CU_ASSERT_EQUAL (sqlite3_open (path, &db), SQLITE_OK);
  CU_ASSERT_EQUAL (sqlite3_exec (db, "UPDATE audit SET hash=''", NULL, NULL,
                                 NULL),
                   SQLITE_CONSTRAINT);
  CU_ASSERT_EQUAL (sqlite3_exec (db, "DELETE FROM audit", NULL, NULL, NULL),
                   SQLITE_CONSTRAINT);
  sqlite3_close (db);
}

/* The end was cut off in all tables at once: only a head noted elsewhere tells
 * of it. */
static void
test_a_noted_head (void)
{
  CLEANUP_FREE char *path = sample ();
  CLEANUP_JSON json_t *chain = verify (path, NULL, NULL);
  CLEANUP_JSON json_t *cut = NULL, *none = NULL;
  CLEANUP_ERR struct err *err = NULL;

  sql (path, "DROP TRIGGER audit_stays; DELETE FROM audit WHERE id=4;"
             " UPDATE job SET outcome=NULL");
  cut = verify (path, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL (cut);
  none = verify (path, json_str (chain, "head", ""), &err);
  CU_ASSERT_PTR_NULL (none);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "no entry has the hash"));
}

static int
fail_second (void *opaque, uint64_t commit, bool after, struct err **err)
{
  int *n = opaque;

  (void)commit;
  return !after && ++*n == 1 ? err_set (err, ERR_IO, "as asked") : 0;
}

static void
test_a_commit_that_fails_enters_nothing (void)
{
  CLEANUP_FREE char *path = sample ();
  CLEANUP_JOURNAL struct journal *journal =
      journal_open (path, JOURNAL_WRITE, NULL);
  CLEANUP_JSON json_t *chain = NULL;
  CLEANUP_ERR struct err *err = NULL;
  int n = 0;

  journal_set_fault (journal, fail_second, &n);
  for (int i = 0; i < 2; i++) {
    journal_begin (journal);
    journal_add_event (journal, 0, i ? "second" : "first", NULL, 0);
    CU_ASSERT_EQUAL (journal_commit (journal, NULL), i ? 0 : -1);
  }
  chain = audit_verify (journal, NULL, &err);
  if (err)
    printf ("%s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (chain);
  CU_ASSERT_EQUAL (json_int (chain, "entries", 0), 5);
}

static void
test_journals_of_schema_1 (void)
{
  CLEANUP_FREE char *path = sample ();
  CLEANUP_JOURNAL struct journal *journal = NULL;
  CLEANUP_JSON json_t *chain = NULL, *head = NULL;
  CLEANUP_ERR struct err *err = NULL;

  sql (path, "DROP TABLE audit; PRAGMA user_version=1");
  journal = journal_open (path, JOURNAL_READ, NULL);
  head = audit_head (journal, NULL);
  CU_ASSERT_EQUAL (json_object_size (head), 0);
  chain = audit_verify (journal, NULL, &err);
  CU_ASSERT_PTR_NULL (chain);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "kept no audit chain"));
  journal_close (journal);

  journal = journal_open (path, JOURNAL_WRITE, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
  journal_begin (journal);
  journal_add_event (journal, 0, "resume", NULL, 4000);
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  journal_close (TAKE (journal));
  chain = verify (path, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (chain);
  CU_ASSERT_EQUAL (json_int (chain, "entries", 0), 2);
  sql (path, "DELETE FROM step WHERE id=1");
  CU_ASSERT_PTR_NULL (verify (path, NULL, NULL));
}

static void
test_set_up (void)
{
  strcpy (folder, "/tmp/test-audit-XXXXXX");
  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (folder));
}

static void
test_clean_up (void)
{
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
}

static const struct unit_case cases[] = {
    {"set up", test_set_up},
    {"what was entered is verified", test_what_was_entered_is_verified},
    {"every change shows", test_every_change_shows},
    {"by accident nothing changes", test_by_accident},
    {"a head noted elsewhere", test_a_noted_head},
    {"a commit that fails", test_a_commit_that_fails_enters_nothing},
    {"journals of schema 1", test_journals_of_schema_1},
    {"clean up", test_clean_up},
};
UNIT_MAIN ("audit", cases)
