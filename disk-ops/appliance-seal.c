#include "appliance-seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <base/json.h>
#include <recipes/digest.h>

#define SEAL_MAX_BYTES 65536
/* ext2's superblock lies at 1024; the first page has it all. */
#define HEAD_BYTES 4096

static const char *const state_names[] = {
    [LEAN_UNTRIED] = "untried",
    [LEAN_GOOD] = "good",
    [LEAN_BAD] = "bad",
};

static const struct part {
  const char *path;
  bool whole; /* digest of all of it, or only of its head */
} parts[] = {
    {"stock/README.fixed", true}, {"stock/kernel", true},
    {"stock/initrd", true},       {"stock/root", false},
    {"lean/README.fixed", true},  {"lean/initrd", true},
};

/* The parts of lean/ that are the same files as in stock/. */
static const char *const shared_parts[] = {"kernel", "root"};

void
seal_release (struct seal *seal)
{
  free (seal->why);
  memset (seal, 0, sizeof *seal);
}

static int
part_digest (const char *path, const struct part *part, char hex[65],
             int64_t *bytes, struct err **err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  char head[HEAD_BYTES];
  struct stat st;
  ssize_t n;

  if (fd == -1 || fstat (fd, &st) == -1)
    return err_set_errno (err, errno, "%s", path);
  *bytes = st.st_size;
  if (part->whole)
    return digest_file (path, hex, err);
  n = pread (fd, head, sizeof head, 0);
  if (n == -1)
    return err_set_errno (err, errno, "%s", path);
  /* The image is never written: QEMU puts a snapshot over it. */
  digest_bytes (head, (size_t)n, hex);
  return 0;
}

/* {"stock/kernel": {"bytes": N, "sha256": "..."}, ...}; parts of a lean
 * appliance that could not be made are left out. */
static int
look (const char *place, json_t **ret, struct err **err)
{
  CLEANUP_JSON json_t *found = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (parts); i++) {
    CLEANUP_FREE char *path = path_join (place, parts[i].path);
    char hex[65];
    int64_t bytes;

    if (strncmp (parts[i].path, "lean/", 5) == 0 && access (path, F_OK) == -1)
      continue;
    if (part_digest (path, &parts[i], hex, &bytes, err) == -1)
      return -1;
    json_put (found, parts[i].path,
              json_make ("{s:I, s:s}", "bytes", (json_int_t)bytes, "sha256",
                         hex));
  }
  for (size_t i = 0; i < ARRAY_SIZE (shared_parts); i++) {
    CLEANUP_FREE char *stock =
        xasprintf ("%s/stock/%s", place, shared_parts[i]);
    CLEANUP_FREE char *lean = xasprintf ("%s/lean/%s", place, shared_parts[i]);
    struct stat one, other;

    if (stat (stock, &one) == -1)
      return err_set_errno (err, errno, "%s", stock);
    json_put_bool (found, shared_parts[i],
                   stat (lean, &other) == 0 && one.st_ino == other.st_ino);
  }
  *ret = TAKE (found);
  return 0;
}

int
seal_write (const char *place, enum lean_state lean, const char *why,
            struct err **err)
{
  CLEANUP_FREE char *path = path_join (place, "seal");
  CLEANUP_JSON json_t *seal = json_object (), *found = NULL;
  CLEANUP_FREE char *text = NULL;

  if (look (place, &found, err) == -1)
    return -1;
  json_put_str (seal, "lean", state_names[lean]);
  if (why)
    json_put_str (seal, "why", why);
  json_put_int (seal, "at_ms", clock_wall_ms (&real_clock));
  json_put (seal, "parts", TAKE (found));
  text = json_text_pretty (seal);
  return file_write_atomic (path, text, strlen (text), 0600, err);
}

int
seal_check (const char *place, struct seal *ret, struct err **err)
{
  CLEANUP_FREE char *path = path_join (place, "seal");
  CLEANUP_JSON json_t *seal = json_parse_file (path, SEAL_MAX_BYTES, err);
  CLEANUP_JSON json_t *found = NULL;
  const char *lean;

  if (seal == NULL || look (place, &found, err) == -1)
    return -1;
  if (!json_equal (found, json_at (seal, "parts")))
    return err_set (err, ERR_CONFLICT, "%s: not as it was built", place);
  lean = json_str (seal, "lean", "");
  for (size_t i = 0; i < ARRAY_SIZE (state_names); i++)
    if (strcmp (lean, state_names[i]) == 0)
      ret->lean = (enum lean_state)i;
  ret->why = xstrdup (json_str (seal, "why", "no reason known"));
  ret->at_ms = json_int (seal, "at_ms", 0);
  return 0;
}
