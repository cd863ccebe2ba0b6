#include "secret.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Whole pages of their own, so that the advice below hits nothing else. */
static size_t
mapped_size (size_t len)
{
  size_t page = (size_t)sysconf (_SC_PAGESIZE);

  return (len + 1 + page - 1) / page * page;
}

struct secret *
secret_new (const void *data, size_t len)
{
  struct secret *secret = xcalloc (1, sizeof *secret);

  secret->len = len;
  secret->data = mmap (NULL, mapped_size (len), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (secret->data == MAP_FAILED)
    abort ();
  /* Best effort: both may be denied to an unprivileged process. */
  (void)madvise (secret->data, mapped_size (len), MADV_DONTDUMP);
  (void)mlock (secret->data, mapped_size (len));
  if (len)
    memcpy (secret->data, data, len);
  return secret;
}

struct secret *
secret_take_string (char *text)
{
  struct secret *secret = secret_new (text, strlen (text));

  wipe (text, strlen (text));
  free (text);
  return secret;
}

void
secret_free (struct secret *secret)
{
  if (secret == NULL)
    return;
  wipe (secret->data, secret->len);
  munmap (secret->data, mapped_size (secret->len));
  free (secret);
}

void
cleanup_secret (struct secret **secret)
{
  secret_free (*secret);
}

void
wipe (void *ptr, size_t len)
{
  explicit_bzero (ptr, len);
}

void
secret_no_core_dumps (void)
{
  struct rlimit none = {0, 0};

  (void)setrlimit (RLIMIT_CORE, &none);
  (void)prctl (PR_SET_DUMPABLE, 0);
}
