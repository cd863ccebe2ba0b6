/* Findings in the journal of systemd: how the last boots ended, and what the
 * last one said.
 *
 * The newest files of the machine that wrote last are copied out, only as far
 * as they are used: journals are made with megabytes of room. */

#include "findings.h"

#include <string.h>

#include <base/clock.h>

#include "disk.h"
#include "guest-parse.h"
#include "guest-path.h"
#include "journal-log.h"

#define FOLDERS    "/var/log/journal/*"
#define MAX_FILES  4
#define MAX_BYTES  (INT64_C (256) << 20) /* of all of them */
#define MAX_LISTED 200
#define LAST_MS    INT64_C (253402300799000) /* the year 9999 */
/* So many boots in so short a time that none of them can have been wanted. */
#define LOOP_BOOTS 4
#define LOOP_MS    (INT64_C (3600) * 1000)

struct candidate {
  char *path;
  int64_t size_bytes, modified_ns;
};
DEFINE_VEC (struct candidate, candidate_vec);

static int
newest_first (const void *a, const void *b)
{
  const struct candidate *x = a, *y = b;

  return x->modified_ns < y->modified_ns   ? 1
         : x->modified_ns > y->modified_ns ? -1
                                           : 0;
}

static void
candidates_release (struct candidate_vec *all)
{
  for (size_t i = 0; i < all->len; i++)
    free (all->ptr[i].path);
  candidate_vec_release (all);
}

static void
add_candidates (struct disk *disk, const char *folder,
                struct candidate_vec *all)
{
  CLEANUP_FREE char *pattern = xasprintf ("%s/system*.journal*", folder);
  CLEANUP_STRV char **found = NULL;

  if (guest_path_glob (disk, pattern, &found, NULL) != 1)
    return;
  for (size_t i = 0; found[i] && all->len < MAX_LISTED; i++) {
    struct guest_file file = {0};

    if (guest_file_stat (disk, found[i], &file, NULL) == 1 && file.regular &&
        file.size_bytes > JOURNAL_HEADER)
      candidate_vec_push (all, (struct candidate){xstrdup (found[i]),
                                                  file.size_bytes,
                                                  file.modified_ns});
    guest_file_release (&file);
  }
}

/* All files, the one that was written last first. */
static void
find_files (struct disk *disk, struct candidate_vec *all)
{
  CLEANUP_STRV char **folders = NULL;

  if (findings_size (disk, "/var/log/journal") < 0 ||
      guest_path_glob (disk, FOLDERS, &folders, NULL) != 1)
    return;
  for (size_t i = 0; folders[i] && i < MAX_LISTED; i++)
    add_candidates (disk, folders[i], all);
  if (all->len > 0)
    qsort (all->ptr, all->len, sizeof *all->ptr, newest_first);
}

static bool
same_folder (const char *a, const char *b)
{
  const char *end = strrchr (a, '/');

  return end && strncmp (a, b, (size_t)(end - a) + 1) == 0;
}

/* Those of one machine, within the limits. */
static int
add_files (struct disk *disk, struct parse *parse,
           const struct candidate_vec *all, struct err **err)
{
  int64_t left = MAX_BYTES;

  for (size_t i = 0; i < all->len && parse->n < MAX_FILES; i++) {
    const struct candidate *c = &all->ptr[i];
    CLEANUP_FREE char *header = NULL;
    size_t len = 0;
    int64_t used;

    if (!same_folder (all->ptr[0].path, c->path))
      continue;
    header = guestfs_pread (disk->g, c->path, JOURNAL_HEADER, 0, &len);
    if (header == NULL)
      return disk_guest_error (disk, err, "%s", c->path);
    used = journal_used_bytes ((unsigned char *)header, len, c->size_bytes);
    if (used > left)
      continue;
    left -= used;
    if (guest_parse_add (disk, parse, c->path, used, c->size_bytes, err) == -1)
      return -1;
  }
  return 0;
}

/* --- what it says --- */

static char *
time_of (const json_t *boot, const char *key, int64_t *ms)
{
  *ms = json_int (boot, key, 0);
  if (*ms < 0 || *ms > LAST_MS)
    *ms = 0;
  return time_format_ms (*ms);
}

static const char *
end_of (const json_t *boot)
{
  if (json_bool (boot, "shutdown", false))
    return "was shut down";
  if (json_bool (boot, "emergency", false))
    return "ended in emergency mode";
  return "ended without a shutdown";
}

static void
tell_loop (struct findings *f, const json_t *boots)
{
  int64_t last_ms, first_ms;
  size_t n = 0;
  json_t *boot;
  size_t i;

  free (time_of (json_array_get (boots, 0), "last_ms", &last_ms));
  json_array_foreach (boots, i, boot)
  {
    free (time_of (boot, "first_ms", &first_ms));
    if (json_bool (boot, "up", false) || last_ms - first_ms > LOOP_MS)
      break;
    n++;
  }
  if (n >= LOOP_BOOTS)
    findings_fact (f, "boot-loop", NULL,
                   "journal: the last %zu boots, all within an hour, did not "
                   "come to their end",
                   n);
}

void
findings_journal_says (struct findings *f, const json_t *journal)
{
  const json_t *boots = json_object_get (journal, "boots");
  const json_t *last = json_array_get (boots, 0);
  int64_t first_ms, last_ms;
  CLEANUP_FREE char *from = time_of (last, "first_ms", &first_ms);
  CLEANUP_FREE char *to = time_of (last, "last_ms", &last_ms);
  const char *text = json_str (journal, "text", "");

  if (last == NULL)
    return;
  findings_fact (f, "last-boot", NULL,
                 "journal: the last boot began at %s, %s, and %s at %s", from,
                 json_bool (last, "up", false) ? "came up"
                                               : "did not come to its end",
                 end_of (last), to);
  if (json_bool (last, "emergency", false))
    findings_fact (f, "journal-emergency", NULL,
                   "journal: the last boot ended in emergency mode at %s", to);
  tell_loop (f, boots);
  if (json_bool (journal, "damaged", false))
    findings_fact (f, "journal-damaged", NULL,
                   "the journal is damaged; %lld entries were read",
                   (long long)json_int (journal, "entries", 0));
  if (*text) {
    CLEANUP_FREE char *lines = xstrdup (text);

    for (char *p = lines; *p; p++)
      if (*p != '\n' && (*p < ' ' || *p > '~'))
        *p = '?';
    json_array_append_new (f->texts, json_make ("{s:s, s:s}", "where",
                                                "journal", "text", lines));
  }
}

void
findings_journal (struct disk *disk, struct findings *f)
{
  CLEANUP_PARSE struct parse parse = {0};
  CLEANUP_ERR struct err *err = NULL;
  struct candidate_vec all = VEC_EMPTY;

  find_files (disk, &all);
  guest_parse_init (disk, &parser_journal, &parse);
  if (all.len > 0) {
    if (add_files (disk, &parse, &all, &err) == 0 &&
        guest_parse_run (disk, &parse, &err) == 0)
      findings_journal_says (f, parse.result);
    else
      findings_unread (f, &parse, "the journal", err);
  }
  candidates_release (&all);
}
