#ifndef BOOTMEND_GCP_PROVIDER_H
#define BOOTMEND_GCP_PROVIDER_H

#include <providers/provider.h>

extern const struct provider gcp_provider;

#endif
