/* Jobs as rows, policies within bounds, plans that can't be edited. */

#include "unit.h"

#include <string.h>

#include <controller/job.h>
#include <controller/plan.h>
#include <controller/policy.h>
#include <controller/step.h>

static const struct provider provider = {.name = "plain"};
static struct binding binding = {.provider = &provider};

static json_t *
make_vm (const char *power)
{
  return json_make ("{s:s,s:s,s:s,s:s,s:{s:s,s:I},s:{s:i}}", "provider",
                    "plain", "id", "i-1", "name", "web", "power", power,
                    "os_disk", "id", "d-1", "size_bytes", (json_int_t)1 << 40,
                    "attributes", "cpus", 2);
}

/* --- policy
 * -------------------------------------------------------------------- */

static void
test_policy_has_the_defaults_it_names (void)
{
  CLEANUP_JSON json_t *campaign = json_make ("{s:s}", "id", "c");
  CLEANUP_JSON json_t *defaults = policy_defaults ();
  struct policy *policy = policy_new (campaign, NULL, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (policy);
  CU_ASSERT_EQUAL (policy->max_in_flight,
                   json_int (defaults, "max_in_flight", -1));
  CU_ASSERT_EQUAL (policy->poll_ms, json_int (defaults, "poll_ms", -1));
  CU_ASSERT_STRING_EQUAL (policy->isolation, "shared");
  CU_ASSERT_FALSE (policy->take_over);
  policy_free (policy);
}

static void
test_policy_bounds (void)
{
  static const struct {
    const char *policy, *error; /* error NULL: fine */
  } cases[] = {
      {"{\"max_in_flight\": 1}", NULL},
      {"{\"max_in_flight\": 0}", "max_in_flight: 0 is not between"},
      {"{\"max_in_flight\": 10001}", "max_in_flight"},
      {"{\"max_in_flight\": -5}", "max_in_flight"},
      {"{\"shutdown_ms\": 0}", NULL},
      {"{\"shutdown_ms\": -1}", "shutdown_ms"},
      {"{\"repair_ms\": 999}", "repair_ms"},
      {"{\"repair_ms\": 86400001}", "repair_ms"},
      {"{\"poll_ms\": 9223372036854775807}", "poll_ms"},
      {"{\"poll_ms\": \"100\"}", "poll_ms"},
      {"{\"poll_ms\": null}", "poll_ms"},
      {"{\"health\": \"vibes\"}", "health"},
      {"{\"isolation\": \"none\"}", "isolation"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *campaign =
        json_make ("{s:s,s:o}", "id", "c", "policy",
                   json_parse (cases[i].policy, strlen (cases[i].policy),
                               "case", NULL));
    CLEANUP_ERR struct err *err = NULL;
    struct policy *policy = policy_new (campaign, NULL, &err);

    CU_ASSERT_EQUAL (policy == NULL, cases[i].error != NULL);
    if (cases[i].error) {
      CU_ASSERT_PTR_NOT_NULL_FATAL (err);
      CU_ASSERT_EQUAL (err->code, ERR_USAGE);
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].error));
    }
    policy_free (policy);
  }
}

/* --- jobs
 * ---------------------------------------------------------------------- */

static void
test_job_comes_back_from_its_row (void)
{
  CLEANUP_JSON json_t *vm = make_vm ("running");
  CLEANUP_JOB struct job *job = job_new (3, vm, &binding, strategies[0], NULL);
  CLEANUP_JOB struct job *again =
      job_new (3, vm, &binding, strategies[0], NULL);
  struct job_row row;

  job->step = step_by_name ("stop");
  job->phase = PHASE_ACT;
  job->attempt = 4;
  job->wave = 2;
  job->back = true;
  job->before = json_deep_copy (vm);
  job_set_reason (job, "it %s", "was so");
  job_undo_push (job, "mark");
  job_undo_push (job, "stop");
  job_note (job, "bad \xff bytes");
  row = job_to_row (job);
  CU_ASSERT_EQUAL (job_from_row (again, &row, NULL), 0);
  CU_ASSERT_PTR_EQUAL (again->step, job->step);
  CU_ASSERT (again->back);
  CU_ASSERT_EQUAL (again->wave, 2);
  CU_ASSERT_STRING_EQUAL (again->reason, "it was so");
  CU_ASSERT_STRING_EQUAL (job_undo_top (again), "stop");
  CU_ASSERT (json_equal (again->before, vm));
  CU_ASSERT (json_equal (again->facts, job->facts));
  /* Whatever was on its way is unknown: it enters its step again. */
  CU_ASSERT_EQUAL (again->phase, PHASE_ENTER);
  CU_ASSERT_EQUAL (again->attempt, 0);
  CU_ASSERT (again->now_at_ms < 0);
}

static void
test_rows_that_make_no_sense (void)
{
  CLEANUP_JSON json_t *vm = make_vm ("running"), *facts = json_object ();
  CLEANUP_JSON json_t *good = json_make ("{s:[]}", "undo");
  const struct job_row rows[] = {
      {.name = "a", .direction = "forward", .outcome = "bliss", .facts = good},
      {.name = "a", .direction = "forward", .step = "sing", .facts = good},
      {.name = "a", .direction = "forward", .phase = "waiting", .facts = facts},
      {.name = "a", .direction = "forward", .phase = "act", .facts = good},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_JOB struct job *job =
        job_new (1, vm, &binding, strategies[0], NULL);
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (job_from_row (job, &rows[i], &err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
  }
}

static void
test_every_step_can_be_found_and_undone (void)
{
  for (size_t s = 0; strategies[s]; s++)
    for (size_t i = 0; strategies[s]->steps[i]; i++) {
      const struct step *step = step_by_name (strategies[s]->steps[i]);

      CU_ASSERT_PTR_NOT_NULL_FATAL (step);
      CU_ASSERT (step->limit != 0);
      CU_ASSERT_PTR_NOT_NULL (step->doing);
      CU_ASSERT (step->undo == NULL || step_by_name (step->undo));
    }
  for (int i = 0; i < OUT_COUNT; i++)
    CU_ASSERT_EQUAL (outcome_from_name (outcome_name ((enum outcome)i)), i);
  CU_ASSERT_EQUAL (outcome_from_name ("success"), -1);
}

/* --- plans
 * --------------------------------------------------------------------- */

static json_t *
make_plan (void)
{
  json_t *plan =
      json_make ("{s:i,s:s,s:{s:[s]},s:[{s:s}]}", "bootmend", 1, "kind", "plan",
                 "request", "selection", "x:y", "vms", "decision", "repair");

  plan_seal (plan);
  return plan;
}

static void
test_plan_holds_as_it_was_made (void)
{
  CLEANUP_JSON json_t *plan = make_plan ();
  CLEANUP_FREE char *text = json_text_pretty (plan);
  CLEANUP_JSON json_t *read = json_parse (text, strlen (text), "plan", NULL);

  CU_ASSERT_EQUAL (plan_verify (plan, NULL), 0);
  CU_ASSERT_EQUAL (plan_verify (read, NULL), 0);
}

static void
expect_bad (const json_t *plan, const char *text)
{
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_EQUAL (plan_verify (plan, &err), -1);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_EQUAL (err->code, ERR_INPUT);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, text));
}

static void
test_plan_that_was_changed (void)
{
  CLEANUP_JSON json_t *plan = make_plan (), *list = json_array ();
  CLEANUP_JSON json_t *newer = make_plan (), *bare = make_plan ();
  CLEANUP_JSON json_t *other = make_plan (), *waves = make_plan ();

  json_put_str (json_array_get (json_at (plan, "vms"), 0), "decision", "skip");
  expect_bad (plan, "changed after it was made");
  json_put_str (plan, "sha256", NULL);
  expect_bad (plan, "changed after it was made");
  json_put_int (newer, "bootmend", 2);
  expect_bad (newer, "version 2");
  json_put_str (other, "version", "0.0.1");
  expect_bad (other, "made by bootmend 0.0.1, and this is");
  json_put_int (json_array_get (json_at (waves, "vms"), 0), "wave", 0);
  plan_seal (waves);
  expect_bad (waves, "wave 0");
  expect_bad (list, "no plan");
  json_put (bare, "request", NULL);
  plan_seal (bare);
  expect_bad (bare, "request");
}

static void
test_difference_from_the_plan (void)
{
  CLEANUP_JSON json_t *planned = make_vm ("running");
  CLEANUP_JSON json_t *same = make_vm ("running");
  CLEANUP_JSON json_t *stopped = make_vm ("stopped");
  CLEANUP_JSON json_t *bigger = make_vm ("running");
  CLEANUP_JSON json_t *bare = make_vm ("running");
  CLEANUP_FREE char *power = NULL, *size = NULL, *disk = NULL;

  json_put_int (json_at (bigger, "os_disk"), "size_bytes", 5);
  json_put (bare, "os_disk", NULL);
  CU_ASSERT_PTR_NULL (plan_difference (planned, same, false));
  power = plan_difference (planned, stopped, false);
  CU_ASSERT_STRING_EQUAL (power, "power was 'running' and is 'stopped'");
  size = plan_difference (planned, bigger, false);
  CU_ASSERT_PTR_NOT_NULL_FATAL (size);
  CU_ASSERT_PTR_NOT_NULL (strstr (size, "os_disk.size_bytes was"));
  CU_ASSERT_PTR_NULL (plan_difference (planned, bigger, true));
  disk = plan_difference (planned, bare, true);
  CU_ASSERT_PTR_NOT_NULL_FATAL (disk);
  CU_ASSERT_STRING_EQUAL (disk, "its OS disk is not attached any more");
}

static const struct unit_case cases[] = {
    {"policy has the defaults it names", test_policy_has_the_defaults_it_names},
    {"policy bounds", test_policy_bounds},
    {"job comes back from its row", test_job_comes_back_from_its_row},
    {"rows that make no sense", test_rows_that_make_no_sense},
    {"every step can be found and undone",
     test_every_step_can_be_found_and_undone},
    {"plan holds as it was made", test_plan_holds_as_it_was_made},
    {"plan that was changed", test_plan_that_was_changed},
    {"difference from the plan", test_difference_from_the_plan},
};
UNIT_MAIN ("plan", cases)
