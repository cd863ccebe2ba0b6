#include "refusals.h"

#include <string.h>

#include <providers/vm.h>

/* 64 labels are all that a resource may have, and a mark takes three.
 * [Compute, "Requirements for labels"] */
#define MAX_LABELS  64
#define MARK_LABELS 3

/* --- refusals: NULL if all is well ---------------------------------------- */

static char *
no_boot_disk (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (json_object_get (vm, "os_disk"))
    return NULL;
  return xstrdup ("no boot disk is attached to it: attach it first");
}

/* What happens to their contents is the operator's choice, said beforehand:
 * Compute takes no stop without it. */
static char *
local_ssd (const struct binding *b, const json_t *vm)
{
  if (vm_fact_number (vm, "local_ssds") == 0 || vm_is_power (vm, "stopped") ||
      *json_str (b->config, "local-ssd", ""))
    return NULL;
  return xasprintf ("it has %d Local SSD disks: say what becomes of their "
                    "contents when it is stopped, --gcp-local-ssd discard "
                    "(lost) or preserve (Google keeps them, at a price and not "
                    "for every type)",
                    (int)vm_fact_number (vm, "local_ssds"));
}

/* A stopped member is unhealthy, and autohealing recreates it. */
static char *
managed_group (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!*vm_fact (vm, "group"))
    return NULL;
  return xasprintf ("it belongs to the managed instance group %s, which would "
                    "recreate it while it is stopped: let the group do that, "
                    "or abandon the instance first (gcloud compute "
                    "instance-groups managed abandon-instances)",
                    vm_fact (vm, "group"));
}

static char *
suspended (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (strncmp (vm_fact (vm, "status"), "SUSPEND", 7) != 0)
    return NULL;
  return xstrdup ("it is suspended: its memory would resume on changed files: "
                  "resume it and shut it down first");
}

static char *
confidential (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "confidential") &&
      !vm_fact_is_true (vm, "confidential_disk"))
    return NULL;
  return xstrdup ("it is a Confidential VM: its disk is not for the eyes of a "
                  "helper");
}

static char *
csek (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "csek"))
    return NULL;
  return xstrdup (
      "its boot disk is encrypted with a key of your own (CSEK), "
      "which every attach, snapshot and start needs: bootmend can't "
      "be given it yet");
}

static char *
locked (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "locked"))
    return NULL;
  return xstrdup ("its boot disk is locked: Google lets nobody detach it");
}

static char *
shared_disk (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (vm_fact_number (vm, "disk_users") < 2)
    return NULL;
  return xasprintf ("its boot disk is attached to %d VMs",
                    (int)vm_fact_number (vm, "disk_users"));
}

static char *
disk_state (const struct binding *b, const json_t *vm)
{
  const char *status = vm_fact (vm, "disk_status");

  (void)b;
  if (*status == '\0' || strcmp (status, "READY") == 0)
    return NULL;
  return xasprintf ("its boot disk %s is '%s', not READY",
                    json_str (vm, "os_disk.id", "?"), status);
}

static char *
disk_missing (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "disk_missing"))
    return NULL;
  return xasprintf ("its boot disk %s is not shown: is the permission "
                    "compute.disks.list missing?",
                    json_str (vm, "os_disk.id", "?"));
}

static char *
start_restricted (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "start_restricted"))
    return NULL;
  return xstrdup ("Google has restricted its start (suspicious activity): "
                  "once stopped it would not start again");
}

static char *
too_many_labels (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (vm_fact_number (vm, "own_labels") + MARK_LABELS <= MAX_LABELS)
    return NULL;
  return xasprintf ("it has %d labels, and its mark needs %d more; %d are "
                    "allowed",
                    (int)vm_fact_number (vm, "own_labels"), MARK_LABELS,
                    MAX_LABELS);
}

static char *
read_only_boot (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (strcmp (json_str (vm, "os_disk.attributes.mode", ""), "READ_ONLY") != 0)
    return NULL;
  return xstrdup ("its boot disk is attached read-only");
}

/* The vTPM with the keys is only in the original VM: what BitLocker sealed with
 * it opens no copy. [Compute, "Create a Windows persistent disk snapshot"] */
static char *
vtpm_copy (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "vtpm") ||
      strcmp (json_str (vm, "os", ""), "windows") != 0)
    return NULL;
  return xstrdup (
      "it is a Shielded VM with Windows: BitLocker may keep its keys in the "
      "vTPM, which opens no copy; repair its own disk (--strategy move), or "
      "allow this if BitLocker is off");
}

/* --- warnings ------------------------------------------------------------- */

static char *
vtpm (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "vtpm") ||
      strcmp (json_str (vm, "os", ""), "windows") != 0)
    return NULL;
  return xstrdup ("it is a Shielded VM with a vTPM: if BitLocker uses it, have "
                  "the recovery key at hand; only its own disk can be repaired "
                  "(strategy move), never a copy");
}

static char *
secure_boot (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "secure_boot"))
    return NULL;
  return xstrdup (
      "Secure Boot is on: changed boot files keep it from starting");
}

static char *
deletion_protection (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "deletion_protection"))
    return NULL;
  return xstrdup ("it is protected from deletion; that does not keep its disk "
                  "from being detached");
}

static char *
preemptible (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (!vm_fact_is_true (vm, "preemptible"))
    return NULL;
  return xstrdup ("it is preemptible (Spot): once stopped it may find no room "
                  "to start");
}

static char *
customer_key (const struct binding *b, const json_t *vm)
{
  const char *key = json_str (vm, "os_disk.attributes.kms_key", "");

  (void)b;
  if (*key == '\0')
    return NULL;
  return xasprintf ("its boot disk is encrypted with the key %s: it has to be "
                    "enabled when the VM starts again",
                    key);
}

static char *
regional_disk (const struct binding *b, const json_t *vm)
{
  (void)b;
  if (strncmp (json_str (vm, "os_disk.id", ""), "regions/", 8) != 0)
    return NULL;
  return xstrdup ("its boot disk is a regional one, in two zones");
}

/* Which series take hyperdisks changes; a helper that does not answers the
 * attach with an error.  [Compute, "Hyperdisk machine type support"] */
static char *
hyperdisk (const struct binding *b, const json_t *vm)
{
  const char *type = json_str (vm, "os_disk.attributes.type", "");

  (void)b;
  if (strncmp (type, "hyperdisk-", 10) != 0)
    return NULL;
  return xasprintf ("its boot disk is a %s: the helper's machine series must "
                    "be able to attach that",
                    type);
}

static char *
local_ssd_choice (const struct binding *b, const json_t *vm)
{
  const char *choice = json_str (b->config, "local-ssd", "");

  if (vm_fact_number (vm, "local_ssds") == 0 || *choice == '\0')
    return NULL;
  return xasprintf ("the contents of its %d Local SSD disks are %s when it is "
                    "stopped",
                    (int)vm_fact_number (vm, "local_ssds"),
                    strcmp (choice, "discard") == 0 ? "lost"
                                                    : "preserved by Google");
}

static const char *const of_copies[] = {"swap", "restore", NULL};

struct row {
  const char *code;
  bool allowable;
  char *(*text) (const struct binding *b, const json_t *vm);
  const char *const *strategies; /* only of these; NULL: of all */
};

static const struct row refusals[] = {
    {"no-boot-disk", false, no_boot_disk},
    {"local-ssd", false, local_ssd},
    {"managed-group", true, managed_group},
    {"suspended", false, suspended},
    {"confidential-vm", false, confidential},
    {"customer-supplied-key", false, csek},
    {"locked-disk", false, locked},
    {"shared-disk", false, shared_disk},
    {"disk-state", false, disk_state},
    {"disk-missing", false, disk_missing},
    {"start-restricted", false, start_restricted},
    {"too-many-labels", false, too_many_labels},
    {"read-only-boot", false, read_only_boot},
    {"vtpm-copy", true, vtpm_copy, of_copies},
};

static const struct row warnings[] = {
    {"vtpm", true, vtpm},
    {"secure-boot", true, secure_boot},
    {"deletion-protection", true, deletion_protection},
    {"preemptible", true, preemptible},
    {"customer-managed-key", true, customer_key},
    {"regional-disk", true, regional_disk},
    {"hyperdisk", true, hyperdisk},
    {"local-ssd-choice", true, local_ssd_choice},
};

void
gcp_judge (const struct binding *b, json_t *vm)
{
  for (size_t i = 0; i < ARRAY_SIZE (refusals); i++) {
    CLEANUP_FREE char *text = refusals[i].text (b, vm);

    if (text == NULL)
      continue;
    vm_add_refusal (vm, refusals[i].code, refusals[i].allowable, "%s", text);
    if (refusals[i].strategies)
      vm_limit_refusal (vm, refusals[i].strategies);
  }
  for (size_t i = 0; i < ARRAY_SIZE (warnings); i++) {
    CLEANUP_FREE char *text = warnings[i].text (b, vm);

    if (text)
      vm_add_warning (vm, warnings[i].code, "%s", text);
  }
}

const char *
gcp_refusal_code (size_t i)
{
  return i < ARRAY_SIZE (refusals) ? refusals[i].code : NULL;
}

const char *
gcp_warning_code (size_t i)
{
  return i < ARRAY_SIZE (warnings) ? warnings[i].code : NULL;
}
