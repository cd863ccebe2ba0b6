/* Base64 (RFC 4648) for binary values in JSON. */

#ifndef BOOTMEND_BASE64_H
#define BOOTMEND_BASE64_H

#include <stddef.h>

char *base64_encode (const void *data, size_t len);
/* -1 if it is no base64 */
int base64_decode (const char *text, unsigned char **ret, size_t *len);

#endif
