/* PUT and PATCH of a VM: tags, data disks, and the swap of its OS disk.
 *
 * PATCH merges, arrays are replaced as a whole, null removes; a PUT replaces
 * the model, and data disks that it leaves out are detached.  The reply shows
 * the new model at once, with provisioningState Updating. [recorded traffic]
 * Rules of the swap: learn.microsoft.com "Change the OS disk used by an Azure
 * VM"; the codes of most refusals are (unverified).  New VMs can't be made. */

#include "arm.h"

#include <string.h>
#include <strings.h>

/* Of the OS disk's slot, or of the VM: not to be changed. */
static const struct {
  const char *path, *name;
} fixed[] = {
    {"storageProfile.osDisk.createOption", "osDisk.createOption"},
    {"storageProfile.osDisk.osType", "osDisk.osType"},
    {"storageProfile.osDisk.vhd.uri", "osDisk.vhd.uri"},
    {"storageProfile.osDisk.diffDiskSettings.option",
     "osDisk.diffDiskSettings.option"},
    {"vmId", "vmId"},
};

static int
check_fixed (struct fake_call *call, const json_t *old, const json_t *new)
{
  for (size_t i = 0; i < ARRAY_SIZE (fixed); i++) {
    const char *before = json_str (old, fixed[i].path, "");
    const char *after = json_str (new, fixed[i].path, before);

    if (strcasecmp (before, after) != 0)
      return arm_fail_at (call, 409, "PropertyChangeNotAllowed", fixed[i].name,
                          "Changing property '%s' is not allowed.",
                          fixed[i].name);
  }
  return 0;
}

/* ---- the swap ---- */

/* What both disks must have in common. */
static const struct {
  const char *path, *what, *otherwise;
} alike[] = {
    {"properties.osType", "osType", ""},
    {"properties.hyperVGeneration", "HyperVisor generation", "V1"},
    {"properties.securityProfile.securityType", "security type", "Standard"},
    {"properties.encryption.diskEncryptionSetId", "disk encryption set", ""},
};

static int
check_alike (struct fake_call *call, const struct fake_object *old,
             const struct fake_object *new)
{
  int64_t was = json_int (old->body, "properties.diskSizeGB", 0);
  int64_t is = json_int (new->body, "properties.diskSizeGB", 0);

  for (size_t i = 0; i < ARRAY_SIZE (alike); i++) {
    const char *a = json_str (old->body, alike[i].path, alike[i].otherwise);
    const char *b = json_str (new->body, alike[i].path, alike[i].otherwise);

    if (strcasecmp (a, b) != 0)
      return arm_fail_at (call, 409, "OperationNotAllowed", "osDisk",
                          "The %s property of the current OS disk '%s' and of "
                          "disk '%s' do not match: '%s', '%s'.",
                          alike[i].what, arm_name (old), arm_name (new), a, b);
  }
  if (was != is)
    return arm_fail_at (call, 409, "OperationNotAllowed", "osDisk",
                        "The size of disk '%s' (%lld GB) is not the one of the "
                        "current OS disk (%lld GB).",
                        arm_name (new), (long long)is, (long long)was);
  return 0;
}

static int
check_free (struct fake_call *call, const struct fake_object *vm,
            const struct fake_object *new)
{
  const char *owner = json_str (new->body, "managedBy", "");
  const json_t *here = json_array_get (json_object_get (vm->body, "zones"), 0);
  const json_t *there =
      json_array_get (json_object_get (new->body, "zones"), 0);

  if (*owner || json_bool (new->body, "_detaching", false))
    return arm_fail (call, 409, "ConflictingUserInput",
                     "Disk '%s' cannot be attached as the disk is already "
                     "owned by VM '%s'.",
                     arm_name (new), owner);
  if (there && !json_equal (here, there))
    return arm_fail (call, 400, "BadRequest",
                     "Disk '%s' is not in the zone of VM '%s'.", arm_name (new),
                     arm_name (vm));
  if (strcmp (json_str (new->body, "properties.provisioningState", ""),
              "Succeeded") != 0)
    return arm_fail (call, 409, "OperationNotAllowed",
                     "Disk '%s' is not ready to be used.", arm_name (new));
  return 0;
}

static bool
is_encrypted (const json_t *os_disk, const struct fake_object *disk)
{
  return json_bool (os_disk, "encryptionSettings.enabled", false) ||
         json_bool (disk->body,
                    "properties.encryptionSettingsCollection.enabled", false);
}

/* *swap: the disk that is to come, NULL: none. */
static int
check_swap (struct fake_call *call, struct fake_object *vm,
            const json_t *os_disk, struct fake_object **swap)
{
  struct fake_object *old = arm_entry_disk (call->cloud, arm_os_disk (vm));
  struct fake_object *new = arm_entry_disk (call->cloud, os_disk);
  const char *name = json_str (os_disk, "name", "");
  bool named = strcasecmp (name, json_str (arm_os_disk (vm), "name", "")) != 0;

  *swap = NULL;
  if (new == NULL && old)
    return arm_fail (call, 404, "NotFound", "Disk '%s' is not found.",
                     json_str (os_disk, "managedDisk.id", ""));
  if (new == old && !named)
    return 0;
  if (new == NULL || old == NULL || new == old ||
      strcasecmp (name, arm_name (new)) != 0)
    return arm_fail_at (call, 409, "PropertyChangeNotAllowed", "osDisk.name",
                        "Changing property 'osDisk.name' is not allowed: name "
                        "and managedDisk.id must be those of one disk.");
  if (json_object_get (arm_os_disk (vm), "diffDiskSettings"))
    return arm_fail (call, 409, "OperationNotAllowed",
                     "OS disk swap is not supported for ephemeral OS disks.");
  if (is_encrypted (arm_os_disk (vm), old) || is_encrypted (os_disk, new))
    return arm_fail (call, 409,
                     "OSDiskSwapNotSupportedForVMsUsingDiskEncryption",
                     "OS disk swap is not supported for VM '%s' as it uses "
                     "disk encryption.",
                     arm_name (vm));
  if (check_free (call, vm, new) < 0 || check_alike (call, old, new) < 0)
    return -1;
  *swap = new;
  return 0;
}

/* ---- data disks of a model ---- */

static bool
has_disk (const json_t *entries, const char *id)
{
  json_t *entry;
  size_t i;

  json_array_foreach ((json_t *)entries, i, entry)
  {
    if (strcasecmp (json_str (entry, "managedDisk.id", ""), id) == 0 &&
        !json_bool (entry, "toBeDetached", false))
      return true;
  }
  return false;
}

static int
compare_disks (struct fake_call *call, struct fake_object *vm,
               const json_t *wanted, json_t *comes, json_t *goes)
{
  CLEANUP_JSON json_t *all = json_copy (arm_data_disks (vm));
  json_t *entry;
  size_t i;

  json_array_foreach (arm_data_disks (vm), i, entry)
  {
    const char *id = json_str (entry, "managedDisk.id", "");

    if (!has_disk (wanted, id))
      json_array_append_new (goes, json_string (id));
  }
  json_array_foreach ((json_t *)wanted, i, entry)
  {
    const char *id = json_str (entry, "managedDisk.id", "");
    json_t *made;

    if (has_disk (arm_data_disks (vm), id) ||
        json_bool (entry, "toBeDetached", false))
      continue;
    made = arm_attach_entry (call, vm, entry, all);
    if (made == NULL)
      return -1;
    json_array_append (all, made);
    json_array_append_new (comes, made);
  }
  if (json_array_size (all) - json_array_size (goes) > arm_max_data_disks (vm))
    return arm_fail_at (call, 409, "OperationNotAllowed", "dataDisks",
                        "The maximum number of data disks allowed to be "
                        "attached to a VM of this size is %u.",
                        arm_max_data_disks (vm));
  return 0;
}

/* ---- from the request to its end ---- */

/* arg: {comes, goes, disk: id of the new OS disk or absent, was: the osDisk
 * before, boot}. */
static void
updated (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  struct fake_object *vm = arm_operation_subject (cloud, operation);
  json_t *error = json_object_get (arg, "error");
  json_t *was = json_object_get (arg, "was");

  if (vm) {
    struct fake_object *old = arm_entry_disk (cloud, was);
    struct fake_object *new =
        fake_object_find (cloud, "disk", json_str (arg, "disk", NULL), NULL,
                          NULL);

    if (error && was)
      json_object_set (json_at (vm->body, "properties.storageProfile"),
                       "osDisk", was);
    if (was) {
      arm_own (cloud, error ? new : old, NULL);
      arm_own (cloud, error ? old : new, vm);
    }
    arm_disks_end (cloud, vm, arg, error != NULL);
    if (json_bool (arg, "boot", false))
      arm_guest_boot (cloud, vm);
  }
  arm_operation_end (cloud, operation, error ? json_incref (error) : NULL,
                     NULL);
}

static void
apply (struct fake_object *vm, const json_t *new, const json_t *old_disks)
{
  json_t *properties = arm_properties (vm);
  const char *key;
  json_t *value;

  if (json_object_get (new, "tags"))
    json_object_set (vm->body, "tags", json_object_get (new, "tags"));
  json_object_foreach (json_object_get (new, "properties"), key, value)
  {
    if (strcmp (key, "instanceView") != 0)
      json_object_set_new (properties, key, json_deep_copy (value));
  }
  /* They come and go by themselves. */
  json_put (json_object_get (properties, "storageProfile"), "dataDisks",
            json_deep_copy (old_disks));
  json_put_str (properties, "provisioningState", "Updating");
}

static int
begin (struct fake_call *call, struct fake_object *vm, const json_t *new,
       struct fake_object *swap, const json_t *comes, const json_t *goes)
{
  CLEANUP_JSON json_t *disks = json_deep_copy (arm_data_disks (vm));
  CLEANUP_JSON json_t *was = json_deep_copy (arm_os_disk (vm));
  bool runs = strcmp (arm_power (vm), "running") == 0;
  json_t *arg = json_make ("{s:O,s:O,s:b}", "comes", comes, "goes", goes,
                           "boot", swap && runs);
  int64_t ms;

  apply (vm, new, disks);
  ms = arm_disks_begin (call, vm, comes, goes);
  if (swap) {
    json_t *os_disk = arm_os_disk (vm);

    json_object_set (arg, "was", was);
    json_put_str (arg, "disk", swap->id);
    json_put_str (os_disk, "name", arm_name (swap));
    json_put_str (json_object_get (os_disk, "managedDisk"),
                  "storageAccountType", json_str (swap->body, "sku.name", ""));
    arm_own (call->cloud, swap, vm);
    ms = arm_time_ms (call->cloud, "swap");
  }
  arm_operation (call, vm, ARM_ASYNC, ms, updated, arg);
  arm_touch (call->cloud, vm);
  return arm_reply (call, 200, arm_shown (vm->body));
}

static int
check_etag (struct fake_call *call, const struct fake_object *vm)
{
  const char *wanted = http_header_get (&call->req->headers, "If-Match");
  CLEANUP_FREE char *etag =
      xasprintf ("\"%lld\"", (long long)json_int (vm->body, "_etag", 1));

  if (wanted == NULL || strcmp (wanted, "*") == 0 || strcmp (wanted, etag) == 0)
    return 0;
  return arm_fail (call, 412, "PreconditionFailed",
                   "The condition '%s' in the If-Match header was not "
                   "satisfied: the current ETag is '%s'.",
                   wanted, etag);
}

static int
change (struct fake_call *call, struct fake_object *vm, const json_t *new)
{
  CLEANUP_JSON json_t *comes = json_array (), *goes = json_array ();
  const json_t *profile = json_at (new, "properties.storageProfile");
  struct fake_object *swap;

  if (check_etag (call, vm) < 0 || arm_check_idle (call, vm, "write") < 0 ||
      check_fixed (call, arm_properties (vm),
                   json_object_get (new, "properties")) < 0 ||
      check_swap (call, vm, json_object_get (profile, "osDisk"), &swap) < 0 ||
      compare_disks (call, vm, json_object_get (profile, "dataDisks"), comes,
                     goes) < 0)
    return -1;
  return begin (call, vm, new, swap, comes, goes);
}

static int
patch (struct fake_call *call)
{
  struct fake_object *vm = arm_subject (call, "vm");
  CLEANUP_JSON json_t *new = NULL;

  if (vm == NULL)
    return -1;
  new = fake_visible (vm->body);
  fake_merge (new, arm_body (call));
  return change (call, vm, new);
}

static int
put (struct fake_call *call)
{
  CLEANUP_FREE char *id = arm_scope (call, 8);
  struct fake_object *vm = arm_find (call, "vm", id);
  CLEANUP_JSON json_t *new = json_deep_copy (arm_body (call));

  if (vm == NULL)
    return arm_fail (call, 400, "BadRequest",
                     "fake cloud: new VMs can't be made here");
  if (json_at (new, "properties.storageProfile.osDisk") == NULL)
    return arm_fail (call, 400, "InvalidParameter",
                     "Required parameter 'osDisk' is missing (null).");
  return change (call, vm, new);
}

/* ---- deletion ---- */

static void
deleted (struct fake_cloud *cloud, struct fake_object *operation, json_t *arg)
{
  struct fake_object *vm = arm_operation_subject (cloud, operation);
  json_t *error = json_object_get (arg, "error");
  struct fake_object *disk;

  if (vm && error == NULL) {
    disk = arm_entry_disk (cloud, arm_os_disk (vm));
    while (json_array_size (arm_data_disks (vm))) {
      const json_t *entry = json_array_get (arm_data_disks (vm), 0);
      CLEANUP_JSON json_t *goes =
          json_make ("{s:[O]}", "goes", json_at (entry, "managedDisk.id"));

      arm_disks_end (cloud, vm, goes, false);
    }
    arm_own (cloud, disk, NULL);
    if (disk &&
        strcmp (json_str (arm_os_disk (vm), "deleteOption", ""), "Delete") == 0)
      fake_object_remove (cloud, disk);
    fake_object_remove (cloud, vm);
  }
  arm_operation_end (cloud, operation, error ? json_incref (error) : NULL,
                     NULL);
}

static int delete (struct fake_call *call)
{
  CLEANUP_FREE char *id = arm_scope (call, 8);
  struct fake_object *vm = arm_find (call, "vm", id);

  if (vm == NULL)
    return arm_reply (call, 204, NULL);
  if (arm_check_idle (call, vm, "delete") < 0)
    return -1;
  json_put_str (arm_properties (vm), "provisioningState", "Deleting");
  arm_operation (call, vm, ARM_BOTH, arm_time_ms (call->cloud, "delete"),
                 deleted, NULL);
  arm_touch (call->cloud, vm);
  return arm_reply (call, 202, NULL);
}

#define VM                                                                     \
  "/subscriptions/{sub}/resourceGroups/{group}/providers/Microsoft.Compute/"   \
  "virtualMachines/{vm}"

const struct arm_route arm_model_routes[] = {
    {"PATCH", VM, "compute", "virtualMachines/write",
     "Microsoft.Compute/virtualMachines/write", "UpdateVM", NULL, ARM_CHANGES,
     patch},
    {"PUT", VM, "compute", "virtualMachines/write",
     "Microsoft.Compute/virtualMachines/write", "PutVM", NULL, ARM_CHANGES,
     put},
    {"DELETE", VM, "compute", "virtualMachines/delete",
     "Microsoft.Compute/virtualMachines/delete", "DeleteVM", "forceDeletion",
     ARM_CHANGES | ARM_DELETES, delete},
    {0},
};
