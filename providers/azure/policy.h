/* `bootmend policy azure`: the least role definition. */

#ifndef BOOTMEND_AZURE_POLICY_H
#define BOOTMEND_AZURE_POLICY_H

#include <base/json.h>

/* provider->policy: what `az role definition create` takes. */
json_t *azure_policy (const json_t *options, struct err **err);

#endif
