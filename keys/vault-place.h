/* Which Key Vault is meant, and which of its secrets:
 *
 *   NAME                     by the cloud: https://NAME.vault.azure.net
 *   NAME/SECRET              only the secrets that this names: a name, in which
 *                            {protector}, {computer} and {vm} may stand
 *   https://NAME.vault.azure.net[/[secrets/]SECRET[/VERSION]]
 *                            the same, as the portal shows it
 *   http://127.0.0.1:PORT... a vault of a test, on this machine
 *
 * A token for Key Vault opens every vault that its owner may read, so it goes
 * to hosts of Azure's own domains only, and over TLS. */

#ifndef BOOTMEND_VAULT_PLACE_H
#define BOOTMEND_VAULT_PLACE_H

#include <stdbool.h>

#include <azure-credentials/clouds.h>
#include <base/err.h>

struct vault_place {
  const struct azure_cloud *cloud;
  char *base;    /* "https://corp.vault.azure.net" */
  char *host;    /* of it, without the port */
  char *secret;  /* name of secrets, with {...}; NULL: any */
  char *version; /* of that secret; NULL: the newest */
  bool local;    /* on this machine */
};

/* `cloud`: for a name without a domain, and for this machine. */
int vault_place_parse (struct vault_place *place, const char *text,
                       const char *cloud, struct err **err) ATTR_USE;
void vault_place_release (struct vault_place *place);

/* A name of a secret with what is in braces filled in; what no name may hold
 * becomes "-".  NULL if something that it asks for is not known. */
char *vault_place_fill (const char *secret, const char *protector,
                        const char *computer, const char *vm);

#endif
