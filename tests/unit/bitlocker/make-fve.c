#include "make-fve.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static void
put (unsigned char *p, uint64_t value, int bytes)
{
  for (int i = 0; i < bytes; i++)
    p[i] = (unsigned char)(value >> 8 * i);
}

static void
must (int ok)
{
  if (!ok)
    abort ();
}

/* nonce, tag, data */
static size_t
seal (const unsigned char key[32], const unsigned char *plain, size_t len,
      unsigned char *out)
{
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new ();
  int n;

  for (int i = 0; i < 12; i++)
    out[i] = (unsigned char)(len + (size_t)i);
  must (EVP_EncryptInit_ex (ctx, EVP_aes_256_ccm (), NULL, NULL, NULL));
  must (EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL));
  must (EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_AEAD_SET_TAG, 16, NULL));
  must (EVP_EncryptInit_ex (ctx, NULL, NULL, key, out));
  must (EVP_EncryptUpdate (ctx, out + 28, &n, plain, (int)len));
  must (EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + 12));
  EVP_CIPHER_CTX_free (ctx);
  return 28 + len;
}

static void
sha256 (const void *data, size_t len, unsigned char *out)
{
  must (EVP_Digest (data, len, out, NULL, EVP_sha256 (), NULL));
}

static void
stretched (const unsigned char initial[32], const unsigned char salt[16],
           unsigned char out[32])
{
  unsigned char s[88] = {0};

  memcpy (s + 32, initial, 32);
  memcpy (s + 64, salt, 16);
  for (uint32_t i = 0; i < 0x100000; i++) {
    put (s + 80, i, 8);
    sha256 (s, sizeof s, s);
  }
  memcpy (out, s, 32);
}

/* The key that seals the master key of a protector. */
static void
outer_key (unsigned type, const unsigned char salt[16], unsigned char out[32])
{
  static const unsigned char recovery[16] = {1, 0, 2, 0, 3, 0, 4,    0,
                                             5, 0, 6, 0, 7, 0, 0xff, 0xff};
  static const unsigned char wide[] = {'G', 0, 'r', 0, 0xfc, 0,    0xdf, 0,
                                       'e', 0, ' ', 0, 0x3d, 0xd8, 0x11, 0xdd};
  /* a million rounds, and the salt is always the same */
  static unsigned char keys[2][32];
  static bool known[2];
  unsigned char initial[32];

  if (type != 0x0800 && type != 0x2000) {
    memset (out, 0x5a, 32); /* startup and clear key */
    return;
  }
  if (!known[type == 0x2000]) {
    if (type == 0x0800)
      sha256 (recovery, sizeof recovery, initial);
    else {
      sha256 (wide, sizeof wide, initial);
      sha256 (initial, 32, initial);
    }
    stretched (initial, salt, keys[type == 0x2000]);
    known[type == 0x2000] = true;
  }
  memcpy (out, keys[type == 0x2000], 32);
}

static void
guid_of (unsigned type, unsigned char guid[16])
{
  for (int i = 0; i < 16; i++)
    guid[i] = (unsigned char)i;
  put (guid + 14, type, 2);
}

const char *
made_guid (unsigned type)
{
  static char text[40];

  snprintf (text, sizeof text, "03020100-0504-0706-0809-0A0B0C0D%02X%02X",
            type & 0xffu, type >> 8 & 0xffu);
  return text;
}

static size_t
entry (unsigned char *p, unsigned type, unsigned value, size_t data_len)
{
  put (p, 8 + data_len, 2);
  put (p + 2, type, 2);
  put (p + 4, value, 2);
  put (p + 6, 1, 2);
  return 8 + data_len;
}

static size_t
plain_key (unsigned char *p, const unsigned char *key, size_t len)
{
  put (p, 12 + len, 2);
  put (p + 2, 0, 2);
  put (p + 4, 1, 4);
  put (p + 8, 0x2003, 4);
  memcpy (p + 12, key, len);
  return 12 + len;
}

static size_t
add_protector (unsigned char *p, unsigned type, const unsigned char master[32])
{
  unsigned char salt[16], outer[32], plain[64];
  unsigned char *at = p + 8;

  memset (salt, (int)(type >> 8), sizeof salt);
  guid_of (type, at);
  put (at + 16, 0x01d5500000000000, 8);
  put (at + 26, type, 2);
  at += 28;
  outer_key (type, salt, outer);
  if (type == 0x0800 || type == 0x2000) {
    put (at + 8, 0x1000, 4);
    memcpy (at + 12, salt, 16);
    at += entry (at, 0, 3, 20);
  } else if (type == 0) {
    put (at + 8, 0x2000, 4);
    memcpy (at + 12, outer, 32);
    at += entry (at, 0, 1, 36);
  }
  at += entry (at, 0, 5,
               seal (outer, plain, plain_key (plain, master, 32), at + 8));
  return entry (p, 2, 8, (size_t)(at - p) - 8);
}

static void
make_bek (struct made_fve *made)
{
  unsigned char *p = made->bek;

  put (p, sizeof made->bek, 4);
  put (p + 4, 1, 4);
  put (p + 8, 48, 4);
  guid_of (0x0200, p + 16);
  guid_of (0x0200, p + 56);
  entry (p + 80, 0, 2, 24);
  memcpy (p + 88, "E\0x\0t\0K\0e\0y\0", 12);
  memset (p + 124, 0x5a, 32);
  put (p + 120, 0x2002, 4);
  entry (p + 112, 0, 1, 36);
  entry (p + 48, 6, 9, 100);
}

static size_t
key_len (unsigned method)
{
  return method == 0x8002 ? 16 : method == 0x8003 || method == 0x8004 ? 32 : 64;
}

static void
make_block (const struct make_fve *how, unsigned method, struct made_fve *made)
{
  static const unsigned all[] = {0x0800, 0x2000, 0x0200, 0x0100, 0xffff};
  const unsigned *types = how->types ? how->types : all;
  unsigned char master[32], plain[80], *p = made->block;
  unsigned char *at = p + 112;

  memset (master, 0x17, sizeof master);
  memcpy (at + 8, "P\0C\0-\0\xe9\0 \0C\0:\0\0", 16);
  at += entry (at, 7, 2, 16);
  for (int i = 0; i < how->extra_entries; i++)
    at += entry (at, 0x0b + (unsigned)i, 0x13, 24);
  for (size_t i = 0; types[i] != 0xffff; i++)
    at += add_protector (at, types[i], master);
  at += entry (at, 3, 5,
               seal (master, plain,
                     plain_key (plain, made->volume_key, key_len (method)),
                     at + 8));
  put (at + 8, MADE_BLOCK + 65536, 8);
  put (at + 16, 8192, 8);
  at += entry (at, 0x0f, 0x0f, 16);
  made->block_len = (size_t)(at - p);
  put (p + 64, made->block_len - 64, 4);
  put (p + 68, 1, 4);
  put (p + 72, 48, 4);
  memset (p + 80, 0x77, 16);
  put (p + 100, method, 2);
}

void
make_fve (const struct make_fve *how, struct made_fve *made)
{
  static const unsigned char identifier[16] = {0x3b, 0xd6, 0x67, 0x49,
                                               0x29, 0x2e, 0xd8, 0x4a,
                                               0x83, 0x99, 0xf6, 0xa3,
                                               0x39, 0xe3, 0xd0, 0x01};
  unsigned method = how->method ? how->method : 0x8004;
  unsigned char *p = made->block;

  memset (made, 0, sizeof *made);
  for (size_t i = 0; i < sizeof made->volume_key; i++)
    made->volume_key[i] = (unsigned char)(0xc0 + i);
  memcpy (made->header, "\xeb\x58\x90-FVE-FS-", 11);
  put (made->header + 11, how->sector_bytes ? how->sector_bytes : 512, 2);
  memcpy (made->header + 160, identifier, 16);
  for (unsigned i = 0; i < 3; i++)
    put (made->header + 176 + 8 * i, MADE_BLOCK * (i + 1u), 8);
  make_block (how, method, made);
  memcpy (p, "-FVE-FS-", 8);
  put (p + 8, made->block_len / 16, 2);
  put (p + 10, 2, 2);
  put (p + 12, how->current ? how->current : 4, 2);
  put (p + 14, how->next ? how->next : 4, 2);
  put (p + 16, 64 << 20, 8);
  make_bek (made);
}
