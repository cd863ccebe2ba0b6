/* Where an AWS service of a region is. */

#ifndef BOOTMEND_AWS_ENDPOINT_H
#define BOOTMEND_AWS_ENDPOINT_H

#include <stdbool.h>

#include <base/mem.h>

/* "https://ec2.eu-west-1.amazonaws.com/".  The domain belongs to the partition,
 * which the region's name tells. */
char *aws_endpoint (const char *service, const char *region);

/* The partition as it is in ARNs: "aws", "aws-cn". */
const char *aws_partition (const char *region);

/* Whether a text can be a region's name: it becomes part of a host name. */
bool aws_region_is_sane (const char *region);

#endif
