#include "dump-memory.h"

#include <string.h>

#include <base/bytes.h>
#include <base/mem.h>
#include <base/strbuf.h>

#define PAGE        4096
#define BLOCK       32768 /* what is read at once and kept */
#define MAX_BLOCKS  512
#define MAX_BITMAP  ((size_t)32 << 20) /* of a TiB of memory */
#define MAX_RUNS    65536
#define MAX_MODULES 1024
#define MAX_NAME    64  /* characters */
#define CHUNK       512 /* bytes of the bitmap with a sum of their own */
#define MACHINE_X86 0x8664
/* Page frames, and page tables, are below this. */
#define MAX_PFN (UINT64_C (1) << 40)
#define ADDRESS UINT64_C (0x000ffffffffff000)
/* Where the kernel's half begins. */
#define KERNEL UINT64_C (0xffff800000000000)

/* Of DUMP_HEADER64. */
enum {
  CR3 = 0x10,
  MODULES = 0x20,
  MACHINE = 0x30,
  RUNS = 0x88,
  RUNS_END = RUNS + 700,
  TYPE = 0xf98
};

enum {
  TYPE_FULL = 1,
  TYPE_COMPLETE = 10
};

/* Behind the header, of a dump with a bitmap ("SDMPDUMP", "FDMPDUMP"). */
enum {
  FIRST_PAGE = 0x20,
  BITMAP_PAGES = 0x30,
  BITMAP = 0x38
};

/* ... and of one with ranges ("RDMPDUMP" behind a 0x40). */
enum {
  RANGES_BYTES = 0x10,
  RANGES_FIRST_PAGE = 0x18,
  RANGES_PAGES = 0x28, /* of all ranges, in a complete dump */
  RANGES = 0x30
};

/* Of KLDR_DATA_TABLE_ENTRY. */
enum {
  ENTRY_BASE = 0x30,
  ENTRY_SIZE = 0x40,
  ENTRY_NAME_BYTES = 0x58,
  ENTRY_NAME = 0x60,
  ENTRY_BYTES = 0x68
};

struct run {
  uint64_t first, pages; /* page frames */
  uint64_t at;           /* of the first, in the file */
};

struct block {
  uint64_t number;
  size_t len;
  unsigned char *bytes;
};

struct memory {
  const struct dump_source *source;
  uint64_t cr3;
  struct run *runs;
  size_t n_runs;
  unsigned char *bits; /* NULL: there are runs */
  uint64_t n_bits, first_page;
  uint32_t *before; /* bits that are set before each chunk */
  struct block *blocks;
  size_t n_blocks, reads, total;
};

static void
memory_release (struct memory *m)
{
  for (size_t i = 0; i < m->n_blocks; i++)
    free (m->blocks[i].bytes);
  free (TAKE (m->blocks));
  free (TAKE (m->runs));
  free (TAKE (m->bits));
  free (TAKE (m->before));
}

char *
dump_name (const unsigned char *wide, size_t characters)
{
  struct strbuf sb = STRBUF_EMPTY;

  if (characters == 0 || characters > MAX_NAME)
    return NULL;
  for (size_t i = 0; i < characters; i++) {
    unsigned c = le16 (wide + 2 * i);

    if (c == 0)
      break;
    if (c <= ' ' || c > '~') {
      strbuf_release (&sb);
      return NULL;
    }
    strbuf_addch (&sb, (char)c);
  }
  return sb.len ? strbuf_take (&sb) : NULL;
}

/* --- the file --- */

static ssize_t
fetch (struct memory *m, uint64_t at, void *bytes, size_t len)
{
  ssize_t n;

  if (m->reads >= DUMP_READS || len > DUMP_TOTAL_BYTES - m->total)
    return -1;
  m->reads++;
  m->total += len;
  n = m->source->read (m->source->ctx, at, bytes, len);
  return n > (ssize_t)len ? -1 : n;
}

static int
fetch_all (struct memory *m, uint64_t at, unsigned char *bytes, size_t len)
{
  while (len > 0) {
    size_t part = len < DUMP_READ_BYTES ? len : DUMP_READ_BYTES;

    if (fetch (m, at, bytes, part) != (ssize_t)part)
      return -1;
    at += part;
    bytes += part;
    len -= part;
  }
  return 0;
}

static const struct block *
block_at (struct memory *m, uint64_t number)
{
  struct block block = {number, 0, NULL};
  ssize_t n;

  for (size_t i = 0; i < m->n_blocks; i++)
    if (m->blocks[i].number == number)
      return &m->blocks[i];
  if (m->n_blocks == MAX_BLOCKS)
    return NULL;
  if (m->blocks == NULL)
    m->blocks = xcalloc (MAX_BLOCKS, sizeof *m->blocks);
  block.bytes = xmalloc (BLOCK);
  n = fetch (m, number * BLOCK, block.bytes, BLOCK);
  block.len = n > 0 ? (size_t)n : 0;
  m->blocks[m->n_blocks] = block;
  return &m->blocks[m->n_blocks++];
}

/* Within one page of the file. */
static int
read_file (struct memory *m, uint64_t at, void *bytes, size_t len)
{
  while (len > 0) {
    const struct block *block = block_at (m, at / BLOCK);
    size_t offset = at % BLOCK, part = BLOCK - offset;

    if (part > len)
      part = len;
    if (block == NULL || offset + part > block->len)
      return -1;
    memcpy (bytes, block->bytes + offset, part);
    at += part;
    bytes = (char *)bytes + part;
    len -= part;
  }
  return 0;
}

/* --- which pages it has --- */

static int
add_run (struct memory *m, uint64_t first, uint64_t pages, uint64_t *at)
{
  if (first >= MAX_PFN || pages > MAX_PFN - first)
    return -1;
  m->runs[m->n_runs++] = (struct run){first, pages, *at};
  *at += pages * PAGE;
  return *at < UINT64_C (1) << 60 ? 0 : -1;
}

/* PHYSICAL_MEMORY_DESCRIPTOR of the header; the pages follow each other. */
static int
read_runs (struct memory *m, const unsigned char *header)
{
  uint32_t n = le32 (header + RUNS);
  uint64_t at = DUMP_HEADER_BYTES;

  if (n == 0 || n > (RUNS_END - RUNS - 16) / 16)
    return -1;
  m->runs = xcalloc (n, sizeof *m->runs);
  for (uint32_t i = 0; i < n; i++) {
    const unsigned char *run = header + RUNS + 16 + i * 16;

    if (add_run (m, le64 (run), le64 (run + 8), &at) == -1)
      return -1;
  }
  return 0;
}

static int
read_ranges (struct memory *m, const unsigned char *second, uint64_t pages)
{
  uint64_t at = le64 (second + RANGES_FIRST_PAGE), had = 0;
  uint64_t bytes = le64 (second + RANGES_BYTES), n = bytes / 16;
  CLEANUP_FREE unsigned char *ranges = NULL;

  /* what comes before the first page is the ranges' */
  if (bytes < 0x20 || at < DUMP_HEADER_BYTES + 0x40 ||
      bytes - 0x20 != at - DUMP_HEADER_BYTES - 0x40 || n > MAX_RUNS)
    return -1;
  n -= 1; /* the second half of the header counts as one */
  ranges = xmalloc (n * 16 + 1);
  if (fetch_all (m, DUMP_HEADER_BYTES + RANGES, ranges, n * 16) == -1)
    return -1;
  m->runs = xcalloc (n + 1, sizeof *m->runs);
  for (uint64_t i = 0; i < n && had < pages; i++) {
    const unsigned char *range = ranges + i * 16;

    if (le64 (range) == 0)
      break;
    if (add_run (m, le64 (range), le64 (range + 8), &at) == -1)
      return -1;
    had += le64 (range + 8);
  }
  return 0;
}

static uint32_t
count_bits (const unsigned char *bytes, size_t len)
{
  uint32_t n = 0;

  for (size_t i = 0; i < len; i++)
    n += (uint32_t)__builtin_popcount (bytes[i]);
  return n;
}

static int
read_bitmap (struct memory *m, const unsigned char *second)
{
  uint64_t pages = le64 (second + BITMAP_PAGES), len = pages / 8 + 1;
  size_t n;

  m->first_page = le64 (second + FIRST_PAGE);
  if (pages == 0 || len > MAX_BITMAP || m->first_page >= UINT64_C (1) << 60 ||
      m->first_page < DUMP_HEADER_BYTES + BITMAP + pages / 8)
    return -1;
  n = (size_t)len / CHUNK + 1;
  m->n_bits = pages;
  m->bits = xcalloc (n, CHUNK);
  if (fetch_all (m, DUMP_HEADER_BYTES + BITMAP, m->bits,
                 (size_t)((pages + 7) / 8)) == -1)
    return -1;
  m->before = xcalloc (n, sizeof *m->before);
  for (size_t i = 1; i < n; i++)
    m->before[i] =
        m->before[i - 1] + count_bits (m->bits + (i - 1) * CHUNK, CHUNK);
  return 0;
}

static int
read_map (struct memory *m, const unsigned char *header)
{
  unsigned char second[BITMAP] = {0};
  uint32_t type = le32 (header + TYPE);

  if (type == TYPE_FULL)
    return read_runs (m, header);
  if (read_file (m, DUMP_HEADER_BYTES, second, sizeof second) == -1)
    return -1;
  if (memcmp (second, "SDMPDUMP", 8) == 0 ||
      memcmp (second, "FDMPDUMP", 8) == 0)
    return read_bitmap (m, second);
  if (le32 (second) == 0x40 && memcmp (second + 4, "RDMPDUMP", 8) == 0)
    return read_ranges (m, second,
                        type == TYPE_COMPLETE ? le64 (second + RANGES_PAGES)
                                              : UINT64_MAX);
  return -1;
}

/* Where a page frame is in the file. */
static int
find_page (const struct memory *m, uint64_t pfn, uint64_t *at)
{
  if (m->bits) {
    size_t byte = (size_t)(pfn / 8), chunk = byte / CHUNK;
    unsigned bit = 1U << pfn % 8;
    uint64_t n;

    if (pfn >= m->n_bits || !(m->bits[byte] & bit))
      return -1;
    n = m->before[chunk] +
        count_bits (m->bits + chunk * CHUNK, byte - chunk * CHUNK) +
        (unsigned)__builtin_popcount (m->bits[byte] & (bit - 1));
    *at = m->first_page + n * PAGE;
    return 0;
  }
  for (size_t i = 0; i < m->n_runs; i++)
    if (pfn >= m->runs[i].first && pfn - m->runs[i].first < m->runs[i].pages) {
      *at = m->runs[i].at + (pfn - m->runs[i].first) * PAGE;
      return 0;
    }
  return -1;
}

/* --- what is in them --- */

static int
read_physical (struct memory *m, uint64_t address, void *bytes, size_t len)
{
  uint64_t at;

  if (find_page (m, address / PAGE, &at) == -1)
    return -1;
  return read_file (m, at + address % PAGE, bytes, len);
}

/* Four levels; a page may be of 1 GiB, of 2 MiB or of 4 KiB. */
static int
translate (struct memory *m, uint64_t address, uint64_t *physical)
{
  uint64_t table = m->cr3 & ADDRESS;

  for (int shift = 39; shift >= 12; shift -= 9) {
    uint64_t page = (UINT64_C (1) << shift) - 1, value;
    unsigned char entry[8] = {0};

    if (read_physical (m, table + (address >> shift & 511) * 8, entry,
                       sizeof entry) == -1)
      return -1;
    value = le64 (entry);
    if (!(value & 1)) /* present */
      return -1;
    table = value & ADDRESS;
    if (shift == 12 || (shift < 39 && value & 0x80)) {
      *physical = (table & ~page) | (address & page);
      return 0;
    }
  }
  return -1;
}

static int
read_virtual (struct memory *m, uint64_t address, void *bytes, size_t len)
{
  while (len > 0) {
    size_t part = PAGE - address % PAGE;
    uint64_t physical;

    if (part > len)
      part = len;
    if (address < KERNEL || translate (m, address, &physical) == -1 ||
        read_physical (m, physical, bytes, part) == -1)
      return -1;
    address += part;
    bytes = (char *)bytes + part;
    len -= part;
  }
  return 0;
}

static char *
module_name (struct memory *m, const unsigned char *entry)
{
  unsigned char wide[2 * MAX_NAME] = {0};
  size_t bytes = le16 (entry + ENTRY_NAME_BYTES);

  if (bytes > sizeof wide ||
      read_virtual (m, le64 (entry + ENTRY_NAME), wide, bytes) == -1)
    return NULL;
  return dump_name (wide, bytes / 2);
}

/* The list is a ring: its head has no module, each entry begins with where the
 * next one is. */
static char *
find_module (struct memory *m, uint64_t head, uint64_t address)
{
  unsigned char entry[ENTRY_BYTES] = {0};
  uint64_t at;

  if (read_virtual (m, head, entry, 8) == -1)
    return NULL;
  at = le64 (entry);
  for (int i = 0; i < MAX_MODULES && at != head; i++) {
    uint64_t base;

    if (read_virtual (m, at, entry, sizeof entry) == -1)
      return NULL;
    base = le64 (entry + ENTRY_BASE);
    if (base >= KERNEL && address >= base &&
        address - base < le32 (entry + ENTRY_SIZE))
      return module_name (m, entry);
    at = le64 (entry);
  }
  return NULL;
}

char *
dump_module_at (const unsigned char *header, const struct dump_source *source,
                uint64_t address)
{
  struct memory m = {.source = source, .cr3 = le64 (header + CR3)};
  char *name = NULL;

  if (address >= KERNEL && le32 (header + MACHINE) == MACHINE_X86 &&
      read_map (&m, header) == 0)
    name = find_module (&m, le64 (header + MODULES), address);
  memory_release (&m);
  return name;
}
