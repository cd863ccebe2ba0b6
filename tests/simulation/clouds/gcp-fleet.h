/* What the two halves of Google Cloud's row share. */

#ifndef BOOTMEND_SIM_GCP_FLEET_H
#define BOOTMEND_SIM_GCP_FLEET_H

#include "fleet.h"

#define GCP_PROJECT "shop-1"
#define GCP_REGION  "europe-west1"

/* gcp-config.c */
char *gcp_sim_helper_id (size_t zone, size_t n);
json_t *gcp_sim_config (const struct fleet_plan *plan);

#endif
