/* Instances: reading, power, auto-delete, deletion. */

#include "gce.h"

#include <string.h>

const char *
gce_status (const struct fake_object *object)
{
  return json_str (object->body, "status", "");
}

void
gce_set_status (struct fake_cloud *cloud, struct fake_object *object,
                const char *status)
{
  json_put_str (object->body, "status", status);
  fake_object_changed (cloud, object);
}

static bool
is_status (const struct fake_object *instance, const char *status)
{
  return strcmp (gce_status (instance), status) == 0;
}

/* ---- reading ---- */

static int
get (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  const json_t *body;

  if (instance == NULL)
    return -1;
  body = json_is_true (fake_config (call->cloud, "gcp.stale_gets"))
             ? fake_object_view (call->cloud, instance)
             : instance->body;
  if (body == NULL)
    return gce_not_found (call, instance->id);
  gce_answer (call, json_deep_copy (body));
  return 0;
}

static int
list (struct fake_call *call)
{
  CLEANUP_FREE char *place = gce_target_id (call);
  CLEANUP_FREE char *prefix = xasprintf ("%s/instances/", place);

  return gce_list (call, "instance", "instanceList", prefix);
}

static int
list_all (struct fake_call *call)
{
  return gce_list_all (call, "instance", "instanceAggregatedList", "instances",
                       false);
}

static int
get_project (struct fake_call *call)
{
  const json_t *project =
      json_object_get (fake_config (call->cloud, "gcp.projects"),
                       call->account);
  CLEANUP_FREE char *id = xasprintf ("projects/%s", call->account);
  json_t *body =
      json_make ("{s:s,s:s,s:s,s:s}", "kind", "compute#project", "id",
                 json_str (project, "number", "1"), "name", call->account,
                 "xpnProjectStatus", "UNSPECIFIED_XPN_PROJECT_STATUS");

  gce_put_link (body, "selfLink", id);
  gce_answer (call, body);
  return 0;
}

/* ---- stop ---- */

static size_t
local_ssds (const struct fake_object *instance)
{
  json_t *entry;
  size_t i, n = 0;

  json_array_foreach (json_object_get (instance->body, "disks"), i, entry)
  {
    n += strcmp (json_str (entry, "type", ""), "SCRATCH") == 0;
  }
  return n;
}

/* An automatic address goes with the machine. */
static void
drop_address (json_t *body)
{
  json_t *card =
      json_array_get (json_object_get (body, "networkInterfaces"), 0);
  json_t *access = json_array_get (json_object_get (card, "accessConfigs"), 0);

  if (strcmp (json_str (body, "_public", ""), "ephemeral") == 0)
    json_put (access, "natIP", NULL);
}

static void
stop_done (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg,
           json_t **error)
{
  (void)arg;
  (void)error;
  json_put (instance->body, "_busy", NULL);
  gce_put_now (cloud, instance->body, "lastStopTimestamp");
  drop_address (instance->body);
  gce_guest_off (cloud, instance);
  gce_set_status (cloud, instance, "TERMINATED");
  gce_group_watch (cloud, instance);
}

static void
stop_undo (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  (void)arg;
  json_put (instance->body, "_busy", NULL);
  gce_set_status (cloud, instance, "RUNNING");
}

/* A change of power, or of disks, that is under way keeps others off. (choice:
 * the real service lets some of them wait as PENDING) */
static bool
is_busy (const struct fake_object *instance)
{
  return json_object_get (instance->body, "_busy") != NULL ||
         json_int (instance->body, "_diskWork", 0) > 0;
}

static int
stop (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  bool healthy;

  if (instance == NULL)
    return -1;
  if (is_status (instance, "TERMINATED"))
    return gce_begin_nothing (call, instance, "stop");
  if (is_busy (instance) || !is_status (instance, "RUNNING"))
    return gce_refuse (call, instance, "stop", 400, "resourceNotReady",
                       "RESOURCE_NOT_READY", "The resource '%s' is not ready",
                       instance->id);
  if (local_ssds (instance) && gce_param (call, "discardLocalSsd") == NULL)
    return gce_fail (call, 400, "invalid",
                     "VM has a Local SSD attached but an undefined value for "
                     "`discard-local-ssd`. (text unverified)");
  healthy = json_bool (instance->body, "_boots", true);
  json_put_str (instance->body, "_busy", "stop");
  gce_set_status (call->cloud, instance, "STOPPING");
  if (json_bool (instance->body, "_stopHangs", false))
    return gce_begin (call, instance, "stop", INT64_C (1) << 40, NULL);
  return gce_begin (call, instance, "stop",
                    gce_time_ms (call->cloud,
                                 healthy ? "stop" : "stop_unhealthy"),
                    NULL);
}

/* ---- start ---- */

static void
staging (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  (void)arg;
  if (is_status (instance, "PROVISIONING"))
    gce_set_status (cloud, instance, "STAGING");
}

static void
give_address (struct fake_cloud *cloud, json_t *body)
{
  json_t *card =
      json_array_get (json_object_get (body, "networkInterfaces"), 0);
  json_t *access = json_array_get (json_object_get (card, "accessConfigs"), 0);
  uint64_t random = fake_random (cloud);
  CLEANUP_FREE char *address =
      xasprintf ("198.18.%u.%u", (unsigned)(random >> 8) & 0xff,
                 (unsigned)random & 0xff);

  if (strcmp (json_str (body, "_public", ""), "ephemeral") == 0)
    json_put_str (access, "natIP", address);
}

static void
start_done (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg,
            json_t **error)
{
  (void)arg;
  if (gce_boot_entry (instance) == NULL) {
    *error = gce_op_error ("INVALID_USAGE",
                           "The instance has no boot disk. (unverified)");
    return;
  }
  if (json_bool (instance->body, "_noCapacity", false)) {
    *error = gce_op_error (
        "ZONE_RESOURCE_POOL_EXHAUSTED",
        "The zone '%.*s' does not have enough resources available to fulfill "
        "the request.  Try a different zone, or try again later.",
        (int)(strstr (instance->id, "/instances/") - instance->id),
        instance->id);
    return;
  }
  json_put (instance->body, "_busy", NULL);
  give_address (cloud, instance->body);
  json_put_str (instance->body, "status", "RUNNING");
  gce_guest_boot (cloud, instance);
}

static void
start_undo (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  (void)arg;
  json_put (instance->body, "_busy", NULL);
  gce_set_status (cloud, instance, "TERMINATED");
}

/* Who starts a machine acts as its service account. */
static int
check_account (struct fake_call *call, const struct fake_object *instance)
{
  const char *mail =
      json_str (json_array_get (json_object_get (instance->body,
                                                 "serviceAccounts"),
                                0),
                "email", NULL);

  if (mail == NULL || gce_may (call, "iam.serviceAccounts.actAs"))
    return 0;
  return gce_fail (call, 403, "forbidden",
                   "The user does not have access to service account '%s'. "
                   "Ask a project owner to grant you the "
                   "iam.serviceAccountUser role on the service account",
                   mail);
}

/* Disks with keys of the customer's need them at every start. */
static int
check_keys (struct fake_call *call, const struct fake_object *instance)
{
  json_t *entry, *key;
  size_t i, j;

  json_array_foreach (json_object_get (instance->body, "disks"), i, entry)
  {
    const char *source = json_str (entry, "source", NULL);
    const struct fake_object *disk =
        fake_object_find (call->cloud, "disk", gce_id_of_link (source), NULL,
                          NULL);
    const json_t *given = NULL;

    if (disk == NULL)
      continue;
    json_array_foreach (json_object_get (gce_body (call), "disks"), j, key)
    {
      const char *id = gce_id_of_link (json_str (key, "source", NULL));

      if (id && strcmp (id, disk->id) == 0)
        given = json_object_get (key, "diskEncryptionKey");
    }
    if (gce_check_csek (call, disk, given) < 0)
      return -1;
  }
  return 0;
}

static int
start (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  int64_t ms = gce_time_ms (call->cloud, "start");

  if (instance == NULL || check_account (call, instance) < 0)
    return -1;
  if (is_status (instance, "RUNNING"))
    return gce_begin_nothing (call, instance, "start");
  if (is_busy (instance) || !is_status (instance, "TERMINATED"))
    return gce_refuse (call, instance, "start", 400, "resourceNotReady",
                       "RESOURCE_NOT_READY", "The resource '%s' is not ready",
                       instance->id);
  if (json_bool (instance->body, "startRestricted", false))
    return gce_fail (call, 403, "forbidden",
                     "Starting the instance is restricted. (unverified)");
  if (check_keys (call, instance) < 0)
    return -1;
  json_put_str (instance->body, "_busy", "start");
  gce_put_now (call->cloud, instance->body, "lastStartTimestamp");
  gce_set_status (call->cloud, instance, "PROVISIONING");
  fake_after (call->cloud, instance, ms / 3, "staging", staging, NULL);
  return gce_begin (call, instance, "start", ms, NULL);
}

/* ---- reset, delete, auto-delete ---- */

static void
reset_done (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg,
            json_t **error)
{
  (void)arg;
  (void)error;
  if (is_status (instance, "RUNNING"))
    gce_guest_boot (cloud, instance);
}

static int
reset (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);

  if (instance == NULL)
    return -1;
  if (!is_status (instance, "RUNNING"))
    return gce_not_ready (call, instance->id);
  return gce_begin (call, instance, "reset", -1, NULL);
}

static void
delete_done (struct fake_cloud *cloud, struct fake_object *instance,
             json_t *arg, json_t **error)
{
  (void)arg;
  (void)error;
  gce_remove_instance (cloud, instance);
}

static void
delete_undo (struct fake_cloud *cloud, struct fake_object *instance,
             json_t *arg)
{
  json_put (instance->body, "_busy", NULL);
  gce_set_status (cloud, instance, json_str (arg, "was", "TERMINATED"));
}

static int delete (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  json_t *arg;

  if (instance == NULL)
    return -1;
  if (json_bool (instance->body, "deletionProtection", false))
    return gce_fail (call, 400, "invalidResourceUsage",
                     "Invalid resource usage: 'Resource cannot be deleted if "
                     "it's protected against deletion.'.");
  if (is_busy (instance))
    return gce_not_ready (call, instance->id);
  arg = json_make ("{s:s}", "was", gce_status (instance));
  json_put_str (instance->body, "_busy", "delete");
  gce_guest_off (call->cloud, instance);
  gce_set_status (call->cloud, instance, "STOPPING");
  return gce_begin (call, instance, "delete", -1, arg);
}

static int
set_auto_delete (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  const char *device = gce_param (call, "deviceName");
  const char *flag = gce_param (call, "autoDelete");
  json_t *entry = instance ? gce_attached (instance, device, NULL) : NULL;

  if (instance == NULL)
    return -1;
  if (strcmp (flag, "true") != 0 && strcmp (flag, "false") != 0)
    return gce_invalid (call, "autoDelete", flag, "Must be true or false.");
  if (entry == NULL)
    return gce_fail (call, 400, "invalid",
                     "No attached disk found with device name '%s'", device);
  json_put_bool (entry, "autoDelete", strcmp (flag, "true") == 0);
  fake_object_changed (call->cloud, instance);
  return gce_begin (call, instance, "setDiskAutoDelete", -1, NULL);
}

/* Which of these the caller has; asking needs none. */
int
gce_test_permissions (struct fake_call *call)
{
  CLEANUP_JSON json_t *held = json_array ();
  json_t *permission;
  size_t i;

  if (gce_target (call) == NULL)
    return -1;
  json_array_foreach (json_object_get (gce_body (call), "permissions"), i,
                      permission)
  {
    if (json_is_string (permission) &&
        gce_may (call, json_string_value (permission)))
      json_array_append (held, permission);
  }
  gce_answer (call, json_array_size (held)
                        ? json_make ("{s:O}", "permissions", held)
                        : json_object ());
  return 0;
}

const struct gce_change gce_instance_changes[] = {
    {"stop", "stop", stop_done, stop_undo},
    {"start", "start", start_done, start_undo},
    {"reset", "reset", reset_done, NULL},
    {"delete", "delete", delete_done, delete_undo},
    {"setDiskAutoDelete", "set", NULL, NULL},
    {NULL},
};

#define LISTING "filter maxResults orderBy pageToken returnPartialSuccess"
#define ALL     "/projects/{project}/zones/{zone}/instances"
#define ONE     ALL "/{instance}"
#define MAY     "compute.instances."

const struct gce_method gce_instance_methods[] = {
    {"projects.get", "GET", "/projects/{project}", "read",
     "compute.projects.get", "", NULL, get_project},
    {"instances.aggregatedList", "GET",
     "/projects/{project}/aggregated/instances", "list", MAY "list",
     LISTING " includeAllScopes", NULL, list_all},
    {"instances.list", "GET", ALL, "list", MAY "list", LISTING, NULL, list},
    {"instances.get", "GET", ONE, "read", MAY "get", "", NULL, get},
    {"instances.stop", "POST", ONE "/stop", "change", MAY "stop",
     "requestId discardLocalSsd", NULL, stop},
    {"instances.start", "POST", ONE "/start", "change", MAY "start",
     "requestId", NULL, start},
    {"instances.startWithEncryptionKey", "POST", ONE "/startWithEncryptionKey",
     "change", MAY "startWithEncryptionKey", "requestId",
     "disks instanceEncryptionKey", start},
    {"instances.reset", "POST", ONE "/reset", "change", MAY "reset",
     "requestId", NULL, reset},
    {"instances.delete", "DELETE", ONE, "change", MAY "delete", "requestId",
     NULL, delete},
    {"instances.testIamPermissions", "POST",
     ALL "/{resource}/testIamPermissions", "read", "", "", "permissions",
     gce_test_permissions},
    {"instances.setDiskAutoDelete", "POST", ONE "/setDiskAutoDelete", "change",
     MAY "setDiskAutoDelete", "requestId autoDelete! deviceName!", NULL,
     set_auto_delete},
    {NULL},
};
