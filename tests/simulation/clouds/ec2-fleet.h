/* What the two halves of EC2's row share. */

#ifndef BOOTMEND_SIM_EC2_FLEET_H
#define BOOTMEND_SIM_EC2_FLEET_H

#include "fleet.h"

#define EC2_REGION  "us-east-1"
#define EC2_GROUP   "shop"
#define EC2_ACCOUNT "111122223333"

/* ec2-config.c */
char *ec2_vm_id (size_t n);
char *ec2_helper_id (size_t zone, size_t n);
json_t *ec2_config (const struct fleet_plan *plan);

#endif
