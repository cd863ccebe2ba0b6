/* Subscriptions, resource groups, management locks. */

#include "arm.h"

#include <string.h>

static json_t *
show (struct fake_call *call, const json_t *body)
{
  (void)call;
  return arm_shown (body);
}

static int
get_subscription (struct fake_call *call)
{
  CLEANUP_FREE char *id = arm_scope (call, 2);
  const struct fake_object *object = arm_find (call, "subscription", id);

  /* That it is there has been checked on the way. */
  return arm_reply (call, 200, arm_shown (object->body));
}

static int
list_subscriptions (struct fake_call *call)
{
  return arm_list (call, "subscription", "/subscriptions", show);
}

static int
list_tenants (struct fake_call *call)
{
  json_t *value = json_array ();
  const char *id;
  json_t *tenant;

  json_object_foreach ((json_t *)arm_config (call->cloud, "tenants"), id,
                       tenant)
  {
    CLEANUP_FREE char *path = xasprintf ("/tenants/%s", id);

    json_array_append_new (value,
                           json_make ("{s:s,s:s}", "id", path, "tenantId", id));
  }
  return arm_reply (call, 200, json_make ("{s:o}", "value", value));
}

static int
get_group (struct fake_call *call)
{
  CLEANUP_FREE char *id = arm_scope (call, 4);
  const struct fake_object *object = arm_find (call, "group", id);

  return arm_reply (call, 200, arm_shown (object->body));
}

static int
list_groups (struct fake_call *call)
{
  CLEANUP_FREE char *scope = arm_scope (call, 2);

  return arm_list (call, "group", scope, show);
}

void
arm_group_add (struct fake_cloud *cloud, const char *subscription,
               const char *name, const char *location)
{
  CLEANUP_FREE char *shown =
      xasprintf ("/subscriptions/%s/resourceGroups/%s", subscription, name);
  CLEANUP_FREE char *id = arm_lower (shown);

  if (fake_object_find (cloud, "group", id, NULL, NULL))
    return;
  fake_object_add (cloud, "group", id, "", subscription, "",
                   json_make ("{s:s,s:s,s:s,s:s,s:{s:s}}", "id", shown, "name",
                              name, "type",
                              "Microsoft.Resources/resourceGroups", "location",
                              location, "properties", "provisioningState",
                              "Succeeded"));
}

/* ---- locks ---- */

/* Those of the scope itself, below it, and above it.  That those above are
 * shown, too, without atScope(), is (unverified). */
static int
list_locks (struct fake_call *call)
{
  CLEANUP_FREE char *scope = arm_scope (call, arm_part (call, "resource") ? 8
                                              : arm_part (call, "group")  ? 4
                                                                          : 2);
  json_t *value = json_array ();

  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *lock = call->cloud->objects.ptr[i];
    const char *of = json_str (lock->body, "_scope", "");

    if (!lock->gone && strcmp (lock->kind, "lock") == 0 &&
        (arm_is_below (of, scope) || arm_is_below (scope, of)))
      json_array_append_new (value, arm_shown (lock->body));
  }
  return arm_reply (call, 200, json_make ("{s:o}", "value", value));
}

/* ---- what the caller may do ---- */

static int
list_permissions (struct fake_call *call)
{
  json_t *allow = json_object_get (call->identity, "allow");
  json_t *deny = json_object_get (call->identity, "deny");
  json_t *role =
      json_make ("{s:o,s:o,s:[],s:[]}", "actions",
                 allow ? json_deep_copy (allow) : json_make ("[s]", "*"),
                 "notActions", deny ? json_deep_copy (deny) : json_array (),
                 "dataActions", "notDataActions");

  return arm_reply (call, 200, json_make ("{s:[o]}", "value", role));
}

#define SUB   "/subscriptions/{sub}"
#define GROUP SUB "/resourceGroups/{group}"
#define LOCKS "/providers/Microsoft.Authorization/locks"

#define LOCK_LIST(path)                                                        \
  {                                                                            \
    "GET", path LOCKS, "authorization", "locks/list",                          \
        "Microsoft.Authorization/locks/read", NULL, "$filter", 0, list_locks   \
  }

#define PERMISSIONS(path)                                                      \
  {                                                                            \
    "GET", path "/providers/Microsoft.Authorization/permissions",              \
        "authorization", "permissions/list",                                   \
        "Microsoft.Authorization/permissions/read", NULL, NULL, 0,             \
        list_permissions                                                       \
  }

const struct arm_route arm_resource_routes[] = {
    {"GET", "/subscriptions", "resources", "subscriptions/list", NULL, NULL,
     "$skiptoken", 0, list_subscriptions},
    {"GET", SUB, "resources", "subscriptions/read",
     "Microsoft.Resources/subscriptions/read", NULL, NULL, 0, get_subscription},
    {"GET", "/tenants", "resources", "tenants/list", NULL, NULL, NULL, 0,
     list_tenants},
    {"GET", SUB "/resourceGroups", "resources", "resourceGroups/list",
     "Microsoft.Resources/subscriptions/resourceGroups/read", NULL,
     "$filter $top $skiptoken", 0, list_groups},
    {"GET", GROUP, "resources", "resourceGroups/read",
     "Microsoft.Resources/subscriptions/resourceGroups/read", NULL, NULL, 0,
     get_group},
    LOCK_LIST (SUB),
    LOCK_LIST (GROUP),
    LOCK_LIST (GROUP "/providers/Microsoft.Compute/{type}/{resource}"),
    PERMISSIONS (GROUP),
    PERMISSIONS (GROUP "/providers/Microsoft.Compute/{type}/{resource}"),
    {0},
};
