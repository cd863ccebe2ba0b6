/* Instance groups: who is in them, and managed ones that make stopped members
 * anew. */

#include "gce.h"

#include <string.h>

static json_t *
members_of (struct fake_call *call, const struct fake_object *group)
{
  const char *state = json_str (gce_body (call), "instanceState", "ALL");
  json_t *items = json_array (), *member;
  size_t i;

  json_array_foreach (json_object_get (group->body, "_members"), i, member)
  {
    const struct fake_object *instance =
        fake_object_find (call->cloud, "instance", json_string_value (member),
                          NULL, NULL);
    CLEANUP_FREE char *link = NULL;

    if (instance == NULL || (strcmp (state, "RUNNING") == 0 &&
                             strcmp (gce_status (instance), "RUNNING") != 0))
      continue;
    link = gce_link (instance->id);
    json_array_append_new (items, json_make ("{s:s,s:s}", "instance", link,
                                             "status", gce_status (instance)));
  }
  return items;
}

static int
list_instances (struct fake_call *call)
{
  struct fake_object *group = gce_target (call);
  CLEANUP_FREE char *id = NULL;
  json_t *items, *body;

  if (group == NULL)
    return -1;
  items = members_of (call, group);
  id = xasprintf ("%s/listInstances", group->id);
  body = json_make ("{s:s,s:s}", "kind", "compute#instanceGroupsListInstances",
                    "id", id);
  gce_put_link (body, "selfLink", id);
  if (json_array_size (items))
    json_object_set (body, "items", items);
  json_decref (items);
  gce_answer (call, body);
  return 0;
}

static int
get (struct fake_call *call)
{
  struct fake_object *group = gce_target (call);

  if (group == NULL)
    return -1;
  gce_answer (call, json_deep_copy (group->body));
  return 0;
}

/* ---- managed groups ---- */

/* The member goes with its disks; one of the same name comes, made of what the
 * group's template says, which boots. */
static void
recreate (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  CLEANUP_JSON json_t *spec =
      json_deep_copy (json_object_get (instance->body, "_spec"));
  CLEANUP_FREE char *zone =
      xstrdup (gce_last (json_str (instance->body, "zone", "")));
  CLEANUP_ERR struct err *err = NULL;
  json_t *boot = json_object_get (spec, "boot");

  (void)arg;
  if (strcmp (gce_status (instance), "TERMINATED") != 0)
    return;
  if (boot == NULL) {
    boot = json_object ();
    json_put (spec, "boot", boot);
  }
  json_put_bool (boot, "boots", true);
  json_object_del (boot, "content");
  json_object_del (boot, "image");
  gce_remove_instance (cloud, instance);
  if (gce_add_instance (cloud, spec, zone, &err) < 0)
    abort (); /* it came from the same specification once */
}

void
gce_group_watch (struct fake_cloud *cloud, struct fake_object *instance)
{
  const char *id = json_str (instance->body, "_group", NULL);
  const struct fake_object *group =
      fake_object_find (cloud, "group", id, NULL, NULL);

  if (group && json_bool (group->body, "_managed", false))
    fake_after (cloud, instance, gce_time_ms (cloud, "group_grace"), "recreate",
                recreate, NULL);
}

#define LISTING "filter maxResults orderBy pageToken returnPartialSuccess"
#define ZONE    "/projects/{project}/zones/{zone}/instanceGroups/{instanceGroup}"
#define REGION                                                                 \
  "/projects/{project}/regions/{region}/instanceGroups/{instanceGroup}"

const struct gce_method gce_group_methods[] = {
    {"instanceGroups.get", "GET", ZONE, "read", "compute.instanceGroups.get",
     "", NULL, get},
    {"instanceGroups.listInstances", "POST", ZONE "/listInstances", "list",
     "compute.instanceGroups.list", LISTING, "instanceState", list_instances},
    {"regionInstanceGroups.get", "GET", REGION, "read",
     "compute.instanceGroups.get", "", NULL, get},
    {"regionInstanceGroups.listInstances", "POST", REGION "/listInstances",
     "list", "compute.instanceGroups.list", LISTING, "instanceState portName",
     list_instances},
    {NULL},
};
