/* The volume that starts Windows, which has the BCD; os-root.h has the
 * contract of os_root_mount_for. */

#include <string.h>

#include "disk.h"
#include "guest-path.h"
#include "mount.h"
#include "os-root.h"
#include "refuse.h"
#include "registry.h"

/* 1: the mounted volume has a BCD. */
static int
has_bcd (struct disk *disk, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_FREE char *path = NULL;
  int r = registry_find_file (disk, RECIPE_HIVE_BCD, &path, &why);

  if (r == -1 && why->code == ERR_REFUSED) {
    disk->refusal = NULL; /* a link on the way: not here */
    return 0;
  }
  return r == -1 ? err_move (err, TAKE (why)) : r;
}

static bool
can_start_windows (const struct volume *volume)
{
  return volume->kind == VOLUME_VFAT || volume->kind == VOLUME_NTFS;
}

/* On a disk with a GPT the firmware reads the EFI system partition, which is
 * FAT; else the boot sector leads to the active partition.  [Microsoft, "BIOS
 * boot", "UEFI/GPT-based hard drive partitions"] */
static bool
is_preferred (const struct disk *disk, const struct volume *volume)
{
  return (disk->volumes.table == TABLE_GPT) == (volume->kind == VOLUME_VFAT);
}

static int
find_boot_volume (struct disk *disk, const struct volume **found,
                  struct err **err)
{
  size_t n = 0, preferred = 0;

  *found = NULL;
  for (size_t i = 0; i < disk->volumes.all.len; i++) {
    const struct volume *volume = &disk->volumes.all.ptr[i];
    int r;

    if (!can_start_windows (volume))
      continue;
    if (disk->mounted != volume &&
        mount_volume (disk, volume, false, err) == -1)
      return -1;
    r = has_bcd (disk, err);
    if (r == -1)
      return -1;
    if (r == 0)
      continue;
    n++;
    preferred += is_preferred (disk, volume);
    if (*found == NULL || is_preferred (disk, volume))
      *found = volume;
  }
  if (n == 0)
    return disk_refuse (disk, err, REFUSE_NO_BOOT_VOLUME,
                        "no volume on this disk has a BCD");
  if (preferred > 1 || (preferred == 0 && n > 1))
    return disk_refuse (disk, err, REFUSE_NO_BOOT_VOLUME,
                        "%zu volumes have a BCD, and nothing says which one "
                        "starts Windows",
                        n);
  return 0;
}

/* Where its protectors can't be read, it may be. */
static bool
is_tpm_bound (const struct volume *volume)
{
  const struct fve *fve = volume->encryption ? volume->encryption->fve : NULL;

  if (volume->kind != VOLUME_BITLOCKER)
    return false;
  for (size_t i = 0; fve && i < fve->n_protectors; i++)
    if (fve_protector_needs_tpm (fve->protectors[i].type))
      return true;
  return fve == NULL || fve->n_protectors == 0;
}

/* The measurements that a TPM seals a key with cover boot manager and BCD: a
 * changed BCD makes the volume ask for its recovery key. */
static int
refuse_tpm_bound (struct disk *disk, struct err **err)
{
  if (disk_allows (disk, REFUSE_TPM_BOUND))
    return 0;
  for (size_t i = 0; i < disk->volumes.all.len; i++)
    if (is_tpm_bound (&disk->volumes.all.ptr[i]))
      return disk_refuse (disk, err, REFUSE_TPM_BOUND,
                          "%s is encrypted with BitLocker: with another BCD a "
                          "TPM may keep its key back, and Windows would ask "
                          "for the recovery key",
                          disk->volumes.all.ptr[i].name);
  return 0;
}

int
os_root_mount_for (struct disk *disk, bool boot_volume, bool to_write,
                   struct err **err)
{
  const struct volume *wanted = disk->os.volume;

  if (boot_volume && (refuse_tpm_bound (disk, err) == -1 ||
                      find_boot_volume (disk, &wanted, err) == -1))
    return -1;
  if (disk->mounted == wanted && disk->mounted_rw == to_write)
    return 0;
  return mount_volume (disk, wanted, to_write, err);
}
