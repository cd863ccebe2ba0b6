/* `bootmend recipes test`: a recipe's whole life on throw-away overlays of real
 * disks, for authors, before it meets a VM. */

#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/command.h>
#include <base/files.h>
#include <base/log.h>
#include <recipes/signature.h>

#include "disk-run.h"
#include "output.h"
#include "request.h"
#include "table.h"

#define TOOL_LIMIT_MS 600000

/* The stages, in order: what each asks for, and what has to come of it for a
 * disk that the recipe changes, and for one that it finds clean. */
static const struct stage {
  const char *name, *mode;
  const char *changed, *clean;
  const char *evidence; /* folder of its own, so that nothing is known */
} stages[] = {
    {"report", "report", "needed", "clean", NULL},
    {"apply", "apply", "repaired", "clean", "first"},
    {"again", "apply", "clean", "clean", "second"},
    {"undo", "undo", "undone", NULL, "first"},
};

struct trial {
  const struct image *image; /* of the operator */
  struct image overlay;
  char *folder;
  json_t *result[ARRAY_SIZE (stages)]; /* NULL: not tried */
  bool over, good;
  char *why;
};

static void
trials_release (struct trial *trials, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < ARRAY_SIZE (stages); j++)
      json_decref (trials[i].result[j]);
    free (trials[i].overlay.name);
    free (trials[i].overlay.path);
    free (trials[i].folder);
    free (trials[i].why);
  }
}

static void
conclude (struct trial *trial, bool good, char *why_taken)
{
  trial->over = true;
  trial->good = good;
  free (trial->why);
  trial->why = why_taken;
}

static int
make_overlay (struct trial *trial, const char *place, size_t number,
              struct err **err)
{
  CLEANUP_COMMAND struct command_result result = {0};
  const char *argv[] = {"qemu-img",
                        "create",
                        "-q",
                        "-f",
                        "qcow2",
                        "-F",
                        trial->image->format,
                        "-b",
                        trial->image->path,
                        NULL,
                        NULL};

  trial->folder = xasprintf ("%s/%zu", place, number);
  trial->overlay.name = xstrdup (trial->image->name);
  trial->overlay.path = path_join (trial->folder, "disk.qcow2");
  trial->overlay.format = (char *)"qcow2";
  argv[9] = trial->overlay.path;
  if (folder_make (trial->folder, 0700, err) == -1)
    return -1;
  return command_run_ok (argv, NULL, TOOL_LIMIT_MS, 65536, &result, err);
}

static json_t *
request_of (const struct cli *cli, const struct trial *trial,
            const struct stage *stage, json_t *orders)
{
  json_t *request = json_make ("{s:s,s:{s:s,s:s,s:s}}", "mode", stage->mode,
                               "disk", "path", trial->overlay.path, "format",
                               "qcow2", "trust_domain", "files");
  CLEANUP_JSON json_t *policy = options_to_json (cli->options, "policy.");

  if (stage->evidence) {
    CLEANUP_FREE char *evidence = path_join (trial->folder, stage->evidence);

    json_put_str (request, "evidence", evidence);
  }
  if (strcmp (stage->mode, "undo") != 0)
    json_object_update (request, orders);
  json_put_str (request, "isolation", options_text (cli->options, "isolation"));
  json_put_int (request, "limit_ms", options_int (cli->options, "disk-limit"));
  if (json_at (policy, "allow"))
    json_put (request, "allow", json_incref (json_at (policy, "allow")));
  return request;
}

/* After an undo the overlay has to look like what is below it. */
static void
compare (struct trial *trial)
{
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *err = NULL;
  const char *argv[] = {"qemu-img",
                        "compare",
                        "-q",
                        "-f",
                        "qcow2",
                        "-F",
                        trial->image->format,
                        "--",
                        trial->overlay.path,
                        trial->image->path,
                        NULL};

  if (command_run (argv, NULL, TOOL_LIMIT_MS, 65536, &result, &err) == -1)
    conclude (trial, false, xasprintf ("could not be compared: %s", err->msg));
  else if (result.exit_status != 0)
    conclude (trial, false,
              xstrdup ("undo: the disk is not as before, to the byte"));
  else
    conclude (trial, true, result_what (trial->result[1]));
}

static void
judge (struct trial *trial, size_t number)
{
  const json_t *result = trial->result[number];
  const char *outcome = result_outcome (result);
  bool changes = strcmp (result_outcome (trial->result[0]), "needed") == 0;
  const char *wanted = changes ? stages[number].changed : stages[number].clean;

  if (wanted == NULL || strcmp (outcome, wanted) != 0) {
    CLEANUP_FREE char *what = result_what (result);

    bool said = strcmp (outcome, "refused") == 0 ||
                strcmp (outcome, "failed") == 0 || wanted == NULL;

    conclude (trial, false,
              xasprintf ("%s: %s%s%s: %s", stages[number].name, outcome,
                         said ? "" : ", not ", said ? "" : wanted, what));
  } else if (!changes && number == 2)
    conclude (trial, true,
              xstrdup ("nothing to change on this disk: only that was tried"));
  else if (number + 1 == ARRAY_SIZE (stages))
    compare (trial);
}

static void
run_stage (const struct cli *cli, struct disk_run *run, struct trial *trials,
           size_t n, size_t number, json_t *orders)
{
  CLEANUP_FREE struct disk_work *works = xcalloc (n, sizeof *works);
  CLEANUP_FREE size_t *of = xcalloc (n, sizeof *of);
  size_t m = 0;

  for (size_t i = 0; i < n; i++) {
    if (trials[i].over)
      continue;
    of[m] = i;
    works[m++] =
        (struct disk_work){.image = &trials[i].overlay,
                           .request = request_of (cli, &trials[i],
                                                  &stages[number], orders)};
  }
  disk_run_work (run, works, m);
  for (size_t i = 0; i < m; i++) {
    trials[of[i]].result[number] = works[i].result;
    json_decref (works[i].request);
    judge (&trials[of[i]], number);
  }
}

/* ---- results ---- */

static json_t *
trial_json (const struct trial *trial)
{
  json_t *row =
      json_make ("{s:s,s:b}", "image", trial->image->name, "good", trial->good);

  json_put_str (row, "why", trial->why);
  for (size_t i = 0; i < ARRAY_SIZE (stages); i++)
    if (trial->result[i])
      json_put (row, stages[i].name, json_incref (trial->result[i]));
  return row;
}

static void
print_trials (const struct cli *cli, const struct trial *trials, size_t n)
{
  static const struct column columns[] = {{"DISK", COLUMN_CUT}, {"TEST", 0},
                                          {"REPORT", 0},        {"APPLY", 0},
                                          {"AGAIN", 0},         {"UNDO", 0},
                                          {"WHAT", COLUMN_WRAP}};
  CLEANUP_TABLE struct table *table =
      table_new (columns, ARRAY_SIZE (columns), &cli->out);
  CLEANUP_FREE char *text = NULL;

  for (size_t i = 0; i < n; i++) {
    const struct trial *trial = &trials[i];
    const char *cells[ARRAY_SIZE (columns)] = {trial->image->name,
                                               trial->good ? "passed"
                                                           : "FAILED"};

    for (size_t j = 0; j < ARRAY_SIZE (stages); j++)
      cells[2 + j] =
          trial->result[j] ? result_outcome (trial->result[j]) : NULL;
    cells[6] = trial->why;
    table_row (table, cells);
    table_style (table, 1, trial->good ? STYLE_GOOD : STYLE_BAD);
  }
  text = table_text (table);
  fputs (text, stdout);
}

static int
print_results (const struct cli *cli, const struct trial *trials, size_t n,
               bool stopped)
{
  size_t good = 0;

  for (size_t i = 0; i < n; i++)
    good += trials[i].good;
  if (options_flag (cli->options, "json")) {
    json_t *list = json_array ();

    for (size_t i = 0; i < n; i++)
      json_array_append_new (list, trial_json (&trials[i]));
    output_json ("recipes-test", json_make ("{s:o}", "disks", list));
  } else
    print_trials (cli, trials, n);
  if (good == n)
    return EXIT_ALL_WELL;
  if (stopped)
    return EXIT_INTERRUPTED;
  return good ? EXIT_SOME_NOT : EXIT_NONE;
}

/* ---- the whole ---- */

/* Nobody has to have signed what only happens on overlays. */
static json_t *
orders_of (const struct cli *cli, struct err **err)
{
  CLEANUP_JSON json_t *json = recipe_find (cli->options->args.ptr[0], err);
  CLEANUP_JSON json_t *values = json ? request_values (cli, json, err) : NULL;
  CLEANUP_RECIPE struct recipe *recipe =
      values ? recipe_new (json, values, err) : NULL;

  if (recipe == NULL)
    return NULL;
  return json_make ("{s:O,s:O,s:b}", "recipe", recipe->json, "parameters",
                    recipe->values, "allow_unsigned", 1);
}

static int
try_all (const struct cli *cli, const struct image_vec *images, json_t *orders,
         const char *place, struct err **err)
{
  CLEANUP_FREE struct trial *trials = xcalloc (images->len, sizeof *trials);
  CLEANUP_DISK_RUN struct disk_run *run =
      disk_run_new (cli, images->len * ARRAY_SIZE (stages), err);
  int code;

  if (run == NULL)
    return -1;
  for (size_t i = 0; i < images->len; i++) {
    CLEANUP_ERR struct err *why = NULL;

    trials[i].image = &images->ptr[i];
    if (images->ptr[i].err)
      conclude (&trials[i], false, xstrdup (images->ptr[i].err->msg));
    else if (make_overlay (&trials[i], place, i, &why) == -1)
      conclude (&trials[i], false, xstrdup (why->msg));
  }
  for (size_t i = 0; i < ARRAY_SIZE (stages) && !disk_run_was_stopped (run);
       i++)
    run_stage (cli, run, trials, images->len, i, orders);
  for (size_t i = 0; i < images->len; i++)
    if (!trials[i].over)
      conclude (&trials[i], false, xstrdup ("stopped before it was through"));
  disk_run_end_display (run);
  code = print_results (cli, trials, images->len, disk_run_was_stopped (run));
  trials_release (trials, images->len);
  return code;
}

int
cmd_recipes_test (struct cli *cli, struct err **err)
{
  const struct str_vec *names = options_list (cli->options, "disk");
  CLEANUP_JSON json_t *orders = orders_of (cli, err);
  CLEANUP_IMAGES struct image_vec images = VEC_EMPTY;
  const char *tmp = getenv ("TMPDIR");
  CLEANUP_FREE char *place =
      xasprintf ("%s/bootmend-test-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
  int code;

  if (orders == NULL)
    return -1;
  if (names->len == 0)
    return err_set (err, ERR_USAGE,
                    "--disk is missing: an image to try the recipe on (it is "
                    "only read)");
  if (images_named (names, options_text (cli->options, "format"), &images,
                    err) == -1)
    return -1;
  if (mkdtemp (place) == NULL)
    return err_set_errno (err, errno, "%s", place);
  code = try_all (cli, &images, orders, place, err);
  folder_remove (place, NULL);
  return code;
}
