/* VMs that are there at the start. */

#include "arm.h"

#include <string.h>
#include <strings.h>

static const char *const vm_keys[] =
    {"name",    "count",          "subscription", "group",       "location",
     "zone",    "size",           "os",           "power",       "tags",
     "os_disk", "data_disks",     "no_capacity",  "start_hangs", "stop_hangs",
     "agent",   "max_data_disks", "devices",      "model",       "diagnostics",
     NULL};

/* Members that only the fake knows. */
static const struct {
  const char *key, *own;
} owned[] = {
    {"no_capacity", "_noCapacity"},      {"start_hangs", "_startHangs"},
    {"stop_hangs", "_stopHangs"},        {"devices", "_devices"},
    {"max_data_disks", "_maxDataDisks"},
};

/* An entry of a storage profile for this disk. */
static json_t *
entry_of (const struct fake_object *disk, const json_t *spec,
          const char *create_option, const char *caching, bool shout)
{
  const char *id = json_str (disk->body, "id", "");
  CLEANUP_FREE char *shouted = shout ? arm_shouted (id) : xstrdup (id);
  const char *set = json_str (spec, "encryption_set", NULL);
  json_t *entry =
      json_make ("{s:s,s:s,s:s,s:{s:s,s:s},s:s,s:O}", "name", arm_name (disk),
                 "createOption",
                 json_str (spec, "create_option", create_option), "caching",
                 json_str (spec, "caching", caching), "managedDisk",
                 "storageAccountType", json_str (disk->body, "sku.name", ""),
                 "id", shouted, "deleteOption",
                 json_str (spec, "delete_option", "Detach"), "diskSizeGB",
                 json_at (disk->body, "properties.diskSizeGB"));

  if (set)
    json_put (json_object_get (entry, "managedDisk"), "diskEncryptionSet",
              json_make ("{s:s}", "id", set));
  if (json_bool (spec, "write_accelerator", false))
    json_put_bool (entry, "writeAcceleratorEnabled", true);
  return entry;
}

static const char *
os_word (const json_t *spec)
{
  return strcasecmp (json_str (spec, "os", "windows"), "windows") == 0
             ? "Windows"
             : "Linux";
}

static json_t *
os_profile (const json_t *spec)
{
  const char *name = json_str (spec, "name", "");
  bool windows = strcmp (os_word (spec), "Windows") == 0;

  return json_make ("{s:s,s:s,s:{s:b},s:[],s:b,s:b}", "computerName", name,
                    "adminUsername", "operator",
                    windows ? "windowsConfiguration" : "linuxConfiguration",
                    "provisionVMAgent", json_bool (spec, "agent", true),
                    "secrets", "allowExtensionOperations", 1,
                    "requireGuestProvisionSignal", 1);
}

static json_t *
new_body (struct fake_cloud *cloud, const json_t *spec, const char *shown)
{
  CLEANUP_FREE char *vm_id = fake_uuid (cloud);
  const char *name = json_str (spec, "name", "");
  const char *zone = json_str (spec, "zone", NULL);
  const json_t *tags = json_object_get (spec, "tags");
  CLEANUP_FREE char *nic =
      xstrndup (shown, (size_t)(strcasestr (shown, "/providers/") - shown));
  CLEANUP_FREE char *interface =
      xasprintf ("%s/providers/Microsoft.Network/networkInterfaces/%s-nic", nic,
                 name);
  json_t *body =
      json_make ("{s:s,s:s,s:s,s:s,s:o,s:{s:s,s:s,s:{s:s},s:{s:[]},s:o,s:{s:[{"
                 "s:s,s:{s:b}}]"
                 "},s:{s:{s:b}},s:s}}",
                 "name", name, "id", shown, "type",
                 "Microsoft.Compute/virtualMachines", "location",
                 json_str (spec, "location", "westeurope"), "tags",
                 tags ? json_deep_copy (tags) : json_object (), "properties",
                 "vmId", vm_id, "provisioningState", "Succeeded",
                 "hardwareProfile", "vmSize",
                 json_str (spec, "size", "Standard_D4s_v5"), "storageProfile",
                 "dataDisks", "osProfile", os_profile (spec), "networkProfile",
                 "networkInterfaces", "id", interface, "properties", "primary",
                 1, "diagnosticsProfile", "bootDiagnostics", "enabled",
                 json_bool (spec, "diagnostics", true), "timeCreated",
                 "2026-01-01T00:00:00.0000417+00:00");

  if (zone)
    json_put (body, "zones", json_make ("[s]", zone));
  for (size_t i = 0; i < ARRAY_SIZE (owned); i++)
    if (json_object_get (spec, owned[i].key))
      json_object_set (body, owned[i].own,
                       json_object_get (spec, owned[i].key));
  json_put_bool (body, "_noAgent", !json_bool (spec, "agent", true));
  json_put_str (body, "_power", json_str (spec, "power", "running"));
  return body;
}

/* What a disk takes from its VM. */
static json_t *
defaults_of (const json_t *spec, const char *os, const char *name)
{
  return json_make ("{s:s,s:s,s:s,s:s*,s:s*,s:s}", "subscription",
                    json_str (spec, "subscription", ""), "group",
                    json_str (spec, "group", ""), "location",
                    json_str (spec, "location", "westeurope"), "zone",
                    json_str (spec, "zone", NULL), "os", os, "name", name);
}

static int
add_os_disk (struct fake_cloud *cloud, struct fake_object *vm,
             const json_t *spec, struct err **err)
{
  CLEANUP_FREE char *name = xasprintf ("%s_OsDisk", arm_name (vm));
  CLEANUP_JSON json_t *defaults = defaults_of (spec, os_word (spec), name);
  CLEANUP_JSON json_t *empty = json_object ();
  const json_t *disk_spec = json_object_get (spec, "os_disk") ?: empty;
  struct fake_object *disk = arm_add_disk (cloud, disk_spec, defaults, err);
  json_t *entry;

  if (disk == NULL)
    return err_wrap (err, "os_disk");
  entry = entry_of (disk, disk_spec, "FromImage", "ReadWrite", true);
  json_put_str (entry, "osType", os_word (spec));
  json_put (json_object_get (arm_properties (vm), "storageProfile"), "osDisk",
            entry);
  json_object_set (vm->body, "_generation",
                   json_at (disk->body, "properties.hyperVGeneration"));
  return 0;
}

static int
add_data_disks (struct fake_cloud *cloud, struct fake_object *vm,
                const json_t *spec, struct err **err)
{
  json_t *disk_spec;
  size_t i;

  json_array_foreach (json_object_get (spec, "data_disks"), i, disk_spec)
  {
    CLEANUP_FREE char *name = xasprintf ("%s_Data_%zu", arm_name (vm), i);
    CLEANUP_JSON json_t *defaults = defaults_of (spec, NULL, name);
    struct fake_object *disk = arm_add_disk (cloud, disk_spec, defaults, err);
    int64_t lun = json_int (disk_spec, "lun", (int64_t)i);
    json_t *entry;

    if (disk == NULL)
      return err_wrap (err, "data_disks[%zu]", i);
    entry = entry_of (disk, disk_spec, "Attach", "None", true);
    json_put_int (entry, "lun", lun);
    json_put_bool (entry, "toBeDetached", false);
    json_array_append_new (arm_data_disks (vm), entry);
    arm_link (cloud, vm, disk, lun, true);
  }
  return 0;
}

/* What runs at the start has done so for long. */
static void
settle (struct fake_cloud *cloud, struct fake_object *vm)
{
  bool boots, runs = strcmp (arm_power (vm), "running") == 0;

  arm_guest_boot (cloud, vm);
  fake_timers_cancel (cloud, vm, "agent");
  boots = json_bool (vm->body, "_boots", true);
  json_put (vm->body, "_agent",
            json_make ("{s:b,s:b,s:s}", "ready", boots, "live", boots && runs,
                       "time", "2026-01-01T00:00:00+00:00"));
  json_put_int (vm->body, "_bootedMs", -86400000);
}

static int
add_vm (struct fake_cloud *cloud, const json_t *spec, struct err **err)
{
  const char *subscription = json_str (spec, "subscription", "");
  const char *group = json_need_str (spec, "group", err);
  const char *name = group ? json_need_str (spec, "name", err) : NULL;
  CLEANUP_FREE char *shown = NULL, *id = NULL;
  struct fake_object *vm;

  if (name == NULL)
    return -1;
  shown = xasprintf ("/subscriptions/%s/resourceGroups/%s/providers/"
                     "Microsoft.Compute/virtualMachines/%s",
                     subscription, group, name);
  id = arm_lower (shown);
  arm_group_add (cloud, subscription, group,
                 json_str (spec, "location", "westeurope"));
  vm = fake_object_add (cloud, "vm", id, "", subscription, "",
                        new_body (cloud, spec, shown));
  if (add_os_disk (cloud, vm, spec, err) < 0 ||
      add_data_disks (cloud, vm, spec, err) < 0)
    return -1;
  if (json_object_get (spec, "model"))
    fake_merge (vm->body, json_object_get (spec, "model"));
  arm_own_all (cloud, vm);
  settle (cloud, vm);
  arm_touch (cloud, vm);
  return 0;
}

int
arm_load_fleet (struct fake_cloud *cloud, const json_t *config,
                struct err **err)
{
  const char *first = json_object_iter_key (
      json_object_iter (json_object_get (config, "subscriptions")));
  CLEANUP_JSON json_t *defaults = json_make ("{s:s}", "subscription", first);
  json_t *spec;
  size_t i;

  json_array_foreach (json_object_get (config, "vms"), i, spec)
  {
    CLEANUP_JSON json_t *vms = json_copy (spec);

    json_put_str (vms, "subscription", json_str (spec, "subscription", first));
    if (fake_check_keys (spec, vm_keys, "vm", err) < 0 ||
        fake_add_each (cloud, vms, add_vm, err) < 0)
      return err_wrap (err, "vms[%zu]", i);
  }
  json_array_foreach (json_object_get (config, "disks"), i, spec)
  {
    if (arm_add_disk (cloud, spec, defaults, err) == NULL)
      return err_wrap (err, "disks[%zu]", i);
  }
  return 0;
}
