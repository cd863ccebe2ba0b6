/* A fuzzer for those who have none: every seed as it is, then 20,000 mutations
 * of the seeds, the same ones each time.  Arguments: files or folders. */

#include <dirent.h>
#include <string.h>

#include <base/files.h>
#include <base/random.h>
#include <base/vec.h>

#include "fuzz.h"

#define ROUNDS    20000
#define MAX_BYTES 4096

struct seed {
  char *data;
  size_t len;
};

DEFINE_VEC (struct seed, seeds);

static void
read_seed (struct seeds *seeds, const char *path)
{
  struct seed seed;

  if (file_read (path, 1 << 20, &seed.data, &seed.len, NULL) == 0)
    seeds_push (seeds, seed);
}

static void
read_argument (struct seeds *seeds, const char *path)
{
  DIR *folder = opendir (path);
  const struct dirent *entry;

  if (folder == NULL) {
    read_seed (seeds, path);
    return;
  }
  while ((entry = readdir (folder))) {
    CLEANUP_FREE char *file = path_join (path, entry->d_name);

    read_seed (seeds, file);
  }
  closedir (folder);
}

/* Exactly as long as it is, so that a sanitizer sees a read beyond. */
static void
run (const void *data, size_t len)
{
  void *copy = xmemdup (data, len);

  (void)LLVMFuzzerTestOneInput (copy, len);
  free (copy);
}

static size_t
mutate (struct random_source *random, const struct seeds *seeds, char *out)
{
  const struct seed *a = &seeds->ptr[random_below (random, seeds->len)];
  const struct seed *b = &seeds->ptr[random_below (random, seeds->len)];
  size_t len = a->len < MAX_BYTES ? a->len : MAX_BYTES;
  size_t from, n;

  memcpy (out, a->data, len);
  for (uint64_t i = 1 + random_below (random, 8); i > 0; i--)
    switch (random_below (random, 4)) {
    case 0: /* another byte */
      if (len)
        out[random_below (random, len)] = (char)random_below (random, 256);
      break;
    case 1: /* one bit */
      if (len)
        out[random_below (random, len)] ^=
            (char)(1 << random_below (random, 8));
      break;
    case 2: /* the end cut off */
      len = random_below (random, len + 1);
      break;
    default: /* a piece of another seed behind it */
      from = random_below (random, b->len + 1);
      n = random_below (random, b->len - from + 1);
      if (len + n <= MAX_BYTES) {
        memcpy (out + len, b->data + from, n);
        len += n;
      }
    }
  return len;
}

int
main (int argc, char **argv)
{
  static char input[MAX_BYTES];
  struct seeds seeds = VEC_EMPTY;
  struct random_source random;

  random_init (&random, 1);
  for (int i = 1; i < argc; i++)
    read_argument (&seeds, argv[i]);
  if (seeds.len == 0) {
    fprintf (stderr, "no seeds\n");
    return 1;
  }
  for (size_t i = 0; i < seeds.len; i++)
    run (seeds.ptr[i].data, seeds.ptr[i].len);
  for (int i = 0; i < ROUNDS; i++)
    run (input, mutate (&random, &seeds, input));
  printf ("%zu seeds, %d mutations\n", seeds.len, ROUNDS);
  for (size_t i = 0; i < seeds.len; i++)
    free (seeds.ptr[i].data);
  seeds_release (&seeds);
  return 0;
}
