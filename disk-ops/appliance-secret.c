#include "appliance-secret.h"

#include <string.h>

#include <base/text.h>

#include "disk.h"

#define SAID_MAX 400

/* What it said on stderr, as one line. */
static char *
one_line (const char *said)
{
  CLEANUP_FREE char *text = xstrndup (said ? said : "unknown error", SAID_MAX);
  size_t len = strlen (text);

  while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
    text[--len] = '\0';
  for (char *p = text; *p; p++)
    if (*p == '\n')
      *p = ' ';
  return text_printable (text);
}

int
appliance_run (struct disk *disk, const char *command, struct err **err)
{
  char *argv[] = {(char *)command, NULL};
  CLEANUP_FREE char *said = guestfs_debug (disk->g, "sh", argv);
  CLEANUP_FREE char *why = NULL;

  if (said)
    return 0;
  why = one_line (guestfs_last_error (disk->g));
  return err_set (err,
                  guestfs_is_ready (disk->g) == 1 ? ERR_DISK : ERR_TRANSIENT,
                  "%s", why);
}

static int
put_secret (struct disk *disk, const struct secret *secret, struct err **err)
{
  int traced = guestfs_get_trace (disk->g), r;

  /* a trace shows the start of what is written */
  guestfs_set_trace (disk->g, 0);
  r = guestfs_write (disk->g, "/secret", secret->data, secret->len);
  guestfs_set_trace (disk->g, traced == 1);
  return r == -1 ? disk_guest_error (disk, err, "memory of the appliance") : 0;
}

int
appliance_run_with (struct disk *disk, const struct secret *secret,
                    const char *command, struct err **err)
{
  int r;

  /* the device's name is a formality: tmpfs has none */
  if (guestfs_mount_vfs (disk->g, "size=1m,mode=0700", "tmpfs", disk->device,
                         "/") == -1)
    return disk_guest_error (disk, err, "memory of the appliance");
  r = put_secret (disk, secret, err);
  if (r == 0)
    r = appliance_run (disk, command, err);
  if (guestfs_umount_all (disk->g) == -1 && r == 0)
    r = disk_guest_error (disk, err, "memory of the appliance");
  return r;
}
