#include "jwt.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <base/text.h>

char *
base64url (const void *data, size_t len)
{
  char *text = base64_encode (data, len);

  for (char *p = text; *p; p++) {
    if (*p == '+')
      *p = '-';
    else if (*p == '/')
      *p = '_';
    else if (*p == '=')
      *p = '\0';
    if (*p == '\0')
      break;
  }
  return text;
}

/* Nobody is asked for a passphrase. */
static int
no_passphrase (char *buf, int size, int writing, void *opaque)
{
  (void)buf;
  (void)size;
  (void)writing;
  (void)opaque;
  return -1;
}

static EVP_PKEY *
read_key (const struct secret *pem, struct err **err)
{
  BIO *bio = BIO_new_mem_buf (pem->data, (int)pem->len);
  EVP_PKEY *key =
      bio ? PEM_read_bio_PrivateKey (bio, NULL, no_passphrase, NULL) : NULL;

  BIO_free (bio);
  if (key == NULL)
    err_set (err, ERR_INPUT,
             "the private key is none in PEM, or has a passphrase");
  else if (EVP_PKEY_get_base_id (key) != EVP_PKEY_RSA) {
    EVP_PKEY_free (key);
    key = NULL;
    err_set (err, ERR_INPUT, "the private key is no RSA key");
  }
  return key;
}

/* base64url of the signature; NULL and no error text: OpenSSL failed. */
static char *
signature_of (EVP_PKEY *key, const char *text)
{
  EVP_MD_CTX *md = EVP_MD_CTX_new ();
  CLEANUP_FREE unsigned char *bytes = NULL;
  size_t len = 0;
  char *made = NULL;

  if (md && EVP_DigestSignInit (md, NULL, EVP_sha256 (), NULL, key) == 1 &&
      EVP_DigestSign (md, NULL, &len, (const unsigned char *)text,
                      strlen (text)) == 1) {
    bytes = xmalloc (len);
    if (EVP_DigestSign (md, bytes, &len, (const unsigned char *)text,
                        strlen (text)) == 1)
      made = base64url (bytes, len);
  }
  EVP_MD_CTX_free (md);
  return made;
}

struct secret *
jwt_sign (const json_t *header, const json_t *claims, const struct secret *key,
          struct err **err)
{
  EVP_PKEY *rsa = read_key (key, err);
  CLEANUP_JSON json_t *head = json_deep_copy (header);
  CLEANUP_FREE char *a = NULL, *b = NULL, *first = NULL, *second = NULL;
  CLEANUP_FREE char *text = NULL, *signature = NULL;

  if (rsa == NULL)
    return NULL;
  json_put_str (head, "alg", "RS256");
  a = json_text (head);
  b = json_text (claims);
  first = base64url (a, strlen (a));
  second = base64url (b, strlen (b));
  text = xasprintf ("%s.%s", first, second);
  signature = signature_of (rsa, text);
  EVP_PKEY_free (rsa);
  if (signature == NULL) {
    err_set (err, ERR_INTERNAL, "OpenSSL could not sign with the private key");
    return NULL;
  }
  return secret_take_string (xasprintf ("%s.%s", text, signature));
}
