#include "crash-dump.h"

#include <string.h>

#include <base/mem.h>

#define DUMP_TRIAGE 4 /* DumpType of a small dump */
#define TRIAGE      0x2000
#define MAX_DRIVERS 4096

/* Where the fields are. */
static const struct layout {
  size_t code, parameters, step, type, when;
} narrow = {0x28, 0x2c, 4, 0xf88, 0xfc0}, wide = {0x38, 0x40, 8, 0xf98, 0xfa8};

/* Of the triage block of a 64-bit dump. */
enum {
  DRIVER_LIST = 0x30,
  DRIVER_COUNT = 0x34,
  BROKEN_DRIVER = 0x40,
  ENTRY_BYTES = 0x90,
  ENTRY_BASE = 0x38,
  ENTRY_SIZE = 0x48
};

static uint64_t
number (const unsigned char *bytes, size_t len, uint64_t at, size_t n)
{
  uint64_t value = 0;

  if (at > len || len - at < n)
    return 0;
  while (n-- > 0)
    value = value << 8 | bytes[at + n];
  return value;
}

/* A name of the string pool: its length in characters, then UTF-16.  NULL: that
 * is no name of a file. */
static char *
pool_name (const unsigned char *bytes, size_t len, uint64_t at)
{
  uint64_t n = number (bytes, len, at, 4);

  if (at == 0 || at > len || len - at < 4 || n > (len - at - 4) / 2)
    return NULL;
  return dump_name (bytes + at + 4, (size_t)n);
}

/* Which parameter of a stop code is the address of the instruction. [the pages
 * of these codes, "Bug Check Code Reference"; of 0x116 it is a pointer into the
 * driver of the display] */
static const struct {
  uint32_t code;
  int parameter;
} faults[] = {{0x0a, 3}, {0x1e, 1}, {0x3b, 1}, {0x50, 2},
              {0x7e, 1}, {0x8e, 1}, {0xcc, 2}, {0xcd, 2},
              {0xd1, 3}, {0xd5, 2}, {0xd6, 2}, {0x116, 1}};

static uint64_t
fault_address (const struct crash_dump *dump)
{
  for (size_t i = 0; i < ARRAY_SIZE (faults); i++)
    if (faults[i].code == (dump->code & 0xfff))
      return dump->parameters[faults[i].parameter];
  return 0;
}

static char *
driver_at (const unsigned char *bytes, size_t len, uint64_t address)
{
  uint64_t list = number (bytes, len, TRIAGE + DRIVER_LIST, 4);
  uint64_t count = number (bytes, len, TRIAGE + DRIVER_COUNT, 4);

  if (address == 0 || list < TRIAGE || count > MAX_DRIVERS)
    return NULL;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t entry = list + i * ENTRY_BYTES;
    uint64_t base = number (bytes, len, entry + ENTRY_BASE, 8);
    uint64_t size = number (bytes, len, entry + ENTRY_SIZE, 4);

    if (base && address >= base && address - base < size)
      return pool_name (bytes, len, number (bytes, len, entry, 4));
  }
  return NULL;
}

int
crash_dump_read (const unsigned char *bytes, size_t len,
                 const struct dump_source *source, struct crash_dump *dump)
{
  const struct layout *layout;

  memset (dump, 0, sizeof *dump);
  if (len < 4096 || memcmp (bytes, "PAGEDU", 6) != 0)
    return -1;
  dump->wide = memcmp (bytes + 6, "64", 2) == 0;
  if (!dump->wide && memcmp (bytes + 6, "MP", 2) != 0)
    return -1;
  layout = dump->wide ? &wide : &narrow;
  dump->code = (uint32_t)number (bytes, len, layout->code, 4);
  for (size_t i = 0; i < 4; i++)
    dump->parameters[i] =
        number (bytes, len, layout->parameters + i * layout->step,
                layout->step);
  dump->when = number (bytes, len, layout->when, 8);
  if (!dump->wide)
    return 0;
  if (number (bytes, len, layout->type, 4) == DUMP_TRIAGE) {
    dump->driver =
        pool_name (bytes, len, number (bytes, len, TRIAGE + BROKEN_DRIVER, 4));
    if (dump->driver == NULL)
      dump->driver = driver_at (bytes, len, fault_address (dump));
  } else if (source && len >= DUMP_HEADER_BYTES)
    dump->driver = dump_module_at (bytes, source, fault_address (dump));
  return 0;
}

void
crash_dump_release (struct crash_dump *dump)
{
  free (TAKE (dump->driver));
}
