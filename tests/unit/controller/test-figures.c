/* How often clouds were called: counted by action, added up over runs, kept in
 * the journal; and a look that asks for less than its step wants is not taken
 * for the one that it wants. */

#include "unit.h"

#include <string.h>

#include <sqlite3.h>

#include <controller/call-tally.h>
#include <controller/engine-internal.h>
#include <controller/step.h>

#include "journal-fixture.h"

static const struct provider cloud = {.name = "cloud",
                                      .ops = {[OP_DESCRIBE] = {"describe",
                                                               "read"}}};
static struct binding binding = {.provider = &cloud,
                                 .account = (char *)"1",
                                 .region = (char *)"r"};

static void
test_actions_of_one_operation_are_told_apart (void)
{
  struct call_tallies tallies = VEC_EMPTY;
  CLEANUP_JSON json_t *report = NULL;

  call_tally_find (&tallies, &binding, OP_DESCRIBE, "Instances")->calls += 2;
  call_tally_find (&tallies, &binding, OP_DESCRIBE, "Volumes")->throttled++;
  call_tally_find (&tallies, &binding, OP_DESCRIBE, "Instances")->calls++;
  call_tally_find (&tallies, &binding, OP_DESCRIBE, NULL)->calls++;
  report = call_tallies_report (&tallies);
  CU_ASSERT_EQUAL (json_array_size (report), 3);
  CU_ASSERT_EQUAL (json_int (json_array_get (report, 0), "calls", 0), 3);
  CU_ASSERT_EQUAL (json_int (json_array_get (report, 1), "throttled", 0), 1);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (report, 2), "action", ""),
                          "describe");
  call_tallies_release (&tallies);
}

static json_t *
figures (int calls, int longest, const char *region)
{
  return json_make ("{s:[{s:s,s:s,s:i}],s:[{s:s,s:i,s:i,s:i}]}", "calls",
                    "action", "Stop", "region", region, "calls", calls,
                    "queues", "class", "stop", "waited_ms", 10 * calls,
                    "longest_ms", longest, "waiting", calls);
}

static void
test_runs_are_added_up (void)
{
  CLEANUP_JSON json_t *sum = json_object ();
  CLEANUP_JSON json_t *one = figures (3, 70, "r"), *two = figures (4, 50, "r");
  CLEANUP_JSON json_t *other = figures (9, 60, "s");
  const json_t *calls, *queue;

  figures_add (sum, one);
  figures_add (sum, two);
  figures_add (sum, other);
  calls = json_at (sum, "calls");
  CU_ASSERT_EQUAL (json_array_size (calls), 2);
  CU_ASSERT_EQUAL (json_int (json_array_get (calls, 0), "calls", 0), 7);
  CU_ASSERT_EQUAL (json_int (json_array_get (calls, 1), "calls", 0), 9);
  queue = json_array_get (json_at (sum, "queues"), 0);
  CU_ASSERT_EQUAL (json_int (queue, "waited_ms", 0), 160);
  CU_ASSERT_EQUAL (json_int (queue, "longest_ms", 0), 70);
  CU_ASSERT_EQUAL (json_int (queue, "waiting", 0), 9);
  /* What was added is a copy. */
  CU_ASSERT_EQUAL (json_int (json_array_get (json_at (one, "calls"), 0),
                             "calls", 0),
                   3);
}

static json_t *
kept (const char *path)
{
  CLEANUP_JOURNAL struct journal *journal =
      journal_open (path, JOURNAL_READ, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
  return journal_figures (journal, NULL);
}

static void
test_journal_keeps_the_last (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JSON json_t *one = figures (3, 70, "r"), *two = figures (4, 50, "r");
  CLEANUP_JSON json_t *none = NULL, *last = NULL;
  struct journal *journal = create (path);

  none = journal_figures (journal, NULL);
  CU_ASSERT_EQUAL (json_object_size (none), 0);
  for (int i = 0; i < 2; i++) {
    journal_begin (journal);
    journal_set_figures (journal, i ? two : one);
    CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  }
  journal_close (journal);
  last = kept (path);
  CU_ASSERT_TRUE (json_equal (last, two));
}

static void
drop_table (const char *path)
{
  sqlite3 *db = NULL;

  CU_ASSERT_EQUAL (sqlite3_open (path, &db), SQLITE_OK);
  CU_ASSERT_EQUAL (sqlite3_exec (db, "DROP TABLE figures", NULL, NULL, NULL),
                   SQLITE_OK);
  sqlite3_close (db);
}

static void
test_older_journals_have_none_and_get_them (void)
{
  CLEANUP_FREE char *path = fresh_path ();
  CLEANUP_JSON json_t *one = figures (3, 70, "r");
  CLEANUP_JSON json_t *none = NULL, *last = NULL;
  struct journal *journal;

  journal_close (create (path));
  drop_table (path);
  none = kept (path);
  CU_ASSERT_PTR_NOT_NULL_FATAL (none);
  CU_ASSERT_EQUAL (json_object_size (none), 0);
  journal = journal_open (path, JOURNAL_WRITE, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (journal);
  journal_begin (journal);
  journal_set_figures (journal, one);
  CU_ASSERT_EQUAL (journal_commit (journal, NULL), 0);
  journal_close (journal);
  last = kept (path);
  CU_ASSERT_TRUE (json_equal (last, one));
}

static void
test_a_brief_look_of_this_millisecond_is_not_enough (void)
{
  CLEANUP_JSON json_t *vm =
      json_make ("{s:s,s:s}", "provider", "cloud", "id", "i-1");
  CLEANUP_JOB struct job *job =
      job_new (1, vm, &binding, strategy_by_name ("move"), NULL);

  job->step = step_by_name ("compare");
  job->phase = PHASE_LOOK;
  job->need_after_ms = job->now_at_ms = 1000;
  job->now_depth = DEPTH_BRIEF;
  CU_ASSERT_FALSE (job_sees (job, OP_DESCRIBE));
  job->now_depth = DEPTH_WHOLE;
  CU_ASSERT_TRUE (job_sees (job, OP_DESCRIBE));
  job->step = step_by_name ("unmark");
  job->now_depth = DEPTH_BRIEF;
  CU_ASSERT_TRUE (job_sees (job, OP_DESCRIBE));
}

static const struct unit_case cases[] = {
    {"actions of one operation are told apart",
     test_actions_of_one_operation_are_told_apart},
    {"runs are added up", test_runs_are_added_up},
    {"a journal keeps the last", test_journal_keeps_the_last},
    {"older journals have none and get them",
     test_older_journals_have_none_and_get_them},
    {"a brief look of this millisecond is not enough",
     test_a_brief_look_of_this_millisecond_is_not_enough},
};

int
main (void)
{
  return journal_fixture_run ("figures", cases, ARRAY_SIZE (cases));
}
