#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "err.h"

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
  if (len && data)
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

/* Twice the room, the content moved over. */
static struct secret *
secret_grow (struct secret *secret, size_t used)
{
  struct secret *grown = secret_new (NULL, secret->len * 2);

  memcpy (grown->data, secret->data, used);
  secret_free (secret);
  return grown;
}

struct secret *
secret_read_file (const char *path, size_t max_bytes, struct err **err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  CLEANUP_SECRET struct secret *secret = NULL;
  size_t used = 0;
  ssize_t n;

  if (fd == -1) {
    err_set_errno (err, errno, "%s", path);
    return NULL;
  }
  secret = secret_new (NULL, 16384);
  while ((n = read (fd, secret->data + used, secret->len - used)) != 0) {
    if (n == -1 && errno == EINTR)
      continue;
    if (n == -1) {
      err_set_errno (err, errno, "%s", path);
      return NULL;
    }
    used += (size_t)n;
    if (used > max_bytes) {
      err_set (err, ERR_INPUT, "%s: larger than %zu bytes", path, max_bytes);
      return NULL;
    }
    if (used == secret->len)
      secret = secret_grow (TAKE (secret), used);
  }
  return secret_new (secret->data, used);
}

#define SCRUB_BYTES 65536

__attribute__ ((noinline)) void
secret_scrub_stack (void)
{
  char below[SCRUB_BYTES];

  wipe (below, sizeof below);
}

void
wiping_free (void *ptr)
{
  if (ptr)
    wipe (ptr, malloc_usable_size (ptr));
  free (ptr);
}

void *
wiping_realloc (void *ptr, size_t size)
{
  size_t old = ptr ? malloc_usable_size (ptr) : 0;
  void *grown = malloc (size ? size : 1);

  if (grown && ptr)
    memcpy (grown, ptr, old < size ? old : size);
  if (grown)
    wiping_free (ptr);
  return grown;
}

void
secret_no_core_dumps (void)
{
  struct rlimit none = {0, 0};

  (void)setrlimit (RLIMIT_CORE, &none);
  (void)prctl (PR_SET_DUMPABLE, 0);
}
