#include "appliance-build.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <guestfs.h>

#include <base/command.h>
#include <base/files.h>
#include <base/log.h>

#include "appliance-fingerprint.h"
#include "appliance-initrd.h"

#define SUPERMIN_LIMIT_MS  (10 * 60000)
#define SUPERMIN_MAX_BYTES ((size_t)1 << 20)
/* libguestfs's cache can be replaced by another of its users while we link. */
#define LINK_TRIES 5
#define COPY_BYTES ((size_t)1 << 20)

static const char *const parts[] = {"kernel", "initrd", "root"};

static const char readme[] =
    "This folder is an appliance for libguestfs, made by bootmend-agent.\n"
    "It may be deleted: it is built again when it is needed.\n";

/* Where libguestfs would take its appliance from. */
struct source {
  char *supermin_d; /* supermin's input, or NULL */
  char *fixed;      /* a fixed appliance, or NULL */
  char *cache;      /* libguestfs's cache folder, of this user */
};

#define CLEANUP_SOURCE CLEANUP (source_release)

static void
source_release (struct source *source)
{
  free (source->supermin_d);
  free (source->fixed);
  free (source->cache);
}

static bool
has_file (const char *folder, const char *name)
{
  CLEANUP_FREE char *path = path_join (folder, name);

  return access (path, R_OK) == 0;
}

/* libguestfs looks along its path for a supermin appliance first, then for a
 * fixed one (guestfs(3), "PATH"). */
static int
source_find (guestfs_h *g, struct source *ret, struct err **err)
{
  const char *set = guestfs_get_path (g);
  CLEANUP_FREE char *path = set ? xstrdup (set) : NULL;
  CLEANUP_FREE char *cachedir = guestfs_get_cachedir (g);
  char *rest = path;
  const char *folder;

  if (path == NULL || cachedir == NULL)
    return err_set (err, ERR_IO, "libguestfs: %s", guestfs_last_error (g));
  while ((folder = strsep (&rest, ":")) != NULL) {
    if (*folder == '\0')
      folder = ".";
    if (ret->supermin_d == NULL && has_file (folder, "supermin.d"))
      ret->supermin_d = path_join (folder, "supermin.d");
    if (ret->fixed == NULL && has_file (folder, "README.fixed"))
      ret->fixed = xstrdup (folder);
  }
  ret->cache = xasprintf ("%s/.guestfs-%d", cachedir, (int)geteuid ());
  if (ret->supermin_d == NULL && ret->fixed == NULL)
    return err_set (err, ERR_NOT_FOUND, "libguestfs has no appliance");
  return 0;
}

/* Programs of ours that are no commands: beside the running one's folder (a
 * build tree looks like an installed one), else where they get installed. */
static char *
helper_program (const char *name)
{
  const char *own = getenv ("BOOTMEND_LIBEXEC");
  char exe[4096];
  ssize_t n = readlink ("/proc/self/exe", exe, sizeof exe - 1);
  CLEANUP_STRBUF struct strbuf found = STRBUF_EMPTY;

  if (own && *own)
    return path_join (own, name);
  exe[n > 0 ? n : 0] = '\0';
  if (strrchr (exe, '/')) {
    *strrchr (exe, '/') = '\0';
    strbuf_addf (&found, "%s/../libexec/bootmend/%s", exe, name);
    if (access (found.buf, X_OK) == 0)
      return strbuf_take (&found);
  }
  return path_join (BOOTMEND_LIBEXECDIR, name);
}

static int
add_inputs (guestfs_h *g, struct strbuf *fingerprint, struct err **err)
{
  CLEANUP_SOURCE struct source source = {0};
  CLEANUP_FREE char *init = helper_program ("bootmend-appliance-init");
  CLEANUP_FREE char *qemu = guestfs_get_hv (g);
  struct guestfs_version *version = guestfs_version (g);

  if (version == NULL || qemu == NULL || source_find (g, &source, err) == -1) {
    guestfs_free_version (version);
    return err && *err ? -1 : err_set (err, ERR_IO, "libguestfs: version");
  }
  strbuf_addf (fingerprint, "libguestfs %lld.%lld.%lld%s\n",
               (long long)version->major, (long long)version->minor,
               (long long)version->release, version->extra);
  guestfs_free_version (version);
  fingerprint_add_path (fingerprint, qemu);
  if (source.supermin_d)
    fingerprint_add_system (fingerprint, source.supermin_d);
  else
    fingerprint_add_path (fingerprint, source.fixed);
  return fingerprint_add_content (fingerprint, init, err);
}

static int
inputs (void *opaque, struct strbuf *fingerprint, struct err **err)
{
  guestfs_h *g = guestfs_create ();
  int r;

  (void)opaque;
  if (g == NULL)
    return err_set_errno (err, errno, "guestfs_create");
  r = add_inputs (g, fingerprint, err);
  guestfs_close (g);
  return r;
}

/* As libguestfs itself calls it, so that its users share one image; quick if
 * nothing is out of date. */
static int
run_supermin (const char *supermin_d, const char *cache, struct err **err)
{
  CLEANUP_FREE char *lock = path_join (cache, "lock");
  CLEANUP_FREE char *out = path_join (cache, "appliance.d");
  struct utsname machine;
  const char *argv[] = {"supermin",   "--build",
                        "--if-newer", "--lock",
                        lock,         "--copy-kernel",
                        "-f",         "ext2",
                        "--host-cpu", machine.machine,
                        supermin_d,   "-o",
                        out,          NULL};
  CLEANUP_COMMAND struct command_result result = {0};

  if (uname (&machine) == -1)
    return err_set_errno (err, errno, "uname");
  if (mkdir (cache, 0755) == -1 && errno != EEXIST)
    return err_set_errno (err, errno, "%s", cache);
  return command_run_ok (argv, NULL, SUPERMIN_LIMIT_MS, SUPERMIN_MAX_BYTES,
                         &result, err);
}

/* Byte by byte: copy_file_range does not go from one kind of file system to
 * another. */
static int
copy_range (int in, int out, off_t at, off_t end)
{
  CLEANUP_FREE char *chunk = xmalloc (COPY_BYTES);

  while (at < end) {
    size_t left = (size_t)(end - at);
    ssize_t n = pread (in, chunk, left < COPY_BYTES ? left : COPY_BYTES, at);

    if (n <= 0 || pwrite (out, chunk, (size_t)n, at) != n)
      return -1;
    at += n;
  }
  return 0;
}

static int
copy_extents (int in, int out, off_t size)
{
  off_t at = 0;

  if (ioctl (out, FICLONE, in) == 0)
    return 0;
  while (at < size && (at = lseek (in, at, SEEK_DATA)) != -1) {
    off_t end = lseek (in, at, SEEK_HOLE);

    if (end == -1 || copy_range (in, out, at, end) == -1)
      return -1;
    at = end;
  }
  return at == -1 && errno != ENXIO ? -1 : 0; /* ENXIO: a hole to the end */
}

int
appliance_link (const char *from, const char *to, struct err **err)
{
  CLEANUP_CLOSE int in = -1, out = -1;
  struct stat st;

  if (link (from, to) == 0)
    return 0;
  in = open (from, O_RDONLY | O_CLOEXEC);
  if (in == -1 || fstat (in, &st) == -1)
    return err_set_errno (err, errno, "%s", from);
  out = open (to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (out == -1 || ftruncate (out, st.st_size) == -1 ||
      copy_extents (in, out, st.st_size) == -1)
    return err_set_errno (err, errno, "%s", to);
  return 0;
}

static int
link_parts (const char *from, const char *to, struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (parts); i++) {
    CLEANUP_FREE char *source = path_join (from, parts[i]);
    CLEANUP_FREE char *dest = path_join (to, parts[i]);

    unlink (dest);
    if (appliance_link (source, dest, err) == -1)
      return -1;
  }
  return 0;
}

/* The parts belong together only if the folder was not replaced meanwhile:
 * supermin makes a new one and renames it. */
static int
link_built (const char *cache, const char *to, struct err **err)
{
  CLEANUP_FREE char *from = path_join (cache, "appliance.d");

  for (int i = 0; i < LINK_TRIES; i++) {
    CLEANUP_ERR struct err *why = NULL;
    struct stat before, after;

    if (stat (from, &before) == 0 && link_parts (from, to, &why) == 0 &&
        stat (from, &after) == 0 && before.st_ino == after.st_ino &&
        before.st_mtim.tv_sec == after.st_mtim.tv_sec)
      return 0;
    log_debug ("%s changed while it was read: %s", from,
               why ? why->msg : "once more");
    if (i == LINK_TRIES - 1 && why)
      return err_move (err, TAKE (why));
  }
  return err_set (err, ERR_TRANSIENT, "%s changes all the time", from);
}

static int
write_readme (const char *folder, struct err **err)
{
  CLEANUP_FREE char *path = path_join (folder, "README.fixed");

  return file_write_atomic (path, readme, strlen (readme), 0644, err);
}

static int
make_stock_by (guestfs_h *g, const char *folder, bool fresh, struct err **err)
{
  CLEANUP_SOURCE struct source source = {0};
  CLEANUP_FREE char *stock = path_join (folder, "stock");
  CLEANUP_FREE char *own = path_join (folder, "supermin");

  if (source_find (g, &source, err) == -1 ||
      folder_make (stock, 0700, err) == -1 || write_readme (stock, err) == -1)
    return -1;
  if (source.supermin_d == NULL)
    return link_parts (source.fixed, stock, err);
  if (!fresh)
    return run_supermin (source.supermin_d, source.cache, err) == -1
               ? -1
               : link_built (source.cache, stock, err);
  if (run_supermin (source.supermin_d, own, err) == -1 ||
      link_built (own, stock, err) == -1)
    return -1;
  return folder_remove (own, err);
}

static int
make_stock (void *opaque, const char *folder, bool fresh, struct err **err)
{
  guestfs_h *g = guestfs_create ();
  int r;

  (void)opaque;
  if (g == NULL)
    return err_set_errno (err, errno, "guestfs_create");
  r = make_stock_by (g, folder, fresh, err);
  guestfs_close (g);
  return r;
}

static int
make_lean (void *opaque, const char *folder, struct err **err)
{
  CLEANUP_FREE char *stock = path_join (folder, "stock");
  CLEANUP_FREE char *lean = path_join (folder, "lean");
  CLEANUP_FREE char *source = path_join (stock, "initrd");
  CLEANUP_FREE char *dest = path_join (lean, "initrd");
  CLEANUP_FREE char *init = helper_program ("bootmend-appliance-init");

  (void)opaque;
  if (folder_make (lean, 0700, err) == -1 || write_readme (lean, err) == -1 ||
      link_parts (stock, lean, err) == -1)
    return -1;
  /* file_write_atomic makes a new file: the linked one stays as it is */
  return initrd_build (source, init, dest, err);
}

static int
try_lean (void *opaque, const struct appliance_image *image, bool force_tcg,
          const char *scratch, struct err **err)
{
  (void)opaque;
  return appliance_try (image, true, force_tcg, scratch, err);
}

static char *
wrapper (void *opaque)
{
  char *path = helper_program ("bootmend-qemu");

  (void)opaque;
  if (access (path, X_OK) == 0)
    return path;
  free (path);
  return NULL;
}

const struct appliance_builder appliance_builder = {
    .inputs = inputs,
    .make_stock = make_stock,
    .make_lean = make_lean,
    .try_lean = try_lean,
    .wrapper = wrapper,
};

int
appliance_cache_find (const char *cache_folder,
                      const struct appliance_cache_options *options,
                      struct appliance_image *ret, struct err **err)
{
  return appliance_cache_find_with (&appliance_builder, cache_folder, options,
                                    ret, err);
}

int
appliance_prepare (enum appliance_mode mode, bool force_tcg, char **note,
                   struct err **err)
{
  const struct appliance_cache_options options = {.mode = mode,
                                                  .force_tcg = force_tcg,
                                                  .again = true};
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  CLEANUP_FREE char *folder = appliance_cache_folder ();

  if (appliance_cache_find (folder, &options, &image, err) == -1)
    return -1;
  if (image.stock == NULL)
    return err_set (err, ERR_IO, "%s", image.note);
  *note = image.note ? TAKE (image.note)
                     : xasprintf ("appliance ready: %s",
                                  image.lean ? image.lean : image.stock);
  return 0;
}
