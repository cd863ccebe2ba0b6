/* What the tests and measurements of the appliance call.
 *
 *   appliance-tool find MODE [again]    finds or builds; prints what it got
 *   appliance-tool prepare MODE         the same ahead of time; prints a line
 *   appliance-tool distrust             the one found stopped to work
 *   appliance-tool hold MODE            launches, prints QEMU's process id and
 *                                       waits to be killed
 *   appliance-tool time MODE DISK...    launches with the disks (raw), lists
 *                                       them, shuts down; prints seconds
 *
 * The cache is that of the state folder.  libguestfs is told by
 * LIBGUESTFS_BACKEND_SETTINGS whether to force TCG. */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <guestfs.h>

#include <base/clock.h>
#include <disk-ops/appliance-cache.h>

static int
find (const char *mode, bool again, struct appliance_image *image,
      struct err **err)
{
  CLEANUP_FREE char *folder = appliance_cache_folder ();
  const char *settings = getenv ("LIBGUESTFS_BACKEND_SETTINGS");
  struct appliance_cache_options options = {
      .again = again,
      .force_tcg = settings && strstr (settings, "force_tcg"),
  };

  if (appliance_mode_parse (mode, &options.mode, err) == -1)
    return -1;
  return appliance_cache_find (folder, &options, image, err);
}

static void
show (const struct appliance_image *image)
{
  const struct {
    const char *name, *value;
  } fields[] = {
      {"lean", image->lean},       {"stock", image->stock},
      {"results", image->results}, {"wrapper", image->wrapper},
      {"note", image->note},
  };

  for (size_t i = 0; i < ARRAY_SIZE (fields); i++)
    printf ("%s=%s\n", fields[i].name, fields[i].value ? fields[i].value : "");
}

static guestfs_h *
launch (const char *mode, char **disks, struct err **err)
{
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  guestfs_h *g = guestfs_create ();

  if (g == NULL || find (mode, false, &image, err) == -1)
    return NULL;
  if (appliance_apply (&image, true, g, err) == -1)
    return NULL;
  if (*disks == NULL && guestfs_add_drive_scratch (g, 1 << 20, -1) == -1)
    return NULL;
  for (; *disks; disks++)
    if (guestfs_add_drive_opts (g, *disks, GUESTFS_ADD_DRIVE_OPTS_FORMAT, "raw",
                                GUESTFS_ADD_DRIVE_OPTS_CACHEMODE, "unsafe",
                                -1) == -1)
      return NULL;
  if (guestfs_launch (g) == -1) {
    err_set (err, ERR_TRANSIENT, "launch: %s", guestfs_last_error (g));
    return NULL;
  }
  return g;
}

static double
since_s (int64_t start_ms)
{
  return (double)(clock_now_ms (&real_clock) - start_ms) / 1000;
}

static int
time_it (const char *mode, char **disks, struct err **err)
{
  int64_t start = clock_now_ms (&real_clock);
  guestfs_h *g = launch (mode, disks, err);
  double launched = since_s (start);
  struct rusage used;

  if (g == NULL)
    return -1;
  strv_free (guestfs_list_devices (g));
  if (guestfs_shutdown (g) == -1)
    return -1;
  guestfs_close (g);
  getrusage (RUSAGE_CHILDREN, &used);
  printf ("launch %.3f total %.3f cpu %.3f\n", launched, since_s (start),
          (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
              (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
  return 0;
}

static int
prepare (const char *word, struct err **err)
{
  CLEANUP_FREE char *note = NULL;
  enum appliance_mode mode;

  if (appliance_mode_parse (word, &mode, err) == -1 ||
      appliance_prepare (mode, true, &note, err) == -1)
    return -1;
  puts (note);
  return 0;
}

static int
hold (const char *mode, struct err **err)
{
  char *none[] = {NULL};
  guestfs_h *g = launch (mode, none, err);

  if (g == NULL)
    return -1;
  printf ("%d\n", guestfs_get_pid (g));
  fflush (stdout);
  for (;;)
    pause ();
}

int
main (int argc, char **argv)
{
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  CLEANUP_ERR struct err *err = NULL;
  const char *verb = argc > 1 ? argv[1] : "";
  int r = -1;

  if (argc > 2 && strcmp (verb, "find") == 0) {
    r = find (argv[2], argc > 3, &image, &err);
    if (r == 0)
      show (&image);
  } else if (argc > 2 && strcmp (verb, "prepare") == 0)
    r = prepare (argv[2], &err);
  else if (strcmp (verb, "distrust") == 0) {
    r = find ("lean", false, &image, &err);
    if (r == 0)
      appliance_cache_distrust (&image, "the test says so");
  } else if (argc > 2 && strcmp (verb, "hold") == 0)
    r = hold (argv[2], &err);
  else if (argc > 2 && strcmp (verb, "time") == 0)
    r = time_it (argv[2], argv + 3, &err);
  else
    err_set (&err, ERR_USAGE, "find, prepare, distrust, hold or time");
  if (r == -1)
    fprintf (stderr, "appliance-tool: %s\n",
             err ? err->msg : "libguestfs said why");
  return r == 0 ? 0 : 1;
}
