#include "try-recipes.h"

#include <string.h>

#include <guestfs.h>

#include "check.h"
#include "disk.h"

static bool
suits (const struct disk *disk, const struct recipe *recipe)
{
  switch (recipe->os) {
  case RECIPE_OS_WINDOWS:
    return disk->os.kind == OS_WINDOWS;
  case RECIPE_OS_LINUX:
    return disk->os.kind == OS_LINUX;
  default:
    return true;
  }
}

/* The same words as the result of a "report". */
static int
report (struct disk *disk, struct err **err)
{
  if (plan_make (disk, err) == -1)
    return -1;
  if (disk->plan.changes.len > 0) {
    json_put (disk->result, "changes", plan_to_json (&disk->plan));
    json_put_str (disk->result, "outcome", "needed");
    return 0;
  }
  if (check_recipe (disk, err) == -1)
    return err_wrap (err, "there is nothing to change, but a check fails");
  json_put_str (disk->result, "outcome", "clean");
  return 0;
}

static void
put_error (struct disk *disk, const struct err *why)
{
  bool refused = why->code == ERR_REFUSED && disk->refusal;

  json_put_str (disk->result, "outcome", refused ? "refused" : "failed");
  json_put_str (disk->result, "reason", why->msg);
  if (refused)
    json_put_str (disk->result, "refusal", disk->refusal);
}

/* For as long as a recipe is tried the disk is one whose work is a report by
 * this recipe, with a result of its own. */
static int
try_one (struct disk *disk, const struct recipe *recipe, json_t *row,
         struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  const struct work *whole = disk->work;
  json_t *result = disk->result;
  struct work work = *whole;
  int r;

  work.mode = "report";
  work.recipe = recipe;
  disk->work = &work;
  disk->result = row;
  json_put_str (row, "name", recipe->name);
  r = report (disk, &why);
  if (r == -1)
    put_error (disk, why);
  plan_release (&disk->plan);
  memset (&disk->plan, 0, sizeof disk->plan);
  disk->refusal = NULL;
  disk->work = whole;
  disk->result = result;
  if (r == -1 && guestfs_is_ready (disk->g) != 1)
    return err_move (err, TAKE (why));
  return 0;
}

int
try_recipes (struct disk *disk, struct err **err)
{
  const struct recipe *const *recipes = disk->work->recipes;
  json_t *rows = json_array ();

  json_put (disk->result, "recipes", rows);
  for (size_t i = 0; recipes[i]; i++) {
    json_t *row;

    if (!suits (disk, recipes[i]))
      continue;
    row = json_object ();
    json_array_append_new (rows, row);
    if (try_one (disk, recipes[i], row, err) == -1)
      return -1;
    disk_stage (disk, "matched");
  }
  return 0;
}
