/* SHA-256 by OpenSSL. */

#ifndef BOOTMEND_DIGEST_H
#define BOOTMEND_DIGEST_H

#include <stddef.h>

#include <base/err.h>

struct digest;
struct digest *digest_new (void);
void digest_add (struct digest *digest, const void *data, size_t len);
/* Writes 64 hex digits and a NUL, and frees the digest. */
void digest_end (struct digest *digest, char hex[65]);

void digest_bytes (const void *data, size_t len, char hex[65]);
int digest_file (const char *path, char hex[65], struct err **err) ATTR_USE;

#endif
