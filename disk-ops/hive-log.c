#include "hive-log.h"

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>

#define SECTOR       512
#define ENTRY_HEADER 40
#define TYPE_NEW     6
#define FLAGS_AT     144 /* in the base block */
#define KTM_LOCKED   1   /* the flag that entries carry */
#define MAX_BINS     (UINT32_C (1) << 30)

/* A hive on its way: what it becomes if all goes well. */
struct work_copy {
  struct hive_bytes bytes;
  struct hive_recovery *recovery;
  uint32_t last; /* sequence number of the last entry */
};

static uint32_t
rotate (uint32_t x, unsigned bits)
{
  return x << bits | x >> (32 - bits);
}

static void
mix (uint32_t *lo, uint32_t *hi)
{
  *hi ^= *lo;
  *lo = rotate (*lo, 20) + *hi;
  *hi = rotate (*hi, 9) ^ *lo;
  *lo = rotate (*lo, 27) + *hi;
  *hi = rotate (*hi, 19);
}

uint64_t
hive_marvin32 (const unsigned char *bytes, size_t len)
{
  /* the seed of the format, 82ef4d887a4e55c5 as one number */
  uint32_t lo = 0x7a4e55c5, hi = 0x82ef4d88, rest = 0x80;

  for (; len >= 4; bytes += 4, len -= 4) {
    lo += le32 (bytes);
    mix (&lo, &hi);
  }
  while (len > 0)
    rest = rest << 8 | bytes[--len];
  lo += rest;
  mix (&lo, &hi);
  mix (&lo, &hi);
  return (uint64_t)hi << 32 | lo;
}

/* Makes room up to the end of these bins; never shorter. */
static void
grow (struct hive_bytes *bytes, uint32_t bins)
{
  size_t want = (size_t)bins + HIVE_BASE_BYTES;

  if (want <= bytes->len)
    return;
  bytes->ptr = xrealloc (bytes->ptr, want, 1);
  memset (bytes->ptr + bytes->len, 0, want - bytes->len);
  bytes->len = want;
}

static bool
is_log (const struct hive_bytes *log, struct hive_base *base)
{
  return hive_base_read (log->ptr, log->len, base) == 0 && base->signed_regf &&
         base->checksum_ok && base->type != 0;
}

/* The base block as the log has it, as that of a hive. */
static void
take_base (struct work_copy *copy, const struct hive_bytes *log)
{
  grow (&copy->bytes, 0);
  memcpy (copy->bytes.ptr, log->ptr, HIVE_BASE_HEAD);
  put_le32 (copy->bytes.ptr + 28, 0);
  copy->recovery->base_recovered = true;
}

/* --- new logs --- */

struct entry {
  const unsigned char *ptr;
  uint32_t bytes, sequence, bins, pages;
};

/* The entry at an offset of the log; -1 if none that is whole is there. */
static int
read_entry (const struct hive_bytes *log, size_t at, struct entry *e)
{
  uint64_t need;

  if (at + ENTRY_HEADER > log->len || memcmp (log->ptr + at, "HvLE", 4) != 0)
    return -1;
  e->ptr = log->ptr + at;
  e->bytes = le32 (e->ptr + 4);
  e->sequence = le32 (e->ptr + 12);
  e->bins = le32 (e->ptr + 16);
  e->pages = le32 (e->ptr + 20);
  if (e->bytes < SECTOR || e->bytes % SECTOR || e->bytes > log->len - at ||
      e->bins == 0 || e->bins % HIVE_PAGE || e->bins > MAX_BINS)
    return -1;
  if (le64 (e->ptr + 24) !=
          hive_marvin32 (e->ptr + ENTRY_HEADER, e->bytes - ENTRY_HEADER) ||
      le64 (e->ptr + 32) != hive_marvin32 (e->ptr, 32))
    return -1;
  need = ENTRY_HEADER + 8 * (uint64_t)e->pages;
  for (uint32_t i = 0; i < e->pages && need <= e->bytes; i++) {
    const unsigned char *ref = e->ptr + ENTRY_HEADER + 8 * (size_t)i;

    if (le32 (ref) > e->bins || le32 (ref + 4) > e->bins - le32 (ref))
      return -1;
    need += le32 (ref + 4);
  }
  return need <= e->bytes ? 0 : -1;
}

static void
apply_entry (struct work_copy *copy, const struct entry *e)
{
  const unsigned char *ref = e->ptr + ENTRY_HEADER;
  const unsigned char *page = ref + 8 * (size_t)e->pages;
  uint32_t flags;

  grow (&copy->bytes, e->bins);
  for (uint32_t i = 0; i < e->pages; i++, ref += 8) {
    memcpy (copy->bytes.ptr + HIVE_BASE_BYTES + le32 (ref), page,
            le32 (ref + 4));
    page += le32 (ref + 4);
  }
  put_le32 (copy->bytes.ptr + 40, e->bins);
  flags = le32 (copy->bytes.ptr + FLAGS_AT) & ~(uint32_t)KTM_LOCKED;
  put_le32 (copy->bytes.ptr + FLAGS_AT,
            flags | (le32 (e->ptr + 8) & KTM_LOCKED));
  copy->recovery->entries++;
  copy->recovery->pages += e->pages;
  copy->last = e->sequence;
}

/* All entries of one log that follow each other from `wanted` on. */
static void
apply_log (struct work_copy *copy, const struct hive_bytes *log,
           uint32_t wanted)
{
  struct entry e;
  size_t at = SECTOR;

  for (; read_entry (log, at, &e) == 0 && e.sequence == wanted; wanted++) {
    apply_entry (copy, &e);
    at += e.bytes;
  }
  /* older entries than these are remnants of an earlier use of the file */
  if (at + ENTRY_HEADER <= log->len && memcmp (log->ptr + at, "HvLE", 4) == 0 &&
      (int32_t)(le32 (log->ptr + at + 12) - wanted) >= 0)
    copy->recovery->stopped = true;
}

struct new_log {
  const struct hive_bytes *log;
  uint32_t primary;
};

/* Numbers may have wrapped. */
static bool
is_before (uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) < 0;
}

/* The logs of the new format that follow the hive, the earlier one first. */
static size_t
find_new (const struct hive_bytes *logs, const struct hive_base *hive,
          struct new_log *found)
{
  size_t n = 0;

  for (size_t i = 0; i < HIVE_LOGS; i++) {
    struct hive_base base;
    struct entry first;

    if (!is_log (&logs[i], &base) || base.type != TYPE_NEW ||
        read_entry (&logs[i], SECTOR, &first) == -1 ||
        first.sequence != base.primary)
      continue;
    if (hive->checksum_ok && is_before (base.primary, hive->secondary))
      continue;
    found[n++] = (struct new_log){&logs[i], base.primary};
  }
  for (size_t i = 1; i < n; i++)
    for (size_t j = i;
         j > 0 && is_before (found[j].primary, found[j - 1].primary); j--) {
      struct new_log swap = found[j];

      found[j] = found[j - 1];
      found[j - 1] = swap;
    }
  return n;
}

/* 1: applied, 0: no log of this format fits */
static int
recover_new (struct work_copy *copy, const struct hive_bytes *logs,
             const struct hive_base *base)
{
  struct new_log found[HIVE_LOGS];
  size_t n = find_new (logs, base, found), i = 0;

  if (n == 0)
    return 0;
  if (!base->checksum_ok) {
    i = n - 1; /* the latest alone, which brings its base block */
    take_base (copy, found[i].log);
  }
  apply_log (copy, found[i].log, found[i].primary);
  for (i++; i < n; i++)
    if (found[i].primary == copy->last + 1)
      apply_log (copy, found[i].log, found[i].primary);
    else
      copy->recovery->stopped = true;
  copy->recovery->format = "new";
  return 1;
}

/* --- old logs --- */

static uint64_t
time_of (const struct hive_bytes *hive, const struct hive_base *base)
{
  /* the first bin keeps a copy */
  if (!base->checksum_ok && hive->len >= HIVE_BASE_BYTES + 32 &&
      memcmp (hive->ptr + HIVE_BASE_BYTES, "hbin", 4) == 0)
    return le64 (hive->ptr + HIVE_BASE_BYTES + 20);
  return base->written;
}

/* 1: applied, 0: it does not fit */
static int
recover_old (struct work_copy *copy, const struct hive_bytes *log,
             const struct hive_base *hive)
{
  struct hive_base base;
  size_t vector, page, bits;

  if (!is_log (log, &base) || base.type == TYPE_NEW ||
      base.primary != base.secondary || base.bins_bytes == 0 ||
      base.bins_bytes % HIVE_PAGE || base.bins_bytes > MAX_BINS ||
      base.written != time_of (&copy->bytes, hive))
    return 0;
  vector = SECTOR * (size_t)(base.cluster == 8 ? 8 : 1);
  bits = base.bins_bytes / SECTOR;
  page = vector + 4 + (bits + 7) / 8;
  page = (page + vector - 1) / vector * vector;
  if (page > log->len || memcmp (log->ptr + vector, "DIRT", 4) != 0)
    return 0;
  if (!hive->checksum_ok)
    take_base (copy, log);
  grow (&copy->bytes, base.bins_bytes);
  for (size_t i = 0; i < bits; i++) {
    if (!(log->ptr[vector + 4 + i / 8] & 1U << (i % 8)))
      continue;
    if (page + SECTOR > log->len)
      return 0; /* the log itself was not finished */
    memcpy (copy->bytes.ptr + HIVE_BASE_BYTES + i * SECTOR, log->ptr + page,
            SECTOR);
    page += SECTOR;
    copy->recovery->pages++;
  }
  put_le32 (copy->bytes.ptr + 40, base.bins_bytes);
  copy->last = base.primary;
  copy->recovery->format = "old";
  return 1;
}

/* --- both --- */

static void
start_copy (struct work_copy *copy, const struct hive_bytes *hive,
            struct hive_recovery *recovery)
{
  free (copy->bytes.ptr);
  copy->bytes.ptr = xmalloc (hive->len + 1);
  memcpy (copy->bytes.ptr, hive->ptr, hive->len);
  copy->bytes.len = hive->len;
  copy->last = 0;
  memset (recovery, 0, sizeof *recovery);
  recovery->was_dirty = true;
  copy->recovery = recovery;
}

/* Seals the copy above every number that is about, and checks it. */
static int
finish_copy (struct work_copy *copy, const struct hive_base *base,
             struct err **err)
{
  CLEANUP_HIVE_TREE struct hive_tree tree = {0};
  uint32_t top = copy->last;

  if (base->checksum_ok && is_before (top, base->primary))
    top = base->primary;
  hive_seal (copy->bytes.ptr, top + 1);
  return hive_tree_read (&tree, copy->bytes.ptr, copy->bytes.len, err);
}

/* One way to recover; 1: *hive is recovered; 0: it does not apply or gave
 * nothing sound, *why says so. */
static int
try_way (struct hive_bytes *hive, const struct hive_bytes *logs, int old,
         const struct hive_base *base, struct hive_recovery *recovery,
         struct err **why)
{
  struct work_copy copy = {0};
  CLEANUP_ERR struct err *damage = NULL;
  int r;

  start_copy (&copy, hive, recovery);
  r = old < 0 ? recover_new (&copy, logs, base)
              : recover_old (&copy, &logs[old], base);
  if (r == 1 && finish_copy (&copy, base, &damage) == -1) {
    err_free (TAKE (*why));
    err_set (why, ERR_DISK,
             "what its logs (%s format) make of it is damaged: %s",
             recovery->format, damage->msg);
    r = 0;
  }
  if (r == 1) {
    free (hive->ptr);
    *hive = copy.bytes;
  } else
    free (copy.bytes.ptr);
  return r;
}

int
hive_recover (struct hive_bytes *hive, const struct hive_bytes logs[HIVE_LOGS],
              struct hive_recovery *recovery, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  struct hive_base base;

  memset (recovery, 0, sizeof *recovery);
  if (hive_base_read (hive->ptr, hive->len, &base) == -1 ||
      hive->len < HIVE_BASE_BYTES)
    return err_set (err, ERR_DISK, "it has only %zu bytes", hive->len);
  if (!hive_is_dirty (&base))
    return 0;
  /* -1: the new format; then each log as an old one */
  for (int way = -1; way < HIVE_LOGS; way++)
    if (try_way (hive, logs, way, &base, recovery, &why) == 1)
      return 0;
  memset (recovery, 0, sizeof *recovery);
  recovery->was_dirty = true;
  if (why)
    return err_move (err, TAKE (why));
  return err_set (err, ERR_DISK,
                  "it was not written to its end (sequence numbers %" PRIu32
                  " and %" PRIu32 "%s), and none of its logs continues it",
                  base.primary, base.secondary,
                  base.checksum_ok ? "" : ", wrong checksum");
}
