/* What a request of an HTTP provider is signed with, and until when.
 *
 * A provider's `authenticate` finds credentials the way the cloud's own tools
 * do, and may block (files, a metadata service, a token service, a program): it
 * runs on a worker thread.  The engine's side keeps the result, asks for a new
 * one ahead of its end, and goes on with the old one if an early renewal fails.
 * Nothing of it is ever logged, journalled or shown.
 */

#ifndef BOOTMEND_CREDENTIALS_H
#define BOOTMEND_CREDENTIALS_H

#include <stdarg.h>
#include <stdint.h>

#include <base/secret.h>
#include <base/strbuf.h>
#include <net/transport.h>

struct credentials {
  char *access_key_id;          /* sigv4; NULL else */
  struct secret *secret_key;    /* sigv4 */
  struct secret *session_token; /* sigv4, temporary ones; else NULL */
  struct secret *bearer;        /* bearer */
  int64_t expires_wall_ms;      /* INT64_MAX: never */
  char *source;    /* where they came from, for messages: "profile prod" */
  char **warnings; /* what the operator should hear, once; ends with NULL; or
                      NULL */
};

void credentials_free (struct credentials *credentials);
#define CLEANUP_CREDENTIALS CLEANUP (cleanup_credentials)
void cleanup_credentials (struct credentials **credentials);

/* A search's list of what it looked at in vain, "SOURCE (WHY), ...", gets one
 * more; the log hears it, too. */
void credentials_tried (struct strbuf *list, const char *provider,
                        const char *source, const char *fmt, va_list args)
    ATTR_PRINTF (4, 0);

/* For transport_submit; borrows. */
struct http_auth credentials_auth (const struct credentials *credentials);

#endif
