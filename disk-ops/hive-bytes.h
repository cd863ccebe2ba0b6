/* Numbers in the guest's byte order, for the files that read and write hives
 * and NTFS structures. */

#ifndef BOOTMEND_HIVE_BYTES_H
#define BOOTMEND_HIVE_BYTES_H

#include <stdint.h>

static inline uint16_t
get16 (const unsigned char *p)
{
  return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
get32 (const unsigned char *p)
{
  return get16 (p) | (uint32_t)get16 (p + 2) << 16;
}

static inline uint64_t
get64 (const unsigned char *p)
{
  return get32 (p) | (uint64_t)get32 (p + 4) << 32;
}

static inline void
put16 (unsigned char *p, uint16_t value)
{
  p[0] = (unsigned char)value;
  p[1] = (unsigned char)(value >> 8);
}

static inline void
put32 (unsigned char *p, uint32_t value)
{
  put16 (p, (uint16_t)value);
  put16 (p + 2, (uint16_t)(value >> 16));
}

static inline void
put64 (unsigned char *p, uint64_t value)
{
  put32 (p, (uint32_t)value);
  put32 (p + 4, (uint32_t)(value >> 32));
}

#endif
