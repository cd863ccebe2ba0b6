/* Lines of the conversation between controller and agent. */

#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <protocol/channel.h>
#include <protocol/protocol.h>

static void
test_words_have_names_both_ways (void)
{
  for (int m = WORK_INSPECT; m <= WORK_UNDO; m++)
    CU_ASSERT_EQUAL (work_mode_from_name (work_mode_name (m)), m);
  for (int o = OUTCOME_REPAIRED; o <= OUTCOME_FAILED; o++)
    CU_ASSERT_EQUAL (work_outcome_from_name (work_outcome_name (o)), o);
  for (int i = 0; protocol_stages[i]; i++)
    CU_ASSERT_EQUAL (protocol_stage_index (protocol_stages[i]), i);
  CU_ASSERT_EQUAL (work_mode_from_name ("repair"), -1);
  CU_ASSERT_EQUAL (work_mode_from_name (NULL), -1);
  CU_ASSERT_EQUAL (work_outcome_from_name ("ok"), -1);
  CU_ASSERT_EQUAL (protocol_stage_index ("no stage"), -1);
}

static void
test_refusals_are_unique_and_found (void)
{
  for (const struct refusal *r = refusals; r->code; r++)
    CU_ASSERT_PTR_EQUAL (refusal_by_code (r->code), r);
  CU_ASSERT_PTR_NULL (refusal_by_code ("no such code"));
  CU_ASSERT_PTR_NULL (refusal_by_code (NULL));
  CU_ASSERT_FALSE (refusal_by_code ("hibernated")->allow);
}

static void
test_line_comes_back_as_it_went (void)
{
  CLEANUP_STRBUF struct strbuf in = STRBUF_EMPTY;
  CLEANUP_JSON json_t *sent = message_new ("request", "cancel");
  CLEANUP_JSON json_t *got = NULL;
  CLEANUP_FREE char *line = NULL;

  json_put_str (sent, "id", "a\nb\"c");
  line = message_line (sent);
  CU_ASSERT_PTR_EQUAL (strchr (line, '\n'), line + strlen (line) - 1);
  strbuf_addstr (&in, line);
  CU_ASSERT_EQUAL (message_next (&in, PROTOCOL_MAX_LINE, 0, &got, NULL), 1);
  CU_ASSERT (json_equal (sent, got));
  CU_ASSERT_EQUAL (in.len, 0);
}

static void
test_line_in_pieces_and_several_at_once (void)
{
  static const char text[] = "{\"bootmend\":1,\"n\":1}\n"
                             "{\"bootmend\":1,\"n\":2,\"new field\":{}}\n"
                             "{\"bootmend\":1,";
  CLEANUP_STRBUF struct strbuf in = STRBUF_EMPTY;
  int found = 0;

  for (size_t i = 0; i < strlen (text); i++) {
    CLEANUP_JSON json_t *message = NULL;
    int r;

    strbuf_add (&in, text + i, 1);
    r = message_next (&in, PROTOCOL_MAX_LINE, 0, &message, NULL);
    CU_ASSERT_EQUAL (r, text[i] == '\n');
    if (r == 1)
      CU_ASSERT_EQUAL (json_int (message, "n", 0), ++found);
  }
  CU_ASSERT_EQUAL (found, 2);

  strbuf_reset (&in);
  strbuf_addstr (&in, text);
  for (int n = 1; n <= 3; n++) {
    CLEANUP_JSON json_t *message = NULL;

    CU_ASSERT_EQUAL (message_next (&in, PROTOCOL_MAX_LINE, 0, &message, NULL),
                     n <= 2);
    CU_ASSERT_EQUAL (json_int (message, "n", 3), n);
  }
}

static void
test_what_is_no_message (void)
{
  static const struct {
    const char *line, *reason;
  } rows[] = {
      {"hello\n", "the line is no JSON: \"hello\""},
      {"\n", "the line is no JSON: \"\""},
      {"{\"bootmend\":1\n", "the line is no JSON: \"{\"bootmend\":1\""},
      {"\x1b[2J\xff\n", "the line is no JSON: \"\\x1b[2J\\xff\""},
      {"[1]\n", "the line is no JSON object: \"[1]\""},
      {"7\n", "the line is no JSON object: \"7\""},
      {"{\"a\":1}\n",
       "the line is no bootmend message (no version): \"{\"a\":1}\""},
      {"{\"bootmend\":\"1\"}\n", "the line is no bootmend message (no "
                                 "version): \"{\"bootmend\":\"1\"}\""},
      {"{\"bootmend\":1,\"a\":1,\"a\":2}\n",
       "the line is no JSON: \"{\"bootmend\":1,\"a\":1,\"a\":2}\""},
      {"{\"bootmend\":2}\n",
       "the peer speaks protocol version 2, this bootmend speaks 1: install "
       "the same bootmend on both"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_STRBUF struct strbuf in = STRBUF_EMPTY;
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_JSON json_t *message = NULL;

    strbuf_addstr (&in, rows[i].line);
    CU_ASSERT_EQUAL (message_next (&in, PROTOCOL_MAX_LINE, 0, &message, &err),
                     -1);
    CU_ASSERT_PTR_NULL (message);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ERR_PROTOCOL);
    CU_ASSERT_STRING_EQUAL (err->msg, rows[i].reason);
  }
}

static void
test_too_long_a_line (void)
{
  CLEANUP_STRBUF struct strbuf in = STRBUF_EMPTY;
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *message = NULL;
  CLEANUP_FREE char *filler = xcalloc (1, PROTOCOL_MAX_LINE);

  memset (filler, 'x', PROTOCOL_MAX_LINE);
  strbuf_add (&in, filler, PROTOCOL_MAX_LINE);
  CU_ASSERT_EQUAL (message_next (&in, PROTOCOL_MAX_LINE, 0, &message, &err), 0);
  strbuf_addch (&in, 'x'); /* no newline yet, and none would help */
  CU_ASSERT_EQUAL (message_next (&in, PROTOCOL_MAX_LINE, 0, &message, &err),
                   -1);
  CU_ASSERT_STRING_EQUAL (err->msg, "a line is longer than 4194304 bytes");
}

static void
test_channel_carries_more_than_a_pipe_holds (void)
{
  struct channel a, b;
  int there[2], back[2];
  CLEANUP_JSON json_t *message = message_new ("event", "log");
  CLEANUP_JSON json_t *got = NULL;
  CLEANUP_FREE char *text = xcalloc (1, 300001);
  int r = 0;

  CU_ASSERT_EQUAL (pipe (there), 0);
  CU_ASSERT_EQUAL (pipe (back), 0);
  channel_init (&a, back[0], there[1]);
  channel_init (&b, there[0], back[1]);
  memset (text, 'x', 300000);
  json_put_str (message, "text", text);
  channel_send (&a, message);
  for (int i = 0; i < 100 && r == 0; i++) {
    CU_ASSERT_EQUAL (channel_io (&a, NULL), 0);
    CU_ASSERT_EQUAL (channel_io (&b, NULL), 0);
    r = channel_next (&b, &got, NULL);
  }
  CU_ASSERT_EQUAL (r, 1);
  CU_ASSERT (json_equal (message, got));
  channel_close_output (&a);
  CU_ASSERT_EQUAL (channel_io (&b, NULL), 0);
  CU_ASSERT (b.ended);
  channel_release (&a);
  /* Nobody reads any more: what is sent is dropped, not an error. */
  channel_send (&b, message);
  CU_ASSERT_EQUAL (channel_io (&b, NULL), 0);
  CU_ASSERT_EQUAL (b.out_fd, -1);
  CU_ASSERT_EQUAL (b.out.len, 0);
  channel_release (&b);
}

/* A file that an order brings along: longer than what an agent may say. */
static void
test_channel_takes_long_orders (void)
{
  struct channel boss, agent;
  int there[2], back[2];
  size_t len = (size_t)3 * PROTOCOL_MAX_LINE;
  CLEANUP_JSON json_t *message = message_new ("request", "work");
  CLEANUP_JSON json_t *next = message_new ("request", "next");
  CLEANUP_JSON json_t *got = NULL, *second = NULL, *none = NULL;
  CLEANUP_FREE char *text = xcalloc (1, len + 1);
  CLEANUP_ERR struct err *err = NULL;
  int r = 0;

  CU_ASSERT_EQUAL (pipe (there), 0);
  CU_ASSERT_EQUAL (pipe (back), 0);
  channel_init (&boss, back[0], there[1]);
  channel_init (&agent, there[0], back[1]);
  channel_take_orders (&agent);
  memset (text, 'x', len);
  json_put_str (message, "text", text);
  channel_send (&boss, message);
  channel_send (&boss, next);
  for (int i = 0; i < 1000 && r == 0; i++) {
    CU_ASSERT_EQUAL (channel_io (&boss, NULL), 0);
    CU_ASSERT_EQUAL (channel_io (&agent, NULL), 0);
    r = channel_next (&agent, &got, NULL);
  }
  CU_ASSERT_EQUAL (r, 1);
  CU_ASSERT (json_equal (message, got));
  CU_ASSERT_EQUAL (channel_io (&boss, NULL), 0);
  CU_ASSERT_EQUAL (channel_io (&agent, NULL), 0);
  CU_ASSERT_EQUAL (channel_next (&agent, &second, NULL), 1);
  CU_ASSERT (json_equal (next, second));
  /* the other way nothing like that is taken */
  channel_send (&agent, message);
  for (int i = 0; i < 1000 && (r = channel_next (&boss, &none, &err)) == 0;
       i++) {
    CU_ASSERT_EQUAL (channel_io (&agent, NULL), 0);
    CU_ASSERT_EQUAL (channel_io (&boss, NULL), 0);
  }
  CU_ASSERT_EQUAL (r, -1);
  channel_release (&agent);
  channel_release (&boss);
}

static void
test_channel_end_in_mid_line (void)
{
  struct channel ch;
  int there[2];
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *message = NULL;

  CU_ASSERT_EQUAL (pipe (there), 0);
  channel_init (&ch, there[0], -1);
  CU_ASSERT_EQUAL (write (there[1], "{\"bootm", 7), 7);
  CU_ASSERT_EQUAL (channel_io (&ch, NULL), 0);
  CU_ASSERT_EQUAL (channel_next (&ch, &message, &err), 0);
  close (there[1]);
  CU_ASSERT_EQUAL (channel_io (&ch, NULL), 0);
  CU_ASSERT_EQUAL (channel_next (&ch, &message, &err), -1);
  CU_ASSERT_STRING_EQUAL (err->msg, "the peer ended in the middle of a line");
  channel_release (&ch);
}

static const struct unit_case cases[] = {
    {"words have names both ways", test_words_have_names_both_ways},
    {"refusals are unique and found", test_refusals_are_unique_and_found},
    {"a line comes back as it went", test_line_comes_back_as_it_went},
    {"in pieces, several at once", test_line_in_pieces_and_several_at_once},
    {"what is no message", test_what_is_no_message},
    {"too long a line", test_too_long_a_line},
    {"channel: more than a pipe holds",
     test_channel_carries_more_than_a_pipe_holds},
    {"channel: long orders", test_channel_takes_long_orders},
    {"channel: end in mid line", test_channel_end_in_mid_line},
};

int
main (void)
{
  signal (SIGPIPE, SIG_IGN);
  return unit_run ("protocol", cases, sizeof cases / sizeof cases[0]);
}
