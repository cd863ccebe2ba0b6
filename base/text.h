/* Small text helpers: untrusted text made printable, patterns, hex, sizes. */

#ifndef BOOTMEND_TEXT_H
#define BOOTMEND_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/mem.h>

/* A copy that is safe on a terminal: control characters and bytes that are no
 * UTF-8 become \xNN. */
char *text_printable (const char *s);

/* Shell-style wildcard (* ? [...]), optionally without regard to ASCII case. */
bool text_glob_match (const char *pattern, const char *s, bool fold_case);

/* What stands between the commas of "a,b\,c", where \, is a comma: "a" and
 * "b,c"; one part at least.  To be freed with strv_free. */
char **text_split_commas (const char *text);

/* Lower-case hex of bytes, and back (-1 if it is no hex). */
char *hex_encode (const void *data, size_t len);
int hex_decode (const char *hex, unsigned char **ret, size_t *len);

/* RFC 4648 section 4, with padding, on one line. */
char *base64_encode (const void *data, size_t len);
/* The reverse: -1 if it is none; white space in it is ignored. */
int base64_decode (const char *text, unsigned char **ret, size_t *len);

/* "1.5 GiB". */
char *text_bytes (uint64_t bytes);
/* "3 min 20 s", "12 s", "1 h 4 min". */
char *text_duration_ms (int64_t ms);

/* Reads "90", "90s", "5m", "2h", "250ms" as milliseconds; -1 if it is none. */
int text_parse_duration_ms (const char *text, int64_t *ms);

#endif
