/* A binding of this provider: one subscription. */

#ifndef BOOTMEND_AZURE_OPEN_H
#define BOOTMEND_AZURE_OPEN_H

#include <providers/provider.h>

/* provider->open.  Puts into config: subscription, endpoint, authority,
 * resource (the audience of ARM), vault-resource, without slashes at the end;
 * account becomes the subscription.  ERR_USAGE if no subscription is named
 * anywhere. */
int azure_open (struct binding *b, struct err **err);

#endif
