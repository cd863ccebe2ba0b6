/* Reading VMs: models, instance views, lists, sizes.
 *
 * A single VM is shown as it is, a list lags behind ("stale_ms"), unless
 * "stale_gets" is on. */

#include "arm.h"

#include <string.h>
#include <strings.h>

/* ---- instance views ---- */

static const struct {
  const char *power, *display;
} displays[] = {
    {"running", "VM running"},           {"starting", "VM starting"},
    {"stopping", "VM stopping"},         {"stopped", "VM stopped"},
    {"deallocating", "VM deallocating"}, {"deallocated", "VM deallocated"},
};

static json_t *
status (const char *code, const char *level, const char *display,
        const char *message, const char *time)
{
  return json_make ("{s:s,s:s,s:s,s:s*,s:s*}", "code", code, "level", level,
                    "displayStatus", display, "message", message, "time", time);
}

/* Absent when deallocated; when stopped the last word with its old time. The
 * texts are of recorded views. */
static json_t *
agent_of (struct fake_cloud *cloud, const json_t *vm)
{
  const json_t *agent = json_object_get (vm, "_agent");
  bool ready = json_bool (agent, "ready", false);
  bool live = json_bool (agent, "live", false);
  CLEANUP_FREE char *now = fake_time_text (fake_now_ms (cloud));
  CLEANUP_FREE char *time =
      xasprintf ("%.19s+00:00", live ? now : json_str (agent, "time", now));
  json_t *statuses = json_array ();

  json_array_append_new (
      statuses,
      ready ? status ("ProvisioningState/succeeded", "Info", "Ready",
                      "GuestAgent is running and processing the "
                      "extensions.",
                      time)
            : status ("ProvisioningState/Unavailable", "Warning", "Not Ready",
                      "VM status blob is found but not yet "
                      "populated.",
                      time));
  return json_make ("{s:s,s:o}", "vmAgentVersion",
                    ready ? "2.7.41491.1121" : "Unknown", "statuses", statuses);
}

static json_t *
disk_views (const json_t *vm)
{
  const json_t *profile = json_at (vm, "properties.storageProfile");
  json_t *views = json_array (), *entry;
  const char *since =
      json_str (vm, "_provisioned", "2026-01-01T00:00:00+00:00");
  size_t i;

  json_array_append_new (views,
                         json_make ("{s:s,s:[o]}", "name",
                                    json_str (profile, "osDisk.name", ""),
                                    "statuses",
                                    status ("ProvisioningState/succeeded",
                                            "Info", "Provisioning succeeded",
                                            NULL, since)));
  json_array_foreach (json_object_get (profile, "dataDisks"), i, entry)
  {
    json_array_append_new (views,
                           json_make ("{s:s,s:[o]}", "name",
                                      json_str (entry, "name", ""), "statuses",
                                      status ("ProvisioningState/succeeded",
                                              "Info", "Provisioning succeeded",
                                              NULL, since)));
  }
  return views;
}

json_t *
arm_instance_view (struct fake_cloud *cloud, const json_t *vm)
{
  const char *power = json_str (vm, "_power", "");
  const char *state = json_str (vm, "properties.provisioningState", "");
  const char *since =
      json_str (vm, "_provisioned", "2026-01-01T00:00:00+00:00");
  CLEANUP_FREE char *lower = arm_lower (state);
  CLEANUP_FREE char *code = xasprintf ("ProvisioningState/%s", lower);
  CLEANUP_FREE char *power_code = xasprintf ("PowerState/%s", power);
  CLEANUP_FREE char *text = xasprintf ("Provisioning %s", lower);
  const char *display = power;
  json_t *view = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (displays); i++)
    if (strcmp (displays[i].power, power) == 0)
      display = displays[i].display;
  if (json_bool (vm, "_agent.ready", false))
    json_put_str (view, "computerName", json_str (vm, "name", ""));
  if (strcmp (power, "deallocated") != 0 && !json_bool (vm, "_noAgent", false))
    json_put (view, "vmAgent", agent_of (cloud, vm));
  json_put (view, "disks", disk_views (vm));
  json_put_str (view, "hyperVGeneration", json_str (vm, "_generation", "V2"));
  json_put (view, "statuses", json_array ());
  json_array_append_new (json_object_get (view, "statuses"),
                         status (code, "Info", text, NULL, since));
  json_array_append_new (json_object_get (view, "statuses"),
                         status (power_code, "Info", display, NULL, NULL));
  return view;
}

/* ---- one VM ---- */

static const json_t *
body_of (struct fake_call *call, const struct fake_object *vm)
{
  const json_t *body = json_is_true (arm_config (call->cloud, "stale_gets"))
                           ? fake_object_view (call->cloud, vm)
                           : vm->body;

  return body ? body : vm->body;
}

static int
get_vm (struct fake_call *call)
{
  const struct fake_object *vm = arm_subject (call, "vm");
  const char *expand = arm_query (call, "$expand");
  const json_t *body;
  json_t *shown;

  if (vm == NULL)
    return -1;
  if (expand && strcasecmp (expand, "instanceView") != 0 &&
      strcasecmp (expand, "userData") != 0)
    return arm_fail (call, 400, "BadRequest",
                     "The expand expression '%s' is not supported.", expand);
  body = body_of (call, vm);
  shown = arm_shown (body);
  if (expand && strcasecmp (expand, "instanceView") == 0)
    json_put (json_object_get (shown, "properties"), "instanceView",
              arm_instance_view (call->cloud, body));
  return arm_reply (call, 200, shown);
}

static int
get_view (struct fake_call *call)
{
  const struct fake_object *vm = arm_subject (call, "vm");

  if (vm == NULL)
    return -1;
  return arm_reply (call, 200,
                    arm_instance_view (call->cloud, body_of (call, vm)));
}

/* ---- lists ---- */

/* statusOnly shows who it is and how it does, no tags and no disks.
 * [Azure/azure-rest-api-specs#42411] */
static json_t *
show_status (struct fake_call *call, const json_t *body)
{
  return json_make ("{s:O,s:O,s:O,s:O,s:{s:O,s:O,s:o}}", "name",
                    json_object_get (body, "name"), "id",
                    json_object_get (body, "id"), "type",
                    json_object_get (body, "type"), "location",
                    json_object_get (body, "location"), "properties", "vmId",
                    json_at (body, "properties.vmId"), "provisioningState",
                    json_at (body, "properties.provisioningState"),
                    "instanceView", arm_instance_view (call->cloud, body));
}

static json_t *
show_model (struct fake_call *call, const json_t *body)
{
  (void)call;
  return arm_shown (body);
}

static json_t *
show_with_view (struct fake_call *call, const json_t *body)
{
  json_t *shown = arm_shown (body);

  json_put (json_object_get (shown, "properties"), "instanceView",
            arm_instance_view (call->cloud, body));
  return shown;
}

static int
list_group (struct fake_call *call)
{
  CLEANUP_FREE char *scope = arm_scope (call, 4);
  const char *expand = arm_query (call, "$expand");

  return arm_list (call, "vm", scope, expand ? show_with_view : show_model);
}

static int
list_all (struct fake_call *call)
{
  CLEANUP_FREE char *scope = arm_scope (call, 2);

  return arm_list (call, "vm", scope,
                   arm_query_flag (call, "statusOnly") ? show_status
                                                       : show_model);
}

/* ---- sizes ---- */

/* Some of "Sizes for virtual machines in Azure". */
static const struct {
  const char *name;
  int cores, memory_mb, disks;
} sizes[] = {
    {"Standard_B1s", 1, 1024, 2},        {"Standard_B2ms", 2, 8192, 4},
    {"Standard_DS1_v2", 1, 3584, 4},     {"Standard_D2s_v5", 2, 8192, 4},
    {"Standard_D4s_v5", 4, 16384, 8},    {"Standard_D8s_v5", 8, 32768, 16},
    {"Standard_D16s_v5", 16, 65536, 32}, {"Standard_D64s_v5", 64, 262144, 32},
    {"Standard_M64s", 64, 1048576, 64},
};

unsigned
arm_max_data_disks (const struct fake_object *vm)
{
  const char *name =
      json_str (vm->body, "properties.hardwareProfile.vmSize", "");
  int64_t own = json_int (vm->body, "_maxDataDisks", 0);

  for (size_t i = 0; own == 0 && i < ARRAY_SIZE (sizes); i++)
    if (strcasecmp (sizes[i].name, name) == 0)
      own = sizes[i].disks;
  return own ? (unsigned)own : 4;
}

json_t *
arm_sizes (void)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < ARRAY_SIZE (sizes); i++)
    json_array_append_new (list,
                           json_make ("{s:s,s:i,s:i,s:i,s:i,s:i}", "name",
                                      sizes[i].name, "numberOfCores",
                                      sizes[i].cores, "osDiskSizeInMB", 1047552,
                                      "resourceDiskSizeInMB", 0, "memoryInMB",
                                      sizes[i].memory_mb, "maxDataDiskCount",
                                      sizes[i].disks));
  return list;
}

/* A VM can be given a size of its own in the fake ("max_data_disks"). */
static int
list_sizes (struct fake_call *call)
{
  const struct fake_object *vm = NULL;
  json_t *list, *size;
  size_t i;

  if (arm_part (call, "vm") && (vm = arm_subject (call, "vm")) == NULL)
    return -1;
  list = arm_sizes ();
  json_array_foreach (list, i, size)
  {
    if (vm && strcasecmp (json_str (vm->body,
                                    "properties.hardwareProfile.vmSize", ""),
                          json_str (size, "name", "")) == 0)
      json_put_int (size, "maxDataDiskCount", arm_max_data_disks (vm));
  }
  return arm_reply (call, 200, json_make ("{s:o}", "value", list));
}

#define SUB   "/subscriptions/{sub}"
#define GROUP SUB "/resourceGroups/{group}"
#define VMS   "/providers/Microsoft.Compute/virtualMachines"
#define READ  "Microsoft.Compute/virtualMachines/read"

const struct arm_route arm_vm_routes[] = {
    {"GET", GROUP VMS "/{vm}", "compute", "virtualMachines/read", READ,
     "LowCostGet", "$expand", 0, get_vm},
    {"GET", GROUP VMS "/{vm}/instanceView", "compute",
     "virtualMachines/instanceView",
     "Microsoft.Compute/virtualMachines/instanceView/read", "LowCostGet", NULL,
     0, get_view},
    {"GET", GROUP VMS "/{vm}/vmSizes", "compute", "virtualMachines/vmSizes",
     "Microsoft.Compute/virtualMachines/vmSizes/read", "LowCostGet", NULL, 0,
     list_sizes},
    {"GET", SUB "/providers/Microsoft.Compute/locations/{location}/vmSizes",
     "compute", "locations/vmSizes", "Microsoft.Compute/locations/vmSizes/read",
     "LowCostGet", NULL, 0, list_sizes},
    {"GET", GROUP VMS, "compute", "virtualMachines/list", READ, "HighCostGet",
     "$expand $filter $skiptoken", 0, list_group},
    {"GET", SUB VMS, "compute", "virtualMachines/list", READ, "HighCostGet",
     "statusOnly $filter $expand $skiptoken", 0, list_all},
    {0},
};
