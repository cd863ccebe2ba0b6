#include "os-root.h"

#include <ctype.h>
#include <string.h>

#include <base/text.h>

#include "disk.h"
#include "guest-path.h"
#include "mount.h"
#include "ntfs.h"
#include "refuse.h"

#define OS_RELEASE_MAX 16384

void
os_root_release (struct os_root *os)
{
  free (TAKE (os->system_folder));
  free (TAKE (os->pretty_name));
}

static bool
can_hold_a_system (const struct volume *volume)
{
  return volume_kinds[volume->kind].driver != NULL;
}

/* 1: "/FOLDER" is a folder with System32 in it; *spelled is its name. */
static int
is_windows (struct disk *disk, char **spelled, struct err **err)
{
  /* Names that Windows has been installed under. */
  static const char *const folders[] = {"/Windows", "/WINNT"};

  for (size_t i = 0; i < ARRAY_SIZE (folders); i++) {
    CLEANUP_FREE char *inner = xasprintf ("%s/System32", folders[i]);
    CLEANUP_FREE char *found = NULL;
    CLEANUP_ERR struct err *why = NULL;
    int r = guest_path_find_folder (disk, inner, &found, &why);

    /* a link on the way means: not here */
    if (r == -1 &&
        !(disk->refusal && strcmp (disk->refusal, REFUSE_REPARSE_POINT) == 0))
      return err_move (err, TAKE (why));
    disk->refusal = NULL;
    if (r == 1) {
      *strrchr (found, '/') = '\0';
      *spelled = TAKE (found);
      return 1;
    }
  }
  return 0;
}

static bool
exists (struct disk *disk, const char *path, bool folder)
{
  struct guestfs_statns *st = guestfs_lstatns (disk->g, path);
  bool yes = st && (folder ? (st->st_mode & 0170000) == 0040000
                           : (st->st_mode & 0170000) != 0040000);

  guestfs_free_statns (st);
  return yes;
}

static bool
is_linux (struct disk *disk)
{
  return exists (disk, "/usr", true) && exists (disk, "/etc", true) &&
         (exists (disk, "/etc/fstab", false) ||
          exists (disk, "/etc/os-release", false) ||
          exists (disk, "/usr/lib/os-release", false));
}

/* PRETTY_NAME="..." of os-release; nice to have. */
static char *
read_pretty_name (struct disk *disk)
{
  static const char *const paths[] = {"/usr/lib/os-release", "/etc/os-release"};

  for (size_t i = 0; i < ARRAY_SIZE (paths); i++) {
    CLEANUP_FREE char *text = NULL;
    size_t len;
    char *at;

    /* /etc/os-release is a link as a rule: not followed, hence both */
    if (!exists (disk, paths[i], false) ||
        guestfs_is_symlink (disk->g, paths[i]) != 0)
      continue;
    text = guestfs_pread (disk->g, paths[i], OS_RELEASE_MAX, 0, &len);
    if (text == NULL || (at = strstr (text, "PRETTY_NAME=")) == NULL)
      continue;
    at += strlen ("PRETTY_NAME=");
    at += strspn (at, "\"'");
    at[strcspn (at, "\"'\n")] = '\0';
    return text_printable (at);
  }
  return NULL;
}

/* What is on the volume that is mounted now? */
static int
look_at_mounted (struct disk *disk, struct os_root *os, struct err **err)
{
  char *folder = NULL;
  int r = is_windows (disk, &folder, err);

  memset (os, 0, sizeof *os);
  if (r == -1)
    return -1;
  os->volume = disk->mounted;
  if (r == 1) {
    os->kind = OS_WINDOWS;
    os->system_folder = folder;
  } else if (is_linux (disk)) {
    os->kind = OS_LINUX;
    os->pretty_name = read_pretty_name (disk);
  }
  return 0;
}

/* Root file systems of distributions on btrfs are subvolumes ("@", "root"). */
static void
add_subvolumes (struct disk *disk, const struct volume *volume)
{
  struct guestfs_btrfssubvolume_list *list =
      guestfs_btrfs_subvolume_list (disk->g, "/");

  for (size_t i = 0; list && i < list->len; i++) {
    const char *path = list->val[i].btrfssubvolume_path;
    struct volume sub = {.kind = VOLUME_BTRFS};

    /* Snapshots lie deeper down; a comma would start another option. */
    if (strchr (path, ',') || strchr (path, '/') || *path == '\0' ||
        !volumes_have_room (&disk->volumes))
      continue;
    sub.device = xstrdup (volume->device);
    sub.subvolume = xstrdup (path);
    sub.name = xasprintf ("%s, subvolume %s", volume->name, path);
    volume_vec_push (&disk->volumes.all, sub);
  }
  if (list)
    guestfs_free_btrfssubvolume_list (list);
}

struct search {
  size_t mountable;
  const struct volume *encrypted; /* the first */
  const struct volume *only;      /* the last mountable one */
  struct os_root best;
  struct os_root second;
  char *trouble; /* why a volume could not be looked at */
  const char *trouble_code;
};

static void
count_volumes (const struct disk *disk, struct search *search)
{
  for (size_t i = 0; i < disk->volumes.all.len; i++) {
    const struct volume *volume = &disk->volumes.all.ptr[i];

    if (can_hold_a_system (volume)) {
      search->mountable++;
      search->only = volume;
    }
    if (volume->encryption && !volume->encryption->unlocked &&
        search->encrypted == NULL)
      search->encrypted = volume;
  }
}

static void
search_release (struct search *search)
{
  os_root_release (&search->best);
  os_root_release (&search->second);
  free (TAKE (search->trouble));
}

/* A volume that can't be mounted or read is no reason to stop: the system may
 * be on another one.  It is told if there is none. */
static int
try_volume (struct disk *disk, const struct volume *volume, bool to_write,
            struct search *search, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  struct os_root found;

  if (mount_volume (disk, volume, to_write, &why) == -1 ||
      look_at_mounted (disk, &found, &why) == -1) {
    if (why->code != ERR_REFUSED || to_write)
      return err_move (err, TAKE (why));
    search->trouble_code = TAKE (disk->refusal);
    free (search->trouble);
    search->trouble = xstrdup (why->msg);
    return mount_end (disk, err);
  }
  if (found.kind == OS_NONE) {
    if (volume->kind == VOLUME_BTRFS && volume->subvolume == NULL)
      add_subvolumes (disk, volume);
  } else if (search->best.kind == OS_NONE)
    search->best = found;
  else if (search->second.kind == OS_NONE)
    search->second = found;
  else
    os_root_release (&found);
  return 0;
}

/* Volumes that are found on the way (subvolumes) are added at the end. */
static int
search_all (struct disk *disk, bool to_write, struct search *search,
            struct err **err)
{
  for (size_t i = 0; i < disk->volumes.all.len; i++)
    if (can_hold_a_system (&disk->volumes.all.ptr[i]) &&
        try_volume (disk, &disk->volumes.all.ptr[i], to_write, search, err) ==
            -1)
      return -1;
  return 0;
}

static const char *
os_name (enum os_kind kind)
{
  static const char *const names[] = {"none", "windows", "linux"};

  return names[kind];
}

/* Which system has to be there; an undo takes what was there at the repair. */
static enum recipe_os
wanted_os (const struct disk *disk)
{
  bool has_recipe = strcmp (disk->work->mode, "report") == 0 ||
                    strcmp (disk->work->mode, "apply") == 0;

  return has_recipe ? disk->work->recipe->os : RECIPE_OS_ANY;
}

/* Files on a disk with a single volume can be repaired without a system. */
static bool
needs_no_os (const struct disk *disk, const struct search *search)
{
  return wanted_os (disk) == RECIPE_OS_ANY &&
         strcmp (disk->work->mode, "inspect") != 0 && search->mountable == 1 &&
         search->trouble == NULL;
}

/* Code and sentence for what speaks against working on what was found; NULL:
 * nothing. */
static const char *
judge (struct disk *disk, const struct search *search, char **why)
{
  const struct os_root *best = &search->best;
  enum recipe_os wanted = wanted_os (disk);

  if (best->kind == OS_NONE && search->encrypted) {
    const struct encryption *e = search->encrypted->encryption;

    *why =
        xasprintf ("%s is encrypted with %s and there is no other system: %s",
                   search->encrypted->name,
                   volume_kinds[search->encrypted->kind].name,
                   e->why ? e->why : "it is closed");
    return e->refusal ? e->refusal : REFUSE_ENCRYPTED;
  }
  if (best->kind == OS_NONE && needs_no_os (disk, search))
    return NULL;
  if (best->kind == OS_NONE) {
    *why = search->trouble
               ? xasprintf ("no Windows and no Linux is found (%s)",
                            search->trouble)
               : xstrdup ("no volume holds a Windows or Linux system");
    /* the system may well be on what could not be looked at */
    return search->trouble ? search->trouble_code : REFUSE_NO_OS;
  }
  if (search->second.kind != OS_NONE) {
    *why =
        xasprintf ("%s holds a %s system and %s a %s system: which one is "
                   "meant is not known",
                   best->volume->name, os_name (best->kind),
                   search->second.volume->name, os_name (search->second.kind));
    return REFUSE_SEVERAL_OS;
  }
  if ((wanted == RECIPE_OS_WINDOWS && best->kind != OS_WINDOWS) ||
      (wanted == RECIPE_OS_LINUX && best->kind != OS_LINUX)) {
    *why = xasprintf ("the recipe is for %s, the disk holds %s",
                      wanted == RECIPE_OS_WINDOWS ? "Windows" : "Linux",
                      os_name (best->kind));
    return REFUSE_WRONG_OS;
  }
  return NULL;
}

static int
find (struct disk *disk, bool to_write, struct search *search,
      const char **refusal, char **why, struct err **err)
{
  bool direct;

  count_volumes (disk, search);
  /* With one candidate it is mounted once, to write at once; else all are
   * looked at read-only first, and only the one that counts is changed. */
  direct =
      to_write && search->mountable == 1 && search->only->kind != VOLUME_BTRFS;
  if (search_all (disk, direct, search, err) == -1)
    return -1;
  *refusal = judge (disk, search, why);
  if (*refusal)
    return 0;
  disk->os = search->best;
  memset (&search->best, 0, sizeof search->best);
  if (disk->os.volume == NULL)
    disk->os.volume = search->only;
  if (disk->mounted != disk->os.volume || (to_write && !direct))
    if (mount_volume (disk, disk->os.volume, to_write, err) == -1)
      return -1;
  if (disk->os.volume->kind == VOLUME_NTFS && !to_write)
    return ntfs_refuse_hibernated (disk, disk->os.volume, err) == -1
               ? -1
               : ntfs_refuse_dirty (disk, disk->os.volume, err);
  return 0;
}

int
os_root_find (struct disk *disk, bool to_write, struct err **err)
{
  CLEANUP_FREE char *why = NULL;
  const char *refusal = NULL;
  struct search search = {0};
  int r = find (disk, to_write, &search, &refusal, &why, err);

  search_release (&search);
  if (r == 0 && refusal)
    return disk_refuse (disk, err, refusal, "%s", why);
  return r;
}

int
os_root_look (struct disk *disk, const char **refusal, char **why,
              struct err **err)
{
  CLEANUP_ERR struct err *said = NULL;
  struct search search = {0};
  int r = find (disk, false, &search, refusal, why, &said);

  /* what was found counts for `inspect` even if a repair would refuse it */
  if (disk->os.kind == OS_NONE && search.best.kind != OS_NONE) {
    disk->os = search.best;
    memset (&search.best, 0, sizeof search.best);
  }
  search_release (&search);
  if (r == -1 && said->code == ERR_REFUSED) {
    *refusal = disk->refusal;
    *why = xstrdup (said->msg);
    disk->refusal = NULL;
    return 0;
  }
  return r == -1 ? err_move (err, TAKE (said)) : 0;
}

json_t *
os_root_to_json (const struct os_root *os)
{
  json_t *json = json_object ();

  json_put_str (json, "type", os_name (os->kind));
  if (os->volume)
    json_put_str (json, "volume", os->volume->name);
  json_put_str (json, "system_folder", os->system_folder);
  json_put_str (json, "name", os->pretty_name);
  return json;
}
