/* A subject token that a program of the operator's prints: external_account
 * with credential_source.executable.  [AIP-4117, "Executable-sourced
 * credentials": variables, answer, that it must be allowed by a variable] */

#include "finder.h"

#include <string.h>
#include <unistd.h>

#include <base/command.h>
#include <base/shell-words.h>
#include <base/text.h>
#include <base/vec.h>

#define LEAST_MS   5000 /* of timeout_millis */
#define MOST_MS    120000
#define USUAL_MS   30000
#define MAX_OUTPUT 65536

#define PREFIX "GOOGLE_EXTERNAL_ACCOUNT_"

/* {version: 1, success: true, token_type, id_token or saml_response,
 * expiration_time} or {success: false, code, message} */
static struct secret *
token_of (const struct gcp_finder *f, const json_t *json, struct err **err)
{
  const char *type = json_str (json, "token_type", "");
  bool saml = strstr (type, "saml2") != NULL;
  const char *token = json_str (json, saml ? "saml_response" : "id_token", "");
  int64_t ends = json_int (json, "expiration_time", INT64_MAX);

  if (!json_bool (json, "success", false)) {
    CLEANUP_FREE char *code = text_printable (json_str (json, "code", "?"));
    CLEANUP_FREE char *why = text_printable (json_str (json, "message", ""));

    err_set (err, ERR_AUTH, "it says: %.60s: %.300s", code, why);
    return NULL;
  }
  if (json_int (json, "version", 0) != 1) {
    err_set (err, ERR_AUTH, "its answer is not of version 1");
    return NULL;
  }
  if (*token == '\0') {
    err_set (err, ERR_AUTH, "there is no \"%s\" in its answer",
             saml ? "saml_response" : "id_token");
    return NULL;
  }
  if (ends <= clock_wall_ms (f->around->clock) / 1000) {
    err_set (err, ERR_AUTH, "its token has ended already");
    return NULL;
  }
  return secret_new (token, strlen (token));
}

/* What it left for the next time; NULL: nothing that is good still. */
static struct secret *
kept_token (const struct gcp_finder *f, const json_t *executable)
{
  const char *path = json_str (executable, "output_file", NULL);
  CLEANUP_SECRET struct secret *text = NULL;
  CLEANUP_JSON json_t *json = NULL;

  if (path == NULL || access (path, R_OK) == -1)
    return NULL;
  text = secret_read_file (path, MAX_OUTPUT, NULL);
  json = text ? json_parse_secret (text->data, text->len, path, NULL) : NULL;
  return json ? token_of (f, json, NULL) : NULL;
}

static void
add_variable (struct str_vec *argv, const char *name, const char *value)
{
  str_vec_push (argv, xasprintf (PREFIX "%s=%s", name, value));
}

/* .../serviceAccounts/MAIL:generateAccessToken */
static char *
mail_of (const char *url)
{
  const char *slash = strrchr (url, '/');
  const char *mail = slash ? slash + 1 : url;

  return xstrndup (mail, strcspn (mail, ":"));
}

/* env(1) gives it what it has to know; nothing of that is secret. */
static char **
argv_of (const json_t *json, const json_t *executable, struct err **err)
{
  const char *line = json_str (executable, "command", "");
  const char *kept = json_str (executable, "output_file", "");
  CLEANUP_FREE char *mail =
      mail_of (json_str (json, "service_account_impersonation_url", ""));
  CLEANUP_STRV char **words = shell_words (line, err);
  struct str_vec argv = VEC_EMPTY;

  if (words == NULL)
    return NULL;
  if (words[0] == NULL) {
    err_set (err, ERR_INPUT, "its credential_source has an empty command");
    return NULL;
  }
  str_vec_push (&argv, xstrdup ("env"));
  add_variable (&argv, "AUDIENCE", json_str (json, "audience", ""));
  add_variable (&argv, "TOKEN_TYPE", json_str (json, "subject_token_type", ""));
  add_variable (&argv, "INTERACTIVE", "0");
  if (*mail)
    add_variable (&argv, "IMPERSONATED_EMAIL", mail);
  if (*kept)
    add_variable (&argv, "OUTPUT_FILE", kept);
  for (size_t i = 0; words[i]; i++)
    str_vec_push (&argv, xstrdup (words[i]));
  return str_vec_take (&argv);
}

static int64_t
limit_ms (const json_t *executable)
{
  int64_t ms = json_int (executable, "timeout_millis", USUAL_MS);

  return ms < LEAST_MS ? LEAST_MS : ms > MOST_MS ? MOST_MS : ms;
}

struct secret *
gcp_subject_of_program (struct gcp_finder *f, const json_t *json,
                        struct err **err)
{
  const json_t *executable = json_at (json, "credential_source.executable");
  const char *allowed = gcp_variable (f, PREFIX "ALLOW_EXECUTABLES");
  struct secret *kept = kept_token (f, executable);
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_JSON json_t *answer = NULL;
  CLEANUP_STRV char **argv = NULL;

  if (kept)
    return kept;
  if (allowed == NULL || strcmp (allowed, "1") != 0) {
    err_set (err, ERR_AUTH,
             "its credential_source is a program: set " PREFIX
             "ALLOW_EXECUTABLES=1 if it may be run");
    return NULL;
  }
  argv = argv_of (json, executable, err);
  if (argv == NULL ||
      command_run ((const char *const *)argv, NULL, limit_ms (executable),
                   MAX_OUTPUT, &result, err) == -1)
    return NULL;
  answer = json_parse_secret (result.output.buf ? result.output.buf : "",
                              result.output.len, "its program's answer", NULL);
  if (answer == NULL) {
    err_set (err, ERR_AUTH, "its program (exit status %d) printed no JSON",
             result.exit_status);
    return NULL;
  }
  return token_of (f, answer, err);
}
