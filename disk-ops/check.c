#include "check.h"

#include <string.h>

#include "disk.h"
#include "guest-path.h"
#include "match.h"

static int
check_one (struct disk *disk, const struct recipe_check *check,
           struct err **err)
{
  bool present, wanted = check->kind == CHECK_PRESENT;
  const char *what = check->of ? check->of->id : check->path;

  if (check->of) {
    struct match_found found;
    int r = match_evaluate (disk, check->of, false, &found, err);

    present = found.proven.len > 0;
    match_found_release (&found);
    if (r == -1)
      return -1;
  } else {
    CLEANUP_FREE char *there = NULL;
    int r = guest_path_find (disk, check->path, &there, err);

    if (r == -1)
      return -1;
    present = r == 1;
  }
  if (present != wanted)
    return err_set (err, ERR_DISK, "check: %s is %s the disk", what,
                    present ? "still on" : "not on");
  return 0;
}

int
check_recipe (struct disk *disk, struct err **err)
{
  const struct recipe *recipe = disk->work->recipe;

  for (size_t i = 0; i < recipe->n_checks; i++)
    if (check_one (disk, &recipe->checks[i], err) == -1)
      return -1;
  return 0;
}

static int
must_be (struct disk *disk, const char *path, bool there, struct err **err)
{
  struct guest_file file = {0};
  int r = guest_file_stat (disk, path, &file, err);

  guest_file_release (&file);
  if (r == -1)
    return -1;
  if ((r == 1) != there)
    return err_set (err, ERR_DISK, "check: %s is %s there", path,
                    r == 1 ? "still" : "not");
  return 0;
}

static int
check_content (struct disk *disk, const struct change *change, struct err **err)
{
  struct guest_file file = {0};
  char hex[65];
  int r = guest_file_stat (disk, change->to, &file, err);

  if (r == 1 && guest_file_sha256 (disk, &file, hex, err) == -1)
    r = -1;
  guest_file_release (&file);
  if (r == -1)
    return -1;
  if (r == 0 || strcmp (hex, change->after) != 0)
    return err_set (err, ERR_DISK, "check: %s does not hold what was written",
                    change->to);
  return 0;
}

int
check_changes (struct disk *disk, struct err **err)
{
  for (size_t i = 0; i < disk->plan.changes.len; i++) {
    const struct change *change = &disk->plan.changes.ptr[i];

    if (change->is_registry || change->evidence_only || change->boot_of)
      continue; /* was proven when it was written */
    if (change->after[0]) {
      if (check_content (disk, change, err) == -1)
        return -1;
      continue;
    }
    if ((change->file.path &&
         must_be (disk, change->file.path, false, err) == -1) ||
        (change->to && must_be (disk, change->to, true, err) == -1))
      return -1;
  }
  return 0;
}
