#include "appliance-fingerprint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <base/files.h>
#include <recipes/digest.h>

/* One of the first is there: supermin reads the system's package database, and
 * rebuilds when it is newer, as we do.  Kernels can also come without a
 * package. */
static const char *const system_paths[] = {
    "/var/lib/dpkg/status",  "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages", "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/pacman/local", "/boot",
    "/lib/modules",
};

/* They tell supermin which kernel to take (supermin(1)). */
static const char *const system_variables[] = {
    "SUPERMIN_KERNEL",
    "SUPERMIN_KERNEL_VERSION",
    "SUPERMIN_MODULES",
};

static void
add_stat (struct strbuf *fingerprint, const char *path, const struct stat *st)
{
  strbuf_addf (fingerprint, "%s %lld %lld.%09ld\n", path,
               (long long)st->st_size, (long long)st->st_mtim.tv_sec,
               st->st_mtim.tv_nsec);
}

void
fingerprint_add_path (struct strbuf *fingerprint, const char *path)
{
  struct dirent **names;
  struct stat st;
  int n;

  if (stat (path, &st) == -1) {
    strbuf_addf (fingerprint, "%s: none\n", path);
    return;
  }
  add_stat (fingerprint, path, &st);
  if (!S_ISDIR (st.st_mode) ||
      (n = scandir (path, &names, NULL, alphasort)) == -1)
    return;
  for (int i = 0; i < n; i++) {
    CLEANUP_FREE char *inside = path_join (path, names[i]->d_name);

    if (names[i]->d_name[0] != '.' && stat (inside, &st) == 0)
      add_stat (fingerprint, inside, &st);
    free (names[i]);
  }
  free (names);
}

int
fingerprint_add_content (struct strbuf *fingerprint, const char *path,
                         struct err **err)
{
  char hex[65];

  if (digest_file (path, hex, err) == -1)
    return -1;
  strbuf_addf (fingerprint, "%s %s\n", path, hex);
  return 0;
}

void
fingerprint_add_system (struct strbuf *fingerprint, const char *supermin_d)
{
  for (size_t i = 0; i < ARRAY_SIZE (system_paths); i++)
    fingerprint_add_path (fingerprint, system_paths[i]);
  for (size_t i = 0; i < ARRAY_SIZE (system_variables); i++) {
    const char *value = getenv (system_variables[i]);

    if (value)
      strbuf_addf (fingerprint, "%s=%s\n", system_variables[i], value);
  }
  fingerprint_add_path (fingerprint, supermin_d);
}

char *
fingerprint_name (const struct strbuf *fingerprint)
{
  char hex[65];

  digest_bytes (fingerprint->buf ? fingerprint->buf : "", fingerprint->len,
                hex);
  return xstrndup (hex, 20);
}
