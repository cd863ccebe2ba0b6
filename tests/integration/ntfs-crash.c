/* Gives an NTFS volume in an image the $LogFile that a crash leaves.
 *
 *   ntfs-crash IMAGE OFFSET MAJOR [clean|committed|open|torn LABEL]
 *
 * OFFSET is where the volume starts, in bytes; MAJOR is 1 (log 1.1) or 2 (log
 * 2.0).  Two restart pages are written at the start of $LogFile as Windows
 * does: ntfs-3g then takes the volume for one that was not shut down.
 *
 * committed, open, torn: the log holds one transaction that gives the volume
 * the name LABEL, which has as many characters as its name has; it is ended,
 * not ended, or ended on a page of which not all sectors were written.  In a
 * log 1.1 the last page is in its place and, once more, in page 2; in a log 2.0
 * it is only in the first of the pages 2 to 33, from where Windows has not yet
 * taken it to its place.  [ntfs-3g include/ntfs-3g/logfile.h; its ntfsrecover]
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <disk-ops/ntfs-log.h>

#define PAGE   4096
#define SECTOR 512
#define AREA   56

static void __attribute__ ((noreturn)) fail (const char *what)
{
  fprintf (stderr, "ntfs-crash: %s: %s\n", what, strerror (errno));
  exit (1);
}

static void
put (unsigned char *at, uint64_t value, size_t bytes)
{
  for (size_t i = 0; i < bytes; i++)
    at[i] = (unsigned char)(value >> (8 * i));
}

static void
make_page (unsigned char *page, int major, int clean, uint64_t log_bytes)
{
  unsigned char *area = page + AREA, *client = area + 64;
  unsigned bits = 67;

  for (uint64_t size = log_bytes; size; size >>= 1)
    bits--;
  memset (page, 0, PAGE);
  memcpy (page, "RSTR", 4);
  put (page + 4, 32, 2); /* update sequence array: offset, entries */
  put (page + 6, PAGE / SECTOR + 1, 2);
  put (page + 16, PAGE, 4); /* system page, log page */
  put (page + 20, PAGE, 4);
  put (page + 24, AREA, 2);
  put (page + 26, major == 1 ? 1 : 0, 2); /* minor */
  put (page + 28, (uint64_t)major, 2);
  put (area + 8, 1, 2);                   /* clients */
  put (area + 10, 0xffff, 2);             /* free list */
  put (area + 12, clean ? 0xffff : 0, 2); /* in-use list */
  put (area + 14, clean ? 2 : 0, 2);      /* flags: clean dismount */
  put (area + 16, bits, 4);               /* sequence number bits */
  put (area + 20, 224, 2);                /* length of the area */
  put (area + 22, 64, 2);                 /* offset of the clients */
  put (area + 24, log_bytes, 8);
  put (area + 36, 48, 2); /* record header, data offset in a page */
  put (area + 38, 64, 2);
  put (client + 16, 0xffff, 2); /* previous, next */
  put (client + 18, 0xffff, 2);
  put (client + 28, 8, 4); /* length of the name */
  memcpy (client + 32, "N\0T\0F\0S\0", 8);
  put (page + 32, 1, 2);
  for (size_t i = 1; i <= PAGE / SECTOR; i++) {
    memcpy (page + 32 + 2 * i, page + i * SECTOR - 2, 2);
    put (page + i * SECTOR - 2, 1, 2);
  }
}

/* --- one transaction --- */

enum {
  PAGES = 6, /* two restart pages, two copies of the last one, two of records */
  RECORDS_1 = 4, /* where pages with records begin in the log */
  RECORDS_2 = 34,
  RECORD_HEAD = 48,
  FIRST = 64, /* record of a page */
  UPDATE_RESIDENT = 7,
  FORGET = 27,
  VOLUME_NAME = 0x60,
  TRANSACTION = 0x40
};

struct change {
  uint64_t cluster;
  uint16_t block, attribute, value; /* places: in the cluster, record, both */
  unsigned char old[64], new[64];
  size_t len;
};

static uint64_t
lsn_of (uint64_t log_bytes, size_t offset)
{
  unsigned bits = 0; /* of the place, in units of eight bytes */

  for (; log_bytes; log_bytes >>= 1)
    bits++;
  return (UINT64_C (1) << (bits - 3)) | offset / 8;
}

static void
seal (unsigned char *page)
{
  put (page + 4, 40, 2);
  put (page + 6, PAGE / SECTOR + 1, 2);
  put (page + 40, 7, 2);
  for (size_t i = 1; i <= PAGE / SECTOR; i++) {
    memcpy (page + 40 + 2 * i, page + i * SECTOR - 2, 2);
    put (page + i * SECTOR - 2, 7, 2);
  }
}

/* A record at `at` of the page at `offset` of the log; returns its end. */
static size_t
add_record (unsigned char *page, size_t at, uint64_t lsn, unsigned type,
            unsigned redo, const struct change *change)
{
  unsigned char *r = page + at;
  size_t data = (change->len + 7) / 8 * 8;
  size_t len = type == 2 ? 0x68 : redo == FORGET ? 0x28 : 0x28 + 2 * data;

  put (r, lsn, 8);
  put (r + 24, len, 4);
  put (r + 32, type, 4);
  if (type == 2) /* a checkpoint */
    return at + RECORD_HEAD + len;
  put (r + 36, TRANSACTION, 4);
  put (r + 48, redo, 2);
  put (r + 50, redo == FORGET ? 1 : redo, 2);
  if (redo == FORGET)
    return at + RECORD_HEAD + len;
  put (r + 52, 0x28, 2);
  put (r + 54, change->len, 2);
  put (r + 56, 0x28 + data, 2);
  put (r + 58, change->len, 2);
  put (r + 62, 1, 2); /* clusters that follow */
  put (r + 64, change->attribute, 2);
  put (r + 66, change->value, 2);
  put (r + 68, change->block, 2);
  put (r + 70, 2, 2); /* acts on the MFT */
  put (r + 80, change->cluster, 8);
  memcpy (r + RECORD_HEAD + 0x28, change->new, change->len);
  memcpy (r + RECORD_HEAD + 0x28 + data, change->old, change->len);
  return at + RECORD_HEAD + len;
}

/* The name of the volume, in its record, and what it is to become. */
static void
find_change (const unsigned char *record, const struct ntfs_boot *boot,
             const char *label, struct change *change)
{
  size_t at = (size_t)(record[20] | record[21] << 8);
  uint64_t place =
      boot->mft_offset + (uint64_t)NTFS_RECORD_VOLUME * boot->record_bytes;

  while (record[at] != VOLUME_NAME && record[at] != 0xff)
    at += (size_t)(record[at + 4] | record[at + 5] << 8);
  if (record[at] != VOLUME_NAME)
    fail ("no $VOLUME_NAME");
  change->cluster = place / boot->cluster_bytes;
  change->block = (uint16_t)(place % boot->cluster_bytes / SECTOR);
  change->attribute = (uint16_t)at;
  change->value = (uint16_t)(record[at + 20] | record[at + 21] << 8);
  change->len = 2 * strlen (label);
  if (change->len != record[at + 16] || change->len > sizeof change->new)
    fail ("LABEL has another length");
  for (size_t i = 0; label[i]; i++)
    change->new[2 * i] = (unsigned char)label[i];
  memcpy (change->old, record + at + change->value, change->len);
}

/* pages[2], [4] and [5]: copy of the last page, the one before it, and the last
 * one, which are at `records` of the log. */
static void
make_transaction (unsigned char (*pages)[PAGE], uint64_t log_bytes,
                  size_t records, const char *how, const struct change *change)
{
  unsigned char *last = pages[5], *before = pages[4];
  uint64_t base = lsn_of (log_bytes, (records + 1) * PAGE);
  uint64_t lsn = base + FIRST / 8;
  uint64_t first = lsn_of (log_bytes, records * PAGE + FIRST);
  size_t end = add_record (last, FIRST, lsn, 2, 0, change);

  for (int i = 0; i < 2; i++) { /* the restart pages: from here on */
    unsigned char *area = pages[i] + AREA;

    put (area + 64, lsn, 8);
    put (area + 72, lsn, 8);
  }
  lsn = base + end / 8;
  end = add_record (last, end, lsn, 1, UPDATE_RESIDENT, change);
  if (strcmp (how, "open") != 0) {
    lsn = base + end / 8;
    end = add_record (last, end, lsn, 1, FORGET, change);
  }
  for (unsigned char *page = before; page <= last; page += PAGE) {
    memcpy (page, "RCRD", 4);
    put (page + 16, 1, 4); /* records end here */
    put (page + 20, 1, 2);
    put (page + 22, 1, 2);
  }
  put (last + 8, lsn, 8);
  put (last + 24, end, 2);
  put (last + 32, lsn, 8);
  put (before + 8, first, 8);
  put (before + 24, PAGE - 16, 2);
  put (before + 32, first, 8);
  for (int i = 0; i < 2; i++)
    put (pages[i] + AREA, lsn, 8);
  memcpy (pages[2], last, PAGE);
  if (records == RECORDS_1)
    put (pages[2] + 8, (records + 1) * PAGE, 8);
  seal (before);
  seal (last);
  seal (pages[2]);
  if (strcmp (how, "torn") == 0) {
    pages[2][2 * SECTOR - 1] ^= 1;
    last[2 * SECTOR - 1] ^= 1;
  }
  if (records == RECORDS_2)
    memset (last, 0xff, PAGE);
}

static void
read_record (int fd, off_t start, const struct ntfs_boot *boot, unsigned number,
             unsigned char *record)
{
  uint64_t at = boot->mft_offset + (uint64_t)number * boot->record_bytes;

  if (pread (fd, record, boot->record_bytes, start + (off_t)at) !=
      (ssize_t)boot->record_bytes)
    fail ("no $MFT");
}

int
main (int argc, char **argv)
{
  static unsigned char pages[PAGES][PAGE];
  unsigned char sector[SECTOR], record[4096];
  const char *how = argc > 4 ? argv[4] : "";
  struct change change = {0};
  struct ntfs_boot boot;
  struct ntfs_run run;
  off_t start;
  size_t records;
  int fd, n = argc > 5 ? PAGES : 2;

  if (argc < 4) {
    fprintf (stderr, "Usage: ntfs-crash IMAGE OFFSET MAJOR [HOW [LABEL]]\n");
    return 2;
  }
  start = atoll (argv[2]);
  records = atoi (argv[3]) == 1 ? RECORDS_1 : RECORDS_2;
  fd = open (argv[1], O_RDWR | O_CLOEXEC);
  if (fd == -1 || pread (fd, sector, SECTOR, start) != SECTOR)
    fail (argv[1]);
  if (ntfs_boot_parse (sector, SECTOR, &boot) == -1)
    fail ("no NTFS boot sector");
  read_record (fd, start, &boot, NTFS_RECORD_LOGFILE, record);
  if (ntfs_first_run (record, boot.record_bytes, &boot, &run) == -1)
    fail ("no $LogFile");
  for (int i = 0; i < 2; i++)
    make_page (pages[i], atoi (argv[3]), strcmp (how, "clean") == 0,
               run.length);
  if (n > 2) {
    read_record (fd, start, &boot, NTFS_RECORD_VOLUME, record);
    find_change (record, &boot, argv[5], &change);
    make_transaction (pages, run.length, records, how, &change);
    memset (pages[3], 0xff, PAGE);
  }
  for (size_t i = 0; i < (size_t)n; i++) {
    size_t page = i < RECORDS_1 ? i : records + i - RECORDS_1;

    if (pwrite (fd, pages[i], PAGE,
                start + (off_t)(run.offset + page * PAGE)) != PAGE)
      fail ("write");
  }
  return close (fd) == 0 ? 0 : 1;
}
