/* What a crash dump of Windows says: the stop code, its four parameters, when,
 * and the driver: in a small dump (Minidump) from what is behind the header, in
 * any other from the memory that it holds (dump-memory.h).
 *
 * DUMP_HEADER64 and DUMP_HEADER32 are documented by Microsoft (dbgeng.h; fields
 * in docs.rs windows-sys, Win32::System::Diagnostics::Debug); the paddings, and
 * the triage block behind the header, are as kdmp-parser (header64) and Rizin
 * (librz/bin/format/dmp) read them.  The bytes are a guest's: every offset and
 * length is checked, and what makes no sense is left out. */

#ifndef BOOTMEND_CRASH_DUMP_H
#define BOOTMEND_CRASH_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump-memory.h"

/* FILETIME of 1970: units of 100 ns since 1601. */
#define FILETIME_EPOCH UINT64_C (116444736000000000)

/* So much of the start of a small dump has all that is looked at. */
#define CRASH_DUMP_BYTES (1 << 20)
/* ... and of a large one. */
#define CRASH_DUMP_HEADER DUMP_HEADER_BYTES

struct crash_dump {
  bool wide; /* of a 64-bit Windows */
  uint32_t code;
  uint64_t parameters[4];
  uint64_t when; /* FILETIME; 0: not known */
  char *driver;  /* "x.sys", printable; NULL: not known */
};

/* From the first bytes of the file; `source` (NULL: there is none) is the whole
 * of it.  -1: that is no crash dump.  Release it in any case. */
int crash_dump_read (const unsigned char *bytes, size_t len,
                     const struct dump_source *source, struct crash_dump *dump);
void crash_dump_release (struct crash_dump *dump);

#endif
