#include "ext-state.h"

#include <string.h>

#include <base/bytes.h>

#define SUPERBLOCK      1024
#define SUPERBLOCK_END  2048
#define STATE_ERRORS    0x0002
#define FEATURE_EXTENTS 0x0040

void
ext_state_read (const unsigned char *bytes, size_t len, struct ext_state *state)
{
  const unsigned char *super = bytes + SUPERBLOCK;

  memset (state, 0, sizeof *state);
  if (len < SUPERBLOCK_END || super[0x38] != 0x53 || super[0x39] != 0xef)
    return;
  state->errors = super[0x3a] & STATE_ERRORS;
  state->extents = le32 (super + 0x60) & FEATURE_EXTENTS;
  state->error_count = le32 (super + 0x194);
  state->last_error_s = le32 (super + 0x1cc);
}
