#include "mount.h"

#include "disk.h"
#include "ntfs.h"
#include "refuse.h"

#define ST_READ_ONLY 1 /* in statvfs' flags */

int
mount_plain (struct disk *disk, const struct volume *volume,
             const char *options, struct err **err)
{
  /* noatime: a look must not be a change */
  CLEANUP_FREE char *all = NULL;
  const char *driver = volume_kinds[volume->kind].driver;

  if (driver == NULL)
    return disk_refuse (disk, err, REFUSE_FS_DAMAGED, "%s: %s can't be mounted",
                        volume->name, volume_kinds[volume->kind].name);
  if (volume->subvolume)
    all = xasprintf ("%s,noatime,subvol=%s", options, volume->subvolume);
  else
    all = xasprintf ("%s,noatime", options);
  if (guestfs_mount_vfs (disk->g, all, driver, volume->device, "/") == -1)
    return disk_guest_error (disk, err, "%s: mount", volume->name);
  disk->mounted = volume;
  return 0;
}

int
mount_is_writable (struct disk *disk, struct err **err)
{
  struct guestfs_statvfs *st = guestfs_statvfs (disk->g, "/");
  int writable;

  if (st == NULL)
    return disk_guest_error (disk, err, "%s: statvfs", disk->mounted->name);
  writable = !(st->flag & ST_READ_ONLY);
  guestfs_free_statvfs (st);
  return writable;
}

static int
mount_other (struct disk *disk, const struct volume *volume, bool to_write,
             struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  int rw;

  if (mount_plain (disk, volume, to_write ? "rw" : "ro", &why) == -1) {
    if (why->code != ERR_DISK)
      return err_move (err, TAKE (why));
    return disk_refuse (disk, err, REFUSE_FS_DAMAGED, "%s", why->msg);
  }
  if (!to_write)
    return 0;
  rw = mount_is_writable (disk, err);
  if (rw == 0)
    return disk_refuse (disk, err, REFUSE_FS_READ_ONLY,
                        "%s: the file system can only be mounted read-only, it "
                        "has errors",
                        volume->name);
  return rw == 1 ? 0 : -1;
}

int
mount_volume (struct disk *disk, const struct volume *volume, bool to_write,
              struct err **err)
{
  int r;

  if (mount_end (disk, err) == -1)
    return -1;
  if (volume->kind == VOLUME_NTFS) {
    CLEANUP_ERR struct err *why = NULL;

    r = ntfs_mount (disk, volume, to_write, &why);
    if (r == -1 && why->code == ERR_DISK)
      disk_refuse (disk, err, REFUSE_FS_DAMAGED, "%s", why->msg);
    else if (r == -1)
      err_move (err, TAKE (why));
  } else
    r = mount_other (disk, volume, to_write, err);
  if (r == 0)
    disk->mounted_rw = to_write;
  return r;
}

int
mount_end (struct disk *disk, struct err **err)
{
  if (disk->mounted == NULL)
    return 0;
  disk->mounted = NULL;
  disk->mounted_rw = false;
  disk->boot_mounted = NULL;
  /* all: quicker than one, and leaves nothing behind for the next disk */
  if (guestfs_umount_all (disk->g) == -1)
    return disk_guest_error (disk, err, "unmount");
  return ntfs_take_back (disk, err);
}
