/* The clouds of Azure: where each has Resource Manager, its tokens and its Key
 * Vaults.  Options of a binding choose one and may name other addresses. */

#ifndef BOOTMEND_AZURE_CLOUDS_H
#define BOOTMEND_AZURE_CLOUDS_H

#include <base/json.h>

struct azure_cloud {
  const char *name;
  const char *endpoint;  /* of Resource Manager, and its audience */
  const char *authority; /* gives tokens */
  const char *vault;     /* audience of Key Vault: "https://vault.azure.net" */
};

/* NULL and ERR_USAGE for a word that is none of public, usgov, china. */
const struct azure_cloud *azure_cloud_by_name (const char *name,
                                               struct err **err) ATTR_USE;
/* The one that has this host of a Key Vault, "NAME.vault.azure.net"; NULL: none
 * has. */
const struct azure_cloud *azure_cloud_of_vault (const char *host);

/* Options are there as "azure-NAME" and get the short NAME, too. */
void azure_short_options (json_t *config);
/* By config's "cloud" puts into it: endpoint, authority, resource (the audience
 * of Resource Manager), vault-resource, without slashes at the end. */
int azure_add_cloud (json_t *config, struct err **err) ATTR_USE;

#endif
