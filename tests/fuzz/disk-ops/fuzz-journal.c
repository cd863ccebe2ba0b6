/* Journals: any damage is survived, and what comes out is printable.
 *
 * The input is a list of changes of a small whole journal (two entries), three
 * bytes each: place (two) and new content; an odd byte at the end cuts it off
 * there, in units of 8.  The first bit of the first byte: compact or not. */

#include "fuzz.h"

#include <string.h>

#include <base/bytes.h>
#include <base/mem.h>
#include <disk-ops/journal-log.h>

#define SIZE 1024

struct maker {
  unsigned char bytes[SIZE];
  size_t at;
};

static size_t
put_object (struct maker *m, int type, size_t bytes)
{
  size_t at = m->at;

  m->bytes[at] = (unsigned char)type;
  put_le32 (m->bytes + at + 8, (uint32_t)bytes);
  m->at += (bytes + 7) / 8 * 8;
  return at;
}

static size_t
put_data (struct maker *m, const char *text, bool compact)
{
  size_t skip = compact ? 72 : 64;
  size_t at = put_object (m, 1, skip + strlen (text));

  memcpy (m->bytes + at + skip, text, strlen (text));
  return at;
}

static void
put_entry (struct maker *m, uint32_t second, const size_t *items, size_t n,
           bool compact)
{
  size_t at = put_object (m, 3, 64 + n * (compact ? 4 : 16));

  put_le32 (m->bytes + at + 24, second * 1000000);
  put_le32 (m->bytes + at + 32, second * 1000);
  m->bytes[at + 40] = (unsigned char)second;
  for (size_t i = 0; i < n; i++)
    put_le32 (m->bytes + at + 64 + i * (compact ? 4 : 16), (uint32_t)items[i]);
}

static void
make (struct maker *m, bool compact)
{
  size_t items[3];

  memset (m, 0, sizeof *m);
  memcpy (m->bytes, "LPKSHHRH", 8);
  m->bytes[12] = compact ? 16 : 0;
  put_le32 (m->bytes + 88, 208);
  m->at = 208;
  items[0] = put_data (m, "MESSAGE=Startup finished in 1s", compact);
  items[1] = put_data (m, "PRIORITY=3", compact);
  items[2] = put_data (m, "SYSLOG_IDENTIFIER=systemd", compact);
  put_entry (m, 1, items, 3, compact);
  items[0] = put_data (m, "MESSAGE=Reached target Emergency Mode", compact);
  put_le32 (m->bytes + 136, (uint32_t)m->at);
  put_entry (m, 2, items, 3, compact);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct maker m;
  size_t len = size % 3 == 1 ? (size_t)data[size - 1] * 8 : SIZE;
  CLEANUP_FREE unsigned char *bytes = NULL;
  CLEANUP_JSON json_t *json = NULL;
  struct parse_task task = {.n = 1, .output = -1};

  len = len > SIZE ? SIZE : len;
  make (&m, size && data[0] & 1);
  for (size_t i = 0; i + 2 < size; i += 3)
    m.bytes[(data[i] | (size_t)data[i + 1] << 8) % SIZE] = data[i + 2];
  bytes = xmemdup (m.bytes, len ? len : 1);
  task.inputs[0] = (struct parse_input){bytes, len, -1};
  json = journal_parse (&task, NULL);
  FUZZ_CHECK (size || json_array_size (json_object_get (json, "boots")) == 2);
  for (const char *p = json_str (json, "text", ""); *p; p++)
    FUZZ_CHECK (*p == '\n' || (*p >= ' ' && *p <= '~'));
  FUZZ_CHECK (journal_used_bytes (bytes, len, (int64_t)len) <= (int64_t)len);
  return 0;
}
