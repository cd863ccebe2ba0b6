#include "volumes.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "disk.h"
#include "ntfs.h"
#include "refuse.h"

#define SECTOR          512
#define TABLE_BYTES     1024
#define MAX_VOLUMES     256
#define LVM_NAME_PREFIX "/dev/"

static void
volume_release (struct volume *volume)
{
  free (volume->device);
  free (volume->subvolume);
  free (volume->name);
  free (volume->old_boot);
  encryption_free (volume->encryption);
}

void
volumes_release (struct volumes *volumes)
{
  for (size_t i = 0; i < volumes->all.len; i++)
    volume_release (&volumes->all.ptr[i]);
  volume_vec_release (&volumes->all);
}

const char *
table_kind_name (enum table_kind kind)
{
  static const char *const names[] = {"none", "mbr", "gpt"};

  return names[kind];
}

bool
volumes_have_room (const struct volumes *volumes)
{
  return volumes->all.len < volumes->all.cap;
}

/* The number of a partition if `partition` is one of `device`, else 0. */
static int
partition_number (const char *device, const char *partition)
{
  size_t len = strlen (device);
  const char *rest = partition + len;

  if (strncmp (partition, device, len) != 0)
    return 0;
  if (*rest == 'p')
    rest++;
  for (const char *p = rest; *p; p++)
    if (!isdigit ((unsigned char)*p))
      return 0;
  return atoi (rest);
}

/* Most signatures are in the first sectors; the rest is only read if need be.
 * A short answer is fine: the volume ends there. */
static int
find_kind (struct disk *disk, struct volume *volume, struct err **err)
{
  static const int amounts[] = {8192, SIGNATURE_BYTES};

  for (size_t i = 0; i < ARRAY_SIZE (amounts) && volume->kind == VOLUME_UNKNOWN;
       i++) {
    CLEANUP_FREE unsigned char *bytes = NULL;
    size_t len;

    bytes = (unsigned char *)guestfs_pread_device (disk->g, volume->device,
                                                   amounts[i], 0, &len);
    if (bytes == NULL)
      return disk_guest_error (disk, err, "%s", volume->name);
    volume->kind = volume_kind_of (bytes, len);
    if (volume->kind == VOLUME_EXT)
      ext_state_read (bytes, len, &volume->ext);
  }
  return 0;
}

int
volumes_add (struct disk *disk, const char *device, char *name_taken,
             struct err **err)
{
  struct volume volume = {.device = xstrdup (device), .name = name_taken};

  if (find_kind (disk, &volume, err) == -1) {
    volume_release (&volume);
    return -1;
  }
  if (volume.kind == VOLUME_NTFS)
    ntfs_log_look (disk, &volume);
  if (volume.kind == VOLUME_UNKNOWN ||
      (volume.kind == VOLUME_NTFS && volume.log.boot_unread))
    (void)ntfs_find_boot_copy (disk, &volume);
  volume_vec_push (&disk->volumes.all, volume);
  return 0;
}

/* An extended partition holds only others: its own start is a table. */
static bool
is_extended (struct disk *disk, int number)
{
  int type;

  if (disk->volumes.table != TABLE_MBR || number > 4)
    return false;
  type = guestfs_part_get_mbr_id (disk->g, disk->device, number);
  return type == 0x05 || type == 0x0f || type == 0x85;
}

static int
find_partitions (struct disk *disk, char *const *partitions, struct err **err)
{
  for (size_t i = 0; partitions[i]; i++) {
    int number = partition_number (disk->device, partitions[i]);

    if (number == 0)
      continue;
    if (!volumes_have_room (&disk->volumes))
      return disk_refuse (disk, err, REFUSE_TOO_MANY, "more than %d partitions",
                          MAX_VOLUMES);
    if (volumes_add (disk, partitions[i], xasprintf ("partition %d", number),
                     err) == -1)
      return -1;
    {
      struct volume *last = &disk->volumes.all.ptr[disk->volumes.all.len - 1];

      if (last->kind == VOLUME_UNKNOWN && is_extended (disk, number)) {
        volume_release (last);
        disk->volumes.all.len--;
      }
    }
  }
  return 0;
}

/* This disk and what was unlocked on it: others in the appliance may be clones
 * with the same names and UUIDs. */
static int
filter_lvm (struct disk *disk, struct err **err)
{
  struct str_vec only = VEC_EMPTY;
  char **devices;
  int r;

  str_vec_push (&only, xstrdup (disk->device));
  for (size_t i = 0; i < disk->mappings.len; i++)
    str_vec_push (&only, xasprintf ("/dev/mapper/%s", disk->mappings.ptr[i]));
  devices = str_vec_take (&only);
  r = guestfs_lvm_set_filter (disk->g, devices);
  strv_free (devices);
  return r == -1 ? disk_guest_error (disk, err, "LVM") : 0;
}

static bool
is_known (const struct disk *disk, const char *device)
{
  for (size_t i = 0; i < disk->volumes.all.len; i++)
    if (strcmp (disk->volumes.all.ptr[i].device, device) == 0)
      return true;
  return false;
}

static bool
holds_lvm (struct disk *disk)
{
  bool lvm = false;

  for (size_t i = 0; i < disk->volumes.all.len; i++) {
    const struct volume *volume = &disk->volumes.all.ptr[i];

    if (volume->kind != VOLUME_LVM_PV)
      continue;
    lvm = true;
    if (strncmp (volume->device, "/dev/mapper/", 12) == 0)
      disk->lvm_inside = true;
  }
  return lvm;
}

int
volumes_find_logical (struct disk *disk, struct err **err)
{
  char **found;
  int r = 0;

  if (!holds_lvm (disk))
    return 0;
  if (filter_lvm (disk, err) == -1)
    return -1;
  found = guestfs_lvs (disk->g);
  if (found == NULL)
    return disk_guest_error (disk, err, "LVM");
  for (size_t i = 0; r == 0 && found[i]; i++) {
    if (is_known (disk, found[i]))
      continue;
    if (!volumes_have_room (&disk->volumes))
      r = disk_refuse (disk, err, REFUSE_TOO_MANY, "more than %d volumes",
                       MAX_VOLUMES);
    else
      r = volumes_add (disk, found[i],
                       xstrdup (found[i] + strlen (LVM_NAME_PREFIX)), err);
  }
  strv_free (found);
  return r;
}

static int
check_whole (struct disk *disk, const struct table_look *table,
             struct err **err)
{
  uint64_t sectors = (uint64_t)disk->patient.virtual_size / SECTOR;

  if (table->kind != TABLE_NONE && table->last_sector >= sectors)
    return disk_refuse (disk, err, REFUSE_TRUNCATED,
                        "its partition table speaks of sector %" PRIu64
                        ", it ends at %" PRIu64,
                        table->last_sector, sectors);
  return 0;
}

int
volumes_find (struct disk *disk, char *const *partitions, struct err **err)
{
  CLEANUP_FREE unsigned char *bytes = NULL;
  struct table_look table;
  size_t len;

  disk->volumes.all.ptr = xcalloc (MAX_VOLUMES, sizeof (struct volume));
  disk->volumes.all.cap = MAX_VOLUMES;
  bytes = (unsigned char *)guestfs_pread_device (disk->g, disk->device,
                                                 TABLE_BYTES, 0, &len);
  if (bytes == NULL)
    return disk_guest_error (disk, err, "read the first sectors");
  table_look (bytes, len, &table);
  disk->volumes.table = table.kind;
  if (check_whole (disk, &table, err) == -1 ||
      find_partitions (disk, partitions, err) == -1)
    return -1;
  if (disk->volumes.all.len == 0) {
    if (volumes_add (disk, disk->device, xstrdup ("whole disk"), err) == -1)
      return -1;
    if (table.kind == TABLE_NONE &&
        disk->volumes.all.ptr[0].kind == VOLUME_UNKNOWN)
      return disk_refuse (disk, err, REFUSE_NO_DISK,
                          "no partition table and no file system is on it");
  }
  return 0;
}
