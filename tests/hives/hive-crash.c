/* What a crash leaves: a hive that was not written to its end, and its logs. */

#include <string.h>

#include <base/bytes.h>
#include <disk-ops/hive-log.h>

#include "hive-make.h"

#define SECTOR 512

void
hive_make_dirty (struct hive_bytes *hive)
{
  uint32_t secondary = le32 (hive->ptr + 8);

  hive_seal (hive->ptr, secondary + 1);
  put_le32 (hive->ptr + 8, secondary);
  put_le32 (hive->ptr + 508, hive_checksum (hive->ptr));
}

static bool
page_differs (const struct hive_bytes *from, const struct hive_bytes *to,
              size_t offset, size_t len)
{
  return offset + len > from->len ||
         memcmp (from->ptr + offset, to->ptr + offset, len) != 0;
}

static void
log_base (struct hive_bytes *log, const struct hive_bytes *to, uint32_t type,
          uint32_t sequence)
{
  log->ptr = xcalloc (1, SECTOR);
  log->len = SECTOR;
  memcpy (log->ptr, to->ptr, SECTOR);
  put_le32 (log->ptr + 28, type);
  hive_seal (log->ptr, sequence);
}

static void
append (struct hive_bytes *log, const void *data, size_t len)
{
  log->ptr = xrealloc (log->ptr, log->len + len + SECTOR, 1);
  if (len)
    memcpy (log->ptr + log->len, data, len);
  log->len += len;
}

static void
pad (struct hive_bytes *log)
{
  size_t more = (SECTOR - log->len % SECTOR) % SECTOR;
  static const unsigned char zero[SECTOR];

  append (log, zero, more);
}

/* Every nth of the pages that differ. */
static void
add_entry (struct hive_bytes *log, const struct hive_bytes *from,
           const struct hive_bytes *to, uint32_t sequence, unsigned nth,
           unsigned of)
{
  size_t start = log->len, n = 0;
  unsigned char head[40] = "HvLE", ref[8];
  unsigned char *e;

  append (log, head, sizeof head);
  for (int pass = 0; pass < 2; pass++) {
    unsigned count = 0;

    for (size_t o = HIVE_BASE_BYTES; o < to->len; o += HIVE_PAGE) {
      if (!page_differs (from, to, o, HIVE_PAGE) || count++ % of != nth)
        continue;
      put_le32 (ref, (uint32_t)(o - HIVE_BASE_BYTES));
      put_le32 (ref + 4, HIVE_PAGE);
      if (pass == 0)
        append (log, ref, 8);
      else
        append (log, to->ptr + o, HIVE_PAGE);
      n += pass == 0;
    }
  }
  pad (log);
  e = log->ptr + start;
  put_le32 (e + 4, (uint32_t)(log->len - start));
  put_le32 (e + 12, sequence);
  put_le32 (e + 16, (uint32_t)(to->len - HIVE_BASE_BYTES));
  put_le32 (e + 20, (uint32_t)n);
  put_le64 (e + 24, hive_marvin32 (e + 40, log->len - start - 40));
  put_le64 (e + 32, hive_marvin32 (e, 32));
}

struct hive_bytes
hive_make_new_log (const struct hive_bytes *from, const struct hive_bytes *to,
                   uint32_t sequence, unsigned entries)
{
  struct hive_bytes log;

  log_base (&log, to, 6, sequence);
  for (unsigned i = 0; i < entries; i++)
    add_entry (&log, from, to, sequence + i, i, entries);
  return log;
}

struct hive_bytes
hive_make_old_log (const struct hive_bytes *from, const struct hive_bytes *to)
{
  size_t bits = (to->len - HIVE_BASE_BYTES) / SECTOR;
  CLEANUP_FREE unsigned char *bitmap = xcalloc (1, bits / 8 + 1);
  struct hive_bytes log;

  log_base (&log, to, 1, le32 (from->ptr + 4));
  append (&log, "DIRT", 4);
  for (size_t i = 0; i < bits; i++)
    if (page_differs (from, to, HIVE_BASE_BYTES + i * SECTOR, SECTOR))
      bitmap[i / 8] |= (unsigned char)(1U << (i % 8));
  append (&log, bitmap, (bits + 7) / 8);
  pad (&log);
  for (size_t i = 0; i < bits; i++)
    if (bitmap[i / 8] & 1U << (i % 8))
      append (&log, to->ptr + HIVE_BASE_BYTES + i * SECTOR, SECTOR);
  return log;
}
