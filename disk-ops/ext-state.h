/* What the superblock of an ext2, ext3 or ext4 says about its state.
 *
 * Plain bytes, read with the first look at a volume.  [kernel,
 * Documentation/filesystems/ext4/super.rst: s_state at 0x3A, s_feature_incompat
 * at 0x60, s_error_count at 0x194, s_last_error_time at 0x1CC] */

#ifndef BOOTMEND_EXT_STATE_H
#define BOOTMEND_EXT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ext_state {
  bool errors;          /* the kernel has met errors, nobody has mended them */
  bool extents;         /* ext4 then holds some blocks back, see plan-room.c */
  uint32_t error_count; /* since the last fsck; 0: not counted */
  int64_t last_error_s; /* since 1970; 0: not known */
};

/* From the first bytes of the volume; all false if they are too few or none of
 * an ext file system. */
void ext_state_read (const unsigned char *bytes, size_t len,
                     struct ext_state *state);

#endif
