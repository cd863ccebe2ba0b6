/* Hives for tests, made from a few lines of text, and the logs that a crash
 * leaves beside them.
 *
 *   key ControlSet001\Services\disk     makes the key with all above it
 *   dword Start 0                       values of the last key: dword, qword
 *   sz ImagePath text to the end        sz, expand, multi (| between lines),
 *   binary Data 0102ff                  binary; "@" is the default value
 *   big Data 40000                      so many bytes of a pattern
 *   list li | lf | lh | ri              kind of all lists of subkeys (lh)
 */

#ifndef BOOTMEND_HIVE_MAKE_H
#define BOOTMEND_HIVE_MAKE_H

#include <disk-ops/hive.h>

/* Aborts on a script with a mistake. */
struct hive_bytes hive_make (const char *script);

/* What a log of the new format says: takes `from` to `to` in `entries` steps,
 * numbered from `sequence` on. */
struct hive_bytes hive_make_new_log (const struct hive_bytes *from,
                                     const struct hive_bytes *to,
                                     uint32_t sequence, unsigned entries);

/* The same of the old format. */
struct hive_bytes hive_make_old_log (const struct hive_bytes *from,
                                     const struct hive_bytes *to);

/* Marks a hive as not written to its end. */
void hive_make_dirty (struct hive_bytes *hive);

#endif
