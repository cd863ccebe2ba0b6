/* `bootmend inspect`: what is on a disk, and which recipes would help: the
 * agent tries each built-in one, without any change, on the images that have
 * its operating system, in the same appliance as the look. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>
#include <recipes/recipe.h>

#include "disk-run.h"
#include "inspect-recipes.h"
#include "output.h"
#include "table.h"

/* Everything that is known of one image. */
struct finding {
  const struct image *image;
  json_t *result;  /* of the inspection */
  json_t *recipes; /* [{name, outcome, reason, ...}] */
};

json_t *
recipes_to_try (struct err **err)
{
  CLEANUP_JSON json_t *list = json_array ();

  for (size_t i = 0; recipe_builtin_names[i]; i++) {
    CLEANUP_JSON json_t *json = recipe_find (recipe_builtin_names[i], err);
    CLEANUP_RECIPE struct recipe *recipe = NULL;

    if (json == NULL)
      return NULL;
    recipe = recipe_new (json, NULL, NULL);
    if (recipe && !recipe->no_suggestion)
      json_array_append_new (list,
                             json_make ("{s:O,s:O}", "recipe", recipe->json,
                                        "parameters", recipe->values));
  }
  return TAKE (list);
}

static json_t *
request (const struct cli *cli, const struct image *image, json_t *recipes)
{
  return json_make ("{s:s,s:{s:s,s:s,s:s},s:s,s:I,s:O}", "mode", "inspect",
                    "disk", "path", image->path, "format", image->format,
                    "trust_domain", "files", "isolation",
                    options_text (cli->options, "isolation"), "limit_ms",
                    (json_int_t)options_int (cli->options, "disk-limit"),
                    "recipes", recipes);
}

/* A row of the agent's, with what it comes to in words. */
static void
add_recipe_row (struct finding *finding, const json_t *tried)
{
  static const char *const kept[] = {"matches", "kept", "changes", "refusal"};
  CLEANUP_FREE char *what = result_what (tried);
  json_t *row =
      json_make ("{s:s,s:s,s:s}", "name", json_str (tried, "name", "?"),
                 "outcome", result_outcome (tried), "what", what);

  for (size_t i = 0; i < ARRAY_SIZE (kept); i++)
    if (json_at (tried, kept[i]))
      json_put (row, kept[i], json_incref (json_at (tried, kept[i])));
  json_array_append_new (finding->recipes, row);
}

static void
inspect_all (const struct cli *cli, struct disk_run *run,
             struct finding *findings, size_t n, json_t *recipes)
{
  CLEANUP_FREE struct disk_work *works = xcalloc (n, sizeof *works);
  CLEANUP_FREE struct finding **of = xcalloc (n, sizeof (struct finding *));
  size_t m = 0;

  for (size_t i = 0; i < n; i++) {
    const struct image *image = findings[i].image;

    if (image->err) {
      findings[i].result = disk_run_failed (run, image, image->err);
      continue;
    }
    of[m] = &findings[i];
    works[m].image = image;
    works[m++].request = request (cli, image, recipes);
  }
  disk_run_work (run, works, m);
  for (size_t i = 0; i < m; i++) {
    json_t *tried;
    size_t j;

    of[i]->result = works[i].result;
    json_array_foreach (json_at (works[i].result, "recipes"), j, tried)
    {
      add_recipe_row (of[i], tried);
    }
    json_decref (works[i].request);
  }
}

/* ---- for people ---- */

/* "encrypted (BitLocker), unlocked with recovery-password 6431...": of a closed
 * one, why it is. */
static void
add_encryption (struct strbuf *sb, const json_t *volume)
{
  const json_t *e = json_at (volume, "bitlocker")
                        ? json_at (volume, "bitlocker")
                        : json_at (volume, "luks");
  const char *method = json_str (e, "method", NULL);

  strbuf_addf (sb, "encrypted (%s%s%s)", json_str (volume, "encryption", ""),
               method ? ", " : "", method ? method : "");
  if (json_bool (e, "unlocked", false))
    strbuf_addf (sb, ", unlocked with %s", json_str (e, "opened_by", "?"));
  else if (json_str (e, "refusal", NULL))
    strbuf_addf (sb, ", closed: %s", json_str (e, "refusal", ""));
}

/* "log dirty (2.0), marked dirty" */
static char *
volume_state (const json_t *volume)
{
  struct strbuf sb = STRBUF_EMPTY;
  const char *version = json_str (volume, "ntfs.log_version", NULL);

  if (json_str (volume, "encryption", NULL))
    add_encryption (&sb, volume);
  if (json_str (volume, "ntfs.log", NULL)) {
    strbuf_addf (&sb, "%slog %s", sb.len ? ", " : "",
                 json_str (volume, "ntfs.log", ""));
    if (version)
      strbuf_addf (&sb, " (version %s)", version);
  }
  if (json_bool (volume, "ntfs.dirty_flag", false))
    strbuf_addf (&sb, "%smarked dirty", sb.len ? ", " : "");
  if (json_str (volume, "subvolume", NULL))
    strbuf_addf (&sb, "%ssubvolume %s", sb.len ? ", " : "",
                 json_str (volume, "subvolume", ""));
  return strbuf_take (&sb);
}

static char *
volume_table (const struct cli *cli, const json_t *volumes)
{
  static const struct column columns[] = {{"  VOLUME", 0},
                                          {"SIZE", COLUMN_RIGHT},
                                          {"TYPE", 0},
                                          {"LABEL", COLUMN_CUT},
                                          {"STATE", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  json_t *volume;
  size_t i;

  json_array_foreach (volumes, i, volume)
  {
    CLEANUP_FREE char *name =
        xasprintf ("  %s", json_str (volume, "name", "?"));
    CLEANUP_FREE char *size =
        text_bytes ((uint64_t)json_int (volume, "size_bytes", 0));
    CLEANUP_FREE char *state = volume_state (volume);
    const char *type = json_str (volume, "type", "?");

    table_row (table,
               (const char *[]){name, size,
                                strcmp (type, "unknown") == 0
                                    ? json_str (volume, "type_guess", type)
                                    : type,
                                json_str (volume, "label", NULL),
                                state[0] ? state : NULL});
    if (json_str (volume, "encryption", NULL))
      table_style (table, 4, STYLE_WARN);
  }
  return table_text (table);
}

static void
add_line (struct strbuf *sb, const struct cli *cli, const char *label,
          const char *text)
{
  CLEANUP_FREE char *clean = terminal_clean (&cli->out, text);

  strbuf_addf (sb, "  %s ", label);
  add_wrapped (sb, clean, 3 + (int)strlen (label), 4,
               terminal_text_width (&cli->out));
  strbuf_addch (sb, '\n');
}

/* Each protector of a closed volume: it is by these that keys are found. */
static void
add_protectors (struct strbuf *sb, const struct cli *cli, const json_t *volume)
{
  const json_t *e = json_at (volume, "bitlocker");
  json_t *protector;
  size_t i;

  if (json_str (e, "description", NULL)) {
    CLEANUP_FREE char *text =
        xasprintf ("%s, %s", json_str (volume, "name", "?"),
                   json_str (e, "description", ""));

    add_line (sb, cli, "BitLocker of:", text);
  }
  json_array_foreach (json_at (e, "protectors"), i, protector)
  {
    CLEANUP_FREE char *text =
        xasprintf ("%s (%s)%s", json_str (protector, "guid", "?"),
                   json_str (protector, "type", "?"),
                   json_bool (protector, "opens", false)
                       ? ""
                       : ": of no use outside of the VM");

    add_line (sb, cli, "Key protector:", text);
  }
}

static void
add_os (struct strbuf *sb, const struct cli *cli, const json_t *result)
{
  const char *type = json_str (result, "os.type", NULL);
  const char *name = json_str (result, "os.name", type);
  CLEANUP_FREE char *text = NULL;
  json_t *note;
  size_t i;

  if (type) {
    text = xasprintf ("%s on %s, %s", name, json_str (result, "os.volume", "?"),
                      json_str (result, "os.system_folder", "/"));
    if (json_str (result, "os.volume", NULL))
      add_line (sb, cli, "System:", text);
  }
  json_array_foreach (json_at (result, "notes"), i, note)
  {
    add_line (sb, cli, "Note:", json_string_value (note));
  }
}

static void
print_finding (const struct cli *cli, const struct finding *finding)
{
  const json_t *disk = json_at (finding->result, "disk"), *result;
  CLEANUP_FREE char *name = terminal_clean (&cli->out, finding->image->name);
  struct strbuf sb = STRBUF_EMPTY;
  json_t *recipe, *volume;
  size_t i;

  result = finding->result;
  strbuf_addf (&sb, "%s: ", name);
  if (disk) {
    CLEANUP_FREE char *size =
        text_bytes ((uint64_t)json_int (disk, "size_bytes", 0));
    CLEANUP_FREE char *volumes = volume_table (cli, json_at (disk, "volumes"));

    strbuf_addf (&sb, "%s, %s, partition table %s\n%s",
                 json_str (disk, "format", "?"), size,
                 json_str (disk, "partition_table", "?"), volumes);
  }
  json_array_foreach (json_at (disk, "volumes"), i, volume)
  {
    add_protectors (&sb, cli, volume);
  }
  if (strcmp (result_outcome (result), "inspected") != 0) {
    CLEANUP_FREE char *what = result_what (result);
    CLEANUP_FREE char *clean = terminal_clean (&cli->out, what);

    add_styled (&sb, style_of_outcome (result_outcome (result)),
                cli->out.colour, result_outcome (result));
    strbuf_addf (&sb, ": %s\n", clean);
  }
  add_os (&sb, cli, result);
  json_array_foreach (finding->recipes, i, recipe)
  {
    CLEANUP_FREE char *label =
        xasprintf ("Recipe %s:", json_str (recipe, "name", "?"));
    const char *what = json_str (recipe, "what", "");
    CLEANUP_FREE char *text =
        xasprintf ("%s%s%s", json_str (recipe, "outcome", "?"),
                   what[0] ? ": " : "", what);

    add_line (&sb, cli, label, text);
  }
  fputs (sb.buf, stdout);
  strbuf_release (&sb);
}

static void
print_json (const struct finding *findings, size_t n)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < n; i++) {
    static const char *const kept[] = {"outcome", "reason", "refusal", "error",
                                       "disk",    "os",     "notes"};
    json_t *row = json_object ();

    json_put_str (row, "image", findings[i].image->name);
    for (size_t k = 0; k < ARRAY_SIZE (kept); k++)
      if (json_at (findings[i].result, kept[k]))
        json_put (row, kept[k],
                  json_incref (json_at (findings[i].result, kept[k])));
    json_put (row, "recipes", json_incref (findings[i].recipes));
    json_array_append_new (list, row);
  }
  output_json ("inspect", json_make ("{s:o}", "disks", list));
}

static int
show (const struct cli *cli, const struct finding *findings, size_t n,
      bool stopped)
{
  CLEANUP_FREE struct disk_work *works = xcalloc (n, sizeof *works);

  if (options_flag (cli->options, "json"))
    print_json (findings, n);
  for (size_t i = 0; i < n; i++) {
    if (!options_flag (cli->options, "json"))
      print_finding (cli, &findings[i]);
    works[i].result = findings[i].result;
  }
  return results_exit_code (works, n, stopped);
}

int
cmd_inspect (struct cli *cli, struct err **err)
{
  CLEANUP_IMAGES struct image_vec images = VEC_EMPTY;
  CLEANUP_DISK_RUN struct disk_run *run = NULL;
  CLEANUP_FREE struct finding *findings = NULL;
  CLEANUP_JSON json_t *recipes = options_flag (cli->options, "no-recipes")
                                     ? json_array ()
                                     : recipes_to_try (err);
  bool stopped;
  int code;

  if (recipes == NULL || images_find (cli, &images, err) == -1)
    return -1;
  run = disk_run_new (cli, images.len, err);
  if (run == NULL)
    return -1;
  findings = xcalloc (images.len, sizeof *findings);
  for (size_t i = 0; i < images.len; i++) {
    findings[i].image = &images.ptr[i];
    findings[i].recipes = json_array ();
  }
  inspect_all (cli, run, findings, images.len, recipes);
  stopped = disk_run_was_stopped (run);
  disk_run_end_display (run);
  code = show (cli, findings, images.len, stopped);
  for (size_t i = 0; i < images.len; i++) {
    json_decref (findings[i].result);
    json_decref (findings[i].recipes);
  }
  return code;
}
