/* libvirt as a provider: domains of any local or remote URI, repaired in place
 * while they are off. */

#ifndef BOOTMEND_LIBVIRT_PROVIDER_H
#define BOOTMEND_LIBVIRT_PROVIDER_H

#include <providers/provider.h>

extern const struct provider libvirt_provider;

#endif
