#include "diagnose.h"

#include <string.h>

#include "disk-run.h"
#include "inspect-recipes.h"

json_t *
diagnose_request (const struct cli *cli, const struct image *image,
                  json_t *recipes)
{
  return json_make ("{s:s,s:{s:s,s:s,s:s},s:s,s:I,s:O,s:b}", "mode", "inspect",
                    "disk", "path", image->path, "format", image->format,
                    "trust_domain", "files", "isolation",
                    options_text (cli->options, "isolation"), "limit_ms",
                    (json_int_t)options_int (cli->options, "disk-limit"),
                    "recipes", recipes, "findings", 1);
}

/* Rows of recipes as a rule wants them. */
json_t *
diagnose_findings (const json_t *result)
{
  json_t *findings, *recipes, *tried;
  size_t i;

  if (!json_at (result, "findings"))
    return NULL;
  findings = json_copy (json_at (result, "findings"));
  recipes = json_array ();

  json_array_foreach (json_at (result, "recipes"), i, tried)
  {
    CLEANUP_FREE char *what = result_what (tried);

    json_array_append_new (recipes,
                           json_make ("{s:s,s:s,s:s}", "name",
                                      json_str (tried, "name", "?"), "outcome",
                                      result_outcome (tried), "what", what));
  }
  json_put (findings, "recipes", recipes);
  return findings;
}

static void
add_result (struct patient_vec *patients, const struct diagnosis_rules *rules,
            const struct image *image, const json_t *result)
{
  CLEANUP_JSON json_t *findings = diagnose_findings (result);
  CLEANUP_FREE char *what = NULL;

  if (findings) {
    patient_add (patients, rules, image->name, findings);
    return;
  }
  what = result_what (result);
  patient_add_problem (patients, image->name, result_outcome (result), what);
}

int
diagnose_images (struct cli *cli, const struct diagnosis_rules *rules,
                 struct patient_vec *patients, struct err **err)
{
  CLEANUP_IMAGES struct image_vec images = VEC_EMPTY;
  CLEANUP_DISK_RUN struct disk_run *run = NULL;
  CLEANUP_JSON json_t *recipes = recipes_to_try (err);
  CLEANUP_FREE struct disk_work *works = NULL;
  size_t n = 0;

  if (recipes == NULL || images_find (cli, &images, err) == -1)
    return -1;
  run = disk_run_new (cli, images.len, err);
  if (run == NULL)
    return -1;
  works = xcalloc (images.len, sizeof *works);
  for (size_t i = 0; i < images.len; i++)
    if (images.ptr[i].err == NULL) {
      works[n].image = &images.ptr[i];
      works[n++].request = diagnose_request (cli, &images.ptr[i], recipes);
    } else {
      CLEANUP_JSON json_t *result =
          disk_run_failed (run, &images.ptr[i], images.ptr[i].err);

      add_result (patients, rules, &images.ptr[i], result);
    }
  disk_run_work (run, works, n);
  disk_run_end_display (run);
  for (size_t i = 0; i < n; i++) {
    add_result (patients, rules, works[i].image, works[i].result);
    json_decref (works[i].request);
    json_decref (works[i].result);
  }
  return 0;
}
