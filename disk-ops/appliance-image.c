#include "appliance-image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <guestfs.h>

#include <base/files.h>
#include <base/text.h>

void
appliance_image_release (struct appliance_image *image)
{
  free (image->lean);
  free (image->stock);
  free (image->results);
  free (image->wrapper);
  free (image->note);
  memset (image, 0, sizeof *image);
}

static int
guest_error (guestfs_h *g, struct err **err, const char *doing)
{
  CLEANUP_FREE char *text = text_printable (
      guestfs_last_error (g) ? guestfs_last_error (g) : "unknown error");

  return err_set (err, ERR_TRANSIENT, "%s: %s", doing, text);
}

static int
apply_wrapper (const char *wrapper, guestfs_h *g, struct err **err)
{
  CLEANUP_FREE char *qemu = guestfs_get_hv (g);
  char pid[16];

  if (qemu == NULL)
    return guest_error (g, err, "where QEMU is");
  if (strcmp (qemu, wrapper) == 0)
    return 0;
  snprintf (pid, sizeof pid, "%d", (int)getpid ());
  if (setenv ("BOOTMEND_QEMU", qemu, 1) == -1 ||
      setenv ("BOOTMEND_QEMU_PARENT", pid, 1) == -1)
    return err_set_errno (err, errno, "environment");
  if (guestfs_set_hv (g, wrapper) == -1)
    return guest_error (g, err, wrapper);
  return 0;
}

/* A PC's kernel otherwise asks ACPI for the interrupt line of each device,
 * which takes 0.1 s for each on an emulated CPU; virtio devices use none. Added
 * to what is set already. */
static int
apply_parameters (guestfs_h *g, struct err **err)
{
  static const char quick[] = "acpi=noirq";
  const char *set = guestfs_get_append (g);
  CLEANUP_FREE char *all = set ? xasprintf ("%s %s", set, quick) : NULL;
  struct utsname machine;

  if (uname (&machine) == -1 || strcmp (machine.machine, "x86_64") != 0 ||
      (set && strstr (set, quick)))
    return 0;
  if (guestfs_set_append (g, all ? all : quick) == -1)
    return guest_error (g, err, quick);
  return 0;
}

int
appliance_apply (const struct appliance_image *image, bool lean, guestfs_h *g,
                 struct err **err)
{
  const char *folder = lean && image->lean ? image->lean : image->stock;

  if (folder && guestfs_set_path (g, folder) == -1)
    return guest_error (g, err, folder);
  if (lean && image->lean && apply_parameters (g, err) == -1)
    return -1;
  if (image->results && guestfs_set_cachedir (g, image->results) == -1)
    return guest_error (g, err, image->results);
  /* libguestfs keeps what it found out about a QEMU by the file's size and
   * time, which are the wrapper's: only with results of our own, which are
   * thrown away when QEMU changes, is that right. */
  if (image->results && image->wrapper)
    return apply_wrapper (image->wrapper, g, err);
  return 0;
}

/* The two disks of a trial, told apart by their size. */
static const struct trial_disk {
  const char *name, *device, *fstype;
  off_t bytes;
} trial_disks[] = {
    {"trial-1.img", "/dev/sda", "ntfs", 8 << 20},
    {"trial-2.img", "/dev/sdb", "vfat", 4 << 20},
};

static int
add_trial_disk (const struct trial_disk *disk, const char *scratch,
                guestfs_h *g, struct err **err)
{
  CLEANUP_FREE char *path = path_join (scratch, disk->name);
  CLEANUP_CLOSE int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd == -1 || ftruncate (fd, disk->bytes) == -1)
    return err_set_errno (err, errno, "%s", path);
  if (guestfs_add_drive_opts (g, path, GUESTFS_ADD_DRIVE_OPTS_FORMAT, "raw",
                              GUESTFS_ADD_DRIVE_OPTS_CACHEMODE, "unsafe",
                              -1) == -1)
    return guest_error (g, err, disk->name);
  return 0;
}

static int
work_on_trial_disk (const struct trial_disk *disk, guestfs_h *g,
                    struct err **err)
{
  CLEANUP_FREE char *text = NULL;

  if (guestfs_blockdev_getsize64 (g, disk->device) != disk->bytes)
    return err_set (err, ERR_TRANSIENT, "%s is not the disk that was given",
                    disk->device);
  if (guestfs_mkfs (g, disk->fstype, disk->device) == -1 ||
      guestfs_mount (g, disk->device, "/") == -1 ||
      guestfs_write (g, "/trial", disk->name, strlen (disk->name)) == -1 ||
      guestfs_umount_all (g) == -1 ||
      guestfs_mount (g, disk->device, "/") == -1)
    return guest_error (g, err, disk->fstype);
  text = guestfs_cat (g, "/trial");
  if (text == NULL || guestfs_umount_all (g) == -1)
    return guest_error (g, err, disk->fstype);
  if (strcmp (text, disk->name) != 0)
    return err_set (err, ERR_TRANSIENT, "%s: read other than written",
                    disk->fstype);
  return 0;
}

static int
try_handle (const struct appliance_image *image, bool lean, bool tcg,
            const char *scratch, guestfs_h *g, struct err **err)
{
  CLEANUP_STRV char **devices = NULL;

  guestfs_set_error_handler (g, NULL, NULL);
  if (guestfs_set_backend (g, "direct") == -1 ||
      (tcg && guestfs_set_backend_setting (g, "force_tcg", "1") == -1))
    return guest_error (g, err, "backend");
  if (appliance_apply (image, lean, g, err) == -1)
    return -1;
  for (size_t i = 0; i < ARRAY_SIZE (trial_disks); i++)
    if (add_trial_disk (&trial_disks[i], scratch, g, err) == -1)
      return -1;
  if (guestfs_launch (g) == -1)
    return guest_error (g, err, "launch");
  devices = guestfs_list_devices (g);
  if (devices == NULL)
    return guest_error (g, err, "disks");
  if (strv_length (devices) != ARRAY_SIZE (trial_disks))
    return err_set (err, ERR_TRANSIENT, "%zu disks given, %zu seen",
                    ARRAY_SIZE (trial_disks), strv_length (devices));
  for (size_t i = 0; i < ARRAY_SIZE (trial_disks); i++)
    if (work_on_trial_disk (&trial_disks[i], g, err) == -1)
      return -1;
  if (guestfs_shutdown (g) == -1)
    return guest_error (g, err, "shutdown");
  return 0;
}

static int
try_once (const struct appliance_image *image, bool lean, bool tcg,
          const char *scratch, struct err **err)
{
  guestfs_h *g = guestfs_create ();
  int r;

  if (g == NULL)
    return err_set_errno (err, errno, "guestfs_create");
  r = try_handle (image, lean, tcg, scratch, g, err);
  guestfs_close (g);
  for (size_t i = 0; i < ARRAY_SIZE (trial_disks); i++) {
    CLEANUP_FREE char *path = path_join (scratch, trial_disks[i].name);

    unlink (path);
  }
  return r;
}

int
appliance_try (const struct appliance_image *image, bool lean, bool force_tcg,
               const char *scratch, struct err **err)
{
  CLEANUP_ERR struct err *first = NULL, *second = NULL;

  if (try_once (image, lean, force_tcg, scratch, &first) == 0)
    return 0;
  if (!force_tcg && access ("/dev/kvm", R_OK | W_OK) == 0 &&
      try_once (image, lean, true, scratch, &second) == 0)
    return 0;
  return err_move (err, TAKE (first));
}
