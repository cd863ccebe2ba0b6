#include "registry.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/text.h>
#include <base/vec.h>

#include "disk.h"
#include "guest-parse.h"
#include "guest-path.h"
#include "refuse.h"

#define CONFIG   "/Windows/System32/config"
#define MAX_KEYS 4096 /* that one "*" may stand for */
/* A hive with what its logs add. */
#define MAX_RECOVERED (2 * REGISTRY_MAX_BYTES)

/* Where Windows has its hives.  [regf, "Examples of hives"; the BCD of EFI and
 * of BIOS machines] */
static const struct {
  const char *name;
  const char *path;
} places[] = {
    {"SYSTEM", CONFIG "/SYSTEM"},
    {"SOFTWARE", CONFIG "/SOFTWARE"},
    {"SAM", CONFIG "/SAM"},
    {"SECURITY", CONFIG "/SECURITY"},
    {"DEFAULT", CONFIG "/DEFAULT"},
    {"COMPONENTS", CONFIG "/COMPONENTS"},
    {"DRIVERS", CONFIG "/DRIVERS"},
    {RECIPE_HIVE_BCD, "/EFI/Microsoft/Boot/BCD"},
    {RECIPE_HIVE_BCD, "/Boot/BCD"},
};

static const char *const log_suffixes[HIVE_LOGS] = {".LOG1", ".LOG2", ".LOG"};

static void
hive_free (struct registry_hive *hive)
{
  guest_file_release (&hive->file);
  for (int i = 0; i < HIVE_LOGS; i++)
    guest_file_release (&hive->logs[i]);
  hive_tree_release (&hive->tree);
  hive_changes_release (&hive->wanted);
  free (hive->bytes.ptr);
  free (hive);
}

void
registry_forget (struct disk *disk)
{
  for (size_t i = 0; i < disk->registry.len; i++)
    hive_free (disk->registry.ptr[i]);
  registry_vec_release (&disk->registry);
}

void
registry_forget_wishes (struct disk *disk)
{
  for (size_t i = 0; i < disk->registry.len; i++) {
    hive_changes_release (&disk->registry.ptr[i]->wanted);
    disk->registry.ptr[i]->action = NULL;
  }
}

int
registry_find_file (struct disk *disk, const char *name, char **path,
                    struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (places); i++)
    if (strcmp (places[i].name, name) == 0) {
      int r = guest_path_find (disk, places[i].path, path, err);

      if (r != 0)
        return r;
    }
  return 0;
}

/* All of bytes->len from a memory file's start. */
static int
read_all (int fd, struct hive_bytes *bytes, const char *path, struct err **err)
{
  size_t done = 0;

  while (done < bytes->len) {
    ssize_t n = pread (fd, bytes->ptr + done, bytes->len - done, (off_t)done);

    if (n <= 0)
      return err_set (err, ERR_DISK, "%s: only %zu of %zu bytes came", path,
                      done, bytes->len);
    done += (size_t)n;
  }
  return 0;
}

/* The content through a file without a name: nothing of the guest's registry
 * reaches the agent's disk this way. */
static int
read_content (struct disk *disk, const struct guest_file *file,
              struct hive_bytes *bytes, struct err **err)
{
  CLEANUP_CLOSE int fd = memfd_create ("hive", MFD_CLOEXEC);
  CLEANUP_FREE char *name = xasprintf ("/proc/self/fd/%d", fd);

  if (fd == -1)
    return err_set (err, ERR_IO, "%s: no memory file", file->path);
  if (guestfs_download (disk->g, file->path, name) == -1)
    return disk_guest_error (disk, err, "%s", file->path);
  bytes->len = (size_t)file->size_bytes;
  bytes->ptr = xmalloc (bytes->len + 1);
  return read_all (fd, bytes, file->path, err);
}

int
registry_read_file (struct disk *disk, const char *path,
                    struct guest_file *file, struct hive_bytes *bytes,
                    struct err **err)
{
  int r = guest_file_stat (disk, path, file, err);

  if (r != 1)
    return r;
  if (!file->regular)
    return disk_refuse (disk, err, REFUSE_WRONG_KIND, "%s is no regular file",
                        file->path);
  if (file->size_bytes > REGISTRY_MAX_BYTES)
    return disk_refuse (disk, err, REFUSE_TOO_LARGE,
                        "%s has %" PRId64 " bytes, more than a hive may have",
                        file->path, file->size_bytes);
  return read_content (disk, file, bytes, err) == -1 ? -1 : 1;
}

static int
read_logs (struct disk *disk, struct registry_hive *hive,
           struct hive_bytes logs[HIVE_LOGS], struct err **err)
{
  for (int i = 0; i < HIVE_LOGS; i++) {
    CLEANUP_FREE char *name =
        xasprintf ("%s%s", hive->file.path, log_suffixes[i]);
    CLEANUP_FREE char *path = NULL;
    int r = guest_path_find (disk, name, &path, err);

    if (r == 1)
      r = registry_read_file (disk, path, &hive->logs[i], &logs[i], err);
    if (r == -1)
      return -1;
  }
  return 0;
}

/* What the child says of the recovery, checked. */
static void
take_recovery (const json_t *result, struct hive_recovery *r)
{
  const char *format = json_str (result, "format", NULL);

  r->was_dirty = json_bool (result, "dirty", false);
  r->base_recovered = json_bool (result, "base_recovered", false);
  r->entries = (unsigned)json_int (result, "entries", 0);
  r->pages = (unsigned)json_int (result, "pages", 0);
  r->stopped = json_bool (result, "stopped", false);
  r->format = format == NULL ? "unknown" : *format == 'o' ? "old" : "new";
}

/* The hive as the child has brought it up to date. */
static int
take_recovered (struct registry_hive *hive, int fd, struct err **err)
{
  struct stat st;

  if (fstat (fd, &st) == -1 || st.st_size < HIVE_BASE_BYTES ||
      st.st_size > MAX_RECOVERED)
    return err_set (err, ERR_DISK, "%s: its recovered state has %lld bytes",
                    hive->file.path, (long long)st.st_size);
  free (hive->bytes.ptr);
  hive->bytes.len = (size_t)st.st_size;
  hive->bytes.ptr = xmalloc (hive->bytes.len + 1);
  return read_all (fd, &hive->bytes, hive->file.path, err);
}

/* In a process of its own: applies the logs and reads all of the tree.  What it
 * has come through is then read here, where it is used. */
static int
recover_apart (struct disk *disk, struct registry_hive *hive,
               const struct hive_bytes logs[HIVE_LOGS], struct parse *parse,
               struct err **err)
{
  guest_parse_init (disk, &parser_hive, parse);
  if (parse_add_bytes (parse, hive->bytes.ptr, hive->bytes.len, err) == -1)
    return -1;
  for (int i = 0; i < HIVE_LOGS; i++)
    if (parse_add_bytes (parse, logs[i].ptr, logs[i].len, err) == -1)
      return -1;
  if (parse_want_output (parse, err) == -1 ||
      guest_parse_run (disk, parse, err) == -1)
    return -1;
  take_recovery (parse->result, &hive->recovery);
  return 0;
}

/* Up to date and sound, or refused. */
static int
recover (struct disk *disk, struct registry_hive *hive,
         const struct hive_bytes logs[HIVE_LOGS], struct err **err)
{
  CLEANUP_PARSE struct parse parse = {0};
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_FREE char *refused = NULL;

  if (recover_apart (disk, hive, logs, &parse, &why) == -1) {
    if (!parse.died)
      return err_move (err, TAKE (why));
    return disk_refuse (disk, err, REFUSE_HIVE_DAMAGED, "%s: %s",
                        hive->file.path, why->msg);
  }
  if (json_str (parse.result, "refused", NULL)) {
    refused = text_printable (json_str (parse.result, "refused", ""));
    if (!hive->recovery.was_dirty)
      return disk_refuse (disk, err, REFUSE_HIVE_DAMAGED, "%s is damaged: %s",
                          hive->file.path, refused);
    return disk_refuse (disk, err, REFUSE_DIRTY_HIVE,
                        "%s: %s; nothing is edited in it: let Windows load it, "
                        "or put back another state of it",
                        hive->file.path, refused);
  }
  if (hive->recovery.was_dirty &&
      take_recovered (hive, parse.output, err) == -1)
    return -1;
  if (hive_tree_read (&hive->tree, hive->bytes.ptr, hive->bytes.len, &why) ==
      -1)
    return disk_refuse (disk, err, REFUSE_HIVE_DAMAGED, "%s is damaged: %s",
                        hive->file.path, why->msg);
  return 0;
}

static void
note_recovery (struct disk *disk, const struct registry_hive *hive)
{
  const struct hive_recovery *r = &hive->recovery;

  if (!r->was_dirty)
    return;
  disk_note (disk,
             "%s was not written to its end: its logs (%s format, %u pages%s) "
             "are applied to it%s",
             hive->file.path, r->format, r->pages,
             r->base_recovered ? ", its base block too" : "",
             r->stopped ? "; they end in an entry that was not finished, as "
                          "Windows would find it"
                        : "");
}

static int
load (struct disk *disk, struct registry_hive *hive, const char *path,
      struct err **err)
{
  struct hive_bytes logs[HIVE_LOGS] = {{NULL, 0}};
  int r = registry_read_file (disk, path, &hive->file, &hive->bytes, err);

  if (r == 1)
    r = read_logs (disk, hive, logs, err) == -1 ? -1 : 1;
  if (r == 1)
    r = recover (disk, hive, logs, err) == -1 ? -1 : 1;
  for (int i = 0; i < HIVE_LOGS; i++)
    free (logs[i].ptr);
  return r;
}

int
registry_open (struct disk *disk, const char *name, struct registry_hive **hive,
               struct err **err)
{
  CLEANUP_FREE char *path = NULL;
  struct registry_hive *fresh;
  int r;

  for (size_t i = 0; i < disk->registry.len; i++)
    if (strcmp (disk->registry.ptr[i]->name, name) == 0) {
      *hive = disk->registry.ptr[i];
      return 1;
    }
  r = registry_find_file (disk, name, &path, err);
  if (r != 1)
    return r;
  fresh = xcalloc (1, sizeof *fresh);
  for (size_t i = 0; i < ARRAY_SIZE (places); i++)
    if (strcmp (places[i].name, name) == 0)
      fresh->name = places[i].name;
  r = load (disk, fresh, path, err);
  if (r != 1) {
    hive_free (fresh);
    return r;
  }
  note_recovery (disk, fresh);
  registry_vec_push (&disk->registry, fresh);
  *hive = fresh;
  return 1;
}

/* "ControlSet001" of the set that was in use, and, if it is another, of the
 * one that the next start takes. */
static int
control_sets (struct disk *disk, const struct registry_hive *hive,
              struct str_vec *sets, struct err **err)
{
  static const char *const names[] = {"Current", "Default"};
  uint32_t select = hive_find_key (&hive->tree, 0, "Select");

  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    CLEANUP_FREE char *set = NULL;
    uint32_t number;

    if (select == HIVE_NOWHERE ||
        hive_get_dword (&hive->tree, select, names[i], &number) == -1)
      continue;
    set = xasprintf ("ControlSet%03" PRIu32, number);
    if (hive_find_key (&hive->tree, 0, set) == HIVE_NOWHERE)
      continue;
    if (sets->len == 0 || strcmp (sets->ptr[0], set) != 0)
      str_vec_push (sets, TAKE (set));
  }
  if (sets->len == 0)
    return disk_refuse (disk, err, REFUSE_HIVE_DAMAGED,
                        "%s: Select\\Current names no control set",
                        hive->file.path);
  return 0;
}

/* Every path gets one more part. */
static int
add_part (const struct registry_hive *hive, struct str_vec *paths,
          const char *part)
{
  struct str_vec next = VEC_EMPTY;

  for (size_t i = 0; i < paths->len; i++) {
    const char *path = paths->ptr[i];
    const char *dash = *path ? "\\" : "";
    uint32_t key;
    const struct hive_key *k;

    if (strcmp (part, "*") != 0) {
      str_vec_push (&next, xasprintf ("%s%s%s", path, dash, part));
      continue;
    }
    key = hive_find_key (&hive->tree, 0, path);
    if (key == HIVE_NOWHERE)
      continue;
    k = &hive->tree.keys.ptr[key];
    for (uint32_t c = 0; c < k->n_children && next.len <= MAX_KEYS; c++) {
      CLEANUP_FREE char *name =
          hive_name_text (&hive->tree,
                          hive->tree.keys.ptr[k->first_child + c].name);

      str_vec_push (&next, xasprintf ("%s%s%s", path, dash, name));
    }
  }
  str_vec_free_all (paths);
  *paths = next;
  return next.len > MAX_KEYS ? -1 : 0;
}

int
registry_resolve (struct disk *disk, struct registry_hive *hive,
                  const char *key, char ***paths, struct err **err)
{
  CLEANUP_FREE char *copy = xstrdup (key);
  char *rest = copy, *part = strsep (&rest, "\\");
  struct str_vec found = VEC_EMPTY;
  int r = 0;

  if (strcmp (key, ".") == 0) {
    str_vec_push (&found, xstrdup (""));
    *paths = str_vec_take (&found);
    return 0;
  }
  if (strcasecmp (part, "CurrentControlSet") == 0) {
    r = control_sets (disk, hive, &found, err);
    part = strsep (&rest, "\\");
  } else
    str_vec_push (&found, xstrdup (""));
  for (; r == 0 && part; part = strsep (&rest, "\\")) {
    r = add_part (hive, &found, part);
    if (r == -1)
      disk_refuse (disk, err, REFUSE_TOO_MANY, "%s: more than %d keys fit %s",
                   hive->file.path, MAX_KEYS, key);
  }
  if (r == -1)
    str_vec_free_all (&found);
  else
    *paths = str_vec_take (&found);
  return r;
}
