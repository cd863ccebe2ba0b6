/* The progress display on golden output: pictures, what is written to get from
 * one to the next, lines, JSON. */

#include "unit.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

#include <base/log.h>
#include <cli/progress.h>

#define END "\033[K"

static struct terminal
screen (int width)
{
  return (struct terminal){.is_tty = true,
                           .utf8 = false,
                           .columns = width,
                           .rows = 24,
                           .fd = -1};
}

/* What was written since the last look. */
static char *
look (struct strbuf *output)
{
  return strbuf_take (output);
}

static void
test_first_picture (void)
{
  struct terminal t = screen (80);
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_AUTO, &t, "disks", 4, 0);
  CLEANUP_FREE char *text = NULL;

  progress_set_output (p, &output);
  progress_stage (p, "1", "a.img", "matched", 0);
  text = look (&output);
  CU_ASSERT_STRING_EQUAL (
      text, "a.img  matched       0 s" END
            "\n[----------------------------------------] 0/4 disks  0 %" END
            "\033[J");
}

static void
test_next_picture_is_laid_over_it (void)
{
  struct terminal t = screen (60);
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_BAR, &t, "disks", 4, 0);
  CLEANUP_FREE char *text = NULL;

  progress_set_output (p, &output);
  progress_stage (p, "1", "a.img", "matched", 0);
  progress_stage (p, "2", "b.img", "queued", 500);
  free (look (&output));
  progress_done (p, "1", "a.img", "failed", "no reason", 30000);
  text = look (&output);
  CU_ASSERT_STRING_EQUAL (
      text, "\r\033[2A"
            "b.img  queued        30 s" END
            "\n[###-----------] 1/4 disks  1 failed  25 %  1 min 30 s left" END
            "\033[J");
}

static void
test_narrow_leaves_parts_out (void)
{
  static const struct {
    int width;
    const char *bar;
  } rows[] = {
      {80, "[###############---------------] 10/20 disks  1 failed  50 %  "
           "10 s left  60/min"},
      {60, "[#####-----] 10/20 disks  1 failed  50 %  10 s left  60/min"},
      {56, "[#######-------] 10/20 disks  1 failed  50 %  10 s left"},
      {40, "10/20 disks  1 failed  50 %  10 s left"},
      {30, "10/20 disks  1 failed  50 %"},
      {20, "10/20 disks"},
      {8, "10/2..."},
      {3, "10"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct terminal t = screen (rows[i].width);
    CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
    CLEANUP_PROGRESS struct progress *p =
        progress_new (PROGRESS_BAR, &t, "disks", 20, 0);
    CLEANUP_FREE char *text = NULL, *expected = NULL;

    progress_set_output (p, &output);
    for (int n = 0; n < 10; n++)
      progress_done (p, "x", "x", n ? "repaired" : "failed", NULL, 1);
    progress_hide (p);
    free (look (&output));
    progress_tick (p, 10000);
    text = look (&output);
    expected = xasprintf ("%s" END "\033[J", rows[i].bar);
    CU_ASSERT_STRING_EQUAL (text, expected);
  }
}

static void
test_many_items_leave_room (void)
{
  struct terminal t = screen (60);
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_BAR, &t, "VMs", 100, 0);
  CLEANUP_FREE char *text = NULL;
  int lines = 1;

  progress_set_output (p, &output);
  for (int i = 0; i < 100; i++) {
    CLEANUP_FREE char *id = xasprintf ("vm-%d", i);

    progress_stage (p, id, id, "stopping", 0);
  }
  free (look (&output));
  progress_tick (p, 1000);
  text = look (&output);
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  CU_ASSERT_TRUE (lines <= 24);
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "and 80 more"));
}

static void
test_ten_pictures_a_second (void)
{
  struct terminal t = screen (60);
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_BAR, &t, "disks", 4, 0);

  progress_set_output (p, &output);
  progress_stage (p, "1", "a", "one", 1000);
  strbuf_reset (&output);
  progress_stage (p, "1", "a", "two", 1050);
  CU_ASSERT_EQUAL (output.len, 0);
  progress_tick (p, 1090);
  CU_ASSERT_EQUAL (output.len, 0);
  progress_tick (p, 1100);
  CU_ASSERT_PTR_NOT_NULL_FATAL (output.buf);
  CU_ASSERT_PTR_NOT_NULL (strstr (output.buf, "two"));
  strbuf_reset (&output);
  progress_tick (p, 1400); /* nothing new */
  CU_ASSERT_EQUAL (output.len, 0);
  progress_tick (p, 2000); /* the seconds */
  CU_ASSERT_NOT_EQUAL (output.len, 0);
}

static void
test_messages_go_above (void)
{
  struct terminal t = screen (60);
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  struct progress *p = progress_new (PROGRESS_BAR, &t, "disks", 4, 0);

  progress_set_output (p, &output);
  progress_log (p);
  progress_stage (p, "1", "a", "one", 0);
  strbuf_reset (&output);
  log_error ("(a message of the test)");
  CU_ASSERT_STRING_EQUAL (output.buf, "\r\033[1A\033[J");
  strbuf_reset (&output);
  progress_tick (p, 1000); /* and back, without going up */
  CU_ASSERT_EQUAL (strncmp (output.buf, "a  one", 6), 0);
  strbuf_reset (&output);
  progress_free (p);
  CU_ASSERT_STRING_EQUAL (output.buf, "\r\033[1A\033[J");
}

static void
test_nothing_of_a_title_is_obeyed (void)
{
  struct terminal t = screen (60);
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_BAR, &t, "VMs", 4, 0);

  progress_set_output (p, &output);
  progress_stage (p, "1", "a\033[2J\n", "one\r", 0);
  CU_ASSERT_PTR_NOT_NULL (strstr (output.buf, "a\\x1b[2J\\x0a"));
  CU_ASSERT_PTR_NOT_NULL (strstr (output.buf, "one\\x0d"));
}

static void
test_plain_lines (void)
{
  struct terminal t = {.fd = -1, .utf8 = true};
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_AUTO, &t, "disks", 2, 0);

  progress_set_output (p, &output);
  progress_stage (p, "1", "a.img", "matched", 10);
  progress_stage (p, "1", "a.img", "matched", 20);
  progress_done (p, "1", "a.img", "repaired", NULL, 30);
  progress_done (p, "2", "b.img", "refused", "hibernated", 40);
  progress_tick (p, 5000);
  CU_ASSERT_STRING_EQUAL (output.buf, "a.img: matched\n"
                                      "[1/2] a.img: repaired\n"
                                      "[2/2] b.img: refused: hibernated\n");
}

static void
test_json_lines (void)
{
  struct terminal t = {.fd = -1};
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_JSON, &t, "disks", 2, 1000);

  progress_set_output (p, &output);
  progress_set_before (p, 1);
  progress_stage (p, "1", "a.img", "matched", 1010);
  progress_done (p, "1", "a.img", "repaired", NULL, 1030);
  CU_ASSERT_STRING_EQUAL (
      output.buf, "{\"bootmend\":1,\"done\":1,\"event\":\"stage\",\"id\":\"1\","
                  "\"kind\":\"progress\",\"ms\":10,\"stage\":\"matched\","
                  "\"title\":\"a.img\",\"total\":2}\n"
                  "{\"bootmend\":1,\"done\":2,\"event\":\"done\",\"id\":\"1\","
                  "\"kind\":\"progress\",\"ms\":30,\"outcome\":\"repaired\","
                  "\"title\":\"a.img\",\"total\":2}\n");
}

static void
test_said_once_and_stays (void)
{
  static const struct {
    enum progress_mode mode;
    const char *text;
  } rows[] = {
      {PROGRESS_PLAIN, "KVM\\x1b is broken\n"},
      {PROGRESS_JSON, "{\"bootmend\":1,\"done\":0,\"event\":\"note\",\"kind\":"
                      "\"progress\",\"ms\":10,\"text\":\"KVM\\u001B is "
                      "broken\",\"total\":2}\n"},
      {PROGRESS_BAR, "KVM\\x1b is broken\n"},
      {PROGRESS_NONE, ""},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct terminal t = screen (60);
    CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
    CLEANUP_PROGRESS struct progress *p =
        progress_new (rows[i].mode, &t, "disks", 2, 0);
    size_t len = strlen (rows[i].text);

    progress_set_output (p, &output);
    progress_say (p, "KVM\033 is broken", 10);
    CU_ASSERT_EQUAL (strncmp (output.len ? output.buf : "", rows[i].text, len),
                     0);
    strbuf_reset (&output);
    progress_say (p, "KVM\033 is broken", 20);
    CU_ASSERT_EQUAL (output.len, 0);
    progress_stage (p, "1", "a", "one", 1000);
    strbuf_reset (&output);
    progress_say (p, "other", 1010);
    if (rows[i].mode == PROGRESS_BAR) /* the picture goes, the line stays */
      CU_ASSERT_STRING_EQUAL (output.buf, "\r\033[1A\033[Jother\n");
  }
}

static void
test_none_is_silent (void)
{
  struct terminal t = screen (60);
  CLEANUP_STRBUF struct strbuf output = STRBUF_EMPTY;
  CLEANUP_PROGRESS struct progress *p =
      progress_new (PROGRESS_NONE, &t, "disks", 2, 0);

  progress_set_output (p, &output);
  progress_stage (p, "1", "a", "one", 0);
  progress_done (p, "1", "a", "failed", "x", 10);
  progress_tick (p, 10000);
  CU_ASSERT_EQUAL (output.len, 0);
}

static const struct unit_case cases[] = {
    {"first picture", test_first_picture},
    {"next picture is laid over it", test_next_picture_is_laid_over_it},
    {"narrow leaves parts out", test_narrow_leaves_parts_out},
    {"many items leave room", test_many_items_leave_room},
    {"ten pictures a second", test_ten_pictures_a_second},
    {"messages go above", test_messages_go_above},
    {"nothing of a title is obeyed", test_nothing_of_a_title_is_obeyed},
    {"plain lines", test_plain_lines},
    {"json lines", test_json_lines},
    {"said once, and stays", test_said_once_and_stays},
    {"none is silent", test_none_is_silent},
};

UNIT_MAIN ("progress", cases)
