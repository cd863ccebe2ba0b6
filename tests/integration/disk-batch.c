/* batch_run as a program, for tests and benches of the disk operations alone.
 *
 *   disk-batch SCRATCH < WORKS > RESULTS
 *
 * WORKS is a JSON array of works: the fields of struct work, with "recipe" as
 * a recipe's name, path or object, and "parameters"; "recipes" of an inspection
 * is an array of {recipe, parameters}.  RESULTS are JSON lines
 * {id, result}, and {appliance: phase, ...}; the last is {end: "ok"} or {end:
 * error}. BOOTMEND_TEST_KILL=ID:STAGE ends the program by SIGKILL when that
 * disk comes to that stage; BOOTMEND_TEST_PAUSE=ID:STAGE:FILE waits there until
 * FILE is gone. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/log.h>
#include <base/json.h>
#include <disk-ops/parse.h>
#include <disk-ops/work.h>
#include <recipes/recipe.h>

#define MAX_WORKS (16 << 20)

static void
print_line (json_t *json_taken)
{
  CLEANUP_FREE char *text = json_text (json_taken);

  printf ("%s\n", text);
  fflush (stdout);
  json_decref (json_taken);
}

static bool
is_at (const char *variable, const char *id, const char *stage,
       const char **rest)
{
  const char *wanted = getenv (variable);
  CLEANUP_FREE char *here = xasprintf ("%s:%s", id, stage);
  size_t len = strlen (here);

  if (wanted == NULL || strncmp (wanted, here, len) != 0)
    return false;
  *rest = wanted + len;
  return **rest == '\0' || **rest == ':';
}

static void
on_stage (void *opaque, const char *id, const char *stage, const json_t *detail)
{
  const char *rest;

  (void)opaque;
  (void)detail;
  if (getenv ("BOOTMEND_TEST_STAGES"))
    print_line (json_make ("{s:s, s:s}", "id", id, "stage", stage));
  if (is_at ("BOOTMEND_TEST_PAUSE", id, stage, &rest))
    for (int i = 0; i < 600 && access (rest + 1, F_OK) == 0; i++)
      usleep (100000);
  if (is_at ("BOOTMEND_TEST_KILL", id, stage, &rest))
    raise (SIGKILL);
}

static void
on_appliance (void *opaque, const char *phase, const json_t *detail)
{
  json_t *line = json_deep_copy (detail);

  (void)opaque;
  json_put_str (line, "appliance", phase);
  print_line (line);
}

static void
on_result (void *opaque, const char *id, json_t *result_taken)
{
  (void)opaque;
  print_line (json_make ("{s:s, s:o}", "id", id, "result", result_taken));
}

/* "keys" of a work: the answer to whatever is asked for. */
static json_t *all_keys;

static json_t *
on_keys (void *opaque, const char *id, const json_t *wanted)
{
  (void)opaque;
  print_line (json_make ("{s:s, s:O}", "id", id, "wanted", wanted));
  return json_make ("{s:O*}", "keys", json_object_get (all_keys, id));
}

static const struct recipe *
load_recipe (const json_t *json, const json_t *values)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *found = NULL;
  struct recipe *recipe = NULL;

  if (json == NULL || json_is_null (json))
    return NULL;
  found = json_is_string (json) ? recipe_find (json_string_value (json), &err)
                                : json_incref ((json_t *)json);
  if (found)
    recipe = recipe_new (found, values, &err);
  if (recipe == NULL) {
    log_error ("%s", err->msg);
    exit (2);
  }
  return recipe;
}

/* Those to try in an inspection, ended by NULL; NULL: none. */
static const struct recipe **
load_recipes (const json_t *json)
{
  size_t n = json_array_size (json);
  const struct recipe **recipes;

  if (n == 0)
    return NULL;
  recipes = xcalloc (n + 1, sizeof (const struct recipe *));
  for (size_t i = 0; i < n; i++) {
    const json_t *each = json_array_get (json, i);

    recipes[i] = load_recipe (json_object_get (each, "recipe"),
                              json_object_get (each, "parameters"));
  }
  return recipes;
}

static void
free_recipes (const struct work *work)
{
  for (size_t i = 0; work->recipes && work->recipes[i]; i++)
    recipe_free ((struct recipe *)work->recipes[i]);
  free ((void *)work->recipes);
}

static void
load_work (const json_t *json, struct work *work)
{
  work->id = json_str (json, "id", "?");
  work->mode = json_str (json, "mode", "report");
  work->recipe = load_recipe (json_object_get (json, "recipe"),
                              json_object_get (json, "parameters"));
  work->recipes = load_recipes (json_object_get (json, "recipes"));
  work->path = json_str (json, "path", "");
  work->format = json_str (json, "format", "raw");
  work->size_bytes = json_int (json, "size_bytes", -1);
  work->serial = json_str (json, "serial", NULL);
  work->evidence = json_str (json, "evidence", NULL);
  work->allow = json_object_get (json, "allow");
  work->dirty_ntfs = json_str (json, "dirty_ntfs", NULL);
  work->limit_ms = json_int (json, "limit_ms", 120000);
  work->ask_keys = true;
  json_object_set (all_keys, work->id, json_object_get (json, "keys"));
  work->unchanged = json_bool (json, "unchanged", false);
}

int
main (int argc, char **argv)
{
  static const struct batch_hooks hooks = {.stage = on_stage,
                                           .appliance = on_appliance,
                                           .result = on_result,
                                           .keys = on_keys};
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *json = NULL;
  struct batch_options options = {0};
  struct work *works;
  size_t n;

  if (parse_is_child (argc, argv))
    parse_child_main (disk_parsers, argc, argv);
  if (argc != 2) {
    fprintf (stderr, "Usage: disk-batch SCRATCH < WORKS\n");
    return 2;
  }
  if (getenv ("BOOTMEND_TEST_DEBUG"))
    log_level = LOG_DEBUG;
  json = json_parse_file ("/dev/stdin", MAX_WORKS, &err);
  if (json == NULL) {
    log_error ("%s", err->msg);
    return 2;
  }
  n = json_array_size (json);
  all_keys = json_object ();
  works = xcalloc (n + 1, sizeof *works);
  for (size_t i = 0; i < n; i++)
    load_work (json_array_get (json, i), &works[i]);
  options.scratch = argv[1];
  options.parse_program = "/proc/self/exe";
  options.force_tcg = kvm_is_broken (argv[1]);
  if (batch_run (&options, works, n, &hooks, &err) == -1)
    print_line (json_make ("{s:o}", "end", json_from_err (err)));
  else
    print_line (json_make ("{s:s}", "end", "ok"));
  for (size_t i = 0; i < n; i++) {
    recipe_free ((struct recipe *)works[i].recipe);
    free_recipes (&works[i]);
  }
  free (works);
  json_decref (all_keys);
  return err ? 1 : 0;
}
