/* `bootmend recipes ...`: what recipes there are and what each does. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/clock.h>
#include <base/log.h>
#include <base/text.h>
#include <recipes/recipe.h>

#include "output.h"
#include "request.h"
#include "table.h"

/* With the parameters of the command line, or with examples where there are
 * none: it is looked at, not carried out. */
static struct recipe *
load (const struct cli *cli, const char *name, struct err **err)
{
  CLEANUP_JSON json_t *json = recipe_find (name, err);
  CLEANUP_JSON json_t *values = NULL;

  if (json == NULL)
    return NULL;
  if (options_count (cli->options, "param") == 0)
    return recipe_new_example (json, err);
  values = request_values (cli, json, err);
  return values ? recipe_new (json, values, err) : NULL;
}

static json_t *
summary (const struct recipe *recipe, const char *source)
{
  return json_make ("{s:s,s:I,s:s,s:s,s:s,s:s}", "name", recipe->name,
                    "version", (json_int_t)recipe->version, "title",
                    recipe->title, "os", recipe_os_name (recipe->os), "sha256",
                    recipe->sha256, "source", source);
}

int
cmd_recipes_list (struct cli *cli, struct err **err)
{
  static const struct column columns[] = {{"NAME", 0},
                                          {"OS", 0},
                                          {"VERSION", COLUMN_RIGHT},
                                          {"WHAT", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_JSON json_t *list = json_array ();
  CLEANUP_FREE char *text = NULL;

  for (size_t i = 0; recipe_builtin_names[i]; i++) {
    CLEANUP_RECIPE struct recipe *recipe = NULL;
    CLEANUP_JSON json_t *json = recipe_find (recipe_builtin_names[i], err);
    CLEANUP_FREE char *version = NULL;

    recipe = json ? recipe_new_example (json, err) : NULL;
    if (recipe == NULL)
      return -1;
    version = xasprintf ("%lld", (long long)recipe->version);
    json_array_append_new (list, summary (recipe, "built-in"));
    table_row (table,
               (const char *[]){recipe->name, recipe_os_name (recipe->os),
                                version, recipe->title});
  }
  if (options_flag (cli->options, "json")) {
    output_json ("recipes", json_make ("{s:O}", "recipes", list));
    return EXIT_ALL_WELL;
  }
  text = table_text (table);
  fputs (text, stdout);
  return EXIT_ALL_WELL;
}

/* ---- show ---- */

/* A heading, and below it a paragraph for each line of the text. */
static void
add_section (struct strbuf *sb, const char *heading, const char *text,
             int width)
{
  if (text == NULL)
    return;
  strbuf_addf (sb, "\n%s:\n", heading);
  while (*text) {
    size_t len = strcspn (text, "\n");
    CLEANUP_FREE char *line = xstrndup (text, len);
    CLEANUP_FREE char *clean = text_printable (line);

    add_spaces (sb, 2);
    add_wrapped (sb, clean, 2, 2, width);
    strbuf_addch (sb, '\n');
    text += len + (text[len] == '\n');
  }
}

static void add_item (struct strbuf *sb, int width, const char *fmt, ...)
    ATTR_PRINTF (3, 4);

static void
add_item (struct strbuf *sb, int width, const char *fmt, ...)
{
  CLEANUP_FREE char *raw = NULL;
  CLEANUP_FREE char *clean = NULL;
  va_list args;

  va_start (args, fmt);
  raw = xvasprintf (fmt, args);
  va_end (args);
  clean = text_printable (raw);
  strbuf_addstr (sb, "  - ");
  add_wrapped (sb, clean, 4, 4, width);
  strbuf_addch (sb, '\n');
}

/* "header aa aa, changed from ... to before ..." */
static char *
conditions (const struct recipe_match *match)
{
  struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *header = hex_encode (match->header, match->header_len);
  CLEANUP_FREE char *from = time_format_ms (match->modified_from_ms);
  CLEANUP_FREE char *before = time_format_ms (match->modified_before_ms);

  strbuf_addstr (&sb, match->folder ? "a folder" : "a file");
  if (match->header)
    strbuf_addf (&sb, ", starts with the bytes %s", header);
  if (match->has_modified_from)
    strbuf_addf (&sb, ", changed at %s or later", from);
  if (match->has_modified_before)
    strbuf_addf (&sb, ", changed before %s", before);
  if (match->size_min >= 0)
    strbuf_addf (&sb, ", at least %lld bytes", (long long)match->size_min);
  if (match->size_max >= 0)
    strbuf_addf (&sb, ", at most %lld bytes", (long long)match->size_max);
  if (match->sha256)
    strbuf_addf (&sb, ", with one of %zu known SHA-256 sums",
                 strv_length (match->sha256));
  if (match->required)
    strbuf_addstr (&sb, "; must be there");
  return strbuf_take (&sb);
}

static void
add_matches (struct strbuf *sb, const struct recipe *recipe, int width)
{
  if (recipe->n_matches)
    strbuf_addstr (sb, "\nLooks for:\n");
  for (size_t i = 0; i < recipe->n_matches; i++) {
    CLEANUP_FREE char *text = conditions (&recipe->matches[i]);

    add_item (sb, width, "%s: %s: %s", recipe->matches[i].id,
              recipe->matches[i].path, text);
  }
}

static void
add_actions (struct strbuf *sb, const struct recipe *recipe, int width)
{
  strbuf_addstr (sb, "\nDoes:\n");
  for (size_t i = 0; i < recipe->n_actions; i++) {
    const struct recipe_action *a = &recipe->actions[i];
    const char *target = a->to ? a->to : a->path;

    add_item (sb, width, "%s %s%s%s (%s)", a->type->name,
              a->of     ? a->of->id
              : a->from ? a->from
                        : "",
              target && (a->of || a->from) ? " to " : "", target ? target : "",
              a->type->meaning);
  }
  if (recipe->n_checks)
    strbuf_addstr (sb, "\nThen makes sure of:\n");
  for (size_t i = 0; i < recipe->n_checks; i++) {
    const struct recipe_check *c = &recipe->checks[i];

    add_item (sb, width, "%s: %s",
              c->kind == CHECK_ABSENT ? "absent" : "present",
              c->of ? c->of->id : c->path);
  }
}

static void
add_parameters (struct strbuf *sb, const struct recipe *recipe, int width)
{
  const char *name;
  json_t *parameter;

  if (json_object_size (recipe->parameters))
    strbuf_addstr (sb, "\nParameters (--param NAME=VALUE):\n");
  json_object_foreach (recipe->parameters, name, parameter)
  {
    json_t *otherwise = json_object_get (parameter, "default");
    CLEANUP_FREE char *value = json_is_string (otherwise)
                                   ? xstrdup (json_string_value (otherwise))
                               : otherwise ? json_text (otherwise)
                                           : NULL;

    add_item (sb, width, "%s (%s%s%s): %s", name,
              json_str (parameter, "type", "?"),
              value ? ", default " : ", must be given", value ? value : "",
              json_str (parameter, "description", ""));
  }
}

static char *
recipe_page (const struct recipe *recipe, int width)
{
  struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *title = text_printable (recipe->title);
  CLEANUP_FREE char *head = xasprintf ("%s (version %lld, %s): %s",
                                       recipe->name, (long long)recipe->version,
                                       recipe_os_name (recipe->os), title);

  add_wrapped (&sb, head, 0, 2, width);
  strbuf_addch (&sb, '\n');
  add_section (&sb, "What it is for", recipe->description, width);
  add_matches (&sb, recipe, width);
  add_actions (&sb, recipe, width);
  add_parameters (&sb, recipe, width);
  add_section (&sb, "Why these proofs", recipe->why, width);
  if (recipe->sources && recipe->sources[0])
    strbuf_addstr (&sb, "\nSources:\n");
  for (size_t i = 0; recipe->sources && recipe->sources[i]; i++)
    add_item (&sb, width, "%s", recipe->sources[i]);
  strbuf_addf (&sb, "\nSHA-256: %s\n", recipe->sha256);
  return strbuf_take (&sb);
}

int
cmd_recipes_show (struct cli *cli, struct err **err)
{
  CLEANUP_RECIPE struct recipe *recipe =
      load (cli, cli->options->args.ptr[0], err);
  CLEANUP_FREE char *text = NULL;

  if (recipe == NULL)
    return -1;
  /* The recipe itself and no envelope: what can be saved as a file. */
  if (options_flag (cli->options, "json"))
    text = json_text_pretty (recipe->json);
  else
    text = recipe_page (recipe, terminal_text_width (&cli->out));
  printf ("%s%s", text, text[strlen (text) - 1] == '\n' ? "" : "\n");
  return EXIT_ALL_WELL;
}

/* ---- check, schema ---- */

static bool
check_one (const struct cli *cli, const char *name, json_t *list)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_RECIPE struct recipe *recipe = load (cli, name, &err);
  json_t *entry;

  if (recipe) {
    entry = summary (recipe, name);
    json_put_bool (entry, "good", true);
    if (!options_flag (cli->options, "json"))
      printf ("%s: good (%s, version %lld)\n", name, recipe->name,
              (long long)recipe->version);
  } else {
    entry = json_make ("{s:s,s:b,s:o}", "source", name, "good", 0, "error",
                       json_from_err (err));
    log_error ("recipes check: %s", err->msg);
  }
  json_array_append_new (list, entry);
  return recipe != NULL;
}

int
cmd_recipes_check (struct cli *cli, struct err **err)
{
  const struct str_vec *args = &cli->options->args;
  CLEANUP_JSON json_t *list = json_array ();
  size_t good = 0;

  (void)err;
  for (size_t i = 0; i < args->len; i++)
    good += check_one (cli, args->ptr[i], list);
  if (options_flag (cli->options, "json"))
    output_json ("recipes-check", json_make ("{s:O}", "recipes", list));
  if (good == args->len)
    return EXIT_ALL_WELL;
  return good ? EXIT_SOME_NOT : EXIT_NONE;
}

int
cmd_recipes_schema (struct cli *cli, struct err **err)
{
  size_t len = strlen (recipe_schema);

  (void)cli;
  (void)err;
  fputs (recipe_schema, stdout);
  if (len && recipe_schema[len - 1] != '\n')
    putchar ('\n');
  return EXIT_ALL_WELL;
}
