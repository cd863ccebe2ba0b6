/* Disks and snapshots: reading, tags, deletion. */

#include "arm.h"

#include <string.h>

static json_t *
show (struct fake_call *call, const json_t *body)
{
  (void)call;
  return arm_shown (body);
}

static const char *
kind_of (const struct fake_call *call)
{
  return arm_part (call, "snapshot") ||
                 strncmp (call->action, "snapshots", 9) == 0
             ? "snapshot"
             : "disk";
}

static int
get (struct fake_call *call)
{
  const struct fake_object *object = arm_subject (call, kind_of (call));
  const json_t *body;

  if (object == NULL)
    return -1;
  body = json_is_true (arm_config (call->cloud, "stale_gets"))
             ? fake_object_view (call->cloud, object)
             : object->body;
  return arm_reply (call, 200, arm_shown (body ? body : object->body));
}

static int
list_group (struct fake_call *call)
{
  CLEANUP_FREE char *scope = arm_scope (call, 4);

  return arm_list (call, kind_of (call), scope, show);
}

static int
list_all (struct fake_call *call)
{
  CLEANUP_FREE char *scope = arm_scope (call, 2);

  return arm_list (call, kind_of (call), scope, show);
}

/* ---- PATCH ---- */

static void
ended (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  struct fake_object *object = arm_operation_subject (cloud, operation);
  json_t *error = json_object_get (arg, "error");

  arm_operation_end (cloud, operation, error ? json_incref (error) : NULL,
                     object && error == NULL ? arm_shown (object->body) : NULL);
}

static int
patch (struct fake_call *call)
{
  struct fake_object *object = arm_subject (call, kind_of (call));
  const json_t *body = arm_body (call);
  const char *key;
  json_t *value;

  if (object == NULL || arm_check_idle (call, object, "write") < 0)
    return -1;
  json_object_foreach ((json_t *)body, key, value)
  {
    if (strcmp (key, "tags") != 0)
      return arm_fail (call, 400, "BadRequest",
                       "fake cloud: only tags of disks can be patched here");
  }
  if (json_object_get (body, "tags"))
    json_object_set_new (object->body, "tags",
                         json_deep_copy (json_object_get (body, "tags")));
  arm_operation (call, object, ARM_BOTH, arm_time_ms (call->cloud, "idle"),
                 ended, NULL);
  fake_object_changed (call->cloud, object);
  return arm_reply (call, 202, arm_shown (object->body));
}

/* ---- DELETE ---- */

static void
deleted (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  struct fake_object *object = arm_operation_subject (cloud, operation);
  json_t *error = json_object_get (arg, "error");

  if (object && error == NULL) {
    fake_disk_delete (json_str (object->body, "_image", NULL));
    fake_object_remove (cloud, object);
  }
  arm_operation_end (cloud, operation, error ? json_incref (error) : NULL,
                     NULL);
}

static int delete (struct fake_call *call)
{
  CLEANUP_FREE char *id = arm_scope (call, 8);
  struct fake_object *object = arm_find (call, kind_of (call), id);
  const char *owner = object ? json_str (object->body, "managedBy", "") : "";

  if (object == NULL)
    return arm_reply (call, 204, NULL);
  if (*owner)
    return arm_fail (call, 409, "OperationNotAllowed",
                     "Disk %s is attached to VM %s.", arm_name (object), owner);
  if (arm_check_idle (call, object, "delete") < 0)
    return -1;
  arm_operation (call, object, ARM_BOTH, arm_time_ms (call->cloud, "delete"),
                 deleted, NULL);
  return arm_reply (call, 202, NULL);
}

#define SUB     "/subscriptions/{sub}"
#define GROUP   SUB "/resourceGroups/{group}"
#define COMPUTE "/providers/Microsoft.Compute/"

/* Reads and writes of a type; the two types are alike. */
#define READS(type, part)                                                      \
  {"GET",                                                                      \
   GROUP COMPUTE type "/{" part "}",                                           \
   "compute",                                                                  \
   type "/read",                                                               \
   "Microsoft.Compute/" type "/read",                                          \
   "DiskLowCostGet",                                                           \
   NULL,                                                                       \
   0,                                                                          \
   get},                                                                       \
      {"GET",                                                                  \
       GROUP COMPUTE type,                                                     \
       "compute",                                                              \
       type "/list",                                                           \
       "Microsoft.Compute/" type "/read",                                      \
       "DiskHighCostGet",                                                      \
       "$skiptoken",                                                           \
       0,                                                                      \
       list_group},                                                            \
      {"GET",                                                                  \
       SUB COMPUTE type,                                                       \
       "compute",                                                              \
       type "/list",                                                           \
       "Microsoft.Compute/" type "/read",                                      \
       "DiskHighCostGet",                                                      \
       "$skiptoken",                                                           \
       0,                                                                      \
       list_all},                                                              \
  {                                                                            \
    "PATCH", GROUP COMPUTE type "/{" part "}", "compute", type "/write",       \
        "Microsoft.Compute/" type "/write", "CreateUpdateDisks", NULL,         \
        ARM_CHANGES, patch                                                     \
  }

#define DELETION(type, part)                                                   \
  {                                                                            \
    "DELETE", GROUP COMPUTE type "/{" part "}", "compute", type "/delete",     \
        "Microsoft.Compute/" type "/delete", NULL, NULL,                       \
        ARM_CHANGES | ARM_DELETES, delete                                      \
  }

const struct arm_route arm_disk_routes[] = {
    READS ("disks", "disk"),
    READS ("snapshots", "snapshot"),
    DELETION ("disks", "disk"),
    DELETION ("snapshots", "snapshot"),
    {0},
};
