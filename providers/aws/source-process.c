/* credential_process: a program of the operator's that prints keys. */

#include <string.h>

#include <base/command.h>
#include <base/shell-words.h>
#include <base/text.h>
#include <net/mask.h>

#include "finder.h"

#define LIMIT_MS   60000 /* it may have to ask a server of its own */
#define MAX_OUTPUT 65536

static bool
is_like_a_key (const char *text, size_t len)
{
  bool upper = false, lower = false, digit = false;

  for (size_t i = 0; i < len; i++) {
    upper = upper || (text[i] >= 'A' && text[i] <= 'Z');
    lower = lower || (text[i] >= 'a' && text[i] <= 'z');
    digit = digit || (text[i] >= '0' && text[i] <= '9');
  }
  return len >= 32 && upper && lower && digit;
}

/* A program that fails may have printed what it should not: runs that are as
 * long and as mixed as keys are taken out. */
static char *
mask_runs (const char *text)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "");
  while (*text) {
    size_t len = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstu"
                               "vwxyz0123456789+/=_");

    if (is_like_a_key (text, len))
      strbuf_addstr (&sb, MASKED);
    else
      strbuf_add (&sb, text, len ? len : 1);
    text += len ? len : 1;
  }
  return strbuf_take (&sb);
}

/* The last line that says something. */
static char *
last_words (const struct strbuf *messages)
{
  const char *text = messages->buf ? messages->buf : "";
  size_t end = strlen (text), start;
  CLEANUP_FREE char *masked = NULL;
  char *line;

  while (end && (text[end - 1] == '\n' || text[end - 1] == '\r'))
    end--;
  for (start = end; start && text[start - 1] != '\n';)
    start--;
  line = xstrndup (text + start, end - start);
  masked = mask_runs (line);
  wiping_free (line);
  return aws_quote (masked, NULL);
}

static int
read_keys (struct finder *f, const struct strbuf *output, const char *source,
           struct credentials **ret, struct err **err)
{
  CLEANUP_JSON json_t *json = json_parse_secret (output->buf ? output->buf : "",
                                                 output->len, source, err);

  if (json == NULL)
    return -1;
  if (json_int (json, "Version", 0) != 1)
    return err_set (err, ERR_INPUT,
                    "%s: its output must have \"Version\": 1; no other is "
                    "known",
                    source);
  *ret = aws_keys_from_json (f, json, "SessionToken", 0, source, err);
  if (*ret == NULL)
    return -1;
  if ((*ret)->expires_wall_ms <= clock_wall_ms (f->around->clock)) {
    credentials_free (TAKE (*ret));
    return err_set (err, ERR_AUTH,
                    "%s: printed keys that have ended already: sign in again "
                    "with whatever it uses",
                    source);
  }
  return 0;
}

int
source_process (struct finder *f, const char *profile, struct credentials **ret,
                struct err **err)
{
  const char *line =
      aws_profile_get (&f->profiles, profile, "credential_process");
  CLEANUP_FREE char *shown = text_printable (profile), *source = NULL;
  CLEANUP_STRV char **argv = NULL;
  CLEANUP_COMMAND struct command_result result = {0};

  if (line == NULL) {
    finder_tried (f, "credential_process", "not set");
    return 0;
  }
  source = xasprintf ("profile %s, credential_process", shown);
  argv = shell_words (line, err);
  if (argv == NULL)
    return err_wrap (err, "%s", source);
  if (argv[0] == NULL)
    return err_set (err, ERR_INPUT, "%s: it is empty", source);
  if (command_run ((const char *const *)argv, NULL, LIMIT_MS, MAX_OUTPUT,
                   &result, err) == -1)
    return err_wrap (err, "%s", source);
  if (result.exit_status != 0) {
    CLEANUP_FREE char *program = text_printable (argv[0]);
    CLEANUP_FREE char *words = last_words (&result.messages);

    return err_set (err, ERR_AUTH, "%s: %s: exit status %d: %s", source,
                    program, result.exit_status, words);
  }
  return read_keys (f, &result.output, source, ret, err);
}
