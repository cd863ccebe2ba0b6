#include "event-log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libbfio.h>
#include <libevtx.h>

#include <base/bytes.h>
#include <base/vec.h>

#include "crash-dump.h"

#define HEADER        4096
#define CHUNK         65536
#define MAX_CHUNKS    128 /* the newest: months, on most machines */
#define MAX_OF_A_KIND 8
#define MAX_STRINGS   12
#define MAX_STRING    256 /* bytes of one */

/* What is looked for; a kind has one row for each provider that tells of it.
 * [1001, 41, 6008: learn.microsoft.com, "Event ID 41"; 55, 153: ibid., "Data
 * corruption and disk errors"; 7026: ibid., "Event ID 7026".  6005 and 6006:
 * the event log was started and stopped; 12 and 13: the kernel; 7045: a service
 * was installed; 19 and 20: an update; 7, 11, 51: the driver of disks] */
static const struct kind {
  const char *name, *provider;
  uint16_t id;
} kinds[] = {
    {"bugcheck", "Microsoft-Windows-WER-SystemErrorReporting", 1001},
    {"power", "Microsoft-Windows-Kernel-Power", 41},
    {"unexpected", "EventLog", 6008},
    {"start", "Microsoft-Windows-Kernel-General", 12},
    {"start", "EventLog", 6005},
    {"stop", "Microsoft-Windows-Kernel-General", 13},
    {"stop", "EventLog", 6006},
    {"service", "Service Control Manager", 7045},
    {"boot-drivers", "Service Control Manager", 7026},
    {"update", "Microsoft-Windows-WindowsUpdateClient", 19},
    {"update-failed", "Microsoft-Windows-WindowsUpdateClient", 20},
    {"ntfs", "Ntfs", 55},
    {"ntfs", "Microsoft-Windows-Ntfs", 55},
    {"disk", "disk", 7},
    {"disk", "disk", 11},
    {"disk", "disk", 51},
    {"disk", "disk", 153},
};

struct chunk {
  uint64_t first; /* record */
  const unsigned char *ptr;
};
DEFINE_VEC (struct chunk, chunk_vec);

struct reading {
  json_t *events;
  unsigned count[ARRAY_SIZE (kinds)];
  uint64_t records, newest;
  size_t damaged;
};

/* --- a chunk as a log --- */

static uint32_t
crc32_of (const unsigned char *bytes, size_t len)
{
  uint32_t crc = ~UINT32_C (0);

  for (size_t i = 0; i < len; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? UINT32_C (0xedb88320) : 0);
  }
  return ~crc;
}

static void
make_log (unsigned char *log, const struct chunk *chunk)
{
  memset (log, 0, HEADER);
  memcpy (log, "ElfFile", 8);
  put_le32 (log + 32, 128);
  put_le16 (log + 36, 1);
  put_le16 (log + 38, 3);
  put_le16 (log + 40, HEADER);
  put_le16 (log + 42, 1);
  put_le32 (log + 124, crc32_of (log, 120));
  memcpy (log + HEADER, chunk->ptr, CHUNK);
}

static int
newest_first (const void *a, const void *b)
{
  const struct chunk *x = a, *y = b;

  return x->first < y->first ? 1 : x->first > y->first ? -1 : 0;
}

static void
find_chunks (const struct parse_input *in, struct chunk_vec *chunks)
{
  for (size_t at = HEADER; in->len >= CHUNK && at <= in->len - CHUNK;
       at += CHUNK)
    if (memcmp (in->ptr + at, "ElfChnk", 8) == 0)
      chunk_vec_push (chunks,
                      (struct chunk){le64 (in->ptr + at + 24), in->ptr + at});
  if (chunks->len > 0)
    qsort (chunks->ptr, chunks->len, sizeof *chunks->ptr, newest_first);
}

/* --- records --- */

/* What a pair of calls of libevtx gives as text; NULL: nothing. */
typedef int (*size_call) (libevtx_record_t *, size_t *, libevtx_error_t **);
typedef int (*text_call) (libevtx_record_t *, uint8_t *, size_t,
                          libevtx_error_t **);

static char *
text_of (libevtx_record_t *record, size_call size_of, text_call get)
{
  size_t size = 0;
  char *text;

  if (size_of (record, &size, NULL) != 1 || size == 0 || size > 65536)
    return NULL;
  text = xmalloc (size + 1);
  text[size] = '\0';
  if (get (record, (uint8_t *)text, size, NULL) != 1) {
    free (text);
    return NULL;
  }
  return text;
}

/* Not cut within a character. */
static void
add_string (json_t *list, char *text)
{
  size_t len = strlen (text);

  if (len > MAX_STRING) {
    len = MAX_STRING;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
      len--;
    text[len] = '\0';
  }
  json_array_append_new (list, json_string (text));
}

static json_t *
strings_of (libevtx_record_t *record)
{
  json_t *list = json_array ();
  int n = 0;

  if (libevtx_record_get_number_of_strings (record, &n, NULL) != 1)
    return list;
  for (int i = 0; i < n && i < MAX_STRINGS; i++) {
    CLEANUP_FREE char *text = NULL;
    size_t size = 0;

    if (libevtx_record_get_utf8_string_size (record, i, &size, NULL) != 1 ||
        size == 0 || size > 65536) {
      json_array_append_new (list, json_string (""));
      continue;
    }
    text = xcalloc (1, size + 1);
    (void)libevtx_record_get_utf8_string (record, i, (uint8_t *)text, size,
                                          NULL);
    add_string (list, text);
  }
  return list;
}

static void
keep (struct reading *r, size_t kind, libevtx_record_t *record, uint64_t when)
{
  uint64_t number = 0;

  if (r->count[kind]++ >= MAX_OF_A_KIND)
    return;
  (void)libevtx_record_get_identifier (record, &number, NULL);
  json_array_append_new (r->events,
                         json_make ("{s:s, s:I, s:I, s:I, s:o}", "kind",
                                    kinds[kind].name, "id",
                                    (json_int_t)kinds[kind].id, "record",
                                    (json_int_t)number, "when_ms",
                                    (json_int_t)(((int64_t)when -
                                                  (int64_t)FILETIME_EPOCH) /
                                                 10000),
                                    "strings", strings_of (record)));
}

static void
look_at_record (struct reading *r, libevtx_record_t *record)
{
  CLEANUP_FREE char *provider = NULL;
  uint32_t id = 0;
  uint64_t when = 0;

  r->records++;
  if (libevtx_record_get_written_time (record, &when, NULL) != 1 ||
      libevtx_record_get_event_identifier (record, &id, NULL) != 1) {
    return;
  }
  if (when > r->newest && when < INT64_MAX)
    r->newest = when;
  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++) {
    if (kinds[i].id != (id & 0xffff))
      continue;
    if (provider == NULL)
      provider = text_of (record, libevtx_record_get_utf8_source_name_size,
                          libevtx_record_get_utf8_source_name);
    if (provider == NULL)
      return;
    if (strcmp (kinds[i].provider, provider) == 0)
      keep (r, i, record, when);
  }
}

/* The newest first here, too.  libevtx leaves out in silence what it can't
 * read; the chunk says how many there were. */
static int
read_log (struct reading *r, libevtx_file_t *file, const struct chunk *chunk)
{
  uint64_t last = le64 (chunk->ptr + 32);
  int n = 0;

  if (libevtx_file_get_number_of_records (file, &n, NULL) != 1)
    return -1;
  if (last - chunk->first >= (uint64_t)n)
    r->damaged++;
  while (n-- > 0) {
    libevtx_record_t *record = NULL;

    if (libevtx_file_get_record_by_index (file, n, &record, NULL) == 1)
      look_at_record (r, record);
    else
      r->damaged++;
    if (record)
      (void)libevtx_record_free (&record, NULL);
  }
  return 0;
}

static int
read_chunk (struct reading *r, unsigned char *log, const struct chunk *chunk)
{
  libbfio_handle_t *handle = NULL;
  libevtx_file_t *file = NULL;
  int result = -1;

  make_log (log, chunk);
  if (libbfio_memory_range_initialize (&handle, NULL) == 1 &&
      libbfio_memory_range_set (handle, log, HEADER + CHUNK, NULL) == 1 &&
      libevtx_file_initialize (&file, NULL) == 1 &&
      libevtx_file_open_file_io_handle (file, handle, LIBEVTX_OPEN_READ,
                                        NULL) == 1) {
    result = read_log (r, file, chunk);
    (void)libevtx_file_close (file, NULL);
  }
  if (file)
    (void)libevtx_file_free (&file, NULL);
  if (handle)
    (void)libbfio_handle_free (&handle, NULL);
  return result;
}

json_t *
event_log_parse (const struct parse_task *task, struct err **err)
{
  struct reading r = {.events = json_array ()};
  CLEANUP_FREE unsigned char *log = xmalloc (HEADER + CHUNK);
  struct chunk_vec chunks = VEC_EMPTY;
  size_t looked = 0, whole = 0;

  if (task->n > 0)
    find_chunks (&task->inputs[0], &chunks);
  for (; looked < chunks.len && looked < MAX_CHUNKS; looked++)
    whole += read_chunk (&r, log, &chunks.ptr[looked]) == 0;
  chunk_vec_release (&chunks);
  if (whole == 0) {
    json_decref (r.events);
    err_set (err, ERR_DISK,
             looked ? "none of its %zu chunks can be read"
                    : "it has no chunk of an event log",
             looked);
    return NULL;
  }
  return json_make ("{s:I, s:I, s:I, s:I, s:o}", "chunks", (json_int_t)looked,
                    "damaged", (json_int_t)(looked - whole + r.damaged),
                    "records", (json_int_t)r.records, "newest_ms",
                    (json_int_t)(((int64_t)r.newest - (int64_t)FILETIME_EPOCH) /
                                 10000),
                    "events", r.events);
}
