/* Data disks: attachDetachDataDisks, and what PUT and PATCH of a VM share with
 * it.
 *
 * An entry is in the model from the moment of the request, a detached one with
 * toBeDetached until the end. [recorded traffic]  Whether one bad disk refuses
 * the whole call is (unverified); so it is here. */

#include "arm.h"

#include <string.h>
#include <strings.h>

static json_t *
entry_of (const json_t *entries, const char *disk)
{
  json_t *entry;
  size_t i;

  json_array_foreach ((json_t *)entries, i, entry)
  {
    if (strcasecmp (json_str (entry, "managedDisk.id", ""), disk) == 0)
      return entry;
  }
  return NULL;
}

static json_t *
entry_at (const json_t *entries, int64_t lun)
{
  json_t *entry;
  size_t i;

  json_array_foreach ((json_t *)entries, i, entry)
  {
    if (json_int (entry, "lun", -1) == lun)
      return entry;
  }
  return NULL;
}

static int64_t
free_lun (const json_t *entries)
{
  int64_t lun = 0;

  while (entry_at (entries, lun))
    lun++;
  return lun;
}

static const char *
zone_of (const json_t *body)
{
  return json_string_value (json_array_get (json_object_get (body, "zones"), 0))
             ?: "";
}

/* Is this disk free and near? */
static int
check_disk (struct fake_call *call, const struct fake_object *vm,
            const struct fake_object *disk)
{
  const char *owner = json_str (disk->body, "_owner", "");
  const json_t *settings =
      json_at (disk->body, "properties.encryptionSettingsCollection");
  const char *near = zone_of (disk->body);

  if (json_bool (disk->body, "_detaching", false))
    return arm_fail (call, 409, "AttachDiskWhileBeingDetached",
                     "Cannot attach data disk '%s' to virtual machine '%s' "
                     "because the disk is currently being detached or the last "
                     "detach operation failed. Please wait until the disk is "
                     "completely detached and then try again or delete/detach "
                     "the disk explicitly again.",
                     arm_name (disk), arm_name (vm));
  if (*owner && json_int (disk->body, "properties.maxShares", 1) < 2)
    return arm_fail (call, 409, "ConflictingUserInput",
                     "Disk '%s' cannot be attached as the disk is already "
                     "owned by VM '%s'.",
                     arm_name (disk), json_str (disk->body, "managedBy", ""));
  if (strcmp (json_str (disk->body, "properties.provisioningState", ""),
              "Succeeded") != 0 ||
      json_int (disk->body, "properties.completionPercent", 100) < 100)
    return arm_fail (call, 409, "OperationNotAllowed",
                     "Disk '%s' is not ready to be attached.", arm_name (disk));
  if (strcasecmp (json_str (disk->body, "location", ""),
                  json_str (vm->body, "location", "")) != 0 ||
      (*near && strcmp (near, zone_of (vm->body)) != 0))
    return arm_fail (call, 400, "BadRequest",
                     "Disk %s cannot be attached to the VM because it is not "
                     "in zone '%s'.",
                     arm_name (disk), zone_of (vm->body));
  if (json_bool (settings, "enabled", false))
    return arm_fail (call, 409, "OperationNotAllowed",
                     "Disk '%s' contains encryption settings and therefore "
                     "cannot be used as a data disk.",
                     arm_name (disk));
  return 0;
}

json_t *
arm_attach_entry (struct fake_call *call, struct fake_object *vm,
                  const json_t *wanted, const json_t *entries)
{
  const char *id = json_str (wanted, "managedDisk.id", "");
  CLEANUP_FREE char *lower = arm_lower (id);
  const struct fake_object *disk = arm_find (call, "disk", lower);
  int64_t lun = json_int (wanted, "lun", -1);
  json_t *taken, *entry;

  if (disk == NULL) {
    arm_fail (call, 404, "NotFound", "Disk '%s' is not found.", id);
    return NULL;
  }
  if (check_disk (call, vm, disk) < 0)
    return NULL;
  if (lun < 0)
    lun = free_lun (entries);
  taken = entry_at (entries, lun);
  if (taken || lun > 63) {
    arm_fail_at (call, taken ? 409 : 400, "InvalidParameter", "dataDisk.lun",
                 taken ? "A disk named '%s' already uses the same LUN: %lld."
                       : "The LUN of disk '%s' is out of range: %lld.",
                 taken ? json_str (taken, "name", "") : arm_name (disk),
                 (long long)lun);
    return NULL;
  }
  entry =
      json_make ("{s:I,s:s,s:s,s:s,s:{s:s,s:s},s:s,s:O,s:b}", "lun",
                 (json_int_t)lun, "name", arm_name (disk), "createOption",
                 "Attach", "caching", json_str (wanted, "caching", "None"),
                 "managedDisk", "storageAccountType",
                 json_str (disk->body, "sku.name", ""), "id", id,
                 "deleteOption", json_str (wanted, "deleteOption", "Detach"),
                 "diskSizeGB", json_at (disk->body, "properties.diskSizeGB"),
                 "toBeDetached", 0);
  if (json_bool (wanted, "writeAcceleratorEnabled", false))
    json_put_bool (entry, "writeAcceleratorEnabled", true);
  return entry;
}

/* ---- from the request to its end ---- */

/* comes: entries; goes: ids. Both are in the model when this is over. */
int64_t
arm_disks_begin (struct fake_call *call, struct fake_object *vm,
                 const json_t *comes, const json_t *goes)
{
  json_t *entries = arm_data_disks (vm), *item;
  size_t i;

  json_array_foreach ((json_t *)goes, i, item)
  {
    json_t *entry = entry_of (entries, json_string_value (item));
    struct fake_object *disk = arm_entry_disk (call->cloud, entry);

    json_put_bool (entry, "toBeDetached", true);
    if (disk)
      json_put_bool (disk->body, "_detaching", true);
  }
  json_array_foreach ((json_t *)comes, i, item)
  {
    json_array_append_new (entries, json_deep_copy (item));
    arm_own (call->cloud, arm_entry_disk (call->cloud, item), vm);
  }
  return arm_time_ms (call->cloud, json_array_size (goes)    ? "detach"
                                   : json_array_size (comes) ? "attach"
                                                             : "update");
}

static void
take_out (struct fake_cloud *cloud, struct fake_object *vm, const char *id)
{
  json_t *entries = arm_data_disks (vm), *entry;
  size_t i;

  json_array_foreach (entries, i, entry)
  {
    if (strcasecmp (json_str (entry, "managedDisk.id", ""), id) == 0) {
      struct fake_object *disk = arm_entry_disk (cloud, entry);

      arm_link (cloud, vm, disk, json_int (entry, "lun", 0), false);
      arm_own (cloud, disk, NULL);
      json_array_remove (entries, i);
      return;
    }
  }
}

static void
stay (struct fake_cloud *cloud, struct fake_object *vm, const char *id)
{
  json_t *entry = entry_of (arm_data_disks (vm), id);

  if (entry)
    json_put_bool (entry, "toBeDetached", false);
  arm_own (cloud, arm_entry_disk (cloud, entry), vm);
}

/* arg: {comes: [entry], goes: [id]}; failed: the VM is as it was. */
void
arm_disks_end (struct fake_cloud *cloud, struct fake_object *vm,
               const json_t *arg, bool failed)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (arg, "comes"), i, item)
  {
    if (failed)
      take_out (cloud, vm, json_str (item, "managedDisk.id", ""));
    else
      arm_link (cloud, vm, arm_entry_disk (cloud, item),
                json_int (item, "lun", 0), true);
  }
  json_array_foreach (json_object_get (arg, "goes"), i, item)
  {
    CLEANUP_FREE char *id = arm_lower (json_string_value (item));
    struct fake_object *disk = fake_object_find (cloud, "disk", id, NULL, NULL);

    if (disk)
      json_object_del (disk->body, "_detaching");
    if (failed)
      stay (cloud, vm, id);
    else
      take_out (cloud, vm, id);
  }
  arm_touch (cloud, vm);
}

/* ---- attachDetachDataDisks ---- */

static void
attached (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  struct fake_object *vm = arm_operation_subject (cloud, operation);
  json_t *error = json_object_get (arg, "error"), *profile = NULL;

  if (vm) {
    arm_disks_end (cloud, vm, arg, error != NULL);
    profile = json_deep_copy (json_at (vm->body, "properties.storageProfile"));
  }
  if (error) {
    json_decref (profile);
    profile = NULL;
  }
  arm_operation_end (cloud, operation, error ? json_incref (error) : NULL,
                     profile);
}

static int
read_goes (struct fake_call *call, const struct fake_object *vm, json_t *goes)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (arm_body (call), "dataDisksToDetach"), i,
                      item)
  {
    const char *id = json_str (item, "diskId", "");

    if (entry_of (arm_data_disks (vm), id) == NULL)
      return arm_fail (call, 409, "ConflictingUserInput",
                       "Disk '%s' cannot be detached as the disk is not "
                       "attached to VM '%s'.",
                       id, arm_name (vm));
    json_array_append_new (goes, json_string (id));
  }
  return 0;
}

/* The whole list is checked before anything is done. */
static int
read_comes (struct fake_call *call, struct fake_object *vm, size_t going,
            json_t *comes)
{
  CLEANUP_JSON json_t *all = json_copy (arm_data_disks (vm));
  unsigned most = arm_max_data_disks (vm);
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (arm_body (call), "dataDisksToAttach"), i,
                      item)
  {
    CLEANUP_JSON json_t *wanted = json_deep_copy (item);
    json_t *entry;

    json_put (wanted, "managedDisk",
              json_make ("{s:s}", "id", json_str (item, "diskId", "")));
    entry = arm_attach_entry (call, vm, wanted, all);
    if (entry == NULL)
      return -1;
    json_array_append (all, entry);
    json_array_append_new (comes, entry);
  }
  if (json_array_size (all) - going > most)
    return arm_fail_at (call, 409, "OperationNotAllowed", "dataDisks",
                        "The maximum number of data disks allowed to be "
                        "attached to a VM of this size is %u.",
                        most);
  return 0;
}

static int
attach_detach (struct fake_call *call)
{
  struct fake_object *vm = arm_subject (call, "vm");
  CLEANUP_JSON json_t *comes = json_array (), *goes = json_array ();
  int64_t ms;

  if (vm == NULL || arm_check_idle (call, vm, "attachDetachDataDisks") < 0 ||
      read_goes (call, vm, goes) < 0 ||
      read_comes (call, vm, json_array_size (goes), comes) < 0)
    return -1;
  if (json_array_size (comes) + json_array_size (goes) == 0)
    return arm_fail (call, 400, "InvalidParameter",
                     "Neither dataDisksToAttach nor dataDisksToDetach names a "
                     "disk.");
  ms = arm_disks_begin (call, vm, comes, goes);
  json_put_str (arm_properties (vm), "provisioningState", "Updating");
  arm_operation (call, vm, ARM_BOTH, ms, attached,
                 json_make ("{s:O,s:O}", "comes", comes, "goes", goes));
  arm_touch (call->cloud, vm);
  return arm_reply (call, 202, NULL);
}

const struct arm_route arm_attach_routes[] = {
    {"POST",
     "/subscriptions/{sub}/resourceGroups/{group}/providers/Microsoft.Compute/"
     "virtualMachines/{vm}/attachDetachDataDisks",
     "compute", "virtualMachines/attachDetachDataDisks",
     "Microsoft.Compute/virtualMachines/attachDetachDataDisks/action",
     "UpdateVM", NULL, ARM_CHANGES, attach_detach},
    {0},
};
