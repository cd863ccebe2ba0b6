/* Journals on media that do not take them: full, or only to be read. */

#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal-fixture.h"

/* Runs fn in a child that has given up root's rights; its status. */
static int
without_rights (int (*fn) (const char *path), const char *path)
{
  int status = -1;
  pid_t pid = fork ();

  if (pid == 0) {
    if (geteuid () == 0 && (setgid (65534) == -1 || setuid (65534) == -1))
      _exit (99);
    _exit (fn (path));
  }
  waitpid (pid, &status, 0);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static int
create_there (const char *path)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *data = campaign ();
  CLEANUP_JOURNAL struct journal *journal = journal_create (path, data, &err);

  return journal == NULL && err ? 0 : 1;
}

static int
read_there (const char *path)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JOURNAL struct journal *journal =
      journal_open (path, JOURNAL_READ, &err);
  int n = 0;

  if (journal == NULL) {
    printf ("%s\n", err->msg);
    return 1;
  }
  return journal_each_job (journal, count_row, &n, NULL) == 0 && n == 1 ? 0 : 2;
}

static int
write_there (const char *path)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JOURNAL struct journal *journal =
      journal_open (path, JOURNAL_WRITE, &err);

  return journal == NULL && err ? 0 : 1;
}

static void
test_folder_that_can_only_be_read (void)
{
  CLEANUP_FREE char *sub = xasprintf ("%s/ro", folder);
  CLEANUP_FREE char *path = xasprintf ("%s/x.db", sub);
  CLEANUP_FREE char *other = xasprintf ("%s/y.db", sub);
  CLEANUP_FREE char *lock = xasprintf ("%s.lock", path);
  struct journal *journal;

  CU_ASSERT_EQUAL (mkdir (sub, 0755), 0);
  CU_ASSERT_EQUAL (chmod (folder, 0755), 0);
  journal = create (path);
  journal_begin (journal);
  put (journal, 1, "mark", "a");
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  journal_close (journal);
  CU_ASSERT_EQUAL (chmod (path, 0444), 0);
  CU_ASSERT_EQUAL (chmod (lock, 0444), 0);
  CU_ASSERT_EQUAL (chmod (sub, 0555), 0);
  CU_ASSERT_EQUAL (without_rights (create_there, other), 0);
  CU_ASSERT_EQUAL (without_rights (read_there, path), 0);
  CU_ASSERT_EQUAL (without_rights (write_there, path), 0);
  CU_ASSERT_EQUAL (chmod (sub, 0755), 0);
}

static void
limit_files (rlim_t bytes)
{
  struct rlimit limit;

  getrlimit (RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
  setrlimit (RLIMIT_FSIZE, &limit);
}

/* A disk that is full, at every size: the commit fails or stands as a whole,
 * and the journal can be read and written again afterwards. */
static void
test_full_disk (void)
{
  int failures = 0;

  signal (SIGXFSZ, SIG_IGN);
  for (rlim_t room = 0; room <= 40960; room += 2048) {
    CLEANUP_FREE char *path = fresh_path ();
    CLEANUP_JOURNAL struct journal *journal = create (path);
    CLEANUP_FREE char *wal = xasprintf ("%s-wal", path);
    CLEANUP_ERR struct err *err = NULL;
    struct stat st = {0};
    int jobs, r;

    journal_begin (journal);
    put (journal, 1, "mark", "a");
    CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
    stat (wal, &st);
    limit_files ((rlim_t)st.st_size + room);
    journal_begin (journal);
    for (int i = 2; i <= 100; i++)
      put (journal, i, "mark", "a name that is long enough to fill pages");
    r = journal_commit (journal, &err);
    limit_files (RLIM_INFINITY);
    failures += r == -1;
    CU_ASSERT_EQUAL (r == -1, err != NULL);
    /* A limit on file size is no ENOSPC: SQLite calls it an I/O error. */
    if (err)
      CU_ASSERT (err->code == ERR_NO_SPACE || err->code == ERR_IO);
    jobs = count_jobs (journal);
    CU_ASSERT_EQUAL (jobs, r == -1 ? 1 : 100);
    journal_begin (journal);
    put (journal, 200, "mark", "later");
    CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
    journal_close (TAKE (journal));
    journal = journal_open (path, JOURNAL_WRITE, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
    CU_ASSERT_EQUAL (count_jobs (journal), jobs + 1);
  }
  CU_ASSERT (failures > 3);
}

/* What can't be made leaves nothing behind that looks like a campaign. */
static void
test_creation_on_a_full_disk (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_FREE char *lock = xasprintf ("%s.lock", path);
  CLEANUP_FREE char *wal = xasprintf ("%s-wal", path);
  CLEANUP_JSON json_t *data = campaign ();
  CLEANUP_ERR struct err *err = NULL;

  signal (SIGXFSZ, SIG_IGN);
  limit_files (4096);
  CU_ASSERT_PTR_NULL (journal_create (path, data, &err));
  limit_files (RLIM_INFINITY);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_EQUAL (err->code, ERR_NO_SPACE);
  CU_ASSERT_EQUAL (access (path, F_OK), -1);
  CU_ASSERT_EQUAL (access (lock, F_OK), -1);
  CU_ASSERT_EQUAL (access (wal, F_OK), -1);
}

/* --- readers of a journal that is being written -----------------------------
 */

/* Jobs that another program sees: a child would share what SQLite knows of the
 * parent's locks. */
static int
count_elsewhere (const char *path)
{
  int status = -1;
  pid_t pid = fork ();

  if (pid == 0) {
    execl ("/proc/self/exe", "count", path, (char *)NULL);
    _exit (99);
  }
  waitpid (pid, &status, 0);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

static int
count_and_tell (const char *path)
{
  CLEANUP_JOURNAL struct journal *journal =
      journal_open (path, JOURNAL_READ, NULL);
  int n = 0;

  if (journal == NULL || journal_each_job (journal, count_row, &n, NULL) == -1)
    return 99;
  return n;
}

/* The last one who closes a database folds its WAL and removes it.  A reader
 * takes itself for the last one if the writer's locks are gone, and they go
 * when the writer closes any descriptor of the file. */
static void
test_a_reader_leaves_the_writer_its_wal (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JOURNAL struct journal *journal = create (path);

  CU_ASSERT_EQUAL (count_elsewhere (path), 0);
  for (int64_t id = 1; id <= 2; id++) {
    journal_begin (journal);
    put (journal, id, "mark", "a");
    CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
    CU_ASSERT_EQUAL (count_elsewhere (path), (int)id);
  }
}

static const struct unit_case cases[] = {
    {"a reader leaves the writer its WAL",
     test_a_reader_leaves_the_writer_its_wal},
    {"folder that can only be read", test_folder_that_can_only_be_read},
    {"full disk", test_full_disk},
    {"creation on a full disk", test_creation_on_a_full_disk},
};

int
main (int argc, char **argv)
{
  if (argc == 2)
    return count_and_tell (argv[1]);
  return journal_fixture_run ("journal-media", cases, ARRAY_SIZE (cases));
}
