#include "findings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <base/clock.h>
#include <base/text.h>

#include "disk.h"
#include "guest-path.h"
#include "parse.h"
#include "refuse.h"

/* Full: less than this share and less than this many bytes are free. */
#define FULL_SHARE 200
#define FULL_BYTES (INT64_C (64) << 20)

void
findings_fact (struct findings *f, const char *fact, const char *value,
               const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL, *printable = NULL, *clean = NULL;
  json_t *json;
  va_list args;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  printable = text_printable (text);
  clean = value ? text_printable (value) : NULL;
  json = json_make ("{s:s, s:s}", "fact", fact, "what", printable);
  json_put_str (json, "value", clean);
  json_array_append_new (f->facts, json);
}

void
findings_bugcheck (struct findings *f, uint64_t code,
                   const uint64_t *parameters, const char *driver,
                   const char *where, int64_t when_ms)
{
  CLEANUP_FREE char *name = driver ? text_printable (driver) : NULL;
  CLEANUP_FREE char *when = when_ms > 0 ? time_format_ms (when_ms) : NULL;
  json_t *list = json_array (), *json;

  for (size_t i = 0; i < 4; i++) {
    CLEANUP_FREE char *text = xasprintf ("0x%" PRIx64, parameters[i]);

    json_array_append_new (list, json_string (text));
  }
  json = json_make ("{s:I, s:o, s:s}", "code", (json_int_t)code, "parameters",
                    list, "where", where);
  json_put_str (json, "driver", name);
  json_put_str (json, "when", when);
  json_array_append_new (f->bugchecks, json);
}

void
findings_unread (struct findings *f, const struct parse *parse,
                 const char *what, const struct err *err)
{
  findings_fact (f, parse->died ? "parser-died" : "unreadable",
                 parse->parser->name, "%s: %s", what, err->msg);
}

int64_t
findings_size (struct disk *disk, const char *path)
{
  CLEANUP_FREE char *found = NULL;
  struct guest_file file = {0};
  int r = guest_path_find (disk, path, &found, NULL);
  int64_t size;

  if (r != 1)
    return r == 0 ? -1 : -2;
  r = guest_file_stat (disk, found, &file, NULL);
  size = r == 1 ? (file.regular ? file.size_bytes : 1) : (r == 0 ? -1 : -2);
  guest_file_release (&file);
  return size;
}

/* What a repair would be refused for is a finding, too. */
static void
add_refusal (struct findings *f, const char *refusal, const char *why)
{
  static const struct {
    const char *code, *fact;
  } facts[] = {{REFUSE_NO_OS, "no-os"},
               {REFUSE_HIBERNATED, "hibernated"},
               {REFUSE_ENCRYPTED, "encrypted"},
               {REFUSE_KEY_MISSING, "encrypted"},
               {REFUSE_KEY_WRONG, "encrypted"},
               {REFUSE_TPM_ONLY, "encrypted"},
               {REFUSE_HALF_ENCRYPTED, "encrypted"},
               {REFUSE_UNKNOWN_ENCRYPTION, "encrypted"},
               {REFUSE_FS_DAMAGED, "ntfs-damaged"}};

  for (size_t i = 0; refusal && i < ARRAY_SIZE (facts); i++)
    if (strcmp (facts[i].code, refusal) == 0)
      findings_fact (f, facts[i].fact, NULL, "%s", why ? why : refusal);
}

/* s_state of the superblock has the bit "errors detected". [kernel
 * Documentation/filesystems/ext4: offset 0x3A, 0x0002] */
static void
add_ext_errors (struct disk *disk, struct findings *f)
{
  for (size_t i = 0; i < disk->volumes.all.len; i++) {
    const struct volume *volume = &disk->volumes.all.ptr[i];
    CLEANUP_FREE char *state = NULL;
    size_t len = 0;

    if (volume->kind != VOLUME_EXT)
      continue;
    state =
        guestfs_pread_device (disk->g, volume->device, 2, 1024 + 0x3a, &len);
    if (state && len == 2 && (state[0] & 2))
      findings_fact (f, "ext-errors", volume->name,
                     "%s: its superblock says that errors were found",
                     volume->name);
  }
}

static void
add_space (struct disk *disk, struct findings *f)
{
  struct guestfs_statvfs *st = guestfs_statvfs (disk->g, "/");
  const char *name = disk->mounted->name;

  if (st == NULL)
    return;
  if (st->blocks > 0 && st->bavail < st->blocks / FULL_SHARE + 1 &&
      st->bavail * st->frsize < FULL_BYTES) {
    CLEANUP_FREE char *left = text_bytes ((uint64_t)(st->bavail * st->frsize));
    CLEANUP_FREE char *all = text_bytes ((uint64_t)(st->blocks * st->frsize));

    findings_fact (f, "disk-full", name, "%s: %s of %s are free", name, left,
                   all);
  }
  if (st->files > 0 && st->favail == 0)
    findings_fact (f, "inodes-full", name, "%s: no inode of %lld is free", name,
                   (long long)st->files);
  guestfs_free_statvfs (st);
}

int
findings_collect (struct disk *disk, const char *refusal, const char *why,
                  struct err **err)
{
  struct findings f = {json_array (), json_array (), json_array ()};
  json_t *json = json_make ("{s:o, s:o, s:o}", "facts", f.facts, "bugchecks",
                            f.bugchecks, "texts", f.texts);

  json_put (disk->result, "findings", json);
  add_refusal (&f, refusal, why);
  add_ext_errors (disk, &f);
  if (disk->os.kind == OS_WINDOWS)
    json_put_str (json, "os", "windows");
  else if (disk->os.kind == OS_LINUX)
    json_put_str (json, "os", "linux");
  if (disk->mounted && disk->mounted == disk->os.volume) {
    add_space (disk, &f);
    if (disk->os.kind == OS_WINDOWS)
      findings_windows (disk, &f);
    else if (disk->os.kind == OS_LINUX)
      findings_linux (disk, &f);
  }
  disk->refusal = NULL; /* of looks that came to nothing */
  if (guestfs_is_ready (disk->g) != 1)
    return err_set (err, ERR_TRANSIENT, "the appliance is gone");
  return 0;
}
