/* Azure, as the simulation needs to know it: the truth out of the fake's
 * objects, whose bodies are ARM resources.
 *
 * The frame knows objects by their ids in lower case; jobs spell ids of disks
 * in lower case but for the name, as the provider does. */

#include "azure-fleet.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static json_t *
azure_binding_config (void)
{
  return json_make ("{s:s,s:s}", "azure-subscription", AZURE_SUB,
                    "azure-endpoint", "https://fake.invalid/");
}

/* --- ids -------------------------------------------------------------------
 */

static char *
lower (const char *text, size_t len)
{
  char *copy = xstrdup (text);

  for (size_t i = 0; i < len && copy[i]; i++)
    copy[i] = (char)tolower ((unsigned char)copy[i]);
  return copy;
}

static char *
spelled (const char *id)
{
  const char *slash = strrchr (id, '/');

  return lower (id, slash ? (size_t)(slash - id) : strlen (id));
}

static json_t *
object_of (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_FREE char *key = lower (id, strlen (id));

  return *key ? fake_cloud_object (cloud, key) : NULL;
}

/* --- truth -----------------------------------------------------------------
 */

/* The tags that are not ours; *marked: some are. */
static json_t *
tags_of (const json_t *body, bool *marked)
{
  json_t *tags = json_object (), *value;
  const char *key;

  *marked = false;
  json_object_foreach (json_object_get (body, "tags"), key, value)
  {
    if (strncasecmp (key, "bootmend-", 9) == 0)
      *marked = true;
    else
      json_object_set (tags, key, value);
  }
  return tags;
}

/* An entry of a storage profile: its disk by the one spelling, and whether its
 * name is that disk's. */
static json_t *
entry_of (const json_t *entry)
{
  CLEANUP_FREE char *id = spelled (json_str (entry, "managedDisk.id", ""));
  const char *slash = strrchr (id, '/');
  const char *name = json_str (entry, "name", "");
  json_t *kept = json_deep_copy (entry);

  json_put_str (json_object_get (kept, "managedDisk"), "id", id);
  json_put_bool (kept, "name", slash && strcasecmp (slash + 1, name) == 0);
  json_object_del (kept, "toBeDetached");
  return kept;
}

static json_t *
storage_of (const json_t *body)
{
  const json_t *profile = json_at (body, "properties.storageProfile");
  json_t *disks = json_object (), *entry;
  size_t i;

  json_array_foreach (json_object_get (profile, "dataDisks"), i, entry)
  {
    CLEANUP_FREE char *lun =
        xasprintf ("%lld", (long long)json_int (entry, "lun", -1));

    json_put (disks, lun, entry_of (entry));
  }
  return json_make ("{s:o,s:o}", "osDisk",
                    entry_of (json_object_get (profile, "osDisk")), "dataDisks",
                    disks);
}

/* Without the fake's own members and what each change changes; what ARM has
 * below "properties" is beside the rest. */
static json_t *
lasting (const json_t *body)
{
  static const char *const passing[] = {"etag",
                                        "properties",
                                        "provisioningState",
                                        "instanceView",
                                        "storageProfile",
                                        "diskState",
                                        "LastOwnershipUpdateTime",
                                        "lastOwnershipUpdateTime",
                                        "isArmResource",
                                        "managedByExtended",
                                        NULL};
  const json_t *properties = json_object_get (body, "properties");
  json_t *kept = json_object (), *value;
  const char *key;
  bool marked;

  json_object_foreach ((json_t *)body, key, value)
  {
    if (*key != '_')
      json_object_set (kept, key, value);
  }
  json_object_foreach ((json_t *)properties, key, value)
  {
    json_object_set (kept, key, value);
  }
  for (const char *const *name = passing; *name; name++)
    json_object_del (kept, *name);
  /* The tier follows from the name. */
  if (json_object_get (kept, "sku"))
    json_put_str (kept, "sku", json_str (body, "sku.name", ""));
  json_put (kept, "tags", tags_of (body, &marked));
  return kept;
}

static json_t *
azure_vm (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_JSON json_t *body = object_of (cloud, id);
  CLEANUP_JSON json_t *tags = NULL;
  const char *power = json_str (body, "_power", "");
  bool marked;
  json_t *kept;

  if (body == NULL)
    return NULL;
  tags = tags_of (body, &marked);
  kept = lasting (body);
  json_put (kept, "storage", storage_of (body));
  return json_make ("{s:s,s:s,s:b,s:o}", "power",
                    strcmp (power, "deallocated") == 0 ? "stopped" : power,
                    "disk",
                    json_str (json_object_get (kept, "storage"),
                              "osDisk.managedDisk.id", ""),
                    "marked", marked, "kept", kept);
}

static json_t *
azure_disk (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_JSON json_t *body = object_of (cloud, id ? id : "");
  CLEANUP_JSON json_t *tags = NULL;
  CLEANUP_FREE char *owner = NULL;
  json_t *kept, *at = json_array ();
  bool marked, detaching;

  if (body == NULL) {
    json_decref (at);
    return NULL;
  }
  tags = tags_of (body, &marked);
  owner = spelled (json_str (body, "managedBy", ""));
  for (char *c = owner; *c; c++)
    *c = (char)tolower ((unsigned char)*c);
  detaching = json_bool (body, "_detaching", false);
  kept = lasting (body);
  if (*owner) {
    json_array_append_new (at, json_string (owner));
    json_put_str (kept, "managedBy", owner);
  } else
    json_object_del (kept, "managedBy");
  return json_make ("{s:o,s:b,s:O*,s:b,s:o}", "at", at, "settled", !detaching,
                    "content", json_object_get (body, "_content"), "marked",
                    marked, "kept", kept);
}

static const char *
token_of (const json_t *body)
{
  json_t *value;
  const char *key;
  bool ours = false;

  json_object_foreach (json_object_get (body, "tags"), key, value)
  {
    if (strcasecmp (key, "bootmend-kept-for") == 0)
      return "";
    ours = ours || strcasecmp (key, "bootmend-campaign") == 0;
  }
  return ours ? json_str (body, "name", "") : "";
}

static json_t *
azure_things (struct fake_cloud *cloud)
{
  static const char *const kinds[] = {"disk", "snapshot"};
  CLEANUP_JSON json_t *state = fake_cloud_state (cloud);
  json_t *things = json_object (), *body;
  const char *key;

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    json_object_foreach (json_object_get (json_at (state, "objects"), kinds[i]),
                         key, body)
    {
      CLEANUP_FREE char *id = spelled (json_str (body, "id", key));

      json_put_str (things, id, token_of (body));
    }
  return things;
}

/* ".../by-lun/3" of that helper. */
static char *
azure_disk_of_path (struct fake_cloud *cloud, const char *helper,
                    const char *path)
{
  CLEANUP_JSON json_t *body = object_of (cloud, helper);
  const char *at = path + strlen (path);
  json_t *entry;
  size_t i;

  while (at > path && isdigit ((unsigned char)at[-1]))
    at--;
  json_array_foreach (json_at (body, "properties.storageProfile.dataDisks"), i,
                      entry)
  {
    if (json_int (entry, "lun", -1) == strtoll (at, NULL, 10))
      return spelled (json_str (entry, "managedDisk.id", ""));
  }
  return xstrdup ("");
}

static void
azure_write (struct fake_cloud *cloud, const char *disk, const json_t *content)
{
  CLEANUP_FREE char *id = lower (disk, strlen (disk));
  CLEANUP_JSON json_t *op =
      json_make ("{s:s,s:s,s:{s:b,s:O}}", "op", "set", "id", id, "body",
                 "_boots", content_boots (content), "_content", content);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (cloud, op, &err);

  if (out == NULL) {
    fprintf (stderr, "%s: %s\n", disk, err->msg);
    abort ();
  }
}

/* --- somebody else ---------------------------------------------------------
 */

static void
call (struct fake_cloud *cloud, const char *method, const char *id,
      const char *action, const char *body)
{
  CLEANUP_FREE char *url =
      xasprintf ("https://fake.invalid%s%s%sapi-version=%s", id, action,
                 strchr (action, '?') ? "&" : "?",
                 strstr (action, "/tags/") ? "2021-04-01"
                 : strstr (id, "/disks/")  ? "2024-03-02"
                                           : "2024-11-01");
  CLEANUP_JSON json_t *op =
      json_make ("{s:s,s:s,s:s,s:s}", "op", "call", "method", method, "url",
                 url, "body", body);
  CLEANUP_ERR struct err *err = NULL;

  json_decref (fake_cloud_control (cloud, op, &err));
}

static const struct {
  const char *what, *method, *action, *body;
  bool disk;
} meddlings[] = {
    {"start", "POST", "/start", "", false},
    {"powerOff", "POST", "/powerOff", "", false},
    {"deallocate", "POST", "/deallocate", "", false},
    {"restart", "POST", "/restart", "", false},
    {"VM deleted", "DELETE", "", "", false},
    {"disk deleted", "DELETE", "", "", true},
    {"another campaign's mark", "PATCH",
     "/providers/Microsoft.Resources/tags/default",
     "{\"operation\":\"Merge\",\"properties\":{\"tags\":{"
     "\"bootmend-campaign\":\"theirs\"}}}",
     false},
    {"other attributes", "PATCH", "",
     "{\"properties\":{\"storageProfile\":{\"osDisk\":{\"deleteOption\":"
     "\"Delete\",\"caching\":\"None\"}}}}",
     false},
};

static const char *
azure_meddle (struct fake_cloud *cloud, struct random_source *random,
              const char *vm, const char *disk)
{
  uint64_t what = random_below (random, ARRAY_SIZE (meddlings) + 1);

  if (what == ARRAY_SIZE (meddlings)) {
    fleet_overwrite (&azure_fleet, cloud, disk);
    return "other content";
  }
  call (cloud, meddlings[what].method, meddlings[what].disk ? disk : vm,
        meddlings[what].action, meddlings[what].body);
  return meddlings[what].what;
}

/* --- wire ------------------------------------------------------------------
 */

/* ".../providers/Microsoft.Compute/disks/x": "GET disks"; what lies behind a
 * name is named, too: "POST virtualMachines/start". */
static void
azure_action (const struct http_request *req, char *buf, size_t size)
{
  const char *at = strcasestr (req->url, "/providers/"), *next;
  const char *words[3] = {"", "", ""};
  int len[3] = {0, 0, 0};

  while (at && (next = strcasestr (at + 1, "/providers/")))
    at = next;
  at = at ? strchr (at + strlen ("/providers/"), '/') : NULL;
  for (size_t i = 0; at && *at == '/' && i < 3; i++) {
    words[i] = ++at;
    len[i] = (int)strcspn (at, "/?");
    at += len[i];
  }
  snprintf (buf, size, "%s %.*s%s%.*s%s", req->method, len[0], words[0],
            len[2] ? "/" : "", len[2], words[2],
            len[1] == 0 && strcmp (req->method, "GET") == 0
                ? strstr (req->url, "statusOnly") ? " (statusOnly)" : " (list)"
                : "");
}

static bool
azure_is_throttled (const struct http_reply *reply)
{
  return reply->status == 429;
}

static void
azure_expired (struct http_reply *reply)
{
  static const char body[] =
      "{\"error\":{\"code\":\"ExpiredAuthenticationToken\",\"message\":\"The "
      "access token expiry UTC time is earlier than current UTC time.\"}}";

  *reply = (struct http_reply){.status = 401};
  http_reply_set_body (reply, body, strlen (body));
}

/* The fake's usual times (azure/arm-config.c); a guest that crash-loops does
 * not hear a shutdown. */
static json_t *
azure_chain (void)
{
  return json_make ("[[s,i],[s,i],[s,i],[s,i],[s,i],[s,i],[s,i]]", "power off",
                    20000, "copy", 1000, "attach", 6000, "detach", 14000,
                    "swap", 20000, "start", 4000, "agent", 30000);
}

static const char *const healths[] = {"status", "status", "none",
                                      "serial:Windows is Ready", NULL};
static const char *const own[] = {"id",          "name",         "uniqueId",
                                  "timeCreated", "creationData", NULL};
static const char *const looks[] = {"read", "list", "operation", NULL};

const struct fleet_kind azure_fleet = {.name = "azure",
                                       .config = azure_fleet_config,
                                       .selection = "name=bad-*",
                                       .binding_config = azure_binding_config,
                                       .vm_id = azure_fleet_vm_id,
                                       .helper_id = azure_fleet_helper_id,
                                       .vm = azure_vm,
                                       .disk = azure_disk,
                                       .things = azure_things,
                                       .disk_of_path = azure_disk_of_path,
                                       .write = azure_write,
                                       .meddle = azure_meddle,
                                       .expired = azure_expired,
                                       .action = azure_action,
                                       .is_throttled = azure_is_throttled,
                                       .strategy = "swap",
                                       .healths = healths,
                                       .allow = "scale-set",
                                       .own = own,
                                       .attached = "managedBy",
                                       .looks = looks,
                                       .follows = "operations",
                                       .slots = 32,
                                       .chain = azure_chain};
