/* Volumes and snapshots that are there at the start. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

json_t *
aws_tag_set (const json_t *tags)
{
  json_t *set = json_array ();
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)tags, key, value)
  {
    json_array_append_new (set,
                           json_make ("{s:s,s:O}", "key", key, "value", value));
  }
  return set;
}

json_t *
aws_product_codes (const json_t *codes)
{
  json_t *set = json_array ();

  for (size_t i = 0; i < json_array_size (codes); i++)
    json_array_append_new (set, json_make ("{s:O,s:s}", "productCode",
                                           json_array_get (codes, i), "type",
                                           "marketplace"));
  return set;
}

const char *
aws_region_of (const struct fake_cloud *cloud, const char *zone)
{
  const char *name;
  json_t *region;

  json_object_foreach ((json_t *)fake_config (cloud, "aws.regions"), name,
                       region)
  {
    if (aws_zone_exists (cloud, name, zone))
      return name;
  }
  return NULL;
}

/* ---- volumes ---- */

static const char *const volume_keys[] = {"id",
                                          "size",
                                          "type",
                                          "iops",
                                          "throughput",
                                          "encrypted",
                                          "kms_key",
                                          "image",
                                          "boots",
                                          "content",
                                          "busy",
                                          "key_unusable",
                                          "product_codes",
                                          "tags",
                                          "multi_attach",
                                          "windows_product",
                                          "device",
                                          "zone",
                                          "account",
                                          "delete_on_termination",
                                          "snapshots",
                                          "managed",
                                          "modification",
                                          "lineage",
                                          NULL};

static const struct fake_kept volume_kept[] = {
    {"iops", "iops"},
    {"throughput", "throughput"},
    {"kms_key", "kmsKeyId"},
    {"image", "_image"},
    {"boots", "_boots"},
    {"content", "_content"},
    {"busy", "_busy"},
    {"key_unusable", "_keyUnusable"},
    {"windows_product", "_windowsProduct"},
    {"modification", "_modification"},
    {"lineage", "_lineage"},
    {NULL},
};

static int
add_snapshots (struct fake_cloud *cloud, const struct fake_object *volume,
               const json_t *specs, struct err **err)
{
  static const char *const keys[] = {"id",          "start_time", "boots",
                                     "content",     "image",      "tags",
                                     "description", "size",       "tier",
                                     NULL};
  size_t i;
  json_t *spec;

  json_array_foreach ((json_t *)specs, i, spec)
  {
    struct fake_object *snapshot;
    json_t *body;

    if (fake_check_keys (spec, keys, "snapshot", err) < 0)
      return -1;
    body =
        json_make ("{s:s,s:s,s:s,s:s,s:s,s:O,s:s,s:O,s:s,s:o,s:s}",
                   "snapshotId", "", "volumeId", volume->id, "status",
                   "completed", "progress", "100%", "ownerId", volume->account,
                   "volumeSize", json_object_get (volume->body, "size"),
                   "description", json_str (spec, "description", ""),
                   "encrypted", json_object_get (volume->body, "encrypted"),
                   "storageTier", json_str (spec, "tier", "standard"), "tagSet",
                   aws_tag_set (json_object_get (spec, "tags")), "startTime",
                   json_str (spec, "start_time", "2024-01-01T00:00:00.000Z"));
    fake_keep (spec, body, volume_kept);
    if (json_object_get (spec, "size")) /* the volume has grown since */
      json_object_set (body, "volumeSize", json_object_get (spec, "size"));
    json_put_str (body, "_lineage", json_str (volume->body, "_lineage", ""));
    snapshot = fake_object_add (cloud, "snapshot", json_str (spec, "id", NULL),
                                "snap-", volume->account, volume->region, body);
    json_put_str (body, "snapshotId", snapshot->id);
    fake_object_changed (cloud, snapshot); /* for looks that lag */
  }
  return 0;
}

struct fake_object *
aws_add_volume (struct fake_cloud *cloud, const json_t *spec,
                const char *account, const char *zone, struct err **err)
{
  const char *region = aws_region_of (cloud, zone);
  struct fake_object *volume;
  json_t *body;

  if (fake_check_keys (spec, volume_keys, "volume", err) < 0)
    return NULL;
  if (region == NULL) {
    err_set (err, ERR_INPUT, "volume: no such zone: \"%s\"", zone);
    return NULL;
  }
  body =
      json_make ("{s:s,s:[],s:s,s:b,s:I,s:s,s:s,s:s,s:b,s:o,s:o}", "volumeId",
                 "", "attachmentSet", "availabilityZone", zone, "encrypted",
                 json_bool (spec, "encrypted", false), "size",
                 (json_int_t)json_int (spec, "size", 30), "snapshotId", "",
                 "status", "available", "volumeType",
                 json_str (spec, "type", "gp3"), "multiAttachEnabled",
                 json_bool (spec, "multi_attach", false), "tagSet",
                 aws_tag_set (json_object_get (spec, "tags")), "_productCodes",
                 aws_product_codes (json_object_get (spec, "product_codes")));
  fake_keep (spec, body, volume_kept);
  if (strcmp (json_str (body, "volumeType", ""), "gp3") == 0) {
    json_put_int (body, "iops", json_int (spec, "iops", 3000));
    json_put_int (body, "throughput", json_int (spec, "throughput", 125));
  }
  if (json_bool (spec, "managed", false))
    json_put (body, "operator",
              json_make ("{s:b,s:s}", "managed", 1, "principal", "eks"));
  aws_put_now (cloud, body, "createTime");
  volume = fake_object_add (cloud, "volume", json_str (spec, "id", NULL),
                            "vol-", account, region, body);
  json_put_str (body, "volumeId", volume->id);
  if (json_object_get (body, "_lineage") == NULL)
    json_put_str (body, "_lineage", volume->id);
  if (add_snapshots (cloud, volume, json_object_get (spec, "snapshots"), err) <
      0)
    return NULL;
  return volume;
}
