/* Gives an NTFS volume in an image the $LogFile that a crash leaves.
 *
 *   ntfs-crash IMAGE OFFSET MAJOR [clean]
 *
 * OFFSET is where the volume starts, in bytes; MAJOR is 1 (log 1.1) or 2 (log
 * 2.0).  Two restart pages are written at the start of $LogFile as Windows
 * does: ntfs-3g then takes the volume for one that was not shut down. */

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

int
main (int argc, char **argv)
{
  unsigned char sector[SECTOR], record[4096], page[PAGE];
  struct ntfs_boot boot;
  struct ntfs_run run;
  off_t start;
  int fd;

  if (argc < 4) {
    fprintf (stderr, "Usage: ntfs-crash IMAGE OFFSET MAJOR [clean]\n");
    return 2;
  }
  start = atoll (argv[2]);
  fd = open (argv[1], O_RDWR | O_CLOEXEC);
  if (fd == -1 || pread (fd, sector, SECTOR, start) != SECTOR)
    fail (argv[1]);
  if (ntfs_boot_parse (sector, SECTOR, &boot) == -1)
    fail ("no NTFS boot sector");
  if (pread (fd, record, boot.record_bytes,
             start + (off_t)(boot.mft_offset +
                             NTFS_RECORD_LOGFILE * boot.record_bytes)) !=
          (ssize_t)boot.record_bytes ||
      ntfs_first_run (record, boot.record_bytes, &boot, &run) == -1)
    fail ("no $LogFile");
  make_page (page, atoi (argv[3]), argc > 4, run.length);
  for (int i = 0; i < 2; i++)
    if (pwrite (fd, page, PAGE, start + (off_t)run.offset + i * PAGE) != PAGE)
      fail ("write");
  return close (fd) == 0 ? 0 : 1;
}
