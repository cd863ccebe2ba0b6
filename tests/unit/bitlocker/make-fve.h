/* A BitLocker volume's header and metadata, made from nothing, with keys that
 * the tests know.  Only genuine volumes show that the format is right
 * (tests/integration/bitlocker.sh); this one can be broken at any place. */

#ifndef BOOTMEND_MAKE_FVE_H
#define BOOTMEND_MAKE_FVE_H

#include <stddef.h>
#include <stdint.h>

#define MADE_RECOVERY "000011-000022-000033-000044-000055-000066-000077-720885"
#define MADE_PASSWORD                                                          \
  "Gr\xc3\xbc\xc3\x9f"                                                         \
  "e \xf0\x9f\x94\x91"
#define MADE_BLOCK 0x1000000 /* where the first metadata block is */

struct made_fve {
  unsigned char header[512];
  unsigned char block[8192];
  size_t block_len;
  unsigned char bek[156];
  unsigned char volume_key[64]; /* raw; 32 bytes with method 0x8004 */
};

/* What the volume is to be. */
struct make_fve {
  unsigned method;        /* 0: 0x8004 */
  unsigned current, next; /* 0: 4 and 4 */
  const unsigned *types;  /* of protectors, ended by 0xffff */
  unsigned sector_bytes;  /* 0: 512 */
  int extra_entries;      /* such as newer releases write */
};

void make_fve (const struct make_fve *how, struct made_fve *made);

/* The GUID of the protector of that type, as text. */
const char *made_guid (unsigned type);

#endif
