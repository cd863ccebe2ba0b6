/* What hardly changes: regions, zones, instance types, addresses, CPU credits.
 */

#include "aws.h"

#include <string.h>

static const struct aws_filter_row no_filters[] = {{NULL}};
static const struct aws_filter_row zone_filters[] = {
    {"region-name", "regionName"},
    {"state", "zoneState"},
    {"zone-name", "zoneName"},
    {"zone-id", "zoneId"},
    {"zone-type", "zoneType"},
    {"opt-in-status", "optInStatus"},
    {NULL},
};
static const struct aws_filter_row region_filters[] = {
    {"region-name", "regionName"},
    {"endpoint", "regionEndpoint"},
    {"opt-in-status", "optInStatus"},
    {NULL},
};
static const struct aws_filter_row type_filters[] = {
    {"instance-type", "instanceType"},
    {"bare-metal", "bareMetal"},
    {"hypervisor", "hypervisor"},
    {"current-generation", "currentGeneration"},
    {"instance-storage-supported", "instanceStorageSupported"},
    {"processor-info.supported-architecture",
     "processorInfo.supportedArchitectures"},
    {NULL},
};
static const struct aws_filter_row address_filters[] = {
    {"allocation-id", "allocationId"},
    {"association-id", "associationId"},
    {"domain", "domain"},
    {"instance-id", "instanceId"},
    {"network-interface-id", "networkInterfaceId"},
    {"public-ip", "publicIp"},
    {"private-ip-address", "privateIpAddress"},
    {"tag-key", "tagSet.key"},
    {NULL},
};

static const struct aws_query zones = {NULL, NULL, zone_filters, 0, 0, false};
static const struct aws_query regions = {NULL, NULL, region_filters,
                                         0,    0,    false};
static const struct aws_query types = {NULL, NULL, type_filters, 5, 100, true};
static const struct aws_query addresses =
    {"elastic-ip", "AllocationId", address_filters, 0, 0, false};
static const struct aws_query credits = {"instance", "InstanceId", no_filters,
                                         5,          1000,         true};

/* Slots of a Nitro instance are shared between volumes and network interfaces,
 * 28 in all, newer types have some of their own. [Amazon EBS User Guide,
 * "Amazon EBS volume limits for EC2 instances"] */
static const struct {
  const char *name;
  int cpus, mib, slots;
  bool dedicated, metal, nitro, store;
} known_types[] = {
    {"t2.micro", 1, 1024, 40, true, false, false, false},
    {"t3.micro", 2, 1024, 28, false, false, true, false},
    {"t3.medium", 2, 4096, 28, false, false, true, false},
    {"t3.large", 2, 8192, 28, false, false, true, false},
    {"m5.large", 2, 8192, 28, false, false, true, false},
    {"m5.xlarge", 4, 16384, 28, false, false, true, false},
    {"m5d.large", 2, 8192, 28, false, false, true, true},
    {"m5.metal", 96, 393216, 31, false, true, true, false},
    {"c5.xlarge", 4, 8192, 28, false, false, true, false},
    {"m7i.large", 2, 8192, 32, true, false, true, false},
    {"m7i.xlarge", 4, 16384, 32, true, false, true, false},
    {"m8i.large", 2, 8192, 32, true, false, true, false},
    {"c8i.xlarge", 4, 8192, 48, true, false, true, false},
};

json_t *
aws_instance_type (const char *name)
{
  for (size_t i = 0; i < ARRAY_SIZE (known_types); i++)
    if (strcmp (known_types[i].name, name) == 0)
      return json_make (
          "{s:s,s:b,s:b,s:s,s:b,s:{s:[s]},s:{s:i},s:{s:i},s:{s:s,s:i,s:s}}",
          "instanceType", name, "currentGeneration", known_types[i].nitro,
          "bareMetal", known_types[i].metal, "hypervisor",
          known_types[i].nitro ? "nitro" : "xen", "instanceStorageSupported",
          known_types[i].store, "processorInfo", "supportedArchitectures",
          "x86_64", "vCpuInfo", "defaultVCpus", known_types[i].cpus,
          "memoryInfo", "sizeInMiB", known_types[i].mib, "ebsInfo",
          "nvmeSupport", known_types[i].nitro ? "required" : "unsupported",
          "maximumEbsAttachments", known_types[i].slots, "attachmentLimitType",
          known_types[i].dedicated ? "dedicated" : "shared");
  return NULL;
}

unsigned
aws_max_attachments (const struct fake_object *instance)
{
  CLEANUP_JSON json_t *type =
      aws_instance_type (json_str (instance->body, "instanceType", ""));
  int64_t own = json_int (instance->body, "_maxAttachments", 0);
  int64_t slots = json_int (type, "ebsInfo.maximumEbsAttachments", 28);
  size_t interfaces =
      json_array_size (json_object_get (instance->body, "networkInterfaceSet"));

  if (own)
    return (unsigned)own;
  if (strcmp (json_str (type, "ebsInfo.attachmentLimitType", ""),
              "dedicated") != 0)
    slots -= (int64_t)interfaces;
  return (unsigned)slots;
}

/* Runs filters and pages over bodies that are made for the call. */
static int
answer (struct fake_call *call, const struct aws_query *query, json_t *bodies,
        const char *set_name)
{
  struct aws_items items = VEC_EMPTY;
  json_t *set = json_array ();
  int result;

  for (size_t i = 0; i < json_array_size (bodies); i++) {
    struct aws_item item = {json_array_get (bodies, i), i};

    aws_items_push (&items, item);
  }
  json_put (call->out, set_name, set);
  result = aws_select (call, query, &items);
  for (size_t i = 0; result == 0 && i < items.len; i++)
    json_array_append (set, (json_t *)items.ptr[i].body);
  aws_items_release (&items);
  return result;
}

/* Is the text in the list, or the list empty?  Marks what was found. */
static bool
wanted (const struct aws_words *names, const char *name)
{
  for (size_t i = 0; i < names->len; i++)
    if (strcmp (names->ptr[i], name) == 0)
      return true;
  return names->len == 0;
}

static int
describe_zones (struct fake_call *call)
{
  CLEANUP_FREE char *path = xasprintf ("aws.regions.%s.zones", call->region);
  const json_t *list = fake_config (call->cloud, path);
  CLEANUP_JSON json_t *bodies = json_array ();
  struct aws_words names = aws_list (call, "ZoneName");
  size_t found = 0;

  for (size_t i = 0; i < json_array_size (list); i++) {
    const char *name = json_string_value (json_array_get (list, i));
    CLEANUP_FREE char *id = xasprintf ("fake1-az%zu", i + 1);

    if (!wanted (&names, name))
      continue;
    found++;
    json_array_append_new (bodies,
                           json_make ("{s:s,s:s,s:s,s:s,s:s,s:s}", "zoneName",
                                      name, "zoneState", "available",
                                      "regionName", call->region, "zoneId", id,
                                      "zoneType", "availability-zone",
                                      "optInStatus", "opt-in-not-required"));
  }
  if (found < names.len)
    found = (size_t)-1;
  aws_words_release (&names);
  if (found == (size_t)-1)
    return aws_fail (call, 400, "InvalidParameterValue",
                     "Invalid availability "
                     "zone");
  return answer (call, &zones, bodies, "availabilityZoneInfo");
}

static int
describe_regions (struct fake_call *call)
{
  const json_t *list = fake_config (call->cloud, "aws.regions");
  CLEANUP_JSON json_t *bodies = json_array ();
  struct aws_words names = aws_list (call, "RegionName");
  const char *name;
  json_t *region;

  json_object_foreach ((json_t *)list, name, region)
  {
    CLEANUP_FREE char *endpoint = xasprintf ("ec2.%s.amazonaws.com", name);

    if (wanted (&names, name))
      json_array_append_new (bodies,
                             json_make ("{s:s,s:s,s:s}", "regionName", name,
                                        "regionEndpoint", endpoint,
                                        "optInStatus", "opt-in-not-required"));
  }
  aws_words_release (&names);
  return answer (call, &regions, bodies, "regionInfo");
}

static int
describe_types (struct fake_call *call)
{
  struct aws_words names = aws_list (call, "InstanceType");
  CLEANUP_JSON json_t *bodies = json_array ();
  int result = 0;

  for (size_t i = 0; i < ARRAY_SIZE (known_types); i++)
    if (wanted (&names, known_types[i].name))
      json_array_append_new (bodies, aws_instance_type (known_types[i].name));
  if (names.len && json_array_size (bodies) < names.len)
    result = aws_fail (call, 400, "InvalidInstanceType",
                       "The following supplied instance types do not exist: "
                       "[%s]",
                       names.ptr[0]);
  aws_words_release (&names);
  return result ? result : answer (call, &types, bodies, "instanceTypeSet");
}

static int
describe_addresses (struct fake_call *call)
{
  struct aws_items items = VEC_EMPTY;
  struct aws_words ips = aws_list (call, "PublicIp");
  CLEANUP_JSON json_t *bodies = json_array ();
  int result = aws_gather (call, &addresses, &items);

  for (size_t i = 0; result == 0 && i < items.len; i++)
    if (wanted (&ips, json_str (items.ptr[i].body, "publicIp", "")))
      json_array_append (bodies, (json_t *)items.ptr[i].body);
  if (result == 0 && json_array_size (bodies) < ips.len)
    result = aws_fail (call, 400, "InvalidAddress.NotFound",
                       "Address '%s' not found.", ips.ptr[0]);
  aws_items_release (&items);
  aws_words_release (&ips);
  return result ? result : answer (call, &addresses, bodies, "addressesSet");
}

static int
describe_credits (struct fake_call *call)
{
  struct aws_items items = VEC_EMPTY;
  CLEANUP_JSON json_t *bodies = json_array ();
  int result = aws_gather (call, &credits, &items);

  for (size_t i = 0; result == 0 && i < items.len; i++) {
    const json_t *body = items.ptr[i].body;
    const char *mode = json_str (body, "_cpuCredits", NULL);

    if (mode)
      json_array_append_new (bodies,
                             json_make ("{s:s,s:s}", "instanceId",
                                        json_str (body, "instanceId", ""),
                                        "cpuCredits", mode));
  }
  aws_items_release (&items);
  return result ? result
                : answer (call, &credits, bodies,
                          "instanceCreditSpecificationSet");
}

#define FILTER " Filter.n.Name Filter.n.Value.n"
#define PAGE   " MaxResults:i NextToken"

const struct aws_action aws_place_actions[] = {
    {"ec2", "DescribeAvailabilityZones",
     "ZoneName.n AllAvailabilityZones:b" FILTER, describe_zones},
    {"ec2", "DescribeRegions", "RegionName.n AllRegions:b" FILTER,
     describe_regions},
    {"ec2", "DescribeInstanceTypes", "InstanceType.n" FILTER PAGE,
     describe_types},
    {"ec2", "DescribeAddresses", "PublicIp.n AllocationId.n" FILTER,
     describe_addresses},
    {"ec2", "DescribeInstanceCreditSpecifications", "InstanceId.n" FILTER PAGE,
     describe_credits},
    {NULL},
};
