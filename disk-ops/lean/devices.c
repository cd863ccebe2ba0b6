/* Disks and ports under the names by which guestfsd looks for them. */

#include "lean.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_STEP_NS (2 * 1000 * 1000)
#define WAIT_STEPS   (30 * 500) /* 30 s */

/* ext2's superblock: where it is, and its fields (linux, fs/ext2/ext2.h). */
enum {
  EXT2_SUPER = 1024,
  EXT2_MAGIC_AT = 56,
  EXT2_MAGIC = 0xEF53,
  EXT2_UUID_AT = 104,
};

static void
wait_a_little (void)
{
  nanosleep (&(struct timespec){.tv_nsec = WAIT_STEP_NS}, NULL);
}

static bool
is_disk (const char *name)
{
  return strncmp (name, "sd", 2) == 0 || strncmp (name, "vd", 2) == 0;
}

static void
link_to (const char *target, const char *path)
{
  if (symlink (target, path) == -1 && errno != EEXIST)
    complain ("%s", path);
}

/* Has every SCSI disk that was found its block device? */
static bool
disks_are_there (void)
{
  DIR *dir = opendir ("/sys/bus/scsi/devices");
  bool all = true;
  struct dirent *entry;

  while (dir && (entry = readdir (dir))) {
    char path[PATH_MAX], type[16];

    snprintf (path, sizeof path, "/sys/bus/scsi/devices/%s/type",
              entry->d_name);
    if (read_text (path, type, sizeof type) <= 0 || atoi (type) != 0)
      continue; /* a target or host, or no disk */
    snprintf (path, sizeof path, "/sys/bus/scsi/devices/%s/block",
              entry->d_name);
    if (access (path, F_OK) == -1)
      all = false;
  }
  if (dir)
    closedir (dir);
  return all;
}

static bool
disk_has_uuid (const char *device, const char *uuid)
{
  unsigned char super[EXT2_UUID_AT + 16];
  char text[40];
  size_t n = 0;
  uint16_t magic;
  int fd = open (device, O_RDONLY | O_CLOEXEC);
  bool whole;

  if (fd == -1)
    return false;
  whole = pread (fd, super, sizeof super, EXT2_SUPER) == sizeof super;
  close (fd);
  memcpy (&magic, super + EXT2_MAGIC_AT, sizeof magic);
  if (!whole || le16toh (magic) != EXT2_MAGIC)
    return false;
  for (int i = 0; i < 16; i++)
    n += (size_t)snprintf (text + n, sizeof text - n, "%s%02x",
                           i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                           super[EXT2_UUID_AT + i]);
  return strcasecmp (text, uuid) == 0;
}

int
find_root (const char *uuid, char *device, size_t size)
{
  int found = 0;

  for (int step = 0; step < WAIT_STEPS && found == 0; step++) {
    DIR *dir;
    struct dirent *entry;

    if (!disks_are_there () || (dir = opendir ("/sys/block")) == NULL) {
      wait_a_little ();
      continue;
    }
    while ((entry = readdir (dir))) {
      char path[64];

      if (!is_disk (entry->d_name) ||
          snprintf (path, sizeof path, "/dev/%s", entry->d_name) >=
              (int)sizeof path ||
          !disk_has_uuid (path, uuid))
        continue;
      found++;
      snprintf (device, size, "%s", path);
    }
    closedir (dir);
    if (found == 0)
      wait_a_little ();
  }
  errno = found == 0 ? ENODEV : ENOTUNIQ;
  return found == 1 ? 0 : -1;
}

void
each_block (const char *root_device,
            void (*fn) (const char *disk, const char *partition))
{
  DIR *dir = opendir ("/sys/block"), *inside;
  struct dirent *entry, *part;

  while (dir && (entry = readdir (dir))) {
    const char *disk = entry->d_name;
    char path[PATH_MAX];

    if (!is_disk (disk) || strcmp (disk, root_device + strlen ("/dev/")) == 0)
      continue;
    fn (disk, NULL);
    snprintf (path, sizeof path, "/sys/block/%s", disk);
    inside = opendir (path);
    while (inside && (part = readdir (inside)))
      if (strncmp (part->d_name, disk, strlen (disk)) == 0)
        fn (disk, part->d_name);
    if (inside)
      closedir (inside);
  }
  if (dir)
    closedir (dir);
}

/* "pci-0000:00:03.0-scsi-0:0:7:0": udev's name for where a disk is plugged in.
 * guestfsd takes the order of disks from these names. */
static int
path_name (const char *disk, char *name, size_t size)
{
  char block[64], where[PATH_MAX], *virtio, *pci;
  unsigned host, channel, target, lun;

  snprintf (block, sizeof block, "/sys/block/%s", disk);
  if (realpath (block, where) == NULL ||
      (virtio = strstr (where, "/virtio")) == NULL)
    return -1;
  *virtio = '\0';
  pci = strrchr (where, '/');
  for (char *s = strchr (virtio + 1, '/'); s; s = strchr (s + 1, '/'))
    if (sscanf (s, "/%u:%u:%u:%u/", &host, &channel, &target, &lun) == 4) {
      snprintf (name, size, "pci-%s-scsi-0:%u:%u:%u", pci + 1, channel, target,
                lun);
      return 0;
    }
  snprintf (name, size, "pci-%s", pci + 1);
  return 0;
}

/* The label that a drive was added with is its serial number: page 0x80 of its
 * vital product data, with 4 bytes of header. */
static void
name_by_label (const char *disk, const char *partition)
{
  char path[PATH_MAX], page[4 + 64], target[64];
  int fd;
  ssize_t n;

  snprintf (path, sizeof path, "/sys/block/%s/device/vpd_pg80", disk);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd == -1)
    return;
  n = read (fd, page, sizeof page - 1);
  close (fd);
  page[n > 0 ? n : 0] = '\0';
  if (n <= 4 || page[4] == '\0' || strchr (page + 4, '/'))
    return;
  snprintf (target, sizeof target, "../../%s", partition ? partition : disk);
  snprintf (path, sizeof path, "/dev/disk/guestfs/%s%s", page + 4,
            partition ? partition + strlen (disk) : "");
  link_to (target, path);
}

static void
name_block (const char *disk, const char *partition)
{
  char name[PATH_MAX / 2], path[PATH_MAX], target[64];

  if (path_name (disk, name, sizeof name) == -1) {
    complain ("%s: where is it", disk);
    return;
  }
  snprintf (target, sizeof target, "../../%s", partition ? partition : disk);
  snprintf (path, sizeof path, "/dev/disk/by-path/%s%s%s", name,
            partition ? "-part" : "",
            partition ? partition + strlen (disk) : "");
  link_to (target, path);
  name_by_label (disk, partition);
  if (partition == NULL) {
    /* as the stock appliance does, for images behind a slow network */
    snprintf (path, sizeof path, "/sys/block/%s/device/timeout", disk);
    if (access (path, W_OK) == 0)
      write_text (path, "300");
  }
}

void
name_disks (const char *root_device)
{
  mkdir ("/dev/disk", 0755);
  mkdir ("/dev/disk/by-path", 0755);
  mkdir ("/dev/disk/guestfs", 0755);
  each_block (root_device, name_block);
  /* guestfsd knows the root image by its number, and expects its link */
  name_block (root_device + strlen ("/dev/"), NULL);
}

/* The host tells a port's name after the driver is up. */
static bool
name_ports_now (void)
{
  DIR *dir = opendir ("/sys/class/virtio-ports");
  struct dirent *entry;
  bool channel = false;

  while (dir && (entry = readdir (dir))) {
    char path[PATH_MAX], name[128], target[PATH_MAX];

    if (entry->d_name[0] == '.')
      continue;
    snprintf (path, sizeof path, "/sys/class/virtio-ports/%s/name",
              entry->d_name);
    if (read_text (path, name, sizeof name) <= 1)
      continue;
    name[strcspn (name, "\n")] = '\0';
    snprintf (target, sizeof target, "../%s", entry->d_name);
    snprintf (path, sizeof path, "/dev/virtio-ports/%s", name);
    link_to (target, path);
    if (strncmp (name, "org.libguestfs.channel.", 23) == 0)
      channel = true;
  }
  if (dir)
    closedir (dir);
  return channel;
}

void
name_ports (void)
{
  mkdir ("/dev/virtio-ports", 0755);
  for (int step = 0; step < WAIT_STEPS && !name_ports_now (); step++)
    wait_a_little ();
}
