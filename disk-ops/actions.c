
#include "actions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/files.h>

#include "disk.h"
#include "guest-path.h"
#include "plan-room.h"

static int
do_delete (struct disk *disk, const struct change *change, struct err **err)
{
  if (guestfs_rm (disk->g, change->file.path) == -1)
    return disk_guest_error (disk, err, "delete %s", change->file.path);
  return 0;
}

/* A rename within the volume keeps times, owner and attributes.  rename(2) of
 * the guest would replace a target: the plan has seen that there is none. */
static int
do_rename (struct disk *disk, const struct change *change, struct err **err)
{
  if (guestfs_rename (disk->g, change->file.path, change->to) == -1)
    return disk_guest_error (disk, err, "rename %s to %s", change->file.path,
                             change->to);
  return 0;
}

static int
do_quarantine (struct disk *disk, const struct change *change, struct err **err)
{
  CLEANUP_FREE char *folder = guest_path_parent (change->to);

  if (guestfs_mkdir_p (disk->g, folder) == -1)
    return disk_guest_error (disk, err, "make %s", folder);
  return do_rename (disk, change, err);
}

int
content_put (struct disk *disk, const char *path, bool exists,
             const char *local_file, struct err **err)
{
  CLEANUP_FREE char *temp = xasprintf ("%s.bootmend-new", path);
  const char *to = exists ? path : temp;

  if (guestfs_upload (disk->g, local_file, to) == -1)
    return disk_guest_error (disk, err, "write %s", path);
  if (!exists && guestfs_rename (disk->g, temp, path) == -1)
    return disk_guest_error (disk, err, "write %s", path);
  return 0;
}

/* A place for content on its way, in the evidence folder. */
static char *
local_place (const struct disk *disk)
{
  return path_join (disk->work->evidence, "content.tmp");
}

/* A new file of a system with SELinux gets the label of its folder, as the
 * kernel of the guest would give it; without one, an enforcing guest would not
 * read it.  [selinux(8): inherits the type of its parent, unless a rule says
 * otherwise] */
static void
label_like_folder (struct disk *disk, const char *path)
{
  static const char name[] = "security.selinux";
  CLEANUP_FREE char *folder = guest_path_parent (path);
  CLEANUP_FREE char *bytes = NULL, *label = NULL;
  size_t len;

  if (disk->os.kind != OS_LINUX)
    return;
  bytes = guestfs_lgetxattr (disk->g, folder, name, &len);
  /* What is read has no NUL at its end, what is set wants one. */
  label = bytes ? xstrndup (bytes, len) : NULL;
  if (label && guestfs_lsetxattr (disk->g, name, label, (int)len, path) == -1)
    disk_note (disk, "%s: its SELinux label could not be set", path);
}

static int
do_write (struct disk *disk, const struct change *change, struct err **err)
{
  CLEANUP_FREE char *local = local_place (disk);
  const struct recipe_action *action = change->action;
  const void *content = change->content ? (const void *)change->content
                                        : (const void *)action->content;
  size_t len = change->content ? change->content_len : action->content_len;
  int r;

  if (file_write_atomic (local, content, len, 0600, err) == -1)
    return -1;
  r = content_put (disk, change->to, change->file.path != NULL, local, err);
  unlink (local);
  if (r == 0 && change->file.path == NULL)
    label_like_folder (disk, change->to);
  return r;
}

static int
do_link (struct disk *disk, const struct change *change, struct err **err)
{
  if (guestfs_ln_s (disk->g, change->action->target, change->to) == -1)
    return disk_guest_error (disk, err, "link %s", change->to);
  label_like_folder (disk, change->to);
  return 0;
}

static int
do_copy (struct disk *disk, const struct change *change, struct err **err)
{
  CLEANUP_FREE char *local = local_place (disk);
  int r;

  if (change->file.path == NULL) {
    CLEANUP_FREE char *temp = xasprintf ("%s.bootmend-new", change->to);

    /* -a: mode, owner and times go along, as with a file put back by hand */
    if (guestfs_cp_a (disk->g, change->source, temp) == -1 ||
        guestfs_rename (disk->g, temp, change->to) == -1)
      return disk_guest_error (disk, err, "copy %s to %s", change->source,
                               change->to);
    return 0;
  }
  if (guestfs_download (disk->g, change->source, local) == -1)
    return disk_guest_error (disk, err, "read %s", change->source);
  r = content_put (disk, change->to, true, local, err);
  unlink (local);
  return r;
}

/* From the component store as Windows has it: one file with two names, so that
 * attributes and security descriptor are those of the original. */
static int
do_restore (struct disk *disk, const struct change *change, struct err **err)
{
  if (change->source == NULL || change->content)
    return do_write (disk, change, err);
  if (change->file.path && change->file.links > 1) {
    /* its other names must not get what is put here */
    if (guestfs_rm (disk->g, change->to) == -1 ||
        guestfs_cp_a (disk->g, change->source, change->to) == -1)
      return disk_guest_error (disk, err, "replace %s", change->to);
    return 0;
  }
  if (!change->link)
    return do_copy (disk, change, err);
  if (guestfs_ln (disk->g, change->source, change->to) == -1)
    return disk_guest_error (disk, err, "%s: link to %s", change->to,
                             change->source);
  return 0;
}

/* Done already, or the volume could not have been mounted. */
static int
do_boot_sector (struct disk *disk, const struct change *change,
                struct err **err)
{
  (void)disk, (void)change, (void)err;
  return 0;
}

static int
do_registry (struct disk *disk, const struct change *change, struct err **err)
{
  return registry_apply (disk, change->hive, err);
}

static int (*const doers[]) (struct disk *disk, const struct change *change,
                             struct err **err) = {
    [ACTION_DELETE] = do_delete,
    [ACTION_QUARANTINE] = do_quarantine,
    [ACTION_RENAME] = do_rename,
    [ACTION_WRITE] = do_write,
    [ACTION_COPY] = do_copy,
    [ACTION_REGISTRY_SET] = do_registry,
    [ACTION_REGISTRY_DELETE] = do_registry,
    [ACTION_SERVICE_DISABLE] = do_registry,
    [ACTION_SET_LINE] = do_write,
    [ACTION_REMOVE_LINE] = do_write,
    [ACTION_LINK] = do_link,
    [ACTION_FSTAB] = do_write,
    [ACTION_PREVIOUS_KERNEL] = do_write,
    [ACTION_FREE_SPACE] = do_delete,
    [ACTION_BOOT_SECTOR] = do_boot_sector,
    [ACTION_RESTORE] = do_restore,
    [ACTION_HIVE_RESTORE] = do_restore,
};

int
actions_do (struct disk *disk, struct err **err)
{
  for (size_t i = 0; i < disk->plan.changes.len; i++) {
    const struct change *change = &disk->plan.changes.ptr[i];

    if (!change->evidence_only &&
        doers[change->action->kind](disk, change, err) == -1)
      return plan_room_explain (disk,
                                change->file.path ? change->file.path
                                                  : change->to,
                                err);
  }
  registry_forget (disk); /* what is checked is read again */
  return 0;
}
