/* The whole agent (supervisor and worker processes) with a fake batch_run:
 * who shares an appliance, and what becomes of the others if one hangs or
 * dies. */

#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <protocol/protocol.h>
#include <recipes/recipe.h>

#include "talk.h"

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *
error_of (struct talk *t, const char *id)
{
  return json_str (talk_event (t, "result", id), "error.message", "");
}

static const char *
first_note (struct talk *t, const char *id, size_t i)
{
  const json_t *notes = json_object_get (talk_event (t, "result", id), "notes");
  const char *note = json_string_value (json_array_get (notes, i));

  return note ? note : "";
}

static size_t
batches (struct talk *t)
{
  CLEANUP_FREE char *log = talk_log (t);
  size_t n = 0;

  for (const char *p = log; (p = strstr (p, "batch ")) != NULL; p += 6)
    n++;
  return n;
}

static void
test_hello_then_quit (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=3", "--batch", "5"));
  const json_t *hello;

  CU_ASSERT (talk_until (t, "hello", NULL, 1));
  hello = json_array_get (t->events, 0);
  CU_ASSERT_STRING_EQUAL (json_str (hello, "event", ""), "hello");
  CU_ASSERT_EQUAL (json_int (hello, "protocol", 0), PROTOCOL_VERSION);
  CU_ASSERT_EQUAL (json_int (hello, "workers", 0), 3);
  CU_ASSERT_EQUAL (json_int (hello, "batch", 0), 5);
  CU_ASSERT_EQUAL (json_int (hello, "pid", 0), t->child.pid);
  talk_send (t, message_new ("request", "quit"));
  CU_ASSERT_EQUAL (talk_end (t), 0);
  talk_free (t);
}

static void
test_a_burst_shares_one_appliance (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  CLEANUP_FREE char *log = NULL;

  talk_work (t, "a", "ok.1", "x", NULL);
  talk_work (t, "b", "chatter.2", "x", NULL);
  talk_work (t, "c", "ok.3", "x", NULL);
  CU_ASSERT (talk_until (t, "result", NULL, 3));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "repaired");
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "b"), "repaired");
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "c"), "repaired");
  CU_ASSERT_EQUAL (talk_count (t, "accepted", NULL), 3);
  CU_ASSERT_EQUAL (talk_count (t, "stage", "a"), 2);
  CU_ASSERT_EQUAL (json_int (talk_event (t, "result", "a"), "tries", 0), 1);
  log = talk_log (t);
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "batch a b c\n"));
  CU_ASSERT_EQUAL (batches (t), 1);
  talk_free (t);
}

/* Workers start the appliance that --appliance names, and what they have to
 * say about it reaches the controller. */
static void
test_appliance_is_chosen_and_spoken_of (void)
{
  struct talk *t = talk_start (OPTIONS ("--appliance", "stock"));
  const json_t *event = NULL;
  CLEANUP_FREE char *log = NULL;
  json_t *one;
  size_t i;

  talk_work (t, "a", "ok", "x", NULL);
  CU_ASSERT (talk_until (t, "result", NULL, 1));
  json_array_foreach (t->events, i, one)
  {
    if (strcmp (json_str (one, "phase", ""), "up") == 0)
      event = one;
  }
  CU_ASSERT_PTR_NOT_NULL_FATAL (event);
  CU_ASSERT_STRING_EQUAL (json_string_value (
                              json_array_get (json_at (event, "notes"), 0)),
                          "KVM is lame");
  CU_ASSERT_EQUAL (json_array_size (json_at (event, "ids")), 1);
  log = talk_log (t);
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "appliance stock\n"));
  talk_free (t);
}

static void
test_inspect_brings_its_recipes (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  json_t *list = json_array ();
  CLEANUP_FREE char *log = NULL;

  for (size_t i = 0; i < 2; i++) {
    json_t *recipe = recipe_find (recipe_builtin_names[i], NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL (recipe);
    json_array_append_new (list, json_make ("{s:o}", "recipe", recipe));
  }
  talk_send (t,
             json_make ("{s:i,s:s,s:s,s:s,s:{s:s,s:s,s:s},s:O}", "bootmend",
                        PROTOCOL_VERSION, "request", "work", "id", "a", "mode",
                        "inspect", "disk", "path", "/fake/ok", "format", "raw",
                        "trust_domain", "x", "recipes", list));
  /* without: none */
  talk_send (t, json_make ("{s:i,s:s,s:s,s:s,s:{s:s,s:s,s:s},s:[]}", "bootmend",
                           PROTOCOL_VERSION, "request", "work", "id", "b",
                           "mode", "inspect", "disk", "path", "/fake/ok.2",
                           "format", "raw", "trust_domain", "x", "recipes"));
  json_decref (list);
  CU_ASSERT (talk_until (t, "result", NULL, 2));
  log = talk_log (t);
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "batch a b\n"));
  CU_ASSERT_PTR_NOT_NULL (
      strstr (log, "try a crowdstrike-291 crowdstrike-rename-folder\n"));
  CU_ASSERT_PTR_NULL (strstr (log, "try b"));
  talk_free (t);
}

static void
test_trust_domains_never_meet (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  CLEANUP_FREE char *log = NULL;

  talk_work (t, "a1", "ok.1", "a", NULL);
  talk_work (t, "b1", "ok.2", "b", NULL);
  talk_work (t, "a2", "ok.3", "a", NULL);
  talk_work (t, "n1", "ok.4", NULL, NULL); /* says no domain */
  talk_work (t, "n2", "ok.5", NULL, NULL);
  talk_work (t, "a3", "ok.6", "a", "disk"); /* wants to be alone */
  CU_ASSERT (talk_until (t, "result", NULL, 6));
  log = talk_log (t);
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "batch a1 a2\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "batch b1\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "batch n1\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "batch n2\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (log, "batch a3\n"));
  talk_free (t);
}

static void
test_batch_limit_and_isolation (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1", "--batch=2"));
  struct talk *u = talk_start (OPTIONS ("--workers=2", "--isolation=disk"));

  for (int i = 0; i < 5; i++) {
    CLEANUP_FREE char *id = xasprintf ("w%d", i);
    CLEANUP_FREE char *path = xasprintf ("ok.%d", i);

    talk_work (u, id, path, "x", "shared");
    talk_work (t, id, path, "x", NULL);
  }
  CU_ASSERT (talk_until (t, "result", NULL, 5));
  CU_ASSERT (talk_until (u, "result", NULL, 5));
  CU_ASSERT_EQUAL (batches (t), 3);
  CU_ASSERT_EQUAL (batches (u), 5);
  talk_free (u);
  talk_free (t);
}

static void
test_one_disk_is_never_in_two_hands (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=4"));

  talk_work (t, "first", "slow.1", "x", "disk");
  talk_work (t, "second", "slow.1", "x", "disk");
  CU_ASSERT (talk_until (t, "stage", "first", 1));
  CU_ASSERT_EQUAL (talk_count (t, "stage", "second"), 0);
  CU_ASSERT (talk_until (t, "result", "first", 1));
  CU_ASSERT_EQUAL (talk_count (t, "stage", "second"), 0);
  CU_ASSERT (talk_until (t, "result", "second", 1));
  talk_free (t);
}

/* One of the disks in a shared appliance spoils it each time. */
static void
test_culprit_is_named_and_others_come_out_well (void)
{
  static const struct {
    const char *verb, *reason;
  } rows[] = {
      {"hang.9", "hung: stage \"matched\" took longer than 1 s"},
      {"die.9", "the worker ended early: killed by signal 9 (Killed)"},
      {"leave.9", "the worker ended early: without results"},
      {"nonsense.9", "the worker gave a result that makes no sense"},
      {"stray.9", "the worker gave a result that makes no sense"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct talk *t = talk_start (OPTIONS ("--workers=1", "--limit-disk=1s"));
    const json_t *lost, *result;

    talk_work (t, "before", "ok.1", "x", NULL);
    talk_work (t, "bad", rows[i].verb, "x", NULL);
    talk_work (t, "after", "ok.3", "x", NULL);
    talk_work (t, "last", "ok.4", "x", NULL);
    CU_ASSERT (talk_until (t, "result", NULL, 4));
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "before"), "repaired");
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "after"), "repaired");
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "last"), "repaired");
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "bad"), "failed");
    CU_ASSERT_PTR_NOT_NULL (strstr (error_of (t, "bad"), rows[i].reason));
    CU_ASSERT_PTR_NOT_NULL (
        strstr (error_of (t, "bad"), "also took a shared appliance down"));
    result = talk_event (t, "result", "bad");
    CU_ASSERT (json_bool (result, "suspect", false));
    CU_ASSERT_FALSE (json_bool (result, "changed", true));
    result = talk_event (t, "result", "after");
    CU_ASSERT_FALSE (json_bool (result, "suspect", false));
    CU_ASSERT_EQUAL (json_int (result, "tries", 0), 2);
    CU_ASSERT_STRING_EQUAL (first_note (t, "after", 0), "of the disk");
    CU_ASSERT_PTR_NOT_NULL (
        strstr (first_note (t, "after", 1), "busy with \"bad\""));
    lost = talk_event (t, "appliance", NULL);
    CU_ASSERT_PTR_NOT_NULL (lost);
    CU_ASSERT_FALSE (talk_qemu_left (t, 3000));
    talk_free (t);
  }
}

static void
test_guilty_only_in_company (void)
{
  static const char *const verbs[] = {"hang-shared.2", "die-shared.2"};

  for (size_t i = 0; i < ARRAY_SIZE (verbs); i++) {
    struct talk *t = talk_start (OPTIONS ("--workers=1", "--limit-disk=1s"));

    talk_work (t, "a", "ok.1", "x", NULL);
    talk_work (t, "b", verbs[i], "x", NULL);
    CU_ASSERT (talk_until (t, "result", NULL, 2));
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "repaired");
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "b"), "repaired");
    CU_ASSERT (json_bool (talk_event (t, "result", "b"), "suspect", false));
    CU_ASSERT_EQUAL (json_int (talk_event (t, "result", "a"), "tries", 0), 1);
    talk_free (t);
  }
}

static void
test_appliance_that_does_not_start (void)
{
  static const struct {
    const char *verb, *reason;
  } rows[] = {
      {"start-fails.2", "the appliance did not start"},
      {"start-hangs.2", "the appliance did not start within 1 s"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct talk *t = talk_start (OPTIONS ("--workers=1", "--limit-start=1s"));

    talk_work (t, "good", "ok.1", "x", NULL);
    talk_work (t, "bad", rows[i].verb, "x", NULL);
    CU_ASSERT (talk_until (t, "result", NULL, 2));
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "good"), "repaired");
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "bad"), "failed");
    CU_ASSERT_PTR_NOT_NULL (strstr (error_of (t, "bad"), rows[i].reason));
    CU_ASSERT_FALSE (talk_qemu_left (t, 3000));
    talk_free (t);
  }
}

static void
test_lost_once_alone_is_tried_again (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=2"));

  talk_work (t, "a", "die-once.1", "x", "disk");
  talk_work (t, "b", "die-in-commit-once.2", "x", "disk");
  talk_work (t, "c", "die-in-commit.3", "x", "disk");
  CU_ASSERT (talk_until (t, "result", NULL, 3));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "repaired");
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "b"), "repaired");
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "c"), "failed");
  CU_ASSERT (json_bool (talk_event (t, "result", "c"), "changed", false));
  CU_ASSERT_EQUAL (json_int (talk_event (t, "result", "c"), "tries", 0), 3);
  CU_ASSERT_PTR_NOT_NULL (strstr (error_of (t, "c"), "half written"));
  talk_free (t);
}

/* A disk's own limit_ms comes before the agent's. */
static void
test_limit_of_one_disk (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  json_t *work = message_new ("request", "work");

  json_object_update_new (work,
                          json_make ("{s:s, s:s, s:i, s:s, s:{s:s, s:s}}", "id",
                                     "h", "mode", "inspect", "limit_ms", 300,
                                     "isolation", "disk", "disk", "path",
                                     "/fake/hang", "format", "raw"));
  talk_send (t, work);
  CU_ASSERT (talk_until (t, "result", "h", 1));
  CU_ASSERT_EQUAL (json_int (talk_event (t, "result", "h"), "tries", 0), 1);
  CU_ASSERT_STRING_EQUAL (json_str (talk_event (t, "result", "h"), "error.code",
                                    ""),
                          "timeout");
  talk_free (t);
}

static void
send_cancel (struct talk *t, const char *id)
{
  json_t *cancel = message_new ("request", "cancel");

  json_put_str (cancel, "id", id);
  talk_send (t, cancel);
}

static void
test_cancel (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1", "--batch=3"));

  talk_work (t, "a", "slow.1", "x", NULL);
  talk_work (t, "b", "slow.2", "x", NULL);
  talk_work (t, "c", "slow.3", "x", NULL);
  talk_work (t, "waiting", "ok.4", "x", NULL);
  talk_work (t, "hangs", "hang.5", "x", "disk");
  CU_ASSERT (talk_until (t, "stage", "a", 1));
  send_cancel (t, "waiting"); /* not started: dropped */
  send_cancel (t, "c");       /* in the appliance, its turn has not come */
  send_cancel (t, "no such work");
  CU_ASSERT (talk_until (t, "stage", "hangs", 2));
  send_cancel (t, "hangs"); /* alone: ended at once */
  CU_ASSERT (talk_until (t, "result", NULL, 5));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "repaired");
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "b"), "repaired");
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "c"), "failed");
  CU_ASSERT_STRING_EQUAL (json_str (talk_event (t, "result", "c"), "error.code",
                                    ""),
                          "stopped");
  CU_ASSERT_STRING_EQUAL (json_str (talk_event (t, "result", "waiting"),
                                    "error.code", ""),
                          "stopped");
  CU_ASSERT_STRING_EQUAL (json_str (talk_event (t, "result", "hangs"),
                                    "error.code", ""),
                          "stopped");
  CU_ASSERT_EQUAL (talk_count (t, "result", NULL), 5);
  talk_free (t);
}

/* quit, SIGTERM and the end of input: everything has a result, nothing is
 * left, and a patient that is being written is written to its end. */
static void
test_stopping (void)
{
  for (int way = 0; way < 3; way++) {
    struct talk *t = talk_start (OPTIONS ("--workers=2", "--batch=1"));

    talk_work (t, "hangs", "hang.1", "x", NULL);
    talk_work (t, "writes", "slow-in-commit.2", "x", NULL);
    talk_work (t, "waits", "ok.3", "x", NULL);
    CU_ASSERT (talk_until (t, "stage", "hangs", 2));
    CU_ASSERT (talk_until (t, "stage", "writes", 3));
    if (way == 0)
      talk_send (t, message_new ("request", "quit"));
    else if (way == 1)
      kill (t->child.pid, SIGTERM);
    else
      channel_close_output (&t->ch);
    CU_ASSERT_EQUAL (talk_end (t), 4);
    CU_ASSERT_EQUAL (talk_count (t, "result", NULL), 3);
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "writes"), "repaired");
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, "hangs"), "failed");
    CU_ASSERT_PTR_NOT_NULL (strstr (error_of (t, "waits"), "untouched"));
    CU_ASSERT_FALSE (talk_qemu_left (t, 3000));
    talk_free (t);
  }
}

static void
test_killed_agent_leaves_no_qemu (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=2", "--batch=1"));

  talk_work (t, "a", "hang.1", "x", NULL);
  talk_work (t, "b", "hang.2", "x", NULL);
  CU_ASSERT (talk_until (t, "stage", "a", 2));
  CU_ASSERT (talk_until (t, "stage", "b", 2));
  CU_ASSERT (talk_qemu_left (t, 0));
  kill (t->child.pid, SIGKILL);
  CU_ASSERT_EQUAL (talk_end (t), 128 + SIGKILL);
  CU_ASSERT_FALSE (talk_qemu_left (t, 3000));
  talk_free (t);
}

static size_t
entries (const char *folder)
{
  DIR *dir = opendir (folder);
  size_t n = 0;

  while (dir && readdir (dir))
    n++;
  if (dir)
    closedir (dir);
  return n;
}

static void
test_scratch_of_the_dead_is_removed (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  CLEANUP_FREE char *scratch = path_join (t->folder, "scratch");
  CLEANUP_FREE char *option = xasprintf ("--scratch=%s", scratch);
  struct talk *next;

  talk_work (t, "a", "hang.1", "x", NULL);
  CU_ASSERT (talk_until (t, "stage", "a", 2));
  CU_ASSERT_EQUAL (entries (scratch), 4); /* . .. the lock, worker 1 */
  /* Another agent leaves what belongs to a living one. */
  next = talk_start (OPTIONS (option));
  CU_ASSERT (talk_until (next, "hello", NULL, 1));
  CU_ASSERT_EQUAL (entries (scratch), 5);
  talk_free (next);
  CU_ASSERT_EQUAL (entries (scratch), 4);
  kill (t->child.pid, SIGKILL);
  talk_end (t);
  CU_ASSERT_EQUAL (entries (scratch), 4);
  next = talk_start (OPTIONS (option));
  CU_ASSERT (talk_until (next, "hello", NULL, 1));
  CU_ASSERT_EQUAL (entries (scratch), 3);
  talk_free (next);
  CU_ASSERT_EQUAL (entries (scratch), 2);
  talk_free (t);
}

static const struct unit_case cases[] = {
    {"hello, then quit", test_hello_then_quit},
    {"a burst shares one appliance", test_a_burst_shares_one_appliance},
    {"appliance is chosen and spoken of",
     test_appliance_is_chosen_and_spoken_of},
    {"inspect brings its recipes", test_inspect_brings_its_recipes},
    {"trust domains never meet", test_trust_domains_never_meet},
    {"batch limit and isolation", test_batch_limit_and_isolation},
    {"one disk is never in two hands", test_one_disk_is_never_in_two_hands},
    {"culprit is named, others come out well",
     test_culprit_is_named_and_others_come_out_well},
    {"guilty only in company", test_guilty_only_in_company},
    {"appliance that does not start", test_appliance_that_does_not_start},
    {"lost once alone: tried again", test_lost_once_alone_is_tried_again},
    {"limit of one disk", test_limit_of_one_disk},
    {"cancel", test_cancel},
    {"stopping", test_stopping},
    {"killed agent leaves no qemu", test_killed_agent_leaves_no_qemu},
    {"scratch of the dead is removed", test_scratch_of_the_dead_is_removed},
};

int
main (void)
{
  signal (SIGPIPE, SIG_IGN);
  return unit_run ("agent", cases, sizeof cases / sizeof cases[0]);
}
