#include "certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <base/mem.h>

static char *
bio_text (BIO *bio)
{
  char *data;
  long len = BIO_get_mem_data (bio, &data);
  char *text = xstrndup (data, (size_t)len);

  BIO_free (bio);
  return text;
}

static char *
certificate_text (X509 *cert)
{
  BIO *bio = BIO_new (BIO_s_mem ());

  PEM_write_bio_X509 (bio, cert);
  return bio_text (bio);
}

static void
extend (X509 *cert, X509 *issuer, int nid, const char *value)
{
  X509V3_CTX ctx;
  X509_EXTENSION *e;

  X509V3_set_ctx (&ctx, issuer, cert, NULL, NULL, 0);
  e = X509V3_EXT_conf_nid (NULL, &ctx, nid, value);
  if (e == NULL)
    abort ();
  X509_add_ext (cert, e, -1);
  X509_EXTENSION_free (e);
}

/* issuer NULL: an authority of its own. */
static X509 *
make (const char *name, const char *hosts, long from_s, long until_s,
      EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
  static long serial;
  X509 *cert = X509_new ();
  X509_NAME *subject = X509_get_subject_name (cert);

  X509_set_version (cert, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (cert), ++serial);
  X509_gmtime_adj (X509_getm_notBefore (cert), from_s);
  X509_gmtime_adj (X509_getm_notAfter (cert), until_s);
  X509_set_pubkey (cert, key);
  X509_NAME_add_entry_by_txt (subject, "CN", MBSTRING_ASC,
                              (const unsigned char *)name, -1, -1, 0);
  X509_set_issuer_name (cert,
                        issuer ? X509_get_subject_name (issuer) : subject);
  extend (cert, issuer ? issuer : cert, NID_basic_constraints,
          issuer ? "CA:FALSE" : "critical,CA:TRUE");
  if (hosts)
    extend (cert, issuer, NID_subject_alt_name, hosts);
  if (X509_sign (cert, issuer_key, EVP_sha256 ()) == 0)
    abort ();
  return cert;
}

static char *
leaf (const char *hosts, long from_s, long until_s, EVP_PKEY *key, X509 *ca,
      EVP_PKEY *ca_key)
{
  X509 *cert = make ("leaf", hosts, from_s, until_s, key, ca, ca_key);
  char *text = certificate_text (cert);

  X509_free (cert);
  return text;
}

void
certs_make (struct certs *c)
{
  EVP_PKEY *ca_key = EVP_EC_gen ("P-256"), *key = EVP_EC_gen ("P-256");
  /* A name of its own: two authorities of one name confuse the search. */
  CLEANUP_FREE char *name = xasprintf ("test CA %p", (void *)ca_key);
  X509 *ca = make (name, NULL, -3600, 86400, ca_key, NULL, ca_key);
  BIO *bio = BIO_new (BIO_s_mem ());

  PEM_write_bio_PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL);
  c->key_pem = bio_text (bio);
  c->ca_pem = certificate_text (ca);
  c->good_pem =
      leaf ("IP:127.0.0.1,DNS:localhost", -3600, 86400, key, ca, ca_key);
  c->other_pem = leaf ("DNS:another.example", -3600, 86400, key, ca, ca_key);
  c->expired_pem = leaf ("IP:127.0.0.1", -7 * 86400L, -86400, key, ca, ca_key);
  X509_free (ca);
  EVP_PKEY_free (ca_key);
  EVP_PKEY_free (key);
}

void
certs_release (struct certs *c)
{
  free (c->ca_pem);
  free (c->key_pem);
  free (c->good_pem);
  free (c->other_pem);
  free (c->expired_pem);
}
