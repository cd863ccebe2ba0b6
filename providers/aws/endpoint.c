#include "endpoint.h"

#include <string.h>

/* The partitions by the first part of their regions' names [botocore
 * partitions.json]; the longest that fits counts, so order matters. */
static const struct {
  const char *prefix, *domain;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
    {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"},
    {"", "amazonaws.com"},
};

char *
aws_endpoint (const char *service, const char *region)
{
  size_t i = 0;

  while (strncmp (region, partitions[i].prefix,
                  strlen (partitions[i].prefix)) != 0)
    i++;
  return xasprintf ("https://%s.%s.%s/", service, region, partitions[i].domain);
}

bool
aws_region_is_sane (const char *region)
{
  size_t len = strlen (region);

  return len > 0 && len <= 63 && region[0] != '-' && region[len - 1] != '-' &&
         strspn (region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}
