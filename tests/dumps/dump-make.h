/* Makes large crash dumps of Windows (MEMORY.DMP) for tests: a header, the map
 * of pages of each kind of dump, and a dozen pages of memory: four levels of
 * page tables with pages of 1 GiB, 2 MiB and 4 KiB, and a list of three modules
 * (ntoskrnl.exe, acme.sys, zeta.sys) whose entries and names lie across pages
 * that are apart.  [the sources of disk-ops/dump-memory.h] */

#ifndef BOOTMEND_DUMP_MAKE_H
#define BOOTMEND_DUMP_MAKE_H

#include <stddef.h>
#include <stdint.h>

/* As DumpType has them. */
enum dump_kind {
  DUMP_RUNS = 1,     /* complete, until Windows 7 */
  DUMP_BITMAP = 5,   /* kernel, active, automatic */
  DUMP_RANGES = 8,   /* kernel, of recent Windows */
  DUMP_COMPLETE = 10 /* complete, of recent Windows */
};

/* Within acme.sys, within zeta.sys, and in no module. */
#define DUMP_IN_ACME    UINT64_C (0xfffff80312345678)
#define DUMP_IN_ZETA    UINT64_C (0xfffff80399990fff)
#define DUMP_IN_NOTHING UINT64_C (0xfffff80377770000)

/* Physical addresses of what is of interest, for dump_at. */
enum {
  DUMP_PML4 = 0x1a000,
  DUMP_HEAD = 0x410100, /* of the list */
  DUMP_FIRST = 0x31fd0, /* its first entry, up to the end of a page ... */
  DUMP_SECOND = 0x7080, /* ... and the others */
  DUMP_THIRD = 0x7200,
  DUMP_NAMES = 0x35ff4 /* the second half of acme.sys is at 0x33000 */
};

struct dump_bytes {
  unsigned char *ptr; /* to be freed */
  size_t len;
};

/* A stop 0x50 whose third parameter is this address. */
struct dump_bytes dump_make (enum dump_kind kind, uint64_t address);

/* Where a physical address is in the file; NULL: it is not in there. */
unsigned char *dump_at (const struct dump_bytes *dump, enum dump_kind kind,
                        uint64_t physical);

#endif
