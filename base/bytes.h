/* Little-endian numbers in bytes that somebody else wrote or will read; the
 * caller has checked that they are there. */

#ifndef BOOTMEND_BYTES_H
#define BOOTMEND_BYTES_H

#include <stdint.h>

static inline uint16_t
le16 (const unsigned char *p)
{
  return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
le32 (const unsigned char *p)
{
  return le16 (p) | (uint32_t)le16 (p + 2) << 16;
}

static inline uint64_t
le64 (const unsigned char *p)
{
  return le32 (p) | (uint64_t)le32 (p + 4) << 32;
}

static inline void
put_le16 (unsigned char *p, uint16_t value)
{
  p[0] = (unsigned char)value;
  p[1] = (unsigned char)(value >> 8);
}

static inline void
put_le32 (unsigned char *p, uint32_t value)
{
  put_le16 (p, (uint16_t)value);
  put_le16 (p + 2, (uint16_t)(value >> 16));
}

static inline void
put_le64 (unsigned char *p, uint64_t value)
{
  put_le32 (p, (uint32_t)value);
  put_le32 (p + 4, (uint32_t)(value >> 32));
}

#endif
