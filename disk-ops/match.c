#include "match.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/clock.h>

#include "disk.h"
#include "guest-path.h"
#include "name-match.h"
#include "refuse.h"

/* What is shown; all are counted. */
#define MAX_RECORDED 200

void
match_found_release (struct match_found *found)
{
  for (size_t i = 0; i < found->proven.len; i++)
    guest_file_release (&found->proven.ptr[i]);
  guest_file_vec_release (&found->proven);
}

static char *
against_time (const struct recipe_match *match, const struct guest_file *file)
{
  /* towards the past also before 1970 */
  int64_t ms = file->modified_ns / 1000000 - (file->modified_ns % 1000000 < 0);
  CLEANUP_FREE char *modified = time_format_ms (ms);
  CLEANUP_FREE char *limit = NULL;

  if (match->has_modified_from && ms < match->modified_from_ms) {
    limit = time_format_ms (match->modified_from_ms);
    return xasprintf ("modified %s is before %s", modified, limit);
  }
  if (match->has_modified_before && ms >= match->modified_before_ms) {
    limit = time_format_ms (match->modified_before_ms);
    return xasprintf ("modified %s is not before %s", modified, limit);
  }
  return NULL;
}

char *
match_reason_against (const struct recipe_match *match,
                      const struct guest_file *file)
{
  if (file->link)
    return xstrdup ("it is a link or reparse point");
  if (match->folder)
    return file->folder ? against_time (match, file)
                        : xstrdup ("it is no folder");
  if (!file->regular)
    return xstrdup (file->folder ? "it is a folder" : "it is no regular file");
  if (match->size_min >= 0 && file->size_bytes < match->size_min)
    return xasprintf ("%" PRId64 " bytes are less than %" PRId64,
                      file->size_bytes, match->size_min);
  if (match->size_max >= 0 && file->size_bytes > match->size_max)
    return xasprintf ("%" PRId64 " bytes are more than %" PRId64,
                      file->size_bytes, match->size_max);
  return against_time (match, file);
}

/* The conditions that need the file's bytes. */
static int
against_content (struct disk *disk, const struct recipe_match *match,
                 const struct guest_file *file, char **reason, struct err **err)
{
  char hex[65];
  int r;

  *reason = NULL;
  if (match->folder)
    return 0;
  if (match->header) {
    r = guest_file_starts_with (disk, file, match->header, match->header_len,
                                err);
    if (r == -1)
      return -1;
    if (r == 0) {
      *reason = xstrdup ("its first bytes are others");
      return 0;
    }
  }
  if (match->sha256 == NULL)
    return 0;
  if (guest_file_sha256 (disk, file, hex, err) == -1)
    return -1;
  for (char **known = match->sha256; *known; known++)
    if (strcasecmp (*known, hex) == 0)
      return 0;
  *reason =
      xasprintf ("its SHA-256 %.16s... is not among those looked for", hex);
  return 0;
}

static void
record_in (struct disk *disk, const char *list,
           const struct recipe_match *match, const struct guest_file *file,
           const char *reason)
{
  json_t *array = json_list (disk->result, list);
  json_t *row;

  if (json_array_size (array) >= MAX_RECORDED)
    return;
  row = guest_file_to_json (file);
  json_put_str (row, "match", match->id);
  json_put_str (row, "reason", reason);
  json_array_append_new (array, row);
}

static int
evaluate_one (struct disk *disk, const char *path, bool record,
              struct match_found *found, struct err **err)
{
  const struct recipe_match *match = found->match;
  CLEANUP_FREE char *reason = NULL;
  struct guest_file file = {0};
  int r = guest_file_stat (disk, path, &file, err);

  if (r != 1)
    return r;
  /* a folder that is meant by its name, and is elsewhere: not "clean" */
  if (match->folder && file.link &&
      !name_has_wildcard (guest_path_name (match->path))) {
    guest_file_release (&file);
    return disk_refuse (disk, err, REFUSE_REPARSE_POINT,
                        "%s is a link or reparse point, which is not followed",
                        path);
  }
  reason = match_reason_against (match, &file);
  if (reason == NULL &&
      against_content (disk, match, &file, &reason, err) == -1) {
    guest_file_release (&file);
    return -1;
  }
  if (record)
    record_in (disk, reason ? "kept" : "matches", match, &file, reason);
  if (reason == NULL)
    guest_file_vec_push (&found->proven, file);
  else
    guest_file_release (&file);
  return 0;
}

int
match_evaluate (struct disk *disk, const struct recipe_match *match,
                bool record, struct match_found *found, struct err **err)
{
  CLEANUP_STRV char **paths = NULL;

  memset (found, 0, sizeof *found);
  found->match = match;
  if (match->hive) {
    if (registry_match (disk, match, record, found, err) == -1)
      return err_wrap (err, "match \"%s\"", match->id);
    return 0;
  }
  if (guest_path_glob (disk, match->path, &paths, err) == -1)
    return err_wrap (err, "match \"%s\"", match->id);
  for (size_t i = 0; paths && paths[i]; i++) {
    found->named++;
    if (evaluate_one (disk, paths[i], record, found, err) == -1)
      return err_wrap (err, "match \"%s\"", match->id);
  }
  return 0;
}
