#include "refusals.h"

#include <string.h>
#include <strings.h>

#include <providers/vm.h>

#include "ids.h"

/* ARM allows 50 tags on a resource; a mark takes three. */
#define MAX_TAGS  50
#define MARK_TAGS 3

static bool
is_ade (const json_t *vm)
{
  return vm_fact_is_true (vm, "ade_collection") ||
         vm_fact_is_true (vm, "ade_settings") || *vm_fact (vm, "ade");
}

/* --- refusals: NULL if all is well --------------------------------------- */

static char *
ephemeral (const json_t *vm)
{
  if (*vm_fact (vm, "ephemeral") == '\0')
    return NULL;
  return xstrdup ("its OS disk is ephemeral: it can be neither copied nor "
                  "swapped; reimage the VM (az vm reimage)");
}

static char *
unmanaged (const json_t *vm)
{
  if (*vm_fact (vm, "unmanaged") == '\0')
    return NULL;
  return xstrdup ("its OS disk is an unmanaged one (a page blob), which can't "
                  "be swapped: convert it first (az vm convert)");
}

static char *
no_os_disk (const json_t *vm)
{
  if (json_object_get (vm, "os_disk") || *vm_fact (vm, "ephemeral") ||
      *vm_fact (vm, "unmanaged"))
    return NULL;
  return xstrdup ("its model names no managed OS disk");
}

static char *
ade_dual_pass (const json_t *vm)
{
  if (strncmp (vm_fact (vm, "ade"), "1.", 2) != 0 &&
      !vm_fact_is_true (vm, "ade_settings"))
    return NULL;
  return xstrdup ("it is encrypted by Azure Disk Encryption of the dual-pass "
                  "kind, whose disks can only be unlocked by hand");
}

/* A disk with encryption settings can't be attached to a running VM, and the
 * swap is refused. [learn.microsoft.com "Change the OS disk used by an Azure
 * VM"; OSDiskSwapNotSupportedForVMsUsingDiskEncryption] */
static char *
ade_single_pass (const json_t *vm)
{
  if (!is_ade (vm) || strncmp (vm_fact (vm, "ade"), "1.", 2) == 0 ||
      vm_fact_is_true (vm, "ade_settings"))
    return NULL;
  return xstrdup ("it is encrypted by Azure Disk Encryption (single pass): its "
                  "OS disk can't be swapped, and its key in the Key Vault is "
                  "not fetched yet; az vm repair unlocks such disks");
}

static char *
confidential (const json_t *vm)
{
  const char *disk = json_str (vm, "os_disk.attributes.security_type", "");

  if (strncasecmp (vm_fact (vm, "security_type"), "Confidential", 12) != 0 &&
      strncasecmp (vm_fact (vm, "disk_security"), "Confidential", 12) != 0 &&
      *disk == '\0')
    return NULL;
  return xstrdup ("it is a confidential VM: its disk is bound to it and its "
                  "vTPM; a copy does not start");
}

static char *
ultra_disk (const json_t *vm)
{
  const char *sku = vm_fact (vm, "disk_sku");

  if (strncasecmp (sku, "Ultra", 5) != 0 &&
      strncasecmp (sku, "PremiumV2", 9) != 0)
    return NULL;
  return xasprintf ("its OS disk is of type %s, which Azure does not support "
                    "for OS disks",
                    sku);
}

static char *
shared_disk (const json_t *vm)
{
  if (json_int (vm, "facts.disk_shares", 1) <= 1)
    return NULL;
  return xstrdup ("its OS disk may be attached to several VMs at a time");
}

static char *
scale_set (const json_t *vm)
{
  if (*vm_fact (vm, "scale_set") == '\0')
    return NULL;
  return xasprintf ("it belongs to the scale set %s, which may replace it "
                    "while it is stopped: turn its automatic repairs off, or "
                    "let it build the VM anew",
                    azure_id_name (vm_fact (vm, "scale_set")));
}

static char *
managed_by (const json_t *vm)
{
  if (*vm_fact (vm, "managed_by") == '\0' || *vm_fact (vm, "scale_set"))
    return NULL;
  return xasprintf ("%s manages it: repair it with what made it",
                    vm_fact (vm, "managed_by"));
}

static char *
in_change (const json_t *vm)
{
  const char *state = vm_fact (vm, "provisioning");

  if (strcasecmp (state, "Creating") != 0 &&
      strcasecmp (state, "Deleting") != 0 &&
      strcasecmp (state, "Migrating") != 0)
    return NULL;
  return xasprintf ("its provisioning state is %s: somebody else is at work on "
                    "it",
                    state);
}

static char *
spot (const json_t *vm)
{
  if (strcasecmp (vm_fact (vm, "priority"), "Spot") != 0)
    return NULL;
  return xstrdup ("it is a Spot VM: while it is stopped its place may be given "
                  "away, and it may not start again");
}

static char *
tags_full (const json_t *vm)
{
  if (json_object_size (json_at (vm, "attributes.tags")) <=
      MAX_TAGS - MARK_TAGS)
    return NULL;
  return xasprintf ("it has %zu tags; of the %d that a resource can have, %d "
                    "are needed for its mark",
                    json_object_size (json_at (vm, "attributes.tags")),
                    MAX_TAGS, MARK_TAGS);
}

static const struct rule {
  const char *code;
  bool allowable;
  char *(*text) (const json_t *vm);
} rules[] = {
    {"ephemeral-os-disk", false, ephemeral},
    {"unmanaged-os-disk", false, unmanaged},
    {"no-os-disk", false, no_os_disk},
    {"ade-dual-pass", false, ade_dual_pass},
    {"ade-single-pass", false, ade_single_pass},
    {"confidential-vm", false, confidential},
    {"ultra-os-disk", false, ultra_disk},
    {"shared-disk", false, shared_disk},
    {"scale-set", true, scale_set},
    {"managed-vm", true, managed_by},
    {"in-change", false, in_change},
    {"spot", true, spot},
    {"tags-full", false, tags_full},
};

/* --- warnings ------------------------------------------------------------- */

static void
warn (json_t *vm)
{
  if (strcasecmp (vm_fact (vm, "security_type"), "TrustedLaunch") == 0)
    vm_add_warning (vm, "trusted-launch",
                    "it has Trusted Launch: a volume that is sealed to its "
                    "vTPM asks for its recovery key after a swap");
  if (vm_fact_is_true (vm, "deallocated"))
    vm_add_warning (vm, "deallocated",
                    "it is deallocated: if it is to be started, Azure has to "
                    "find a new place for it");
  if (strcasecmp (json_str (vm, "os_disk.attributes.delete_option", ""),
                  "Delete") == 0)
    vm_add_warning (vm, "delete-option",
                    "its OS disk is deleted with it: after a swap that is true "
                    "of the repaired copy, no more of its own disk");
  if (!vm_fact_is_true (vm, "boot_diagnostics"))
    vm_add_warning (vm, "no-boot-diagnostics",
                    "its boot diagnostics are off: there will be no console "
                    "and no screenshot as evidence");
}

void
azure_judge (json_t *vm)
{
  for (size_t i = 0; i < ARRAY_SIZE (rules); i++) {
    CLEANUP_FREE char *text = rules[i].text (vm);

    if (text)
      vm_add_refusal (vm, rules[i].code, rules[i].allowable, "%s", text);
  }
  warn (vm);
}

/* --- locks ---------------------------------------------------------------- */

/* What a lock is about is its id up to here. */
#define LOCKS "/providers/microsoft.authorization/locks/"

static bool
is_about (const char *scope, const char *id)
{
  size_t len = strlen (scope);

  return strncmp (scope, id, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

void
azure_judge_locks (json_t *vm, const json_t *locks)
{
  const char *id = json_str (vm, "id", "");
  CLEANUP_FREE char *disk = azure_vm_id (json_str (vm, "os_disk.id", ""));
  json_t *lock;
  size_t i;

  json_array_foreach (json_object_get (locks, "value"), i, lock)
  {
    CLEANUP_FREE char *scope = azure_vm_id (json_str (lock, "id", ""));
    const char *level = json_str (lock, "properties.level", "");
    const char *name = json_str (lock, "name", "?");
    char *end = strstr (scope, LOCKS);

    if (end == NULL)
      continue;
    *end = '\0';
    if (!is_about (scope, id) && !is_about (scope, disk))
      continue;
    if (strcasecmp (level, "ReadOnly") == 0)
      vm_add_refusal (vm, "lock", false,
                      "the management lock '%s' makes %s read-only: it can be "
                      "neither stopped nor changed",
                      name, scope);
    else
      vm_add_warning (vm, "lock",
                      "the management lock '%s' forbids deletion in %s: "
                      "'bootmend release' will fail there",
                      name, scope);
  }
}
