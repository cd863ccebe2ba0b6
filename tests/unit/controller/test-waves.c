/* Waves, budgets and groups: the words, and who may be begun when. */

#include "unit.h"

#include <string.h>

#include <base/strbuf.h>
#include <controller/admission.h>
#include <controller/campaign-control.h>
#include <controller/engine.h>
#include <controller/step.h>
#include <controller/wave-assign.h>

/* --- the words --------------------------------------------------------------
 */

static void
test_policy_words (void)
{
  static const struct {
    const char *policy, *error; /* NULL: fine */
  } cases[] = {
      {"{}", NULL},
      {"{\"canary\": 1}", NULL},
      {"{\"wave\": \"5,20,25%,rest\"}", NULL},
      {"{\"wave\": \"10%\"}", NULL},
      {"{\"wave\": \"50%,50%\"}", NULL},
      {"{\"wave\": \"60%,50%\"}", "the waves take 110 %"},
      {"{\"wave\": \"101%\"}", "more than 100 %"},
      {"{\"wave\": \"rest,5\"}", "nothing can come after 'rest'"},
      {"{\"wave\": \"0\"}", "a wave without a VM"},
      {"{\"wave\": \"0%\"}", "a wave without a VM"},
      {"{\"wave\": \"5,,5\"}", "wave: '' is neither"},
      {"{\"wave\": \"5,\"}", "ends with a comma"},
      {"{\"wave\": \"-5\"}", "neither a number"},
      {"{\"wave\": \"5.5%\"}", "neither a number"},
      {"{\"wave\": \"99999999\"}", "neither a number"},
      {"{\"wave\": \"5000000\"}", "more than 1000000"},
      {"{\"canary\": -1}", "canary"},
      {"{\"max_failures\": \"3\"}", NULL},
      {"{\"max_failures\": 3}", NULL},
      {"{\"max_failures\": \"100%\"}", NULL},
      {"{\"max_failures\": \"101%\"}", "max_failures: '101%' is more than 100"},
      {"{\"max_failures\": \"many\"}", "max_failures: 'many' is neither"},
      {"{\"wave_failures\": \"200%\"}", "wave_failures"},
      {"{\"on_halt\": \"drain\"}", NULL},
      {"{\"on_halt\": \"panic\"}", "neither finish nor drain"},
      {"{\"group_max\": 2}", "--group-by"},
      {"{\"group_by\": \"role\", \"group_max\": 2}", NULL},
      {"{\"group_by\": \"role\", \"group_max\": 0}", "group_max"},
      {"{\"group_by\": \"\"}", "no tag is named"},
      {"{\"wave\": \"5\", \"health\": \"none\"}", "--approve"},
      {"{\"approve\": true, \"approve_command\": \"decide\"}", "not both"},
      {"{\"wave\": \"5\", \"health\": \"none\", \"approve\": true}", NULL},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *policy =
        json_parse (cases[i].policy, strlen (cases[i].policy), "case", NULL);
    CLEANUP_ERR struct err *err = NULL;
    struct wave_policy waves;
    int r = wave_policy_read (&waves, policy, &err);

    CU_ASSERT_EQUAL (r, cases[i].error ? -1 : 0);
    if (cases[i].error) {
      CU_ASSERT_PTR_NOT_NULL_FATAL (err);
      CU_ASSERT_EQUAL (err->code, ERR_USAGE);
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].error));
    }
    wave_policy_release (&waves);
  }
}

/* Sizes of the waves of so many VMs, as text. */
static char *
sizes (const char *policy_text, int64_t vms)
{
  CLEANUP_JSON json_t *policy =
      json_parse (policy_text, strlen (policy_text), "case", NULL);
  struct strbuf sb = STRBUF_EMPTY;
  struct wave_policy waves;
  int64_t last = 0, n = 0;

  CU_ASSERT_EQUAL (wave_policy_read (&waves, policy, NULL), 0);
  for (int64_t i = 0; i <= vms; i++) {
    int64_t wave = i < vms ? wave_policy_wave (&waves, i, vms) : last + 1;

    if (wave == last || last == 0)
      n++;
    else {
      strbuf_addf (&sb, "%s%lld", sb.len ? " " : "", (long long)n);
      n = 1;
    }
    last = wave;
  }
  wave_policy_release (&waves);
  return strbuf_take (&sb);
}

static void
test_sizes (void)
{
  static const struct {
    const char *policy;
    int64_t vms;
    const char *sizes;
  } cases[] = {
      {"{}", 7, "7"},
      {"{\"wave\": \"5,20,25%,rest\"}", 200, "5 20 50 125"},
      {"{\"wave\": \"5,20,25%,rest\"}", 3, "3"},
      {"{\"wave\": \"5\"}", 12, "5 5 2"},
      {"{\"wave\": \"1,2\"}", 6, "1 2 2 1"},
      {"{\"wave\": \"10%\"}", 5, "1 1 1 1 1"},
      {"{\"wave\": \"25%\"}", 10, "3 3 3 1"},
      {"{\"canary\": 1}", 9, "1 8"},
      {"{\"canary\": 2, \"wave\": \"50%\"}", 10, "2 5 3"},
      {"{\"canary\": 4, \"wave\": \"rest\"}", 2, "2"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_FREE char *is = sizes (cases[i].policy, cases[i].vms);

    CU_ASSERT_STRING_EQUAL (is, cases[i].sizes);
  }
}

static void
test_budgets (void)
{
  struct wave_policy waves = {.group_max = 1};

  CU_ASSERT_EQUAL (wave_policy_budget (&waves, 100), -1);
  CU_ASSERT_EQUAL (wave_policy_wave_budget (&waves, 100, false), -1);
  CU_ASSERT_EQUAL (wave_policy_wave_budget (&waves, 100, true), 0);
  waves.max_failures = (struct share){SHARE_PERCENT, 5};
  CU_ASSERT_EQUAL (wave_policy_budget (&waves, 100), 5);
  CU_ASSERT_EQUAL (wave_policy_budget (&waves, 19), 0); /* rounded down */
  CU_ASSERT_EQUAL (wave_policy_wave_budget (&waves, 100, true), -1);
  waves.wave_failures = (struct share){SHARE_NUMBER, 2};
  CU_ASSERT_EQUAL (wave_policy_wave_budget (&waves, 100, true), 2);
}

/* --- jobs -------------------------------------------------------------------
 */

static const struct provider provider = {.name = "plain", .caps = CAP_IN_PLACE};
static struct binding binding = {.provider = &provider};

struct fleet {
  json_t *campaign;
  struct policy *policy;
  struct job_vec jobs;
};

static void
fleet_init (struct fleet *fleet, const char *policy, size_t n)
{
  *fleet = (struct fleet){0};
  fleet->campaign = json_make ("{s:s,s:o}", "id", "c", "policy",
                               json_parse (policy, strlen (policy), "p", NULL));
  fleet->policy = policy_new (fleet->campaign, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (fleet->policy);
  for (size_t i = 0; i < n; i++) {
    CLEANUP_FREE char *id = xasprintf ("vm-%zu", i + 1);
    CLEANUP_FREE char *role = xasprintf ("role-%zu", i % 3);
    CLEANUP_JSON json_t *vm =
        json_make ("{s:s,s:s,s:s,s:s,s:{s:s}}", "provider", "plain", "id", id,
                   "name", id, "power", i % 5 == 4 ? "stopped" : "running",
                   "tags", "role", role);

    job_vec_push (&fleet->jobs,
                  job_new ((int64_t)i + 1, vm, &binding,
                           strategy_by_name ("move"), fleet->policy));
  }
  CU_ASSERT_EQUAL (waves_assign (&fleet->jobs, fleet->policy, NULL), 0);
  admission_number_groups (fleet->jobs.ptr, fleet->jobs.len);
}

static void
fleet_release (struct fleet *fleet)
{
  for (size_t i = 0; i < fleet->jobs.len; i++)
    job_free (fleet->jobs.ptr[i]);
  job_vec_release (&fleet->jobs);
  policy_free (fleet->policy);
  json_decref (fleet->campaign);
}

static void
end (struct fleet *fleet, size_t i, enum outcome outcome)
{
  struct job *job = fleet->jobs.ptr[i];

  if (job->before == NULL)
    job->before = json_deep_copy (job->now);
  job->phase = PHASE_ENDED;
  job->outcome = outcome;
}

static enum admission
ask (struct fleet *fleet, size_t i)
{
  CLEANUP_SURVEY struct survey survey = {NULL};
  CLEANUP_FREE char *why = NULL;

  survey_make (&survey, &fleet->jobs, NULL, fleet->policy);
  return admission (&survey, fleet->jobs.ptr[i], &why);
}

static char *
spent (struct fleet *fleet)
{
  CLEANUP_SURVEY struct survey survey = {NULL};

  survey_make (&survey, &fleet->jobs, NULL, fleet->policy);
  return survey_spent (&survey);
}

static enum gate
gate (struct fleet *fleet)
{
  CLEANUP_SURVEY struct survey survey = {NULL};

  survey_make (&survey, &fleet->jobs, NULL, fleet->policy);
  return survey_gate (&survey);
}

static void
test_order (void)
{
  struct fleet fleet;

  fleet_init (&fleet,
              "{\"wave\": \"2\", \"order\": [\"vm-7\", \"tag:role=*-2\"]}", 8);
  CU_ASSERT_STRING_EQUAL (fleet.jobs.ptr[0]->name, "vm-7");
  CU_ASSERT_STRING_EQUAL (fleet.jobs.ptr[1]->name, "vm-3");
  CU_ASSERT_STRING_EQUAL (fleet.jobs.ptr[2]->name, "vm-6");
  CU_ASSERT_STRING_EQUAL (fleet.jobs.ptr[3]->name, "vm-1");
  CU_ASSERT_STRING_EQUAL (fleet.jobs.ptr[7]->name, "vm-5"); /* is stopped */
  CU_ASSERT_EQUAL (fleet.jobs.ptr[2]->wave, 2);
  CU_ASSERT_EQUAL (fleet.jobs.ptr[7]->id, 8);
  fleet_release (&fleet);
}

static void
test_group_by_unknown_tag (void)
{
  struct fleet fleet;
  CLEANUP_ERR struct err *err = NULL;

  fleet_init (&fleet, "{}", 3);
  fleet.policy->waves.group_by = xstrdup ("rolle");
  CU_ASSERT_EQUAL (waves_assign (&fleet.jobs, fleet.policy, &err), -1);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "no VM has a tag 'rolle'"));
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "'role'"));
  fleet_release (&fleet);
}

static void
test_waves_follow_proof (void)
{
  struct fleet fleet;

  fleet_init (&fleet, "{\"wave\": \"2\"}", 8);
  CU_ASSERT_EQUAL (ask (&fleet, 0), ADMIT);
  CU_ASSERT_EQUAL (ask (&fleet, 2), ADMIT_LATER);
  end (&fleet, 0, OUT_REPAIRED);
  CU_ASSERT_EQUAL (ask (&fleet, 2), ADMIT_LATER); /* one is still open */
  end (&fleet, 1, OUT_CLEAN);
  CU_ASSERT_EQUAL (gate (&fleet), GATE_OPEN);
  CU_ASSERT_EQUAL (ask (&fleet, 2), ADMIT);
  CU_ASSERT_EQUAL (ask (&fleet, 4), ADMIT_LATER);
  fleet_release (&fleet);
}

static void
test_what_proves_nothing (void)
{
  struct fleet fleet;

  fleet_init (&fleet, "{\"wave\": \"2\"}", 8);
  end (&fleet, 0, OUT_CLEAN);
  end (&fleet, 1, OUT_SKIPPED);
  CU_ASSERT_EQUAL (gate (&fleet), GATE_STAND_INS);
  end (&fleet, 1, OUT_REPAIRED_UNPROVEN); /* nobody could ask */
  CU_ASSERT_EQUAL (gate (&fleet), GATE_UNPROVEN);
  job_set_fact (fleet.jobs.ptr[1], "forgiven", json_true ());
  CU_ASSERT_EQUAL (gate (&fleet), GATE_OPEN); /* at the operator's word */
  fleet_release (&fleet);
}

static void
test_budget (void)
{
  struct fleet fleet;
  CLEANUP_FREE char *why = NULL;

  fleet_init (&fleet, "{\"max_failures\": 1}", 8);
  end (&fleet, 0, OUT_FAILED_RESTORED);
  CU_ASSERT_PTR_NULL (spent (&fleet));
  end (&fleet, 1, OUT_FAILED_RESTORED);
  job_set_fact (fleet.jobs.ptr[1], "asked_back", json_string ("operator"));
  CU_ASSERT_PTR_NULL (spent (&fleet));
  end (&fleet, 2, OUT_FAILED_ATTENTION);
  why = spent (&fleet);
  CU_ASSERT_PTR_NOT_NULL_FATAL (why);
  CU_ASSERT_STRING_EQUAL (why, "2 of 8 VMs failed, 1 may");
  job_set_fact (fleet.jobs.ptr[2], "forgiven", json_true ());
  CU_ASSERT_PTR_NULL (spent (&fleet));
  fleet_release (&fleet);
}

/* Somebody has to find a key; that says nothing of the repair. */
static void
test_missing_key_is_no_failure (void)
{
  static const char *const codes[] = {"key-missing", "key-wrong"};
  struct fleet fleet;
  CLEANUP_FREE char *why = NULL;

  fleet_init (&fleet, "{\"max_failures\": 0}", 4);
  for (int i = 0; i < 2; i++) {
    job_set_fact (fleet.jobs.ptr[i], "repair",
                  json_make ("{s:s, s:s}", "outcome", "refused", "refusal",
                             codes[i]));
    end (&fleet, i, OUT_FAILED_RESTORED);
  }
  CU_ASSERT_PTR_NULL (spent (&fleet));
  CU_ASSERT_TRUE (job_lacks_key (fleet.jobs.ptr[1]));
  job_set_fact (fleet.jobs.ptr[0], "repair",
                json_make ("{s:s, s:s}", "outcome", "refused", "refusal",
                           "tpm-only"));
  CU_ASSERT_FALSE (job_lacks_key (fleet.jobs.ptr[0]));
  why = spent (&fleet);
  CU_ASSERT_PTR_NOT_NULL (why);
  fleet_release (&fleet);
}

static void
test_unproven_is_failed_where_it_was_asked (void)
{
  struct fleet fleet;

  fleet_init (&fleet, "{\"max_failures\": 0}", 4);
  end (&fleet, 0, OUT_REPAIRED_UNPROVEN);
  CU_ASSERT_FALSE (job_has_failed (fleet.jobs.ptr[0]));
  job_set_fact (fleet.jobs.ptr[0], "health_after",
                json_make ("{s:s}", "state", "broken"));
  CU_ASSERT_TRUE (job_has_failed (fleet.jobs.ptr[0]));
  fleet_release (&fleet);
}

static void
test_groups (void)
{
  struct fleet fleet;
  CLEANUP_FREE char *why = NULL;
  CLEANUP_SURVEY struct survey survey = {NULL};

  fleet_init (&fleet, "{\"group_by\": \"role\"}", 7); /* 1, 4, 7: role-0 */
  CU_ASSERT_EQUAL (fleet.jobs.ptr[0]->group, fleet.jobs.ptr[3]->group);
  fleet.jobs.ptr[0]->phase = PHASE_ENTER;
  CU_ASSERT_EQUAL (ask (&fleet, 3), ADMIT_LATER);
  CU_ASSERT_EQUAL (ask (&fleet, 1), ADMIT);
  end (&fleet, 0, OUT_REPAIRED);
  CU_ASSERT_EQUAL (ask (&fleet, 3), ADMIT);
  end (&fleet, 0, OUT_FAILED_ATTENTION);
  survey_make (&survey, &fleet.jobs, NULL, fleet.policy);
  CU_ASSERT_EQUAL (admission (&survey, fleet.jobs.ptr[3], &why), ADMIT_NEVER);
  CU_ASSERT_PTR_NOT_NULL_FATAL (why);
  CU_ASSERT_PTR_NOT_NULL (strstr (why, "group-down"));
  /* The operator's way back does not wait for what is down anyway. */
  fleet.jobs.ptr[3]->back = true;
  CU_ASSERT_EQUAL (ask (&fleet, 3), ADMIT);
  fleet.jobs.ptr[6]->phase = PHASE_ENTER;
  CU_ASSERT_EQUAL (ask (&fleet, 3), ADMIT_LATER);
  fleet_release (&fleet);
}

static void
test_max_in_flight (void)
{
  struct fleet fleet;

  fleet_init (&fleet, "{\"max_in_flight\": 1, \"soak_ms\": 1000}", 3);
  fleet.jobs.ptr[0]->phase = PHASE_ACT;
  fleet.jobs.ptr[0]->step = step_by_name ("repair");
  CU_ASSERT_EQUAL (ask (&fleet, 1), ADMIT_LATER);
  fleet.jobs.ptr[0]->step = step_by_name ("soak"); /* it runs */
  CU_ASSERT_EQUAL (ask (&fleet, 1), ADMIT);
  fleet_release (&fleet);
}

/* --- trying again -----------------------------------------------------------
 */

static void
test_retry (void)
{
  struct fleet fleet;
  struct job *job;

  fleet_init (&fleet, "{}", 4);
  job = fleet.jobs.ptr[0];
  end (&fleet, 0, OUT_FAILED_RESTORED);
  job->back = true;
  job_set_fact (job, "health_after", json_make ("{s:s}", "state", "broken"));
  CU_ASSERT_TRUE (job_retry (job));
  CU_ASSERT_EQUAL (job->phase, PHASE_WAITING);
  CU_ASSERT_EQUAL (job->outcome, OUT_OPEN);
  CU_ASSERT_FALSE (job->back);
  CU_ASSERT_PTR_NULL (job->before);
  CU_ASSERT_PTR_NULL (json_at (job->facts, "health_after"));
  CU_ASSERT_EQUAL (json_int (job->facts, "tries", 0), 1);

  job = fleet.jobs.ptr[1];
  end (&fleet, 1, OUT_FAILED_ATTENTION);
  CU_ASSERT_FALSE (job_retry (job)); /* nothing is left to take back */
  job_undo_push (job, "mark");
  CU_ASSERT_TRUE (job_retry (job));
  CU_ASSERT_TRUE (job->back);

  job = fleet.jobs.ptr[2];
  end (&fleet, 2, OUT_REPAIRED);
  CU_ASSERT_FALSE (job_retry (job));
  fleet_release (&fleet);
}

/* --- words from other terminals ---------------------------------------------
 */

static void
test_state_of_events (void)
{
  static const char text[] =
      "[{\"job\":0,\"kind\":\"begin\",\"at\":\"1\"},"
      "{\"job\":0,\"kind\":\"asks\",\"at\":\"2\",\"detail\":{\"wave\":1}},"
      "{\"job\":0,\"kind\":\"approved\",\"at\":\"3\",\"detail\":{\"wave\":1}},"
      "{\"job\":0,\"kind\":\"halted\",\"at\":\"4\",\"detail\":{\"kind\":"
      "\"failures\",\"why\":\"2 of 3\"}},"
      "{\"job\":0,\"kind\":\"continued\",\"at\":\"5\",\"detail\":{}},"
      "{\"job\":0,\"kind\":\"asks\",\"at\":\"6\",\"detail\":{\"wave\":2}}]";
  CLEANUP_JSON json_t *events = json_parse (text, strlen (text), "e", NULL);
  CLEANUP_JSON json_t *all = control_state (events), *some = NULL;

  CU_ASSERT_EQUAL (json_int (all, "approved", 0), 1);
  CU_ASSERT_EQUAL (json_int (all, "waits.wave", 0), 2);
  CU_ASSERT_PTR_NULL (json_at (all, "halt"));
  json_array_remove (events, 5);
  json_array_remove (events, 4);
  some = control_state (events);
  CU_ASSERT_PTR_NULL (json_at (some, "waits"));
  CU_ASSERT_STRING_EQUAL (json_str (some, "halt.why", ""), "2 of 3");
}

static const struct unit_case cases[] = {
    {"policy words", test_policy_words},
    {"sizes", test_sizes},
    {"budgets", test_budgets},
    {"order", test_order},
    {"group by unknown tag", test_group_by_unknown_tag},
    {"waves follow proof", test_waves_follow_proof},
    {"what proves nothing", test_what_proves_nothing},
    {"budget", test_budget},
    {"a missing key is no failure", test_missing_key_is_no_failure},
    {"unproven is failed where it was asked",
     test_unproven_is_failed_where_it_was_asked},
    {"groups", test_groups},
    {"max in flight", test_max_in_flight},
    {"retry", test_retry},
    {"state of events", test_state_of_events},
};
UNIT_MAIN ("waves", cases)
