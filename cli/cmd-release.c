/* `bootmend release`: deletes what a campaign left behind on purpose. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <controller/campaign.h>

#include "ask.h"
#include "output.h"
#include "request.h"

#define GIB ((int64_t)1 << 30)

static void
print_things (const json_t *things, const char *deleted)
{
  int64_t bytes = 0;
  size_t i, n = 0;
  json_t *thing;

  json_array_foreach (things, i, thing)
  {
    const char *why = json_str (thing, "error", json_str (thing, "why", NULL));
    int64_t size = json_int (thing, "size_bytes", 0);

    printf ("%s  %s %s  %lld GiB  %s%s\n", json_str (thing, "name", "?"),
            json_str (thing, "role", "?"), json_str (thing, "id", "?"),
            (long long)(size / GIB), why ? "stays: " : deleted, why ? why : "");
    n += why == NULL;
    bytes += why ? 0 : size;
  }
  printf ("%zu of %zu, %lld GiB: %s\n", n, json_array_size (things),
          (long long)(bytes / GIB), deleted);
}

static bool
any_to_release (const json_t *things)
{
  size_t i;
  json_t *thing;

  json_array_foreach (things, i, thing)
  {
    if (!json_at (thing, "why"))
      return true;
  }
  return false;
}

static void
print_to_delete (const struct cli *cli, const json_t *things)
{
  (void)cli;
  print_things (things, "to be deleted for good");
}

/* There is no way back from this: somebody has to say so. */
static int
confirm (const struct cli *cli, const json_t *things, struct err **err)
{
  return ask_first (cli, "deletes disks and snapshots for good",
                    "Delete them, and with them the way back?", print_to_delete,
                    things, err);
}

static int
failures (const json_t *things)
{
  size_t i;
  json_t *thing;
  int n = 0;

  json_array_foreach (things, i, thing)
  {
    n += json_at (thing, "error") != NULL;
  }
  return n;
}

static void
show (const struct cli *cli, const struct campaign *campaign, json_t *things)
{
  if (!options_flag (cli->options, "json")) {
    print_things (things, options_flag (cli->options, "dry-run")
                              ? "to be deleted"
                              : "deleted");
    return;
  }
  output_json ("release", json_make ("{s:s,s:O}", "campaign",
                                     campaign_id (campaign), "things", things));
}

int
cmd_release (struct cli *cli, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_FREE char **patterns = request_patterns (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign =
      campaign_open (state, request_campaign_id (cli), JOURNAL_WRITE, err);
  CLEANUP_JSON json_t *things = NULL;

  if (campaign == NULL)
    return -1;
  things = campaign_releasable (campaign, patterns,
                                options_int (cli->options, "older-than"), err);
  if (things == NULL)
    return -1;
  if (!options_flag (cli->options, "dry-run") && any_to_release (things) &&
      (confirm (cli, things, err) == -1 ||
       campaign_release (campaign, things, err) == -1))
    return -1;
  show (cli, campaign, things);
  return failures (things) ? EXIT_SOME_NOT : EXIT_ALL_WELL;
}
