/* What the files of the search share; nobody else includes this.
 *
 * A source answers 0 with *ret set (found), 0 with *ret NULL (not this one;
 * said with azure_tried), or -1: it is meant and does not work, which ends the
 * search. */

#ifndef BOOTMEND_AZURE_FINDER_H
#define BOOTMEND_AZURE_FINDER_H

#include <base/json.h>
#include <base/random.h>
#include <base/strbuf.h>
#include <net/fetch.h>

#include "credentials.h"

struct azure_finder {
  const struct azure_surroundings *around;
  const struct binding *binding;
  const char *resource; /* "https://management.azure.com" */
  struct transport *transport, *own_transport;
  struct strbuf tried;
  int64_t skew_ms; /* of the last service that answered */
};

void azure_finder_init (struct azure_finder *f,
                        const struct azure_surroundings *around,
                        const struct binding *b, const char *audience);
void azure_finder_release (struct azure_finder *f);
#define CLEANUP_AZURE_FINDER CLEANUP (azure_finder_release)

/* A variable of the environment; NULL if it is empty. */
const char *azure_variable (const struct azure_finder *f, const char *name);
/* An option of the binding, else the variable; NULL if neither is there. */
const char *azure_setting (const struct azure_finder *f, const char *option,
                           const char *name);
void azure_tried (struct azure_finder *f, const char *source, const char *fmt,
                  ...) ATTR_PRINTF (3, 4);
/* A word from a service, for a message: one line, masked, not long. */
char *azure_quote (const char *text);

/* fetch over the transport of the search. */
int azure_fetch (struct azure_finder *f, const struct http_request *req,
                 const struct fetch_options *options, struct fetched *got,
                 struct err **err) ATTR_USE;

/* {access_token, expires_in | expires_on, numbers or texts}: the token.
 * `source` goes into messages. */
struct credentials *azure_token (const struct azure_finder *f,
                                 const json_t *json, const char *source,
                                 struct err **err) ATTR_USE;

int azure_source_principal (struct azure_finder *f, struct credentials **ret,
                            struct err **err) ATTR_USE;
int azure_source_certificate (struct azure_finder *f, struct credentials **ret,
                              struct err **err) ATTR_USE;
int azure_source_federated (struct azure_finder *f, struct credentials **ret,
                            struct err **err) ATTR_USE;
int azure_source_app_service (struct azure_finder *f, struct credentials **ret,
                              struct err **err) ATTR_USE;
int azure_source_imds (struct azure_finder *f, struct credentials **ret,
                       struct err **err) ATTR_USE;
int azure_source_cli (struct azure_finder *f, struct credentials **ret,
                      struct err **err) ATTR_USE;

/* A signed JWT by which the holder of a certificate's key shows who it is
 * (RFC 7523): RS256 with the certificate's SHA-1 thumbprint, as the official
 * libraries do.  `pem`: key and certificate, `password` of the key or NULL. */
struct secret *azure_assertion (const struct secret *pem, const char *password,
                                const char *client, const char *audience,
                                int64_t now_ms, bool send_chain,
                                struct err **err) ATTR_USE;

#endif
