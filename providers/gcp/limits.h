/* How often Compute may be called. */

#ifndef BOOTMEND_GCP_LIMITS_H
#define BOOTMEND_GCP_LIMITS_H

#include <net/limiter.h>

extern const struct limit_spec gcp_limits[];

#endif
