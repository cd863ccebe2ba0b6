#include "image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/json.h>

/* QEMU docs/interop/qcow2.txt: all numbers big-endian. */
#define QCOW2_MAGIC          0x514649fbU
#define QCOW2_AT_BACKING     8
#define QCOW2_AT_BACKING_LEN 16
#define QCOW2_AT_SIZE        24
#define QCOW2_AT_CRYPT       32
#define QCOW2_AT_INCOMPAT    72
#define QCOW2_HEADER_V3      104
#define QCOW2_HEADER_V2      72
#define QCOW2_MAX_BACKING    1023
#define INCOMPAT_CORRUPT     2
#define INCOMPAT_DATA_FILE   4

/* QEMU block/file-posix.c: who may write (permission bit 1) holds a shared
 * lock on byte 100 + 1. */
#define QEMU_LOCK_WRITE 101

static void
set_state (struct image *image, enum image_state state, const char *why)
{
  image->state = state;
  free (image->why);
  image->why = xstrdup (why);
}

static uint32_t
be32_at (const unsigned char *header, size_t at)
{
  uint32_t n;

  memcpy (&n, header + at, sizeof n);
  return be32toh (n);
}

static uint64_t
be64_at (const unsigned char *header, size_t at)
{
  uint64_t n;

  memcpy (&n, header + at, sizeof n);
  return be64toh (n);
}

static void
look_qcow2 (int fd, const char *path, struct image *image)
{
  unsigned char header[QCOW2_HEADER_V3] = {0};
  char name[QCOW2_MAX_BACKING + 1] = {0};
  ssize_t got = pread (fd, header, sizeof header, 0);
  uint64_t backing, size;
  uint32_t len;

  image->size_bytes = -1;
  if (got < QCOW2_HEADER_V2 || be32_at (header, 0) != QCOW2_MAGIC) {
    set_state (image, IMAGE_MALFORMED, "it does not start as a qcow2 does");
    return;
  }
  size = be64_at (header, QCOW2_AT_SIZE);
  if (size <= INT64_MAX)
    image->size_bytes = (int64_t)size;
  image->encrypted = be32_at (header, QCOW2_AT_CRYPT) != 0;
  if (be32_at (header, 4) >= 3 && got == QCOW2_HEADER_V3) {
    uint64_t features = be64_at (header, QCOW2_AT_INCOMPAT);

    image->corrupt = features & INCOMPAT_CORRUPT;
    image->data_file = features & INCOMPAT_DATA_FILE;
  }
  backing = be64_at (header, QCOW2_AT_BACKING);
  len = be32_at (header, QCOW2_AT_BACKING_LEN);
  if (backing == 0 || len == 0)
    return;
  if (len > QCOW2_MAX_BACKING || backing > INT64_MAX ||
      pread (fd, name, len, (off_t)backing) != (ssize_t)len) {
    set_state (image, IMAGE_MALFORMED, "its backing file name can't be read");
    return;
  }
  image->backing = image_backing_path (path, name);
  if (image->backing == NULL)
    image->backing = xstrdup (name);
}

static void
look_locks (int fd, struct image *image)
{
  struct flock lock = {.l_type = F_WRLCK,
                       .l_whence = SEEK_SET,
                       .l_start = QEMU_LOCK_WRITE,
                       .l_len = 1};

  if (fcntl (fd, F_OFD_GETLK, &lock) == 0)
    image->write_locked = lock.l_type != F_UNLCK;
}

void
image_look (const char *path, const char *format, struct image *image)
{
  CLEANUP_CLOSE int fd = -1;
  struct stat st;
  uint64_t size;

  *image = (struct image){.size_bytes = -1};
  /* O_NONBLOCK: a FIFO of that name must not hold us up. */
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd == -1 || fstat (fd, &st) == -1) {
    set_state (image,
               errno == ENOENT || errno == ENOTDIR ? IMAGE_MISSING
                                                   : IMAGE_UNREADABLE,
               strerror (errno));
    return;
  }
  if (S_ISREG (st.st_mode))
    image->size_bytes = st.st_size;
  else if (S_ISBLK (st.st_mode) && ioctl (fd, BLKGETSIZE64, &size) == 0)
    image->size_bytes = (int64_t)size;
  else {
    set_state (image, IMAGE_UNREADABLE, "it is no file and no block device");
    return;
  }
  look_locks (fd, image);
  if (strcmp (format, "qcow2") == 0)
    look_qcow2 (fd, path, image);
}

void
image_release (struct image *image)
{
  free (image->why);
  free (image->backing);
  image->why = image->backing = NULL;
}

/* QEMU writes "json:{...}" for what a plain name can't say. */
static char *
name_in_json (const char *text)
{
  CLEANUP_JSON json_t *json = json_parse (text, strlen (text), "backing", NULL);
  static const char *const places[] = {"file.filename", "filename"};

  for (size_t i = 0; json && i < ARRAY_SIZE (places); i++) {
    /* The dotted form may also be one flat key. */
    const char *name = json_string_value (json_object_get (json, places[i]));

    if (name == NULL)
      name = json_str (json, places[i], NULL);
    if (name)
      return xstrdup (name);
  }
  return NULL;
}

char *
image_backing_path (const char *overlay, const char *name)
{
  CLEANUP_FREE char *inner = NULL;
  const char *slash = strrchr (overlay, '/');
  const char *colon, *first_slash;

  if (strncmp (name, "json:", 5) == 0) {
    inner = name_in_json (name + 5);
    if (inner == NULL)
      return NULL;
    name = inner;
  }
  if (strncmp (name, "file:", 5) == 0)
    name += 5;
  /* "protocol:rest" before any slash is no path. */
  colon = strchr (name, ':');
  first_slash = strchr (name, '/');
  if (colon && (first_slash == NULL || colon < first_slash))
    return NULL;
  if (*name == '/' || slash == NULL)
    return xstrdup (name);
  return xasprintf ("%.*s/%s", (int)(slash - overlay), overlay, name);
}
