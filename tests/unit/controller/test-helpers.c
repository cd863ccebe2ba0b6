/* Slots of helpers: who gets which, what becomes of one that is taken, and of a
 * helper that dies. */

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <controller/helpers.h>
#include <controller/policy.h>
#include <controller/step.h>

#define LOST_MS 120000

struct scene {
  json_t *campaign;
  struct policy *policy;
  struct helpers *helpers;
  struct binding binding, other;
  struct job *jobs[4];
};

static void
add (struct scene *s, const char *name, const char *zone, const char *slots)
{
  CLEANUP_JSON json_t *record =
      json_make ("{s:s,s:s}", "id", name, "zone", zone);
  CLEANUP_JSON json_t *list = json_loads (slots, 0, NULL);

  helpers_add (s->helpers, name, "/dev", &s->binding, record, list);
}

static struct job *
new_job (struct scene *s, int64_t id, const char *zone)
{
  CLEANUP_FREE char *vm = xasprintf ("vm-%lld", (long long)id);
  CLEANUP_JSON json_t *record =
      json_make ("{s:s,s:s,s:s,s:s,s:s}", "provider", "aws", "account", "",
                 "region", "", "id", vm, "zone", zone);
  struct job *job =
      job_new (id, record, &s->binding, strategy_by_name ("move"), s->policy);

  job->before = json_incref (record);
  job->phase = PHASE_ENTER;
  return job;
}

/* One helper in zone a with two slots, one in b with one; jobs 0-2 in a, 3 in
 * b. */
static void
scene_init (struct scene *s)
{
  memset (s, 0, sizeof *s);
  s->campaign = json_make ("{s:s}", "id", "c");
  s->policy = policy_new (s->campaign, NULL, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (s->policy);
  s->binding.provider = s->other.provider = provider_by_name ("aws");
  s->helpers = s->policy->helpers = helpers_new ();
  add (s, "ha", "a", "[\"f\",\"g\"]");
  add (s, "hb", "b", "[\"f\"]");
  for (int i = 0; i < 4; i++)
    s->jobs[i] = new_job (s, i + 1, i == 3 ? "b" : "a");
}

static void
scene_release (struct scene *s)
{
  for (int i = 0; i < 4; i++)
    job_free (s->jobs[i]);
  helpers_free (s->helpers);
  policy_free (s->policy);
  json_decref (s->campaign);
}

static const char *
slot_of (const struct job *job)
{
  return json_str (job->facts, "helper.slot", "none");
}

static const char *
name_of (const struct job *job)
{
  return json_str (job->facts, "helper.name", "none");
}

static void
end_at_helper (struct job *job)
{
  job->phase = PHASE_ENDED;
  job_undo_push (job, "attach-helper");
}

static void
test_slots_of_ones_own_zone (void)
{
  struct scene s;

  scene_init (&s);
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[1]));
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[0]), "f");
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[1]), "g");
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0])); /* it has one */
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[0]), "f");
  /* the one in b has room, but is in b */
  CU_ASSERT_FALSE (helpers_claim (s.helpers, s.jobs[2]));
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[2]), "none");
  CU_ASSERT (helpers_may_clear (s.helpers, s.jobs[2]));
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[3]));
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[3]), "hb");
  helpers_release (s.helpers, s.jobs[0]);
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[2]));
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[2]), "f");
  /* kept by those that ended: nothing to wait for */
  helpers_release (s.helpers, s.jobs[0]);
  end_at_helper (s.jobs[1]);
  end_at_helper (s.jobs[2]);
  CU_ASSERT_FALSE (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT_FALSE (helpers_may_clear (s.helpers, s.jobs[0]));
  scene_release (&s);
}

/* Its VM did not let go of the disk, forward or on the way back, or it was put
 * back by a halt: nobody is refused for a slot that is empty. */
static void
test_claimed_and_never_used (void)
{
  struct scene s;

  scene_init (&s);
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[1]));
  s.jobs[0]->phase = PHASE_PAUSE;
  s.jobs[1]->phase = PHASE_LOOK;
  CU_ASSERT_FALSE (helpers_claim (s.helpers, s.jobs[2])); /* they work */
  end_at_helper (s.jobs[0]);
  job_undo_push (s.jobs[0], "repair");
  job_undo_push (s.jobs[0], "detach-helper");
  CU_ASSERT_FALSE (
      helpers_claim (s.helpers, s.jobs[2])); /* not seen to leave */
  job_undo_push (s.jobs[0], "attach");
  CU_ASSERT (helpers_may_clear (s.helpers, s.jobs[2]));
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[2]));
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[2]), "f");
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[0]), "none");
  CU_ASSERT (s.jobs[0]->changed);
  /* a copy that is lent */
  end_at_helper (s.jobs[1]);
  job_undo_pop (s.jobs[1]);
  job_undo_push (s.jobs[1], "lend");
  CU_ASSERT_FALSE (helpers_claim (s.helpers, s.jobs[0]));
  /* begun anew: nothing stands */
  job_undo_pop (s.jobs[1]);
  s.jobs[1]->phase = PHASE_WAITING;
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[0]), "g");
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[1]), "none");
  scene_release (&s);
}

static void
test_most_room_first (void)
{
  struct scene s;

  scene_init (&s);
  add (&s, "ha2", "a", "[\"x\",\"y\",\"z\"]");
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[0]), "ha2");
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[1]));
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[1]), "ha");
  /* but for the evidence of its own repair */
  job_set_fact (s.jobs[2], "evidence_on", json_string ("ha"));
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[2]));
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[2]), "ha");
  scene_release (&s);
}

static void
test_adopted_from_the_journal (void)
{
  struct scene s;

  scene_init (&s);
  /* one of a slot that the provider shows no more as free */
  job_set_fact (s.jobs[0], "helper",
                json_make ("{s:s,s:s,s:s}", "name", "hb", "vm", "hb", "slot",
                           "k"));
  helpers_adopt (s.helpers, s.jobs[0]);
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[3]));
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[3]), "f");
  helpers_release (s.helpers, s.jobs[0]);
  CU_ASSERT_PTR_NULL (json_at (s.jobs[0]->facts, "helper"));
  scene_release (&s);
}

static void
test_slot_that_is_taken (void)
{
  struct scene s;

  scene_init (&s);
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0]));
  helpers_block (s.helpers, s.jobs[0], false);
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[0]), "none");
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT_STRING_EQUAL (slot_of (s.jobs[0]), "g");
  CU_ASSERT_FALSE (helpers_claim (s.helpers, s.jobs[1]));
  CU_ASSERT (helpers_may_clear (s.helpers, s.jobs[1])); /* of the job's end */
  helpers_block (s.helpers, s.jobs[0], true);
  CU_ASSERT_FALSE (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT_FALSE (helpers_may_clear (s.helpers, s.jobs[0]));
  /* full: all that were free */
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[3]));
  helpers_release (s.helpers, s.jobs[3]);
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[3]));
  scene_release (&s);
}

static void
test_death_by_silence (void)
{
  struct scene s;

  scene_init (&s);
  add (&s, "ha2", "a", "[\"x\"]");
  CU_ASSERT_PTR_NULL (helpers_dead (s.helpers, "ha", 1000, LOST_MS));
  helpers_note_lost (s.helpers, "ha", 1000, "ssh is cut");
  CU_ASSERT_PTR_NULL (
      helpers_dead (s.helpers, "ha", 1000 + LOST_MS - 1, LOST_MS));
  CU_ASSERT_STRING_EQUAL (helpers_dead (s.helpers, "ha", 1000 + LOST_MS,
                                        LOST_MS),
                          "ssh is cut");
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[0]));
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[0]), "ha2");
  CU_ASSERT_FALSE (helpers_claim (s.helpers, s.jobs[1]));
  end_at_helper (s.jobs[0]);
  CU_ASSERT_FALSE (helpers_may_clear (s.helpers, s.jobs[1]));
  /* it comes back */
  helpers_note_alive (s.helpers, "ha", false);
  CU_ASSERT (helpers_claim (s.helpers, s.jobs[1]));
  CU_ASSERT_STRING_EQUAL (name_of (s.jobs[1]), "ha");
  CU_ASSERT_PTR_NOT_NULL (helpers_dead (s.helpers, "hx", 0, LOST_MS));
  helpers_note_dead (s.helpers, "hb", "terminated");
  CU_ASSERT_STRING_EQUAL (helpers_dead (s.helpers, "hb", 0, LOST_MS),
                          "terminated");
  scene_release (&s);
}

/* It comes back each time and never brings anything to its end. */
static void
test_death_by_many_losses (void)
{
  struct scene s;
  int64_t now_ms = 0;
  int n = 0;

  scene_init (&s);
  while (helpers_dead (s.helpers, "ha", now_ms, LOST_MS) == NULL && n < 100) {
    now_ms += 10000;
    helpers_note_alive (s.helpers, "ha", false);
    helpers_note_lost (s.helpers, "ha", now_ms, "its agent crashes");
    helpers_note_lost (s.helpers, "ha", now_ms + 5, "its agent crashes");
    n++;
  }
  CU_ASSERT (n > 2 && n < 10);
  scene_release (&s);
  scene_init (&s);
  for (n = 0; n < 20; n++) { /* work done in between */
    now_ms += 10000;
    helpers_note_lost (s.helpers, "ha", now_ms, "cut");
    helpers_note_alive (s.helpers, "ha", true);
    CU_ASSERT_PTR_NULL (helpers_dead (s.helpers, "ha", now_ms, LOST_MS));
  }
  scene_release (&s);
}

/* The same account, region and id; a name alone may be there twice. */
static void
test_one_of_them_itself (void)
{
  struct scene s;
  CLEANUP_JSON json_t *vm =
      json_make ("{s:s,s:s,s:s,s:s}", "provider", "aws", "account", "1",
                 "region", "r", "id", "i-1");
  CLEANUP_JSON json_t *other = json_deep_copy (vm);

  scene_init (&s);
  CU_ASSERT_FALSE (helpers_include (s.helpers, vm));
  CU_ASSERT_FALSE (helpers_include (NULL, vm));
  helpers_add (s.helpers, "i-1", "/dev", &s.binding, vm, NULL);
  CU_ASSERT (helpers_include (s.helpers, vm));
  json_put_str (other, "account", "2");
  CU_ASSERT_FALSE (helpers_include (s.helpers, other));
  scene_release (&s);
}

static const struct unit_case cases[] = {
    {"slots of one's own zone", test_slots_of_ones_own_zone},
    {"claimed and never used", test_claimed_and_never_used},
    {"most room first, but for evidence", test_most_room_first},
    {"adopted from the journal", test_adopted_from_the_journal},
    {"a slot that is taken", test_slot_that_is_taken},
    {"death by silence", test_death_by_silence},
    {"death by many losses", test_death_by_many_losses},
    {"a VM that is one of them", test_one_of_them_itself},
};

UNIT_MAIN ("helpers", cases)
