/* Who goes into the next appliance, and when. */

#include "unit.h"

#include <string.h>

#include <repair-agent/gather.h>

/* A queue as text: one word for each job, "a" = domain a; "a!" wants to be
 * alone, "a*" runs already, "a." has ended, its appliance has not, "a=3" works
 * on disk 3, "a@50" arrived at 50 ms. */
static void
queue (struct job_vec *jobs, const char *text)
{
  for (int i = 0; *text; i++) {
    struct job *job = xcalloc (1, sizeof *job);
    size_t len = strcspn (text, " ");
    CLEANUP_FREE char *word = xstrndup (text, len);
    const char *at = strchr (word, '@'), *disk = strchr (word, '=');

    job->id = xasprintf ("%d", i);
    job->domain = xstrndup (word, 1);
    job->alone = strchr (word, '!') != NULL;
    job->state = strchr (word, '*')   ? JOB_RUNNING
                 : strchr (word, '.') ? JOB_ENDED
                                      : JOB_WAITING;
    job->where =
        disk ? xasprintf ("%d", atoi (disk + 1)) : xasprintf ("disk %d", i);
    job->arrived_ms = at ? atoi (at + 1) : 0;
    job_vec_push (jobs, job);
    text += len;
    text += *text == ' ';
  }
}

/* Ids of those that are picked, "0 2"; "" and the time to wait for none. */
static void
expect (const char *text, const struct gather_rules *rules, int64_t now_ms,
        const char *want, int64_t want_wait_ms)
{
  struct job_vec jobs = VEC_EMPTY, picked = VEC_EMPTY;
  char got[200] = "";
  int64_t wait_ms = 0;

  queue (&jobs, text);
  gather (&jobs, rules, now_ms, &picked, &wait_ms);
  for (size_t i = 0; i < picked.len; i++) {
    strcat (got, i ? " " : "");
    strcat (got, picked.ptr[i]->id);
  }
  if (strcmp (got, want) != 0)
    printf ("\n    \"%s\": wanted \"%s\", got \"%s\"\n", text, want, got);
  CU_ASSERT_STRING_EQUAL (got, want);
  if (picked.len == 0)
    CU_ASSERT_EQUAL (wait_ms, want_wait_ms);
  for (size_t i = 0; i < jobs.len; i++)
    job_free (jobs.ptr[i]);
  job_vec_release (&jobs);
  job_vec_release (&picked);
}

static const struct gather_rules plain = {.batch = 4,
                                          .share = 2,
                                          .idle_slots = 1,
                                          .quiet_ms = 100,
                                          .longest_ms = 300};

static void
test_who (void)
{
  static const struct {
    const char *queue, *picked;
  } rows[] = {
      {"", ""},
      {"a", "0"},
      {"a a a", "0 1 2"},
      {"a a a a a", "0 1 2 3"},
      {"a b a b", "0 2"},
      {"a* b a", "1"},
      {"a! a a", "0"},
      {"a a! a", "0 2"},
      {"a=1 a=1 a", "0 2"},     /* the same disk: one after the other */
      {"a=1* a=1 a", "2"},      /* that disk is in work */
      {"a=1* a=1", ""},         /* nothing else to do */
      {"a=1. a=1 a", "2"},      /* an appliance still closes on it */
      {"a=1 b=1 b", "0"},       /* also across domains */
      {"a=1* b=1! b=1 b", "3"}, /* and for those who want to be alone */
  };

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    expect (rows[i].queue, &plain, 1000, rows[i].picked, -1);
}

static void
test_when (void)
{
  expect ("a@0", &plain, 0, "", 100);
  expect ("a@0", &plain, 99, "", 1);
  expect ("a@0", &plain, 100, "0", 0);
  expect ("a@0 a@90", &plain, 100, "", 90);
  expect ("a@0 a@90", &plain, 190, "0 1", 0);
  /* A drizzle does not hold up the first one for ever. */
  expect ("a@0 a@150 a@290", &plain, 295, "", 5);
  expect ("a@0 a@150 a@290", &plain, 300, "0 1 2", 0);
  /* Full: nothing to wait for. */
  expect ("a@0 a@0 a@0 a@0", &plain, 0, "0 1 2 3", 0);
  /* Nobody to wait for. */
  expect ("a!@0", &plain, 0, "0", 0);
  /* Another group is ready, or will be first. */
  expect ("a@50 b@0", &plain, 100, "1", 0);
  expect ("b@60 a@50", &plain, 100, "", 50);
}

static void
test_spread_over_idle_slots (void)
{
  struct gather_rules rules = plain;

  rules.batch = 16;
  rules.idle_slots = 2;
  expect ("a a a a a a", &rules, 1000, "0 1 2", 0);
  expect ("a a a", &rules, 1000, "0 1", 0);
  expect ("a a", &rules, 1000, "0 1", 0); /* not worth a start */
  rules.batch = 1;
  expect ("a a a a a a", &rules, 1000, "0", 0);
  /* In the middle of a burst: one full batch would be cut in two, and what
   * comes next would need a third start. */
  rules.batch = 4;
  expect ("a@0 a@0 a@0 a@0 a@0", &rules, 10, "", 90);
  expect ("a@0 a@0 a@0 a@0 a@0 a@0 a@0 a@0", &rules, 10, "0 1 2 3", 0);
}

static const struct unit_case cases[] = {
    {"who", test_who},
    {"when", test_when},
    {"spread over idle slots", test_spread_over_idle_slots},
};
UNIT_MAIN ("gather", cases)
