/* Crash dumps: headers of 64 and 32 bits, a small dump's driver, the driver in
 * the memory of large ones of each kind, and junk. */

#include "unit.h"

#include <string.h>

#include <base/bytes.h>
#include <base/mem.h>
#include <disk-ops/crash-dump.h>
#include <dumps/dump-make.h>

#define SIZE 0x4000

static void
put (unsigned char *bytes, size_t at, uint64_t value, size_t n)
{
  for (size_t i = 0; i < n; i++, value >>= 8)
    bytes[at + i] = (unsigned char)value;
}

static void
put_name (unsigned char *bytes, size_t at, const char *name)
{
  put (bytes, at, strlen (name), 4);
  for (size_t i = 0; name[i]; i++)
    put (bytes, at + 4 + 2 * i, (unsigned char)name[i], 2);
}

/* A small dump of a page fault at 0xfffff80312345678 with two drivers. */
static unsigned char *
small_dump (void)
{
  unsigned char *bytes = xcalloc (1, SIZE);

  memcpy (bytes, "PAGEDU64", 8);
  put (bytes, 0x38, 0x50, 4);
  put (bytes, 0x40, 0xffffffff00000010, 8);
  put (bytes, 0x50, 0xfffff80312345678, 8);
  put (bytes, 0xf98, 4, 4);
  put (bytes, 0xfa8, 133660000000000000, 8);
  put (bytes, 0x2030, 0x2100, 4);
  put (bytes, 0x2034, 2, 4);
  put (bytes, 0x2100, 0x3000, 4);
  put (bytes, 0x2138, 0xfffff80300000000, 8);
  put (bytes, 0x2148, 0x1000, 4);
  put (bytes, 0x2190, 0x3100, 4);
  put (bytes, 0x21c8, 0xfffff80312340000, 8);
  put (bytes, 0x21d8, 0x10000, 4);
  put_name (bytes, 0x3000, "ntoskrnl.exe");
  put_name (bytes, 0x3100, "csagent.sys");
  put_name (bytes, 0x3200, "broken.sys");
  return bytes;
}

static void
test_small (void)
{
  CLEANUP_FREE unsigned char *bytes = small_dump ();
  struct crash_dump dump;

  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, NULL, &dump), 0);
  CU_ASSERT (dump.wide);
  CU_ASSERT_EQUAL (dump.code, 0x50);
  CU_ASSERT_EQUAL (dump.parameters[0], 0xffffffff00000010);
  CU_ASSERT_EQUAL (dump.parameters[2], 0xfffff80312345678);
  CU_ASSERT_EQUAL (dump.when, 133660000000000000);
  CU_ASSERT_PTR_NOT_NULL_FATAL (dump.driver);
  CU_ASSERT_STRING_EQUAL (dump.driver, "csagent.sys");
  crash_dump_release (&dump);

  put (bytes, 0x2040, 0x3200, 4); /* what the dump itself names comes first */
  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, NULL, &dump), 0);
  CU_ASSERT_STRING_EQUAL (dump.driver, "broken.sys");
  crash_dump_release (&dump);
}

static void
test_header_only (void)
{
  CLEANUP_FREE unsigned char *bytes = small_dump ();
  struct crash_dump dump;

  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, CRASH_DUMP_HEADER, NULL,
                                          &dump),
                         0);
  CU_ASSERT_EQUAL (dump.code, 0x50);
  CU_ASSERT_PTR_NULL (dump.driver);
  crash_dump_release (&dump);
  put (bytes, 0xf98, 5, 4); /* no small one: what follows is memory */
  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, NULL, &dump), 0);
  CU_ASSERT_PTR_NULL (dump.driver);
  crash_dump_release (&dump);
}

static void
test_narrow (void)
{
  CLEANUP_FREE unsigned char *bytes = xcalloc (1, SIZE);
  struct crash_dump dump;

  memcpy (bytes, "PAGEDUMP", 8);
  put (bytes, 0x28, 0x7b, 4);
  put (bytes, 0x2c, 0xf78a6a94, 4);
  put (bytes, 0x30, 0xc0000034, 4);
  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, NULL, &dump), 0);
  CU_ASSERT_FALSE (dump.wide);
  CU_ASSERT_EQUAL (dump.code, 0x7b);
  CU_ASSERT_EQUAL (dump.parameters[1], 0xc0000034);
  crash_dump_release (&dump);
}

static void
test_none (void)
{
  CLEANUP_FREE unsigned char *bytes = small_dump ();
  struct crash_dump dump;

  CU_ASSERT_EQUAL (crash_dump_read (bytes, 0, NULL, &dump), -1);
  CU_ASSERT_EQUAL (crash_dump_read (bytes, 4095, NULL, &dump), -1);
  bytes[7] = 'x';
  CU_ASSERT_EQUAL (crash_dump_read (bytes, SIZE, NULL, &dump), -1);
  bytes[0] = 'M';
  CU_ASSERT_EQUAL (crash_dump_read (bytes, SIZE, NULL, &dump), -1);
}

/* Damaged at random, of each length: no read beyond the end (the sanitizers
 * look), and a name is a name. */
static void
test_damaged (void)
{
  unsigned state = 11;

  for (int round = 0; round < 20000; round++) {
    CLEANUP_FREE unsigned char *whole = small_dump (), *bytes = NULL;
    size_t len = SIZE;
    struct crash_dump dump;

    for (int i = 0; i < 6; i++) {
      state = state * 1103515245 + 12345;
      whole[0x2000 + (state >> 8) % 0x1200] = (unsigned char)(state >> 24);
      whole[0x2030 + (state >> 16) % 0x20] ^= (unsigned char)(state >> 20);
    }
    len = 4096 + (state >> 4) % (SIZE - 4096);
    bytes = xmemdup (whole, len);
    if (crash_dump_read (bytes, len, NULL, &dump) == 0 && dump.driver)
      for (const char *p = dump.driver; *p; p++)
        CU_ASSERT_FATAL (*p > ' ' && *p <= '~');
    crash_dump_release (&dump);
  }
}

/* --- large ones --- */

static const enum dump_kind kinds[] = {DUMP_RUNS, DUMP_BITMAP, DUMP_RANGES,
                                       DUMP_COMPLETE};

/* A file in memory, and what was read of it. */
struct file {
  struct dump_bytes bytes;
  size_t reads, total;
};

static ssize_t
read_bytes (void *ctx, uint64_t offset, void *bytes, size_t len)
{
  struct file *file = ctx;

  CU_ASSERT_FATAL (len <= DUMP_READ_BYTES);
  file->reads++;
  file->total += len;
  if (offset >= file->bytes.len)
    return 0;
  if (len > file->bytes.len - offset)
    len = file->bytes.len - (size_t)offset;
  memcpy (bytes, file->bytes.ptr + offset, len);
  return (ssize_t)len;
}

/* The driver that is named in this file, to be freed. */
static char *
driver_of (struct file *file)
{
  const struct dump_source source = {read_bytes, file};
  struct crash_dump dump;
  char *name = NULL;

  file->reads = file->total = 0;
  if (crash_dump_read (file->bytes.ptr, DUMP_HEADER_BYTES, &source, &dump) == 0)
    name = TAKE (dump.driver);
  CU_ASSERT_FATAL (file->reads <= DUMP_READS);
  CU_ASSERT_FATAL (file->total <= DUMP_TOTAL_BYTES);
  crash_dump_release (&dump);
  return name;
}

static void
is_driver (struct file *file, const char *name)
{
  CLEANUP_FREE char *is = driver_of (file);

  if (name == NULL)
    CU_ASSERT_PTR_NULL (is)
  else {
    CU_ASSERT_PTR_NOT_NULL_FATAL (is);
    CU_ASSERT_STRING_EQUAL (is, name);
  }
}

static void
test_large (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++) {
    static const struct {
      uint64_t address;
      const char *name;
    } rows[] = {{DUMP_IN_ACME, "acme.sys"},
                {DUMP_IN_ZETA, "zeta.sys"},
                {UINT64_C (0xfffff80200000000), "ntoskrnl.exe"},
                {DUMP_IN_NOTHING, NULL},
                {0, NULL},
                {0x12345678, NULL}};

    for (size_t j = 0; j < ARRAY_SIZE (rows); j++) {
      struct file file = {.bytes = dump_make (kinds[i], rows[j].address)};

      is_driver (&file, rows[j].name);
      CU_ASSERT (file.reads <= 8);
      free (file.bytes.ptr);
    }
  }
}

/* One change of a number of 64 bits, after which there is no name; no change:
 * acme.sys. */
static void
test_large_damaged (void)
{
  static const struct {
    uint64_t at; /* physical, or the offset in the file if it is below HEADER */
    uint64_t value;
  } rows[] = {
      {0x10, 0x123000},                      /* page tables that are nowhere */
      {0x10, UINT64_MAX},                    /* ... or beyond everything */
      {0x20, 0},                             /* a list that is nowhere */
      {0x20, UINT64_C (0xfffff80000500000)}, /* ... or not mapped */
      {0x20, UINT64_MAX - 3},                /* ... or at the end of it all */
      {0x30, 0xaa64},                        /* another processor */
      {DUMP_PML4 + 0x1f0 * 8, 0x1b062},      /* not present */
      {DUMP_PML4 + 0x1f0 * 8, 0x1a063},      /* its own table */
      {DUMP_HEAD, UINT64_C (0xfffff80000210100)}, /* no module at all */
      {DUMP_HEAD, 0x7080}, /* a list that leaves the kernel */
      {DUMP_FIRST, UINT64_C (0xfffff80000400fd0)}, /* a ring of one entry */
      {DUMP_SECOND + 0x30, 0x12340000}, /* a module below the kernel */
      {DUMP_SECOND + 0x40, 1},          /* ... that is too small */
      {DUMP_SECOND + 0x58, 0xffff},     /* a name that is too long */
      {DUMP_SECOND + 0x58, 0},          /* ... empty */
      {DUMP_SECOND + 0x60, 0x7000},     /* ... somebody else's */
      {DUMP_NAMES, UINT64_C (0x0020006d00630061)}, /* ... with a blank */
      {DUMP_NAMES, UINT64_C (0x043c006d00630061)}, /* ... with other letters */
  };

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    for (size_t j = 0; j < ARRAY_SIZE (rows); j++) {
      struct file file = {.bytes = dump_make (kinds[i], DUMP_IN_ACME)};

      put_le64 (rows[j].at < 0x1000
                    ? file.bytes.ptr + rows[j].at
                    : dump_at (&file.bytes, kinds[i], rows[j].at),
                rows[j].value);
      is_driver (&file, NULL);
      free (file.bytes.ptr);
    }
}

/* Maps that claim what can't be. */
static void
test_maps (void)
{
  static const struct {
    enum dump_kind kind;
    size_t at; /* in the file */
    uint64_t value;
  } rows[] = {
      {DUMP_RUNS, 0x88, 43}, /* more runs than there is room for */
      {DUMP_RUNS, 0x88, 0},
      {DUMP_RUNS, 0x98, UINT64_MAX},
      {DUMP_RUNS, 0xa0, UINT64_MAX},
      {DUMP_BITMAP, 0x2000, 0}, /* no signature */
      {DUMP_BITMAP, 0x2020, 0}, /* pages before the bitmap */
      {DUMP_BITMAP, 0x2020, UINT64_MAX},
      {DUMP_BITMAP, 0x2020, 0x1000000}, /* ... or behind the file */
      {DUMP_BITMAP, 0x2030, 0},
      {DUMP_BITMAP, 0x2030, UINT64_MAX},
      {DUMP_BITMAP, 0x2030, 0x100}, /* the list is not in it */
      {DUMP_RANGES, 0x2000, 0},
      {DUMP_RANGES, 0x2010, 0},
      {DUMP_RANGES, 0x2010, UINT64_MAX},
      {DUMP_RANGES, 0x2018, UINT64_MAX},
      {DUMP_RANGES, 0x2030, 0}, /* the first ends them */
      {DUMP_RANGES, 0x2038, UINT64_MAX},
      {DUMP_COMPLETE, 0x2028, 1}, /* of so many pages */
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    struct file file = {.bytes = dump_make (rows[i].kind, DUMP_IN_ACME)};

    put_le64 (file.bytes.ptr + rows[i].at, rows[i].value);
    is_driver (&file, NULL);
    free (file.bytes.ptr);
  }
}

/* Damaged at random and cut off: it ends, within its limits. */
static void
test_large_random (void)
{
  unsigned state = 5;

  for (int round = 0; round < 4000; round++) {
    enum dump_kind kind = kinds[(size_t)round % ARRAY_SIZE (kinds)];
    struct file file = {.bytes = dump_make (kind, DUMP_IN_ACME)};
    CLEANUP_FREE char *name = NULL;

    for (int i = 0; i < 5; i++) {
      state = state * 1103515245 + 12345;
      file.bytes.ptr[0x88 + (state >> 8) % (file.bytes.len - 0x88)] ^=
          (unsigned char)(state >> 24);
      file.bytes.ptr[0x2000 + (state >> 12) % 0x60] ^=
          (unsigned char)(1 << (state >> 28) % 8);
    }
    if (round % 3 == 0)
      file.bytes.len = DUMP_HEADER_BYTES +
                       (state >> 4) % (file.bytes.len - DUMP_HEADER_BYTES);
    name = driver_of (&file);
    for (const char *p = name ? name : ""; *p; p++)
      CU_ASSERT_FATAL (*p > ' ' && *p <= '~');
    free (file.bytes.ptr);
  }
}

static const struct unit_case cases[] = {
    {"a small dump", test_small},
    {"only a header", test_header_only},
    {"32 bits", test_narrow},
    {"no dump", test_none},
    {"damaged ones", test_damaged},
    {"large ones", test_large},
    {"large ones with a wrong number", test_large_damaged},
    {"maps of pages that can't be", test_maps},
    {"large ones, damaged at random", test_large_random},
};
UNIT_MAIN ("crash dumps", cases)
