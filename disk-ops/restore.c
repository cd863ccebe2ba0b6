#include "restore.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/files.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <recipes/digest.h>

#include "disk.h"
#include "guest-parse.h"
#include "guest-path.h"
#include "refuse.h"
#include "registry.h"

#define STORE        "/Windows/WinSxS"
#define MAX_VERSIONS 1000
/* Above every sequence number that a stale log may have. */
#define SEQUENCE_GAP 1000

/* --- files --- */

/* "..._TOKEN_VERSION_CULTURE_HASH/NAME": where the version starts. */
static const char *
version_of (const char *path)
{
  const char *end = strrchr (path, '/');
  int bars = 0;

  for (const char *p = end ? end : path + strlen (path); p > path; p--)
    if (p[-1] == '_' && ++bars == 3)
      return p;
  return "";
}

int
restore_compare_versions (const char *a, const char *b)
{
  const char *x = version_of (a), *y = version_of (b);

  for (int i = 0; i < 4; i++) {
    char *end_x, *end_y;
    unsigned long m = strtoul (x, &end_x, 10), n = strtoul (y, &end_y, 10);

    if (m != n)
      return m < n ? -1 : 1;
    x = end_x + (*end_x == '.');
    y = end_y + (*end_y == '.');
  }
  return strcmp (a, b);
}

/* A name in which every letter stands for both cases. */
static char *
any_case (const char *name)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (; *name; name++)
    if (isalpha ((unsigned char)*name))
      strbuf_addf (&sb, "[%c%c]", tolower ((unsigned char)*name),
                   toupper ((unsigned char)*name));
    else if (strchr ("*?[]\\{}~", *name))
      strbuf_addch (&sb, '?');
    else
      strbuf_addch (&sb, *name);
  return sb.buf;
}

/* All files of this name one folder below the store, for one processor.  The
 * appliance searches: a store has more than ten thousand folders. */
static char **
list_store (struct disk *disk, const char *store, const char *processor,
            const char *name)
{
  CLEANUP_FREE char *folded = any_case (name);
  CLEANUP_FREE char *exact = xasprintf ("%s/%s_*/%s", store, processor, name);
  CLEANUP_FREE char *wide = xasprintf ("%s/%s_*/%s", store, processor, folded);
  char **found = NULL;

  if (strpbrk (name, "*?[]\\{}~") == NULL)
    found = guestfs_glob_expand (disk->g, exact);
  if (found && found[0])
    return found;
  strv_free (found);
  return guestfs_glob_expand (disk->g, wide);
}

/* Does this file have the digest that is wanted (NULL: any)?  1, 0, -1 */
static int
suits (struct disk *disk, const char *path, const char *sha256,
       struct guest_file *file, char hex[65], struct err **err)
{
  CLEANUP_FREE char *real = NULL;
  int r = guest_path_find (disk, path, &real, err); /* follows no link */

  if (r == 1)
    r = guest_file_stat (disk, real, file, err);
  if (r != 1)
    return r;
  if (!file->regular || file->size_bytes == 0)
    return 0;
  if (guest_file_sha256 (disk, file, hex, err) == -1)
    return -1;
  return sha256 == NULL || strcmp (hex, sha256) == 0;
}

static const char *
find_processor (struct disk *disk, const char *store)
{
  static const char *const processors[] = {"amd64", "arm64", "x86"};

  for (size_t i = 0; i < ARRAY_SIZE (processors); i++) {
    CLEANUP_FREE char *pattern = xasprintf ("%s/%s_*", store, processors[i]);
    CLEANUP_STRV char **found = guestfs_glob_expand (disk->g, pattern);

    if (found && found[0])
      return processors[i];
  }
  return NULL;
}

/* The newest one that suits. */
static int
find_in_store (struct disk *disk, const struct recipe_action *action,
               struct change *change, struct err **err)
{
  CLEANUP_FREE char *store = NULL;
  CLEANUP_STRV char **found = NULL;
  const char *best = NULL, *processor;
  int r = guest_path_find_folder (disk, STORE, &store, err);

  if (r != 1)
    return r;
  processor = find_processor (disk, store);
  if (processor == NULL)
    return 0;
  found = list_store (disk, store, processor, guest_path_name (action->path));
  if (found == NULL)
    return disk_guest_error (disk, err, "%s", store);
  for (size_t i = 0; found[i] && i < MAX_VERSIONS; i++) {
    struct guest_file file = {0};
    char hex[65];

    if (best && restore_compare_versions (found[i], best) < 0)
      continue;
    r = suits (disk, found[i], action->sha256, &file, hex, err);
    if (r == 1)
      change->size_after = file.size_bytes;
    guest_file_release (&file);
    if (r == -1)
      return -1;
    if (r == 0)
      continue;
    best = found[i];
    memcpy (change->after, hex, sizeof hex);
  }
  if (best == NULL)
    return 0;
  change->source = xstrdup (best);
  change->link = change->file.path == NULL;
  return 1;
}

static int
find_source (struct disk *disk, const struct recipe_action *action,
             struct change *change, struct err **err)
{
  struct guest_file file = {0};
  int r = 0;

  if (action->content_len) {
    digest_bytes (action->content, action->content_len, change->after);
    change->size_after = (int64_t)action->content_len;
    return 1;
  }
  if (action->from) {
    r = suits (disk, action->from, action->sha256, &file, change->after, err);
    if (r == 1) {
      change->source = TAKE (file.path);
      change->size_after = file.size_bytes;
    }
    guest_file_release (&file);
  }
  if (r == 0 && action->winsxs)
    r = find_in_store (disk, action, change, err);
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "restore: no %s%s is on this disk to be put back",
                        guest_path_name (action->path),
                        action->sha256 ? " with the digest that is wanted"
                                       : "");
  return r;
}

/* 1: it has to be put back, 0: it is there, -1 */
static int
is_missing (struct disk *disk, const struct recipe_action *action,
            struct change *change, struct err **err)
{
  char hex[65];
  int r = guest_file_stat (disk, change->to, &change->file, err);

  if (r != 1)
    return r == 0 ? 1 : -1;
  if (!change->file.regular)
    return disk_refuse (disk, err, REFUSE_TARGET_EXISTS,
                        "%s exists and is no regular file", change->to);
  if (action->sha256 == NULL && change->file.size_bytes > 0)
    return 0;
  if (action->sha256) {
    if (guest_file_sha256 (disk, &change->file, hex, err) == -1)
      return -1;
    if (strcmp (hex, action->sha256) == 0)
      return 0;
  }
  if (!action->overwrite)
    return disk_refuse (disk, err, REFUSE_TARGET_EXISTS,
                        "%s exists with other content and the recipe does not "
                        "say \"overwrite\"",
                        change->to);
  return 1;
}

int
restore_plan (struct disk *disk, const struct recipe_action *action,
              struct change *change, struct err **err)
{
  int r = guest_path_target (disk, action->path, &change->to, err);

  change->action = action;
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "restore: the folder of %s does not exist",
                        action->path);
  if (r == 1)
    r = is_missing (disk, action, change, err);
  return r == 1 ? find_source (disk, action, change, err) : r;
}

/* --- hives --- */

/* 1: the hive can't be used as it is, *path is where it belongs */
static int
is_unusable (struct disk *disk, const char *name, char **path, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  struct registry_hive *hive;
  int r = registry_open (disk, name, &hive, &why);

  if (r == 1)
    return 0;
  if (r == -1) {
    if (why->code != ERR_REFUSED ||
        (strcmp (disk->refusal, REFUSE_HIVE_DAMAGED) != 0 &&
         strcmp (disk->refusal, REFUSE_DIRTY_HIVE) != 0))
      return err_move (err, TAKE (why));
    disk->refusal = NULL;
    disk_note (disk, "%s", why->msg);
  }
  r = registry_find_file (disk, name, path, err);
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "the registry hive %s is not on this disk", name);
  return r;
}

/* The newest number that the damaged hive knows of. */
static uint32_t
highest_sequence (struct disk *disk, const char *path)
{
  static const char *const suffixes[] = {"", ".LOG1", ".LOG2", ".LOG"};
  uint32_t top = 0;

  for (size_t i = 0; i < ARRAY_SIZE (suffixes); i++) {
    CLEANUP_FREE char *name = xasprintf ("%s%s", path, suffixes[i]);
    size_t len;
    CLEANUP_FREE unsigned char *head =
        (unsigned char *)guestfs_pread (disk->g, name, HIVE_BASE_HEAD, 0, &len);
    struct hive_base base;

    if (head && hive_base_read (head, len, &base) == 0 && base.signed_regf &&
        base.checksum_ok && base.primary > top)
      top = base.primary;
  }
  return top;
}

/* In a process of its own, as the hive that it replaces was read: all of the
 * tree, without logs.  What it has come through is then read here. */
static int
read_apart (struct disk *disk, const struct hive_bytes *bytes,
            struct parse *parse, struct err **err)
{
  guest_parse_init (disk, &parser_hive, parse);
  if (parse_add_bytes (parse, bytes->ptr, bytes->len, err) == -1)
    return -1;
  for (int i = 0; i < HIVE_LOGS; i++)
    if (parse_add_bytes (parse, NULL, 0, err) == -1)
      return -1;
  return parse_want_output (parse, err) == -1 ||
                 guest_parse_run (disk, parse, err) == -1
             ? -1
             : 0;
}

static int
prove_apart (struct disk *disk, const char *path,
             const struct hive_bytes *bytes, struct err **err)
{
  CLEANUP_PARSE struct parse parse = {0};
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_FREE char *refused = NULL;
  struct hive_base base;

  if (read_apart (disk, bytes, &parse, &why) == -1) {
    if (!parse.died)
      return err_move (err, TAKE (why));
    return disk_refuse (disk, err, REFUSE_HIVE_DAMAGED, "%s: %s", path,
                        why->msg);
  }
  if (json_str (parse.result, "refused", NULL) == NULL)
    return 0;
  refused = text_printable (json_str (parse.result, "refused", ""));
  if (hive_base_read (bytes->ptr, bytes->len, &base) == 0 && base.signed_regf &&
      base.checksum_ok && hive_is_dirty (&base))
    return disk_refuse (disk, err, REFUSE_DIRTY_HIVE,
                        "%s was not written to its end", path);
  return disk_refuse (disk, err, REFUSE_HIVE_DAMAGED, "%s is damaged too: %s",
                      path, refused);
}

static int
check_state (struct disk *disk, const char *path,
             const struct hive_bytes *bytes, struct err **err)
{
  CLEANUP_HIVE_TREE struct hive_tree tree = {0};
  CLEANUP_ERR struct err *why = NULL;

  if (bytes->len == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "%s is empty (Windows 10 1803 and later keep no "
                        "copies of the registry)",
                        path);
  if (prove_apart (disk, path, bytes, err) == -1)
    return -1;
  if (hive_tree_read (&tree, bytes->ptr, bytes->len, &why) == -1)
    return disk_refuse (disk, err, REFUSE_HIVE_DAMAGED, "%s is damaged too: %s",
                        path, why->msg);
  if (hive_is_dirty (&tree.base))
    return disk_refuse (disk, err, REFUSE_DIRTY_HIVE,
                        "%s was not written to its end", path);
  return 0;
}

/* The other state: what was brought along, or a file on this disk. */
static int
read_state (struct disk *disk, const struct recipe_action *action,
            struct change *change, struct hive_bytes *bytes, struct err **err)
{
  struct guest_file source = {0};
  char hex[65];
  int r;

  if (action->content_len) {
    bytes->ptr = xmemdup (action->content, action->content_len);
    bytes->len = action->content_len;
    return 0;
  }
  if (action->from == NULL)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "%s has to be replaced, and nothing says by what: give "
                        "content or from",
                        change->to);
  r = guest_path_find (disk, action->from, &change->source, err);
  if (r == 1)
    r = registry_read_file (disk, change->source, &source, bytes, err);
  guest_file_release (&source);
  if (r == 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH, "%s is not on this disk",
                        action->from);
  if (r == -1 || action->sha256 == NULL)
    return r == -1 ? -1 : 0;
  digest_bytes (bytes->ptr, bytes->len, hex);
  if (strcasecmp (hex, action->sha256) != 0)
    return disk_refuse (disk, err, REFUSE_NO_MATCH,
                        "%s is not the file that is wanted: its SHA-256 is %s",
                        action->from, hex);
  return 0;
}

int
restore_plan_hive (struct disk *disk, const struct recipe_action *action,
                   struct change *change, struct err **err)
{
  struct hive_bytes bytes = {NULL, 0};
  int r = is_unusable (disk, action->hive, &change->to, err);

  change->action = action;
  if (r != 1)
    return r;
  r = read_state (disk, action, change, &bytes, err);
  change->content = (char *)bytes.ptr;
  change->content_len = bytes.len;
  change->size_after = (int64_t)bytes.len;
  if (r == -1 ||
      check_state (disk, action->content_len ? "what was given" : action->from,
                   &bytes, err) == -1)
    return -1;
  hive_seal (bytes.ptr, highest_sequence (disk, change->to) + SEQUENCE_GAP);
  digest_bytes (bytes.ptr, bytes.len, change->after);
  return guest_file_stat (disk, change->to, &change->file, err) == -1 ? -1 : 1;
}
