/* A signed JSON Web Token (RFC 7519, RS256), as token services take it instead
 * of a password. */

#ifndef BOOTMEND_JWT_H
#define BOOTMEND_JWT_H

#include <base/json.h>
#include <base/secret.h>

/* `header` without alg, which is put in; `key` is a private key in PEM.  NULL:
 * ERR_INPUT, the key can't be read. */
struct secret *jwt_sign (const json_t *header, const json_t *claims,
                         const struct secret *key, struct err **err) ATTR_USE;

/* RFC 4648 section 5, without padding. */
char *base64url (const void *data, size_t len);

#endif
