/* Steps asked directly: what they see in a VM's record. */

#include "unit.h"

#include <string.h>

#include <controller/job.h>
#include <controller/policy.h>
#include <controller/step.h>

static const struct provider provider = {
    .name = "plain",
    .caps = CAP_MOVE | CAP_SWAP,
    .ops = {[OP_START] = {.name = "start", .max_ids = 1, .changes = true}},
};
static struct binding binding = {.provider = &provider};

static json_t *
make_vm (const char *power, const char *reason)
{
  json_t *vm = json_make ("{s:s,s:s,s:s,s:s,s:{s:s,s:{s:s}}}", "provider",
                          "plain", "id", "i-1", "name", "web", "power", power,
                          "os_disk", "id", "d-1", "attributes", "device", "a");

  json_put_str (vm, "power_reason", reason);
  return vm;
}

/* A start that "succeeds" and falls back to stopped. */
static void
test_start_falls_back (void)
{
  static const struct {
    int64_t attempt;
    const char *power, *reason;
    enum verdict verdict;
  } cases[] = {
      {1, "running", NULL, VERDICT_YES},
      {1, "starting", NULL, VERDICT_NO},
      {1, "stopped", "User: asked", VERDICT_NO}, /* not yet */
      {1, "stopped", "Client.InternalError: key", VERDICT_NO},
      {2, "stopped", "User: asked", VERDICT_NO},
      {2, "stopped", NULL, VERDICT_NO},
      {2, "stopped", "Client.InternalError: key", VERDICT_FAIL},
      {2, "running", "Client.InternalError: key", VERDICT_YES},
  };
  CLEANUP_JSON json_t *campaign = json_make ("{s:s}", "id", "c");
  struct policy *policy = policy_new (campaign, NULL, NULL);

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *before = make_vm ("stopped", "User: asked");
    CLEANUP_JOB struct job *job =
        job_new (1, before, &binding, strategy_by_name ("move"), policy);
    struct effect effect = {.id = 1};
    struct err *err = NULL;

    job->step = step_by_name ("start");
    job->attempt = 1;
    CU_ASSERT_EQUAL (job->step->act (job, &effect, &err), 0);
    effect_release (&effect);
    json_decref (job->now);
    job->now = make_vm (cases[i].power, cases[i].reason);
    job->attempt = cases[i].attempt;
    job->acted_ms = 1000;
    job->now_at_ms = 2000;
    CU_ASSERT_EQUAL (job->step->seen (job, &err), cases[i].verdict);
    CU_ASSERT_EQUAL (err != NULL, cases[i].verdict == VERDICT_FAIL);
    if (err)
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "Client.InternalError: key"));
    err_free (err);
  }
  policy_free (policy);
}

/* Each step of each strategy exists, and so does the one that undoes it. */
static void
test_strategies_are_whole (void)
{
  for (size_t i = 0; strategies[i]; i++)
    for (size_t j = 0; strategies[i]->steps[j]; j++) {
      const struct step *step = step_by_name (strategies[i]->steps[j]);

      CU_ASSERT_PTR_NOT_NULL_FATAL (step);
      CU_ASSERT_PTR_NOT_NULL (step->doing);
      CU_ASSERT_TRUE (step->limit > 0);
      if (step->undo)
        CU_ASSERT_PTR_NOT_NULL (step_by_name (step->undo));
      if (step->closes)
        CU_ASSERT_PTR_NOT_NULL (step_by_name (step->closes));
    }
}

/* What is expected of a VM changes with what stands, and with nothing else. */
static void
test_expected_disk (void)
{
  static const struct {
    const char *undo, *id;
  } cases[] = {{"mark", "d-1"},
               {"swap-out", "d-1"},
               {"swap-in", "d-2"},
               {"swap", "d-2"}};
  CLEANUP_JSON json_t *campaign = json_make ("{s:s}", "id", "c");
  struct policy *policy = policy_new (campaign, NULL, NULL);

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *vm = make_vm ("stopped", NULL), *expected = NULL;
    CLEANUP_JOB struct job *job =
        job_new (1, vm, &binding, strategy_by_name ("swap"), policy);

    job->before = json_deep_copy (vm);
    job_set_fact (job, "work_disk", json_make ("{s:s}", "id", "d-2"));
    job_undo_push (job, cases[i].undo);
    expected = job_expected (job);
    CU_ASSERT_STRING_EQUAL (json_str (expected, "os_disk.id", ""), cases[i].id);
    CU_ASSERT_EQUAL (job_kept (job) != NULL, strcmp (cases[i].id, "d-2") == 0);
    CU_ASSERT_FALSE (job_is_released (job));
    job_set_fact (job, "released", json_make ("[s]", "d-1"));
    CU_ASSERT_EQUAL (job_is_released (job), job_kept (job) != NULL);
  }
  policy_free (policy);
}

static const struct unit_case cases[] = {
    {"a start that falls back is a failure with its reason",
     test_start_falls_back},
    {"strategies are whole", test_strategies_are_whole},
    {"the disk that is expected", test_expected_disk},
};
UNIT_MAIN ("steps", cases)
