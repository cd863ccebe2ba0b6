/* What journal.c (opening), journal-write.c and journal-read.c share. */

#ifndef BOOTMEND_JOURNAL_INTERNAL_H
#define BOOTMEND_JOURNAL_INTERNAL_H

#include "journal.h"

#include <sqlite3.h>

enum statement {
  PUT_JOB,
  ADD_STEP,
  ADD_EVENT,
  SET_CAMPAIGN,
  SET_FIGURES,
  ADD_AUDIT,
  STATEMENT_COUNT
};

struct journal {
  sqlite3 *db;
  char *path;
  int lock_fd;
  sqlite3_stmt *statements[STATEMENT_COUNT];
  struct err *pending; /* first error since journal_begin */
  uint64_t commits;
  bool has_audit; /* false: to read, and made before there was one */
  char audit_hash[65], audit_committed[65]; /* of the last entry */
  int (*fault) (void *opaque, uint64_t commit, bool after, struct err **err);
  void *fault_opaque;
};

/* Sets the error of the last call on the database; -1. */
int journal_fail (struct journal *j, struct err **err, const char *what);
/* Rows as an array of objects whose keys are the column names; the column
 * "detail" holds JSON.  ?1 is the parameter. */
json_t *journal_rows (struct journal *j, const char *sql, int64_t parameter,
                      struct err **err) ATTR_USE;

/* audit.c: the jobs that have ended, as they are entered; where the chain
 * stands; and its next entry, whose text is to be stored with audit_hash. */
json_t *journal_outcomes (struct journal *j, struct err **err) ATTR_USE;
int audit_load (struct journal *j, struct err **err) ATTR_USE;
char *audit_next (struct journal *j, const json_t *entry);

/* journal-write.c: one more entry, within begin and commit. */
void journal_add_audit (struct journal *j, const json_t *entry);

int journal_sql (struct journal *j, const char *sql, struct err **err);

#endif
