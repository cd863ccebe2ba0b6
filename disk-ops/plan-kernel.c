/* The action previous-kernel: what GRUB starts by default. */

#include <string.h>

#include "disk.h"
#include "guest-path.h"
#include "guest-text.h"
#include "lines.h"
#include "linux-devices.h"
#include "plan-linux.h"
#include "refuse.h"

static const char *const grub_folders[] = {"/boot/grub2", "/boot/grub", NULL};

/* The folder that has GRUB's configuration; NULL and no error: none. */
static const char *
grub_folder (struct disk *disk, struct err **err)
{
  for (size_t i = 0; grub_folders[i]; i++) {
    CLEANUP_FREE char *cfg = xasprintf ("%s/grub.cfg", grub_folders[i]);
    CLEANUP_FREE char *there = NULL;
    int r = guest_path_find (disk, cfg, &there, err);

    if (r)
      return r == 1 ? grub_folders[i] : NULL;
  }
  return NULL;
}

/* Entries of the Boot Loader Specification, oldest first as GRUB's own order
 * is: by version; NULL: none, or an error. */
static char **
bls_entries (struct disk *disk, struct err **err)
{
  CLEANUP_FREE char *folder = NULL;
  char **found = NULL;
  int r = guest_path_find_folder (disk, "/boot/loader/entries", &folder, err);

  if (r == 1 &&
      guest_path_glob (disk, "/boot/loader/entries/*.conf", &found, err) != 1) {
    strv_free (found);
    return NULL;
  }
  return found;
}

static int
by_version (const void *a, const void *b)
{
  return strverscmp (*(char *const *)a, *(char *const *)b);
}

/* "/boot/loader/entries/ID.conf" */
static char *
bls_id (const char *path)
{
  const char *name = guest_path_name (path);

  return xstrndup (name, strlen (name) - strlen (".conf"));
}

static int
set_saved_entry (struct disk *disk, const struct recipe_action *action,
                 const char *folder, const char *entry, struct err **err)
{
  CLEANUP_FREE char *path = xasprintf ("%s/grubenv", folder);
  CLEANUP_GUEST_TEXT struct guest_text text = {0};
  CLEANUP_STRBUF struct strbuf new = STRBUF_EMPTY;
  int r = guest_text_read (disk, path, &text, err);

  if (r == -1)
    return -1;
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "%s does not exist: what is started by default is "
                        "written nowhere",
                        path);
  if (grubenv_set (text.content, text.len, "saved_entry", entry, &new, err) ==
      -1)
    return err_wrap (err, "%s", path);
  return guest_text_change (disk, action, &text, &new, err);
}

static int
no_other_kernel (struct disk *disk, struct err **err)
{
  return disk_refuse (disk, err, REFUSE_NO_MATCH,
                      "there is no other kernel than the one that is started "
                      "by default");
}

/* [Fedora "BootLoaderSpecByDefault": saved_entry is the id of an entry] */
static int
previous_of_bls (struct disk *disk, const struct recipe_action *action,
                 const char *folder, char **entries, struct err **err)
{
  CLEANUP_FREE char *path = xasprintf ("%s/grubenv", folder);
  CLEANUP_GUEST_TEXT struct guest_text env = {0};
  CLEANUP_FREE char *saved = NULL, *id = NULL;
  size_t n = strv_length (entries), kernels = 0, now;

  /* Entries of rescue images are no choice. */
  for (size_t i = 0; i < n; i++)
    if (strstr (entries[i], "-0-rescue") == NULL) {
      char *kept = entries[kernels];

      entries[kernels++] = entries[i];
      entries[i] = kept;
    }
  if (kernels < 2)
    return no_other_kernel (disk, err);
  qsort (entries, kernels, sizeof *entries, by_version);
  if (guest_text_read (disk, path, &env, err) == -1)
    return -1;
  if (env.content)
    saved = grubenv_get (env.content, env.len, "saved_entry");
  now = kernels - 1; /* nothing saved: the newest is started */
  for (size_t i = 0; saved && i < kernels; i++) {
    CLEANUP_FREE char *one = bls_id (entries[i]);

    if (strcmp (one, saved) == 0)
      now = i;
  }
  if (now + 1 < kernels)
    return 0; /* an older one is started already */
  id = bls_id (entries[now - 1]);
  disk_note (disk, "%s is started instead of the newest kernel", id);
  return set_saved_entry (disk, action, folder, id, err);
}

/* The default is in grub.cfg itself, and where it is made from. */
static int
set_default (struct disk *disk, const struct recipe_action *action,
             const char *path, const char *pattern, const char *line,
             struct err **err)
{
  CLEANUP_GUEST_TEXT struct guest_text text = {0};
  CLEANUP_STRBUF struct strbuf new = STRBUF_EMPTY;
  int r = guest_text_read (disk, path, &text, err);

  if (r != 1)
    return r;
  if (lines_set (text.content, text.len, pattern, line, false, &new, err) == -1)
    return -1;
  return guest_text_change (disk, action, &text, &new, err);
}

static int
previous_of_cfg (struct disk *disk, const struct recipe_action *action,
                 const char *folder, struct err **err)
{
  CLEANUP_FREE char *path = xasprintf ("%s/grub.cfg", folder);
  CLEANUP_FREE char *entry = NULL, *kernel = NULL, *line = NULL, *made = NULL;
  CLEANUP_GUEST_TEXT struct guest_text text = {0};

  if (guest_text_read (disk, path, &text, err) == -1)
    return -1;
  /* update-grub writes the first default as 0; anything else was chosen by
   * somebody. [grub2 util/grub.d/00_header.in] */
  if (memmem (text.content, text.len, "set default=\"0\"", 15) == NULL)
    return 0;
  entry = grub_previous (text.content, text.len, &kernel);
  if (entry == NULL)
    return no_other_kernel (disk, err);
  if (strpbrk (entry, "\"\\$`'"))
    return err_set (err, ERR_DISK, "%s: an entry's id has quotes in it", path);
  line = xasprintf ("   set default=\"%s\"", entry);
  made = xasprintf ("GRUB_DEFAULT=\"%s\"", entry);
  disk_note (disk, "%s is started instead of the newest kernel", kernel);
  if (set_default (disk, action, path, "^[[:space:]]*set default=\"0\"$", line,
                   err) == -1)
    return -1;
  return set_default (disk, action, "/etc/default/grub",
                      "^[[:space:]]*GRUB_DEFAULT=", made, err);
}

int
plan_previous_kernel (struct disk *disk, const struct recipe_action *action,
                      struct match_found *found, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  const char *folder;
  char **entries;
  int r;

  (void)found;
  if (linux_boot_mount (disk, err) == -1)
    return -1;
  folder = grub_folder (disk, &why);
  if (folder == NULL && why)
    return err_move (err, TAKE (why));
  if (folder == NULL)
    return disk_refuse (disk, err, REFUSE_NO_MATCH, "no grub.cfg below /boot");
  entries = bls_entries (disk, &why);
  if (entries == NULL && why)
    return err_move (err, TAKE (why));
  r = entries && entries[0]
          ? previous_of_bls (disk, action, folder, entries, err)
          : previous_of_cfg (disk, action, folder, err);
  strv_free (entries);
  return r;
}
