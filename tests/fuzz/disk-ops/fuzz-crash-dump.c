/* Crash dumps: any damage is survived, within the limits of what is read, and a
 * driver's name is a name.
 *
 * The input is a list of changes of a whole small dump of 16 KiB, three bytes
 * each: place (two) and new content; an odd byte at the end cuts it off there,
 * in units of 64.  With two odd bytes it is a large dump: the first says of
 * which kind, the second cuts it off, in units of 256. */

#include "fuzz.h"

#include <string.h>

#include <base/mem.h>
#include <disk-ops/crash-dump.h>
#include <dumps/dump-make.h>

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

struct file {
  const unsigned char *bytes;
  size_t len, reads, total;
};

static ssize_t
read_bytes (void *ctx, uint64_t offset, void *bytes, size_t len)
{
  struct file *file = ctx;

  file->reads++;
  file->total += len;
  FUZZ_CHECK (len <= DUMP_READ_BYTES && file->reads <= DUMP_READS &&
              file->total <= DUMP_TOTAL_BYTES);
  if (offset >= file->len)
    return 0;
  if (len > file->len - offset)
    len = file->len - (size_t)offset;
  memcpy (bytes, file->bytes + offset, len);
  return (ssize_t)len;
}

/* A whole dump, as the end of the input wants it, and how long it is. */
static unsigned char *
choose (const uint8_t *data, size_t size, size_t *whole_len, size_t *len)
{
  static const enum dump_kind kinds[] = {DUMP_RUNS, DUMP_BITMAP, DUMP_RANGES,
                                         DUMP_COMPLETE};
  struct dump_bytes large;

  *whole_len = SIZE;
  *len = size % 3 == 1 ? (size_t)data[size - 1] * 64 : SIZE;
  if (size % 3 != 2)
    return whole ();
  large = dump_make (kinds[data[size - 2] % ARRAY_SIZE (kinds)], DUMP_IN_ACME);
  *whole_len = large.len;
  *len = (size_t)data[size - 1] * 256;
  if (*len == 0 || *len > large.len)
    *len = large.len;
  return large.ptr;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  size_t whole_len, len;
  CLEANUP_FREE unsigned char *original = choose (data, size, &whole_len, &len);
  CLEANUP_FREE unsigned char *bytes = NULL;
  struct file file = {.len = len};
  const struct dump_source source = {read_bytes, &file};
  struct crash_dump dump;

  for (size_t i = 0; i + 2 < size; i += 3)
    original[(data[i] | (size_t)data[i + 1] << 8) % whole_len] = data[i + 2];
  /* exactly as long as it says, so that a sanitizer sees a step beyond */
  file.bytes = bytes = xmemdup (original, len ? len : 1);
  if (crash_dump_read (bytes, len, &source, &dump) == 0 && dump.driver) {
    FUZZ_CHECK (*dump.driver && strlen (dump.driver) <= 64);
    for (const char *p = dump.driver; *p; p++)
      FUZZ_CHECK (*p > ' ' && *p <= '~');
  }
  crash_dump_release (&dump);
  return 0;
}
