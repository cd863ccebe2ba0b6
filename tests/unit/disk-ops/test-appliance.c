/* The appliance's cache with a builder that builds nothing, and fingerprints.
 */

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/files.h>
#include <disk-ops/appliance-build.h>
#include <disk-ops/appliance-fingerprint.h>

/* A builder that counts what it does in files, so that processes can share
 * it. */
struct fake {
  char *folder; /* of the test; "cache" in it is the cache */
  const char *packages;
  bool lean_starts;
  bool cannot_build;
  bool cannot_make_lean;
  int build_ms;
};

static void
count (const struct fake *fake, const char *what)
{
  CLEANUP_FREE char *path = path_join (fake->folder, what);
  CLEANUP_CLOSE int fd =
      open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

  if (write (fd, "x", 1) != 1)
    abort ();
}

static int
counted (const struct fake *fake, const char *what)
{
  CLEANUP_FREE char *path = path_join (fake->folder, what);
  struct stat st;

  return stat (path, &st) == 0 ? (int)st.st_size : 0;
}

static int
fake_inputs (void *opaque, struct strbuf *fingerprint, struct err **err)
{
  struct fake *fake = opaque;

  (void)err;
  strbuf_addstr (fingerprint, fake->packages);
  return 0;
}

static int
put (const char *folder, const char *name, const char *text)
{
  CLEANUP_FREE char *path = path_join (folder, name);

  return file_write_atomic (path, text, strlen (text), 0600, NULL);
}

static int
fake_stock (void *opaque, const char *folder, bool fresh, struct err **err)
{
  struct fake *fake = opaque;
  CLEANUP_FREE char *stock = path_join (folder, "stock");

  count (fake, fresh ? "fresh" : "built");
  usleep ((useconds_t)fake->build_ms * 1000);
  if (fake->cannot_build)
    return err_set (err, ERR_NO_SPACE, "no room left");
  return folder_make (stock, 0700, err) == -1 ||
                 put (stock, "README.fixed", "") == -1 ||
                 put (stock, "kernel", "kernel") == -1 ||
                 put (stock, "initrd", "initrd") == -1 ||
                 put (stock, "root", "root") == -1
             ? -1
             : 0;
}

static int
fake_lean (void *opaque, const char *folder, struct err **err)
{
  struct fake *fake = opaque;
  CLEANUP_FREE char *lean = path_join (folder, "lean");

  if (fake->cannot_make_lean)
    return err_set (err, ERR_INPUT, "an initrd of another kind");
  return folder_make (lean, 0700, err) == -1 ||
                 put (lean, "README.fixed", "") == -1 ||
                 put (lean, "initrd", "lean") == -1
             ? -1
             : 0;
}

static int
fake_try (void *opaque, const struct appliance_image *image, bool force_tcg,
          const char *scratch, struct err **err)
{
  struct fake *fake = opaque;

  (void)image;
  (void)force_tcg;
  (void)scratch;
  count (fake, "tried");
  return fake->lean_starts ? 0
                           : err_set (err, ERR_TRANSIENT, "it does not start");
}

static char *
fake_wrapper (void *opaque)
{
  (void)opaque;
  return NULL;
}

static struct fake *
fake_new (void)
{
  struct fake *fake = xcalloc (1, sizeof *fake);
  char folder[] = "/tmp/bootmend-unit-XXXXXX";

  if (mkdtemp (folder) == NULL)
    abort ();
  fake->folder = xstrdup (folder);
  fake->packages = "packages 1";
  fake->lean_starts = true;
  return fake;
}

static void
fake_free (struct fake *fake)
{
  folder_remove (fake->folder, NULL);
  free (fake->folder);
  free (fake);
}

static int
find (struct fake *fake, enum appliance_mode mode, bool again,
      struct appliance_image *image, struct err **err)
{
  const struct appliance_builder builder = {
      fake_inputs, fake_stock, fake_lean, fake_try, fake_wrapper, fake,
  };
  const struct appliance_cache_options options = {.mode = mode, .again = again};
  CLEANUP_FREE char *cache = path_join (fake->folder, "cache");

  appliance_image_release (image);
  return appliance_cache_find_with (&builder, cache, &options, image, err);
}

static void
test_built_once_and_then_found (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};

  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NOT_NULL (image.lean);
  CU_ASSERT_PTR_NOT_NULL (image.note);
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NOT_NULL (image.lean);
  CU_ASSERT_PTR_NULL (image.note);
  CU_ASSERT_EQUAL (counted (fake, "built"), 1);
  CU_ASSERT_EQUAL (counted (fake, "tried"), 1);
  fake_free (fake);
}

static void
test_many_at_once_build_one (void)
{
  struct fake *fake = fake_new ();
  int well = 0;

  fake->build_ms = 300;
  for (int i = 0; i < 6; i++)
    if (fork () == 0) {
      struct appliance_image image = {0};

      _exit (find (fake, APPLIANCE_AUTO, false, &image, NULL) == 0 && image.lean
                 ? 0
                 : 1);
    }
  for (int i = 0; i < 6; i++) {
    int status;

    if (wait (&status) > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0)
      well++;
  }
  CU_ASSERT_EQUAL (well, 6);
  CU_ASSERT_EQUAL (counted (fake, "built"), 1);
  CU_ASSERT_EQUAL (counted (fake, "tried"), 1);
  fake_free (fake);
}

static void
test_a_killed_builder_is_cleaned_up_after (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  CLEANUP_FREE char *leftover = NULL;
  pid_t pid;

  fake->build_ms = 10000;
  pid = fork ();
  if (pid == 0) {
    find (fake, APPLIANCE_AUTO, false, &image, NULL);
    _exit (0);
  }
  while (counted (fake, "built") == 0)
    usleep (1000);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  leftover = xasprintf ("%s/cache/building-%d", fake->folder, (int)pid);
  CU_ASSERT_EQUAL (access (leftover, F_OK), 0);

  fake->build_ms = 0;
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NOT_NULL (image.lean);
  CU_ASSERT_EQUAL (access (leftover, F_OK), -1);
  fake_free (fake);
}

static void
test_other_packages_mean_another_build (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  CLEANUP_FREE char *first = NULL;

  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  first = xstrdup (image.lean);
  fake->packages = "packages 2";
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_STRING_NOT_EQUAL (first, image.lean);
  CU_ASSERT_EQUAL (counted (fake, "built"), 2);
  /* someone may just be starting from the first */
  CU_ASSERT_EQUAL (access (first, F_OK), 0);
  fake_free (fake);
}

/* Each damage alone leads to a fresh build. */
static void
test_damage_is_seen_and_built_anew (void)
{
  static const char *const damaged[] = {"lean/initrd", "stock/kernel",
                                        "stock/root", "stock/initrd", "seal"};
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};

  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  for (size_t i = 0; i < ARRAY_SIZE (damaged); i++) {
    CLEANUP_FREE char *path = xasprintf ("%s/../%s", image.stock, damaged[i]);

    CU_ASSERT_EQUAL (truncate (path, 2), 0);
    CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL (image.lean);
    CU_ASSERT_PTR_NOT_NULL_FATAL (image.note);
    CU_ASSERT_PTR_NOT_NULL (strstr (image.note, "damaged"));
    CU_ASSERT_EQUAL (counted (fake, "fresh"), (int)i + 1);
  }
  CU_ASSERT_EQUAL (counted (fake, "built"), 1);
  fake_free (fake);
}

static void
test_what_does_not_start_gives_stock (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  CLEANUP_ERR struct err *err = NULL;

  fake->lean_starts = false;
  for (int i = 0; i < 2; i++) {
    CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
    CU_ASSERT_PTR_NULL (image.lean);
    CU_ASSERT_PTR_NOT_NULL (image.stock);
    CU_ASSERT_PTR_NOT_NULL_FATAL (image.note);
    CU_ASSERT_PTR_NOT_NULL (strstr (image.note, "it does not start"));
  }
  CU_ASSERT_EQUAL (counted (fake, "tried"), 1);
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_LEAN, false, &image, &err), -1);
  CU_ASSERT_PTR_NOT_NULL (err);

  fake->lean_starts = true;
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NULL (image.lean);
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, true, &image, NULL), 0);
  CU_ASSERT_PTR_NOT_NULL (image.lean);
  CU_ASSERT_EQUAL (counted (fake, "built"), 1);
  fake_free (fake);
}

static void
test_what_cannot_be_made_gives_stock (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};

  fake->cannot_make_lean = true;
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NULL (image.lean);
  CU_ASSERT_PTR_NOT_NULL (image.stock);
  CU_ASSERT_PTR_NOT_NULL_FATAL (image.note);
  CU_ASSERT_PTR_NOT_NULL (strstr (image.note, "of another kind"));
  CU_ASSERT_EQUAL (counted (fake, "tried"), 0);
  fake_free (fake);
}

static void
test_no_build_gives_nothing_and_a_reason (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  CLEANUP_ERR struct err *err = NULL;

  fake->cannot_build = true;
  for (int i = 0; i < 3; i++) {
    CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
    CU_ASSERT_PTR_NULL (image.lean);
    CU_ASSERT_PTR_NULL (image.stock);
    CU_ASSERT_PTR_NOT_NULL_FATAL (image.note);
    CU_ASSERT_PTR_NOT_NULL (strstr (image.note, "no room left"));
  }
  CU_ASSERT_EQUAL (counted (fake, "built"), 1);
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_LEAN, true, &image, &err), -1);
  CU_ASSERT_EQUAL (counted (fake, "built"), 2);
  fake->cannot_build = false;
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, true, &image, NULL), 0);
  CU_ASSERT_PTR_NOT_NULL (image.lean);
  fake_free (fake);
}

static void
test_distrust_leads_to_a_trial_and_then_a_build (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};

  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  appliance_cache_distrust (&image, "no memory");
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NOT_NULL (image.lean);
  CU_ASSERT_EQUAL (counted (fake, "tried"), 2);
  CU_ASSERT_EQUAL (counted (fake, "built") + counted (fake, "fresh"), 1);
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_EQUAL (counted (fake, "tried"), 2);

  appliance_cache_distrust (&image, "no memory");
  fake->lean_starts = false;
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NULL (image.lean);
  CU_ASSERT_PTR_NOT_NULL (image.stock);
  CU_ASSERT_EQUAL (counted (fake, "fresh"), 1);
  fake_free (fake);
}

static void
test_stock_mode_tries_nothing (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};

  CU_ASSERT_EQUAL (find (fake, APPLIANCE_STOCK, false, &image, NULL), 0);
  CU_ASSERT_PTR_NULL (image.lean);
  CU_ASSERT_PTR_NOT_NULL (image.stock);
  CU_ASSERT_EQUAL (counted (fake, "tried"), 0);
  CU_ASSERT_EQUAL (find (fake, APPLIANCE_AUTO, false, &image, NULL), 0);
  CU_ASSERT_PTR_NOT_NULL (image.lean);
  CU_ASSERT_EQUAL (counted (fake, "tried"), 1);
  CU_ASSERT_EQUAL (counted (fake, "built"), 1);
  fake_free (fake);
}

static void
test_modes_have_words (void)
{
  CLEANUP_ERR struct err *err = NULL;
  enum appliance_mode mode = APPLIANCE_AUTO;

  CU_ASSERT_EQUAL (appliance_mode_parse ("stock", &mode, NULL), 0);
  CU_ASSERT_EQUAL (mode, APPLIANCE_STOCK);
  CU_ASSERT_EQUAL (appliance_mode_parse ("fat", &mode, &err), -1);
  CU_ASSERT_EQUAL (err->code, ERR_USAGE);
  setenv ("BOOTMEND_APPLIANCE", "lean", 1);
  CU_ASSERT_EQUAL (appliance_mode_default (), APPLIANCE_LEAN);
  setenv ("BOOTMEND_APPLIANCE", "fat", 1);
  CU_ASSERT_EQUAL (appliance_mode_default (), APPLIANCE_AUTO);
  unsetenv ("BOOTMEND_APPLIANCE");
}

/* A fingerprint of one path, as its name. */
static char *
name_of (const char *path)
{
  CLEANUP_STRBUF struct strbuf fingerprint = STRBUF_EMPTY;

  fingerprint_add_path (&fingerprint, path);
  return fingerprint_name (&fingerprint);
}

static void
test_fingerprint_follows_files (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_FREE char *kernels = path_join (fake->folder, "modules");
  CLEANUP_FREE char *one = path_join (kernels, "6.1.0-1");
  CLEANUP_FREE char *none = name_of (kernels), *empty = NULL, *with = NULL,
                    *later = NULL, *same = NULL;
  struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

  CU_ASSERT_EQUAL (folder_make (kernels, 0700, NULL), 0);
  empty = name_of (kernels);
  CU_ASSERT_EQUAL (put (kernels, "6.1.0-1", "k"), 0);
  with = name_of (kernels);
  same = name_of (kernels);
  utimensat (AT_FDCWD, one, times, 0);
  later = name_of (kernels);
  CU_ASSERT_STRING_NOT_EQUAL (none, empty);
  CU_ASSERT_STRING_NOT_EQUAL (empty, with);
  CU_ASSERT_STRING_EQUAL (with, same);
  CU_ASSERT_STRING_NOT_EQUAL (with, later);
  CU_ASSERT_EQUAL (strlen (none), 20);
  fake_free (fake);
}

static void
test_copy_keeps_holes_and_content (void)
{
  struct fake *fake = fake_new ();
  CLEANUP_FREE char *from = path_join (fake->folder, "from");
  CLEANUP_FREE char *to = xasprintf ("/dev/shm/bootmend-unit-%d", getpid ());
  CLEANUP_CLOSE int fd = open (from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CLEANUP_CLOSE int copy = -1;
  struct stat st;
  char text[5] = "";

  CU_ASSERT_EQUAL (ftruncate (fd, 64 << 20), 0);
  CU_ASSERT_EQUAL (pwrite (fd, "deep", 4, 32 << 20), 4);
  CU_ASSERT_EQUAL (appliance_link (from, to, NULL), 0);
  copy = open (to, O_RDONLY | O_CLOEXEC);
  unlink (to);
  CU_ASSERT_EQUAL (fstat (copy, &st), 0);
  CU_ASSERT_EQUAL (st.st_size, 64 << 20);
  CU_ASSERT_TRUE (st.st_blocks * 512 < 4 << 20);
  CU_ASSERT_EQUAL (pread (copy, text, 4, 32 << 20), 4);
  CU_ASSERT_STRING_EQUAL (text, "deep");
  fake_free (fake);
}

static const struct unit_case cases[] = {
    {"is built once and then found", test_built_once_and_then_found},
    {"many at once build one", test_many_at_once_build_one},
    {"after a killed builder", test_a_killed_builder_is_cleaned_up_after},
    {"other packages", test_other_packages_mean_another_build},
    {"damage", test_damage_is_seen_and_built_anew},
    {"lean does not start", test_what_does_not_start_gives_stock},
    {"lean cannot be made", test_what_cannot_be_made_gives_stock},
    {"no build at all", test_no_build_gives_nothing_and_a_reason},
    {"distrust", test_distrust_leads_to_a_trial_and_then_a_build},
    {"turned off", test_stock_mode_tries_nothing},
    {"modes", test_modes_have_words},
    {"fingerprint", test_fingerprint_follows_files},
    {"copy", test_copy_keeps_holes_and_content},
};

UNIT_MAIN ("appliance", cases)
