/* Finding the operating system on a disk, without full inspection.
 *
 * libguestfs' own inspection wants a whole, healthy system (an executable
 * cmd.exe, readable hives) and fails on just the damaged ones that we are for.
 * A folder Windows with a System32 in it, or /etc with an fstab or os-release
 * next to a /usr, is enough to know where the paths of a recipe start. */

#ifndef BOOTMEND_OS_ROOT_H
#define BOOTMEND_OS_ROOT_H

#include <stdbool.h>

#include <base/json.h>

struct disk;
struct volume;

enum os_kind {
  OS_NONE,
  OS_WINDOWS,
  OS_LINUX
};

struct os_root {
  enum os_kind kind;
  const struct volume *volume; /* in disk->volumes */
  char *system_folder;         /* "/Windows" as it is spelled, of Windows */
  char *pretty_name;           /* of Linux, made printable; or NULL */
};

void os_root_release (struct os_root *os);

/* Finds the one system on the disk and leaves its volume mounted at "/".
 * Refuses: "no-os", "several-os", "encrypted" (no system is seen and a volume
 * is encrypted), "hibernated", "wrong-os" if the recipe is for another. */
int os_root_find (struct disk *disk, bool to_write, struct err **err) ATTR_USE;

/* The same for `inspect`: nothing is refused; *why says what would be. */
int os_root_look (struct disk *disk, const char **refusal, char **why,
                  struct err **err) ATTR_USE;

/* Mounts what a recipe works on: the system's volume, or the one that starts
 * Windows, which has the BCD (an EFI system partition, "System Reserved", or
 * the system's volume itself).  Refuses "no-boot-volume", and "tpm-bound" if a
 * change of the BCD would make a volume ask for its recovery key. */
int os_root_mount_for (struct disk *disk, bool boot_volume, bool to_write,
                       struct err **err) ATTR_USE;

json_t *os_root_to_json (const struct os_root *os);

#endif
