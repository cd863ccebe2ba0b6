/* Compute Engine, as the simulation needs to know it: the truth out of the
 * fake's objects, whose bodies are those of Compute v1.  Ids are the
 * provider's: what a link has behind the project. */

#include "gcp-fleet.h"

#include <stdio.h>
#include <string.h>

#define PROJECT "projects/" GCP_PROJECT "/"
#define LINK    "https://www.googleapis.com/compute/v1/" PROJECT

static json_t *
gcp_binding_config (void)
{
  return json_make ("{s:s,s:s}", "gcp-project", GCP_PROJECT, "gcp-endpoint",
                    "https://fake.invalid/compute/v1/");
}

/* --- truth -----------------------------------------------------------------
 */

/* The provider's id of a link or of the fake's id. */
static const char *
id_of (const char *text)
{
  static const char *const heads[] = {LINK, PROJECT};

  for (size_t i = 0; i < ARRAY_SIZE (heads); i++)
    if (strncmp (text, heads[i], strlen (heads[i])) == 0)
      return text + strlen (heads[i]);
  return text;
}

static json_t *
object_of (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_FREE char *whole = xasprintf (PROJECT "%s", id);

  return *id ? fake_cloud_object (cloud, whole) : NULL;
}

/* Without the fake's own members, and what each start, attach and label
 * changes; links as ids; of a key, its newest version is another one. */
static json_t *
lasting (const json_t *body)
{
  static const char *const passing[] = {"status",
                                        "lastStartTimestamp",
                                        "lastStopTimestamp",
                                        "lastAttachTimestamp",
                                        "lastDetachTimestamp",
                                        "labelFingerprint",
                                        "fingerprint",
                                        "labels",
                                        NULL};
  const char *key;
  json_t *kept, *value;
  size_t i;

  if (json_is_string (body)) {
    const char *id = id_of (json_string_value (body));
    const char *version = strstr (id, "/cryptoKeyVersions/");

    return json_stringn (id, version ? (size_t)(version - id) : strlen (id));
  }
  if (json_is_array (body)) {
    kept = json_array ();
    json_array_foreach ((json_t *)body, i, value)
        json_array_append_new (kept, lasting (value));
    return kept;
  }
  if (!json_is_object (body))
    return json_deep_copy (body);
  kept = json_object ();
  json_object_foreach ((json_t *)body, key, value) if (*key != '_')
      json_put (kept, key, lasting (value));
  for (const char *const *name = passing; *name; name++)
    json_object_del (kept, *name);
  return kept;
}

/* The labels that are not ours; *marked: some are. */
static json_t *
labels_of (const json_t *body, bool *marked)
{
  json_t *labels = json_object (), *value;
  const char *key;

  *marked = false;
  json_object_foreach (json_object_get (body, "labels"), key, value)
  {
    if (strncmp (key, "bootmend-", 9) == 0)
      *marked = true;
    else
      json_object_set (labels, key, value);
  }
  return labels;
}

static const json_t *
boot_of (const json_t *body)
{
  json_t *entry;
  size_t i;

  json_array_foreach (json_object_get (body, "disks"), i, entry)
  {
    if (json_bool (entry, "boot", false))
      return entry;
  }
  return NULL;
}

/* Attached disks by device name: each with its number, so that the boot order
 * is compared, and all that an attach may leave out. */
static void
by_device (json_t *kept)
{
  json_t *object = json_object (), *entry;
  size_t i;

  json_array_foreach (json_object_get (kept, "disks"), i, entry)
      json_object_set (object, json_str (entry, "deviceName", "?"), entry);
  json_put (kept, "disks", object);
}

static const char *
power_of (const json_t *body)
{
  const char *status = json_str (body, "status", "");

  return strcmp (status, "TERMINATED") == 0 ? "stopped"
         : strcmp (status, "RUNNING") == 0  ? "running"
                                            : "changing";
}

static json_t *
gcp_vm (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_JSON json_t *body = object_of (cloud, id);
  const char *disk = json_str (boot_of (body), "source", NULL);
  json_t *kept;
  bool marked;

  if (body == NULL)
    return NULL;
  kept = lasting (body);
  json_put (kept, "labels", labels_of (body, &marked));
  by_device (kept);
  return json_make ("{s:s,s:s*,s:b,s:o}", "power", power_of (body), "disk",
                    disk ? id_of (disk) : NULL, "marked", marked, "kept", kept);
}

static json_t *
gcp_disk (struct fake_cloud *cloud, const char *id)
{
  CLEANUP_JSON json_t *body = id ? object_of (cloud, id) : NULL;
  json_t *kept, *at = json_array (), *link;
  bool marked;
  size_t i;

  if (body == NULL) {
    json_decref (at);
    return NULL;
  }
  json_array_foreach (json_object_get (body, "users"), i, link)
      json_array_append_new (at,
                             json_string (id_of (json_string_value (link))));
  kept = lasting (body);
  json_put (kept, "labels", labels_of (body, &marked));
  return json_make ("{s:o,s:b,s:O*,s:b,s:o}", "at", at, "settled", 1, "content",
                    json_object_get (body, "_content"), "marked", marked,
                    "kept", kept);
}

static json_t *
gcp_things (struct fake_cloud *cloud)
{
  static const char *const kinds[] = {"disk", "snapshot"};
  static const char mark[] = "bootmend: ";
  CLEANUP_JSON json_t *state = fake_cloud_state (cloud);
  json_t *things = json_object (), *body;
  const char *id;

  for (size_t i = 0; i < ARRAY_SIZE (kinds); i++)
    json_object_foreach (json_object_get (json_at (state, "objects"), kinds[i]),
                         id, body)
    {
      const char *text = json_str (body, "description", "");

      json_put_str (things, id_of (id),
                    strncmp (text, mark, sizeof mark - 1) == 0
                        ? text + sizeof mark - 1
                        : "");
    }
  return things;
}

/* A device name says something on its own machine only. */
static char *
gcp_disk_of_path (struct fake_cloud *cloud, const char *helper,
                  const char *path)
{
  static const char link[] = "/google-";
  CLEANUP_JSON json_t *body = object_of (cloud, helper);
  const char *device = strstr (path, link);
  json_t *entry;
  size_t i;

  json_array_foreach (json_object_get (body, "disks"), i, entry)
  {
    if (device && strcmp (json_str (entry, "deviceName", ""),
                          device + sizeof link - 1) == 0)
      return xstrdup (id_of (json_str (entry, "source", "")));
  }
  return xstrdup ("");
}

static void
gcp_write (struct fake_cloud *cloud, const char *disk, const json_t *content)
{
  CLEANUP_FREE char *id = xasprintf (PROJECT "%s", disk);
  CLEANUP_JSON json_t *op =
      json_make ("{s:s,s:s,s:{s:b,s:O}}", "op", "set", "id", id, "body",
                 "_boots", content_boots (content), "_content", content);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (cloud, op, &err);

  if (out == NULL)
    abort ();
}

/* --- somebody else ---------------------------------------------------------
 */

static void
call (struct fake_cloud *cloud, const char *verb, const char *id,
      const char *rest, json_t *body_taken)
{
  CLEANUP_JSON json_t *body = body_taken;
  CLEANUP_FREE char *text = body ? json_text (body) : xstrdup ("");
  CLEANUP_FREE char *url =
      xasprintf ("https://fake.invalid/compute/v1/" PROJECT "%s%s", id, rest);
  CLEANUP_JSON json_t *op =
      json_make ("{s:s,s:s,s:s,s:s,s:s}", "op", "call", "service", "compute",
                 "method", verb, "url", url, "body", text);
  CLEANUP_ERR struct err *err = NULL;

  json_decref (fake_cloud_control (cloud, op, &err));
}

static void
mark_as_theirs (struct fake_cloud *cloud, const char *vm)
{
  CLEANUP_JSON json_t *body = object_of (cloud, vm);

  call (cloud, "POST", vm, "/setLabels",
        json_make ("{s:{s:s},s:s}", "labels", "bootmend-campaign", "theirs",
                   "labelFingerprint",
                   json_str (body, "labelFingerprint", "")));
}

static void
detach_and_flag (struct fake_cloud *cloud, const char *vm, const char *what)
{
  CLEANUP_JSON json_t *body = object_of (cloud, vm);
  const char *device = json_str (boot_of (body), "deviceName", "none");
  CLEANUP_FREE char *rest =
      xasprintf ("/%s?deviceName=%s%s", what, device,
                 strcmp (what, "detachDisk") == 0 ? "" : "&autoDelete=true");

  call (cloud, "POST", vm, rest, NULL);
}

static const char *
gcp_meddle (struct fake_cloud *cloud, struct random_source *random,
            const char *vm, const char *disk)
{
  static const char *const powers[] = {"/start", "/stop", "/reset"};

  switch (random_below (random, 9)) {
  case 0:
  case 1:
  case 2: {
    const char *power = powers[random_below (random, ARRAY_SIZE (powers))];

    call (cloud, "POST", vm, power, NULL);
    return power;
  }
  case 3:
    call (cloud, "DELETE", vm, "", NULL);
    return "deletion of the VM";
  case 4:
    call (cloud, "DELETE", disk, "", NULL);
    return "deletion of the disk";
  case 5:
    detach_and_flag (cloud, vm, "detachDisk");
    return "detach";
  case 6:
    mark_as_theirs (cloud, vm);
    return "another campaign's mark";
  case 7:
    detach_and_flag (cloud, vm, "setDiskAutoDelete");
    return "another flag";
  default:
    fleet_overwrite (&gcp_fleet, cloud, disk);
    return "other content";
  }
}

/* --- wire ------------------------------------------------------------------
 */

/* "instances.stop", "disks.aggregatedList", ... out of the path. */
static void
gcp_action (const struct http_request *req, char *buf, size_t size)
{
  const char *path = strstr (req->url, "/" PROJECT);
  const char *parts[8], *verb;
  int lens[8], n = 0;

  for (path = path ? path + sizeof PROJECT : ""; *path && *path != '?' && n < 8;
       n++) {
    parts[n] = path;
    lens[n] = (int)strcspn (path, "/?");
    path += lens[n];
    path += *path == '/';
  }
  verb = strcmp (req->method, "GET") == 0      ? "get"
         : strcmp (req->method, "DELETE") == 0 ? "delete"
                                               : "insert";
  if (n == 0)
    snprintf (buf, size, "projects.get");
  else if (strncmp (parts[0], "aggregated", 10) == 0 && n > 1)
    snprintf (buf, size, "%.*s.aggregatedList", lens[1], parts[1]);
  else if (strncmp (parts[0], "global", 6) == 0)
    snprintf (buf, size, "%.*s.%s", n > 1 ? lens[1] : 0, parts[1],
              n > 2 ? verb : "list");
  else if (n > 4)
    snprintf (buf, size, "%.*s.%.*s", lens[2], parts[2], lens[4], parts[4]);
  else
    snprintf (buf, size, "%.*s.%s", n > 2 ? lens[2] : 0, n > 2 ? parts[2] : "",
              verb);
}

static bool
gcp_is_throttled (const struct http_reply *reply)
{
  return reply->status == 403 && reply->body &&
         strstr (reply->body, "rateLimitExceeded");
}

static void
gcp_expired (struct http_reply *reply)
{
  static const char body[] =
      "{\"error\": {\"code\": 401, \"message\": \"Request had invalid "
      "authentication credentials.\", \"errors\": [{\"message\": \"Invalid "
      "Credentials\", \"domain\": \"global\", \"reason\": \"authError\"}], "
      "\"status\": \"UNAUTHENTICATED\"}}";

  *reply = (struct http_reply){.status = 401};
  http_reply_set_body (reply, body, strlen (body));
}

/* The fake's usual times (gce-config.c). */
static json_t *
gcp_chain (void)
{
  return json_make ("[[s,i],[s,i],[s,i],[s,i],[s,i],[s,i],[s,i]]", "stop",
                    30000, "detach", 2500, "attach", 2500, "detach", 2500,
                    "attach", 2500, "start", 6000, "guest", 25000);
}

static const char *const healths[] = {"serial:Agent Started", "none",
                                      "serial:Machine is ready", NULL};
static const char *const own[] = {"id",
                                  "name",
                                  "selfLink",
                                  "description",
                                  "creationTimestamp",
                                  "sourceSnapshot",
                                  "sourceSnapshotId",
                                  NULL};
static const char *const looks[] = {"read", "list", NULL};

const struct fleet_kind gcp_fleet = {.name = "gcp",
                                     .config = gcp_sim_config,
                                     .selection = "name=bad-*",
                                     .binding_config = gcp_binding_config,
                                     .helper_id = gcp_sim_helper_id,
                                     .vm = gcp_vm,
                                     .disk = gcp_disk,
                                     .things = gcp_things,
                                     .disk_of_path = gcp_disk_of_path,
                                     .write = gcp_write,
                                     .meddle = gcp_meddle,
                                     .action = gcp_action,
                                     .is_throttled = gcp_is_throttled,
                                     .expired = gcp_expired,
                                     .strategy = "move",
                                     .healths = healths,
                                     .own = own,
                                     .attached = "users",
                                     .looks = looks,
                                     .slots = 127,
                                     .chain = gcp_chain};
