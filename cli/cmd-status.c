/* `bootmend status`, `list` and `report`: what the journals say. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/log.h>
#include <base/text.h>
#include <controller/campaign.h>
#include <recipes/signature.h>

#include "output.h"
#include "request.h"
#include "show-calls.h"
#include "show.h"
#include "table.h"

static json_t *
read_report (const struct cli *cli, bool steps, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign =
      campaign_open (state, request_campaign_id (cli), JOURNAL_READ, err);

  return campaign ? campaign_report (campaign, steps, err) : NULL;
}

/* "running", "waits for approval", "halted", "not done", "done" */
static const char *
state_of (const json_t *line)
{
  if (json_at (line, "waits") && json_int (line, "counts.open", 0))
    return "waits for approval";
  if (json_bool (line, "live", false))
    return "running";
  if (json_at (line, "halt"))
    return "halted";
  return json_int (line, "counts.open", 0) ? "not done" : "done";
}

/* One line for each wave, and what the campaign waits for. */
static void
print_waves (const json_t *report)
{
  const json_t *waves = json_at (report, "waves");
  const json_t *halt = json_at (report, "halt");
  json_t *wave;
  size_t i;

  json_array_foreach (waves, i, wave)
  {
    if (json_array_size (waves) < 2)
      break;
    printf (
        "Wave %-4lld%s: %lld VM%s, %lld proven, %lld failed, %lld not done\n",
        (long long)json_int (wave, "wave", 0), json_str (wave, "state", "?"),
        (long long)json_int (wave, "vms", 0),
        json_int (wave, "vms", 0) == 1 ? "" : "s",
        (long long)json_int (wave, "proven", 0),
        (long long)json_int (wave, "failed", 0),
        (long long)json_int (wave, "open", 0));
  }
  if (halt)
    printf ("Halted   %s (%s)\n", json_str (halt, "why", "?"),
            json_str (halt, "at", "?"));
  if (json_at (report, "waits") && json_int (report, "counts.open", 0))
    printf ("Waits    for the approval of wave %lld, since %s: `%s%s%s`\n",
            (long long)json_int (report, "waits.wave", 0),
            json_str (report, "waits.at", "?"),
            json_str (report, "waits.by", "bootmend approve"),
            strncmp (json_str (report, "waits.by", ""), "bootmend ", 9) ? ""
                                                                        : " ",
            strncmp (json_str (report, "waits.by", ""), "bootmend ", 9)
                ? ""
                : json_str (report, "campaign.id", ""));
}

/* With its version and who signed it; a restore may have none. */
static char *
recipe_text (const json_t *report)
{
  CLEANUP_FREE char *origin = origin_text (json_at (report, "campaign.origin"));
  const char *name = json_str (report, "campaign.recipe.name", NULL);

  if (name == NULL)
    return xstrdup ("none: snapshots take the place of disks");
  return xasprintf ("%s (version %lld, %s)", name,
                    (long long)json_int (report, "campaign.recipe.version", 0),
                    origin);
}

static void
print_head (const json_t *report)
{
  CLEANUP_FREE char *counts = show_counts (json_at (report, "counts"));
  CLEANUP_FREE char *recipe = recipe_text (report);

  printf ("Campaign %s, %s: %s\n", json_str (report, "campaign.id", "?"),
          state_of (report), counts);
  printf ("Recipe   %s, begun %s on %s\n", recipe,
          json_str (report, "campaign.created", "?"),
          json_str (report, "campaign.host", "?"));
  print_waves (report);
}

/* NULL where there is but one. */
static char *
wave_text (const json_t *report, const json_t *job)
{
  if (json_array_size (json_at (report, "waves")) < 2)
    return NULL;
  return xasprintf ("%lld", (long long)json_int (job, "wave", 0));
}

int
cmd_status (struct cli *cli, struct err **err)
{
  static const struct column columns[] = {{"VM", COLUMN_CUT},
                                          {"WAVE", COLUMN_RIGHT},
                                          {"GROUP", COLUMN_CUT},
                                          {"OUTCOME", 0},
                                          {"AT", COLUMN_CUT},
                                          {"WHY", COLUMN_WRAP}};
  CLEANUP_JSON json_t *report = read_report (cli, false, err);
  CLEANUP_TABLE struct table *table = NULL;
  CLEANUP_FREE char *text = NULL;
  json_t *job;
  size_t i;

  if (report == NULL)
    return -1;
  if (options_flag (cli->options, "json")) {
    output_whole (report);
    return EXIT_ALL_WELL;
  }
  table = table_new (columns, ARRAY_SIZE (columns), &cli->out);
  json_array_foreach (json_at (report, "jobs"), i, job)
  {
    const char *outcome = json_str (job, "outcome", "open");
    bool back = strcmp (json_str (job, "direction", ""), "back") == 0;
    CLEANUP_FREE char *at =
        xasprintf ("%s%s", back ? "going back: " : "",
                   json_str (job, "doing", "waiting for its turn"));
    bool open = strcmp (outcome, "open") == 0;
    CLEANUP_FREE char *wave = wave_text (report, job);

    table_row (table, (const char *[]){json_str (job, "name", "?"), wave,
                                       json_str (job, "group", NULL), outcome,
                                       open ? at : NULL,
                                       json_str (job, "reason", NULL)});
    table_style (table, 3, style_of_outcome (outcome));
  }
  print_head (report);
  text = table_text (table);
  fputs (text, stdout);
  if (strcmp (state_of (report), "not done") == 0)
    printf ("`bootmend resume %s` goes on\n",
            json_str (report, "campaign.id", ""));
  return EXIT_ALL_WELL;
}

/* A journal that can't be read is no reason to hide the others, and no success:
 * a campaign in it may hold VMs in mid-repair. */
static int
list_exit_code (const json_t *list)
{
  size_t bad = 0, i;
  json_t *line;

  json_array_foreach (list, i, line)
  {
    bad += json_str (line, "error", NULL) != NULL;
  }
  if (bad == 0)
    return EXIT_ALL_WELL;
  log_error ("list: %zu of %zu campaigns can't be read", bad,
             json_array_size (list));
  return bad < json_array_size (list) ? EXIT_SOME_NOT : EXIT_NONE;
}

int
cmd_list (struct cli *cli, struct err **err)
{
  static const struct column columns[] = {{"CAMPAIGN", 0},
                                          {"BEGUN", 0},
                                          {"RECIPE", COLUMN_CUT},
                                          {"VMS", COLUMN_RIGHT},
                                          {"STATE", 0},
                                          {"OUTCOMES", COLUMN_WRAP}};
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_JSON json_t *list = campaign_list (state, err);
  CLEANUP_TABLE struct table *table = NULL;
  CLEANUP_FREE char *text = NULL;
  json_t *line;
  size_t i;

  if (list == NULL)
    return -1;
  if (options_flag (cli->options, "json")) {
    output_json ("campaigns", json_make ("{s:O}", "campaigns", list));
    return list_exit_code (list);
  }
  if (json_array_size (list) == 0)
    log_warn ("list: no campaigns in %s yet", state);
  table = table_new (columns, ARRAY_SIZE (columns), &cli->out);
  json_array_foreach (list, i, line)
  {
    const char *error = json_str (line, "error", NULL);
    CLEANUP_FREE char *counts = show_counts (json_at (line, "counts"));
    CLEANUP_FREE char *n =
        xasprintf ("%lld", (long long)json_int (line, "jobs", 0));

    table_row (table, (const char *[]){json_str (line, "id", "?"),
                                       json_str (line, "created", NULL),
                                       json_str (line, "recipe", NULL), n,
                                       error ? "unreadable" : state_of (line),
                                       error ? error : counts});
    if (error)
      table_style (table, 4, STYLE_BAD);
  }
  text = table_text (table);
  fputs (text, stdout);
  return list_exit_code (list);
}

/* ---- report ---- */

static void
add_line (struct strbuf *sb, int width, const char *label, const char *text)
{
  CLEANUP_FREE char *clean = NULL;

  if (text == NULL || text[0] == '\0')
    return;
  clean = text_printable (text);
  strbuf_addf (sb, "  %-10s ", label);
  add_wrapped (sb, clean, 13, 13, width);
  strbuf_addch (sb, '\n');
}

static void
add_changes (struct strbuf *sb, int width, const json_t *repair)
{
  json_t *change;
  size_t i;

  json_array_foreach (json_at (repair, "changes"), i, change)
  {
    const char *to = json_str (change, "to", NULL);
    CLEANUP_FREE char *text =
        xasprintf ("%s %s%s%s", json_str (change, "action", "?"),
                   json_str (change, "path", "?"), to ? " to " : "",
                   to ? to : "");

    add_line (sb, width, i ? "" : "changed", text);
  }
  json_array_foreach (json_at (repair, "kept"), i, change)
  {
    CLEANUP_FREE char *text =
        xasprintf ("%s: %s", json_str (change, "path", "?"),
                   json_str (change, "reason", ""));

    add_line (sb, width, i ? "" : "kept", text);
  }
  add_line (sb, width, "evidence", json_str (repair, "evidence", NULL));
}

static void
add_steps (struct strbuf *sb, int width, const json_t *job)
{
  json_t *step;
  size_t i;

  json_array_foreach (json_at (job, "steps"), i, step)
  {
    CLEANUP_FREE char *text =
        xasprintf ("%s  %s %s%s", json_str (step, "at", "?"),
                   json_str (step, "step", "?"), json_str (step, "state", "?"),
                   strcmp (json_str (step, "direction", ""), "back") == 0
                       ? " (back)"
                       : "");

    add_line (sb, width, i ? "" : "steps", text);
  }
}

static void
add_job (struct strbuf *sb, const struct cli *cli, const json_t *job)
{
  int width = terminal_text_width (&cli->out);
  const char *outcome = json_str (job, "outcome", "open");
  CLEANUP_FREE char *name =
      terminal_clean (&cli->out, json_str (job, "name", "?"));
  json_t *note;
  size_t i;

  strbuf_addf (sb, "\n%s: ", name);
  add_styled (sb, style_of_outcome (outcome), cli->out.colour, outcome);
  strbuf_addch (sb, '\n');
  add_line (sb, width, "why", json_str (job, "reason", NULL));
  add_line (sb, width, "id", json_str (job, "id", NULL));
  add_line (sb, width, "before", json_str (job, "health_before.why", NULL));
  add_changes (sb, width, json_at (job, "repair"));
  add_line (sb, width, "after", json_str (job, "health_after.why", NULL));
  add_line (sb, width, "helper", json_str (job, "helped_by", NULL));
  json_array_foreach (json_at (job, "notes"), i, note)
  {
    add_line (sb, width, i ? "" : "notes", json_string_value (note));
  }
  add_steps (sb, width, job);
}

int
cmd_report (struct cli *cli, struct err **err)
{
  bool steps = options_flag (cli->options, "steps");
  CLEANUP_JSON json_t *report = read_report (cli, steps, err);
  CLEANUP_FREE char *calls = NULL;
  struct strbuf sb = STRBUF_EMPTY;
  json_t *job;
  size_t i;

  if (report == NULL)
    return -1;
  if (options_flag (cli->options, "json")) {
    output_whole (report);
    return EXIT_ALL_WELL;
  }
  print_head (report);
  printf ("Folder   %s\n", json_str (report, "campaign.folder", "?"));
  if (json_str (report, "audit.head", NULL))
    printf ("Audit    %lld entries, head %s\n",
            (long long)json_int (report, "audit.entries", 0),
            json_str (report, "audit.head", ""));
  json_array_foreach (json_at (report, "jobs"), i, job)
  {
    add_job (&sb, cli, job);
  }
  calls = show_calls (cli, report);
  strbuf_addstr (&sb, calls);
  fputs (sb.buf, stdout);
  strbuf_release (&sb);
  return EXIT_ALL_WELL;
}
