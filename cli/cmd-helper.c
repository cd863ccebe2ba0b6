/* `bootmend helper check`: is a machine fit to be a helper? */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <controller/campaign.h>
#include <controller/helper-check.h>

#include "helper-option.h"
#include "output.h"
#include "request.h"
#include "table.h"

/* "[PROVIDER:]ID=WHERE": takes the provider off. */
static const char *
split_provider (const char *word, const struct provider **provider)
{
  size_t len = strcspn (word, ":=");
  CLEANUP_FREE char *name = xstrndup (word, len);

  *provider = NULL;
  if (word[len] == ':' && (*provider = provider_by_name (name)) != NULL)
    return word + len + 1;
  for (size_t i = 0; providers[i]; i++) {
    CLEANUP_JSON json_t *selector = NULL;
    CLEANUP_FREE char *id = xstrndup (word, strcspn (word, "="));

    if (providers[i]->helper_slots &&
        providers[i]->parse_selector (id, &selector, NULL) == 0)
      *provider = providers[i];
  }
  return word;
}

/* The provider's side: is there such a machine, does it run, has it room?  And
 * what its agent has to find there: NULL, or a new reference. */
static json_t *
check_record (const json_t *request, const struct provider *provider,
              const char *id, const char *devices, json_t *items)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *record = NULL;

  if (provider == NULL) {
    helper_check_add (items, "instance", "warning",
                      "not asked: no provider knows an id like this",
                      "write PROVIDER:ID=WHERE");
    return NULL;
  }
  record = campaign_describe_one (request, provider->name, id, &err);
  if (record == NULL) {
    helper_check_add (items, "instance", "missing", err->msg, NULL);
    return NULL;
  }
  helper_check_record (provider, record, items);
  return provider->helper_expect ? provider->helper_expect (record, devices)
                                 : NULL;
}

static int
check_one (const struct cli *cli, const char *word, const json_t *request,
           json_t *result, struct err **err)
{
  const struct provider *provider;
  const char *text = split_provider (word, &provider);
  size_t len = strcspn (text, "=");
  CLEANUP_FREE char *written = xstrndup (text, len);
  CLEANUP_FREE char *id = helper_option_id (written);
  CLEANUP_JSON json_t *agents = json_object (), *helpers = json_object ();
  CLEANUP_JSON json_t *asked = json_array (), *expect = NULL;
  json_t *items, *one, *spec;

  if (len == 0 || text[len] == '\0')
    return err_set (err, ERR_USAGE, "'%s' is not ID=WHERE", word);
  if (helper_option_add (cli, id, text + len + 1, agents, helpers, err) == -1)
    return -1;
  spec = json_object_get (helpers, id);
  expect = check_record (request, provider, id,
                         json_str (spec, "devices", "/dev"), asked);
  items = json_array ();
  helper_check_agent (json_object_get (agents, id), expect, items);
  json_array_extend (items, asked);
  one = json_object ();
  json_put_str (one, "id", id);
  json_put_str (one, "where", json_str (spec, "where", ""));
  json_put_bool (one, "ok", helper_check_ok (items));
  json_put (one, "items", items);
  json_array_append_new (result, one);
  return 0;
}

static void
print_one (const struct cli *cli, const json_t *one)
{
  static const struct column columns[] = {{"WHAT", 0},
                                          {"", 0},
                                          {"DETAIL", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *t =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (one, "items"), i, item)
  {
    const char *level = json_str (item, "level", "?");
    const char *advice = json_str (item, "advice", NULL);
    CLEANUP_FREE char *detail =
        xasprintf ("%s%s%s", json_str (item, "detail", ""), advice ? ": " : "",
                   advice ? advice : "");

    table_row (t,
               (const char *[]){json_str (item, "name", "?"), level, detail});
    table_style (t, 1,
                 strcmp (level, "ok") == 0        ? STYLE_GOOD
                 : strcmp (level, "missing") == 0 ? STYLE_BAD
                                                  : STYLE_WARN);
  }
  text = table_text (t);
  printf ("%s (%s): %s\n%s", json_str (one, "id", ""),
          json_str (one, "where", ""),
          json_bool (one, "ok", false) ? "fit to be a helper"
                                       : "can't be a helper as it is",
          text);
}

int
cmd_helper_check (struct cli *cli, struct err **err)
{
  const struct str_vec *args = &cli->options->args;
  CLEANUP_JSON json_t *result = json_array ();
  CLEANUP_JSON json_t *request = request_of_providers (cli);
  size_t i, good = 0;
  json_t *one;

  for (i = 0; i < args->len; i++)
    if (check_one (cli, args->ptr[i], request, result, err) == -1)
      return -1;
  json_array_foreach (result, i, one)
  {
    good += json_bool (one, "ok", false);
    if (!options_flag (cli->options, "json")) {
      printf ("%s", i ? "\n" : "");
      print_one (cli, one);
    }
  }
  if (options_flag (cli->options, "json"))
    output_json ("helpers", json_make ("{s:O}", "helpers", result));
  if (good == json_array_size (result))
    return EXIT_ALL_WELL;
  return good ? EXIT_SOME_NOT : EXIT_NONE;
}
