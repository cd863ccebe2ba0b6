/* What the two halves of Azure's row share. */

#ifndef BOOTMEND_SIM_AZURE_FLEET_H
#define BOOTMEND_SIM_AZURE_FLEET_H

#include "fleet.h"

#define AZURE_SUB      "00000000-0000-0000-0000-000000000001"
#define AZURE_LOCATION "westeurope"

/* azure-config.c */
char *azure_fleet_vm_id (size_t n);
char *azure_fleet_helper_id (size_t zone, size_t n);
json_t *azure_fleet_config (const struct fleet_plan *plan);

#endif
