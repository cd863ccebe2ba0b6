#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/strbuf.h>

#include "journal-internal.h"

#define APPLICATION_ID                                                         \
  0x626d6e64 /* "bmnd": tells a journal from any database */
#define BUSY_MS       5000
#define LOCK_TRIES    5
#define LOCK_PAUSE_US 20000

static const char schema[] = "CREATE TABLE campaign ("
                             "  data TEXT NOT NULL"
                             ");"
                             "CREATE TABLE job ("
                             "  id INTEGER PRIMARY KEY,"
                             "  vm TEXT NOT NULL UNIQUE,"
                             "  name TEXT NOT NULL,"
                             "  wave INTEGER NOT NULL,"
                             "  strategy TEXT NOT NULL,"
                             "  direction TEXT NOT NULL,"
                             "  step TEXT,"
                             "  phase TEXT,"
                             "  attempt INTEGER NOT NULL,"
                             "  outcome TEXT,"
                             "  reason TEXT,"
                             "  before TEXT,"
                             "  facts TEXT NOT NULL,"
                             "  updated TEXT NOT NULL"
                             ");"
                             "CREATE TABLE step ("
                             "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             "  job INTEGER NOT NULL REFERENCES job (id),"
                             "  step TEXT NOT NULL,"
                             "  direction TEXT NOT NULL,"
                             "  state TEXT NOT NULL,"
                             "  attempt INTEGER NOT NULL,"
                             "  at TEXT NOT NULL,"
                             "  detail TEXT"
                             ");"
                             "CREATE INDEX step_of_job ON step (job, id);"
                             "CREATE TABLE event ("
                             "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             "  job INTEGER NOT NULL,"
                             "  kind TEXT NOT NULL,"
                             "  at TEXT NOT NULL,"
                             "  detail TEXT"
                             ");";

/* Journals that were begun before there was one are given it when they are
 * written. */
static const char later_tables[] = "CREATE TABLE IF NOT EXISTS figures ("
                                   "  id INTEGER PRIMARY KEY,"
                                   "  data TEXT NOT NULL"
                                   ");";

/* audit.h says what it is for. */
static const char audit_schema[] =
    "CREATE TABLE audit ("
    "  id INTEGER PRIMARY KEY,"
    "  entry TEXT NOT NULL,"
    "  hash TEXT NOT NULL"
    ");"
    "CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN"
    "  SELECT RAISE (ABORT, 'audit entries are never changed'); END;"
    "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN"
    "  SELECT RAISE (ABORT, 'audit entries are never removed'); END;";

static const char *const statement_sql[STATEMENT_COUNT] = {
    [PUT_JOB] =
        "INSERT INTO job (id, vm, name, wave, strategy, direction, step, phase,"
        " attempt, outcome, reason, before, facts, updated)"
        " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)"
        " ON CONFLICT (id) DO UPDATE SET wave=?4, strategy=?5, direction=?6,"
        " step=?7, phase=?8, attempt=?9, outcome=?10, reason=?11, before=?12,"
        " facts=?13, updated=?14",
    [ADD_STEP] =
        ("INSERT INTO step (job, step, direction, state, attempt, at, detail)"
         " VALUES (?1,?2,?3,?4,?5,?6,?7)"),
    [ADD_EVENT] =
        "INSERT INTO event (job, kind, at, detail) VALUES (?1,?2,?3,?4)",
    [SET_CAMPAIGN] = "UPDATE campaign SET data=?1",
    [SET_FIGURES] = "INSERT INTO figures (id, data) VALUES (1, ?1)"
                    " ON CONFLICT (id) DO UPDATE SET data=?1",
    [ADD_AUDIT] = "INSERT INTO audit (entry, hash) VALUES (?1,?2)",
};

static enum err_code
code_of_sqlite (int rc)
{
  switch (rc & 0xff) {
  case SQLITE_FULL:
  case SQLITE_READONLY:
    return ERR_NO_SPACE;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_SCHEMA:
  case SQLITE_MISMATCH:
    return ERR_INPUT;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return ERR_CONFLICT;
  default:
    return ERR_IO;
  }
}

int
journal_fail (struct journal *j, struct err **err, const char *what)
{
  int rc = sqlite3_extended_errcode (j->db);
  int system_errno = sqlite3_system_errno (j->db);
  enum err_code code = code_of_sqlite (rc);

  if (system_errno == ENOSPC || system_errno == EROFS ||
      system_errno == EDQUOT || system_errno == EFBIG)
    code = ERR_NO_SPACE;
  if (code == ERR_INPUT)
    return err_set (err, code, "%s: damaged, or no bootmend journal: %s",
                    j->path, sqlite3_errmsg (j->db));
  return err_set (err, code, "%s: %s: %s%s%s", j->path, what,
                  sqlite3_errmsg (j->db), system_errno ? ": " : "",
                  system_errno ? strerror (system_errno) : "");
}

int
journal_sql (struct journal *j, const char *sql, struct err **err)
{
  if (sqlite3_exec (j->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    return journal_fail (j, err, "write");
  return 0;
}

static int
query_int (struct journal *j, const char *sql, int64_t *ret, struct err **err)
{
  sqlite3_stmt *st = NULL;
  int rc = sqlite3_prepare_v2 (j->db, sql, -1, &st, NULL);

  if (rc == SQLITE_OK && sqlite3_step (st) == SQLITE_ROW) {
    *ret = sqlite3_column_int64 (st, 0);
    rc = SQLITE_DONE;
  } else
    journal_fail (j, err, "read");
  sqlite3_finalize (st);
  return rc == SQLITE_DONE ? 0 : -1;
}

/* --- opening ------------------------------------------------------------ */

static int
take_lock (struct journal *j, struct err **err)
{
  CLEANUP_FREE char *path = xasprintf ("%s.lock", j->path);

  j->lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (j->lock_fd == -1)
    return err_set_errno (err, errno, "%s", path);
  /* Somebody who asks journal_is_live holds it for a moment. */
  for (int i = 0; i < LOCK_TRIES; i++) {
    if (flock (j->lock_fd, LOCK_EX | LOCK_NB) == 0)
      return 0;
    if (errno != EWOULDBLOCK)
      break;
    usleep (LOCK_PAUSE_US);
  }
  if (errno == EWOULDBLOCK)
    return err_set (err, ERR_CONFLICT,
                    "%s: another bootmend process is working on this campaign",
                    j->path);
  return err_set_errno (err, errno, "%s", path);
}

bool
journal_is_live (const char *path)
{
  CLEANUP_FREE char *lock = xasprintf ("%s.lock", path);
  CLEANUP_CLOSE int fd = open (lock, O_RDONLY | O_CLOEXEC);

  return fd != -1 && flock (fd, LOCK_SH | LOCK_NB) == -1 &&
         errno == EWOULDBLOCK;
}

static int
check_identity (struct journal *j, struct err **err)
{
  int64_t application = 0, version = 0;

  if (query_int (j, "PRAGMA application_id", &application, err) == -1 ||
      query_int (j, "PRAGMA user_version", &version, err) == -1)
    return -1;
  if (application != APPLICATION_ID)
    return err_set (err, ERR_INPUT, "%s: not a bootmend journal", j->path);
  if (version > JOURNAL_SCHEMA)
    return err_set (err, ERR_INPUT,
                    "%s: written by a newer bootmend (journal schema %lld, "
                    "this one knows up to %d): use that version",
                    j->path, (long long)version, JOURNAL_SCHEMA);
  if (version < 1)
    return err_set (err, ERR_INPUT, "%s: journal schema %lld is unknown",
                    j->path, (long long)version);
  j->has_audit = version >= 2;
  return 0;
}

static int
quick_check (struct journal *j, struct err **err)
{
  sqlite3_stmt *st = NULL;
  bool ok = false;

  if (sqlite3_prepare_v2 (j->db, "PRAGMA quick_check(1)", -1, &st, NULL) ==
          SQLITE_OK &&
      sqlite3_step (st) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text (st, 0);

    ok = text && strcmp (text, "ok") == 0;
    if (!ok)
      err_set (err, ERR_INPUT, "%s: damaged: %s", j->path, text ? text : "?");
  } else
    journal_fail (j, err, "check");
  sqlite3_finalize (st);
  return ok ? 0 : -1;
}

static int
prepare_statements (struct journal *j, struct err **err)
{
  for (size_t i = 0; i < STATEMENT_COUNT; i++)
    if (sqlite3_prepare_v3 (j->db, statement_sql[i], -1,
                            SQLITE_PREPARE_PERSISTENT, &j->statements[i],
                            NULL) != SQLITE_OK)
      return journal_fail (j, err, "prepare");
  return 0;
}

static struct journal *
journal_new (const char *path)
{
  struct journal *j = xcalloc (1, sizeof *j);

  j->path = xstrdup (path);
  j->lock_fd = -1;
  return j;
}

void
journal_close (struct journal *j)
{
  if (j == NULL)
    return;
  for (size_t i = 0; i < STATEMENT_COUNT; i++)
    sqlite3_finalize (j->statements[i]);
  sqlite3_close (j->db);
  if (j->lock_fd >= 0)
    close (j->lock_fd);
  err_free (j->pending);
  free (j->path);
  free (j);
}

void
cleanup_journal (struct journal **journal)
{
  journal_close (*journal);
}

/* --- making one ----------------------------------------------------------- */

static int
fill (struct journal *j, const json_t *campaign, struct err **err)
{
  CLEANUP_FREE char *identity =
      xasprintf ("PRAGMA application_id=%d; PRAGMA user_version=%d;",
                 APPLICATION_ID, JOURNAL_SCHEMA);

  if (sqlite3_open_v2 (j->path, &j->db, SQLITE_OPEN_READWRITE, NULL) !=
      SQLITE_OK)
    return journal_fail (j, err, "open");
  sqlite3_busy_timeout (j->db, BUSY_MS);
  if (journal_sql (j, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                   err) == -1 ||
      journal_sql (j, "BEGIN IMMEDIATE", err) == -1 ||
      journal_sql (j, schema, err) == -1 ||
      journal_sql (j, later_tables, err) == -1 ||
      journal_sql (j, audit_schema, err) == -1 ||
      journal_sql (j, identity, err) == -1 ||
      journal_sql (j, "INSERT INTO campaign VALUES ('{}'); COMMIT", err) ==
          -1 ||
      prepare_statements (j, err) == -1)
    return -1;
  journal_begin (j);
  journal_set_campaign (j, campaign);
  if (journal_commit (j, err) == -1)
    return -1;
  j->has_audit = true;
  return audit_load (j, err);
}

static void
remove_files (const char *path)
{
  static const char *const ends[] = {"", "-wal", "-shm", ".lock"};

  for (size_t i = 0; i < ARRAY_SIZE (ends); i++) {
    CLEANUP_FREE char *name = xasprintf ("%s%s", path, ends[i]);

    unlink (name);
  }
}

struct journal *
journal_create (const char *path, const json_t *campaign, struct err **err)
{
  CLEANUP_JOURNAL struct journal *j = journal_new (path);
  /* O_EXCL: two campaigns never share a journal.  Made by us, so that nobody
   * else can read what it will hold. */
  int fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd == -1) {
    err_set_errno (err, errno, "%s", path);
    return NULL;
  }
  /* Now, and never after SQLite has opened it: closing any descriptor of a file
   * drops all of this process's locks on it, and the next reader would take the
   * WAL away. [sqlite.org/howtocorrupt.html, 2.2] */
  close (fd);
  if (take_lock (j, err) == 0 && fill (j, campaign, err) == 0)
    return TAKE (j);
  journal_close (TAKE (j));
  remove_files (path); /* what can't be made leaves nothing behind */
  return NULL;
}

/* --- opening one -----------------------------------------------------------
 */

/* A "file:" name for sqlite3_open_v2 that says: nobody writes here. */
static char *
immutable_uri (const char *path)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "file:");
  for (const char *p = path; *p; p++)
    if (strchr ("?#%", *p))
      strbuf_addf (&sb, "%%%02x", (unsigned char)*p);
    else
      strbuf_addch (&sb, *p);
  strbuf_addstr (&sb, "?immutable=1");
  return strbuf_take (&sb);
}

static bool
has_wal (const struct journal *j)
{
  CLEANUP_FREE char *wal = xasprintf ("%s-wal", j->path);
  struct stat st;

  return stat (wal, &st) == 0 && st.st_size > 0;
}

/* A folder that can't be written (a copy on read-only media) has no room for
 * the files that readers share. */
static int
open_immutable (struct journal *j, struct err **err)
{
  CLEANUP_FREE char *uri = immutable_uri (j->path);

  if (has_wal (j))
    return err_set (err, ERR_NO_SPACE,
                    "%s: its folder can't be written, and its newest changes "
                    "are still in %s-wal: copy both to a folder that can",
                    j->path, j->path);
  sqlite3_close (TAKE (j->db));
  if (sqlite3_open_v2 (uri, &j->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                       NULL) != SQLITE_OK)
    return journal_fail (j, err, "open");
  return check_identity (j, err);
}

static bool
needs_immutable (const struct err *err)
{
  return err->code == ERR_NO_SPACE || err->code == ERR_IO;
}

static int
open_to_read (struct journal *j, struct err **err)
{
  CLEANUP_ERR struct err *failed = NULL;

  /* A reader too opens read-write: the WAL of a crashed writer has to be
   * recovered, and readers of a WAL database share its -shm file. */
  sqlite3_open_v2 (j->path, &j->db, SQLITE_OPEN_READWRITE, NULL);
  sqlite3_busy_timeout (j->db, BUSY_MS);
  if (check_identity (j, &failed) == 0)
    return 0;
  if (!needs_immutable (failed))
    return err_move (err, TAKE (failed));
  return open_immutable (j, err);
}

/* A journal of schema 1 gets its chain now: what was there before is only
 * counted. */
static int
add_audit_table (struct journal *j, struct err **err)
{
  if (journal_sql (j, "BEGIN IMMEDIATE", err) == -1 ||
      journal_sql (j, audit_schema, err) == -1 ||
      journal_sql (j, "PRAGMA user_version=2; COMMIT", err) == -1)
    return -1;
  j->has_audit = true;
  return 0;
}

static int
begin_chain (struct journal *j, struct err **err)
{
  CLEANUP_JSON json_t *rows =
      journal_rows (j,
                    "SELECT (SELECT count (*) FROM step) AS step,"
                    " (SELECT count (*) FROM event) AS event WHERE ?1 = 0",
                    0, err);
  CLEANUP_JSON json_t *ended = rows ? journal_outcomes (j, err) : NULL;
  CLEANUP_JSON json_t *entry = NULL;

  if (ended == NULL)
    return -1;
  entry = json_make ("{s:s,s:O,s:O}", "table", "audit", "before",
                     json_array_get (rows, 0), "ended", ended);
  journal_begin (j);
  journal_add_audit (j, entry);
  return journal_commit (j, err);
}

static int
open_to_write (struct journal *j, struct err **err)
{
  bool made_anew;

  if (take_lock (j, err) == -1)
    return -1;
  if (sqlite3_open_v2 (j->path, &j->db, SQLITE_OPEN_READWRITE, NULL) !=
      SQLITE_OK)
    return journal_fail (j, err, "open");
  sqlite3_busy_timeout (j->db, BUSY_MS);
  if (check_identity (j, err) == -1)
    return -1;
  made_anew = !j->has_audit;
  if (sqlite3_db_readonly (j->db, "main") == 1)
    return err_set (err, ERR_NO_SPACE, "%s: can't be written (read-only)",
                    j->path);
  if (journal_sql (j, "PRAGMA synchronous=FULL", err) == -1 ||
      journal_sql (j, later_tables, err) == -1 ||
      (!j->has_audit && add_audit_table (j, err) == -1) ||
      prepare_statements (j, err) == -1 || audit_load (j, err) == -1)
    return -1;
  return made_anew ? begin_chain (j, err) : 0;
}

struct journal *
journal_open (const char *path, enum journal_mode mode, struct err **err)
{
  CLEANUP_JOURNAL struct journal *j = journal_new (path);
  struct stat st;

  if (stat (path, &st) == -1) {
    err_set_errno (err, errno, "%s", path);
    return NULL;
  }
  if (st.st_size == 0 && !has_wal (j)) {
    err_set (err, ERR_INPUT, "%s: an empty file, no bootmend journal", path);
    return NULL;
  }
  if ((mode == JOURNAL_WRITE ? open_to_write : open_to_read) (j, err) == -1 ||
      quick_check (j, err) == -1)
    return NULL;
  return TAKE (j);
}
