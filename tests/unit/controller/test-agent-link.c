/* Agents that do not behave: whatever sits at the other end, the controller
 * gets a reason and never waits. */

#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <controller/agent-link.h>
#include <protocol/protocol.h>

#define PATIENCE_MS 10000
#define HELLO                                                                  \
  "echo "                                                                      \
  "'{\"bootmend\":1,\"event\":\"hello\",\"protocol\":1,\"agent\":\"0\"}';"

static struct agent_link *
start (const char *script)
{
  const char *argv[] = {"/bin/sh", "-c", script, NULL};
  struct agent_link *link = agent_link_start (argv, NULL);

  CU_ASSERT_PTR_NOT_NULL_FATAL (link);
  return link;
}

/* Steps until there is an event or an error: 1, -1, or 0 when time is up. */
static int
step (struct agent_link *link, json_t **event, struct err **err)
{
  int64_t end = clock_now_ms (&real_clock) + PATIENCE_MS;
  struct pollfd fds[4];
  int r;

  while ((r = agent_link_step (link, event, err)) == 0 &&
         clock_now_ms (&real_clock) < end)
    (void)poll (fds, agent_link_fds (link, fds, ARRAY_SIZE (fds)), 100);
  return r;
}

static void
test_those_that_do_not_behave (void)
{
  static const struct {
    const char *script, *reason;
    enum err_code code;
    int events; /* before the error */
  } rows[] = {
      {"exit 3", "exit status 3: it said nothing", ERR_PROTOCOL, 0},
      {"echo first >&2; echo 'no such host' >&2; exit 255",
       "exit status 255: no such host", ERR_PROTOCOL, 0},
      {"kill -9 $$", "killed by signal 9", ERR_PROTOCOL, 0},
      {"exec >&-; sleep 0.1; exit 4", "exit status 4", ERR_PROTOCOL, 0},
      {"echo Welcome to Debian", "the line is no JSON: \"Welcome to Debian\"",
       ERR_PROTOCOL, 0},
      {"printf '\\033[2Jx\\n'", "\"\\x1b[2Jx\"", ERR_PROTOCOL, 0},
      {"head -c 5000000 /dev/zero | tr '\\0' x", "longer than 4194304 bytes",
       ERR_PROTOCOL, 0},
      {"echo '{\"bootmend\":2,\"event\":\"hello\"}'",
       "the peer speaks protocol version 2", ERR_PROTOCOL, 0},
      {"echo '{\"bootmend\":1,\"event\":\"hello\",\"protocol\":2}'",
       "speaks protocol 2", ERR_PROTOCOL, 0},
      {"echo '{\"bootmend\":1,\"event\":\"result\"}'",
       "its first word is no hello", ERR_PROTOCOL, 0},
      {HELLO "printf '{\"bootmend'; echo oops >&2; exit 9",
       "exit status 9: oops", ERR_TRANSIENT, 1},
      {HELLO "echo '[]'", "the line is no JSON object", ERR_PROTOCOL, 1},
      {HELLO "exit 0", "exit status 0", ERR_TRANSIENT, 1},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct agent_link *link = start (rows[i].script);
    CLEANUP_ERR struct err *err = NULL;
    json_t *event = NULL;
    int events = 0, r;

    while ((r = step (link, &event, &err)) == 1) {
      json_decref (event);
      events++;
    }
    CU_ASSERT_EQUAL (r, -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    if (strstr (err->msg, rows[i].reason) == NULL)
      printf ("\n    wanted \"%s\", got \"%s\"\n", rows[i].reason, err->msg);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, rows[i].reason));
    CU_ASSERT_EQUAL (err->code, rows[i].code);
    CU_ASSERT_EQUAL (events, rows[i].events);
    agent_link_stop (link);
  }
}

static void
test_one_that_never_reads (void)
{
  struct agent_link *link = start ("exec sleep 60");
  CLEANUP_JSON json_t *big = message_new ("request", "work");
  CLEANUP_FREE char *text = xcalloc (1, 1000001);
  int64_t begin = clock_now_ms (&real_clock);
  json_t *event = NULL;

  memset (text, 'x', 1000000);
  json_put_str (big, "recipe", text);
  for (int i = 0; i < 5; i++)
    CU_ASSERT_EQUAL (agent_link_send (link, big, NULL), 0);
  CU_ASSERT_EQUAL (agent_link_step (link, &event, NULL), 0);
  CU_ASSERT_FALSE (agent_link_is_up (link));
  CU_ASSERT (clock_now_ms (&real_clock) - begin < 3000);
  agent_link_stop (link);
  CU_ASSERT (clock_now_ms (&real_clock) - begin < 20000);
}

static void
test_conversation (void)
{
  struct agent_link *link = start (
      HELLO "read line; echo \"{\\\"bootmend\\\":1,\\\"event\\\":\\\"log\\\","
            "\\\"text\\\":\\\"${#line}\\\"}\"; read line");
  CLEANUP_JSON json_t *request = message_new ("request", "work");
  CLEANUP_FREE char *text = xcalloc (1, 200001);
  CLEANUP_JSON json_t *hello = NULL, *answer = NULL;
  CLEANUP_FREE char *line = NULL, *length = NULL;

  CU_ASSERT_EQUAL (step (link, &hello, NULL), 1);
  CU_ASSERT_STRING_EQUAL (json_str (hello, "event", ""), "hello");
  CU_ASSERT (agent_link_is_up (link));
  memset (text, 'x', 200000); /* more than a pipe holds */
  json_put_str (request, "recipe", text);
  CU_ASSERT_EQUAL (agent_link_send (link, request, NULL), 0);
  CU_ASSERT_EQUAL (step (link, &answer, NULL), 1);
  line = message_line (request);
  length = xasprintf ("%zu", strlen (line) - 1);
  CU_ASSERT_STRING_EQUAL (json_str (answer, "text", ""), length);
  agent_link_stop (link);
}

/* What an agent does between "quit" and its end is waited for, and no longer.
 */
static void
test_stop_waits_for_the_agent (void)
{
  static const struct {
    const char *after_quit; /* then it makes the file */
    int64_t least_ms, most_ms;
  } rows[] = {
      {"", 0, 4000},
      /* a disk that is being written */
      {"sleep 6.5;", 6500, 15000},
      /* last words that nobody wants to hear */
      {"head -c 1000000 /dev/zero;", 0, 4500},
      {"head -c 1000000 /dev/zero >&2;", 0, 4500},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    char mark[] = "/tmp/bootmend-test-XXXXXX";
    int fd = mkstemp (mark);
    CLEANUP_FREE char *script =
        xasprintf (HELLO "cat >/dev/null; %s echo done >%s", rows[i].after_quit,
                   mark);
    struct agent_link *link = start (script);
    json_t *hello = NULL;
    char text[8] = "";
    int64_t begin, took;

    CU_ASSERT_EQUAL_FATAL (step (link, &hello, NULL), 1);
    json_decref (hello);
    begin = clock_now_ms (&real_clock);
    agent_link_stop (link);
    took = clock_now_ms (&real_clock) - begin;
    CU_ASSERT (took >= rows[i].least_ms && took <= rows[i].most_ms);
    CU_ASSERT_EQUAL (pread (fd, text, sizeof text - 1, 0), 5);
    CU_ASSERT_STRING_EQUAL (text, "done\n");
    close (fd);
    unlink (mark);
  }
}

static void
test_no_such_program (void)
{
  static const char *const argv[] = {"/no/such/bootmend-agent", NULL};
  CLEANUP_ERR struct err *err = NULL;

  CU_ASSERT_PTR_NULL (agent_link_start (argv, &err));
  CU_ASSERT_EQUAL (err->code, ERR_NOT_FOUND);
}

static const struct unit_case cases[] = {
    {"those that do not behave", test_those_that_do_not_behave},
    {"one that never reads", test_one_that_never_reads},
    {"conversation", test_conversation},
    {"stop waits for the agent", test_stop_waits_for_the_agent},
    {"no such program", test_no_such_program},
};

int
main (void)
{
  signal (SIGPIPE, SIG_IGN);
  return unit_run ("agent-link", cases, sizeof cases / sizeof cases[0]);
}
