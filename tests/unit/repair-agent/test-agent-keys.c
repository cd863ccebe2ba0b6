/* A worker asks for keys, the controller answers: by way of the supervisor, to
 * the worker that has the disk, and while other disks wait. */

#include "unit.h"

#include <string.h>

#include <base/files.h>
#include <protocol/protocol.h>
#include <recipes/recipe.h>

#include "talk.h"

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
work (struct talk *t, const char *id, const char *path, bool keys)
{
  CLEANUP_FREE char *evidence = path_join (t->folder, id);
  CLEANUP_FREE char *whole = xasprintf ("/fake/%s", path);
  json_t *request = message_new ("request", "work");

  json_put_str (request, "id", id);
  json_put_str (request, "mode", "apply");
  json_put_str (request, "evidence", evidence);
  json_put (request, "recipe", recipe_find (recipe_builtin_names[0], NULL));
  json_put (request, "disk",
            json_make ("{s:s, s:s, s:s}", "path", whole, "format", "raw",
                       "trust_domain", "x"));
  json_put_bool (request, "keys", keys);
  talk_send (t, request);
}

static void
give (struct talk *t, const char *id, const char *key)
{
  json_t *answer = message_new ("request", "keys");

  json_put_str (answer, "id", id);
  json_put (answer, "keys",
            key ? json_make ("[{s:s}]", "key", key) : json_array ());
  talk_send (t, answer);
}

static bool
log_has (struct talk *t, const char *line)
{
  CLEANUP_FREE char *log = talk_log (t);

  return log && strstr (log, line) != NULL;
}

static void
test_question_and_answer (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  const json_t *event;

  work (t, "a", "keys.1", true);
  CU_ASSERT (talk_until (t, "keys", "a", 1));
  event = talk_event (t, "keys", "a");
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (json_at (event, "volumes"),
                                                    0),
                                    "volume", ""),
                          "partition 2");
  give (t, "nobody", "wrong");
  give (t, "a", "right");
  CU_ASSERT (talk_until (t, "result", "a", 1));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "repaired");
  CU_ASSERT (log_has (t, "keys a right\n"));
  talk_free (t);
}

/* An answer without a key is one; a controller that has none is not asked. */
static void
test_no_key (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));

  work (t, "a", "keys.1", true);
  CU_ASSERT (talk_until (t, "keys", "a", 1));
  give (t, "a", NULL);
  work (t, "b", "keys.2", false);
  CU_ASSERT (talk_until (t, "result", "b", 1));
  CU_ASSERT_EQUAL (talk_count (t, "keys", "b"), 0);
  CU_ASSERT (log_has (t, "keys a none\n"));
  CU_ASSERT (log_has (t, "keys b unasked\n"));
  talk_free (t);
}

/* Nobody answers: the disk is given up, the others of its batch are not. */
static void
test_no_answer (void)
{
  struct talk *t =
      talk_start (OPTIONS ("--workers=1", "--limit-disk=1s", "--batch=8"));

  work (t, "a", "keys.1", true);
  work (t, "b", "ok.2", false);
  CU_ASSERT (talk_until (t, "result", "a", 1));
  CU_ASSERT (talk_until (t, "result", "b", 1));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "failed");
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "b"), "repaired");
  talk_free (t);
}

static void
test_cancelled (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  json_t *cancel = message_new ("request", "cancel");

  work (t, "a", "keys.1", true);
  CU_ASSERT (talk_until (t, "keys", "a", 1));
  json_put_str (cancel, "id", "a");
  talk_send (t, cancel);
  CU_ASSERT (talk_until (t, "result", "a", 1));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "failed");
  talk_free (t);
}

static const struct unit_case cases[] = {
    {"question and answer", test_question_and_answer},
    {"no key", test_no_key},
    {"no answer", test_no_answer},
    {"cancelled", test_cancelled},
};

UNIT_MAIN ("agent-keys", cases)
