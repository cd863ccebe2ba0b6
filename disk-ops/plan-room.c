#include "plan-room.h"

#include <errno.h>
#include <string.h>

#include <base/text.h>

#include "disk.h"
#include "guest-path.h"
#include "refuse.h"

/* ext4 with extents keeps two in a hundred of its clusters back from everybody,
 * also from root, but never more than this; what f_bfree counts has them.
 * [kernel, fs/ext4/super.c ext4_calculate_resv_clusters] */
#define EXT_HELD_BACK 4096
/* Content that lies in the record of a file: NTFS, a bit less than fits. */
#define NTFS_RESIDENT_BYTES 600
/* A target as long as this is no longer kept in the inode.  [kernel,
 * Documentation/filesystems/ext4/ifork.rst] */
#define LINK_IN_INODE 60

/* What is left on one file system, as the planned changes use it up. */
struct room {
  const struct volume *volume; /* NULL: not asked yet */
  int64_t block_bytes;
  int64_t blocks; /* that a new file could take */
  int64_t inodes; /* -1: without a limit */
};

static int
room_ask (struct disk *disk, const struct volume *volume, const char *top,
          struct room *room, struct err **err)
{
  struct guestfs_statvfs *st = guestfs_statvfs (disk->g, top);
  int64_t held;

  room->volume = volume;
  room->block_bytes = 4096;
  if (st == NULL)
    return disk_guest_error (disk, err, "%s: statvfs", volume->name);
  if (st->frsize > 0)
    room->block_bytes = st->frsize;
  room->blocks = st->bavail;
  room->inodes = st->files > 0 ? st->ffree : -1;
  /* bavail of ext* leaves out what is for root, and we write as root */
  if (volume->kind == VOLUME_EXT) {
    held = volume->ext.extents ? st->blocks / 50 : 0;
    room->blocks = st->bfree - (held < EXT_HELD_BACK ? held : EXT_HELD_BACK);
  }
  guestfs_free_statvfs (st);
  return 0;
}

/* The file system that a path is on: the system's, or a /boot of its own. */
static int
room_of (struct disk *disk, const char *path, struct room rooms[2],
         struct room **room, struct err **err)
{
  bool boot = disk->boot_mounted && strncmp (path, "/boot/", 6) == 0;
  const struct volume *volume = boot ? disk->boot_mounted : disk->mounted;

  *room = &rooms[boot];
  if ((*room)->volume)
    return 0;
  if (volume == NULL)
    return err_set (err, ERR_INTERNAL, "%s: nothing is mounted", path);
  return room_ask (disk, volume, boot ? "/boot" : "/", *room, err);
}

static int64_t
blocks_for (const struct room *room, int64_t bytes)
{
  if (room->volume->kind == VOLUME_NTFS && bytes <= NTFS_RESIDENT_BYTES)
    return 0;
  return (bytes + room->block_bytes - 1) / room->block_bytes;
}

static int
refuse_no_space (struct disk *disk, const struct room *room, const char *path,
                 int64_t blocks, int64_t left, struct err **err)
{
  CLEANUP_FREE char *need = text_bytes ((uint64_t)(blocks * room->block_bytes));
  CLEANUP_FREE char *have =
      text_bytes (left > 0 ? (uint64_t)(left * room->block_bytes) : 0);

  return disk_refuse (disk, err, REFUSE_NO_SPACE,
                      "%s: %s needs %s on %s, and %s can be used: make room "
                      "there first (linux-disk-full says what fills it)",
                      disk->work->recipe->name, path, need, room->volume->name,
                      have);
}

static bool
is_removal (const struct change *change)
{
  return change->action->kind == ACTION_DELETE ||
         change->action->kind == ACTION_FREE_SPACE;
}

static bool
is_move (const struct change *change)
{
  return change->action->kind == ACTION_RENAME ||
         change->action->kind == ACTION_QUARANTINE;
}

static int64_t
blocks_after (const struct room *room, const struct change *change)
{
  if (change->action->kind == ACTION_LINK)
    return strlen (change->action->target) < LINK_IN_INODE ? 0 : 1;
  return change->link ? 0 : blocks_for (room, change->size_after);
}

static int
use_up (struct disk *disk, const struct change *change, struct room rooms[2],
        struct err **err)
{
  const char *path = change->file.path ? change->file.path : change->to;
  struct room *room;
  int64_t before = 0, after;

  if (room_of (disk, path, rooms, &room, err) == -1)
    return -1;
  if (change->file.path)
    before = blocks_for (room, change->file.size_bytes);
  if (is_removal (change)) {
    room->blocks += change->file.links > 1 ? 0 : before;
    return 0;
  }
  after = blocks_after (room, change);
  if (after > 0 && after > room->blocks + before)
    return refuse_no_space (disk, room, path, after, room->blocks + before,
                            err);
  room->blocks += before - after;
  if (change->file.path || change->link || room->inodes < 0)
    return 0;
  if (room->inodes-- == 0)
    return disk_refuse (disk, err, REFUSE_NO_SPACE,
                        "%s: %s needs an inode, and none is left on %s: delete "
                        "files there first",
                        disk->work->recipe->name, path, room->volume->name);
  return 0;
}

/* --- files that may not be written --- */

static bool
has_such_flags (const struct volume *volume)
{
  return volume->kind == VOLUME_EXT || volume->kind == VOLUME_XFS ||
         volume->kind == VOLUME_BTRFS;
}

/* Nothing there, or something that has no flags, is fine. */
static int
check_flags (struct disk *disk, const char *path, struct err **err)
{
  CLEANUP_FREE char *flags = guestfs_get_e2attrs (disk->g, path);
  const char *word;

  if (flags == NULL)
    return guestfs_is_ready (disk->g) == 1
               ? 0
               : disk_guest_error (disk, err, "%s", path);
  word = strchr (flags, 'i')   ? "immutable"
         : strchr (flags, 'a') ? "append-only"
                               : NULL;
  if (word == NULL)
    return 0;
  return disk_refuse (disk, err, REFUSE_IMMUTABLE,
                      "%s is marked %s (chattr +%c): somebody did not want it "
                      "to change; take the mark off first if it is to be "
                      "repaired",
                      path, word, *word);
}

static bool
is_seen (struct str_vec *seen, const char *path)
{
  for (size_t i = 0; i < seen->len; i++)
    if (strcmp (seen->ptr[i], path) == 0)
      return true;
  str_vec_push (seen, xstrdup (path));
  return false;
}

static int
check_flags_of (struct disk *disk, const struct change *change,
                struct str_vec *seen, struct err **err)
{
  const char *const paths[] = {change->file.path, change->to};

  for (size_t i = 0; i < ARRAY_SIZE (paths); i++) {
    CLEANUP_FREE char *folder = paths[i] ? guest_path_parent (paths[i]) : NULL;

    if (paths[i] == NULL)
      continue;
    if (i == 0 && !change->file.link && !is_seen (seen, paths[i]) &&
        check_flags (disk, paths[i], err) == -1)
      return -1;
    if (!is_seen (seen, folder) && check_flags (disk, folder, err) == -1)
      return -1;
  }
  return 0;
}

int
plan_room_check (struct disk *disk, struct err **err)
{
  struct room rooms[2] = {{0}};
  struct str_vec seen = VEC_EMPTY;
  int r = 0;

  for (size_t i = 0; r == 0 && i < disk->plan.changes.len; i++) {
    const struct change *change = &disk->plan.changes.ptr[i];

    if (change->evidence_only || change->is_registry || change->boot_of)
      continue;
    if (has_such_flags (disk->mounted))
      r = check_flags_of (disk, change, &seen, err);
    if (r == 0 && !is_move (change))
      r = use_up (disk, change, rooms, err);
  }
  str_vec_free_all (&seen);
  return r;
}

int
plan_room_explain (struct disk *disk, const char *path, struct err **err)
{
  int e = guestfs_last_errno (disk->g);
  struct room rooms[2] = {{0}}, *room;
  CLEANUP_ERR struct err *why = NULL;

  if (err == NULL || *err == NULL || (*err)->code != ERR_DISK)
    return -1;
  /* an upload that runs out of space says only that it could not write */
  if (e != ENOSPC &&
      (room_of (disk, path, rooms, &room, &why) == -1 || room->blocks > 0))
    e = e == EPERM && has_such_flags (disk->mounted) ? EPERM : 0;
  else
    e = ENOSPC;
  if (e == 0)
    return -1;
  disk->refusal = e == ENOSPC ? REFUSE_NO_SPACE : REFUSE_IMMUTABLE;
  (*err)->code = ERR_REFUSED;
  return err_wrap (err, e == ENOSPC ? "the file system has no room"
                                    : "a file may not be written");
}
