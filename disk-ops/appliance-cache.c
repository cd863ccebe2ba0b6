/* Layout of the cache folder:
 *
 *   lock               held while something is built or tried
 *   failed             what could not be built last time, and why
 *   building-PID/      in work; leftovers go when the next one is built
 *   NAME/              an appliance; NAME is its fingerprint's
 *     fingerprint      what it was made from, to read
 *     seal             sizes and digests, and how its trial start went
 *     suspect          a later start failed: try again before use
 *     stock/, lean/    fixed appliances (README.fixed, kernel, initrd, root)
 *     results/         what libguestfs found out about QEMU
 */

#include "appliance-build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <base/json.h>
#include <base/log.h>

#include "appliance-fingerprint.h"
#include "appliance-seal.h"

#define LOCK_LIMIT_MS (10 * 60000)
#define LOCK_STEP_NS  (50 * 1000000)
/* A build that failed, and a lean appliance that did not start, are tried again
 * after so long: the reason may have been a full disk, or no memory. */
#define FAILED_REST_MS (10 * 60000)
#define BAD_REST_MS    (24 * 3600000)
/* Someone may just be starting from an appliance that is out of date. */
#define OLD_KEPT_MS (3600000)

/* What is being looked for. */
struct search {
  const struct appliance_builder *builder;
  const char *folder;
  const struct appliance_cache_options *options;
  struct strbuf fingerprint;
  char *name;
  char *place; /* folder/NAME */
};

int
appliance_mode_parse (const char *word, enum appliance_mode *ret,
                      struct err **err)
{
  static const struct {
    const char *word;
    enum appliance_mode mode;
  } words[] = {
      {"auto", APPLIANCE_AUTO},
      {"lean", APPLIANCE_LEAN},
      {"stock", APPLIANCE_STOCK},
  };

  for (size_t i = 0; i < ARRAY_SIZE (words); i++)
    if (strcmp (word, words[i].word) == 0) {
      *ret = words[i].mode;
      return 0;
    }
  return err_set (err, ERR_USAGE, "appliance \"%s\": auto, lean or stock",
                  word);
}

enum appliance_mode
appliance_mode_default (void)
{
  const char *word = getenv ("BOOTMEND_APPLIANCE");
  enum appliance_mode mode = APPLIANCE_AUTO;

  if (word && appliance_mode_parse (word, &mode, NULL) == -1)
    return APPLIANCE_AUTO;
  return mode;
}

char *
appliance_cache_folder (void)
{
  const char *own = getenv ("BOOTMEND_CACHE_DIR");
  CLEANUP_FREE char *state = NULL;

  if (own && *own == '/')
    return path_join (own, "appliance");
  state = state_folder ();
  return path_join (state, "appliance");
}

static int64_t
age_ms (const char *path)
{
  struct stat st;

  if (stat (path, &st) == -1)
    return INT64_MAX;
  return clock_wall_ms (&real_clock) - (int64_t)st.st_mtim.tv_sec * 1000;
}

/* Waits for the lock; it goes with the descriptor, and so with a process that
 * is killed. */
static int
take_lock (const char *folder, struct err **err)
{
  CLEANUP_FREE char *path = path_join (folder, "lock");
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd == -1)
    return err_set_errno (err, errno, "%s", path);
  for (int64_t end = clock_now_ms (&real_clock) + LOCK_LIMIT_MS;;) {
    if (flock (fd, LOCK_EX | LOCK_NB) == 0)
      return fd;
    if (errno != EWOULDBLOCK && errno != EINTR)
      err_set_errno (err, errno, "%s", path);
    else if (clock_now_ms (&real_clock) > end)
      err_set (err, ERR_TIMEOUT,
               "another process has been building an appliance in %s for too "
               "long",
               folder);
    else {
      nanosleep (&(struct timespec){.tv_nsec = LOCK_STEP_NS}, NULL);
      continue;
    }
    close (fd);
    return -1;
  }
}

static void
fill (const struct search *search, struct appliance_image *ret, bool lean)
{
  ret->lean = lean ? path_join (search->place, "lean") : NULL;
  ret->stock = path_join (search->place, "stock");
  ret->results = path_join (search->place, "results");
  ret->wrapper = search->builder->wrapper (search->builder->opaque);
}

/* Is what the cache has good enough for these options, or for these that have
 * just tried it?  1: yes, ret is filled.  0: no, or not without a trial;
 * *damaged says if it is not whole. */
static int
use_as_is (const struct search *search, bool tried, struct appliance_image *ret,
           bool *damaged)
{
  CLEANUP_FREE char *suspect = path_join (search->place, "suspect");
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_SEAL struct seal seal = {0};

  *damaged = false;
  if (access (search->place, F_OK) == -1)
    return 0;
  if (seal_check (search->place, &seal, &why) == -1) {
    log_debug ("appliance cache: %s", why->msg);
    *damaged = true;
    return 0;
  }
  if (search->options->mode == APPLIANCE_STOCK) {
    fill (search, ret, false);
    return 1;
  }
  if (seal.lean == LEAN_GOOD && access (suspect, F_OK) == -1) {
    fill (search, ret, true);
    return 1;
  }
  if (seal.lean == LEAN_BAD && search->options->mode == APPLIANCE_AUTO &&
      (tried || (!search->options->again &&
                 clock_wall_ms (&real_clock) - seal.at_ms < BAD_REST_MS))) {
    fill (search, ret, false);
    ret->note = xasprintf ("the lean appliance does not start here, so the "
                           "stock one is used: %s",
                           seal.why);
    return 1;
  }
  return 0;
}

/* Tries the lean appliance in `place` and seals it accordingly. */
static int
try_and_seal (const struct search *search, const char *place, bool wanted,
              struct err *not_made, struct err **err)
{
  CLEANUP_ERR struct err *why = not_made;
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  enum lean_state state = LEAN_UNTRIED;

  image.lean = path_join (place, "lean");
  image.stock = path_join (place, "stock");
  image.results = path_join (place, "results");
  image.wrapper = search->builder->wrapper (search->builder->opaque);
  if (folder_make (image.results, 0700, err) == -1)
    return -1;
  if (why)
    state = LEAN_BAD;
  else if (wanted)
    state =
        search->builder->try_lean (search->builder->opaque, &image,
                                   search->options->force_tcg, place, &why) == 0
            ? LEAN_GOOD
            : LEAN_BAD;
  return seal_write (place, state, why ? why->msg : NULL, err);
}

/* Folders of builds that were killed, and appliances out of date. */
static void
remove_old (const struct search *search)
{
  DIR *dir = opendir (search->folder);
  struct dirent *entry;

  while (dir && (entry = readdir (dir))) {
    CLEANUP_FREE char *path = path_join (search->folder, entry->d_name);
    bool building = strncmp (entry->d_name, "building-", 9) == 0;
    bool other =
        strlen (entry->d_name) == strlen (search->name) &&
        strspn (entry->d_name, "0123456789abcdef") == strlen (search->name) &&
        strcmp (entry->d_name, search->name) != 0;

    if (building || (other && age_ms (path) > OLD_KEPT_MS))
      folder_remove (path, NULL);
  }
  if (dir)
    closedir (dir);
}

/* With the lock held. */
static int
build (const struct search *search, bool fresh, struct err **err)
{
  const struct appliance_builder *builder = search->builder;
  CLEANUP_FREE char *temp =
      xasprintf ("%s/building-%d", search->folder, (int)getpid ());
  CLEANUP_FREE char *text = path_join (temp, "fingerprint");
  CLEANUP_ERR struct err *not_lean = NULL;

  remove_old (search);
  if (folder_make (temp, 0700, err) == -1)
    return -1;
  if (builder->make_stock (builder->opaque, temp, fresh, err) == -1 ||
      file_write_atomic (text, search->fingerprint.buf, search->fingerprint.len,
                         0600, err) == -1)
    goto failed;
  if (builder->make_lean (builder->opaque, temp, &not_lean) == -1)
    log_debug ("appliance cache: %s", not_lean->msg);
  if (try_and_seal (search, temp, search->options->mode != APPLIANCE_STOCK,
                    TAKE (not_lean), err) == -1 ||
      folder_remove (search->place, err) == -1)
    goto failed;
  if (rename (temp, search->place) == -1) {
    err_set_errno (err, errno, "%s", search->place);
    goto failed;
  }
  return folder_sync (search->folder, err);

failed:
  folder_remove (temp, NULL);
  return -1;
}

/* With the lock held: makes what the cache has usable.  Returns what was done,
 * for the operator, in *note. */
static int
make_usable (const struct search *search, bool damaged, char **note,
             struct err **err)
{
  CLEANUP_FREE char *suspect = path_join (search->place, "suspect");
  bool exists = access (search->place, F_OK) == 0;
  bool is_suspect = access (suspect, F_OK) == 0;
  int64_t start = clock_now_ms (&real_clock);
  const char *what = "built for this machine";

  if (exists && !damaged) {
    CLEANUP_SEAL struct seal seal = {0};

    if (try_and_seal (search, search->place, true, NULL, err) == -1 ||
        seal_check (search->place, &seal, err) == -1)
      return -1;
    if (!is_suspect || seal.lean == LEAN_GOOD) {
      unlink (suspect);
      return 0;
    }
  }
  if (damaged)
    what = "built again: the one in the cache was damaged";
  else if (is_suspect)
    what = "built again: the one in the cache had stopped to work";
  /* damage can have come through the links */
  if (build (search, damaged || is_suspect, err) == -1)
    return -1;
  *note = xasprintf ("appliance %s (%.1f s)", what,
                     (double)(clock_now_ms (&real_clock) - start) / 1000);
  return 0;
}

/* A failure a short while ago, of the same thing, is not repeated by every
 * worker. */
static int
failed_before (const struct search *search, struct err **err)
{
  CLEANUP_FREE char *path = path_join (search->folder, "failed");
  CLEANUP_FREE char *text = NULL;
  size_t len, name_len = strlen (search->name);

  if (search->options->again || age_ms (path) > FAILED_REST_MS ||
      file_read (path, 65536, &text, &len, NULL) == -1 ||
      strncmp (text, search->name, name_len) != 0 || text[name_len] != ' ')
    return 0;
  return err_set (err, ERR_IO, "%s", text + name_len + 1);
}

static void
remember_failure (const struct search *search, const struct err *why)
{
  CLEANUP_FREE char *path = path_join (search->folder, "failed");
  CLEANUP_FREE char *text = xasprintf ("%s %s", search->name, why->msg);

  if (file_write_atomic (path, text, strlen (text), 0600, NULL) == -1)
    log_debug ("appliance cache: %s not written", path);
}

static int
find_or_build (struct search *search, struct appliance_image *ret,
               struct err **err)
{
  CLEANUP_CLOSE int lock = -1;
  CLEANUP_FREE char *note = NULL;
  bool damaged;

  if (use_as_is (search, false, ret, &damaged))
    return 0;
  if (folder_make (search->folder, 0700, err) == -1)
    return -1;
  lock = take_lock (search->folder, err);
  if (lock == -1)
    return -1;
  if (use_as_is (search, false, ret, &damaged))
    return 0;
  if (failed_before (search, err) == -1)
    return -1;
  if (make_usable (search, damaged, &note, err) == -1) {
    if (err && *err)
      remember_failure (search, *err);
    return -1;
  }
  if (!use_as_is (search, true, ret, &damaged))
    return err_set (err, ERR_CONFLICT,
                    damaged ? "what was built is not whole"
                            : "the lean appliance does not start here");
  if (ret->note == NULL)
    ret->note = TAKE (note);
  return 0;
}

int
appliance_cache_find_with (const struct appliance_builder *builder,
                           const char *cache_folder,
                           const struct appliance_cache_options *options,
                           struct appliance_image *ret, struct err **err)
{
  struct search search = {.builder = builder,
                          .folder = cache_folder,
                          .options = options};
  CLEANUP_ERR struct err *why = NULL;
  int r;

  /* The number goes up when an appliance or its start is made differently. */
  strbuf_addf (&search.fingerprint, "bootmend %s appliance 3\n",
               BOOTMEND_VERSION);
  if (strpbrk (cache_folder, ":,\n"))
    r = err_set (&why, ERR_INPUT,
                 "%s: libguestfs cannot take a path with a colon or comma",
                 cache_folder);
  else
    r = builder->inputs (builder->opaque, &search.fingerprint, &why);
  search.name = fingerprint_name (&search.fingerprint);
  search.place = path_join (cache_folder, search.name);
  if (r == 0)
    r = find_or_build (&search, ret, &why);
  strbuf_release (&search.fingerprint);
  free (search.name);
  free (search.place);
  if (r == 0)
    return 0;
  appliance_image_release (ret);
  if (options->mode == APPLIANCE_LEAN) {
    err_move (err, TAKE (why));
    return err_wrap (err, "lean appliance");
  }
  ret->note = xasprintf ("no appliance could be prepared, so libguestfs's own "
                         "is used: %s",
                         why->msg);
  return 0;
}

void
appliance_cache_distrust (const struct appliance_image *image, const char *why)
{
  CLEANUP_FREE char *place = NULL, *suspect = NULL;
  char *slash;

  if (image->lean == NULL)
    return;
  place = xstrdup (image->lean);
  slash = strrchr (place, '/');
  if (slash == NULL)
    return;
  *slash = '\0';
  suspect = path_join (place, "suspect");
  if (file_write_atomic (suspect, why ? why : "", why ? strlen (why) : 0, 0600,
                         NULL) == -1)
    log_debug ("appliance cache: %s not written", suspect);
}
