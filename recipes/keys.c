#include "keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <base/files.h>
#include <base/secret.h>
#include <base/text.h>

#include "digest.h"

#define MAX_PEM_BYTES 16384

struct signing_key {
  EVP_PKEY *pkey;
};

/* For what fails only for lack of memory or in a broken OpenSSL. */
static void
must (int ok)
{
  if (ok != 1)
    abort ();
}

/* Asked for the passphrase of a protected key: there is nobody to ask. */
static int
no_passphrase (char *buf, int size, int writing, void *opaque)
{
  (void)buf;
  (void)size;
  (void)writing;
  (void)opaque;
  return -1;
}

static bool
is_ed25519 (const EVP_PKEY *pkey)
{
  return pkey && EVP_PKEY_get_base_id (pkey) == EVP_PKEY_ED25519;
}

static EVP_PKEY *
read_pem (const char *path, bool want_private, struct err **err)
{
  CLEANUP_SECRET struct secret *text =
      secret_read_file (path, MAX_PEM_BYTES, err);
  EVP_PKEY *pkey;
  BIO *bio;

  if (text == NULL)
    return NULL;
  bio = BIO_new_mem_buf (text->data, (int)text->len);
  must (bio != NULL);
  pkey = PEM_read_bio_PrivateKey (bio, NULL, no_passphrase, NULL);
  if (pkey == NULL && !want_private) {
    must (BIO_reset (bio));
    pkey = PEM_read_bio_PUBKEY (bio, NULL, no_passphrase, NULL);
  }
  BIO_free (bio);
  if (is_ed25519 (pkey))
    return pkey;
  err_set (err, ERR_INPUT, "%s: %s", path,
           pkey ? "is a key of another kind than Ed25519"
           : want_private
               ? "is no private key in PEM without a passphrase (make one with "
                 "`openssl genpkey -algorithm ed25519 -out KEY.pem`)"
               : "is no Ed25519 key in PEM");
  EVP_PKEY_free (pkey);
  return NULL;
}

static void
public_bytes (const EVP_PKEY *pkey, unsigned char out[KEY_PUBLIC_BYTES])
{
  size_t len = KEY_PUBLIC_BYTES;

  must (EVP_PKEY_get_raw_public_key (pkey, out, &len));
}

struct signing_key *
signing_key_read (const char *path, struct err **err)
{
  EVP_PKEY *pkey = read_pem (path, true, err);
  struct signing_key *key;

  if (pkey == NULL)
    return NULL;
  key = xcalloc (1, sizeof *key);
  key->pkey = pkey;
  return key;
}

void
signing_key_free (struct signing_key *key)
{
  if (key == NULL)
    return;
  EVP_PKEY_free (key->pkey);
  free (key);
}

void
cleanup_signing_key (struct signing_key **key)
{
  signing_key_free (*key);
}

void
signing_key_public (const struct signing_key *key,
                    unsigned char out[KEY_PUBLIC_BYTES])
{
  public_bytes (key->pkey, out);
}

void
signing_key_sign (const struct signing_key *key, const void *data, size_t len,
                  unsigned char out[KEY_SIGNATURE_BYTES])
{
  EVP_MD_CTX *ctx = EVP_MD_CTX_new ();
  size_t n = KEY_SIGNATURE_BYTES;

  must (ctx != NULL);
  must (EVP_DigestSignInit (ctx, NULL, NULL, NULL, key->pkey));
  must (EVP_DigestSign (ctx, out, &n, data, len));
  EVP_MD_CTX_free (ctx);
}

void
key_id (const unsigned char key[KEY_PUBLIC_BYTES], char id[KEY_ID_LENGTH + 1])
{
  char hex[65];

  digest_bytes (key, KEY_PUBLIC_BYTES, hex);
  memcpy (id, hex, KEY_ID_LENGTH);
  id[KEY_ID_LENGTH] = '\0';
}

bool
key_verify (const unsigned char key[KEY_PUBLIC_BYTES], const void *data,
            size_t len, const unsigned char signature[KEY_SIGNATURE_BYTES])
{
  EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key (EVP_PKEY_ED25519, NULL, key,
                                                KEY_PUBLIC_BYTES);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new ();
  bool good;

  must (pkey != NULL && ctx != NULL);
  must (EVP_DigestVerifyInit (ctx, NULL, NULL, NULL, pkey));
  good = EVP_DigestVerify (ctx, signature, KEY_SIGNATURE_BYTES, data, len) == 1;
  EVP_MD_CTX_free (ctx);
  EVP_PKEY_free (pkey);
  return good;
}

int
key_read_public (const char *path, unsigned char out[KEY_PUBLIC_BYTES],
                 struct err **err)
{
  EVP_PKEY *pkey = read_pem (path, false, err);

  if (pkey == NULL)
    return -1;
  public_bytes (pkey, out);
  EVP_PKEY_free (pkey);
  return 0;
}

char *
key_public_pem (const unsigned char key[KEY_PUBLIC_BYTES])
{
  EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key (EVP_PKEY_ED25519, NULL, key,
                                                KEY_PUBLIC_BYTES);
  BIO *bio = BIO_new (BIO_s_mem ());
  char *data, *text;
  long len;

  must (pkey != NULL && bio != NULL);
  must (PEM_write_bio_PUBKEY (bio, pkey));
  len = BIO_get_mem_data (bio, &data);
  text = xstrndup (data, (size_t)len);
  BIO_free (bio);
  EVP_PKEY_free (pkey);
  return text;
}

/* --- trusted keys ----------------------------------------------------------
 */

/* Nobody but root and we may write there. */
static int
check_owner (const char *path, struct err **err)
{
  struct stat st;

  if (stat (path, &st) == -1)
    return err_set_errno (err, errno, "%s", path);
  if (st.st_uid != 0 && st.st_uid != geteuid ())
    return err_set (err, ERR_REFUSED,
                    "%s: belongs to user %u, who could have any recipe carried "
                    "out; it must be yours or root's",
                    path, (unsigned)st.st_uid);
  if (st.st_mode & (S_IWGRP | S_IWOTH))
    return err_set (err, ERR_REFUSED,
                    "%s: others may write to it and so have any recipe carried "
                    "out; `chmod go-w` it after a look at what it holds",
                    path);
  return 0;
}

static int
add_key (const char *folder, const char *file, struct trusted_key_vec *keys,
         struct err **err)
{
  CLEANUP_FREE char *path = path_join (folder, file);
  struct trusted_key key = {0};

  if (check_owner (path, err) == -1 ||
      key_read_public (path, key.key, err) == -1)
    return -1;
  key_id (key.key, key.id);
  key.name = xstrndup (file, strlen (file) - strlen (".pem"));
  key.path = TAKE (path);
  trusted_key_vec_push (keys, key);
  return 0;
}

static int
wanted_file (const struct dirent *entry)
{
  size_t len = strlen (entry->d_name);

  return len > 4 && entry->d_name[0] != '.' &&
         strcmp (entry->d_name + len - 4, ".pem") == 0;
}

int
trusted_keys_read (const char *folder, struct trusted_key_vec *keys,
                   struct err **err)
{
  struct dirent **entries = NULL;
  int n = scandir (folder, &entries, wanted_file, alphasort);
  int r = 0;

  if (n == -1)
    return errno == ENOENT ? 0 : err_set_errno (err, errno, "%s", folder);
  if (check_owner (folder, err) == -1)
    r = -1;
  for (int i = 0; i < n; i++) {
    if (r == 0)
      r = add_key (folder, entries[i]->d_name, keys, err);
    free (entries[i]);
  }
  free (entries);
  return r;
}

int
trusted_keys_all (struct trusted_key_vec *keys, struct err **err)
{
  CLEANUP_FREE char *own = trusted_keys_folder ();

  if (own && trusted_keys_read (own, keys, err) == -1)
    return -1;
  return trusted_keys_read (TRUSTED_KEYS_MACHINE, keys, err);
}

const struct trusted_key *
trusted_key_by_id (const struct trusted_key_vec *keys, const char *id)
{
  for (size_t i = 0; keys && i < keys->len; i++)
    if (strcmp (keys->ptr[i].id, id) == 0)
      return &keys->ptr[i];
  return NULL;
}

void
trusted_keys_release (struct trusted_key_vec *keys)
{
  for (size_t i = 0; i < keys->len; i++) {
    free (keys->ptr[i].name);
    free (keys->ptr[i].path);
  }
  trusted_key_vec_release (keys);
}

char *
trusted_keys_folder (void)
{
  const char *given = getenv ("BOOTMEND_TRUSTED_KEYS");
  const char *config = getenv ("XDG_CONFIG_HOME");
  const char *home = getenv ("HOME");

  if (given && *given)
    return xstrdup (given);
  if (config && *config == '/')
    return xasprintf ("%s/bootmend/trusted-keys", config);
  if (home && *home == '/')
    return xasprintf ("%s/.config/bootmend/trusted-keys", home);
  return NULL;
}
