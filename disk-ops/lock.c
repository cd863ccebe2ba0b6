#include "lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <base/text.h>

enum {
  PERMISSION_WRITE = 1,
  PERMISSION_RESIZE = 3,
  BASE_USED = 100,
  BASE_NOT_SHARED = 200,
  OWN_BYTE = 300
};

static const int watched[] = {PERMISSION_WRITE, PERMISSION_RESIZE};

static int
ofd (int fd, int command, int type, int byte)
{
  struct flock fl = {.l_type = (short)type,
                     .l_whence = SEEK_SET,
                     .l_start = byte,
                     .l_len = 1};

  if (fcntl (fd, command, &fl) == -1)
    return -1;
  return command == F_OFD_GETLK && fl.l_type != F_UNLCK;
}

/* Some file systems have no locks at all; QEMU goes on without them too. */
static bool
means_unsupported (int e)
{
  return e == EINVAL || e == ENOLCK || e == ENOSYS || e == EOPNOTSUPP;
}

/* A writer that takes no QEMU locks is seen by a read lease: the kernel grants
 * one only while nobody has the file open for writing. */
static bool
has_a_writer (const char *path)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat st;

  if (fd == -1 || fstat (fd, &st) == -1 || !S_ISREG (st.st_mode))
    return false;
  if (fcntl (fd, F_SETLEASE, F_RDLCK) == -1)
    return errno == EAGAIN;
  fcntl (fd, F_SETLEASE, F_UNLCK);
  return false;
}

/* "process 123 (qemu-system-x86)" for the first process that has the file
 * open; as far as we may look. */
static char *
find_holder (const char *path)
{
  struct stat wanted, st;
  DIR *proc = opendir ("/proc");
  struct dirent *p, *f;
  char *found = NULL;

  if (proc == NULL || stat (path, &wanted) == -1) {
    if (proc)
      closedir (proc);
    return NULL;
  }
  while (found == NULL && (p = readdir (proc)) != NULL) {
    CLEANUP_FREE char *folder = xasprintf ("/proc/%s/fd", p->d_name);
    DIR *fds;

    if (p->d_name[0] < '1' || p->d_name[0] > '9' ||
        atoi (p->d_name) == getpid () || (fds = opendir (folder)) == NULL)
      continue;
    while (found == NULL && (f = readdir (fds)) != NULL)
      if (fstatat (dirfd (fds), f->d_name, &st, 0) == 0 &&
          st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev) {
        CLEANUP_FREE char *comm_path = xasprintf ("/proc/%s/comm", p->d_name);
        CLEANUP_FREE char *comm = NULL, *shown = NULL;
        size_t len;

        if (file_read (comm_path, 4096, &comm, &len, NULL) == 0) {
          comm[strcspn (comm, "\n")] = '\0';
          shown = text_printable (comm);
        }
        found = xasprintf ("process %s (%s)", p->d_name, shown ? shown : "?");
      }
    closedir (fds);
  }
  closedir (proc);
  return found;
}

static int
held (const char *path, char **who)
{
  *who = find_holder (path);
  if (*who == NULL)
    *who = xstrdup ("another process");
  return 1;
}

/* 0: ours now, 1: someone else's, -1: errno */
static int
take_bytes (int fd, bool for_writing)
{
  if (ofd (fd, F_OFD_SETLK, for_writing ? F_WRLCK : F_RDLCK, OWN_BYTE) == -1)
    return errno == EAGAIN || errno == EACCES ? 1 : -1;
  for (size_t i = 0; i < ARRAY_SIZE (watched); i++) {
    if (ofd (fd, F_OFD_SETLK, F_RDLCK, BASE_NOT_SHARED + watched[i]) == -1)
      return -1;
    if (ofd (fd, F_OFD_GETLK, F_WRLCK, BASE_USED + watched[i]) == 1)
      return 1;
    /* Someone reads it who could not bear a change: a snapshot's overlay that
     * runs above it, or a copy being made. */
    if (for_writing &&
        ofd (fd, F_OFD_GETLK, F_WRLCK, BASE_NOT_SHARED + watched[i]) == 1)
      return 1;
  }
  return 0;
}

int
patient_lock_take (struct patient_lock *lock, const char *path,
                   bool for_writing, char **who, struct err **err)
{
  int r;

  *who = NULL;
  if (has_a_writer (path))
    return held (path, who);
  lock->fd = open (path, for_writing ? O_RDWR : O_RDONLY);
  if (lock->fd == -1)
    return err_set_errno (err, errno, "%s", path);
  r = take_bytes (lock->fd, for_writing);
  if (r == -1 && means_unsupported (errno)) {
    lock->unsupported = true;
    return 0;
  }
  if (r == -1)
    err_set_errno (err, errno, "%s: lock", path);
  if (r != 0)
    patient_lock_drop (lock);
  return r == 1 ? held (path, who) : r;
}

int
patient_lock_upgrade (struct patient_lock *lock, struct err **err)
{
  if (lock->unsupported)
    return 0;
  for (size_t i = 0; i < ARRAY_SIZE (watched); i++)
    if (ofd (lock->fd, F_OFD_SETLK, F_RDLCK, BASE_USED + watched[i]) == -1)
      return err_set_errno (err, errno, "lock for writing");
  for (size_t i = 0; i < ARRAY_SIZE (watched); i++)
    if (ofd (lock->fd, F_OFD_GETLK, F_WRLCK, BASE_NOT_SHARED + watched[i]) == 1)
      return 1;
  return 0;
}

void
patient_lock_drop (struct patient_lock *lock)
{
  if (lock->fd >= 0)
    close (lock->fd);
  lock->fd = -1;
}
