#include "refusals.h"

#include <string.h>

#include <providers/vm.h>

/* EC2 allows 50 tags, not counting those of AWS; a mark takes three.
 * [EC2 User Guide, "Tag restrictions"] */
#define MAX_TAGS  50
#define MARK_TAGS 3

static bool
fact_is (const json_t *vm, const char *name, const char *value)
{
  return strcmp (vm_fact (vm, name), value) == 0;
}

static const char *
disk_id (const json_t *vm)
{
  return json_str (vm, "os_disk.id", "?");
}

/* --- refusals: NULL if all is well --------------------------------------- */

static char *
instance_store_root (const json_t *vm)
{
  if (!fact_is (vm, "root_type", "instance-store"))
    return NULL;
  return xstrdup ("its root is an instance-store disk, which can't be detached "
                  "and is lost at a stop: build it anew from its AMI");
}

static char *
no_root_volume (const json_t *vm)
{
  if (json_object_get (vm, "os_disk") ||
      fact_is (vm, "root_type", "instance-store"))
    return NULL;
  return xasprintf ("no EBS volume is attached as %s, its root device: attach "
                    "it first",
                    *vm_fact (vm, "root_device") ? vm_fact (vm, "root_device")
                                                 : "its root device");
}

static char *
instance_store_data (const json_t *vm)
{
  if (!vm_fact_is_true (vm, "instance_store") || vm_is_power (vm, "stopped") ||
      fact_is (vm, "root_type", "instance-store"))
    return NULL;
  return xasprintf ("its type %s has instance-store disks, whose content is "
                    "lost when it is stopped: save it, or allow the loss; a "
                    "swap on the running instance keeps it",
                    json_str (vm, "attributes.instance_type", "?"));
}

static char *
marketplace_code (const json_t *vm)
{
  const json_t *codes =
      json_object_get (json_object_get (vm, "facts"), "product_codes");

  if (json_array_size (codes) == 0)
    return NULL;
  return xasprintf ("it has the Marketplace product code %s: its volume can be "
                    "attached only to a stopped instance with the same "
                    "subscription, not to a running helper",
                    json_string_value (json_array_get (codes, 0)) ?: "?");
}

static bool
suspended (const json_t *vm, const char *process)
{
  size_t i;
  json_t *name;

  json_array_foreach (json_at (vm, "facts.asg_suspended"), i, name)
  {
    if (strcmp (json_string_value (name), process) == 0)
      return true;
  }
  return false;
}

/* A stopped member counts as unhealthy and is replaced, unless it is in Standby
 * or nobody looks.  Suspending Launch alone does not help.  [Auto Scaling User
 * Guide, "Suspend and resume processes"] */
static char *
auto_scaling (const json_t *vm)
{
  if (!*vm_fact (vm, "asg") || fact_is (vm, "asg_state", "Standby") ||
      suspended (vm, "HealthCheck") || suspended (vm, "ReplaceUnhealthy"))
    return NULL;
  return xasprintf ("it belongs to the Auto Scaling group %s, which would "
                    "terminate it while it is stopped: let the group replace "
                    "it, suspend ReplaceUnhealthy, or allow bootmend to put it "
                    "into Standby meanwhile",
                    vm_fact (vm, "asg"));
}

static char *
hibernated (const json_t *vm)
{
  if (!vm_is_power (vm, "stopped") ||
      !fact_is (vm, "state_reason", "Client.UserInitiatedHibernate"))
    return NULL;
  return xstrdup (
      "it is hibernated: its memory is on the disk and would resume "
      "on changed files: start it and shut it down first");
}

static char *
spot (const json_t *vm)
{
  if (!fact_is (vm, "lifecycle", "spot"))
    return NULL;
  return xstrdup ("it is a Spot instance: one of a one-time request can't be "
                  "stopped, and a stopped one may find no capacity: allow this "
                  "if its request is persistent and its interruption behaviour "
                  "is stop");
}

static char *
capacity_block (const json_t *vm)
{
  if (!fact_is (vm, "lifecycle", "capacity-block"))
    return NULL;
  return xstrdup ("it runs in a capacity block and can't be stopped: terminate "
                  "and replace it");
}

static char *
aws_managed (const json_t *vm)
{
  if (!vm_fact_is_true (vm, "managed"))
    return NULL;
  return xasprintf ("AWS manages it%s%s and refuses to detach its volume: "
                    "repair or replace it by that service",
                    *vm_fact (vm, "manager") ? " for " : "",
                    vm_fact (vm, "manager"));
}

static char *
key_unusable (const json_t *vm)
{
  const char *state = vm_fact (vm, "key_state");

  if (*state == '\0' || strcmp (state, "Enabled") == 0)
    return NULL;
  return xasprintf ("the KMS key %s of its volume is '%s': once stopped it "
                    "could not start again: enable the key first",
                    json_str (vm, "os_disk.attributes.kms_key", "?"), state);
}

static char *
key_denied (const json_t *vm)
{
  if (!*vm_fact (vm, "key_denied"))
    return NULL;
  return xasprintf (
      "its volume is encrypted and these credentials may not use "
      "the key: %s; once stopped it might fall back to stopped at "
      "each start: add the KMS actions of 'bootmend policy aws', "
      "or allow this if EC2 may use the key for you",
      vm_fact (vm, "key_denied"));
}

static char *
multi_attach (const json_t *vm)
{
  if (!vm_fact_is_true (vm, "multi_attach") ||
      vm_fact_number (vm, "volume_attachments") < 2)
    return NULL;
  return xasprintf ("its volume %s is attached to %lld instances at the same "
                    "time (Multi-Attach): detach it from the others first",
                    disk_id (vm),
                    (long long)vm_fact_number (vm, "volume_attachments"));
}

/* A burstable instance on a Dedicated Host can't be started in unlimited mode.
 * [model StartInstances] */
static char *
unlimited_on_host (const json_t *vm)
{
  if (!fact_is (vm, "tenancy", "host") || !fact_is (vm, "credits", "unlimited"))
    return NULL;
  return xstrdup ("it runs in unlimited mode on a Dedicated Host and could not "
                  "be started again: set its credit specification to standard "
                  "first");
}

static char *
volume_state (const json_t *vm)
{
  const char *state = vm_fact (vm, "volume_state");
  const char *mapped = json_str (vm, "os_disk.state", "attached");

  if ((*state == '\0' || strcmp (state, "in-use") == 0) &&
      strcmp (mapped, "attached") == 0)
    return NULL;
  return xasprintf ("its volume %s is '%s' (attachment: '%s'): try again when "
                    "that is over",
                    disk_id (vm), *state ? state : "unknown", mapped);
}

static char *
volume_modification (const json_t *vm)
{
  if (!fact_is (vm, "modification", "modifying"))
    return NULL;
  return xasprintf ("its volume %s is being modified: let that end, or allow "
                    "it",
                    disk_id (vm));
}

static char *
volume_missing (const json_t *vm)
{
  if (!vm_fact_is_true (vm, "volume_missing"))
    return NULL;
  return xasprintf ("its volume %s is not shown by EC2: try again in a minute",
                    disk_id (vm));
}

static char *
too_many_tags (const json_t *vm)
{
  int64_t own = vm_fact_number (vm, "own_tags");

  if (own + MARK_TAGS <= MAX_TAGS)
    return NULL;
  return xasprintf ("it has %lld of %d tags, and the mark that keeps other "
                    "campaigns away takes %d: remove some",
                    (long long)own, MAX_TAGS, MARK_TAGS);
}

/* --- warnings ------------------------------------------------------------ */

static char *
public_address (const json_t *vm)
{
  if (!*vm_fact (vm, "lent_address") || vm_is_power (vm, "stopped"))
    return NULL;
  return xasprintf (
      "its public address %s is no Elastic IP and changes when it "
      "is stopped: mind DNS and allow lists",
      vm_fact (vm, "lent_address"));
}

static char *
hibernation_configured (const json_t *vm)
{
  if (!vm_fact_is_true (vm, "hibernation"))
    return NULL;
  return xstrdup ("it is configured for hibernation: it is stopped, not "
                  "hibernated");
}

static char *
dedicated_host (const json_t *vm)
{
  if (!fact_is (vm, "tenancy", "host"))
    return NULL;
  return xasprintf ("it runs on the Dedicated Host %s, which needs room for it "
                    "at the start",
                    *vm_fact (vm, "host") ? vm_fact (vm, "host") : "?");
}

static char *
nitro_tpm (const json_t *vm)
{
  if (!*vm_fact (vm, "tpm"))
    return NULL;
  return xasprintf ("it has a NitroTPM (%s): if BitLocker or another guard "
                    "measures its boot, have the recovery key at hand",
                    vm_fact (vm, "tpm"));
}

static char *
snapshot_pending (const json_t *vm)
{
  if (!*vm_fact (vm, "snapshot_pending"))
    return NULL;
  return xasprintf ("the snapshot %s of its volume is still being made",
                    vm_fact (vm, "snapshot_pending"));
}

static char *
volume_optimizing (const json_t *vm)
{
  if (!fact_is (vm, "modification", "optimizing"))
    return NULL;
  return xasprintf ("its volume %s is being optimized after a modification: it "
                    "is slower",
                    disk_id (vm));
}

static char *
scheduled_event (const json_t *vm)
{
  if (!*vm_fact (vm, "event"))
    return NULL;
  return xasprintf ("AWS has scheduled %s for it; a stop and start moves it to "
                    "another host",
                    vm_fact (vm, "event"));
}

static char *
system_impaired (const json_t *vm)
{
  if (!fact_is (vm, "systemStatus", "impaired"))
    return NULL;
  return xstrdup ("its system status check fails: the fault may be AWS's host, "
                  "which a stop and start leaves");
}

static char *
not_checked (const json_t *vm)
{
  const json_t *list = json_at (vm, "facts.not_checked");

  if (json_array_size (list) == 0)
    return NULL;
  return xasprintf ("not all could be checked before: %s",
                    json_string_value (json_array_get (list, 0)) ?: "?");
}

struct row {
  const char *code;
  bool allowable;
  char *(*text) (const json_t *vm);
};

static const struct row refusals[] = {
    {"instance-store-root", false, instance_store_root},
    {"no-root-volume", false, no_root_volume},
    {"instance-store-data", true, instance_store_data},
    {"marketplace-code", false, marketplace_code},
    {"auto-scaling", true, auto_scaling},
    {"hibernated", false, hibernated},
    {"spot", true, spot},
    {"capacity-block", false, capacity_block},
    {"aws-managed", false, aws_managed},
    {"key-unusable", false, key_unusable},
    {"key-denied", true, key_denied},
    {"multi-attach", false, multi_attach},
    {"unlimited-on-host", false, unlimited_on_host},
    {"volume-state", false, volume_state},
    {"volume-modification", true, volume_modification},
    {"volume-missing", false, volume_missing},
    {"too-many-tags", false, too_many_tags},
};

static const struct row warnings[] = {
    {"public-address", true, public_address},
    {"hibernation-configured", true, hibernation_configured},
    {"dedicated-host", true, dedicated_host},
    {"nitro-tpm", true, nitro_tpm},
    {"snapshot-pending", true, snapshot_pending},
    {"volume-optimizing", true, volume_optimizing},
    {"scheduled-event", true, scheduled_event},
    {"system-impaired", true, system_impaired},
    {"not-checked", true, not_checked},
};

/* Of a group that leaves it alone anyway nothing needs to be known. */
static void
put_group (json_t *vm)
{
  static const struct {
    const char *state, *word;
  } words[] = {{"InService", "in"}, {"Standby", "out"}};
  const char *word = "moving";

  if (!*vm_fact (vm, "asg") || suspended (vm, "HealthCheck") ||
      suspended (vm, "ReplaceUnhealthy"))
    return;
  for (size_t i = 0; i < ARRAY_SIZE (words); i++)
    if (fact_is (vm, "asg_state", words[i].state))
      word = words[i].word;
  json_put (vm, "group",
            json_make ("{s:s,s:s}", "name", vm_fact (vm, "asg"), "state",
                       word));
}

void
aws_judge (json_t *vm)
{
  put_group (vm);
  for (size_t i = 0; i < ARRAY_SIZE (refusals); i++) {
    CLEANUP_FREE char *text = refusals[i].text (vm);

    if (text)
      vm_add_refusal (vm, refusals[i].code, refusals[i].allowable, "%s", text);
  }
  for (size_t i = 0; i < ARRAY_SIZE (warnings); i++) {
    CLEANUP_FREE char *text = warnings[i].text (vm);

    if (text)
      vm_add_warning (vm, warnings[i].code, "%s", text);
  }
}

const char *
aws_refusal_code (size_t i)
{
  return i < ARRAY_SIZE (refusals) ? refusals[i].code : NULL;
}

const char *
aws_warning_code (size_t i)
{
  return i < ARRAY_SIZE (warnings) ? warnings[i].code : NULL;
}
