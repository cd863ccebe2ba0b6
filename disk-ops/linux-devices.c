#include "linux-devices.h"

#include <string.h>
#include <strings.h>

#include "disk.h"
#include "guest-text.h"

/* What blkid calls them, how fstab does, and the folder of /dev/disk. */
static const struct tag {
  const char *blkid, *fstab, *folder;
} tags[] = {
    {"UUID", "UUID", "by-uuid"},
    {"LABEL", "LABEL", "by-label"},
    {"PART_ENTRY_UUID", "PARTUUID", "by-partuuid"},
    {"PART_ENTRY_NAME", "PARTLABEL", "by-partlabel"},
};

static void
add_name (struct linux_devices *devices, const char *kind, const char *value,
          const char *device)
{
  CLEANUP_FREE char *name = xasprintf ("%s=%s", kind, value);

  json_put_str (devices->names, name, device);
}

static void
add_tags (struct disk *disk, const struct volume *volume,
          struct linux_devices *devices)
{
  char **words = guestfs_blkid (disk->g, volume->device);

  /* blkid finds nothing on what is empty: no error of ours. */
  for (size_t i = 0; words && words[i] && words[i + 1]; i += 2)
    for (size_t j = 0; j < ARRAY_SIZE (tags); j++)
      if (strcmp (words[i], tags[j].blkid) == 0)
        add_name (devices, tags[j].fstab, words[i + 1], volume->device);
  strv_free (words);
}

char *
linux_mapper_name (const char *vg, const char *lv)
{
  struct strbuf sb = STRBUF_EMPTY;
  const char *const parts[] = {vg, lv};

  for (size_t i = 0; i < ARRAY_SIZE (parts); i++) {
    if (i)
      strbuf_addch (&sb, '-');
    for (const char *p = parts[i]; *p; p++)
      strbuf_addf (&sb, "%s%c", *p == '-' ? "-" : "", *p);
  }
  return strbuf_take (&sb);
}

/* A logical volume's name is that of people: "vg/lv". */
static void
add_logical (const struct volume *volume, struct linux_devices *devices)
{
  const char *slash = strchr (volume->name, '/');
  CLEANUP_FREE char *vg = NULL, *mapper = NULL, *plain = NULL, *mapped = NULL;

  if (slash == NULL)
    return;
  vg = xstrndup (volume->name, (size_t)(slash - volume->name));
  mapper = linux_mapper_name (vg, slash + 1);
  plain = xasprintf ("/dev/%s", volume->name);
  mapped = xasprintf ("/dev/mapper/%s", mapper);
  json_put_str (devices->names, plain, volume->device);
  json_put_str (devices->names, mapped, volume->device);
}

int
linux_devices_find (struct disk *disk, struct linux_devices *devices,
                    struct err **err)
{
  devices->names = json_object ();
  devices->luks = false;
  for (size_t i = 0; i < disk->volumes.all.len; i++) {
    add_tags (disk, &disk->volumes.all.ptr[i], devices);
    add_logical (&disk->volumes.all.ptr[i], devices);
    if (disk->volumes.all.ptr[i].kind == VOLUME_LUKS)
      devices->luks = true;
  }
  if (guestfs_is_ready (disk->g) == 1)
    return 0;
  linux_devices_release (devices);
  return disk_guest_error (disk, err, "blkid");
}

void
linux_devices_release (struct linux_devices *devices)
{
  json_decref (TAKE (devices->names));
}

/* "UUID=..." of what is written in another way; NULL: it is no tag. */
static char *
canonical (const char *spec)
{
  static const char by[] = "/dev/disk/";

  for (size_t i = 0; i < ARRAY_SIZE (tags); i++) {
    size_t len = strlen (tags[i].fstab), dir = strlen (tags[i].folder);

    if (strncmp (spec, tags[i].fstab, len) == 0 && spec[len] == '=') {
      const char *value = spec + len + 1;
      size_t n = strlen (value);
      bool quoted = n >= 2 && *value == '"' && value[n - 1] == '"';

      return quoted
                 ? xasprintf ("%s=%.*s", tags[i].fstab, (int)n - 2, value + 1)
                 : xstrdup (spec);
    }
    if (strncmp (spec, by, strlen (by)) == 0 &&
        strncmp (spec + strlen (by), tags[i].folder, dir) == 0 &&
        spec[strlen (by) + dir] == '/')
      return xasprintf ("%s=%s", tags[i].fstab, spec + strlen (by) + dir + 1);
  }
  return NULL;
}

/* NULL: it is not here. */
static const char *
device_of (const struct linux_devices *devices, const char *name)
{
  const char *key;
  json_t *value;

  /* UUIDs are written in either case. */
  json_object_foreach (devices->names, key, value)
  {
    if (strcasecmp (key, name) == 0)
      return json_string_value (value);
  }
  return NULL;
}

/* Partitions by the order in which the kernel found their disk. */
static bool
is_unstable (const char *spec)
{
  static const char *const starts[] = {"/dev/sd", "/dev/vd",   "/dev/xvd",
                                       "/dev/hd", "/dev/nvme", "/dev/loop",
                                       "/dev/fd", "/dev/sr"};

  for (size_t i = 0; i < ARRAY_SIZE (starts); i++)
    if (strncmp (spec, starts[i], strlen (starts[i])) == 0)
      return true;
  return false;
}

enum fstab_device
linux_device_where (const struct linux_devices *devices, const char *spec)
{
  CLEANUP_FREE char *tag = canonical (spec);

  if (tag)
    return device_of (devices, tag) ? FSTAB_HERE : FSTAB_ABSENT;
  if (strncmp (spec, "/dev/", 5) != 0 || is_unstable (spec))
    return FSTAB_NO_DISK;
  if (device_of (devices, spec))
    return FSTAB_HERE;
  return devices->luks && strncmp (spec, "/dev/mapper/", 12) == 0
             ? FSTAB_NO_DISK
             : FSTAB_ABSENT;
}

/* --- /boot -----------------------------------------------------------------
 */

static const struct volume *
volume_of (const struct disk *disk, const char *device)
{
  for (size_t i = 0; device && i < disk->volumes.all.len; i++)
    if (strcmp (disk->volumes.all.ptr[i].device, device) == 0)
      return &disk->volumes.all.ptr[i];
  return NULL;
}

static const struct volume *
boot_volume (struct disk *disk, const char *spec, struct err **err)
{
  CLEANUP_FREE char *tag = canonical (spec);
  struct linux_devices devices;
  const struct volume *volume;

  if (linux_devices_find (disk, &devices, err) == -1)
    return NULL;
  volume = volume_of (disk, device_of (&devices, tag ? tag : spec));
  linux_devices_release (&devices);
  return volume;
}

int
linux_boot_mount (struct disk *disk, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_GUEST_TEXT struct guest_text text = {0};
  CLEANUP_FREE char *spec = NULL, *options = NULL;
  const struct volume *volume;
  const char *driver;

  if (disk->boot_mounted ||
      guest_text_read (disk, "/etc/fstab", &text, &why) != 1)
    return why ? err_move (err, TAKE (why)) : 0;
  spec = fstab_device_of (text.content, text.len, "/boot");
  volume = spec ? boot_volume (disk, spec, err) : NULL;
  driver = volume ? volume_kinds[volume->kind].driver : NULL;
  if (driver == NULL)
    return guestfs_is_ready (disk->g) == 1 ? 0 : -1;
  options = xasprintf ("%s,noatime", disk->mounted_rw ? "rw" : "ro");
  if (guestfs_mount_vfs (disk->g, options, driver, volume->device, "/boot") ==
      -1)
    return disk_guest_error (disk, err, "/boot (%s): mount", volume->name);
  disk->boot_mounted = volume;
  return 0;
}
