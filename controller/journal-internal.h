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
  STATEMENT_COUNT
};

struct journal {
  sqlite3 *db;
  char *path;
  int lock_fd;
  sqlite3_stmt *statements[STATEMENT_COUNT];
  struct err *pending; /* first error since journal_begin */
  uint64_t commits;
  int (*fault) (void *opaque, uint64_t commit, bool after, struct err **err);
  void *fault_opaque;
};

/* Sets the error of the last call on the database; -1. */
int journal_fail (struct journal *j, struct err **err, const char *what);
int journal_sql (struct journal *j, const char *sql, struct err **err);

#endif
