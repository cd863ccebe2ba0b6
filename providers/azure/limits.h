/* Documented rates of Azure Resource Manager and of Compute. */

#ifndef BOOTMEND_AZURE_LIMITS_H
#define BOOTMEND_AZURE_LIMITS_H

#include <net/limiter.h>

extern const struct limit_spec azure_limits[];

#endif
