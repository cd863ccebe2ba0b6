/* The journal: what was committed is there, whatever happens. */

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include <base/files.h>
#include "journal-fixture.h"

static int
check_row (void *opaque, const struct job_row *row, struct err **err)
{
  (void)opaque;
  (void)err;
  CU_ASSERT_EQUAL (row->id, 7);
  CU_ASSERT_STRING_EQUAL (row->vm, "vm-7");
  CU_ASSERT_STRING_EQUAL (row->name, "web '\"; DROP TABLE job");
  CU_ASSERT_EQUAL (row->wave, 2);
  CU_ASSERT_STRING_EQUAL (row->step, "stop");
  CU_ASSERT_STRING_EQUAL (row->phase, "act");
  CU_ASSERT_EQUAL (row->attempt, 3);
  CU_ASSERT_PTR_NULL (row->outcome);
  CU_ASSERT_PTR_NULL (row->before);
  CU_ASSERT_STRING_EQUAL (json_string_value (
                              json_array_get (json_at (row->facts, "undo"), 0)),
                          "mark");
  return 0;
}

static void
test_what_was_committed_is_there_again (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *journal = create (path);
  CLEANUP_JSON json_t *detail = json_make ("{s:s}", "why", "because");
  CLEANUP_JSON json_t *data = NULL, *expected = campaign (), *steps = NULL;
  CLEANUP_JSON json_t *events = NULL;
  struct stat st;

  journal_begin (journal);
  put (journal, 7, "mark", "web '\"; DROP TABLE job");
  journal_add_step (journal, 7, "mark", "forward", "intent", 1, NULL, 0);
  journal_add_step (journal, 7, "mark", "forward", "done", 1, detail, 1000);
  put (journal, 7, "stop", "web '\"; DROP TABLE job");
  journal_add_event (journal, 0, "begin", NULL, 0);
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  CU_ASSERT_EQUAL (journal_commits (journal), 2);
  journal_close (TAKE (journal));

  CU_ASSERT_EQUAL (stat (path, &st), 0);
  CU_ASSERT_EQUAL (st.st_mode & 0777, 0600);
  journal = journal_open (path, JOURNAL_WRITE, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
  data = journal_campaign (journal, NULL);
  CU_ASSERT (json_equal (data, expected));
  CU_ASSERT_EQUAL (journal_each_job (journal, check_row, NULL, NULL), 0);
  steps = journal_steps (journal, 7, NULL);
  CU_ASSERT_EQUAL (json_array_size (steps), 2);
  CU_ASSERT (
      json_equal (json_at (json_array_get (steps, 1), "detail"), detail));
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (steps, 0), "state", ""),
                          "intent");
  events = journal_events (journal, NULL);
  CU_ASSERT_EQUAL (json_array_size (events), 1);
}

static void
test_nothing_uncommitted_is_there (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *journal = create (path);

  journal_begin (journal);
  put (journal, 1, "mark", "a");
  journal_close (TAKE (journal));
  journal = journal_open (path, JOURNAL_WRITE, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
  CU_ASSERT_EQUAL (count_jobs (journal), 0);
}

static void
test_reading_while_another_writes (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *writer = create (path);
  CLEANUP_JOURNAL struct journal *reader = NULL;

  journal_begin (writer);
  put (writer, 1, "mark", "a");
  CU_ASSERT_EQUAL (journal_commit (writer, NULL), 0);
  journal_begin (writer);
  put (writer, 2, "mark", "b");
  reader = journal_open (path, JOURNAL_READ, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (reader);
  CU_ASSERT_EQUAL (count_jobs (reader), 1);
  CU_ASSERT_EQUAL (journal_commit (writer, NULL), 0);
  CU_ASSERT_EQUAL (count_jobs (reader), 2);
  CU_ASSERT (journal_is_live (path));
  journal_close (TAKE (reader));
  journal_begin (writer);
  put (writer, 3, "mark", "c");
  CU_ASSERT_EQUAL (journal_commit (writer, NULL), 0);
}

static void
test_one_writer (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *writer = create (path);
  CLEANUP_ERR struct err *err = NULL, *exists = NULL;
  CLEANUP_JSON json_t *data = campaign ();

  CU_ASSERT_PTR_NULL (journal_open (path, JOURNAL_WRITE, &err));
  CU_ASSERT_EQUAL (err->code, ERR_CONFLICT);
  CU_ASSERT_PTR_NULL (journal_create (path, data, &exists));
  journal_close (TAKE (writer));
  CU_ASSERT_FALSE (journal_is_live (path));
  writer = journal_open (path, JOURNAL_WRITE, NULL);
  CU_ASSERT_PTR_NOT_NULL (writer);
}

/* The kernel drops the lock of a process that was killed; what it had committed
 * is there, what it had not is gone. */
static void
test_after_kill_9 (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *journal = NULL;
  pid_t pid = fork ();
  int status;

  if (pid == 0) {
    journal = create (path);
    journal_begin (journal);
    put (journal, 1, "mark", "a");
    if (journal_commit (journal, NULL) == 0) {
      journal_begin (journal);
      put (journal, 2, "mark", "b");
    }
    raise (SIGKILL);
  }
  CU_ASSERT_EQUAL (waitpid (pid, &status, 0), pid);
  CU_ASSERT (WIFSIGNALED (status));
  journal = journal_open (path, JOURNAL_WRITE, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
  CU_ASSERT_EQUAL (count_jobs (journal), 1);
}

/* --- files that are no journal ----------------------------------------------
 */

static void
make_foreign (const char *path, const char *sql)
{
  sqlite3 *db = NULL;

  CU_ASSERT_EQUAL (sqlite3_open (path, &db), SQLITE_OK);
  CU_ASSERT_EQUAL (sqlite3_exec (db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close (db);
}

static void
expect_refused (const char *path, enum err_code code, const char *text)
{
  for (int mode = JOURNAL_READ; mode <= JOURNAL_WRITE; mode++) {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_PTR_NULL (journal_open (path, (enum journal_mode)mode, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, code);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, path));
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, text));
    if (err->code != code || !strstr (err->msg, text))
      printf ("%d: %s: %s\n", mode, err_code_name (err->code), err->msg);
  }
}

static void
test_files_that_are_no_journal (void)
{
  CLEANUP_FREE char *none = fresh_path (), *empty = fresh_path ();
  CLEANUP_FREE char *text = fresh_path (), *foreign = fresh_path ();
  CLEANUP_FREE char *newer = fresh_path (), *lines = xmalloc (5001);

  expect_refused (none, ERR_NOT_FOUND, "");
  CU_ASSERT_EQUAL (file_write_atomic (empty, "", 0, 0600, NULL), 0);
  expect_refused (empty, ERR_INPUT, "empty");
  memset (lines, 'x', 5000);
  CU_ASSERT_EQUAL (file_write_atomic (text, lines, 5000, 0600, NULL), 0);
  expect_refused (text, ERR_INPUT, "no bootmend journal");
  make_foreign (foreign, "CREATE TABLE job (id); CREATE TABLE campaign (data)");
  expect_refused (foreign, ERR_INPUT, "not a bootmend journal");
  journal_close (create (newer));
  make_foreign (newer, "PRAGMA user_version = 9");
  expect_refused (newer, ERR_INPUT, "newer bootmend");
}

static void
test_damaged_journals (void)
{
  /* Whatever 4 KiB block is damaged: an error, never a crash, never jobs that
   * were not there. */
  for (int block = 0; block < 8; block++) {
    CLEANUP_FREE char *path = fresh_path ();
    CLEANUP_JOURNAL struct journal *journal = create (path);
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_CLOSE int fd = -1;
    unsigned char noise[4096];

    journal_begin (journal);
    for (int i = 1; i <= 200; i++) {
      put (journal, i, "mark", "name");
      journal_add_step (journal, i, "mark", "forward", "intent", 1, NULL, 0);
    }
    CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
    journal_close (TAKE (journal));
    fd = open (path, O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof noise; i++)
      noise[i] = (unsigned char)(i * 7 + 13);
    CU_ASSERT_EQUAL (pwrite (fd, noise, sizeof noise, block * 4096),
                     (ssize_t)sizeof noise);
    journal = journal_open (path, JOURNAL_WRITE, &err);
    CU_ASSERT_PTR_NULL (journal);
    if (err) {
      CU_ASSERT_EQUAL (err->code, ERR_INPUT);
    }
  }
}

#ifdef BOOTMEND_FAULTS
static int
fail_before (void *opaque, uint64_t commit, bool after, struct err **err)
{
  if (after || commit != *(uint64_t *)opaque)
    return 0;
  return err_set (err, ERR_IO, "injected");
}

static void
test_failed_commit_leaves_nothing_half (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *journal = create (path);
  CLEANUP_ERR struct err *err = NULL;
  uint64_t at = 2;

  journal_set_fault (journal, fail_before, &at);
  journal_begin (journal);
  put (journal, 1, "mark", "a");
  put (journal, 2, "mark", "b");
  CU_ASSERT_EQUAL (journal_commit (journal, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_IO);
  CU_ASSERT_EQUAL (count_jobs (journal), 0);
  at = 0;
  journal_begin (journal);
  put (journal, 1, "mark", "a");
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  CU_ASSERT_EQUAL (count_jobs (journal), 1);
}
#endif

/* A row that can't be written: the whole transaction fails. */
static void
test_error_in_the_middle_sticks (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *journal = create (path);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *facts = json_object ();
  struct job_row twin = {.id = 2,
                         .vm = "vm-1",
                         .name = "b",
                         .strategy = "move",
                         .direction = "forward",
                         .facts = facts};

  journal_begin (journal);
  put (journal, 1, "mark", "a");
  journal_put_job (journal, &twin, 0); /* the same VM twice */
  put (journal, 3, "mark", "c");
  CU_ASSERT_EQUAL (journal_commit (journal, &err), -1);
  CU_ASSERT_PTR_NOT_NULL (err);
  CU_ASSERT_EQUAL (count_jobs (journal), 0);
}

static const struct unit_case cases[] = {
    {"what was committed is there again",
     test_what_was_committed_is_there_again},
    {"nothing uncommitted is there", test_nothing_uncommitted_is_there},
    {"reading while another writes", test_reading_while_another_writes},
    {"one writer", test_one_writer},
    {"after kill -9", test_after_kill_9},
    {"files that are no journal", test_files_that_are_no_journal},
    {"damaged journals", test_damaged_journals},
#ifdef BOOTMEND_FAULTS
    {"failed commit leaves nothing half",
     test_failed_commit_leaves_nothing_half},
#endif
    {"error in the middle sticks", test_error_in_the_middle_sticks},
};

int
main (void)
{
  return journal_fixture_run ("journal", cases, ARRAY_SIZE (cases));
}
