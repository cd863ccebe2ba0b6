/* Within keys/ and for tests: an Azure Key Vault as a source of keys, behind
 * whatever vault_around says. */

#ifndef BOOTMEND_KEY_VAULT_H
#define BOOTMEND_KEY_VAULT_H

#include "source.h"
#include "vault.h"

/* For source->data; takes the content of `place` over.  around->opaque NULL: it
 * is what is returned. */
void *key_vault_data (struct vault_place *place,
                      const struct vault_around *around);

#endif
