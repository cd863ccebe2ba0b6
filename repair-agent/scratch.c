#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <base/log.h>

static void
remove_folders_of (const char *folder, int pid)
{
  CLEANUP_FREE char *prefix = xasprintf ("scratch-%d-", pid);
  DIR *dir = opendir (folder);
  struct dirent *entry;

  while (dir && (entry = readdir (dir)) != NULL)
    if (strncmp (entry->d_name, prefix, strlen (prefix)) == 0) {
      CLEANUP_FREE char *path = path_join (folder, entry->d_name);
      CLEANUP_ERR struct err *why = NULL;

      if (folder_remove (path, &why) == -1)
        log_debug ("%s", why->msg);
    }
  if (dir)
    closedir (dir);
}

/* Pid of "agent-PID.lock"; 0 for another name. */
static int
lock_file_pid (const char *name)
{
  int pid = 0, used = 0;

  if (sscanf (name, "agent-%d.lock%n", &pid, &used) != 1 || used == 0 ||
      name[used])
    return 0;
  return pid;
}

static void
remove_stale (const char *folder)
{
  DIR *dir = opendir (folder);
  struct dirent *entry;

  while (dir && (entry = readdir (dir)) != NULL) {
    int pid = lock_file_pid (entry->d_name);
    CLEANUP_FREE char *path = path_join (folder, entry->d_name);
    CLEANUP_CLOSE int fd = -1;

    if (pid <= 0)
      continue;
    fd = open (path, O_RDWR | O_CLOEXEC);
    if (fd == -1 || flock (fd, LOCK_EX | LOCK_NB) == -1)
      continue; /* alive */
    remove_folders_of (folder, pid);
    unlink (path);
  }
  if (dir)
    closedir (dir);
}

/* The file may be removed as stale between its making and its locking. */
static int
take_lock (const char *path, struct err **err)
{
  for (;;) {
    int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd == -1)
      return err_set_errno (err, errno, "%s", path);
    if (flock (fd, LOCK_EX) == -1) {
      err_set_errno (err, errno, "lock %s", path);
      close (fd);
      return -1;
    }
    if (fstat (fd, &st) == 0 && st.st_nlink > 0)
      return fd;
    close (fd);
  }
}

int
scratch_open (struct scratch *scratch, const char *dir, struct err **err)
{
  CLEANUP_FREE char *state = state_folder ();
  CLEANUP_FREE char *wanted = dir ? xstrdup (dir) : path_join (state, "agent");
  CLEANUP_FREE char *lock = NULL;

  *scratch = (struct scratch){.lock_fd = -1};
  if (folder_make (wanted, 0700, err) == -1)
    return err_wrap (err, "scratch folder (BOOTMEND_STATE_DIR names another)");
  scratch->folder = realpath (wanted, NULL);
  if (scratch->folder == NULL)
    return err_set_errno (err, errno, "scratch folder %s", wanted);
  remove_stale (scratch->folder);
  lock = xasprintf ("%s/agent-%d.lock", scratch->folder, (int)getpid ());
  scratch->lock_fd = take_lock (lock, err);
  if (scratch->lock_fd == -1)
    return err_wrap (err, "scratch folder");
  return 0;
}

void
scratch_close (struct scratch *scratch)
{
  CLEANUP_FREE char *lock = NULL;

  if (scratch->lock_fd >= 0) {
    remove_folders_of (scratch->folder, (int)getpid ());
    lock = xasprintf ("%s/agent-%d.lock", scratch->folder, (int)getpid ());
    unlink (lock);
    close (scratch->lock_fd);
  }
  free (scratch->folder);
}

char *
scratch_folder (const struct scratch *scratch, int number, struct err **err)
{
  CLEANUP_FREE char *path =
      xasprintf ("%s/scratch-%d-%d", scratch->folder, (int)getpid (), number);

  if (folder_remove (path, err) == -1 || folder_make (path, 0700, err) == -1)
    return NULL;
  return TAKE (path);
}
