#include "plan-linux.h"

#include <string.h>

#include <base/text.h>

#include "disk.h"
#include "guest-path.h"
#include "guest-text.h"
#include "lines.h"
#include "linux-devices.h"
#include "refuse.h"

/* --- lines -----------------------------------------------------------------
 */

int
plan_set_line (struct disk *disk, const struct recipe_action *action,
               struct match_found *found, struct err **err)
{
  CLEANUP_GUEST_TEXT struct guest_text text = {0};
  CLEANUP_STRBUF struct strbuf new = STRBUF_EMPTY;
  int r = guest_text_read (disk, action->path, &text, err);

  (void)found;
  if (r == -1 || (r == 0 && !action->add))
    return r;
  if (lines_set (text.content, text.len, action->pattern, action->line,
                 action->add, &new, err) == -1)
    return -1;
  return guest_text_change (disk, action, &text, &new, err);
}

int
plan_remove_line (struct disk *disk, const struct recipe_action *action,
                  struct match_found *found, struct err **err)
{
  CLEANUP_GUEST_TEXT struct guest_text text = {0};
  CLEANUP_STRBUF struct strbuf new = STRBUF_EMPTY;
  int r = guest_text_read (disk, action->path, &text, err);

  (void)found;
  if (r != 1)
    return r;
  if (lines_set (text.content, text.len, action->pattern, NULL, false, &new,
                 err) == -1)
    return -1;
  return guest_text_change (disk, action, &text, &new, err);
}

/* --- links -----------------------------------------------------------------
 */

int
plan_link (struct disk *disk, const struct recipe_action *action,
           struct match_found *found, struct err **err)
{
  struct change change = {.action = action};
  struct guest_file file = {0};
  CLEANUP_FREE char *to = NULL, *now = NULL;
  int r = guest_path_target (disk, action->path, &to, err);

  (void)found;
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "the folder of %s does not exist", action->path);
  if (r == 1)
    r = guest_file_stat (disk, to, &file, err);
  if (r == -1)
    return -1;
  if (r == 1 && file.link)
    now = guestfs_readlink (disk->g, to);
  guest_file_release (&file);
  if (now && strcmp (now, action->target) == 0)
    return 0;
  if (r == 1)
    return disk_refuse (disk, err, REFUSE_TARGET_EXISTS,
                        "%s exists and is no link to %s: move it away first "
                        "(quarantine)",
                        to, action->target);
  change.to = TAKE (to);
  return plan_push (disk, change, err);
}

/* --- /etc/fstab ------------------------------------------------------------
 */

struct fstab_opaque {
  struct disk *disk;
  struct linux_devices devices;
};

static enum fstab_device
where_is (void *opaque, const char *spec)
{
  const struct fstab_opaque *o = opaque;

  return linux_device_where (&o->devices, spec);
}

static void
tell (void *opaque, const char *spec, const char *mount_point, bool changed)
{
  const struct fstab_opaque *o = opaque;
  CLEANUP_FREE char *device = text_printable (spec);
  CLEANUP_FREE char *point = text_printable (mount_point);

  if (changed)
    disk_note (o->disk,
               "/etc/fstab: %s on %s is not on this disk; the boot "
               "no longer waits for it",
               device, point);
  else
    disk_note (o->disk,
               "/etc/fstab: %s on %s is not on this disk, and the system can't "
               "do without it: left as it is, a person must look",
               device, point);
}

int
plan_fstab (struct disk *disk, const struct recipe_action *action,
            struct match_found *found, struct err **err)
{
  CLEANUP_GUEST_TEXT struct guest_text text = {0};
  CLEANUP_STRBUF struct strbuf new = STRBUF_EMPTY;
  struct fstab_opaque opaque = {.disk = disk};
  const struct fstab_edit edit = {action->comment, where_is, tell, &opaque};
  int r = guest_text_read (disk, "/etc/fstab", &text, err);

  (void)found;
  if (r != 1)
    return r;
  if (linux_devices_find (disk, &opaque.devices, err) == -1)
    return -1;
  fstab_let_go (text.content, text.len, &edit, &new);
  linux_devices_release (&opaque.devices);
  return guest_text_change (disk, action, &text, &new, err);
}
