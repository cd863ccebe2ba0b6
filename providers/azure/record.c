#include "record.h"

#include <string.h>
#include <strings.h>

#include "ids.h"

static void
copy_text (json_t *to, const char *key, const json_t *from, const char *path)
{
  const char *text = json_str (from, path, "");

  if (*text)
    json_put_str (to, key, text);
}

/* Ids that are compared with others get the one spelling. */
static void
copy_id (json_t *to, const char *key, const json_t *from, const char *path)
{
  CLEANUP_FREE char *id = azure_vm_id (json_str (from, path, ""));

  if (*id)
    json_put_str (to, key, id);
}

/* --- what the instance view says ----------------------------------------- */

/* "PowerState/stopped" keeps its host and its price, "deallocated" does not;
 * for a repair they are the same. */
static const struct {
  const char *code, *power;
} powers[] = {
    {"PowerState/running", "running"},
    {"PowerState/starting", "starting"},
    {"PowerState/stopping", "stopping"},
    {"PowerState/stopped", "stopped"},
    {"PowerState/deallocating", "stopping"},
    {"PowerState/deallocated", "stopped"},
};

static const char *
power_code (const json_t *view)
{
  json_t *status;
  size_t i;

  json_array_foreach (json_object_get (view, "statuses"), i, status)
  {
    const char *code = json_str (status, "code", "");

    if (strncasecmp (code, "PowerState/", 11) == 0)
      return code;
  }
  return "";
}

const char *
azure_power (const json_t *view)
{
  const char *code = power_code (view);

  for (size_t i = 0; i < ARRAY_SIZE (powers); i++)
    if (strcasecmp (code, powers[i].code) == 0)
      return powers[i].power;
  return "other";
}

/* The agent's word goes stale: a stopped VM's says Ready for ever, so that it
 * counts only while the VM runs.  A running VM whose agent was never heard of
 * may simply have none. [recorded instance views] */
const char *
azure_health (const json_t *view)
{
  const json_t *agent = json_object_get (view, "vmAgent");
  const json_t *status =
      json_array_get (json_object_get (agent, "statuses"), 0);
  const char *word = json_str (status, "displayStatus", "");

  if (strcmp (azure_power (view), "running") != 0 || *word == '\0')
    return "unknown";
  return strcasecmp (word, "Ready") == 0 ? "ok" : "impaired";
}

static void
put_view (json_t *record, json_t *facts, const json_t *view)
{
  const json_t *agent = json_array_get (json_at (view, "vmAgent.statuses"), 0);
  json_t *status;
  size_t i;

  json_put_str (record, "power", azure_power (view));
  json_put_str (record, "health", azure_health (view));
  json_put_bool (facts, "deallocated",
                 strcasecmp (power_code (view), "PowerState/deallocated") == 0);
  copy_text (facts, "agent", agent, "displayStatus");
  copy_text (facts, "agent_time", agent, "time");
  copy_text (record, "health_at", agent, "time");
  copy_text (facts, "agent_message", agent, "message");
  copy_text (facts, "generation", view, "hyperVGeneration");
  json_array_foreach (json_object_get (view, "statuses"), i, status)
  {
    if (strncasecmp (json_str (status, "code", ""), "ProvisioningState/failed",
                     24) == 0)
      copy_text (record, "power_reason", status, "message");
  }
}

void
azure_record_view (json_t *record, const json_t *view)
{
  put_view (record, json_object_get (record, "facts"), view);
}

/* --- disks of the model -------------------------------------------------- */

static void
put_os_disk (json_t *record, const json_t *model)
{
  static const struct {
    const char *key, *path;
  } texts[] = {
      {"caching", "caching"},
      {"delete_option", "deleteOption"},
      {"create_option", "createOption"},
      {"storage_type", "managedDisk.storageAccountType"},
      {"security_type", "managedDisk.securityProfile.securityEncryptionType"},
  };
  CLEANUP_FREE char *id =
      azure_disk_id (json_str (model, "managedDisk.id", ""));
  json_t *disk, *attributes;

  if (*id == '\0')
    return;
  disk = json_object ();
  attributes = json_object ();
  json_put_str (disk, "id", id);
  copy_text (disk, "name", model, "name");
  for (size_t i = 0; i < ARRAY_SIZE (texts); i++)
    copy_text (attributes, texts[i].key, model, texts[i].path);
  copy_id (attributes, "encryption_set", model,
           "managedDisk.diskEncryptionSet.id");
  json_put_bool (attributes, "write_accelerator",
                 json_bool (model, "writeAcceleratorEnabled", false));
  json_put (disk, "attributes", attributes);
  json_put (record, "os_disk", disk);
}

static json_t *
data_disks (const json_t *list)
{
  json_t *made = json_object (), *model;
  size_t i;

  json_array_foreach ((json_t *)list, i, model)
  {
    CLEANUP_FREE char *lun =
        xasprintf ("%lld", (long long)json_int (model, "lun", -1));
    json_t *disk = json_object ();

    copy_id (disk, "disk", model, "managedDisk.id");
    copy_text (disk, "caching", model, "caching");
    copy_text (disk, "delete_option", model, "deleteOption");
    json_put_bool (disk, "write_accelerator",
                   json_bool (model, "writeAcceleratorEnabled", false));
    json_put (made, lun, disk);
  }
  return made;
}

static json_t *
ids_of (const json_t *list)
{
  json_t *made = json_array (), *item;
  size_t i;

  json_array_foreach ((json_t *)list, i, item)
  {
    CLEANUP_FREE char *id = azure_vm_id (json_str (item, "id", ""));

    json_array_append_new (made, json_string (id));
  }
  return made;
}

/* --- tags and marks ------------------------------------------------------- */

json_t *
azure_plain_tags (const json_t *tags)
{
  json_t *made = json_object (), *value;
  const char *key;

  json_object_foreach ((json_t *)tags, key, value)
  {
    if (strncasecmp (key, TAG_PREFIX, strlen (TAG_PREFIX)) != 0)
      json_object_set (made, key, value);
  }
  return made;
}

/* Names of tags are compared without case. [learn.microsoft.com "Use tags to
 * organize your Azure resources"] */
static const char *
tag (const json_t *tags, const char *name)
{
  json_t *value;
  const char *key;

  json_object_foreach ((json_t *)tags, key, value)
  {
    if (strcasecmp (key, name) == 0)
      return json_string_value (value);
  }
  return NULL;
}

static void
put_mark (json_t *record, const json_t *tags)
{
  const char *campaign = tag (tags, TAG_CAMPAIGN);
  json_t *mark;

  if (campaign == NULL)
    return;
  mark = json_make ("{s:s}", "campaign", campaign);
  json_put_str (mark, "controller", tag (tags, TAG_CONTROLLER));
  json_put_str (mark, "since", tag (tags, TAG_SINCE));
  json_put (record, "mark", mark);
}

/* --- extensions ------------------------------------------------------------
 */

/* Azure Disk Encryption: version 1.x is the old, dual-pass one (with Entra
 * application), 2.x the single-pass one. [azure-docs "Azure Disk Encryption for
 * Windows (dual pass)"] */
static void
put_extensions (json_t *facts, const json_t *list)
{
  json_t *extension;
  size_t i;

  json_array_foreach ((json_t *)list, i, extension)
  {
    const char *type = json_str (extension, "properties.type", "");
    const char *version =
        json_str (extension, "properties.typeHandlerVersion", "");

    if (strncasecmp (type, "AzureDiskEncryption", 19) == 0)
      json_put_str (facts, "ade", *version ? version : "?");
  }
}

/* --- the record ---------------------------------------------------------- */

static json_t *
facts_of (const json_t *vm)
{
  static const struct {
    const char *key, *path;
  } texts[] = {
      {"vm_id", "properties.vmId"},
      {"provisioning", "properties.provisioningState"},
      {"security_type", "properties.securityProfile.securityType"},
      {"ephemeral", "properties.storageProfile.osDisk.diffDiskSettings.option"},
      {"unmanaged", "properties.storageProfile.osDisk.vhd.uri"},
      {"controller", "properties.storageProfile.diskControllerType"},
      {"scale_set", "properties.virtualMachineScaleSet.id"},
      {"priority", "properties.priority"},
      {"eviction", "properties.evictionPolicy"},
      {"managed_by", "managedBy"},
  };
  json_t *facts = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (texts); i++)
    copy_text (facts, texts[i].key, vm, texts[i].path);
  json_put_bool (
      facts, "boot_diagnostics",
      json_bool (vm, "properties.diagnosticsProfile.bootDiagnostics.enabled",
                 false));
  json_put_bool (
      facts, "ade_settings",
      json_bool (vm,
                 "properties.storageProfile.osDisk.encryptionSettings.enabled",
                 false));
  put_extensions (facts, json_object_get (vm, "resources"));
  return facts;
}

static json_t *
attributes_of (const json_t *vm)
{
  json_t *made = json_object ();

  copy_text (made, "location", vm, "location");
  copy_text (made, "vm_size", vm, "properties.hardwareProfile.vmSize");
  copy_text (made, "license", vm, "properties.licenseType");
  copy_text (made, "identity", vm, "identity.type");
  json_put (made, "nics",
            ids_of (
                json_at (vm, "properties.networkProfile.networkInterfaces")));
  json_put (made, "disks",
            data_disks (json_at (vm, "properties.storageProfile.dataDisks")));
  json_put (made, "tags", azure_plain_tags (json_object_get (vm, "tags")));
  return made;
}

/* A zonal disk and its helper must be in the same zone; what has no zone goes
 * with what has none: "westeurope-1", "westeurope". */
static char *
zone_of (const json_t *vm)
{
  const char *zone =
      json_string_value (json_array_get (json_object_get (vm, "zones"), 0));
  const char *location = json_str (vm, "location", "");

  return zone ? xasprintf ("%s-%s", location, zone) : xstrdup (location);
}

json_t *
azure_record (const struct binding *b, const json_t *vm)
{
  const json_t *tags = json_object_get (vm, "tags");
  CLEANUP_FREE char *id = azure_vm_id (json_str (vm, "id", ""));
  CLEANUP_FREE char *zone = zone_of (vm);
  const char *os = json_str (vm, "properties.storageProfile.osDisk.osType", "");
  json_t *record = json_object (), *facts = facts_of (vm);

  json_put_str (record, "provider", "azure");
  json_put_str (record, "account", b->account ? b->account : "");
  json_put_str (record, "region", b->region ? b->region : "");
  json_put_str (record, "zone", zone);
  json_put_str (record, "id", id);
  json_put_str (record, "name", json_str (vm, "name", ""));
  json_put_str (record, "os",
                strcasecmp (os, "Windows") == 0 ? "windows" : "unknown");
  json_put_bool (record, "status_checks", true);
  put_view (record, facts, json_at (vm, "properties.instanceView"));
  put_os_disk (record, json_at (vm, "properties.storageProfile.osDisk"));
  json_put_bool (record, "changing",
                 strcasecmp (json_str (facts, "provisioning", ""),
                             "Updating") == 0);
  json_put (record, "attributes", attributes_of (vm));
  put_mark (record, tags);
  json_put (record, "tags",
            json_is_object (tags) ? json_deep_copy (tags) : json_object ());
  json_put (record, "facts", facts);
  return record;
}

/* --- disks ---------------------------------------------------------------- */

static int64_t
size_of (const json_t *disk)
{
  return json_int (disk, "properties.diskSizeBytes",
                   json_int (disk, "properties.diskSizeGB", 0) << 30);
}

void
azure_record_disk (json_t *record, const json_t *disk)
{
  json_t *os_disk = json_object_get (record, "os_disk");
  json_t *facts = json_object_get (record, "facts");

  if (os_disk == NULL)
    return;
  json_put_int (os_disk, "size_bytes", size_of (disk));
  json_put (json_object_get (os_disk, "attributes"), "like", azure_like (disk));
  copy_text (facts, "disk_state", disk, "properties.diskState");
  copy_text (facts, "disk_sku", disk, "sku.name");
  copy_text (facts, "disk_security", disk,
             "properties.securityProfile.securityType");
  json_put_bool (facts, "ade_collection",
                 json_bool (disk,
                            "properties.encryptionSettingsCollection.enabled",
                            false));
  json_put_int (facts, "disk_shares",
                json_int (disk, "properties.maxShares", 1));
}

void
azure_record_sizes (json_t *record, const json_t *sizes)
{
  const char *name = json_str (record, "attributes.vm_size", "");
  json_t *size;
  size_t i;

  json_array_foreach (json_object_get (sizes, "value"), i, size)
  {
    if (strcasecmp (json_str (size, "name", ""), name) == 0)
      json_put_int (json_object_get (record, "facts"), "max_data_disks",
                    json_int (size, "maxDataDiskCount", 0));
  }
}

/* Copies of Ultra and Premium SSD v2 disks, and incremental snapshots, are
 * usable only when all has arrived. [learn.microsoft.com "Create an incremental
 * snapshot"] */
static const char *
readiness (const json_t *disk)
{
  const char *state = json_str (disk, "properties.provisioningState", "");
  const json_t *percent = json_at (disk, "properties.completionPercent");

  if (strcasecmp (state, "Failed") == 0 || strcasecmp (state, "Canceled") == 0)
    return "failed";
  if (*state && strcasecmp (state, "Succeeded") != 0)
    return "busy";
  if (json_is_number (percent) && json_number_value (percent) < 100)
    return "busy";
  return "available";
}

/* Reserved: of a VM that is deallocated. */
static const char *
disk_word (const json_t *disk)
{
  const char *ready = readiness (disk);
  const char *state = json_str (disk, "properties.diskState", "");

  if (strcmp (ready, "failed") == 0)
    return ready;
  if (*json_str (disk, "managedBy", ""))
    return "attached";
  if (strcmp (ready, "busy") == 0)
    return ready;
  return *state == '\0' || strcasecmp (state, "Unattached") == 0 ? "available"
                                                                 : "other";
}

json_t *
azure_disk (const json_t *disk, const char *id)
{
  json_t *made = json_make ("{s:s,s:s,s:s}", "id", id, "kind", "disk", "state",
                            disk_word (disk));
  json_t *attributes = json_object ();

  copy_id (made, "attached_to", disk, "managedBy");
  copy_text (made, "why", disk, "properties.provisioningState");
  json_put_int (made, "size_bytes", size_of (disk));
  json_put (attributes, "like", azure_like (disk));
  json_put (made, "attributes", attributes);
  return made;
}

json_t *
azure_snapshot (const json_t *snapshot, const char *id)
{
  json_t *made = json_make ("{s:s,s:s,s:s}", "id", id, "kind", "snapshot",
                            "state", readiness (snapshot));

  copy_text (made, "why", snapshot, "properties.provisioningState");
  json_put_int (made, "size_bytes", size_of (snapshot));
  json_put (made, "attributes", json_object ());
  return made;
}
