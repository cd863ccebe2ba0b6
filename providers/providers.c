#include "provider.h"

#include <string.h>

#include <provider-aws/aws-provider.h>
#include <provider-azure/azure-provider.h>
#include <provider-gcp/gcp-provider.h>
#include <provider-libvirt/libvirt-provider.h>

const struct provider *const providers[] = {&aws_provider, &azure_provider,
                                            &gcp_provider, &libvirt_provider,
                                            NULL};

const struct provider *
provider_by_name (const char *name)
{
  for (size_t i = 0; providers[i]; i++)
    if (strcmp (providers[i]->name, name) == 0)
      return providers[i];
  return NULL;
}
