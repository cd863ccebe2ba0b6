/* EC2, as the simulation needs to know it: fleets in the fake's configuration,
 * and the truth out of its objects, whose bodies have the shape of EC2's XML.
 */

#include <stdio.h>
#include <string.h>

#include "fleet.h"

#define REGION  "us-east-1"
#define ACCOUNT "111122223333"

static char *
ec2_vm_id (size_t n)
{
  return xasprintf ("i-00000000b%08zx", n);
}

static char *
ec2_helper_id (size_t zone, size_t n)
{
  return xasprintf ("i-00000000a%04zx%04zx", zone, n);
}

static char *
zone_name (size_t zone)
{
  return xasprintf (REGION "%c", (char)('a' + zone - 1));
}

/* --- configuration ---------------------------------------------------------
 */

static bool
draw (struct random_source *random, unsigned permille)
{
  return random_below (random, 1000) < permille;
}

static json_t *
content_of (const struct fleet_plan *plan, struct random_source *random)
{
  bool bad = !plan->varied || draw (random, 700);
  bool boot = !plan->varied || draw (random, 930);
  bool hibernated = plan->varied && draw (random, 50);
  bool several = plan->varied && draw (random, 20);

  return json_make ("{s:b,s:b,s:b,s:b,s:i}", "bad", bad, "boot", boot,
                    "hibernated", hibernated, "several", several, "version", 1);
}

static void
vary (json_t *vm, json_t *root, struct random_source *random)
{
  json_put_str (vm, "state", draw (random, 850) ? "running" : "stopped");
  json_put_bool (root, "delete_on_termination", draw (random, 600));
  if (draw (random, 300))
    json_put (vm, "volumes",
              json_make ("[{s:s,s:i,s:b}]", "device", "/dev/sdf", "size", 8,
                         "delete_on_termination", draw (random, 500)));
  if (draw (random, 300))
    json_put (vm, "tags", json_make ("{s:s,s:s}", "team", "shop", "env", "x"));
  if (draw (random, 200))
    json_put_str (root, "type", "gp2");
  if (draw (random, 200))
    json_put (root, "tags", json_make ("{s:s}", "backup", "daily"));
  if (draw (random, 100))
    json_put_bool (vm, "disable_api_stop", true);
  if (draw (random, 100))
    json_put_str (vm, "tenancy", "dedicated");
}

static json_t *
patient (const struct fleet_plan *plan, struct random_source *random, size_t n)
{
  CLEANUP_FREE char *id = ec2_vm_id (n);
  CLEANUP_FREE char *volume = xasprintf ("vol-00000000b%08zx", n);
  CLEANUP_FREE char *name = xasprintf ("bad-%zu", n);
  CLEANUP_FREE char *zone = zone_name (1 + (n - 1) % plan->zones);
  json_t *content = content_of (plan, random);
  json_t *root = json_make ("{s:s,s:b,s:o}", "id", volume, "boots",
                            content_boots (content), "content", content);
  json_t *vm = json_make ("{s:s,s:s,s:s,s:s,s:o}", "id", id, "name", name,
                          "zone", zone, "platform", "windows", "root", root);

  if (plan->varied)
    vary (vm, root, random);
  return vm;
}

static json_t *
instances (const struct fleet_plan *plan)
{
  struct random_source random;
  json_t *list = json_array ();

  random_init (&random, plan->seed ^ 0xec2);
  for (size_t zone = 1; zone <= plan->zones; zone++)
    for (size_t n = 1; n <= plan->helpers; n++) {
      CLEANUP_FREE char *id = ec2_helper_id (zone, n);
      CLEANUP_FREE char *name = xasprintf ("helper-%zu-%zu", zone, n);
      CLEANUP_FREE char *where = zone_name (zone);

      json_array_append_new (list, json_make ("{s:s,s:s,s:s}", "id", id, "name",
                                              name, "zone", where));
    }
  for (size_t n = 1; n <= plan->vms; n++)
    json_array_append_new (list, patient (plan, &random, n));
  return list;
}

static json_t *
ec2_config (const struct fleet_plan *plan)
{
  json_t *zones = json_array ();

  for (size_t zone = 1; zone <= plan->zones; zone++) {
    CLEANUP_FREE char *name = zone_name (zone);

    json_array_append_new (zones, json_string (name));
  }
  return json_make (
      "{s:I,s:[i,i],s:I,s:b,s:{s:b},s:{s:s,s:{s:{s:[{s:s,s:s}]}},s:{s:{s:o}},"
      "s:o}}",
      "seed", (json_int_t)plan->seed, "latency_ms", 80, 400, "stale_ms",
      (json_int_t)plan->stale_ms, "no_log", 1, "throttle", "enabled",
      plan->throttle, "aws", "auth", "trusted", "accounts", ACCOUNT, "keys",
      "id", "AKIASIM", "secret", "simulated", "regions", REGION, "zones", zones,
      "instances", instances (plan));
}

static json_t *
ec2_binding_config (void)
{
  return json_make ("{s:s,s:s}", "aws-region", REGION, "aws-endpoint",
                    "https://fake.invalid/");
}

/* --- truth -----------------------------------------------------------------
 */

static void
forget (json_t *body, const char *const *keys)
{
  for (; *keys; keys++)
    json_object_del (body, *keys);
}

/* Without the fake's own members, and what each start and attach changes. */
static json_t *
lasting (const json_t *body)
{
  static const char *const passing[] = {"instanceState", "launchTime", "reason",
                                        "stateReason",   "attachTime", "status",
                                        "tagSet",        NULL};
  json_t *kept = json_object ();
  const char *key;
  json_t *value;
  size_t i;

  if (json_is_array (body)) {
    json_t *list = json_array ();

    json_array_foreach ((json_t *)body, i, value)
        json_array_append_new (list, lasting (value));
    json_decref (kept);
    return list;
  }
  if (!json_is_object (body)) {
    json_decref (kept);
    return json_deep_copy (body);
  }
  json_object_foreach ((json_t *)body, key, value) if (*key != '_')
      json_put (kept, key, lasting (value));
  forget (kept, passing);
  return kept;
}

/* A list whose order means nothing, as an object. */
static void
unorder (json_t *kept, const char *list, const char *by)
{
  json_t *object = json_object (), *item;
  size_t i;

  json_array_foreach (json_object_get (kept, list), i, item)
      json_object_set (object, json_str (item, by, "?"), item);
  json_put (kept, list, object);
}

/* The tags that are not ours; *marked: some are. */
static json_t *
tags_of (const json_t *body, bool *marked)
{
  json_t *tags = json_object (), *tag;
  size_t i;

  *marked = false;
  json_array_foreach (json_object_get (body, "tagSet"), i, tag)
  {
    const char *key = json_str (tag, "key", "");

    if (strncmp (key, "bootmend", 8) == 0)
      *marked = true;
    else
      json_object_set (tags, key, json_object_get (tag, "value"));
  }
  return tags;
}

static const char *
root_of (const json_t *body)
{
  const char *device = json_str (body, "rootDeviceName", "");
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (body, "blockDeviceMapping"), i,
                      item) if (strcmp (json_str (item, "deviceName", ""),
                                        device) ==
                                0) return json_str (item, "ebs.volumeId", NULL);
  return NULL;
}

static json_t *
ec2_vm (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_JSON json_t *body = fake_cloud_object (cloud, id);
  const char *power = json_str (body, "instanceState.name", "terminated");
  bool marked;
  json_t *kept;

  if (body == NULL || strcmp (power, "terminated") == 0 ||
      strcmp (power, "shutting-down") == 0)
    return NULL;
  kept = lasting (body);
  json_put (kept, "tags", tags_of (body, &marked));
  unorder (kept, "blockDeviceMapping", "deviceName");
  return json_make ("{s:s,s:s*,s:b,s:o}", "power", power, "disk",
                    root_of (body), "marked", marked, "kept", kept);
}

static json_t *
ec2_disk (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_JSON json_t *body = id && *id ? fake_cloud_object (cloud, id) : NULL;
  json_t *kept, *at = json_array (), *item;
  bool settled = true, marked;
  size_t i;

  if (body == NULL) {
    json_decref (at);
    return NULL;
  }
  json_array_foreach (json_object_get (body, "attachmentSet"), i, item)
  {
    json_array_append (at, json_object_get (item, "instanceId"));
    settled =
        settled && strcmp (json_str (item, "status", ""), "attached") == 0;
  }
  kept = lasting (body);
  json_put (kept, "tags", tags_of (body, &marked));
  return json_make ("{s:o,s:b,s:O*,s:b,s:o}", "at", at, "settled", settled,
                    "content", json_object_get (body, "_content"), "marked",
                    marked, "kept", kept);
}

static json_t *
ec2_things (struct fake_cloud *cloud)
{
  static const char *const kinds[] = {"volume", "snapshot"};
  CLEANUP_JSON json_t *state = fake_cloud_state (cloud);
  json_t *list = json_array (), *body;
  const char *id;

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    json_object_foreach (json_object_get (json_at (state, "objects"), kinds[i]),
                         id, body)
        json_array_append_new (list,
                               json_make ("{s:s,s:s}", "kind",
                                          i ? "snapshot" : "disk", "id", id));
  return list;
}

static char *
ec2_disk_of_path (const char *path)
{
  static const char link[] = "/nvme-Amazon_Elastic_Block_Store_vol";
  const char *at = strstr (path, link);

  return at ? xasprintf ("vol-%s", at + strlen (link)) : xstrdup ("");
}

static void
ec2_write (struct fake_cloud *cloud, const char *disk, json_t *content)
{
  CLEANUP_JSON json_t *op =
      json_make ("{s:s,s:s,s:{s:b,s:O}}", "op", "set", "id", disk, "body",
                 "_boots", content_boots (content), "_content", content);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (cloud, op, &err);

  if (out == NULL)
    abort ();
}

/* --- wire ------------------------------------------------------------------
 */

static void
ec2_action (const struct http_request *req, char *buf, size_t size)
{
  const char *at = req->body ? strstr (req->body, "Action=") : NULL;
  size_t len = at ? strcspn (at + 7, "&") : 0;

  snprintf (buf, size, "%.*s", (int)len, at ? at + 7 : "");
  if (len == 0)
    for (size_t i = 0; i < req->headers.len; i++)
      if (strcmp (req->headers.ptr[i].name, "X-Amz-Target") == 0)
        snprintf (buf, size, "%s", req->headers.ptr[i].value);
}

static bool
ec2_is_throttled (const struct http_reply *reply)
{
  return reply->status == 503 && reply->body &&
         strstr (reply->body, "RequestLimitExceeded");
}

/* The fake's usual times (aws-config.c). */
static json_t *
ec2_chain (void)
{
  return json_make ("[[s,i],[s,i],[s,i],[s,i],[s,i],[s,i],[s,i]]", "stop",
                    20000, "detach", 2000, "attach", 2000, "detach", 2000,
                    "attach", 2000, "start", 3000, "status checks", 30000);
}

const struct fleet_kind ec2_fleet = {.name = "aws",
                                     .config = ec2_config,
                                     .selection = "name=bad-*",
                                     .binding_config = ec2_binding_config,
                                     .vm_id = ec2_vm_id,
                                     .helper_id = ec2_helper_id,
                                     .vm = ec2_vm,
                                     .disk = ec2_disk,
                                     .things = ec2_things,
                                     .disk_of_path = ec2_disk_of_path,
                                     .write = ec2_write,
                                     .action = ec2_action,
                                     .is_throttled = ec2_is_throttled,
                                     .chain = ec2_chain};
