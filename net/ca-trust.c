/* Which certificates TLS trusts: the environment's or the system's, and one
 * more file that the operator names (a company's TLS-inspecting proxy, a fake
 * cloud in tests).  libcurl can replace its CA file but not add to it, so both
 * are joined in a memory file; a file name, unlike a blob, lets libcurl keep
 * the parsed certificates for the next connection. */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/files.h>

#include "curl-internal.h"

#define MAX_CA_BYTES (16u << 20)

static const char *
env (const char *name)
{
  const char *value = getenv (name);

  return value && *value ? value : NULL;
}

static int
read_certificates (const char *path, const char *who, struct strbuf *all,
                   struct err **err)
{
  CLEANUP_FREE char *text = NULL;
  size_t len;

  if (file_read (path, MAX_CA_BYTES, &text, &len, err) == -1)
    return err_wrap (err, "certificates of %s", who);
  if (memmem (text, len, "-----BEGIN ", 11) == NULL ||
      memmem (text, len, "CERTIFICATE-----", 16) == NULL)
    return err_set (err, ERR_INPUT,
                    "certificates of %s: %s holds none in PEM form "
                    "(\"-----BEGIN CERTIFICATE-----\")",
                    who, path);
  strbuf_add (all, text, len);
  strbuf_addch (all, '\n');
  return 0;
}

int
ca_trust_add (struct ca_trust *trust, const char *who, const char *file,
              struct err **err)
{
  CLEANUP_STRBUF struct strbuf all = STRBUF_EMPTY;
  int fd;

  if (trust->file &&
      read_certificates (trust->file, "those trusted so far", &all, err) == -1)
    return -1;
  if (read_certificates (file, who, &all, err) == -1)
    return -1;
  /* A file of its own: libcurl keeps what it has read from a name. */
  fd = memfd_create ("bootmend-ca", MFD_CLOEXEC);
  if (fd == -1)
    return err_set_errno (err, errno, "memfd_create");
  if (write_all (fd, all.buf, all.len) == -1) {
    close (fd);
    return err_set_errno (err, errno, "write certificates to memory");
  }
  if (trust->combined >= 0)
    fd_vec_push (&trust->earlier, trust->combined);
  trust->combined = fd;
  free (trust->file);
  trust->file = xasprintf ("/proc/self/fd/%d", trust->combined);
  return 0;
}

int
ca_trust_find (const char *extra_file, struct ca_trust *trust, struct err **err)
{
  const curl_version_info_data *version = curl_version_info (CURLVERSION_NOW);
  CLEANUP_STRBUF struct strbuf probe = STRBUF_EMPTY;
  const char *file = env ("CURL_CA_BUNDLE"), *folder = NULL;
  const char *who = "CURL_CA_BUNDLE";

  *trust = (struct ca_trust){.combined = -1};
  if (file == NULL) {
    file = env ("SSL_CERT_FILE");
    folder = env ("SSL_CERT_DIR");
    who = "SSL_CERT_FILE";
  }
  if (file && read_certificates (file, who, &probe, err) == -1)
    return -1;
  if (file == NULL && folder == NULL) {
    /* The folder only if there is no file: with a folder, libcurl reads
     * everything anew for each connection. */
    file = version->cainfo;
    if (file == NULL || access (file, R_OK) == -1) {
      file = NULL;
      folder = version->capath;
    }
  }
  trust->file = file ? xstrdup (file) : NULL;
  trust->folder = folder ? xstrdup (folder) : NULL;
  if (extra_file && ca_trust_add (trust, "--ca-file", extra_file, err) == -1) {
    ca_trust_release (trust);
    return -1;
  }
  return 0;
}

void
ca_trust_release (struct ca_trust *trust)
{
  free (trust->file);
  free (trust->folder);
  if (trust->combined >= 0)
    close (trust->combined);
  for (size_t i = 0; i < trust->earlier.len; i++)
    close (trust->earlier.ptr[i]);
  fd_vec_release (&trust->earlier);
  *trust = (struct ca_trust){.combined = -1};
}
