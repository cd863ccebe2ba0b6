/* Results of work on disks, for people and as exit codes. */

#include <string.h>

#include "changes.h"
#include "disk-run.h"

const char *
result_outcome (const json_t *result)
{
  return json_str (result, "outcome", "failed");
}

/* What has the name but not the proof. */
static void
add_kept (struct strbuf *sb, const json_t *kept)
{
  size_t n = json_array_size (kept);
  const json_t *first = json_array_get (kept, 0);

  strbuf_addf (sb, "%skept %s: %s", sb->len ? "; " : "",
               json_str (first, "path", "?"),
               json_str (first, "reason", "it lacks the proof"));
  if (n > 1)
    strbuf_addf (sb, ", and %zu more", n - 1);
}

char *
result_what (const json_t *result)
{
  const char *outcome = result_outcome (result);
  const char *reason = json_str (result, "reason", NULL);
  size_t kept = json_array_size (json_at (result, "kept"));
  struct strbuf sb = STRBUF_EMPTY;

  if (json_str (result, "refusal", NULL))
    strbuf_addf (&sb, "%s: ", json_str (result, "refusal", ""));
  if (reason == NULL && strcmp (outcome, "failed") == 0)
    reason = json_str (result, "error.message", "no reason given");
  if (reason)
    strbuf_addstr (&sb, reason);
  else {
    CLEANUP_FREE char *changes = changes_text (json_at (result, "changes"),
                                               strcmp (outcome, "needed") == 0);

    strbuf_addstr (&sb, changes);
  }
  if (kept && strcmp (outcome, "clean") == 0)
    add_kept (&sb, json_at (result, "kept"));
  return strbuf_take (&sb);
}

static bool
is_good (const json_t *result)
{
  static const char *const good[] = {"repaired", "clean", "needed", "undone",
                                     "inspected"};

  for (size_t i = 0; i < ARRAY_SIZE (good); i++)
    if (strcmp (result_outcome (result), good[i]) == 0)
      return true;
  return false;
}

int
results_exit_code (const struct disk_work *works, size_t n, bool stopped)
{
  size_t count = 0;

  for (size_t i = 0; i < n; i++)
    count += is_good (works[i].result);
  if (count == n)
    return EXIT_ALL_WELL;
  if (stopped)
    return EXIT_INTERRUPTED;
  return count ? EXIT_SOME_NOT : EXIT_NONE;
}
