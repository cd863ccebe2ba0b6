/* Journals in a folder of their own, for the tests of journals. */

#ifndef BOOTMEND_JOURNAL_FIXTURE_H
#define BOOTMEND_JOURNAL_FIXTURE_H

#include "unit.h"

#include <stdio.h>

#include <base/files.h>
#include <controller/journal.h>

static char folder[64];

static inline char *
fresh_path (void)
{
  static int n;

  return xasprintf ("%s/%d.db", folder, ++n);
}

static inline json_t *
campaign (void)
{
  return json_make ("{s:s,s:[i,i]}", "id", "c\xc3\xa4mp", "list", 1, 2);
}

static inline struct journal *
create (const char *path)
{
  CLEANUP_JSON json_t *data = campaign ();
  CLEANUP_ERR struct err *err = NULL;
  struct journal *journal = journal_create (path, data, &err);

  if (journal == NULL)
    printf ("%s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
  return journal;
}

static inline void
put (struct journal *journal, int64_t id, const char *step, const char *name)
{
  CLEANUP_JSON json_t *facts = json_make ("{s:[s]}", "undo", "mark");
  CLEANUP_FREE char *vm = xasprintf ("vm-%lld", (long long)id);
  struct job_row row = {.id = id,
                        .vm = vm,
                        .name = name,
                        .wave = 2,
                        .strategy = "move",
                        .direction = "forward",
                        .step = step,
                        .phase = "act",
                        .attempt = 3,
                        .facts = facts};

  journal_put_job (journal, &row, 1721362140000);
}

static inline int
count_row (void *opaque, const struct job_row *row, struct err **err)
{
  (void)row;
  (void)err;
  ++*(int *)opaque;
  return 0;
}

static inline int
count_jobs (struct journal *journal)
{
  int n = 0;

  CU_ASSERT_EQUAL (journal_each_job (journal, count_row, &n, NULL), 0);
  return n;
}

static inline int
journal_fixture_run (const char *name, const struct unit_case *cases, size_t n)
{
  int r;

  snprintf (folder, sizeof folder, "/tmp/bootmend-journal-XXXXXX");
  if (mkdtemp (folder) == NULL)
    return 1;
  r = unit_run (name, cases, n);
  return folder_remove (folder, NULL) == -1 ? 1 : r;
}

#endif
