/* RAID, LVM and Windows dynamic disks are started as the stock appliance does,
 * but only if a disk carries their mark: the tools take most of a second on an
 * emulated CPU even when they find nothing. */

#include "lean.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum stack {
  STACK_MD = 1,
  STACK_LVM = 2,
  STACK_LDM = 4,
};

enum where {
  FROM_START,
  FROM_END,     /* offset bytes before the end */
  FROM_END_4K,  /* the same, rounded down to 4 KiB */
  FROM_END_64K, /* the end rounded down to 64 KiB, less offset */
};

/* Marks and where they lie: md(4), mdadm's md_p.h and super-intel.c, SNIA's
 * DDF (big endian), LVM2's label.h, libldm's documentation. */
static const struct mark {
  const char *bytes;
  size_t len;
  enum stack stack;
  enum where where;
  uint32_t offset;
  bool disk_only;
} marks[] = {
    {"LABELONE", 8, STACK_LVM, FROM_START, 0, false},
    {"LABELONE", 8, STACK_LVM, FROM_START, 512, false},
    {"LABELONE", 8, STACK_LVM, FROM_START, 1024, false},
    {"LABELONE", 8, STACK_LVM, FROM_START, 1536, false},
    {"\xfc\x4e\x2b\xa9", 4, STACK_MD, FROM_START, 0, false},
    {"\xfc\x4e\x2b\xa9", 4, STACK_MD, FROM_START, 4096, false},
    {"\xfc\x4e\x2b\xa9", 4, STACK_MD, FROM_END_4K, 8192, false},
    {"\xfc\x4e\x2b\xa9", 4, STACK_MD, FROM_END_64K, 65536, false},
    {"Intel Raid ISM Cfg Sig. ", 24, STACK_MD, FROM_END, 1024, true},
    {"\xde\x11\xde\x11", 4, STACK_MD, FROM_END, 512, true},
    {"PRIVHEAD", 8, STACK_LDM, FROM_START, 6 * 512, true},
};

/* The type of a dynamic disk's metadata partition in a GPT, which lies in the
 * first 34 sectors: 5808c8aa-7e8f-42e0-85d2-e1e90434cfb3. */
static const char ldm_guid[] =
    "\xaa\xc8\x08\x58\x8f\x7e\xe0\x42\x85\xd2\xe1\xe9\x04\x34\xcf\xb3";

#define HEAD_BYTES (34 * 512)

static unsigned stacks_seen;

static off_t
mark_offset (const struct mark *mark, uint64_t size)
{
  uint64_t end = size;

  switch (mark->where) {
  case FROM_START:
    return mark->offset;
  case FROM_END:
    break;
  case FROM_END_4K:
    return end < mark->offset ? -1
                              : (off_t)((end - mark->offset) & ~(uint64_t)4095);
  case FROM_END_64K:
    end &= ~(uint64_t)65535;
    break;
  }
  return end < mark->offset ? -1 : (off_t)(end - mark->offset);
}

static bool
has_mark (int fd, uint64_t size, const char *head, size_t head_len,
          const struct mark *mark)
{
  off_t offset = mark_offset (mark, size);
  char bytes[32];

  if (offset < 0)
    return false;
  if (mark->where == FROM_START)
    return (size_t)offset + mark->len <= head_len &&
           memcmp (head + offset, mark->bytes, mark->len) == 0;
  return pread (fd, bytes, mark->len, offset) == (ssize_t)mark->len &&
         memcmp (bytes, mark->bytes, mark->len) == 0;
}

static void
look_at (const char *disk, const char *partition)
{
  char path[64], head[HEAD_BYTES];
  uint64_t size = 0;
  ssize_t n;
  int fd;

  snprintf (path, sizeof path, "/dev/%s", partition ? partition : disk);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd == -1)
    return;
  n = pread (fd, head, partition ? 8192 : HEAD_BYTES, 0);
  if (n > 0 && ioctl (fd, BLKGETSIZE64, &size) == 0) {
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
      if (!(marks[i].disk_only && partition) &&
          has_mark (fd, size, head, (size_t)n, &marks[i]))
        stacks_seen |= marks[i].stack;
    if (!partition && memmem (head, (size_t)n, ldm_guid, 16))
      stacks_seen |= STACK_LDM;
  }
  close (fd);
}

void
start_stacks (const char *root_device)
{
  static const char *const md_whole[] = {"mdadm", "-As", "--auto=yes",
                                         "--no-degraded", NULL};
  static const char *const md_all[] = {"mdadm", "-As", "--auto=yes", "--run",
                                       NULL};
  static const char *const lvm[] = {"lvm",        "pvscan", "--cache",
                                    "--activate", "ay",     NULL};
  static const char *const ldm[] = {"ldmtool", "create", "all", NULL};

  each_block (root_device, look_at);
  if (stacks_seen & STACK_MD)
    run (md_whole);
  /* what is on an array cannot be seen before it runs */
  if (stacks_seen & (STACK_LVM | STACK_MD))
    run (lvm);
  if (stacks_seen & STACK_MD)
    run (md_all);
  if (stacks_seen & STACK_LDM)
    run (ldm);
}
