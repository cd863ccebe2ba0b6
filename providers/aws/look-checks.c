/* What preflight asks of all VMs together: modifications and snapshots that go
 * on, types, credits, Auto Scaling.  Nobody depends on these: if the permission
 * for one is missing, the record says that it was not checked. */

#include <string.h>

#include "look-state.h"
#include "record.h"

/* --- modifications and snapshots that go on ------------------------------ */

static json_t *
deep_disk_items (const struct look_at *at)
{
  return look_depth_of (at->in) & DEEP_ALL
             ? look_texts_at (at->state, "os_disk.id")
             : NULL;
}

static void
modification_fill (const struct look_at *at, struct strbuf *form)
{
  CLEANUP_JSON json_t *states = json_make ("[s,s]", "modifying", "optimizing");

  look_volume_fill (at, form);
  aws_form_filter (form, 2, "modification-state", states);
}

static void
put_modification (json_t *vm, const json_t *item)
{
  json_put_str (look_facts_of (vm), "modification",
                json_str (item, "modificationState", ""));
}

static void
modification_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "os_disk.id",
                 json_object_get (root, "volumeModificationSet"), "volumeId",
                 put_modification);
}

static void
pending_fill (const struct look_at *at, struct strbuf *form)
{
  CLEANUP_JSON json_t *states = json_make ("[s]", "pending");

  look_volume_fill (at, form);
  aws_form_filter (form, 2, "status", states);
  aws_form (form, "self", "Owner.1");
}

static void
put_pending (json_t *vm, const json_t *item)
{
  json_put_str (look_facts_of (vm), "snapshot_pending",
                json_str (item, "snapshotId", ""));
}

static void
pending_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "os_disk.id", json_object_get (root, "snapshotSet"),
                 "volumeId", put_pending);
}

/* --- types and credits --------------------------------------------------- */

static json_t *
type_items (const struct look_at *at)
{
  return look_depth_of (at->in) & DEEP_ALL
             ? look_texts_at (at->state, "attributes.instance_type")
             : NULL;
}

static void
type_fill (const struct look_at *at, struct strbuf *form)
{
  look_ids_fill (at->chunk, "InstanceType", form);
}

static void
type_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "attributes.instance_type",
                 json_object_get (root, "instanceTypeSet"), "instanceType",
                 aws_record_type);
}

/* Burstable instances on Dedicated Hosts: rare. */
static json_t *
credit_items (const struct look_at *at)
{
  json_t *items = json_array (), *vm;
  size_t i;

  json_array_foreach (look_vms_of (at->state), i, vm)
  {
    if ((look_depth_of (at->in) & DEEP_ALL) &&
        strcmp (json_str (vm, "facts.tenancy", ""), "host") == 0 &&
        *json_str (vm, "attributes.instance_type", "") == 't')
      json_array_append (items, json_object_get (vm, "id"));
  }
  return items;
}

static void
credit_fill (const struct look_at *at, struct strbuf *form)
{
  look_ids_fill (at->chunk, "InstanceId", form);
}

static void
put_credits (json_t *vm, const json_t *item)
{
  json_put_str (look_facts_of (vm), "credits",
                json_str (item, "cpuCredits", ""));
}

static void
credit_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "id",
                 json_object_get (root, "instanceCreditSpecificationSet"),
                 "instanceId", put_credits);
}

/* --- Auto Scaling -------------------------------------------------------- */

static json_t *
member_items (const struct look_at *at)
{
  json_t *items = json_array (), *vm;
  size_t i;

  json_array_foreach (look_vms_of (at->state), i, vm)
  {
    if ((look_depth_of (at->in) & DEEP_ALL) && *json_str (vm, "facts.asg", ""))
      json_array_append (items, json_object_get (vm, "id"));
  }
  return items;
}

static void
member_fill (const struct look_at *at, struct strbuf *form)
{
  look_ids_fill (at->chunk, "InstanceIds.member", form);
}

static void
put_member (json_t *vm, const json_t *item)
{
  json_put_str (look_facts_of (vm), "asg_state",
                json_str (item, "LifecycleState", ""));
}

static void
member_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "id",
                 json_object_get (root, "AutoScalingInstances"), "InstanceId",
                 put_member);
}

static json_t *
group_items (const struct look_at *at)
{
  return look_depth_of (at->in) & DEEP_ALL
             ? look_texts_at (at->state, "facts.asg")
             : NULL;
}

static void
group_fill (const struct look_at *at, struct strbuf *form)
{
  look_ids_fill (at->chunk, "AutoScalingGroupNames.member", form);
}

static void
put_group (json_t *vm, const json_t *item)
{
  json_t *list = json_array (), *process;
  size_t i;

  json_array_foreach (json_object_get (item, "SuspendedProcesses"), i, process)
  {
    json_array_append_new (list,
                           json_string (json_str (process, "ProcessName", "")));
  }
  json_put (look_facts_of (vm), "asg_suspended", list);
}

static void
group_read (const struct look_at *at, const json_t *root)
{
  look_for_each (at->state, "facts.asg",
                 json_object_get (root, "AutoScalingGroups"),
                 "AutoScalingGroupName", put_group);
}

#define PHASE(name, action, chunk, part)                                       \
  {                                                                            \
    name, action, chunk, part##_items, part##_fill, part##_read,               \
        look_note_unchecked                                                    \
  }

const struct look_phase look_modifications = {"modifications",
                                              AWS_DESCRIBE_MODIFICATIONS,
                                              FILTER_VALUES,
                                              deep_disk_items,
                                              modification_fill,
                                              modification_read,
                                              look_note_unchecked};
const struct look_phase look_snapshots =
    {"snapshots",  AWS_DESCRIBE_SNAPSHOTS, FILTER_VALUES,      deep_disk_items,
     pending_fill, pending_read,           look_note_unchecked};
const struct look_phase look_types =
    PHASE ("types", AWS_DESCRIBE_INSTANCE_TYPES, TYPE_NAMES, type);
const struct look_phase look_credits =
    PHASE ("credits", AWS_DESCRIBE_INSTANCE_CREDITS, STATUS_IDS, credit);
const struct look_phase look_members =
    PHASE ("members", AWS_DESCRIBE_ASG_INSTANCES, GROUP_IDS, member);
const struct look_phase look_groups =
    PHASE ("groups", AWS_DESCRIBE_ASG_GROUPS, GROUP_IDS, group);
