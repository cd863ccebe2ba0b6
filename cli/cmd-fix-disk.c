/* `bootmend fix-disk`: repairs image files, without any provider. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/files.h>
#include <base/log.h>
#include <base/text.h>
#include <recipes/recipe.h>

#include "disk-run.h"
#include "output.h"
#include "request.h"
#include "table.h"

/* "apply", "report" or "undo". */
static const char *
mode_of (const struct cli *cli, struct err **err)
{
  bool undo = options_flag (cli->options, "undo");

  if (undo && (options_flag (cli->options, "dry-run") ||
               options_count (cli->options, "recipe"))) {
    err_set (err, ERR_USAGE,
             "--undo: goes with neither --dry-run nor --recipe");
    return NULL;
  }
  return undo                                     ? "undo"
         : options_flag (cli->options, "dry-run") ? "report"
                                                  : "apply";
}

/* The folder of one image's evidence. */
static char *
evidence_of (const struct cli *cli, const struct image *image)
{
  const char *given = options_text (cli->options, "evidence");
  const char *slash = strrchr (image->path, '/');
  CLEANUP_FREE char *name = xasprintf ("%s.bootmend", slash + 1);
  CLEANUP_FREE char *whole = NULL;

  if (given == NULL)
    return xasprintf ("%s.bootmend", image->path);
  whole = realpath (given, NULL);
  return path_join (whole ? whole : given, name);
}

/* Two images of one name would share a folder of --evidence. */
static int
check_evidence (const struct cli *cli, const struct image_vec *images,
                struct err **err)
{
  if (options_text (cli->options, "evidence") == NULL)
    return 0;
  if (folder_make (options_text (cli->options, "evidence"), 0700, err) == -1)
    return err_wrap (err, "--evidence");
  for (size_t i = 0; i < images->len; i++)
    for (size_t j = 0; j < i; j++) {
      CLEANUP_FREE char *a = NULL, *b = NULL;

      if (images->ptr[i].path == NULL || images->ptr[j].path == NULL)
        continue;
      a = evidence_of (cli, &images->ptr[i]);
      b = evidence_of (cli, &images->ptr[j]);
      if (strcmp (a, b) == 0)
        return err_set (err, ERR_USAGE,
                        "--evidence: %s and %s would share %s; repair them one "
                        "after the other, with a folder each",
                        images->ptr[j].name, images->ptr[i].name, a);
    }
  return 0;
}

static json_t *
work_request (const struct cli *cli, const struct image *image,
              const char *mode, json_t *orders)
{
  CLEANUP_FREE char *evidence = evidence_of (cli, image);
  CLEANUP_JSON json_t *policy = options_to_json (cli->options, "policy.");
  json_t *request =
      json_make ("{s:s,s:{s:s,s:s,s:s}}", "mode", mode, "disk", "path",
                 image->path, "format", image->format, "trust_domain", "files");

  if (strcmp (mode, "report") != 0)
    json_put_str (request, "evidence", evidence);
  json_object_update (request, orders);
  json_put_str (request, "isolation", options_text (cli->options, "isolation"));
  json_put_int (request, "limit_ms", options_int (cli->options, "disk-limit"));
  json_put_str (request, "dirty_ntfs", json_str (policy, "dirty_ntfs", NULL));
  if (json_at (policy, "allow"))
    json_put (request, "allow", json_incref (json_at (policy, "allow")));
  return request;
}

/* ---- results ---- */

/* A result without what only matters between controller and agent. */
static json_t *
plain_result (const struct disk_work *work)
{
  static const char *const inner[] = {"bootmend", "event", "id"};
  json_t *result = json_copy (work->result);

  for (size_t i = 0; i < ARRAY_SIZE (inner); i++)
    json_object_del (result, inner[i]);
  json_put_str (result, "image", work->image->name);
  return result;
}

static void
print_json (const struct disk_work *works, size_t n, const char *mode)
{
  json_t *list = json_array (), *counts = json_object ();

  for (size_t i = 0; i < n; i++) {
    const char *outcome = result_outcome (works[i].result);

    json_array_append_new (list, plain_result (&works[i]));
    json_put_int (counts, outcome, json_int (counts, outcome, 0) + 1);
  }
  output_json ("fix-disk", json_make ("{s:s,s:o,s:o}", "mode", mode, "counts",
                                      counts, "disks", list));
}

static void
print_table (const struct cli *cli, const struct disk_work *works, size_t n)
{
  static const struct column columns[] = {{"IMAGE", COLUMN_CUT},
                                          {"OUTCOME", 0},
                                          {"WHY", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;

  for (size_t i = 0; i < n; i++) {
    const char *outcome = result_outcome (works[i].result);
    CLEANUP_FREE char *what = result_what (works[i].result);

    table_row (table, (const char *[]){works[i].image->name, outcome,
                                       what[0] ? what : NULL});
    table_style (table, 1, style_of_outcome (outcome));
  }
  text = table_text (table);
  fputs (text, stdout);
}

/* What the operator should know beyond the table. */
static void
say_notes (const struct disk_work *works, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    json_t *note;
    size_t j;

    json_array_foreach (json_at (works[i].result, "notes"), j, note)
    {
      log_info ("%s: %s", works[i].image->name, json_string_value (note));
    }
    if (strcmp (result_outcome (works[i].result), "repaired") == 0)
      log_info ("%s: evidence in %s", works[i].image->name,
                json_str (works[i].result, "evidence", "?"));
  }
}

static void
run_all (const struct cli *cli, struct disk_run *run,
         const struct image_vec *images, const char *mode, json_t *orders,
         struct disk_work *works)
{
  CLEANUP_FREE struct disk_work *can = xcalloc (images->len, sizeof *can);
  size_t n = 0;

  for (size_t i = 0; i < images->len; i++) {
    works[i].image = &images->ptr[i];
    if (images->ptr[i].err) {
      works[i].result =
          disk_run_failed (run, &images->ptr[i], images->ptr[i].err);
      continue;
    }
    can[n++] = (struct disk_work){.image = &images->ptr[i],
                                  .request = work_request (cli, &images->ptr[i],
                                                           mode, orders)};
  }
  disk_run_work (run, can, n);
  for (size_t i = 0, next = 0; i < images->len; i++)
    if (works[i].result == NULL)
      works[i].result = can[next++].result;
  for (size_t i = 0; i < n; i++)
    json_decref (can[i].request);
}

/* What is to be done to each: {recipe, parameters, origin, allow_unsigned};
 * nothing for an undo. */
static json_t *
orders_of (const struct cli *cli, const char *mode, struct err **err)
{
  CLEANUP_RECIPE struct recipe *recipe = NULL;
  CLEANUP_JSON json_t *origin = NULL;
  json_t *orders;

  if (strcmp (mode, "undo") == 0)
    return json_object ();
  recipe = request_recipe (cli, err);
  origin = recipe ? request_origin (cli, recipe, err) : NULL;
  if (origin == NULL)
    return NULL;
  orders = json_make ("{s:O,s:O,s:O}", "recipe", recipe->json, "parameters",
                      recipe->values, "origin", origin);
  if (options_flag (cli->options, "allow-unsigned"))
    json_put_bool (orders, "allow_unsigned", true);
  return orders;
}

int
cmd_fix_disk (struct cli *cli, struct err **err)
{
  CLEANUP_IMAGES struct image_vec images = VEC_EMPTY;
  CLEANUP_DISK_RUN struct disk_run *run = NULL;
  CLEANUP_FREE struct disk_work *works = NULL;
  const char *mode = mode_of (cli, err);
  CLEANUP_JSON json_t *orders = mode ? orders_of (cli, mode, err) : NULL;
  bool stopped;
  int code;

  if (orders == NULL)
    return -1;
  if (images_find (cli, &images, err) == -1 ||
      check_evidence (cli, &images, err) == -1)
    return -1;
  run = disk_run_new (cli, images.len, err);
  if (run == NULL)
    return -1;
  works = xcalloc (images.len, sizeof *works);
  run_all (cli, run, &images, mode, orders, works);
  stopped = disk_run_was_stopped (run);
  disk_run_end_display (run);
  if (options_flag (cli->options, "json"))
    print_json (works, images.len, mode);
  else
    print_table (cli, works, images.len);
  say_notes (works, images.len);
  code = results_exit_code (works, images.len, stopped);
  for (size_t i = 0; i < images.len; i++)
    json_decref (works[i].result);
  return code;
}
