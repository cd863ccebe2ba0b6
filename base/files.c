#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "strbuf.h"

int
file_read (const char *path, size_t max_bytes, char **ret, size_t *len,
           struct err **err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;
  char chunk[16384];
  ssize_t n;

  if (fd == -1)
    return err_set_errno (err, errno, "%s", path);
  while ((n = read (fd, chunk, sizeof chunk)) != 0) {
    if (n == -1) {
      if (errno == EINTR)
        continue;
      return err_set_errno (err, errno, "%s", path);
    }
    if (sb.len + (size_t)n > max_bytes)
      return err_set (err, ERR_INPUT, "%s: larger than %zu bytes", path,
                      max_bytes);
    strbuf_add (&sb, chunk, (size_t)n);
  }
  *len = sb.len;
  *ret = strbuf_take (&sb);
  return 0;
}

int
write_all (int fd, const void *data, size_t len)
{
  const char *p = data;

  while (len > 0) {
    ssize_t n = write (fd, p, len);

    if (n == -1) {
      if (errno == EINTR)
        continue;
      return -1;
    }
    p += n;
    len -= (size_t)n;
  }
  return 0;
}

static char *
parent_of (const char *path)
{
  const char *slash = strrchr (path, '/');

  if (slash == NULL)
    return xstrdup (".");
  if (slash == path)
    return xstrdup ("/");
  return xstrndup (path, (size_t)(slash - path));
}

int
file_write_atomic (const char *path, const void *data, size_t len, mode_t mode,
                   struct err **err)
{
  CLEANUP_FREE char *temp = xasprintf ("%s.new-%d", path, (int)getpid ());
  CLEANUP_FREE char *folder = parent_of (path);
  CLEANUP_CLOSE int fd = -1;

  fd = open (temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd == -1)
    return err_set_errno (err, errno, "%s", temp);
  if (write_all (fd, data, len) == -1 || fsync (fd) == -1 ||
      rename (temp, path) == -1) {
    err_set_errno (err, errno, "%s", path);
    unlink (temp);
    return -1;
  }
  return folder_sync (folder, err);
}

int
folder_make (const char *path, mode_t mode, struct err **err)
{
  CLEANUP_FREE char *copy = xstrdup (path);
  struct stat st;

  for (char *p = copy + 1; *p; p++)
    if (*p == '/') {
      *p = '\0';
      if (mkdir (copy, mode) == -1 && errno != EEXIST)
        return err_set_errno (err, errno, "%s", copy);
      *p = '/';
    }
  if (mkdir (copy, mode) == -1 && errno != EEXIST)
    return err_set_errno (err, errno, "%s", copy);
  if (stat (path, &st) == -1)
    return err_set_errno (err, errno, "%s", path);
  if (!S_ISDIR (st.st_mode))
    return err_set_errno (err, ENOTDIR, "%s", path);
  return 0;
}

static int
sync_path (const char *path, int flags, struct err **err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | flags);

  if (fd == -1 || fsync (fd) == -1)
    return err_set_errno (err, errno, "%s", path);
  return 0;
}

int
folder_sync (const char *path, struct err **err)
{
  return sync_path (path, O_DIRECTORY, err);
}

int
file_sync (const char *path, struct err **err)
{
  return sync_path (path, 0, err);
}

static int
remove_one (const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
  (void)st;
  (void)kind;
  (void)ftw;
  return remove (path);
}

int
folder_remove (const char *path, struct err **err)
{
  if (nftw (path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == -1 &&
      errno != ENOENT)
    return err_set_errno (err, errno, "remove %s", path);
  return 0;
}

int
fd_set_nonblocking (int fd)
{
  int flags = fcntl (fd, F_GETFL);

  return flags == -1 ? -1 : fcntl (fd, F_SETFL, flags | O_NONBLOCK);
}

char *
path_join (const char *folder, const char *name)
{
  size_t len = strlen (folder);

  return xasprintf ("%s%s%s", folder, len && folder[len - 1] == '/' ? "" : "/",
                    name);
}

char *
state_folder (void)
{
  const char *own = getenv ("BOOTMEND_STATE_DIR");
  const char *xdg = getenv ("XDG_STATE_HOME");
  const char *home = getenv ("HOME");

  if (own && *own)
    return xstrdup (own);
  if (xdg && *xdg == '/')
    return path_join (xdg, "bootmend");
  if (home && *home == '/' && home[1])
    return path_join (home, ".local/state/bootmend");
  return xstrdup ("/var/lib/bootmend");
}
