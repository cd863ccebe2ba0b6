#include "undo-ntfs.h"

#include <string.h>

#include <base/bytes.h>
#include <base/strbuf.h>
#include <base/text.h>

#include "disk.h"

/* A word of a command has at most 128 KiB.  [Linux, MAX_ARG_STRLEN] */
#define MAX_VALUE_BYTES 50000
/* In the attributes: what a file written anew no longer is. */
#define ATTRIBUTE_SPARSE     0x00000200
#define ATTRIBUTE_COMPRESSED 0x00000800

/* What it is for people, in the order in which it has to be set: each changes
 * the times, and they come last. */
static const struct {
  const char *name, *what;
} attributes[] = {{"system.ntfs_acl", "security descriptor"},
                  {"system.ntfs_dos_name", "short name"},
                  {"system.ntfs_attrib", "DOS attributes"},
                  {"system.ntfs_times", "times"}};

/* Their names have dots in them, which json_str takes for a path. */
static const char *
value_of (const json_t *xattrs, const char *name)
{
  return json_string_value (json_object_get (xattrs, name));
}

/* For a shell, whatever it holds. */
static void
add_quoted (struct strbuf *command, const char *text)
{
  strbuf_addch (command, '\'');
  for (; *text; text++)
    if (*text == '\'')
      strbuf_add (command, "'\\''", 4);
    else
      strbuf_addch (command, *text);
  strbuf_addch (command, '\'');
}

/* 1: it is set, 0: it could not be, -1: the appliance is gone */
static int
set_one (struct disk *disk, const char *path, const char *name,
         const char *base64, struct err **err)
{
  CLEANUP_STRBUF struct strbuf command = STRBUF_EMPTY;
  CLEANUP_FREE unsigned char *bytes = NULL;
  CLEANUP_FREE char *hex = NULL, *said = NULL;
  char *argv[] = {NULL, NULL};
  size_t len;

  if (base64 == NULL || base64_decode (base64, &bytes, &len) == -1 ||
      len > MAX_VALUE_BYTES)
    return 0;
  hex = hex_encode (bytes, len);
  strbuf_addf (&command, "cd /sysroot && setfattr -h -v 0x%s -n ", hex);
  add_quoted (&command, name);
  strbuf_addf (&command, " -- ");
  /* path starts with a slash: below the folder we are in */
  add_quoted (&command, path + 1);
  strbuf_addf (&command, " 2>&1; echo status=$?");
  argv[0] = command.buf;
  said = guestfs_debug (disk->g, "sh", argv);
  if (said == NULL && guestfs_is_ready (disk->g) != 1)
    return disk_guest_error (disk, err, "%s: attributes", path);
  return said && strstr (said, "status=0") != NULL;
}

static void
add_word (struct strbuf *list, const char *word)
{
  strbuf_addf (list, "%s%s", list->len ? ", " : "", word);
}

static int
set_streams (struct disk *disk, const char *path, json_t *xattrs,
             struct strbuf *missing, struct err **err)
{
  const char *name;
  json_t *value;

  json_object_foreach (xattrs, name, value)
  {
    int r;

    if (strncmp (name, "user.", 5) != 0)
      continue;
    r = set_one (disk, path, name, json_string_value (value), err);
    if (r == -1)
      return -1;
    if (r == 0) {
      CLEANUP_FREE char *word = xasprintf ("stream %s", name + 5);

      add_word (missing, word);
    }
  }
  return 0;
}

static uint32_t
attributes_of (const json_t *xattrs)
{
  CLEANUP_FREE unsigned char *bytes = NULL;
  const char *base64 = value_of (xattrs, "system.ntfs_attrib");
  size_t len;

  if (base64 == NULL || base64_decode (base64, &bytes, &len) == -1 || len < 4)
    return 0;
  return le32 (bytes);
}

/* What the content itself was: nothing here makes it so again. */
static void
note_content (struct disk *disk, const char *path, const json_t *metadata,
              const json_t *xattrs)
{
  uint32_t bits = attributes_of (xattrs);
  int64_t names = json_int (metadata, "links", 1);

  if (bits & ATTRIBUTE_SPARSE)
    disk_note (disk, "%s was sparse; its content is back without holes", path);
  if (bits & ATTRIBUTE_COMPRESSED)
    disk_note (disk, "%s was compressed; its content is back uncompressed",
               path);
  /* a short name counts */
  if (value_of (xattrs, "system.ntfs_dos_name"))
    names--;
  if (names > 1)
    disk_note (
        disk, "%s was one of %lld names of a file; it is a file of its own now",
        path, (long long)names);
}

int
undo_ntfs_short_name (struct disk *disk, const char *path,
                      const json_t *metadata, struct err **err)
{
  const char *base64 =
      value_of (json_object_get (metadata, "xattrs"), "system.ntfs_dos_name");
  int r =
      base64 ? set_one (disk, path, "system.ntfs_dos_name", base64, err) : 1;

  if (r == 0)
    disk_note (disk,
               "%s: its short name could not be set, and is in the "
               "evidence",
               path);
  return r == -1 ? -1 : 0;
}

int
undo_ntfs_metadata (struct disk *disk, const char *path, const json_t *metadata,
                    struct err **err)
{
  CLEANUP_STRBUF struct strbuf missing = STRBUF_EMPTY;
  json_t *xattrs = json_object_get (metadata, "xattrs");

  if (set_streams (disk, path, xattrs, &missing, err) == -1)
    return -1;
  for (size_t i = 0; i < ARRAY_SIZE (attributes); i++) {
    const char *base64 = value_of (xattrs, attributes[i].name);
    int r;

    if (base64 == NULL)
      continue;
    r = set_one (disk, path, attributes[i].name, base64, err);
    if (r == -1)
      return -1;
    if (r == 0)
      add_word (&missing, attributes[i].what);
  }
  note_content (disk, path, metadata, xattrs);
  if (missing.len)
    disk_note (disk, "%s: could not be set, and is in the evidence: %s", path,
               missing.buf);
  return 0;
}
