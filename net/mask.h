/* Takes secrets out of text that is going to be kept.
 *
 * By tables of names (headers, JSON members, XML elements, form and query
 * parameters, also when nested in other encodings), by shape (JWTs, PEM private
 * keys, BitLocker recovery passwords) and by value where the value is known.
 * It works on bytes, so that what is malformed stays as malformed as it was. */

#ifndef BOOTMEND_MASK_H
#define BOOTMEND_MASK_H

#include <base/secret.h>
#include <base/strbuf.h>

#include "http.h"

#define MASKED "***"

/* A copy with everything masked that the tables know. */
char *mask_text (const char *text, size_t len, size_t *ret_len);

/* The value of a header as it may be kept. */
char *mask_header (const char *name, const char *value);

/* Whether the whole body of a reply from this URL is a secret. */
bool mask_whole_reply (const char *url);

/* Replaces every occurrence of a known secret, plain and percent-encoded; those
 * of less than 8 bytes are left to the tables. */
void mask_value (struct strbuf *text, const struct secret *secret);

#endif
