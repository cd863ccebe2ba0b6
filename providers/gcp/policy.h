/* The least custom role. */

#ifndef BOOTMEND_GCP_POLICY_H
#define BOOTMEND_GCP_POLICY_H

#include <base/json.h>

/* provider->policy: {title, description, stage, includedPermissions}, as
 * `gcloud iam roles create ID --project P --file FILE` takes it (JSON is YAML).
 */
json_t *gcp_policy (const json_t *options, struct err **err);

#endif
