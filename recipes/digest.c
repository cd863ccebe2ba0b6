#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <base/text.h>

struct digest {
  EVP_MD_CTX *ctx;
};

/* These fail only for lack of memory or a broken OpenSSL. */
static void
must (int ok)
{
  if (!ok)
    abort ();
}

struct digest *
digest_new (void)
{
  struct digest *digest = xcalloc (1, sizeof *digest);

  digest->ctx = EVP_MD_CTX_new ();
  must (digest->ctx != NULL);
  must (EVP_DigestInit_ex (digest->ctx, EVP_sha256 (), NULL));
  return digest;
}

void
digest_add (struct digest *digest, const void *data, size_t len)
{
  must (EVP_DigestUpdate (digest->ctx, data, len));
}

void
digest_end (struct digest *digest, char hex[65])
{
  unsigned char sum[EVP_MAX_MD_SIZE];
  CLEANUP_FREE char *text = NULL;

  must (EVP_DigestFinal_ex (digest->ctx, sum, NULL));
  EVP_MD_CTX_free (digest->ctx);
  free (digest);
  text = hex_encode (sum, 32);
  memcpy (hex, text, 65);
}

void
digest_bytes (const void *data, size_t len, char hex[65])
{
  struct digest *digest = digest_new ();

  digest_add (digest, data, len);
  digest_end (digest, hex);
}

int
digest_file (const char *path, char hex[65], struct err **err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  CLEANUP_FREE char *chunk = xmalloc (1 << 20);
  struct digest *digest;
  ssize_t n;
  int e = 0;

  if (fd == -1)
    return err_set_errno (err, errno, "%s", path);
  digest = digest_new ();
  while ((n = read (fd, chunk, 1 << 20)) != 0) {
    if (n > 0)
      digest_add (digest, chunk, (size_t)n);
    else if (errno != EINTR) {
      e = errno;
      break;
    }
  }
  digest_end (digest, hex);
  return e ? err_set_errno (err, e, "%s", path) : 0;
}
