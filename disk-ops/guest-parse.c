#include "guest-parse.h"

#include <errno.h>
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
