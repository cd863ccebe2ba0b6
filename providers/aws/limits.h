/* The documented token buckets of EC2, per account and region.
 * [Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2 API"] */

#ifndef BOOTMEND_AWS_LIMITS_H
#define BOOTMEND_AWS_LIMITS_H

#include <net/limiter.h>

extern const struct limit_spec aws_limits[];

#endif
