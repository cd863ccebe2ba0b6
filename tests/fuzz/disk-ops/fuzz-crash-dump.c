/* Crash dumps: any damage is survived, and a driver's name is a name.
 *
 * The input is a list of changes of a whole small dump of 16 KiB, three bytes
 * each: place (two) and new content; an odd byte at the end cuts it off there,
 * in units of 64. */

#include "fuzz.h"

#include <string.h>

#include <base/mem.h>
#include <disk-ops/crash-dump.h>

#define SIZE 0x4000

static void
put (unsigned char *bytes, size_t at, uint64_t value)
{
  for (size_t i = 0; i < 8; i++, value >>= 8)
    bytes[at + i] = (unsigned char)value;
}

static unsigned char *
whole (void)
{
  unsigned char *bytes = xcalloc (1, SIZE);

  memcpy (bytes, "PAGEDU64", 8);
  put (bytes, 0x38, 0x50);
  put (bytes, 0x50, 0xfffff80312345678);
  put (bytes, 0xf98, 4);
  put (bytes, 0x2030, UINT64_C (2) << 32 | 0x2100);
  put (bytes, 0x2100, 0x3000);
  put (bytes, 0x2138, 0xfffff80312340000);
  put (bytes, 0x2148, 0x10000);
  put (bytes, 0x3000, UINT64_C (0x00620061) << 32 | 2);
  return bytes;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  CLEANUP_FREE unsigned char *original = whole (), *bytes = NULL;
  size_t len = size % 3 == 1 ? (size_t)data[size - 1] * 64 : SIZE;
  struct crash_dump dump;

  for (size_t i = 0; i + 2 < size; i += 3)
    original[(data[i] | (size_t)data[i + 1] << 8) % SIZE] = data[i + 2];
  /* exactly as long as it says, so that a sanitizer sees a step beyond */
  bytes = xmemdup (original, len ? len : 1);
  if (crash_dump_read (bytes, len, &dump) == 0 && dump.driver) {
    FUZZ_CHECK (*dump.driver && strlen (dump.driver) <= 64);
    for (const char *p = dump.driver; *p; p++)
      FUZZ_CHECK (*p > ' ' && *p <= '~');
  }
  crash_dump_release (&dump);
  return 0;
}
