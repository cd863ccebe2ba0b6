/* `bootmend plan`: the preflight of every VM, and what a repair would do. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/files.h>
#include <base/log.h>
#include <recipes/signature.h>

#include "campaigns.h"
#include "output.h"
#include "request.h"
#include "show.h"
#include "table.h"

static enum style
style_of_decision (const char *decision)
{
  if (strcmp (decision, "repair") == 0)
    return STYLE_BOLD;
  return strcmp (decision, "skip") == 0 ? STYLE_WARN : STYLE_GOOD;
}

/* The reason, or else what was noted. */
static char *
remarks (const json_t *entry)
{
  struct strbuf sb = STRBUF_EMPTY;
  json_t *note;
  size_t i;

  strbuf_addstr (&sb, json_str (entry, "reason", ""));
  json_array_foreach (json_at (entry, "notes"), i, note)
  {
    strbuf_addf (&sb, "%s%s", sb.len ? "; " : "", json_string_value (note));
  }
  json_array_foreach (json_at (entry, "vm.warnings"), i, note)
  {
    strbuf_addf (&sb, "%s%s", sb.len ? "; " : "", json_str (note, "text", ""));
  }
  if (sb.len == 0)
    strbuf_addstr (&sb, json_str (entry, "health.why", ""));
  return strbuf_take (&sb);
}

static void
print_table (const struct cli *cli, const json_t *plan)
{
  static const struct column columns[] = {{"VM", COLUMN_CUT},
                                          {"POWER", 0},
                                          {"HEALTH", 0},
                                          {"PLAN", 0},
                                          {"WAVE", COLUMN_RIGHT},
                                          {"GROUP", COLUMN_CUT},
                                          {"WHY", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *origin = origin_text (json_at (plan, "request.origin"));
  CLEANUP_FREE char *text = NULL;
  size_t to_repair = 0, i;
  bool has_waves = false;
  json_t *entry;

  json_array_foreach (json_at (plan, "vms"), i, entry)
  {
    has_waves = has_waves || json_int (entry, "wave", 1) > 1;
  }

  json_array_foreach (json_at (plan, "vms"), i, entry)
  {
    const char *decision = json_str (entry, "decision", "?");
    CLEANUP_FREE char *why = remarks (entry);
    int64_t wave = json_int (entry, "wave", 0);
    CLEANUP_FREE char *number = xasprintf ("%lld", (long long)wave);

    to_repair += strcmp (decision, "repair") == 0;
    table_row (table,
               (const char *[]){json_str (entry, "name", "?"),
                                json_str (entry, "vm.power", NULL),
                                json_str (entry, "health.state", NULL),
                                decision, has_waves && wave > 0 ? number : NULL,
                                json_str (entry, "group", NULL),
                                why[0] ? why : NULL});
    table_style (table, 3, style_of_decision (decision));
  }
  text = table_text (table);
  printf ("%s%zu of %zu VMs would ", text, to_repair,
          json_array_size (json_at (plan, "vms")));
  if (json_at (plan, "request.recipe"))
    printf ("be repaired with %s (%s)",
            json_str (plan, "request.recipe.name", "?"), origin);
  else
    printf ("get a disk from a snapshot");
  printf ("; nothing was changed\n");
}

void
plan_print (const struct cli *cli, const json_t *plan)
{
  if (options_flag (cli->options, "json"))
    output_whole (plan);
  else
    print_table (cli, plan);
}

static int
write_plan (const char *path, const json_t *plan, struct err **err)
{
  CLEANUP_FREE char *pretty = json_text_pretty (plan);
  CLEANUP_FREE char *text = xasprintf ("%s\n", pretty);

  if (file_write_atomic (path, text, strlen (text), 0600, err) == -1)
    return err_wrap (err, "--out");
  return 0;
}

int
cmd_plan (struct cli *cli, struct err **err)
{
  CLEANUP_JSON json_t *request = request_new (cli, err), *plan = NULL;
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;
  const char *out;

  if (request == NULL)
    return -1;
  campaign = campaign_find (request, err);
  if (campaign == NULL ||
      show_missing (campaign, options_flag (cli->options, "skip-missing"),
                    err) == -1)
    return -1;
  plan = campaign_preview (cli, campaign, err);
  if (plan == NULL)
    return -1;
  out = options_text (cli->options, "out");
  if (out && write_plan (out, plan, err) == -1)
    return -1;
  plan_print (cli, plan);
  return EXIT_ALL_WELL;
}
