/* Signed tokens of clients: opened, and their signature checked (RFC 7515 with
 * RS256). */

#include "rest.h"

#include <string.h>

#include <base/text.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* base64url without padding. */
static int
open_part (const char *text, size_t len, unsigned char **data, size_t *data_len)
{
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;

  for (size_t i = 0; i < len; i++)
    strbuf_addch (&sb, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
  while (sb.len % 4)
    strbuf_addch (&sb, '=');
  return base64_decode (sb.buf ? sb.buf : "", data, data_len);
}

static json_t *
open_json (const char *text, size_t len)
{
  CLEANUP_FREE unsigned char *data = NULL;
  size_t data_len;
  json_t *json;

  if (open_part (text, len, &data, &data_len) == -1)
    return NULL;
  json = json_parse ((const char *)data, data_len, "JWT", NULL);
  if (json_is_object (json))
    return json;
  json_decref (json);
  return NULL;
}

int
fake_jwt_open (const char *jwt, json_t **header, json_t **claims)
{
  const char *dot = strchr (jwt, '.');
  const char *second = dot ? strchr (dot + 1, '.') : NULL;

  if (second == NULL)
    return -1;
  *header = open_json (jwt, (size_t)(dot - jwt));
  *claims = open_json (dot + 1, (size_t)(second - dot - 1));
  if (*header && *claims)
    return 0;
  json_decref (TAKE (*header));
  json_decref (TAKE (*claims));
  return -1;
}

/* A public key, a certificate's, or a private key's public half. */
static EVP_PKEY *
key_of (const char *pem)
{
  BIO *bio = BIO_new_mem_buf (pem, -1);
  X509 *certificate = NULL;
  EVP_PKEY *key = NULL;

  if (strstr (pem, "BEGIN CERTIFICATE")) {
    certificate = PEM_read_bio_X509 (bio, NULL, NULL, NULL);
    key = certificate ? X509_get_pubkey (certificate) : NULL;
  } else if (strstr (pem, "PRIVATE KEY"))
    key = PEM_read_bio_PrivateKey (bio, NULL, NULL, NULL);
  else
    key = PEM_read_bio_PUBKEY (bio, NULL, NULL, NULL);
  X509_free (certificate);
  BIO_free (bio);
  return key;
}

bool
fake_jwt_signed_by (const char *jwt, const char *pem)
{
  const char *dot = strrchr (jwt, '.');
  CLEANUP_JSON json_t *header = NULL, *claims = NULL;
  CLEANUP_FREE unsigned char *signature = NULL;
  EVP_MD_CTX *context;
  EVP_PKEY *key;
  size_t len;
  bool good;

  if (fake_jwt_open (jwt, &header, &claims) == -1 ||
      strcmp (json_str (header, "alg", ""), "RS256") != 0 ||
      open_part (dot + 1, strlen (dot + 1), &signature, &len) == -1)
    return false;
  key = key_of (pem);
  context = EVP_MD_CTX_new ();
  good = key &&
         EVP_DigestVerifyInit (context, NULL, EVP_sha256 (), NULL, key) == 1 &&
         EVP_DigestVerify (context, signature, len, (const unsigned char *)jwt,
                           (size_t)(dot - jwt)) == 1;
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (key);
  return good;
}
