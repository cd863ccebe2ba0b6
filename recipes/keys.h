/* Ed25519 keys of those who sign recipes.
 *
 * Keys are PEM files as OpenSSL makes them (`openssl genpkey -algorithm
 * ed25519`); a key's id is the start of the SHA-256 of its 32 public bytes.
 * The keys that are trusted are files NAME.pem in folders: whoever may write
 * there decides whose recipes run on all disks, so a folder or file that others
 * may write is refused. */

#ifndef BOOTMEND_RECIPE_KEYS_H
#define BOOTMEND_RECIPE_KEYS_H

#include <stdbool.h>

#include <base/err.h>
#include <base/vec.h>

#define KEY_PUBLIC_BYTES    32
#define KEY_SIGNATURE_BYTES 64
#define KEY_ID_LENGTH       32 /* hex digits: 128 bits, no second key fits */

struct signing_key; /* private and public */

/* ERR_INPUT: no Ed25519 private key in PEM (a protected one is not asked for
 * its passphrase). */
struct signing_key *signing_key_read (const char *path,
                                      struct err **err) ATTR_USE;
void signing_key_free (struct signing_key *key);
#define CLEANUP_SIGNING_KEY CLEANUP (cleanup_signing_key)
void cleanup_signing_key (struct signing_key **key);
void signing_key_public (const struct signing_key *key,
                         unsigned char out[KEY_PUBLIC_BYTES]);
void signing_key_sign (const struct signing_key *key, const void *data,
                       size_t len, unsigned char out[KEY_SIGNATURE_BYTES]);

void key_id (const unsigned char key[KEY_PUBLIC_BYTES],
             char id[KEY_ID_LENGTH + 1]);
bool key_verify (const unsigned char key[KEY_PUBLIC_BYTES], const void *data,
                 size_t len,
                 const unsigned char signature[KEY_SIGNATURE_BYTES]);

/* A public key from PEM; that of a private one, if it is one. */
int key_read_public (const char *path, unsigned char out[KEY_PUBLIC_BYTES],
                     struct err **err) ATTR_USE;
/* A public key as PEM; to be freed. */
char *key_public_pem (const unsigned char key[KEY_PUBLIC_BYTES]);

struct trusted_key {
  char *name; /* of its file, without .pem: what people call the signer */
  char *path;
  char id[KEY_ID_LENGTH + 1];
  unsigned char key[KEY_PUBLIC_BYTES];
};
DEFINE_VEC (struct trusted_key, trusted_key_vec);

/* The keys in one folder, by name; none if there is no such folder.
 * ERR_REFUSED: others may write there, or a file there is no key. */
int trusted_keys_read (const char *folder, struct trusted_key_vec *keys,
                       struct err **err) ATTR_USE;
/* Those in the user's and in the machine's folder. */
int trusted_keys_all (struct trusted_key_vec *keys, struct err **err) ATTR_USE;
const struct trusted_key *trusted_key_by_id (const struct trusted_key_vec *keys,
                                             const char *id);
void trusted_keys_release (struct trusted_key_vec *keys);
#define CLEANUP_TRUSTED_KEYS CLEANUP (trusted_keys_release)

/* $BOOTMEND_TRUSTED_KEYS, or bootmend/trusted-keys in $XDG_CONFIG_HOME or
 * ~/.config; to be freed.  NULL: there is no home. */
char *trusted_keys_folder (void);
/* The machine's, which only its administrator writes. */
#define TRUSTED_KEYS_MACHINE "/etc/bootmend/trusted-keys"

#endif
