/* Makes event logs of Windows (EVTX) for tests: nothing that somebody's Windows
 * wrote has to be kept here.
 *
 * What comes out has what real ones have: a file header and chunks of 64 KiB
 * with their CRC-32, records of binary XML that are instances of templates,
 * names by offset, values by substitution.  [libevtx, documentation/Windows XML
 * Event Log (EVTX); MS-EVEN6 section 3.1.4.7 for the binary XML] */

#ifndef BOOTMEND_EVTX_MAKE_H
#define BOOTMEND_EVTX_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include <base/json.h>

#define EVTX_HEADER 4096
#define EVTX_CHUNK  65536

struct evtx_bytes {
  unsigned char *ptr; /* to be freed */
  size_t len;
};

/* events: [{id, provider, when: "2024-07-19T04:20:00Z" or ms since 1970,
 * data: [[name, "string" | "u32" | "hex64" | "filetime", value], ...]}] in the
 * order of the log; as many chunks as they take.  `first`: the record number of
 * the first.  Values are text; numbers in them decimal or 0x. */
struct evtx_bytes evtx_make (const json_t *events, uint64_t first);

/* After a change: checksums of the file header and all chunks, made right. */
void evtx_seal (struct evtx_bytes *log);

#endif
