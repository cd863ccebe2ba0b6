/* The image files of a command line: where they are, what format they have. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "disk-run.h"

static const char qcow2_magic[] = {'Q', 'F', 'I', '\xfb'};

static bool
ends_with (const char *text, const char *end)
{
  size_t a = strlen (text), b = strlen (end);

  return a >= b && strcmp (text + a - b, end) == 0;
}

const char *
image_guess_format (const char *path, const void *start, size_t len,
                    struct err **err)
{
  bool magic = len >= sizeof qcow2_magic &&
               memcmp (start, qcow2_magic, sizeof qcow2_magic) == 0;
  bool named = ends_with (path, ".qcow2") || ends_with (path, ".qcow");

  if (magic == named || len == 0)
    return magic || named ? "qcow2" : "raw";
  if (named)
    err_set (err, ERR_USAGE,
             "named like qcow2, but it does not start like it: give --format");
  else
    err_set (err, ERR_USAGE,
             "starts like a qcow2 image, but is not named so, and a guest can "
             "write such a start into a raw disk: give --format");
  return NULL;
}

static void
look_at (struct image *image, const char *format)
{
  CLEANUP_CLOSE int fd = open (image->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  CLEANUP_FREE char *path = NULL;
  char start[16];
  ssize_t n;

  if (fd == -1) {
    err_set_errno (&image->err, errno, "can't be opened");
    return;
  }
  path = realpath (image->name, NULL);
  if (path == NULL) {
    err_set_errno (&image->err, errno, "can't be found");
    return;
  }
  if (strcmp (format, "auto") == 0) {
    n = pread (fd, start, sizeof start, 0);
    if (n == -1) {
      err_set_errno (&image->err, errno, "can't be read");
      return;
    }
    format = image_guess_format (path, start, (size_t)n, &image->err);
    if (format == NULL)
      return;
  }
  image->format = xstrdup (format);
  image->path = TAKE (path);
}

int
images_find (const struct cli *cli, struct image_vec *images, struct err **err)
{
  return images_named (&cli->options->args,
                       options_text (cli->options, "format"), images, err);
}

int
images_named (const struct str_vec *names, const char *format,
              struct image_vec *images, struct err **err)
{
  for (size_t i = 0; i < names->len; i++) {
    struct image image = {.name = xstrdup (names->ptr[i])};

    look_at (&image, format);
    image_vec_push (images, image);
    for (size_t j = 0; image.path && j < i; j++)
      if (images->ptr[j].path && strcmp (images->ptr[j].path, image.path) == 0)
        return err_set (err, ERR_USAGE, "%s and %s are the same file",
                        images->ptr[j].name, image.name);
  }
  return 0;
}

void
images_release (struct image_vec *images)
{
  for (size_t i = 0; i < images->len; i++) {
    free (images->ptr[i].name);
    free (images->ptr[i].path);
    free (images->ptr[i].format);
    err_free (images->ptr[i].err);
  }
  image_vec_release (images);
}
