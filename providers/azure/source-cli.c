/* The Azure CLI, which knows whoever has signed in with it. */

#include "finder.h"

#include <string.h>
#include <time.h>

#include <base/command.h>
#include <base/text.h>

#define NAME       "Azure CLI"
#define LIMIT_MS   60000
#define MAX_OUTPUT 65536

/* "2026-01-31 12:00:00.000000": this machine's time of day, without a zone. */
static int64_t
local_time_s (const char *text)
{
  struct tm tm = {.tm_isdst = -1};
  const char *end = strptime (text, "%Y-%m-%d %H:%M:%S", &tm);

  return end ? (int64_t)mktime (&tm) : 0;
}

/* Since version 2.54 there is expires_on, in seconds since 1970. */
static struct credentials *
read_output (struct azure_finder *f, const struct strbuf *output,
             struct err **err)
{
  CLEANUP_JSON json_t *json = json_parse_secret (output->buf ? output->buf : "",
                                                 output->len, NAME, err);
  CLEANUP_JSON json_t *plain = NULL;
  int64_t until;

  if (json == NULL)
    return NULL;
  until = json_int (json, "expires_on",
                    local_time_s (json_str (json, "expiresOn", "")));
  plain = json_make ("{s:s,s:I}", "access_token",
                     json_str (json, "accessToken", ""), "expires_on",
                     (json_int_t)until);
  f->skew_ms = 0;
  return azure_token (f, plain, NAME, err);
}

int
azure_source_cli (struct azure_finder *f, struct credentials **ret,
                  struct err **err)
{
  const char *tenant = azure_setting (f, "tenant", "AZURE_TENANT_ID");
  const char *subscription = json_str (f->binding->config, "subscription", "");
  const char *argv[11] = {"az",       "account", "get-access-token",
                          "--output", "json",    "--resource"};
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *why = NULL;
  size_t n = 6;

  argv[n++] = f->resource;
  if (tenant || *subscription) {
    argv[n++] = tenant ? "--tenant" : "--subscription";
    argv[n++] = tenant ? tenant : subscription;
  }
  argv[n] = NULL;
  if (command_run (argv, NULL, LIMIT_MS, MAX_OUTPUT, &result, &why) == -1) {
    if (why->code != ERR_NOT_FOUND) {
      err_move (err, TAKE (why));
      return err_wrap (err, NAME);
    }
    azure_tried (f, NAME, "not installed");
    return 0;
  }
  if (result.exit_status != 0) {
    CLEANUP_FREE char *said =
        azure_quote (result.messages.buf ? result.messages.buf : "");

    azure_tried (f, NAME, "exit status %d: %s", result.exit_status, said);
    return 0;
  }
  *ret = read_output (f, &result.output, err);
  return *ret ? 0 : -1;
}
