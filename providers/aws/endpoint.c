#include "endpoint.h"

#include <string.h>

/* The partitions by the first part of their regions' names [botocore
 * partitions.json]; the longest that fits counts, so order matters. */
static const struct {
  const char *prefix, *partition, *domain;
} partitions[] = {
    {"cn-", "aws-cn", "amazonaws.com.cn"},
    {"eusc-", "aws-eusc", "amazonaws.eu"},
    {"us-gov-", "aws-us-gov", "amazonaws.com"},
    {"us-iso-", "aws-iso", "c2s.ic.gov"},
    {"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
    {"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
    {"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
    {"", "aws", "amazonaws.com"},
};

static size_t
partition_of (const char *region)
{
  size_t i = 0;

  while (strncmp (region, partitions[i].prefix,
                  strlen (partitions[i].prefix)) != 0)
    i++;
  return i;
}

char *
aws_endpoint (const char *service, const char *region)
{
  return xasprintf ("https://%s.%s.%s/", service, region,
                    partitions[partition_of (region)].domain);
}

const char *
aws_partition (const char *region)
{
  return partitions[partition_of (region)].partition;
}

bool
aws_region_is_sane (const char *region)
{
  size_t len = strlen (region);

  return len > 0 && len <= 63 && region[0] != '-' && region[len - 1] != '-' &&
         strspn (region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}
