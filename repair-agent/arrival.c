#include "arrival.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <disk-ops/host-disk.h>

/* Names in an error: of the disks of a machine, or of what is in a folder. */
#define MOST_NAMES 12

void
arrival_expect (struct job *job, int64_t now_ms)
{
  int64_t wait_ms = json_int (job->request, "disk.wait_ms", 0);

  if (wait_ms <= 0)
    return;
  job->await_until_ms = now_ms + wait_ms;
  job->state = JOB_AWAITED;
}

/* A device of that name may be another disk: the serial number decides, where
 * there is one. */
static bool
is_it (const char *path, const char *serial)
{
  CLEANUP_FREE char *shown = NULL;
  struct stat st;

  if (stat (path, &st) == -1)
    return false;
  if (!S_ISBLK (st.st_mode))
    return true;
  if (host_disk_size ("", st.st_rdev) <= 0)
    return false; /* it is just coming */
  shown = serial ? host_disk_serial ("", st.st_rdev) : NULL;
  return shown == NULL || strcasecmp (shown, serial) == 0;
}

static const char *
find (const json_t *disk)
{
  const char *serial = json_str (disk, "serial", NULL);
  const char *path = json_str (disk, "path", "");
  json_t *other;
  size_t i;

  if (is_it (path, serial))
    return path;
  json_array_foreach (json_object_get (disk, "paths"), i, other)
  {
    const char *text = json_string_value (other);

    if (text && *text == '/' && is_it (text, serial))
      return text;
  }
  return NULL;
}

static bool
is_name (const struct dirent *entry)
{
  static const char *const never[] = {".", "loop", "ram", "zram"};

  for (size_t i = 0; i < ARRAY_SIZE (never); i++)
    if (strncmp (entry->d_name, never[i], strlen (never[i])) == 0)
      return false;
  return true;
}

/* "nvme1n1 (vol0a1b, 8.0 GiB)" for a disk of this machine. */
static void
add_disk (struct strbuf *sb, const char *name)
{
  CLEANUP_FREE char *path = xasprintf ("/sys/block/%s/dev", name);
  CLEANUP_FREE char *text = NULL, *serial = NULL, *size = NULL;
  unsigned major_number, minor_number;
  size_t len;
  dev_t device;

  if (file_read (path, 64, &text, &len, NULL) == -1 ||
      sscanf (text, "%u:%u", &major_number, &minor_number) != 2)
    return;
  device = makedev (major_number, minor_number);
  serial = host_disk_serial ("", device);
  size = text_bytes ((uint64_t)(host_disk_size ("", device) > 0
                                    ? host_disk_size ("", device)
                                    : 0));
  strbuf_addf (sb, "%s%s (%s%s%s)", sb->len ? ", " : "", name,
               serial ? serial : "", serial ? ", " : "", size);
}

/* What is in a folder, each by `add`. */
static void
list (struct strbuf *sb, const char *folder,
      void (*add) (struct strbuf *sb, const char *name))
{
  DIR *dir = opendir (folder);
  struct dirent *entry;

  for (int n = 0; dir && (entry = readdir (dir)) != NULL;) {
    if (!is_name (entry))
      continue;
    if (n++ == MOST_NAMES) {
      strbuf_addstr (sb, ", ...");
      break;
    }
    add (sb, entry->d_name);
  }
  if (dir)
    closedir (dir);
}

static void
add_name (struct strbuf *sb, const char *name)
{
  strbuf_addf (sb, "%s%s", sb->len ? ", " : "", name);
}

static void
not_here (const json_t *disk, struct err **err)
{
  CLEANUP_STRBUF struct strbuf looked = STRBUF_EMPTY, seen = STRBUF_EMPTY;
  const char *path = json_str (disk, "path", "");
  const char *slash = strrchr (path, '/');
  CLEANUP_FREE char *folder = xstrndup (path, (size_t)(slash - path));
  CLEANUP_FREE char *wanted = NULL, *there = NULL;
  json_t *other;
  size_t i;

  strbuf_addstr (&looked, path);
  json_array_foreach (json_object_get (disk, "paths"), i, other)
  {
    if (json_string_value (other) &&
        strcmp (json_string_value (other), path) != 0)
      add_name (&looked, json_string_value (other));
  }
  if (strncmp (path, "/dev/", 5) == 0)
    list (&seen, "/sys/block", add_disk);
  else
    list (&seen, folder, add_name);
  wanted = text_printable (looked.buf);
  there = text_printable (seen.buf ? seen.buf : "none");
  err_set (err, ERR_NOT_FOUND,
           "its disk (serial number %s) did not show up within %lld s: looked "
           "for %s; there are: %s",
           json_str (disk, "serial", "not known"),
           (long long)(json_int (disk, "wait_ms", 0) / 1000), wanted, there);
}

void
arrival_look (struct job *job, int64_t now_ms, struct err **err)
{
  const json_t *disk = json_at (job->request, "disk");
  const char *path = find (disk);
  json_t *found;

  if (path == NULL) {
    if (now_ms >= job->await_until_ms)
      not_here (disk, err);
    return;
  }
  free (job->where);
  job->where = realpath (path, NULL);
  if (job->where == NULL)
    job->where = xstrdup (path);
  found = json_copy ((json_t *)disk);
  json_put_str (found, "path", path);
  json_put (job->request, "disk", found);
  job->state = JOB_WAITING;
  job->arrived_ms = now_ms;
}
