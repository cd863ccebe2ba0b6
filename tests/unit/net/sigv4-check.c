#include "sigv4-check.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <base/mem.h>
#include <base/text.h>

static char *
sha256_hex (const char *text)
{
  unsigned char hash[32];

  EVP_Digest (text, strlen (text), hash, NULL, EVP_sha256 (), NULL);
  return hex_encode (hash, sizeof hash);
}

static void
hmac (unsigned char key[32], size_t key_len, const char *text)
{
  unsigned char out[32];
  unsigned len;

  HMAC (EVP_sha256 (), key, (int)key_len, (const unsigned char *)text,
        strlen (text), out, &len);
  memcpy (key, out, sizeof out);
}

char *
sigv4_signature (const struct sigv4_request *r)
{
  CLEANUP_FREE char *body_hash = sha256_hex (r->body);
  CLEANUP_FREE char *canonical =
      xasprintf ("%s\n%s\n%s\n%s\n%s\n%s", r->method, r->path, r->query,
                 r->canonical_headers, r->signed_headers, body_hash);
  CLEANUP_FREE char *canonical_hash = sha256_hex (canonical);
  CLEANUP_FREE char *to_sign =
      xasprintf ("AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s",
                 r->timestamp, r->timestamp, r->region, r->service,
                 canonical_hash);
  CLEANUP_FREE char *date = xstrndup (r->timestamp, 8);
  CLEANUP_FREE char *start = xasprintf ("AWS4%s", r->secret_key);
  unsigned char key[128];

  memcpy (key, start, strlen (start));
  hmac (key, strlen (start), date);
  hmac (key, 32, r->region);
  hmac (key, 32, r->service);
  hmac (key, 32, "aws4_request");
  hmac (key, 32, to_sign);
  return hex_encode (key, 32);
}
