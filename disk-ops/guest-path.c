#include "guest-path.h"

#include <string.h>
#include <sys/stat.h>

#include <base/files.h>
#include <base/text.h>
#include <base/vec.h>

#include "disk.h"
#include "name-match.h"
#include "refuse.h"

#define MAX_PARTS   128
#define MAX_MATCHES 10000

char *
guest_path_parent (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash == path ? xstrdup ("/")
                       : xstrndup (path, (size_t)(slash - path));
}

const char *
guest_path_name (const char *path)
{
  return strrchr (path, '/') + 1;
}

static bool
folds (const struct disk *disk)
{
  return volume_kinds[disk->mounted->kind].fold_case;
}

enum there {
  THERE_NOT,
  THERE_FOLDER,
  THERE_LINK,
  THERE_OTHER
};

/* -1: error */
static int
look_at (struct disk *disk, const char *path, struct err **err)
{
  struct guestfs_statns *st = guestfs_lstatns (disk->g, path);
  int r;

  if (st == NULL)
    return disk_is_enoent (disk) ? THERE_NOT
                                 : disk_guest_error (disk, err, "%s", path);
  r = S_ISDIR (st->st_mode)   ? THERE_FOLDER
      : S_ISLNK (st->st_mode) ? THERE_LINK
                              : THERE_OTHER;
  guestfs_free_statns (st);
  return r;
}

/* The names of a folder that fit; with wildcards or as one name. */
static int
list_matching (struct disk *disk, const char *folder, const char *name,
               bool wildcards, struct str_vec *matching, struct err **err)
{
  char **names = guestfs_ls (disk->g, folder);
  bool fold_case = folds (disk);

  if (names == NULL)
    return disk_guest_error (disk, err, "%s", folder);
  for (size_t i = 0; names[i]; i++)
    if (wildcards ? name_match (name, names[i], fold_case)
                  : name_equal (name, names[i], fold_case))
      str_vec_push (matching, path_join (folder, names[i]));
  strv_free (names);
  if (matching->len > MAX_MATCHES)
    return disk_refuse (disk, err, REFUSE_TOO_MANY, "%s: %zu names fit \"%s\"",
                        folder, matching->len, name);
  return 0;
}

/* One part below a folder that exists: the quick way by its exact name, else
 * by reading the folder. */
static int
step (struct disk *disk, const char *folder, const char *part, char **found,
      enum there *what, struct err **err)
{
  CLEANUP_FREE char *exact = path_join (folder, part);
  struct str_vec matching = VEC_EMPTY;
  int r = look_at (disk, exact, err);

  if (r == -1)
    return -1;
  *what = (enum there)r;
  if (r != THERE_NOT) {
    *found = TAKE (exact);
    return 1;
  }
  if (!folds (disk))
    return 0;
  r = list_matching (disk, folder, part, false, &matching, err);
  if (r == 0 && matching.len > 1)
    r = disk_refuse (disk, err, REFUSE_AMBIGUOUS,
                     "%s: %zu names differ from \"%s\" only in letter case",
                     folder, matching.len, part);
  if (r == 0 && matching.len == 1) {
    r = look_at (disk, matching.ptr[0], err);
    if (r >= 0) {
      *what = (enum there)r;
      *found = xstrdup (matching.ptr[0]);
      r = r != THERE_NOT;
    }
  }
  str_vec_free_all (&matching);
  return r;
}

/* The parts of a path; "/Windows" becomes the system's real folder. */
static int
split (const struct disk *disk, const char *path, struct str_vec *parts,
       struct err **err)
{
  CLEANUP_FREE char *copy = xstrdup (path);
  char *rest = copy, *part;

  if (path[0] != '/')
    return err_set (err, ERR_INPUT, "path \"%s\" does not start with /", path);
  while ((part = strsep (&rest, "/")) != NULL) {
    if (*part == '\0')
      continue;
    if (!name_is_plain (part) || parts->len == MAX_PARTS)
      return err_set (err, ERR_INPUT, "path \"%s\" is not allowed", path);
    if (parts->len == 0 && disk->os.system_folder &&
        name_equal (part, "Windows", true))
      part = disk->os.system_folder + 1;
    str_vec_push (parts, xstrdup (part));
  }
  if (parts->len == 0)
    return err_set (err, ERR_INPUT, "path \"%s\" names nothing", path);
  return 0;
}

/* Goes down the first n parts, which all have to be folders.  1, 0, -1. */
static int
walk (struct disk *disk, const struct str_vec *parts, size_t n, char **folder,
      struct err **err)
{
  CLEANUP_FREE char *at = xstrdup ("/");

  for (size_t i = 0; i < n; i++) {
    CLEANUP_FREE char *next = NULL;
    enum there what;
    int r = step (disk, at, parts->ptr[i], &next, &what, err);

    if (r != 1)
      return r;
    if (what == THERE_LINK)
      return disk_refuse (disk, err, REFUSE_REPARSE_POINT,
                          "%s is a link or reparse point, which is not "
                          "followed",
                          next);
    if (what != THERE_FOLDER)
      return 0;
    free (at);
    at = TAKE (next);
  }
  *folder = TAKE (at);
  return 1;
}

static int
find (struct disk *disk, const char *path, bool must_be_folder, char **found,
      struct err **err)
{
  CLEANUP_FREE char *folder = NULL, *thing = NULL;
  struct str_vec parts = VEC_EMPTY;
  enum there what;
  int r = split (disk, path, &parts, err);

  if (r == 0)
    r = walk (disk, &parts, parts.len - 1, &folder, err);
  if (r == 1)
    r = step (disk, folder, parts.ptr[parts.len - 1], &thing, &what, err);
  str_vec_free_all (&parts);
  if (r != 1)
    return r;
  if (must_be_folder && what == THERE_LINK)
    return disk_refuse (disk, err, REFUSE_REPARSE_POINT,
                        "%s is a link or reparse point, which is not followed",
                        thing);
  if (must_be_folder && what != THERE_FOLDER)
    return 0;
  *found = TAKE (thing);
  return 1;
}

int
guest_path_find (struct disk *disk, const char *path, char **found,
                 struct err **err)
{
  return find (disk, path, false, found, err);
}

int
guest_path_find_folder (struct disk *disk, const char *path, char **found,
                        struct err **err)
{
  return find (disk, path, true, found, err);
}

static int
by_text (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

int
guest_path_glob (struct disk *disk, const char *pattern, char ***found,
                 struct err **err)
{
  CLEANUP_FREE char *folder = NULL, *one = NULL;
  struct str_vec parts = VEC_EMPTY, matching = VEC_EMPTY;
  const char *last;
  int r = split (disk, pattern, &parts, err);

  if (r == 0)
    r = walk (disk, &parts, parts.len - 1, &folder, err);
  if (r == 1) {
    last = parts.ptr[parts.len - 1];
    if (name_has_wildcard (last))
      r = list_matching (disk, folder, last, true, &matching, err);
    else {
      enum there what;

      r = step (disk, folder, last, &one, &what, err);
      if (r == 1)
        str_vec_push (&matching, TAKE (one));
    }
  }
  str_vec_free_all (&parts);
  if (r == -1) {
    str_vec_free_all (&matching);
    return -1;
  }
  if (matching.len > 1)
    qsort (matching.ptr, matching.len, sizeof *matching.ptr, by_text);
  r = matching.len > 0;
  *found = str_vec_take (&matching);
  return r;
}

int
guest_path_target (struct disk *disk, const char *path, char **target,
                   struct err **err)
{
  CLEANUP_FREE char *folder = NULL;
  struct str_vec parts = VEC_EMPTY;
  enum there what;
  int r = split (disk, path, &parts, err);

  if (r == 0)
    r = walk (disk, &parts, parts.len - 1, &folder, err);
  if (r == 1) {
    r = step (disk, folder, parts.ptr[parts.len - 1], target, &what, err);
    if (r == 0) {
      *target = path_join (folder, parts.ptr[parts.len - 1]);
      r = 1;
    }
  }
  str_vec_free_all (&parts);
  return r;
}
