/* Damages one structure of a disk image at places that a seed chooses, for
 * tests with hostile disks; the same words do the same damage again.
 *
 *   disk-damage IMAGE STRUCTURE SEED
 *
 * STRUCTURE is a row of `structures` below.  Where it is, is found by its
 * signature; the damage is one to eight strokes: flipped bits, noise, zeroes,
 * extreme numbers, bytes copied from elsewhere.  What was done goes to stdout.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/mem.h>

#define BLOCK 4096

struct image {
  unsigned char *bytes;
  size_t size;
  uint64_t random;
};

struct structure {
  const char *name;
  const char *signature; /* NULL: it is at a place of its own */
  size_t signature_len;
  size_t before; /* bytes from the structure's start to the signature */
  size_t length;
  bool any; /* any of those found, not the first */
};

#define SIGNATURE(s) s, sizeof (s) - 1

static const struct structure structures[] = {
    {"partition-table", NULL, 0, 0, 34 * 512, false},
    {"mbr", NULL, 0, 446, 66, false},          /* `before` is where it is */
    {"anywhere", NULL, 0, 0, SIZE_MAX, false}, /* where there is something */
    {"boot-sector", SIGNATURE ("NTFS    "), 3, 96, false},
    {"mft", SIGNATURE ("FILE0"), 0, 1024, true},
    {"index", SIGNATURE ("INDX"), 0, 4096, true},
    {"log", SIGNATURE ("RSTR"), 0, 4096, true},
    {"hive", SIGNATURE ("regf"), 0, 512, true},
    {"hive-bin", SIGNATURE ("hbin"), 0, 4096, true},
    {"hive-log", SIGNATURE ("HvLE"), 0, 2048, true},
    {"fve", SIGNATURE ("-FVE-FS-"), 3, 1024, true},
    {"ext4", SIGNATURE ("\x53\xef"), 56, 1024, false},
    {"ext4-groups", SIGNATURE ("\x53\xef"), 56, 4096, false},
    {"xfs", SIGNATURE ("XFSB"), 0, 512, true},
    {"btrfs", SIGNATURE ("_BHRfS_M"), 64, 4096, true},
    {"lvm", SIGNATURE ("LABELONE"), 0, 4096, true},
    {"luks", SIGNATURE ("LUKS\xba\xbe"), 0, 4096, false},
    {"qcow2", SIGNATURE ("QFI\xfb"), 0, 112, false},
    {"qcow2-tables", SIGNATURE ("QFI\xfb"), 0, 4 * 65536, false},
};

static void __attribute__ ((noreturn)) fail (const char *what, const char *why)
{
  fprintf (stderr, "disk-damage: %s: %s\n", what, why);
  exit (1);
}

/* splitmix64 */
static uint64_t
next (struct image *image)
{
  uint64_t z = image->random += 0x9e3779b97f4a7c15;

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static size_t
below (struct image *image, size_t limit)
{
  return limit ? (size_t)(next (image) % limit) : 0;
}

static bool
is_at (const struct image *image, const struct structure *s, size_t at)
{
  return at + s->before + s->signature_len <= image->size &&
         memcmp (image->bytes + at + s->before, s->signature,
                 s->signature_len) == 0;
}

/* A block that is not all zeroes, if the dice find one. */
static size_t
find_used (struct image *image)
{
  static const unsigned char zeroes[BLOCK];
  size_t at = 0;

  for (int tries = 0; tries < 10000; tries++) {
    at = below (image, image->size / BLOCK) * BLOCK;
    if (memcmp (image->bytes + at, zeroes, BLOCK) != 0)
      break;
  }
  return at;
}

static size_t
find (struct image *image, const struct structure *s)
{
  size_t found = SIZE_MAX, n = 0;

  if (s->signature == NULL)
    return s->length == SIZE_MAX ? find_used (image) : s->before;
  /* all of them start at a sector */
  for (size_t at = 0; at + s->before < image->size; at += 512) {
    if (!is_at (image, s, at))
      continue;
    /* each of n with the same chance */
    n++;
    if (below (image, n) == 0)
      found = at;
    if (!s->any)
      break;
  }
  if (found == SIZE_MAX)
    fail (s->name, "not found");
  return found;
}

/* One of several kinds of damage to `len` bytes. */
static const char *
stroke (struct image *image, unsigned char *at, size_t len)
{
  static const uint64_t extremes[] = {0,          1,
                                      0x7f,       0x80,
                                      0xff,       0x7fff,
                                      0xffff,     0x7fffffff,
                                      0xffffffff, 0x7fffffffffffffff,
                                      UINT64_MAX};
  size_t run = 1 + below (image, len < 64 ? len : 64);
  size_t from = below (image, len - run + 1);
  unsigned char *here = at + from;
  uint64_t value = extremes[below (image, ARRAY_SIZE (extremes))];

  switch (below (image, 5)) {
  case 0:
    *here = (unsigned char)(*here ^ (1U << below (image, 8)));
    return "bit";
  case 1:
    for (size_t i = 0; i < run; i++)
      here[i] = (unsigned char)next (image);
    return "noise";
  case 2:
    memset (here, 0, run);
    return "zeroes";
  case 3:
    /* a number of 8 bytes or the lower half of one, where it may be one */
    run = below (image, 2) ? 8 : 4;
    from = len < 8 ? 0 : below (image, len / 8) * 8;
    memcpy (at + from, &value, len < run ? len : run);
    return "extreme";
  default:
    memmove (here, at + below (image, len - run + 1), run);
    return "copy";
  }
}

static void
damage (struct image *image, const struct structure *s)
{
  size_t start = find (image, s);
  size_t len = s->length == SIZE_MAX ? BLOCK : s->length;
  size_t strokes = 1 + below (image, 8);

  if (start >= image->size)
    fail (s->name, "not found");
  if (len > image->size - start)
    len = image->size - start;
  printf ("%s at %zu:", s->name, start);
  for (size_t i = 0; i < strokes; i++)
    printf (" %s", stroke (image, image->bytes + start, len));
  printf ("\n");
}

static void
open_image (const char *path, struct image *image)
{
  struct stat st;
  int fd = open (path, O_RDWR | O_CLOEXEC);

  if (fd == -1 || fstat (fd, &st) == -1)
    fail (path, strerror (errno));
  image->size = (size_t)st.st_size;
  image->bytes =
      mmap (NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (image->bytes == MAP_FAILED)
    fail (path, strerror (errno));
  close (fd);
}

int
main (int argc, char **argv)
{
  struct image image = {0};

  if (argc != 4) {
    fprintf (stderr, "Usage: disk-damage IMAGE STRUCTURE SEED\n");
    return 2;
  }
  image.random = strtoull (argv[3], NULL, 10);
  open_image (argv[1], &image);
  for (size_t i = 0; i < ARRAY_SIZE (structures); i++)
    if (strcmp (structures[i].name, argv[2]) == 0) {
      damage (&image, &structures[i]);
      return munmap (image.bytes, image.size) == 0 ? 0 : 1;
    }
  fail (argv[2], "no such structure");
}
