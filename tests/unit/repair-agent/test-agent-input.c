/* What the agent does with requests and options that it can't follow. */

#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <base/files.h>
#include <protocol/protocol.h>

#include "talk.h"

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *
error_of (struct talk *t, const char *id)
{
  return json_str (talk_event (t, "result", id), "error.message", "");
}

static void
test_bad_requests (void)
{
  static const struct {
    const char *json, *reason;
  } rows[] = {
      {"{}", "field \"mode\" (string) missing"},
      {"{\"mode\":\"mend\"}", "mode \"mend\" is none of"},
      {"{\"mode\":\"inspect\"}", "field \"disk.path\""},
      {"{\"mode\":\"inspect\",\"disk\":{\"path\":\"x\"}}", "not absolute"},
      {"{\"mode\":\"inspect\",\"disk\":{\"path\":\"/x\",\"format\":\"vmdk\"}}",
       "neither \"raw\" nor \"qcow2\""},
      {"{\"mode\":\"undo\",\"disk\":{\"path\":\"/x\",\"format\":\"raw\"}}",
       "field \"evidence\""},
      {"{\"mode\":\"report\",\"disk\":{\"path\":\"/x\",\"format\":\"raw\"},"
       "\"recipe\":{\"format\":1,\"name\":\"r\",\"junk\":1}}",
       "recipe \"r\": unknown field \"junk\""},
      {"{\"mode\":\"report\",\"disk\":{\"path\":\"/x\",\"format\":\"raw\"}}",
       "recipe: is no object"},
      {"{\"mode\":\"inspect\",\"disk\":{\"path\":\"/x\",\"format\":\"raw\"},"
       "\"recipes\":{}}",
       "field \"recipes\" is no list"},
      {"{\"mode\":\"inspect\",\"disk\":{\"path\":\"/x\",\"format\":\"raw\"},"
       "\"recipes\":[{\"recipe\":{\"format\":1,\"name\":\"r\",\"junk\":1}}]}",
       "recipes[0]: recipe \"r\": unknown field \"junk\""},
      {"{\"mode\":\"inspect\",\"disk\":{\"path\":\"/x\",\"format\":\"raw\"},"
       "\"recipes\":[1]}",
       "recipes[0]: recipe: is no object"},
  };
  struct talk *t = talk_start (OPTIONS ("--workers=1"));

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *id = xasprintf ("bad%zu", i);
    json_t *work = message_new ("request", "work");

    json_object_update_new (work,
                            json_parse (rows[i].json, strlen (rows[i].json),
                                        "row", NULL));
    json_put_str (work, "id", id);
    talk_send (t, work);
    CU_ASSERT (talk_until (t, "result", id, 1));
    CU_ASSERT_STRING_EQUAL (talk_outcome (t, id), "failed");
    CU_ASSERT_PTR_NOT_NULL (strstr (error_of (t, id), rows[i].reason));
    CU_ASSERT_FALSE (json_bool (talk_event (t, "result", id), "changed", true));
  }
  talk_send (t, message_new ("request", "something of the future"));
  talk_work (t, "still", "ok", "x", NULL);
  CU_ASSERT (talk_until (t, "result", "still", 1));
  talk_free (t);
}

static void
test_garbage_ends_the_conversation (void)
{
  static const char *const lines[] =
      {"hello\n", "{\"bootmend\":7,\"request\":\"quit\"}\n",
       "{\"bootmend\":1,\"request\":\"work\"}\n"};

  for (size_t i = 0; i < ARRAY_SIZE (lines); i++) {
    struct talk *t = talk_start (OPTIONS ("--workers=1"));

    CU_ASSERT (talk_until (t, "hello", NULL, 1));
    CU_ASSERT_EQUAL (write_all (t->ch.out_fd, lines[i], strlen (lines[i])), 0);
    CU_ASSERT_EQUAL (talk_end (t), 1);
    talk_free (t);
  }
}

static void
test_usage (void)
{
  static const char *const rows[] = {"--batch=0",      "--batch=x",
                                     "--isolation=vm", "--limit-disk=0",
                                     "--nonsense",     "word",
                                     "--check=1",      "--memsize"};

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct talk *t = talk_start (OPTIONS (rows[i]));

    CU_ASSERT_EQUAL (talk_end (t), 2);
    talk_free (t);
  }
}

static void
test_check (void)
{
  const char *argv[] = {getenv ("BOOTMEND_FAKE_AGENT"), "--check",
                        "--scratch=/proc/no/such/folder", NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_JSON json_t *report = NULL;
  size_t i;
  json_t *item;

  CU_ASSERT_EQUAL (command_run (argv, NULL, 60000, 1 << 20, &result, NULL), 0);
  CU_ASSERT_EQUAL (result.exit_status, 1);
  CU_ASSERT_FATAL (result.output.len > 0);
  report = json_parse (result.output.buf, result.output.len, "report", NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (report);
  CU_ASSERT_FALSE (json_bool (report, "ok", true));
  CU_ASSERT (json_array_size (json_object_get (report, "items")) >= 9);
  json_array_foreach (json_object_get (report, "items"), i, item)
  {
    const char *level = json_str (item, "level", "");

    CU_ASSERT (strlen (json_str (item, "detail", "")) > 0);
    CU_ASSERT_EQUAL (strcmp (level, "ok") == 0,
                     json_object_get (item, "advice") == NULL);
    if (strcmp (json_str (item, "name", ""), "scratch") == 0)
      CU_ASSERT_STRING_EQUAL (level, "missing");
  }
}

static void
test_prepare (void)
{
  static const struct {
    const char *word, *says;
    int status;
  } rows[] = {
      {"stock", "stock ready, emulated\n", 0},
      {"auto", "auto ready, emulated\n", 0},
      {"lean", "", 1},
      {"fat", "", 2},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    char scratch[] = "/tmp/bootmend-test-XXXXXX";
    const char *argv[] = {getenv ("BOOTMEND_FAKE_AGENT"),
                          "--prepare",
                          "--scratch",
                          mkdtemp (scratch),
                          "--appliance",
                          rows[i].word,
                          NULL};
    CLEANUP_COMMAND struct command_result result = {0};

    CU_ASSERT_EQUAL (command_run (argv, NULL, 20000, 4096, &result, NULL), 0);
    CU_ASSERT_EQUAL (result.exit_status, rows[i].status);
    CU_ASSERT_STRING_EQUAL (result.output.len ? result.output.buf : "",
                            rows[i].says);
    CU_ASSERT_EQUAL (result.messages.len == 0, rows[i].status == 0);
    CU_ASSERT_EQUAL (folder_remove (scratch, NULL), 0);
  }
}

static const struct unit_case cases[] = {
    {"bad requests", test_bad_requests},
    {"garbage ends the conversation", test_garbage_ends_the_conversation},
    {"usage", test_usage},
    {"--check", test_check},
    {"--prepare", test_prepare},
};

int
main (void)
{
  signal (SIGPIPE, SIG_IGN);
  return unit_run ("agent-input", cases, sizeof cases / sizeof cases[0]);
}
