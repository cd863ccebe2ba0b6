#include "finder.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <base/text.h>

#define LIFE_S 600

static char *
base64url (const void *data, size_t len)
{
  char *text = base64_encode (data, len);

  for (char *p = text; *p; p++)
    *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
  text[strcspn (text, "=")] = '\0';
  return text;
}

static int
give_password (char *buf, int size, int writing, void *opaque)
{
  const char *password = opaque;
  int len = password ? (int)strlen (password) : 0;

  (void)writing;
  if (len == 0 || len > size)
    return -1;
  memcpy (buf, password, (size_t)len);
  return len;
}

struct holder {
  EVP_PKEY *key;
  X509 *certificate;
  json_t *chain; /* base64 of DER, the certificate first */
};

static void
holder_release (struct holder *holder)
{
  EVP_PKEY_free (holder->key);
  X509_free (holder->certificate);
  json_decref (holder->chain);
}

static void
add_to_chain (struct holder *holder, X509 *certificate)
{
  unsigned char *der = NULL;
  int len = i2d_X509 (certificate, &der);

  if (len > 0) {
    CLEANUP_FREE char *text = base64_encode (der, (size_t)len);

    json_array_append_new (holder->chain, json_string (text));
  }
  OPENSSL_free (der);
}

/* The certificates of the file; the first one is the holder's own. */
static int
read_holder (const struct secret *pem, const char *password,
             struct holder *holder, struct err **err)
{
  BIO *bio = BIO_new_mem_buf (pem->data, (int)pem->len);
  X509 *certificate;

  holder->chain = json_array ();
  holder->key = PEM_read_bio_PrivateKey (bio, NULL, give_password,
                                         (void *)(uintptr_t)password);
  BIO_free (bio);
  if (holder->key == NULL)
    return err_set (err, ERR_AUTH,
                    "the file holds no private key in PEM form that can be "
                    "read%s",
                    password ? " with AZURE_CLIENT_CERTIFICATE_PASSWORD" : "");
  if (EVP_PKEY_get_base_id (holder->key) != EVP_PKEY_RSA)
    return err_set (err, ERR_AUTH,
                    "its key is no RSA key, which Entra ID asks for");
  bio = BIO_new_mem_buf (pem->data, (int)pem->len);
  while ((certificate = PEM_read_bio_X509 (bio, NULL, NULL, NULL))) {
    add_to_chain (holder, certificate);
    if (holder->certificate)
      X509_free (certificate);
    else
      holder->certificate = certificate;
  }
  BIO_free (bio);
  if (holder->certificate == NULL)
    return err_set (err, ERR_AUTH, "the file holds no certificate");
  if (X509_check_private_key (holder->certificate, holder->key) != 1)
    return err_set (err, ERR_AUTH,
                    "the key is not the one of the file's first certificate");
  return 0;
}

/* {"alg", "typ", "x5t", "x5c"} */
static char *
header_of (const struct holder *holder, bool send_chain)
{
  unsigned char print[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  CLEANUP_FREE char *thumb = NULL, *text = NULL;
  CLEANUP_JSON json_t *header = NULL;

  X509_digest (holder->certificate, EVP_sha1 (), print, &len);
  thumb = base64url (print, len);
  header =
      json_make ("{s:s,s:s,s:s}", "alg", "RS256", "typ", "JWT", "x5t", thumb);
  if (send_chain)
    json_object_set (header, "x5c", holder->chain);
  text = json_text (header);
  return base64url (text, strlen (text));
}

static char *
claims_of (const char *client, const char *audience, int64_t now_ms)
{
  unsigned char id[16] = {0};
  CLEANUP_FREE char *hex = NULL, *text = NULL;
  CLEANUP_JSON json_t *claims = NULL;
  json_int_t now = now_ms / 1000;

  RAND_bytes (id, sizeof id);
  hex = hex_encode (id, sizeof id);
  claims =
      json_make ("{s:s,s:s,s:s,s:s,s:I,s:I}", "aud", audience, "iss", client,
                 "sub", client, "jti", hex, "nbf", now, "exp", now + LIFE_S);
  text = json_text (claims);
  return base64url (text, strlen (text));
}

static char *
sign (EVP_PKEY *key, const char *text)
{
  EVP_MD_CTX *ctx = EVP_MD_CTX_new ();
  size_t len = (size_t)EVP_PKEY_get_size (key);
  CLEANUP_FREE unsigned char *signature = xmalloc (len);
  char *encoded = NULL;

  if (EVP_DigestSignInit (ctx, NULL, EVP_sha256 (), NULL, key) == 1 &&
      EVP_DigestSign (ctx, signature, &len, (const unsigned char *)text,
                      strlen (text)) == 1)
    encoded = base64url (signature, len);
  EVP_MD_CTX_free (ctx);
  return encoded;
}

struct secret *
azure_assertion (const struct secret *pem, const char *password,
                 const char *client, const char *audience, int64_t now_ms,
                 bool send_chain, struct err **err)
{
  CLEANUP (holder_release) struct holder holder = {0};
  CLEANUP_FREE char *header = NULL, *claims = NULL, *signature = NULL;
  CLEANUP_FREE char *text = NULL;

  if (read_holder (pem, password, &holder, err) == -1)
    return NULL;
  header = header_of (&holder, send_chain);
  claims = claims_of (client, audience, now_ms);
  text = xasprintf ("%s.%s", header, claims);
  signature = sign (holder.key, text);
  if (signature == NULL) {
    err_set (err, ERR_AUTH, "its key signs nothing");
    return NULL;
  }
  return secret_take_string (xasprintf ("%s.%s", text, signature));
}
