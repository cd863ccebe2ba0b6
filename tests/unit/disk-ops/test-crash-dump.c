/* Headers of crash dumps: those of 64 and 32 bits, a small dump's driver, and
 * junk. */

#include "unit.h"

#include <string.h>

#include <base/mem.h>
#include <disk-ops/crash-dump.h>

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

  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, &dump), 0);
  CU_ASSERT (dump.wide);
  CU_ASSERT_EQUAL (dump.code, 0x50);
  CU_ASSERT_EQUAL (dump.parameters[0], 0xffffffff00000010);
  CU_ASSERT_EQUAL (dump.parameters[2], 0xfffff80312345678);
  CU_ASSERT_EQUAL (dump.when, 133660000000000000);
  CU_ASSERT_PTR_NOT_NULL_FATAL (dump.driver);
  CU_ASSERT_STRING_EQUAL (dump.driver, "csagent.sys");
  crash_dump_release (&dump);

  put (bytes, 0x2040, 0x3200, 4); /* what the dump itself names comes first */
  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, &dump), 0);
  CU_ASSERT_STRING_EQUAL (dump.driver, "broken.sys");
  crash_dump_release (&dump);
}

static void
test_header_only (void)
{
  CLEANUP_FREE unsigned char *bytes = small_dump ();
  struct crash_dump dump;

  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, CRASH_DUMP_HEADER, &dump), 0);
  CU_ASSERT_EQUAL (dump.code, 0x50);
  CU_ASSERT_PTR_NULL (dump.driver);
  crash_dump_release (&dump);
  put (bytes, 0xf98, 5, 4); /* no small one: what follows is memory */
  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, &dump), 0);
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
  CU_ASSERT_EQUAL_FATAL (crash_dump_read (bytes, SIZE, &dump), 0);
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

  CU_ASSERT_EQUAL (crash_dump_read (bytes, 0, &dump), -1);
  CU_ASSERT_EQUAL (crash_dump_read (bytes, 4095, &dump), -1);
  bytes[7] = 'x';
  CU_ASSERT_EQUAL (crash_dump_read (bytes, SIZE, &dump), -1);
  bytes[0] = 'M';
  CU_ASSERT_EQUAL (crash_dump_read (bytes, SIZE, &dump), -1);
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
    if (crash_dump_read (bytes, len, &dump) == 0 && dump.driver)
      for (const char *p = dump.driver; *p; p++)
        CU_ASSERT_FATAL (*p > ' ' && *p <= '~');
    crash_dump_release (&dump);
  }
}

static const struct unit_case cases[] = {
    {"a small dump", test_small},   {"only a header", test_header_only},
    {"32 bits", test_narrow},       {"no dump", test_none},
    {"damaged ones", test_damaged},
};
UNIT_MAIN ("crash dumps", cases)
