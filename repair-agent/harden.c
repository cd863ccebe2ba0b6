#include "harden.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/json.h>
#include <base/secret.h>
#include <base/vec.h>

extern char **environ;

/* Kept as they are; a '*' at the end stands for the rest of a name. */
static const char *const kept[] = {
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "BOOTMEND_*",
    /* of libguestfs: where the appliance is and is built, and its talk */
    "LIBGUESTFS_PATH",
    "LIBGUESTFS_CACHEDIR",
    "LIBGUESTFS_TMPDIR",
    "LIBGUESTFS_DEBUG",
    "LIBGUESTFS_TRACE",
    "LIBGUESTFS_BACKEND_SETTINGS",
    "SUPERMIN_KERNEL",
    "SUPERMIN_MODULES",
    /* sanitizers' settings, for tests */
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LSAN_OPTIONS",
};

static bool
is_kept (const char *entry)
{
  size_t len = strcspn (entry, "=");

  for (size_t i = 0; i < ARRAY_SIZE (kept); i++) {
    size_t n = strcspn (kept[i], "*");

    if (strncmp (entry, kept[i], n) == 0 && (kept[i][n] == '*' || n == len))
      return true;
  }
  return false;
}

void
harden_process (void)
{
  struct str_vec keep = VEC_EMPTY;

  secret_no_core_dumps ();
  json_wipe_freed ();
  umask (077);
  for (char **e = environ; e && *e; e++)
    if (is_kept (*e))
      str_vec_push (&keep, xstrdup (*e));
  clearenv ();
  for (size_t i = 0; i < keep.len; i++) {
    char *value = strchr (keep.ptr[i], '=');

    if (value) {
      *value = '\0';
      setenv (keep.ptr[i], value + 1, 1);
    }
  }
  str_vec_free_all (&keep);
  setenv ("PATH",
          "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  setenv ("LC_ALL", "C.UTF-8", 1);
  setenv ("LIBGUESTFS_BACKEND", "direct", 1);
}

int
stdout_set_aside (void)
{
  int fd = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

  if (fd != -1)
    (void)dup2 (STDERR_FILENO, STDOUT_FILENO);
  return fd;
}
