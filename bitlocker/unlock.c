#include "unlock.h"

#include <string.h>

#include <openssl/evp.h>

#include <base/bytes.h>

#include "recovery-password.h"
#include "startup-key.h"

#define HASH_BYTES   32
#define ROUNDS       0x100000
#define KEY_HEADER   12 /* of an unsealed key: size, version, kind, method */
#define MAX_PASSWORD 1024

/* What is hashed in each round. */
struct stretch {
  unsigned char last[HASH_BYTES];
  unsigned char initial[HASH_BYTES];
  unsigned char salt[16];
  unsigned char count[8];
};

enum fve_key_kind
fve_key_kind_of (const void *key, size_t len)
{
  if (startup_key_looks_like (key, len))
    return FVE_KEY_STARTUP_KEY;
  if (recovery_password_looks_like (key, len))
    return FVE_KEY_RECOVERY_PASSWORD;
  return FVE_KEY_PASSWORD;
}

const char *
fve_key_kind_name (enum fve_key_kind kind)
{
  static const char *const names[] = {
      [FVE_KEY_RECOVERY_PASSWORD] = "recovery-password",
      [FVE_KEY_PASSWORD] = "password",
      [FVE_KEY_STARTUP_KEY] = "startup-key",
  };

  return names[kind];
}

bool
fve_key_suits (enum fve_key_kind kind, unsigned protector_type)
{
  switch (kind) {
  case FVE_KEY_RECOVERY_PASSWORD:
    return protector_type == FVE_RECOVERY_PASSWORD;
  case FVE_KEY_PASSWORD:
    return protector_type == FVE_PASSWORD;
  case FVE_KEY_STARTUP_KEY:
    return protector_type == FVE_STARTUP_KEY;
  }
  return false;
}

static bool
sha256 (EVP_MD_CTX *ctx, const void *data, size_t len,
        unsigned char hash[HASH_BYTES])
{
  return EVP_DigestInit_ex2 (ctx, NULL, NULL) == 1 &&
         EVP_DigestUpdate (ctx, data, len) == 1 &&
         EVP_DigestFinal_ex (ctx, hash, NULL) == 1;
}

static bool
stretch (EVP_MD_CTX *ctx, struct stretch *s)
{
  for (uint32_t i = 0; i < ROUNDS; i++) {
    for (int b = 0; b < 4; b++)
      s->count[b] = (unsigned char)(i >> 8 * b);
    if (!sha256 (ctx, s, sizeof *s, s->last))
      return false;
  }
  return true;
}

/* UTF-8 to UTF-16LE; the number of bytes, -1 for what is no UTF-8 or too long.
 */
static int
to_utf16 (const struct secret *text, unsigned char *out, size_t room)
{
  const unsigned char *p = (const unsigned char *)text->data;
  const unsigned char *end = p + text->len;
  size_t n = 0;

  while (p < end) {
    uint32_t c = *p++;
    int more = c < 0x80    ? 0
               : c >= 0xf0 ? 3
               : c >= 0xe0 ? 2
               : c >= 0xc0 ? 1
                           : -1;

    if (more == -1 || end - p < more || n + 4 > room)
      return -1;
    if (more)
      c &= 0x3fu >> more;
    for (; more > 0; more--) {
      if ((*p & 0xc0) != 0x80)
        return -1;
      c = c << 6 | (*p++ & 0x3f);
    }
    if (c >= 0x10000) {
      c -= 0x10000;
      out[n++] = (unsigned char)(c >> 10);
      out[n++] = (unsigned char)(0xd8 | c >> 18);
      c = 0xdc00 | (c & 0x3ff);
    }
    out[n++] = (unsigned char)c;
    out[n++] = (unsigned char)(c >> 8);
  }
  return (int)n;
}

static int
hash_password (EVP_MD_CTX *ctx, const struct secret *key,
               unsigned char initial[HASH_BYTES], struct err **err)
{
  unsigned char wide[2 * MAX_PASSWORD];
  int n = key->len > MAX_PASSWORD ? -1 : to_utf16 (key, wide, sizeof wide);
  bool ok = n >= 0 && sha256 (ctx, wide, (size_t)n, initial) &&
            sha256 (ctx, initial, HASH_BYTES, initial);

  wipe (wide, sizeof wide);
  if (n == -1)
    return err_set (err, ERR_INPUT, "the password is no UTF-8 or too long");
  return ok ? 0 : err_set (err, ERR_INTERNAL, "OpenSSL: SHA-256");
}

static int
hash_recovery (EVP_MD_CTX *ctx, const struct secret *key,
               unsigned char initial[HASH_BYTES], struct err **err)
{
  unsigned char bytes[RECOVERY_KEY_BYTES];
  int r = recovery_password_parse (key->data, key->len, bytes, err);

  if (r == 0 && !sha256 (ctx, bytes, sizeof bytes, initial))
    r = err_set (err, ERR_INTERNAL, "OpenSSL: SHA-256");
  wipe (bytes, sizeof bytes);
  return r;
}

/* The key that opens the protector, from a text and its salt. */
static int
stretched_key (const struct fve_protector *p, enum fve_key_kind kind,
               const struct secret *key, unsigned char out[HASH_BYTES],
               struct err **err)
{
  EVP_MD_CTX *ctx = EVP_MD_CTX_new ();
  struct stretch s = {0};
  int r;

  memcpy (s.salt, p->salt, sizeof s.salt);
  if (ctx == NULL || EVP_DigestInit_ex2 (ctx, EVP_sha256 (), NULL) != 1)
    r = err_set (err, ERR_INTERNAL, "OpenSSL: SHA-256");
  else if (kind == FVE_KEY_PASSWORD)
    r = hash_password (ctx, key, s.initial, err);
  else
    r = hash_recovery (ctx, key, s.initial, err);
  if (r == 0 && !stretch (ctx, &s))
    r = err_set (err, ERR_INTERNAL, "OpenSSL: SHA-256");
  memcpy (out, s.last, HASH_BYTES);
  wipe (&s, sizeof s);
  EVP_MD_CTX_free (ctx);
  return r;
}

/* AES-256-CCM.  NULL: the key does not fit. */
static struct secret *
unseal (const struct fve_sealed *sealed, const unsigned char key[HASH_BYTES])
{
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new ();
  CLEANUP_SECRET struct secret *out = secret_new (NULL, sealed->len);
  unsigned char tag[sizeof sealed->tag];
  int n = 0;
  bool ok;

  memcpy (tag, sealed->tag, sizeof tag);
  ok = ctx && EVP_DecryptInit_ex (ctx, EVP_aes_256_ccm (), NULL, NULL, NULL) &&
       EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_AEAD_SET_IVLEN, sizeof sealed->nonce,
                            NULL) &&
       EVP_CIPHER_CTX_ctrl (ctx, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) &&
       EVP_DecryptInit_ex (ctx, NULL, NULL, key, sealed->nonce) &&
       EVP_DecryptUpdate (ctx, (unsigned char *)out->data, &n, sealed->data,
                          (int)sealed->len) > 0;
  EVP_CIPHER_CTX_free (ctx);
  return ok && (size_t)n == sealed->len ? TAKE (out) : NULL;
}

/* The key inside of what was unsealed: its size stands before it. */
static bool
key_inside (const struct secret *plain, size_t *len)
{
  if (plain->len <= KEY_HEADER ||
      le16 ((const unsigned char *)plain->data) != plain->len)
    return false;
  *len = plain->len - KEY_HEADER;
  return true;
}

static size_t
key_bytes_of (unsigned method)
{
  switch (method) {
  case 0x8002:
    return 16;
  case 0x8003:
  case 0x8004:
    return 32;
  default:
    return 64; /* with the diffuser there is always room for two long keys */
  }
}

/* What dm-crypt takes: the two short keys of AES-128 with the diffuser lie
 * apart. */
static struct secret *
volume_key_of (unsigned method, const struct secret *plain)
{
  const char *key = plain->data + KEY_HEADER;
  size_t len;
  struct secret *out;

  if (!key_inside (plain, &len) || len != key_bytes_of (method))
    return NULL;
  if (method != 0x8000)
    return secret_new (key, len);
  out = secret_new (NULL, 32);
  memcpy (out->data, key, 16);
  memcpy (out->data + 16, key + 32, 16);
  return out;
}

static int
open_with (const struct fve *fve, const struct fve_protector *p,
           const unsigned char key[HASH_BYTES], struct secret **volume_key,
           struct err **err)
{
  CLEANUP_SECRET struct secret *master = NULL, *plain = NULL;
  size_t len;

  if (p->master.len == 0)
    return 0;
  master = unseal (&p->master, key);
  if (master == NULL)
    return 0;
  if (!key_inside (master, &len) || len != HASH_BYTES)
    return err_set (err, ERR_DISK,
                    "BitLocker: the master key has an unknown form");
  plain = unseal (&fve->volume_key,
                  (const unsigned char *)master->data + KEY_HEADER);
  if (plain)
    *volume_key = volume_key_of (fve->method, plain);
  if (plain == NULL || *volume_key == NULL)
    return err_set (err, ERR_DISK,
                    "BitLocker: the volume's key %s, though the protector was "
                    "opened",
                    plain ? "has an unknown form" : "is damaged");
  return 1;
}

static int
open_by_startup_key (const struct fve *fve, const struct fve_protector *p,
                     const struct secret *key, struct secret **volume_key,
                     struct err **err)
{
  struct startup_key bek;
  int r = startup_key_parse (key->data, key->len, &bek, err);

  if (r == 0 && memcmp (bek.protector, p->guid, GUID_BYTES) == 0)
    r = open_with (fve, p, bek.key, volume_key, err);
  wipe (&bek, sizeof bek);
  return r;
}

int
fve_unlock (const struct fve *fve, const struct fve_protector *protector,
            enum fve_key_kind kind, const struct secret *key,
            struct secret **volume_key, struct err **err)
{
  unsigned char stretched[HASH_BYTES];
  int r;

  *volume_key = NULL;
  if (!fve_key_suits (kind, protector->type))
    return 0;
  if (kind == FVE_KEY_STARTUP_KEY)
    return open_by_startup_key (fve, protector, key, volume_key, err);
  if (!protector->has_salt)
    return 0;
  r = stretched_key (protector, kind, key, stretched, err);
  if (r == 0)
    r = open_with (fve, protector, stretched, volume_key, err);
  wipe (stretched, sizeof stretched);
  return r;
}

int
fve_unlock_clear (const struct fve *fve, struct secret **volume_key,
                  struct err **err)
{
  int r = 0;

  *volume_key = NULL;
  for (size_t i = 0; r == 0 && i < fve->n_protectors; i++)
    if (fve->protectors[i].type == FVE_CLEAR_KEY &&
        fve->protectors[i].has_clear_key)
      r = open_with (fve, &fve->protectors[i], fve->protectors[i].clear_key,
                     volume_key, err);
  return r;
}
