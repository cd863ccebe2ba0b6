/* How Azure credentials are found: in the order of the official libraries, so
 * that what works for them works here.  docs/azure.md tells operators.
 *
 *   environment (secret, else certificate), workload identity federation,
 *   managed identity (App Service's endpoint, else IMDS), Azure CLI
 *
 * Of a binding's config these count: subscription, authority, resource,
 * vault-resource (open.c), tenant, client-id, credential (only this source),
 * ca-file.  All of it may block: worker threads only. */

#ifndef BOOTMEND_AZURE_CREDENTIALS_H
#define BOOTMEND_AZURE_CREDENTIALS_H

#include <base/clock.h>
#include <providers/credentials.h>
#include <providers/provider.h>

/* provider->authenticate.  Audience NULL: Azure Resource Manager; "vault": Key
 * Vault.
 *
 * ERR_AUTH for everything that a repetition doesn't mend: one message that says
 * what was tried and what to do.  ERR_TRANSIENT, ERR_THROTTLED, ERR_TIMEOUT: a
 * service that should know did not answer. */
struct credentials *azure_authenticate (const struct binding *b,
                                        const char *audience,
                                        struct err **err) ATTR_USE;

/* What lies around, for tests. */
struct azure_surroundings {
  const char *(*variable) (void *opaque, const char *name); /* getenv */
  void *opaque;
  const struct clock *clock;
  struct transport *transport; /* NULL: libcurl; borrowed */
};

struct credentials *
azure_authenticate_in (const struct azure_surroundings *around,
                       const struct binding *b, const char *audience,
                       struct err **err) ATTR_USE;

#endif
