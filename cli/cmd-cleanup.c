/* `bootmend cleanup`: what campaigns left behind whose journal is lost. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>
#include <controller/orphans.h>

#include "ask.h"
#include "output.h"
#include "request.h"
#include "selection.h"
#include "table.h"

static json_t *
request_of (const struct cli *cli, struct err **err)
{
  json_t *selection = selection_read (&cli->options->args, err);
  json_t *request;

  if (selection == NULL)
    return NULL;
  request = request_of_providers (cli);
  json_put (request, "selection", selection);
  json_put (request, "policy", json_object ());
  return request;
}

static const char *
fate_of (const json_t *thing)
{
  if (json_str (thing, "error", NULL))
    return "failed";
  if (json_bool (thing, "deleted", false))
    return strcmp (json_str (thing, "kind", ""), "mark") == 0 ? "taken off"
                                                              : "deleted";
  return json_str (thing, "why", NULL) ? "stays" : "can go";
}

static void
print_things (const struct cli *cli, const json_t *things)
{
  static const struct column columns[] = {{"WHAT", 0},
                                          {"ID", 0},
                                          {"CAMPAIGN", 0},
                                          {"BEGUN", 0},
                                          {"SIZE", COLUMN_RIGHT},
                                          {"CLEANUP", 0},
                                          {"WHY", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;
  json_t *thing;
  size_t i;

  json_array_foreach (things, i, thing)
  {
    int64_t bytes = json_int (thing, "size_bytes", 0);
    CLEANUP_FREE char *size = bytes ? text_bytes ((uint64_t)bytes) : NULL;
    const char *why = json_str (thing, "error", json_str (thing, "why", NULL));

    table_row (table, (const char *[]){json_str (thing, "kind", "?"),
                                       json_str (thing, "id", "?"),
                                       json_str (thing, "campaign", "?"),
                                       json_str (thing, "begun", NULL), size,
                                       fate_of (thing), why});
  }
  text = table_text (table);
  fputs (text, stdout);
}

/* Counts those that can go, were deleted, failed. */
static size_t
count (const json_t *things, const char *fate)
{
  size_t i, n = 0;
  json_t *thing;

  json_array_foreach (things, i, thing)
  {
    n += strcmp (fate_of (thing), fate) == 0;
  }
  return n;
}

static void
show (const struct cli *cli, json_t *things)
{
  size_t can_go = count (things, "can go");

  if (options_flag (cli->options, "json")) {
    output_json ("cleanup", json_make ("{s:O}", "things", things));
    return;
  }
  if (json_array_size (things) == 0) {
    printf ("nothing is left of lost campaigns\n");
    return;
  }
  print_things (cli, things);
  if (can_go)
    printf ("%zu of %zu can go; nothing was deleted (--delete does)\n", can_go,
            json_array_size (things));
}

int
cmd_cleanup (struct cli *cli, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_JSON json_t *request = NULL;
  CLEANUP_ORPHANS struct orphans *orphans = NULL;
  json_t *things;

  if (!options_flag (cli->options, "orphans"))
    return err_set (err, ERR_USAGE,
                    "say --orphans: what lost campaigns left behind (what a "
                    "known one keeps, `bootmend release` deletes)");
  request = request_of (cli, err);
  if (request == NULL)
    return -1;
  orphans = orphans_find (request, state,
                          options_int (cli->options, "lost-for"), err);
  if (orphans == NULL)
    return -1;
  things = orphans_things (orphans);
  if (options_flag (cli->options, "delete") && count (things, "can go")) {
    if (ask_first (cli, "deletes disks and snapshots for good",
                   "Delete what can go? The journals that knew a way back with "
                   "it are lost.",
                   print_things, things, err) == -1)
      return -1;
    orphans_delete (orphans);
  }
  show (cli, things);
  return count (things, "failed") ? EXIT_SOME_NOT : EXIT_ALL_WELL;
}
