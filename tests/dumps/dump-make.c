#include "dump-make.h"

#include <string.h>

#include <base/bytes.h>
#include <base/mem.h>

#define PAGE   4096
#define HEADER 8192

/* Where the kernel sees its pages: 2 MiB from physical 0x400000, pages of 4 KiB
 * each, 1 GiB from physical 0. */
#define LARGE UINT64_C (0xfffff80000200000)
#define SMALL UINT64_C (0xfffff80000400000)
#define HUGE  UINT64_C (0xfffff80040000000)

/* The page frames that there are, in their order. */
static const uint32_t frames[] = {0x7,  0x1a, 0x1b, 0x1c, 0x1d,
                                  0x30, 0x31, 0x33, 0x35, 0x410};

/* In which order the kernel sees the small ones. */
static const uint32_t small[] = {0x31, 0x30, 0x35, 0x33};

static size_t
first_page (enum dump_kind kind)
{
  return kind == DUMP_RUNS ? HEADER : HEADER + PAGE;
}

unsigned char *
dump_at (const struct dump_bytes *dump, enum dump_kind kind, uint64_t physical)
{
  for (size_t i = 0; i < ARRAY_SIZE (frames); i++)
    if (frames[i] == physical / PAGE)
      return dump->ptr + first_page (kind) + i * PAGE + physical % PAGE;
  return NULL;
}

/* Without its zero. */
static void
put_text (unsigned char *to, const char *text)
{
  while (*text)
    *to++ = (unsigned char)*text++;
}

/* --- the map of pages --- */

/* Frames that follow each other, as {first, count}. */
static size_t
put_runs (unsigned char *to)
{
  size_t n = 0;

  for (size_t i = 0; i < ARRAY_SIZE (frames);) {
    size_t j = i + 1;

    while (j < ARRAY_SIZE (frames) && frames[j] == frames[j - 1] + 1)
      j++;
    put_le64 (to + n * 16, frames[i]);
    put_le64 (to + n * 16 + 8, j - i);
    n++;
    i = j;
  }
  return n;
}

static void
put_bitmap (unsigned char *second)
{
  put_text (second, "SDMPDUMP");
  put_le64 (second + 0x20, first_page (DUMP_BITMAP));
  put_le64 (second + 0x28, ARRAY_SIZE (frames));
  put_le64 (second + 0x30, frames[ARRAY_SIZE (frames) - 1] + 5);
  for (size_t i = 0; i < ARRAY_SIZE (frames); i++)
    second[0x38 + frames[i] / 8] |= (unsigned char)(1U << frames[i] % 8);
}

static void
put_map (struct dump_bytes *dump, enum dump_kind kind)
{
  unsigned char *second = dump->ptr + HEADER;

  if (kind == DUMP_RUNS) {
    put_le32 (dump->ptr + 0x88, (uint32_t)put_runs (dump->ptr + 0x98));
    put_le64 (dump->ptr + 0x90, ARRAY_SIZE (frames));
  } else if (kind == DUMP_BITMAP)
    put_bitmap (second);
  else {
    put_le32 (second, 0x40);
    put_text (second + 4, "RDMPDUMP");
    put_le64 (second + 0x10, first_page (kind) - HEADER - 0x20);
    put_le64 (second + 0x18, first_page (kind));
    put_le64 (second + 0x28, ARRAY_SIZE (frames));
    put_runs (second + 0x30);
  }
}

/* --- the memory --- */

struct maker {
  struct dump_bytes dump;
  enum dump_kind kind;
};

static void
put_physical (const struct maker *m, uint64_t at, uint64_t value)
{
  put_le64 (dump_at (&m->dump, m->kind, at), value);
}

static void
put_tables (const struct maker *m)
{
  const uint64_t flags = 0x63; /* present, writable, accessed, dirty */

  put_physical (m, DUMP_PML4 + 0x1f0 * 8, 0x1b000 | flags);
  put_physical (m, 0x1b000, 0x1c000 | flags);
  put_physical (m, 0x1b000 + 8, 0x80 | flags);            /* HUGE */
  put_physical (m, 0x1c000 + 8, 0x400000 | 0x80 | flags); /* LARGE */
  put_physical (m, 0x1c000 + 16, 0x1d000 | flags);        /* SMALL */
  for (size_t i = 0; i < ARRAY_SIZE (small); i++)
    put_physical (m, 0x1d000 + i * 8,
                  (uint64_t)small[i] * PAGE | flags | UINT64_C (1) << 63);
}

/* What the kernel sees from `at`, byte by byte. */
static void
put_virtual (const struct maker *m, uint64_t at, const void *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++, at++) {
    uint64_t physical;

    if (at >= HUGE)
      physical = at - HUGE;
    else if (at < SMALL)
      physical = at - LARGE + 0x400000;
    else
      physical = (uint64_t)small[(at - SMALL) / PAGE] * PAGE + at % PAGE;
    *dump_at (&m->dump, m->kind, physical) = ((const unsigned char *)bytes)[i];
  }
}

static void
put_module (const struct maker *m, uint64_t at, uint64_t next, uint64_t base,
            uint32_t size, uint64_t name_at, const char *name)
{
  unsigned char entry[0x68] = {0}, wide[64] = {0};
  uint16_t bytes = (uint16_t)(2 * strlen (name));

  for (size_t i = 0; name[i]; i++)
    wide[2 * i] = (unsigned char)name[i];
  put_le64 (entry, next);
  put_le64 (entry + 0x30, base);
  put_le32 (entry + 0x40, size);
  put_le16 (entry + 0x58, bytes);
  put_le16 (entry + 0x5a, (uint16_t)(bytes + 2));
  put_le64 (entry + 0x60, name_at);
  put_virtual (m, at, entry, sizeof entry);
  put_virtual (m, name_at, wide, bytes);
}

static void
put_modules (const struct maker *m)
{
  const uint64_t head = LARGE + 0x10100, first = SMALL + 0xfd0;
  const uint64_t second = HUGE + DUMP_SECOND, third = HUGE + DUMP_THIRD;
  const uint64_t names = SMALL + 2 * PAGE;
  unsigned char link[8];

  put_le64 (link, first);
  put_virtual (m, head, link, sizeof link);
  put_module (m, first, second, UINT64_C (0xfffff80200000000), 0x1046000,
              names + 0x100, "ntoskrnl.exe");
  put_module (m, second, third, UINT64_C (0xfffff80312340000), 0x10000,
              names + 0xff4, "acme.sys");
  put_module (m, third, head, UINT64_C (0xfffff80399980000), 0x11000,
              names + 0x200, "zeta.sys");
}

struct dump_bytes
dump_make (enum dump_kind kind, uint64_t address)
{
  struct maker m = {.kind = kind};
  unsigned char *p;

  m.dump.len = first_page (kind) + ARRAY_SIZE (frames) * PAGE;
  m.dump.ptr = p = xcalloc (1, m.dump.len);
  put_text (p, "PAGEDU64");
  put_le64 (p + 0x10, DUMP_PML4 | 2); /* a PCID */
  put_le64 (p + 0x20, LARGE + 0x10100);
  put_le32 (p + 0x30, 0x8664);
  put_le32 (p + 0x38, 0x50);
  put_le64 (p + 0x50, address);
  put_le32 (p + 0xf98, kind);
  put_le64 (p + 0xfa8, 133660000000000000);
  put_map (&m.dump, kind);
  put_tables (&m);
  put_modules (&m);
  return m.dump;
}
