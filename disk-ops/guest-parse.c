#include "guest-parse.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

void
guest_parse_init (const struct disk *disk, const struct parser *parser,
                  struct parse *parse)
{
  *parse = (struct parse){.program = disk->parse_program, .parser = parser};
}

static int
fill (struct disk *disk, int fd, const char *path, int64_t bytes,
      int64_t length, struct err **err)
{
  CLEANUP_FREE char *name = xasprintf ("/proc/self/fd/%d", fd);
  struct stat st;

  if (guestfs_download_offset (disk->g, path, name, 0, bytes) == -1)
    return disk_guest_error (disk, err, "%s", path);
  if (fstat (fd, &st) == -1 ||
      (st.st_size < length && ftruncate (fd, length) == -1))
    return err_set_errno (err, errno, "%s: memory file", path);
  return 0;
}

int
guest_parse_add (struct disk *disk, struct parse *parse, const char *path,
                 int64_t bytes, int64_t length, struct err **err)
{
  int fd = parse_memory (path, err);

  if (fd == -1)
    return -1;
  if (fill (disk, fd, path, bytes, length, err) == -1) {
    close (fd);
    return -1;
  }
  return parse_add_file (parse, fd, err);
}

static ssize_t
fetch (void *ctx, uint64_t offset, void *bytes, size_t len)
{
  const struct guest_pieces *pieces = ctx;
  CLEANUP_FREE char *got = NULL;
  size_t n = 0;

  if (offset > INT64_MAX - len)
    return -1;
  if (len == 0)
    return 0;
  got = guestfs_pread (pieces->disk->g, pieces->path, (int)len, (int64_t)offset,
                       &n);
  if (got == NULL || n > len)
    return -1;
  memcpy (bytes, got, n);
  return (ssize_t)n;
}

void
guest_parse_pieces (struct parse *parse, struct guest_pieces *pieces)
{
  parse->fetch = fetch;
  parse->fetch_ctx = pieces;
}

int
guest_parse_run (struct disk *disk, struct parse *parse, struct err **err)
{
  int r = parse_run (parse, err);

  if (r == 0 && !parse->confined && !disk->parsed_openly) {
    disk->parsed_openly = true;
    disk_note (disk, "this machine has no seccomp: the programs that read what "
                     "the guest wrote were confined by limits alone");
  }
  return r;
}
