#include "plan.h"

#include <string.h>

#include <base/files.h>
#include <recipes/digest.h>

#include "boot-sector.h"
#include "disk.h"
#include "guest-path.h"
#include "match.h"
#include "name-match.h"
#include "plan-linux.h"
#include "plan-room.h"
#include "refuse.h"
#include "registry.h"
#include "restore.h"

#define QUARANTINE  "/bootmend-quarantine"
#define MAX_CHANGES 1000

static void
change_release (struct change *change)
{
  guest_file_release (&change->file);
  free (change->to);
  free (change->source);
  free (change->content);
}

void
plan_release (struct plan *plan)
{
  for (size_t i = 0; i < plan->changes.len; i++)
    change_release (&plan->changes.ptr[i]);
  change_vec_release (&plan->changes);
}

/* All matches of the recipe, evaluated; an array like recipe->matches. */
struct evaluated {
  struct match_found *found;
  size_t n;
};

static void
evaluated_release (struct evaluated *all)
{
  for (size_t i = 0; i < all->n; i++)
    match_found_release (&all->found[i]);
  free (all->found);
}

static struct match_found *
found_of (struct disk *disk, struct evaluated *all,
          const struct recipe_match *match)
{
  return &all->found[match - disk->work->recipe->matches];
}

static int
evaluate_all (struct disk *disk, struct evaluated *all, struct err **err)
{
  const struct recipe *recipe = disk->work->recipe;

  all->found = xcalloc (recipe->n_matches + 1, sizeof *all->found);
  for (size_t i = 0; i < recipe->n_matches; i++) {
    all->n++;
    if (match_evaluate (disk, &recipe->matches[i], true, &all->found[i], err) ==
        -1)
      return -1;
    if (recipe->matches[i].required && all->found[i].named == 0)
      return disk_refuse (disk, err, REFUSE_NO_MATCH,
                          "match \"%s\": nothing is at %s",
                          recipe->matches[i].id,
                          recipe->matches[i].path ? recipe->matches[i].path
                                                  : recipe->matches[i].key);
  }
  return 0;
}

int
plan_push (struct disk *disk, struct change change, struct err **err)
{
  change_vec_push (&disk->plan.changes, change);
  if (disk->plan.changes.len > MAX_CHANGES)
    return disk_refuse (disk, err, REFUSE_TOO_MANY,
                        "more than %d files would be changed", MAX_CHANGES);
  return 0;
}

/* The thing itself moves over from what was found. */
static struct guest_file
take_file (struct guest_file *file)
{
  struct guest_file taken = *file;

  file->path = xstrdup (taken.path); /* another action may want it too */
  return taken;
}

static int
plan_delete (struct disk *disk, const struct recipe_action *action,
             struct match_found *found, struct err **err)
{
  for (size_t i = 0; i < found->proven.len; i++) {
    struct guest_file *file = &found->proven.ptr[i];

    /* What a folder holds was not proven by anything. */
    if (file->folder)
      return disk_refuse (disk, err, REFUSE_WRONG_KIND,
                          "%s is a folder; folders are renamed or moved, not "
                          "deleted",
                          file->path);
    if (plan_push (disk,
                   (struct change){.action = action, .file = take_file (file)},
                   err) == -1)
      return -1;
  }
  return 0;
}

static bool
is_planned_target (const struct disk *disk, const char *path)
{
  for (size_t i = 0; i < disk->plan.changes.len; i++)
    if (disk->plan.changes.ptr[i].to &&
        name_equal (disk->plan.changes.ptr[i].to, path, true))
      return true;
  return false;
}

/* A free name in the quarantine folder of this recipe. */
static int
quarantine_name (struct disk *disk, const struct guest_file *file, char **to,
                 struct err **err)
{
  const char *name = guest_path_name (file->path);
  CLEANUP_FREE char *folder =
      xasprintf ("%s/%s", QUARANTINE, disk->work->recipe->name);

  for (int n = 0; n < 1000; n++) {
    CLEANUP_FREE char *path =
        n ? xasprintf ("%s/%s.%d", folder, name, n) : path_join (folder, name);
    CLEANUP_FREE char *there = NULL;
    int r = guest_path_find (disk, path, &there, err);

    if (r == -1)
      return -1;
    if (r == 0 && !is_planned_target (disk, path)) {
      *to = TAKE (path);
      return 0;
    }
  }
  return disk_refuse (disk, err, REFUSE_TARGET_EXISTS,
                      "%s has no free name for %s", folder, name);
}

static int
plan_quarantine (struct disk *disk, const struct recipe_action *action,
                 struct match_found *found, struct err **err)
{
  for (size_t i = 0; i < found->proven.len; i++) {
    struct change change = {.action = action};

    if (quarantine_name (disk, &found->proven.ptr[i], &change.to, err) == -1)
      return -1;
    change.file = take_file (&found->proven.ptr[i]);
    if (plan_push (disk, change, err) == -1)
      return -1;
  }
  return 0;
}

static int
plan_rename (struct disk *disk, const struct recipe_action *action,
             struct match_found *found, struct err **err)
{
  for (size_t i = 0; i < found->proven.len; i++) {
    struct guest_file *file = &found->proven.ptr[i];
    CLEANUP_FREE char *folder = guest_path_parent (file->path);
    CLEANUP_FREE char *to = path_join (folder, action->to);
    CLEANUP_FREE char *there = NULL;
    int r;

    if (!name_is_plain (action->to))
      return err_set (err, ERR_INPUT, "rename: \"%s\" is no plain name",
                      action->to);
    r = guest_path_find (disk, to, &there, err);
    if (r == -1)
      return -1;
    if (r == 1 || is_planned_target (disk, to))
      return disk_refuse (disk, err, REFUSE_TARGET_EXISTS,
                          "%s can't be renamed: %s exists", file->path,
                          r == 1 ? there : to);
    if (plan_push (disk,
                   (struct change){.action = action,
                                   .to = TAKE (to),
                                   .file = take_file (file)},
                   err) == -1)
      return -1;
  }
  return 0;
}

/* What is at the target of a write or copy now; *same: it has the wanted
 * content already. */
static int
look_at_target (struct disk *disk, struct change *change, int64_t size,
                const char *sha256, bool *same, struct err **err)
{
  char hex[65];
  int r = guest_file_stat (disk, change->to, &change->file, err);

  *same = false;
  if (r != 1)
    return r;
  if (!change->file.regular)
    return disk_refuse (disk, err, REFUSE_TARGET_EXISTS,
                        "%s exists and is no regular file", change->to);
  if (change->file.size_bytes == size) {
    if (guest_file_sha256 (disk, &change->file, hex, err) == -1)
      return -1;
    *same = strcmp (hex, sha256) == 0;
  }
  if (!*same && !change->action->overwrite)
    return disk_refuse (disk, err, REFUSE_TARGET_EXISTS,
                        "%s exists with other content and the recipe does not "
                        "say \"overwrite\"",
                        change->to);
  return 0;
}

static int
plan_content (struct disk *disk, struct change change, int64_t size,
              const char *sha256, struct err **err)
{
  bool same;

  memcpy (change.after, sha256, sizeof change.after);
  change.size_after = size;
  if (look_at_target (disk, &change, size, sha256, &same, err) == -1) {
    change_release (&change);
    return -1;
  }
  if (same) {
    change_release (&change);
    return 0;
  }
  return plan_push (disk, change, err);
}

static int
plan_write (struct disk *disk, const struct recipe_action *action,
            struct match_found *found, struct err **err)
{
  struct change change = {.action = action};
  char hex[65];
  int r = guest_path_target (disk, action->path, &change.to, err);

  (void)found;
  if (r == -1)
    return -1;
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "write: the folder of %s does not exist", action->path);
  digest_bytes (action->content, action->content_len, hex);
  return plan_content (disk, change, (int64_t)action->content_len, hex, err);
}

static int
plan_copy (struct disk *disk, const struct recipe_action *action,
           struct match_found *found, struct err **err)
{
  CLEANUP_FREE char *source = NULL;
  struct change change = {.action = action};
  struct guest_file file = {0};
  char hex[65];
  int64_t size;
  int r = guest_path_find (disk, action->from, &source, err);

  (void)found;
  if (r == 1)
    r = guest_file_stat (disk, source, &file, err);
  if (r == -1)
    return -1;
  if (r == 0 || !file.regular) {
    guest_file_release (&file);
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "copy: %s is no file on this disk", action->from);
  }
  size = file.size_bytes;
  r = guest_file_sha256 (disk, &file, hex, err);
  guest_file_release (&file);
  if (r == 0)
    r = guest_path_target (disk, action->to, &change.to, err);
  if (r == -1)
    return -1;
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "copy: the folder of %s does not exist", action->to);
  change.source = TAKE (source);
  return plan_content (disk, change, size, hex, err);
}

static int
plan_restore (struct disk *disk, const struct recipe_action *action,
              struct match_found *found, struct err **err)
{
  struct change change = {0};
  int r = action->kind == ACTION_RESTORE
              ? restore_plan (disk, action, &change, err)
              : restore_plan_hive (disk, action, &change, err);

  (void)found;
  if (r == 1)
    return plan_push (disk, change, err);
  change_release (&change);
  return r;
}

static int
plan_registry (struct disk *disk, const struct recipe_action *action,
               struct match_found *found, struct err **err)
{
  (void)found;
  return registry_plan (disk, action, err);
}

static int (*const planners[]) (struct disk *disk,
                                const struct recipe_action *action,
                                struct match_found *found, struct err **err) = {
    [ACTION_DELETE] = plan_delete,
    [ACTION_QUARANTINE] = plan_quarantine,
    [ACTION_RENAME] = plan_rename,
    [ACTION_WRITE] = plan_write,
    [ACTION_COPY] = plan_copy,
    [ACTION_REGISTRY_SET] = plan_registry,
    [ACTION_REGISTRY_DELETE] = plan_registry,
    [ACTION_SERVICE_DISABLE] = plan_registry,
    [ACTION_SET_LINE] = plan_set_line,
    [ACTION_REMOVE_LINE] = plan_remove_line,
    [ACTION_LINK] = plan_link,
    [ACTION_FSTAB] = plan_fstab,
    [ACTION_PREVIOUS_KERNEL] = plan_previous_kernel,
    [ACTION_FREE_SPACE] = plan_free_space,
    [ACTION_BOOT_SECTOR] = plan_boot_sector,
    [ACTION_RESTORE] = plan_restore,
    [ACTION_HIVE_RESTORE] = plan_restore,
};

static int
plan_action (struct disk *disk, struct evaluated *all,
             const struct recipe_action *action, struct err **err)
{
  struct match_found *found =
      action->of ? found_of (disk, all, action->of) : NULL;

  if (action->when && found_of (disk, all, action->when)->proven.len == 0)
    return 0;
  if ((size_t)action->kind >= ARRAY_SIZE (planners) ||
      planners[action->kind] == NULL)
    return err_set (err, ERR_INTERNAL, "unknown kind of action %d",
                    (int)action->kind);
  if (planners[action->kind](disk, action, found, err) == -1)
    return -1;
  return 0;
}

int
plan_make (struct disk *disk, struct err **err)
{
  const struct recipe *recipe = disk->work->recipe;
  struct evaluated all = {0};
  int r = os_root_mount_for (disk, recipe->on_boot_volume,
                             strcmp (disk->work->mode, "apply") == 0, err);

  registry_forget_wishes (disk);
  if (r == 0)
    r = evaluate_all (disk, &all, err);

  for (size_t i = 0; r == 0 && i < recipe->n_actions; i++)
    r = plan_action (disk, &all, &recipe->actions[i], err);
  if (r == 0)
    registry_plan_end (disk);
  if (r == 0)
    r = plan_room_check (disk, err);
  evaluated_release (&all);
  return r;
}

json_t *
plan_to_json (const struct plan *plan)
{
  json_t *rows = json_array ();

  for (size_t i = 0; i < plan->changes.len; i++) {
    const struct change *change = &plan->changes.ptr[i];
    json_t *row = change->file.path ? guest_file_to_json (&change->file)
                                    : json_make ("{s:b}", "new", 1);

    json_put_str (row, "action",
                  change->action->type ? change->action->type->name : "change");
    if (change->file.path == NULL)
      json_put_str (row, "path", change->to);
    else if (change->to && strcmp (change->to, change->file.path) != 0)
      json_put_str (row, "to", change->to);
    json_put_str (row, "source", change->source);
    if (change->action->of)
      json_put_str (row, "match", change->action->of->id);
    if (change->evidence_only)
      json_put_bool (row, "evidence_only", true);
    if (change->hive) {
      json_put_str (row, "hive", change->hive->name);
      json_put (row, "registry", registry_changes_to_json (change->hive));
    }
    json_array_append_new (rows, row);
  }
  return rows;
}
