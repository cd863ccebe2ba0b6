/* What an agent on another machine has to do besides: to wait for a disk that
 * has just been attached, to ask before it writes, and to end when its
 * controller falls silent. */

#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <protocol/protocol.h>
#include <recipes/recipe.h>

#include "talk.h"

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

static json_t *
work_on (struct talk *t, const char *id, json_t *disk_taken, bool ask)
{
  CLEANUP_JSON json_t *disk = disk_taken;
  CLEANUP_FREE char *evidence = path_join (t->folder, id);
  json_t *request = message_new ("request", "work");

  json_put_str (request, "id", id);
  json_put_str (request, "mode", "apply");
  json_put_str (request, "evidence", evidence);
  json_put (request, "recipe", recipe_find (recipe_builtin_names[0], NULL));
  json_put (request, "disk", TAKE (disk));
  json_put_bool (request, "ask", ask);
  return request;
}

static json_t *
disk_at (const char *path, int64_t wait_ms)
{
  return json_make ("{s:s,s:s,s:s,s:I,s:s}", "path", path, "format", "raw",
                    "trust_domain", "x", "wait_ms", (json_int_t)wait_ms,
                    "serial", "vol01");
}

static const char *
error_of (struct talk *t, const char *id)
{
  return json_str (talk_event (t, "result", id), "error.message", "");
}

static void
answer (struct talk *t, const char *name, const char *id)
{
  json_t *request = message_new ("request", name);

  json_put_str (request, "id", id);
  talk_send (t, request);
}

/* It may show up under its second name, and does not hold up the others. */
static void
test_disk_that_comes_later (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  CLEANUP_FREE char *first = path_join (t->folder, "never");
  CLEANUP_FREE char *second = path_join (t->folder, "ok.2");
  json_t *disk = disk_at (first, 15000);

  json_put (disk, "paths", json_make ("[s,s]", first, second));
  talk_send (t, work_on (t, "late", disk, false));
  talk_work (t, "here", "ok.1", "x", NULL);
  CU_ASSERT (talk_until (t, "result", "here", 1));
  CU_ASSERT_EQUAL (talk_count (t, "result", "late"), 0);
  CU_ASSERT_EQUAL (file_write_atomic (second, "x", 1, 0600, NULL), 0);
  CU_ASSERT (talk_until (t, "result", "late", 1));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "late"), "repaired");
  talk_free (t);
}

static void
test_disk_that_never_comes (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  CLEANUP_FREE char *folder = path_join (t->folder, "by-id");
  CLEANUP_FREE char *path = path_join (folder, "vol01");
  CLEANUP_FREE char *other = path_join (folder, "vol02");

  CU_ASSERT_EQUAL (folder_make (folder, 0700, NULL), 0);
  CU_ASSERT_EQUAL (file_write_atomic (other, "x", 1, 0600, NULL), 0);
  talk_send (t, work_on (t, "a", disk_at (path, 500), false));
  CU_ASSERT (talk_until (t, "result", "a", 1));
  CU_ASSERT_STRING_EQUAL (json_str (talk_event (t, "result", "a"), "error.code",
                                    ""),
                          "not-found");
  CU_ASSERT_PTR_NOT_NULL (strstr (error_of (t, "a"), "(serial number vol01)"));
  CU_ASSERT_PTR_NOT_NULL (strstr (error_of (t, "a"), "there are: vol02"));
  /* one that is awaited can be cancelled, and ends with the agent */
  talk_send (t, work_on (t, "b", disk_at (path, 60000), false));
  talk_send (t, work_on (t, "c", disk_at (path, 60000), false));
  answer (t, "cancel", "b");
  CU_ASSERT (talk_until (t, "result", "b", 1));
  talk_send (t, message_new ("request", "quit"));
  CU_ASSERT (talk_until (t, "result", "c", 1));
  CU_ASSERT_EQUAL (talk_end (t), 4);
  talk_free (t);
}

static void
test_asks_before_it_writes (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=2"));

  talk_send (t, work_on (t, "a", disk_at ("/fake/ok.1", 0), true));
  talk_send (t, work_on (t, "b", disk_at ("/fake/ok.2", 0), true));
  CU_ASSERT (talk_until (t, "ask", "a", 1));
  usleep (300000);
  CU_ASSERT_EQUAL (talk_count (t, "result", NULL), 0);
  answer (t, "commit", "a");
  CU_ASSERT (talk_until (t, "result", "a", 1));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "a"), "repaired");
  CU_ASSERT (talk_until (t, "ask", "b", 1));
  answer (t, "cancel", "b");
  CU_ASSERT (talk_until (t, "result", "b", 1));
  CU_ASSERT_STRING_EQUAL (talk_outcome (t, "b"), "failed");
  CU_ASSERT_FALSE (json_bool (talk_event (t, "result", "b"), "changed", true));
  talk_free (t);
}

/* Whoever asks and gets no answer has not written when its controller ends. */
static void
test_end_while_it_asks (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));

  talk_send (t, work_on (t, "a", disk_at ("/fake/ok.1", 0), true));
  CU_ASSERT (talk_until (t, "ask", "a", 1));
  talk_send (t, message_new ("request", "quit"));
  CU_ASSERT (talk_until (t, "result", "a", 1));
  CU_ASSERT_FALSE (json_bool (talk_event (t, "result", "a"), "changed", true));
  CU_ASSERT_EQUAL (talk_end (t), 4);
  CU_ASSERT_FALSE (talk_qemu_left (t, 5000));
  talk_free (t);
}

static void
test_silence (void)
{
  struct talk *t = talk_start (OPTIONS ("--workers=1"));
  json_t *hello = message_new ("request", "hello");
  int64_t begin = clock_now_ms (&real_clock);

  json_put_int (hello, "silence_ms", 1500);
  talk_send (t, hello);
  talk_send (t, work_on (t, "a", disk_at ("/fake/hang.1", 0), false));
  CU_ASSERT (talk_until (t, "stage", "a", 1));
  for (int i = 0; i < 6; i++) { /* heard, it goes on */
    usleep (400000);
    talk_send (t, message_new ("request", "ping"));
  }
  CU_ASSERT_EQUAL (talk_count (t, "result", NULL), 0);
  CU_ASSERT (talk_until (t, "result", "a", 1));
  CU_ASSERT_EQUAL (talk_end (t), 4);
  CU_ASSERT (clock_now_ms (&real_clock) - begin > 2400 + 1400);
  CU_ASSERT_FALSE (talk_qemu_left (t, 5000));
  talk_free (t);
}

static const struct unit_case cases[] = {
    {"a disk that comes later", test_disk_that_comes_later},
    {"a disk that never comes", test_disk_that_never_comes},
    {"asks before it writes", test_asks_before_it_writes},
    {"its end while it asks", test_end_while_it_asks},
    {"a controller that falls silent", test_silence},
};

int
main (void)
{
  signal (SIGPIPE, SIG_IGN);
  return unit_run ("agent-remote", cases, sizeof cases / sizeof cases[0]);
}
