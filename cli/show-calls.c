#include "show-calls.h"

#include <string.h>

#include <base/strbuf.h>

#include "table.h"

/* Waiting that nobody notices is not told. */
#define SHORT_MS 100

static int64_t
number (const json_t *row, const char *key)
{
  return json_integer_value (json_object_get (row, key));
}

/* "0.25 s", "41 s", "12 min" */
static char *
span (int64_t ms)
{
  if (ms < 10000)
    return xasprintf ("%lld.%lld s", (long long)(ms / 1000),
                      (long long)(ms % 1000 / 100));
  if (ms < 600000)
    return xasprintf ("%lld s", (long long)(ms / 1000));
  return xasprintf ("%lld min", (long long)(ms / 60000));
}

/* ---- actions ---- */

/* One row for each action, whatever the account and region. */
static json_t *
by_action (const json_t *rows)
{
  static const char *const sums[] = {"calls", "vms", "errors", "throttled",
                                     "repeated"};
  json_t *list = json_array (), *row, *known;
  size_t i, j;

  json_array_foreach (rows, i, row)
  {
    json_t *to = NULL;

    json_array_foreach (list, j, known)
    {
      if (json_equal (json_object_get (known, "action"),
                      json_object_get (row, "action")))
        to = known;
    }
    if (to == NULL) {
      to = json_make ("{s:O}", "action", json_object_get (row, "action"));
      json_array_append_new (list, to);
    }
    for (size_t k = 0; k < ARRAY_SIZE (sums); k++)
      json_put_int (to, sums[k], number (to, sums[k]) + number (row, sums[k]));
  }
  return list;
}

/* "2 throttled, 3 repeated"; NULL: all went as it should. */
static char *
troubles (const json_t *row)
{
  static const struct {
    const char *key, *words;
  } parts[] = {{"throttled", "throttled"},
               {"repeated", "repeated"},
               {"errors", "answered with an error"}};
  struct strbuf sb = STRBUF_EMPTY;

  for (size_t i = 0; i < ARRAY_SIZE (parts); i++)
    if (number (row, parts[i].key))
      strbuf_addf (&sb, "%s%lld %s", sb.len ? ", " : "",
                   (long long)number (row, parts[i].key), parts[i].words);
  return sb.len ? strbuf_take (&sb) : NULL;
}

static void
add_actions (struct strbuf *sb, const struct cli *cli, const json_t *report)
{
  static const struct column columns[] = {{"ACTION", COLUMN_CUT},
                                          {"CALLS", COLUMN_RIGHT},
                                          {"PER VM", COLUMN_RIGHT},
                                          {"OF THESE", COLUMN_WRAP}};
  CLEANUP_FREE char *any = troubles (json_at (report, "calls"));
  /* Without trouble there is no column for it. */
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns) - (any ? 0 : 1), &cli->out);
  CLEANUP_JSON json_t *list = by_action (json_at (report, "calls.actions"));
  size_t vms = json_array_size (json_at (report, "jobs")), i;
  CLEANUP_FREE char *text = NULL;
  json_t *row;

  json_array_foreach (list, i, row)
  {
    int64_t calls = number (row, "calls");
    CLEANUP_FREE char *n = xasprintf ("%lld", (long long)calls);
    CLEANUP_FREE char *per_vm =
        xasprintf ("%.2f", (double)calls / (double)(vms ? vms : 1));
    CLEANUP_FREE char *of_these = troubles (row);

    table_row (table, (const char *[]){json_str (row, "action", "?"), n, per_vm,
                                       of_these ? of_these : ""});
  }
  text = table_text (table);
  strbuf_addf (sb, "\n%s", text);
}

/* ---- waiting ---- */

static void
add_queues (struct strbuf *sb, const struct cli *cli, const json_t *queues)
{
  static const struct column columns[] = {
      {"WAITED FOR", COLUMN_CUT},  {"IN", COLUMN_CUT},
      {"TIME", COLUMN_RIGHT},      {"LONGEST", COLUMN_RIGHT},
      {"THROTTLED", COLUMN_RIGHT},
  };
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;
  json_t *row;
  size_t i;

  json_array_foreach (queues, i, row)
  {
    CLEANUP_FREE char *place =
        xasprintf ("%s %s", json_str (row, "account", ""),
                   json_str (row, "region", ""));
    CLEANUP_FREE char *time = span (number (row, "waited_ms"));
    CLEANUP_FREE char *longest = span (number (row, "longest_ms"));
    CLEANUP_FREE char *throttled =
        xasprintf ("%lld", (long long)number (row, "throttled"));

    if (number (row, "waited_ms") < SHORT_MS && number (row, "throttled") == 0)
      continue;
    table_row (table, (const char *[]){json_str (row, "class", "?"), place,
                                       time, longest, throttled});
  }
  if (table_rows (table) == 0)
    return;
  text = table_text (table);
  strbuf_addf (sb, "\n%s", text);
}

/* ---- all of it ---- */

static void
add_sum (struct strbuf *sb, const json_t *report)
{
  const json_t *calls = json_at (report, "calls");
  const json_t *per_vm = json_object_get (calls, "per_vm");
  CLEANUP_FREE char *any = troubles (calls);
  CLEANUP_FREE char *waited = span (number (calls, "waited_ms"));

  strbuf_addf (sb, "\nCalls    %lld, %.1f for each VM",
               (long long)number (calls, "calls"), json_real_value (per_vm));
  if (any)
    strbuf_addf (sb, "; %s", any);
  if (number (calls, "waited_ms") >= SHORT_MS)
    strbuf_addf (sb, "; waited %s for their turn", waited);
  strbuf_addch (sb, '\n');
}

static void
add_helpers (struct strbuf *sb, const json_t *helpers)
{
  json_t *helper;
  size_t i;

  json_array_foreach (helpers, i, helper)
  {
    strbuf_addf (sb, "%s%s (%lld VM%s)", i ? ", " : "Helpers  ",
                 json_str (helper, "name", "?"),
                 (long long)number (helper, "vms"),
                 number (helper, "vms") == 1 ? "" : "s");
  }
  if (json_array_size (helpers))
    strbuf_addch (sb, '\n');
}

char *
show_calls (const struct cli *cli, const json_t *report)
{
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "");
  if (json_at (report, "calls")) {
    add_sum (&sb, report);
    add_helpers (&sb, json_at (report, "helpers"));
    add_actions (&sb, cli, report);
    add_queues (&sb, cli, json_at (report, "calls.queues"));
  }
  return strbuf_take (&sb);
}
