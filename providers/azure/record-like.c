/* What a disk has that its copy must have, too. */

#include "record.h"

#include <string.h>
#include <strings.h>

static void
copy_any (json_t *to, const char *key, const json_t *from, const char *path)
{
  json_t *value = json_at (from, path);

  if (value && !json_is_null (value))
    json_object_set (to, key, value);
}

/* Premium disks: the tier that comes with a size, in GiB. [learn.microsoft.com
 * "Performance tiers for managed disks"] */
static const struct {
  int64_t gib;
  const char *tier;
} baselines[] = {{4, "P1"},      {8, "P2"},     {16, "P3"},    {32, "P4"},
                 {64, "P6"},     {128, "P10"},  {256, "P15"},  {512, "P20"},
                 {1024, "P30"},  {2048, "P40"}, {4096, "P50"}, {8192, "P60"},
                 {16384, "P70"}, {32767, "P80"}};

/* What somebody has chosen, as against what every such disk has: that is not
 * shown of older disks (tiers, before June 2020), but of their copies. */
static void
put_choices (json_t *properties, const json_t *disk)
{
  static const char *const flags[] = {"burstingEnabled",
                                      "optimizedForFrequentAttach"};
  int64_t gib = json_int (disk, "properties.diskSizeGB", 0);
  const char *tier = json_str (disk, "properties.tier", "");
  const char *mode = json_str (disk, "properties.dataAccessAuthMode", "None");
  size_t i = 0;

  while (i + 1 < ARRAY_SIZE (baselines) && baselines[i].gib < gib)
    i++;
  if (*tier && strcasecmp (tier, baselines[i].tier) != 0)
    json_put_str (properties, "tier", tier);
  for (i = 0; i < ARRAY_SIZE (flags); i++) {
    CLEANUP_FREE char *path = xasprintf ("properties.%s", flags[i]);

    if (json_bool (disk, path, false))
      json_put_bool (properties, flags[i], true);
  }
  if (strcasecmp (mode, "None") != 0)
    json_put_str (properties, "dataAccessAuthMode", mode);
}

json_t *
azure_like (const json_t *disk)
{
  static const char *const carried[] = {"osType",
                                        "hyperVGeneration",
                                        "securityProfile",
                                        "encryption",
                                        "networkAccessPolicy",
                                        "publicNetworkAccess",
                                        "diskAccessId",
                                        "purchasePlan",
                                        "supportedCapabilities",
                                        "supportsHibernation"};
  json_t *made = json_object (), *properties = json_object ();

  copy_any (made, "location", disk, "location");
  copy_any (made, "zones", disk, "zones");
  copy_any (made, "extendedLocation", disk, "extendedLocation");
  copy_any (made, "sku", disk, "sku.name");
  json_put (made, "tags", azure_plain_tags (json_object_get (disk, "tags")));
  for (size_t i = 0; i < ARRAY_SIZE (carried); i++) {
    CLEANUP_FREE char *path = xasprintf ("properties.%s", carried[i]);

    copy_any (properties, carried[i], disk, path);
  }
  put_choices (properties, disk);
  json_put (made, "properties", properties);
  return made;
}
