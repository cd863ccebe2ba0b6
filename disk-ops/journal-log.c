#include "journal-log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <base/bytes.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <base/vec.h>

#define MAX_ENTRIES 50000 /* the newest */
#define MAX_ITEMS   256   /* of one entry */
#define MAX_BOOTS   12
#define MAX_LINES   600
#define MAX_LINE    400
#define WARNING     4 /* syslog's levels; less is worse */
#define BOOT_ID     16
/* An object of the file that begins where it says the last one does. */
#define LAST_OBJECT (INT64_C (1) << 20)

/* Where things are. */
enum {
  HEADER_INCOMPATIBLE = 12,
  HEADER_SIZE = 88,
  HEADER_TAIL_OBJECT = 136,
  OBJECT_TYPE = 0,
  OBJECT_FLAGS = 1,
  OBJECT_BYTES = 8,
  OBJECT_HEADER = 16,
  ENTRY_REALTIME = 24,
  ENTRY_MONOTONIC = 32,
  ENTRY_BOOT = 40,
  ENTRY_ITEMS = 64,
  DATA_PAYLOAD = 64,
  DATA_PAYLOAD_COMPACT = 72
};
#define SIGNATURE  "LPKSHHRH"
#define COMPACT    16 /* of the incompatible flags */
#define TYPE_DATA  1
#define TYPE_ENTRY 3
#define TYPE_LAST  7
#define COMPRESSED 7 /* of an object's flags: xz, lz4, zstd */

/* sd-messages.h */
#define STARTUP_FINISHED "b07a249cd024414a82dd00cd181378ff"
#define SHUTDOWN         "98268866d1d54a499c4e98921d93bc40"

struct file {
  const unsigned char *ptr;
  size_t len;
  bool compact;
};

struct entry {
  const struct file *file;
  size_t at, bytes;
  uint64_t realtime_us;
};
DEFINE_VEC (struct entry, entry_vec);

/* Said at a lower level, and worth it all the same. */
static const char *const words[] = {"Linux version ",
                                    "mergency",
                                    "escue Mode",
                                    "escue Shell",
                                    "fsck",
                                    "Kernel panic",
                                    "Oops",
                                    "BUG: ",
                                    "Call Trace",
                                    "RIP: ",
                                    "Modules linked in",
                                    "Out of memory",
                                    "Dependency failed",
                                    "Failed to mount",
                                    "Timed out waiting for device",
                                    "No space left",
                                    "I/O error",
                                    "ead-only file system",
                                    "SELinux",
                                    "segfault"};

struct boot {
  unsigned char id[BOOT_ID];
  uint64_t first_us, last_us;
  bool up, shutdown, emergency;
};

struct journal {
  struct file files[PARSE_INPUTS];
  struct entry_vec entries; /* newest first */
  struct boot boots[MAX_BOOTS];
  size_t n_boots;
  struct str_vec lines; /* of the newest boot, newest first */
  bool damaged;
};

/* The fields of an entry that are looked at. */
enum field {
  MESSAGE,
  PRIORITY,
  WHO,
  MESSAGE_ID,
  N_FIELDS
};
static const char *const field_names[N_FIELDS] = {"MESSAGE=", "PRIORITY=",
                                                  "SYSLOG_IDENTIFIER=",
                                                  "MESSAGE_ID="};

int64_t
journal_used_bytes (const unsigned char *header, size_t len, int64_t size)
{
  uint64_t tail;

  if (len < JOURNAL_HEADER || memcmp (header, SIGNATURE, 8) != 0)
    return size;
  tail = le64 (header + HEADER_TAIL_OBJECT);
  if (tail < JOURNAL_HEADER || tail >= (uint64_t)size ||
      size - (int64_t)tail <= LAST_OBJECT)
    return size;
  return (int64_t)tail + LAST_OBJECT;
}

/* --- the file --- */

/* Bytes of the object at an offset; 0: there is none that is whole. */
static size_t
object_bytes (const struct file *file, uint64_t at)
{
  uint64_t bytes;

  if (at % 8 || at > file->len || file->len - at < OBJECT_HEADER)
    return 0;
  bytes = le64 (file->ptr + at + OBJECT_BYTES);
  if (bytes < OBJECT_HEADER || bytes > file->len - at ||
      file->ptr[at + OBJECT_TYPE] == 0 ||
      file->ptr[at + OBJECT_TYPE] > TYPE_LAST)
    return 0;
  return (size_t)bytes;
}

/* Objects lie one behind the other; whether hashes and lists of the file are
 * whole does not matter then. */
static void
find_entries (struct journal *journal, const struct file *file)
{
  uint64_t at = le64 (file->ptr + HEADER_SIZE);
  uint64_t tail = le64 (file->ptr + HEADER_TAIL_OBJECT);
  size_t bytes;

  for (; (bytes = object_bytes (file, at)) > 0; at += (bytes + 7) / 8 * 8)
    if (file->ptr[at + OBJECT_TYPE] == TYPE_ENTRY && bytes >= ENTRY_ITEMS)
      entry_vec_push (&journal->entries,
                      (struct entry){file, (size_t)at, bytes,
                                     le64 (file->ptr + at + ENTRY_REALTIME)});
  if (at <= tail)
    journal->damaged = true;
}

static int
newest_first (const void *a, const void *b)
{
  const struct entry *x = a, *y = b;

  if (x->realtime_us != y->realtime_us)
    return x->realtime_us < y->realtime_us ? 1 : -1;
  return x->at < y->at ? 1 : x->at > y->at ? -1 : 0;
}

/* -1: that is no journal. */
static int
add_file (struct journal *journal, size_t i, const struct parse_input *in)
{
  struct file *file = &journal->files[i];

  if (in->len < JOURNAL_HEADER || memcmp (in->ptr, SIGNATURE, 8) != 0)
    return -1;
  *file = (struct file){in->ptr, in->len,
                        le32 (in->ptr + HEADER_INCOMPATIBLE) & COMPACT};
  find_entries (journal, file);
  return 0;
}

/* The value of a field, one printable line. */
static char *
value_text (const unsigned char *ptr, size_t len)
{
  char *text = xmalloc ((len < MAX_LINE ? len : MAX_LINE) + 1);
  size_t n = 0;

  for (; n < len && n < MAX_LINE; n++)
    text[n] = (char)(ptr[n] >= ' ' && ptr[n] <= '~' ? ptr[n] : '?');
  text[n] = '\0';
  return text;
}

static void
take_field (const struct file *file, uint64_t at, char *fields[N_FIELDS])
{
  size_t skip = file->compact ? DATA_PAYLOAD_COMPACT : DATA_PAYLOAD;
  size_t bytes = object_bytes (file, at), len;
  const unsigned char *payload;

  /* long values may be compressed: none that is looked for */
  if (bytes <= skip || file->ptr[at + OBJECT_TYPE] != TYPE_DATA ||
      file->ptr[at + OBJECT_FLAGS] & COMPRESSED)
    return;
  payload = file->ptr + at + skip;
  len = bytes - skip;
  for (int i = 0; i < N_FIELDS; i++) {
    size_t name = strlen (field_names[i]);

    if (fields[i] == NULL && len >= name &&
        memcmp (payload, field_names[i], name) == 0)
      fields[i] = value_text (payload + name, len - name);
  }
}

static void
read_fields (const struct entry *e, char *fields[N_FIELDS])
{
  size_t step = e->file->compact ? 4 : 16;
  size_t n = (e->bytes - ENTRY_ITEMS) / step;
  const unsigned char *item = e->file->ptr + e->at + ENTRY_ITEMS;

  for (size_t i = 0; i < n && i < MAX_ITEMS; i++, item += step)
    take_field (e->file, e->file->compact ? le32 (item) : le64 (item), fields);
}

/* --- boots --- */

/* The boot of an entry; going back, each begins with its last.  NULL: an older
 * one than are looked at. */
static struct boot *
boot_of (struct journal *journal, const struct entry *e)
{
  const unsigned char *id = e->file->ptr + e->at + ENTRY_BOOT;
  struct boot *boot;

  for (size_t i = 0; i < journal->n_boots; i++)
    if (memcmp (journal->boots[i].id, id, BOOT_ID) == 0)
      return &journal->boots[i];
  if (journal->n_boots == MAX_BOOTS)
    return NULL;
  boot = &journal->boots[journal->n_boots++];
  *boot = (struct boot){.first_us = e->realtime_us, .last_us = e->realtime_us};
  memcpy (boot->id, id, BOOT_ID);
  return boot;
}

static bool
says_any (const char *message, const char *const *list, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (strstr (message, list[i]))
      return true;
  return false;
}

static void
note_marks (struct boot *boot, const char *message, const char *id)
{
  static const char *const ends[] = {"ower-Off", "ower Off", "eboot", "hutdown",
                                     "Halt"};
  static const char *const stops[] = {"mergency Mode", "escue Mode",
                                      "mergency.target", "escue.target"};
  bool target = strncmp (message, "Reached target ", 15) == 0;

  boot->up = boot->up || strcmp (id, STARTUP_FINISHED) == 0 ||
             strncmp (message, "Startup finished in ", 20) == 0;
  boot->shutdown = boot->shutdown || strcmp (id, SHUTDOWN) == 0 ||
                   (target && says_any (message, ends, ARRAY_SIZE (ends)));
  boot->emergency = boot->emergency ||
                    (target && says_any (message, stops, ARRAY_SIZE (stops)));
}

static void
add_line (struct journal *journal, const struct entry *e,
          char *const fields[N_FIELDS])
{
  uint64_t us = le64 (e->file->ptr + e->at + ENTRY_MONOTONIC);

  if (journal->lines.len >= MAX_LINES ||
      ((fields[PRIORITY] == NULL ||
        strtol (fields[PRIORITY], NULL, 10) > WARNING) &&
       !says_any (fields[MESSAGE], words, ARRAY_SIZE (words))))
    return;
  str_vec_push (&journal->lines,
                xasprintf ("[%5" PRIu64 ".%06" PRIu64 "] %s: %s", us / 1000000,
                           us % 1000000, fields[WHO] ? fields[WHO] : "?",
                           fields[MESSAGE]));
}

static void
look_at_entry (struct journal *journal, const struct entry *e)
{
  char *fields[N_FIELDS] = {NULL};
  struct boot *boot = boot_of (journal, e);

  read_fields (e, fields);
  if (boot && fields[MESSAGE]) {
    boot->first_us = e->realtime_us;
    note_marks (boot, fields[MESSAGE],
                fields[MESSAGE_ID] ? fields[MESSAGE_ID] : "");
    /* what came before it was up did not keep it from that */
    if (boot == &journal->boots[0] && !boot->up)
      add_line (journal, e, fields);
  }
  for (int i = 0; i < N_FIELDS; i++)
    free (fields[i]);
}

/* --- the answer --- */

static json_t *
boots_to_json (const struct journal *journal)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < journal->n_boots; i++) {
    const struct boot *boot = &journal->boots[i];
    CLEANUP_FREE char *id = hex_encode (boot->id, BOOT_ID);

    json_array_append_new (list,
                           json_make ("{s:s, s:I, s:I, s:b, s:b, s:b}", "id",
                                      id, "first_ms",
                                      (json_int_t)(boot->first_us / 1000),
                                      "last_ms",
                                      (json_int_t)(boot->last_us / 1000), "up",
                                      boot->up, "shutdown", boot->shutdown,
                                      "emergency", boot->emergency));
  }
  return list;
}

static json_t *
journal_to_json (const struct journal *journal, size_t entries)
{
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;

  for (size_t i = journal->lines.len; i > 0; i--)
    strbuf_addf (&text, "%s\n", journal->lines.ptr[i - 1]);
  return json_make ("{s:I, s:b, s:o, s:s}", "entries", (json_int_t)entries,
                    "damaged", journal->damaged, "boots",
                    boots_to_json (journal), "text", text.buf ? text.buf : "");
}

json_t *
journal_parse (const struct parse_task *task, struct err **err)
{
  struct journal journal = {0};
  json_t *json = NULL;
  size_t files = 0, n = 0;

  for (size_t i = 0; i < task->n; i++)
    files += add_file (&journal, i, &task->inputs[i]) == 0;
  if (journal.entries.len > 0)
    qsort (journal.entries.ptr, journal.entries.len,
           sizeof *journal.entries.ptr, newest_first);
  for (; n < journal.entries.len && n < MAX_ENTRIES; n++)
    look_at_entry (&journal, &journal.entries.ptr[n]);
  if (n > 0)
    json = journal_to_json (&journal, n);
  else
    err_set (err, ERR_DISK, "%s",
             files ? "it has no entry" : "it is no journal");
  entry_vec_release (&journal.entries);
  str_vec_free_all (&journal.lines);
  return json;
}
