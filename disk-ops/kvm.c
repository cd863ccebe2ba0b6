#include "kvm.h"

#include <string.h>
#include <unistd.h>

#include <guestfs.h>

#include <base/command.h>
#include <base/files.h>

#include "work.h"

#define NOTE_NAME    "kvm-broken"
#define PROBE_MS     20000
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* PARENT-OF-SCRATCH/kvm-broken holds the boot id for which it is true: another
 * kernel or another host after a migration may do better. */
static char *
note_path (const char *scratch)
{
  CLEANUP_FREE char *copy = xstrdup (scratch);
  size_t len = strlen (copy);
  char *slash;

  while (len > 1 && copy[len - 1] == '/')
    copy[--len] = '\0';
  slash = strrchr (copy, '/');
  if (slash == NULL)
    return xstrdup (NOTE_NAME);
  slash[slash == copy] = '\0';
  return path_join (copy, NOTE_NAME);
}

static char *
boot_id (void)
{
  char *id = NULL;
  size_t len;

  if (file_read (BOOT_ID_PATH, 4096, &id, &len, NULL) == -1)
    return NULL;
  id[strcspn (id, "\n")] = '\0';
  return id;
}

void
kvm_remember_broken (const char *scratch)
{
  CLEANUP_FREE char *id = boot_id ();
  CLEANUP_FREE char *path = note_path (scratch);

  /* Not remembered is only slower. */
  if (id)
    (void)!file_write_atomic (path, id, strlen (id), 0600, NULL);
}

static bool
is_remembered (const char *scratch)
{
  CLEANUP_FREE char *id = boot_id (), *noted = NULL;
  CLEANUP_FREE char *path = note_path (scratch);
  size_t len;

  return id && file_read (path, 4096, &noted, &len, NULL) == 0 &&
         strcmp (id, noted) == 0;
}

/* QEMU sets up a processor with all that KVM offers, as libguestfs asks for,
 * and is told to quit: a tenth of a second instead of a failed launch. */
static bool
probe_fails (void)
{
  guestfs_h *g = guestfs_create ();
  CLEANUP_FREE char *qemu = g ? guestfs_get_hv (g) : NULL;
  const char *argv[] = {qemu,          "-accel",   "kvm",      "-cpu",
                        "max",         "-S",       "-display", "none",
                        "-nodefaults", "-monitor", "stdio",    NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *err = NULL;

  if (g)
    guestfs_close (g);
  if (qemu == NULL)
    return false;
  return command_run (argv, "quit\n", PROBE_MS, 1 << 20, &result, &err) == -1 ||
         result.exit_status != 0;
}

bool
kvm_is_broken (const char *scratch)
{
  if (access ("/dev/kvm", R_OK | W_OK) == -1 || is_remembered (scratch))
    return true;
  if (!probe_fails ())
    return false;
  kvm_remember_broken (scratch);
  return true;
}
