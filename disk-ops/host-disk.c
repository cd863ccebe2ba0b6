#include "host-disk.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <base/vec.h>

/* A small file of /sys or /proc, trimmed; NULL if there is none. */
static char *read_line (const char *root, const char *fmt, ...)
    ATTR_PRINTF (2, 3);

static char *
read_line (const char *root, const char *fmt, ...)
{
  CLEANUP_FREE char *rest = NULL, *path = NULL, *text = NULL;
  size_t len, end;
  va_list args;

  va_start (args, fmt);
  rest = xvasprintf (fmt, args);
  va_end (args);
  path = xasprintf ("%s%s", root, rest);
  if (file_read (path, 65536, &text, &len, NULL) == -1)
    return NULL;
  for (end = strlen (text); end > 0 && isspace ((unsigned char)text[end - 1]);)
    end--;
  text[end] = '\0';
  return xstrdup (text + strspn (text, " \t"));
}

/* "/sys/dev/block/8:0" */
static char *
sys_path (const char *root, dev_t device)
{
  return xasprintf ("%s/sys/dev/block/%u:%u", root, major (device),
                    minor (device));
}

/* The device and its partitions, as "8:1" texts. */
static void
device_numbers (const char *root, dev_t device, struct str_vec *numbers,
                struct str_vec *folders)
{
  CLEANUP_FREE char *base = sys_path (root, device);
  DIR *dir = opendir (base);
  struct dirent *entry;

  str_vec_push (numbers, xasprintf ("%u:%u", major (device), minor (device)));
  str_vec_push (folders, xstrdup (base));
  while (dir && (entry = readdir (dir)) != NULL) {
    char *number;

    if (entry->d_name[0] == '.')
      continue;
    number = read_line (base, "/%s/dev", entry->d_name);
    if (number == NULL)
      continue;
    str_vec_push (numbers, number);
    str_vec_push (folders, path_join (base, entry->d_name));
  }
  if (dir)
    closedir (dir);
}

static bool
listed (const struct str_vec *numbers, const char *number)
{
  for (size_t i = 0; i < numbers->len; i++)
    if (strcmp (numbers->ptr[i], number) == 0)
      return true;
  return false;
}

/* Names in FOLDER/holders: device-mapper, MD, bcache above it. */
static char *
holder_of (const char *folder)
{
  CLEANUP_FREE char *path = path_join (folder, "holders");
  DIR *dir = opendir (path);
  struct dirent *entry;
  char *name = NULL;

  while (dir && name == NULL && (entry = readdir (dir)) != NULL)
    if (entry->d_name[0] != '.')
      name = text_printable (entry->d_name);
  if (dir)
    closedir (dir);
  return name;
}

/* mountinfo: "36 35 8:1 / /mnt rw,..." */
static char *
mount_of (const char *root, const struct str_vec *numbers)
{
  CLEANUP_FREE char *path = xasprintf ("%s/proc/self/mountinfo", root);
  CLEANUP_FILE FILE *file = fopen (path, "re");
  CLEANUP_FREE char *line = NULL;
  size_t cap = 0;

  while (file && getline (&line, &cap, file) != -1) {
    char number[64], where[PATH_MAX];

    if (sscanf (line, "%*d %*d %63s %*s %4095s", number, where) == 2 &&
        listed (numbers, number))
      return text_printable (where);
  }
  return NULL;
}

/* swaps: "/dev/sda2 partition 123 0 -2" after a heading */
static bool
is_swap (const char *root, const struct str_vec *numbers)
{
  CLEANUP_FREE char *path = xasprintf ("%s/proc/swaps", root);
  CLEANUP_FILE FILE *file = fopen (path, "re");
  CLEANUP_FREE char *line = NULL;
  size_t cap = 0;

  while (file && getline (&line, &cap, file) != -1) {
    struct stat st;

    line[strcspn (line, " \t")] = '\0';
    if (line[0] == '/' && stat (line, &st) == 0 && S_ISBLK (st.st_mode)) {
      CLEANUP_FREE char *number =
          xasprintf ("%u:%u", major (st.st_rdev), minor (st.st_rdev));

      if (listed (numbers, number))
        return true;
    }
  }
  return false;
}

char *
host_disk_use (const char *root, dev_t device)
{
  struct str_vec numbers = VEC_EMPTY, folders = VEC_EMPTY;
  CLEANUP_FREE char *base = sys_path (root, device);
  CLEANUP_FREE char *partition = path_join (base, "partition");
  char *use = NULL, *name;

  device_numbers (root, device, &numbers, &folders);
  if (access (partition, F_OK) == 0)
    use = xstrdup ("it is a partition, not a whole disk");
  if (use == NULL && (name = mount_of (root, &numbers)) != NULL) {
    use = xasprintf ("this machine has it mounted at %s", name);
    free (name);
  }
  for (size_t i = 0; use == NULL && i < folders.len; i++)
    if ((name = holder_of (folders.ptr[i])) != NULL) {
      use = xasprintf ("this machine uses it for %s (LVM, MD or "
                       "device-mapper)",
                       name);
      free (name);
    }
  if (use == NULL && is_swap (root, &numbers))
    use = xstrdup ("this machine swaps to it");
  str_vec_free_all (&numbers);
  str_vec_free_all (&folders);
  return use;
}

char *
host_disk_serial (const char *root, dev_t device)
{
  /* virtio-blk; NVMe and some SCSI drivers; */
  static const char *const places[] = {"serial", "device/serial"};
  CLEANUP_FREE char *base = sys_path (root, device);
  CLEANUP_FREE char *page = path_join (base, "device/vpd_pg80");
  CLEANUP_FREE char *raw = NULL;
  size_t len;

  for (size_t i = 0; i < ARRAY_SIZE (places); i++) {
    char *serial = read_line (base, "/%s", places[i]);

    if (serial && *serial)
      return serial;
    free (serial);
  }
  /* SCSI unit serial number page: 4 bytes of header, then the text */
  if (file_read (page, 4096, &raw, &len, NULL) == 0 && len > 4) {
    char *start = raw + 4, *end = raw + len;

    while (start < end && isspace ((unsigned char)*start))
      start++;
    while (end > start && (isspace ((unsigned char)end[-1]) || !end[-1]))
      end--;
    if (end > start)
      return xstrndup (start, (size_t)(end - start));
  }
  return NULL;
}

bool
host_disk_read_only (const char *root, dev_t device)
{
  CLEANUP_FREE char *base = sys_path (root, device);
  CLEANUP_FREE char *ro = read_line (base, "/ro");

  return ro && strcmp (ro, "1") == 0;
}

int64_t
host_disk_size (const char *root, dev_t device)
{
  CLEANUP_FREE char *base = sys_path (root, device);
  CLEANUP_FREE char *sectors = read_line (base, "/size");
  long long n = sectors ? atoll (sectors) : -1;

  return n < 0 ? -1 : n * 512;
}

char *
host_loop_of (const char *root, const char *path)
{
  CLEANUP_FREE char *base = xasprintf ("%s/sys/block", root);
  DIR *dir = opendir (base);
  struct dirent *entry;
  char *found = NULL;

  while (dir && found == NULL && (entry = readdir (dir)) != NULL) {
    CLEANUP_FREE char *file = NULL;

    if (strncmp (entry->d_name, "loop", 4) != 0)
      continue;
    file = read_line (base, "/%s/loop/backing_file", entry->d_name);
    if (file && strcmp (file, path) == 0)
      found = text_printable (entry->d_name);
  }
  if (dir)
    closedir (dir);
  return found;
}
