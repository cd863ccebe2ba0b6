/* EC2, as the simulation needs to know it: the truth out of the fake's objects,
 * whose bodies have the shape of EC2's XML. */

#include "ec2-fleet.h"

#include <stdio.h>
#include <string.h>

static json_t *
ec2_binding_config (void)
{
  return json_make ("{s:s,s:s}", "aws-region", EC2_REGION, "aws-endpoint",
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
  json_put_str (kept, "group", json_str (body, "_asg.LifecycleState", "none"));
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
  json_t *things = json_object (), *body, *tag;
  const char *id;
  size_t j;

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    json_object_foreach (json_object_get (json_at (state, "objects"), kinds[i]),
                         id, body)
    {
      json_put_str (things, id, "");
      json_array_foreach (json_object_get (body, "tagSet"), j,
                          tag) if (strcmp (json_str (tag, "key", ""),
                                           "bootmend:token") == 0)
          json_object_set (things, id, json_object_get (tag, "value"));
    }
  return things;
}

static char *
ec2_disk_of_path (struct fake_cloud *cloud, const char *helper,
                  const char *path)
{
  static const char link[] = "/nvme-Amazon_Elastic_Block_Store_vol";
  const char *at = strstr (path, link);

  (void)cloud;
  (void)helper;
  return at ? xasprintf ("vol-%s", at + strlen (link)) : xstrdup ("");
}

static void
ec2_write (struct fake_cloud *cloud, const char *disk, const json_t *content)
{
  CLEANUP_JSON json_t *op =
      json_make ("{s:s,s:s,s:{s:b,s:O}}", "op", "set", "id", disk, "body",
                 "_boots", content_boots (content), "_content", content);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (cloud, op, &err);

  if (out == NULL)
    abort ();
}

/* --- somebody else ---------------------------------------------------------
 */

static void
call (struct fake_cloud *cloud, const char *action, json_t *form_taken)
{
  CLEANUP_JSON json_t *op =
      json_make ("{s:s,s:s,s:s,s:o}", "op", "call", "service", "ec2", "region",
                 EC2_REGION, "form", form_taken);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = NULL;

  json_put_str (form_taken, "Action", action);
  json_put_str (form_taken, "Version", "2016-11-15");
  out = fake_cloud_control (cloud, op, &err);
}

static const char *
ec2_meddle (struct fake_cloud *cloud, struct random_source *random,
            const char *vm, const char *disk)
{
  static const char *const actions[] = {"StartInstances", "StopInstances",
                                        "TerminateInstances",
                                        "RebootInstances"};
  static const char *const volumes[] = {"DetachVolume", "DeleteVolume"};
  uint64_t what = random_below (random, 9);

  if (what < ARRAY_SIZE (actions)) {
    call (cloud, actions[what], json_make ("{s:s}", "InstanceId.1", vm));
    return actions[what];
  }
  what -= ARRAY_SIZE (actions);
  if (what < ARRAY_SIZE (volumes)) {
    call (cloud, volumes[what], json_make ("{s:s}", "VolumeId", disk));
    return volumes[what];
  }
  if (what == 2) {
    call (cloud, "CreateTags",
          json_make ("{s:s,s:s,s:s}", "ResourceId.1", vm, "Tag.1.Key",
                     "bootmend:campaign", "Tag.1.Value", "theirs"));
    return "another campaign's mark";
  }
  if (what == 3) {
    call (cloud, "ModifyInstanceAttribute",
          json_make ("{s:s,s:s}", "InstanceId", vm,
                     "InstanceInitiatedShutdownBehavior.Value", "terminate"));
    return "another attribute";
  }
  fleet_overwrite (&ec2_fleet, cloud, disk);
  return "other content";
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

static void
ec2_expired (struct http_reply *reply)
{
  static const char body[] =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"
      "<Code>RequestExpired</Code><Message>Request has expired.</Message>"
      "</Error></Errors><RequestID>sim</RequestID></Response>";

  *reply = (struct http_reply){.status = 400};
  http_reply_set_body (reply, body, strlen (body));
}

/* The fake's usual times (aws-config.c). */
static json_t *
ec2_chain (void)
{
  return json_make ("[[s,i],[s,i],[s,i],[s,i],[s,i],[s,i],[s,i]]", "stop",
                    20000, "detach", 2000, "attach", 2000, "detach", 2000,
                    "attach", 2000, "start", 3000, "status checks", 30000);
}

static const char *const healths[] = {"status", "status", "none",
                                      "serial:Windows is Ready", NULL};
static const char *const own[] = {"snapshotId", "createTime", NULL};
static const char *const looks[] = {"describe", NULL};

const struct fleet_kind ec2_fleet =
    {.name = "aws",
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
     .meddle = ec2_meddle,
     .expired = ec2_expired,
     .action = ec2_action,
     .is_throttled = ec2_is_throttled,
     .strategy = "move",
     .healths = healths,
     .allow = "auto-scaling",
     .own = own,
     .attached = "attachmentSet",
     .looks = looks,
     /* 28 less its disk and network interface */
     .slots = 26,
     .chain = ec2_chain};
