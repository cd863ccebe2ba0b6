/* Disks as files: copies, device links, and whether a machine would boot from
 * one.
 *
 * "images_folder"   where copies are made
 * "devices_folder"  DEVICES/HOST/LINK shows a disk to the agent of a helper
 * "boot_command"    argv; run with the image's path added: exit 0 if a machine
 *                   would boot from it, 1 if not; its stdout is the console */

#include "cloud.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/command.h>
#include <base/files.h>

/* argv of the boot command with the image, NULL if none is configured. */
static const char **
boot_argv (struct fake_cloud *cloud, const char *image)
{
  const json_t *command = fake_config (cloud, "boot_command");
  size_t n = json_array_size (command);
  const char **argv;

  if (n == 0)
    return NULL;
  argv = xcalloc (n + 2, sizeof *argv);
  for (size_t i = 0; i < n; i++)
    argv[i] = json_string_value (json_array_get (command, i));
  argv[n] = image;
  return argv;
}

bool
fake_disk_boots (struct fake_cloud *cloud, const json_t *disk, char **console)
{
  const char *image = json_str (disk, "_image", NULL);
  const char **argv = image ? boot_argv (cloud, image) : NULL;
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *err = NULL;

  *console = NULL;
  if (argv == NULL)
    return json_bool (disk, "_boots", true);
  if (command_run (argv, NULL, 60000, 1 << 20, &result, &err) < 0)
    *console = xasprintf ("boot_command: %s\n", err->msg);
  else if (result.exit_status > 1)
    *console = xasprintf ("boot_command: exit %d: %s\n", result.exit_status,
                          result.messages.buf ? result.messages.buf : "");
  else
    *console = strbuf_take (&result.output);
  free (argv);
  return err == NULL && result.exit_status == 0;
}

/* Only the parts that hold data. */
static int
copy_data (int from, int to, off_t size)
{
  off_t at = 0;

  if (ioctl (to, FICLONE, from) == 0)
    return 0;
  if (ftruncate (to, size) < 0)
    return -1;
  while (at < size) {
    off_t start = lseek (from, at, SEEK_DATA), end, out;

    if (start < 0)
      return errno == ENXIO ? 0 : -1;
    end = lseek (from, start, SEEK_HOLE);
    for (at = out = start; at < end;) {
      ssize_t n = copy_file_range (from, &at, to, &out, (size_t)(end - at), 0);

      if (n <= 0)
        return -1;
    }
  }
  return 0;
}

char *
fake_disk_copy (struct fake_cloud *cloud, const char *image, const char *new_id)
{
  const char *folder = json_str (cloud->config, "images_folder", "/tmp");
  CLEANUP_CLOSE int from = -1, to = -1;
  struct stat st;
  char *path;

  if (image == NULL)
    return NULL;
  path = xasprintf ("%s/%s.img", folder, new_id);
  from = open (image, O_RDONLY | O_CLOEXEC);
  to = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (from < 0 || to < 0 || fstat (from, &st) < 0 ||
      copy_data (from, to, st.st_size) < 0) {
    /* A copy that is not there does not boot, and says why. */
    unlink (path);
  }
  return path;
}

void
fake_disk_delete (const char *image)
{
  if (image)
    unlink (image);
}

void
fake_disk_link (struct fake_cloud *cloud, const char *host, const char *name,
                const char *image)
{
  const char *devices = json_str (cloud->config, "devices_folder", NULL);
  CLEANUP_FREE char *folder = NULL, *path = NULL, *target = NULL;

  if (devices == NULL && host[0] != '/')
    return;
  folder = host[0] == '/' ? xstrdup (host) : path_join (devices, host);
  path = path_join (folder, name);
  unlink (path);
  if (image == NULL || folder_make (folder, 0755, NULL) < 0)
    return;
  target = realpath (image, NULL);
  /* Whoever looks for the device finds nothing, as on a real helper. */
  if (symlink (target ? target : image, path) < 0)
    return;
}
