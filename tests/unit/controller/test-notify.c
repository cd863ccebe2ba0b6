/* Notifications: delivered to programs and webhooks, never waited for, and what
 * is not delivered is said without giving a webhook's address away. */

#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <controller/notify.h>
#include <net/server.h>

static char folder[] = "/tmp/test-notify-XXXXXX";

static struct notify *
make (const char *program, const char *webhook)
{
  CLEANUP_ERR struct err *err = NULL;
  struct str_vec programs = VEC_EMPTY, webhooks = VEC_EMPTY;
  const struct notify_targets targets = {&programs, &webhooks, NULL};
  struct notify *n;

  if (program)
    str_vec_push (&programs, (char *)program);
  if (webhook)
    str_vec_push (&webhooks, (char *)webhook);
  n = notify_new (&targets, &err);
  if (err)
    printf ("%s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (n);
  str_vec_release (&programs);
  str_vec_release (&webhooks);
  return n;
}

/* A program that appends its environment and stdin to a file. */
static char *
script (const char *name, const char *end)
{
  char *path = path_join (folder, name);
  CLEANUP_FREE char *text =
      xasprintf ("#!/bin/sh\necho \"$BOOTMEND_EVENT $BOOTMEND_CAMPAIGN $(cat)\""
                 " >>%s/%s.out\n%s\n",
                 folder, name, end);

  CU_ASSERT_EQUAL_FATAL (file_write_atomic (path, text, strlen (text), 0755,
                                            NULL),
                         0);
  return path;
}

static char *
output_of (const char *name)
{
  CLEANUP_FREE char *path = xasprintf ("%s/%s.out", folder, name);
  char *text = NULL;
  size_t len;

  CU_ASSERT_EQUAL_FATAL (file_read (path, 1 << 20, &text, &len, NULL), 0);
  return text;
}

static void
test_program (void)
{
  CLEANUP_FREE char *path = script ("good", "");
  CLEANUP_FREE char *text = NULL;
  struct notify *n = make (path, NULL);

  notify_send (n, "campaign-begun", "c-1", json_make ("{s:i}", "vms", 3));
  notify_send (n, "campaign-finished", "c-1", NULL);
  notify_end (n, 20000);
  CU_ASSERT_PTR_NULL (notify_complaint (n));
  notify_free (n);
  text = output_of ("good");
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "campaign-begun c-1 {\"at\":\""));
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "\"vms\":3}\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "\ncampaign-finished c-1 {"));
}

static void
test_program_that_fails (void)
{
  CLEANUP_FREE char *path = script ("bad", "echo no such channel >&2; exit 3");
  CLEANUP_FREE char *why = NULL, *expected = NULL;
  struct notify *n = make (path, NULL);

  notify_send (n, "campaign-halted", "c-1", NULL);
  notify_end (n, 20000);
  why = notify_complaint (n);
  CU_ASSERT_PTR_NOT_NULL_FATAL (why);
  expected = xasprintf ("--notify-command %s: \"campaign-halted\" was not "
                        "delivered: ",
                        path);
  CU_ASSERT_PTR_EQUAL (strstr (why, expected), why);
  CU_ASSERT_PTR_NOT_NULL (strstr (why, "no such channel"));
  notify_free (n);
}

static void
test_webhook (void)
{
  struct server *server = server_start (NULL);
  CLEANUP_FREE char *url = xasprintf ("http://127.0.0.1:%u/echo", server->port);
  CLEANUP_FREE char *file = path_join (folder, "url");
  CLEANUP_FREE char *from_file = xasprintf ("@%s", file);
  CLEANUP_FREE char *line = xasprintf ("%s\n", url);
  struct notify *n = make (NULL, url);

  notify_send (n, "campaign-begun", "c-1", NULL);
  notify_end (n, 20000);
  CU_ASSERT_PTR_NULL (notify_complaint (n));
  notify_free (n);
  CU_ASSERT_EQUAL (server->requests, 1);

  CU_ASSERT_EQUAL (file_write_atomic (file, line, strlen (line), 0600, NULL),
                   0);
  n = make (NULL, from_file);
  notify_send (n, "campaign-begun", "c-1", NULL);
  notify_end (n, 20000);
  CU_ASSERT_PTR_NULL (notify_complaint (n));
  notify_free (n);
  CU_ASSERT_EQUAL (server->requests, 2);
  server_stop (server);
}

static void
test_webhook_that_refuses (void)
{
  struct server *server = server_start (NULL);
  CLEANUP_FREE char *url =
      xasprintf ("http://user:secret@127.0.0.1:%u/status/404?token=secret",
                 server->port);
  CLEANUP_FREE char *why = NULL;
  struct notify *n = make (NULL, url);

  notify_send (n, "campaign-begun", "c-1", NULL);
  notify_end (n, 20000);
  why = notify_complaint (n);
  CU_ASSERT_PTR_NOT_NULL_FATAL (why);
  CU_ASSERT_PTR_NULL (strstr (why, "secret"));
  CU_ASSERT_PTR_NOT_NULL (strstr (why, "--webhook http://127.0.0.1:"));
  notify_free (n);
  server_stop (server);
}

/* The other target is served, nobody waits, and the end is not put off. */
static void
test_webhook_that_hangs (void)
{
  struct server *server = rude_start (RUDE_SILENT);
  CLEANUP_FREE char *url = xasprintf ("http://127.0.0.1:%u/", server->port);
  CLEANUP_FREE char *path = script ("beside", "");
  CLEANUP_FREE char *text = NULL;
  struct notify *n = make (path, url);
  int64_t begun = clock_now_ms (&real_clock);
  unsigned dropped = 0, hangs = 0;
  char *why;

  for (int i = 0; i < 120; i++)
    notify_send (n, i == 119 ? "last" : "one-of-many", "c-1", NULL);
  CU_ASSERT (clock_now_ms (&real_clock) - begun < 2000);
  notify_end (n, 3000);
  CU_ASSERT (clock_now_ms (&real_clock) - begun < 9000);
  while ((why = notify_complaint (n))) {
    dropped += strstr (why, "too many wait") && strstr (why, "--webhook");
    hangs += strstr (why, "it hangs") && strstr (why, "--webhook");
    free (why);
  }
  CU_ASSERT (dropped >= 15);
  CU_ASSERT_EQUAL (hangs, 1);
  text = output_of ("beside");
  CU_ASSERT_PTR_NOT_NULL (strstr (text, "one-of-many c-1 "));
  notify_free (n); /* its thread ends when the server lets it go */
  rude_stop (server);
  sleep (1);
}

static void
test_targets_that_are_none (void)
{
  static const struct {
    const char *program, *webhook, *text;
  } cases[] = {
      {"/nonexistent/program", NULL,
       "--notify-command: /nonexistent/program: there is no such program"},
      {NULL, "ftp://example.com/secret", "ftp://example.com/...: is no http"},
      {NULL, "secret", "is no http"},
      {NULL, "@/nonexistent/file", "--webhook"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct str_vec programs = VEC_EMPTY, webhooks = VEC_EMPTY;
    const struct notify_targets targets = {&programs, &webhooks, NULL};
    CLEANUP_ERR struct err *err = NULL;

    if (cases[i].program)
      str_vec_push (&programs, (char *)cases[i].program);
    if (cases[i].webhook)
      str_vec_push (&webhooks, (char *)cases[i].webhook);
    CU_ASSERT_PTR_NULL (notify_new (&targets, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    if (strstr (err->msg, cases[i].text) == NULL)
      printf ("%s\n", err->msg);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].text));
    str_vec_release (&programs);
    str_vec_release (&webhooks);
  }
  notify_send (NULL, "x", "c", NULL); /* nobody wants to know */
  notify_end (NULL, 1);
  CU_ASSERT_PTR_NULL (notify_complaint (NULL));
}

static void
test_masked_words (void)
{
  CLEANUP_JSON json_t *words =
      json_make ("[s,s,s,s,s,s]", "repair", "--webhook",
                 "https://u:p@hooks.example/T0/key",
                 "--webhook=https://other.example?key=1",
                 "--webhook=@/etc/hook", "x://y");
  CLEANUP_JSON json_t *masked = notify_mask_words (words);
  CLEANUP_FREE char *text = json_text (masked);

  CU_ASSERT_STRING_EQUAL (
      text, "[\"repair\",\"--webhook\",\"https://hooks.example/...\","
            "\"--webhook=https://other.example/...\","
            "\"--webhook=@/etc/hook\",\"x://y\"]");
}

static void
test_set_up (void)
{
  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (folder));
}

static void
test_clean_up (void)
{
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
}

static const struct unit_case cases[] = {
    {"set up", test_set_up},
    {"a program", test_program},
    {"a program that fails", test_program_that_fails},
    {"a webhook", test_webhook},
    {"a webhook that refuses", test_webhook_that_refuses},
    {"a webhook that hangs", test_webhook_that_hangs},
    {"targets that are none", test_targets_that_are_none},
    {"a command line without secrets", test_masked_words},
    {"clean up", test_clean_up},
};
UNIT_MAIN ("notify", cases)
