#ifndef BOOTMEND_AZURE_PROVIDER_H
#define BOOTMEND_AZURE_PROVIDER_H

#include <providers/provider.h>

extern const struct provider azure_provider;

#endif
