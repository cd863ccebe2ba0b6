/* `bootmend audit verify|show`: who did what to which VM, and that nobody has
 * changed the record of it since. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>
#include <controller/campaign.h>
#include <recipes/signature.h>

#include "output.h"
#include "request.h"
#include "table.h"

static struct campaign *
open_campaign (const struct cli *cli, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);

  return campaign_open (state, request_campaign_id (cli), JOURNAL_READ, err);
}

int
cmd_audit_verify (struct cli *cli, struct err **err)
{
  CLEANUP_CAMPAIGN struct campaign *campaign = open_campaign (cli, err);
  CLEANUP_JSON json_t *chain = NULL;

  if (campaign == NULL)
    return -1;
  chain = campaign_audit (campaign, options_text (cli->options, "head"), err);
  if (chain == NULL)
    return err_wrap (err, "campaign %s", campaign_id (campaign));
  json_put_str (chain, "campaign", campaign_id (campaign));
  if (options_flag (cli->options, "json")) {
    output_json ("audit-verify", chain);
    return EXIT_ALL_WELL;
  }
  printf ("campaign %s: %lld entries, none changed; head %s\n",
          campaign_id (campaign), (long long)json_int (chain, "entries", 0),
          json_str (chain, "head", "?"));
  return EXIT_ALL_WELL;
}

/* ---- show ---- */

/* The VM that an entry is about; NULL: the whole campaign. */
static const struct job *
job_of (const struct campaign *campaign, const json_t *entry)
{
  const struct job_vec *jobs = campaign_jobs (campaign);
  bool outcome = strcmp (json_str (entry, "table", ""), "job") == 0;
  int64_t id = json_int (entry, outcome ? "row" : "job", 0);

  for (size_t i = 0; i < jobs->len; i++)
    if (jobs->ptr[i]->id == id)
      return jobs->ptr[i];
  return NULL;
}

static bool
is_wanted (const struct cli *cli, const struct job *job)
{
  CLEANUP_FREE char **patterns = request_patterns (cli);

  return patterns == NULL || (job && campaign_job_matches (job, patterns));
}

static void
add_files (struct strbuf *sb, const json_t *detail)
{
  json_t *change;
  size_t i;

  json_array_foreach (json_at (detail, "changes"), i, change)
  {
    strbuf_addf (sb, "; %s %s", json_str (change, "action", "changed"),
                 json_str (change, "path", "?"));
  }
}

/* What a person, a program or a budget decided: of approvals, halts and the
 * like.  `by` is who, `how` and `why` are words. */
static void
add_decision (struct strbuf *sb, const json_t *detail)
{
  if (json_int (detail, "wave", 0))
    strbuf_addf (sb, ": wave %lld", (long long)json_int (detail, "wave", 0));
  if (json_str (detail, "by", NULL))
    strbuf_addf (sb, " by %s", json_str (detail, "by", ""));
  if (json_str (detail, "how", NULL))
    strbuf_addf (sb, " (%s)", json_str (detail, "how", ""));
  if (json_str (detail, "why", NULL))
    strbuf_addf (sb, ": %s", json_str (detail, "why", ""));
  if (json_str (detail, "role", NULL))
    strbuf_addf (sb, ": %s %s", json_str (detail, "role", ""),
                 json_str (detail, "id", "?"));
  if (json_str (detail, "error", NULL))
    strbuf_addf (sb, ": %s", json_str (detail, "error", ""));
}

static void
add_person (struct strbuf *sb, const json_t *detail)
{
  CLEANUP_FREE char *origin = json_at (detail, "recipe")
                                  ? origin_text (json_at (detail, "origin"))
                                  : NULL;

  if (json_str (detail, "user", NULL) == NULL) {
    add_decision (sb, detail);
    return;
  }
  strbuf_addf (sb, " by %s on %s", json_str (detail, "user", "?"),
               json_str (detail, "host", "?"));
  if (json_str (detail, "from", NULL))
    strbuf_addf (sb, " from %s", json_str (detail, "from", ""));
  if (json_str (detail, "recipe.name", NULL))
    strbuf_addf (sb, "; recipe %s (%s), SHA-256 %s",
                 json_str (detail, "recipe.name", ""), origin,
                 json_str (detail, "recipe_sha256", "?"));
}

static void
add_policy (struct strbuf *sb, const json_t *detail)
{
  CLEANUP_FREE char *text = json_text (detail);

  strbuf_addf (sb, ": %s", text);
}

static char *
text_of (const json_t *entry)
{
  const char *table = json_str (entry, "table", "");
  const json_t *detail = json_at (entry, "detail");
  struct strbuf sb = STRBUF_EMPTY;

  if (strcmp (table, "step") == 0) {
    strbuf_addf (&sb, "%s: %s%s", json_str (entry, "step", "?"),
                 json_str (entry, "state", "?"),
                 strcmp (json_str (entry, "direction", ""), "back") == 0
                     ? " (back)"
                     : "");
    if (json_str (detail, "message", NULL))
      strbuf_addf (&sb, "; %s", json_str (detail, "message", ""));
    add_files (&sb, detail);
  } else if (strcmp (table, "event") == 0) {
    strbuf_addstr (&sb, json_str (entry, "kind", "?"));
    add_person (&sb, detail);
    if (strcmp (json_str (entry, "kind", ""), "policy") == 0)
      add_policy (&sb, detail);
  } else if (strcmp (table, "job") == 0)
    strbuf_addf (&sb, "ended: %s; %s", json_str (entry, "outcome", "?"),
                 json_str (entry, "reason", ""));
  else
    strbuf_addstr (&sb, "the chain begins here");
  return strbuf_take (&sb);
}

static void
show_entries (struct cli *cli, const struct campaign *campaign,
              const json_t *entries)
{
  static const struct column columns[] = {{"ENTRY", COLUMN_RIGHT},
                                          {"TIME", 0},
                                          {"VM", COLUMN_CUT},
                                          {"WHAT", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;
  json_t *row;
  size_t i;

  json_array_foreach (entries, i, row)
  {
    const json_t *entry = json_at (row, "entry");
    const struct job *job = job_of (campaign, entry);
    CLEANUP_FREE char *what = text_of (entry);
    CLEANUP_FREE char *id =
        xasprintf ("%lld", (long long)json_int (row, "id", 0));

    if (is_wanted (cli, job))
      table_row (table, (const char *[]){id, json_str (entry, "at", NULL),
                                         job ? job->name : NULL, what});
  }
  text = table_text (table);
  fputs (text, stdout);
}

int
cmd_audit_show (struct cli *cli, struct err **err)
{
  CLEANUP_CAMPAIGN struct campaign *campaign = open_campaign (cli, err);
  CLEANUP_JSON json_t *entries =
      campaign ? campaign_audit_entries (campaign, err) : NULL;
  json_t *wanted, *row;
  size_t i;

  if (entries == NULL)
    return -1;
  if (!options_flag (cli->options, "json")) {
    show_entries (cli, campaign, entries);
    return EXIT_ALL_WELL;
  }
  wanted = json_array ();
  json_array_foreach (entries, i, row)
  {
    if (is_wanted (cli, job_of (campaign, json_at (row, "entry"))))
      json_array_append (wanted, row);
  }
  output_json ("audit", json_make ("{s:s,s:o}", "campaign",
                                   campaign_id (campaign), "entries", wanted));
  return EXIT_ALL_WELL;
}
