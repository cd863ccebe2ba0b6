/* The simulated providers: their tables, and what their operations do. */

#include "fake-cloud.h"

#include <string.h>

#define OP(name_, ids, changes_)                                               \
  {                                                                            \
    .name = (name_), .limit_class = "fake", .max_ids = (ids),                  \
    .changes = (changes_)                                                      \
  }

/* Like libvirt: one VM in each call, and a VM that shuts down still "runs". */
static const struct provider single = {
    .name = "fake-single",
    .caps = CAP_MOVE | CAP_IN_PLACE | CAP_GUEST_PING,
    .ops = {[OP_DESCRIBE] = OP ("describe", 64, false),
            [OP_STOP] = OP ("stop", 0, true),
            [OP_START] = OP ("start", 0, true),
            [OP_MARK] = OP ("mark", 0, true),
            [OP_UNMARK] = OP ("unmark", 0, true),
            [OP_SERIAL_LOG] = OP ("serial-log", 0, false),
            [OP_SCREENSHOT] = OP ("screenshot", 0, false),
            [OP_GUEST_PING] = OP ("guest-ping", 0, false)},
};

/* Like a cloud: calls take many VMs, describes lag, attributes get lost. */
static const struct provider batching = {
    .name = "fake-batching",
    .caps = CAP_MOVE | CAP_IN_PLACE | CAP_GUEST_PING,
    .settle_ms = 15000,
    .poll_ms = 20000,
    .gather_ms = 30000,
    .ops = {[OP_DESCRIBE] = OP ("describe", 100, false),
            [OP_STOP] = OP ("stop", 10, true),
            [OP_START] = OP ("start", 10, true),
            [OP_RESTORE_ATTRIBUTES] = OP ("restore-attributes", 0, true),
            [OP_MARK] = OP ("mark", 10, true),
            [OP_UNMARK] = OP ("unmark", 10, true),
            [OP_SERIAL_LOG] = OP ("serial-log", 0, false),
            [OP_GUEST_PING] = OP ("guest-ping", 0, false)},
};

/* Like a cloud whose disks are attached to helpers. */
static const struct provider attaching = {
    .name = "fake-attaching",
    .caps = CAP_MOVE | CAP_SWAP | CAP_RESTORE | CAP_GUEST_PING,
    .settle_ms = 15000,
    .poll_ms = 20000,
    .gather_ms = 30000,
    .ops = {[OP_DESCRIBE] = OP ("describe", 100, false),
            [OP_STOP] = OP ("stop", 10, true),
            [OP_START] = OP ("start", 10, true),
            [OP_DESCRIBE_DISKS] = OP ("describe-disks", 50, false),
            [OP_DETACH_OS] = OP ("detach", 0, true),
            [OP_ATTACH_OS] = OP ("attach", 0, true),
            [OP_RESTORE_ATTRIBUTES] = OP ("restore-attributes", 0, true),
            [OP_HELPER_ATTACH] = OP ("helper-attach", 0, true),
            [OP_HELPER_DETACH] = OP ("helper-detach", 0, true),
            [OP_SNAPSHOT] = OP ("snapshot", 0, true),
            [OP_SNAPSHOTS] = OP ("snapshots", 0, false),
            [OP_DISK_FROM] = OP ("disk-from", 0, true),
            [OP_KEEP] = OP ("keep", 0, true),
            [OP_FIND_CREATED] = OP ("find-created", 0, false),
            [OP_MARK] = OP ("mark", 10, true),
            [OP_UNMARK] = OP ("unmark", 10, true),
            [OP_SERIAL_LOG] = OP ("serial-log", 0, false),
            [OP_GUEST_PING] = OP ("guest-ping", 0, false)},
};

/* Like a cloud whose OS disks can't be detached. */
static const struct provider swapping = {
    .name = "fake-swapping",
    .caps = CAP_SWAP | CAP_RESTORE | CAP_GUEST_PING | CAP_SWAP_STOPPED |
            CAP_COPY_DISK,
    .settle_ms = 15000,
    .ops = {[OP_DESCRIBE] = OP ("describe", 100, false),
            [OP_STOP] = OP ("stop", 10, true),
            [OP_START] = OP ("start", 10, true),
            [OP_DESCRIBE_DISKS] = OP ("describe-disks", 50, false),
            [OP_RESTORE_ATTRIBUTES] = OP ("restore-attributes", 0, true),
            [OP_HELPER_ATTACH] = OP ("helper-attach", 0, true),
            [OP_HELPER_DETACH] = OP ("helper-detach", 0, true),
            [OP_SNAPSHOT] = OP ("snapshot", 0, true),
            [OP_SNAPSHOTS] = OP ("snapshots", 0, false),
            [OP_DISK_FROM] = OP ("disk-from", 0, true),
            [OP_SWAP_OS] = OP ("swap-os", 0, true),
            [OP_KEEP] = OP ("keep", 0, true),
            [OP_FIND_CREATED] = OP ("find-created", 0, false),
            [OP_MARK] = OP ("mark", 10, true),
            [OP_UNMARK] = OP ("unmark", 10, true),
            [OP_SERIAL_LOG] = OP ("serial-log", 0, false),
            [OP_GUEST_PING] = OP ("guest-ping", 0, false)},
};

const struct provider *
fake_provider (const struct sim_account *kind)
{
  if (kind->attaches)
    return kind->one_call ? &swapping : &attaching;
  return kind->batches ? &batching : &single;
}

/* --- what the operations do ---------------------------------------------- */

static int64_t
age_of_look (struct fake_cloud *cloud, const struct fake_account *account)
{
  return fake_chance (cloud, cloud->config->stale)
             ? fake_between (cloud, 0, account->kind->settle_ms)
             : 0;
}

/* NULL: this account has none of that id. */
static struct fake_vm *
vm_of (struct fake_cloud *cloud, const struct fake_account *account,
       const char *id)
{
  struct fake_vm *vm = fake_cloud_vm (cloud, id);

  if (cloud->config->n_accounts > 1)
    fake_checked (cloud, SIM_OWN_ACCOUNT);
  if (vm && vm->account != account) {
    fake_violation (cloud, vm, "another account is asked for it");
    return NULL;
  }
  return vm;
}

static json_t *
describe (struct fake_cloud *cloud, const struct fake_account *account,
          const json_t *in)
{
  json_t *vms = json_array (), *gone = json_array (), *item;
  size_t i;

  json_array_foreach (json_at (in, "ids"), i, item)
  {
    struct fake_vm *vm = vm_of (cloud, account, json_string_value (item));
    int64_t age = age_of_look (cloud, account);
    json_t *record = vm ? fake_vm_record_at (vm, fake_now (cloud) - age) : NULL;

    if (record)
      json_array_append_new (vms, record);
    else
      json_array_append (gone, item);
  }
  return json_make ("{s:o,s:o}", "vms", vms, "gone", gone);
}

static json_t *
describe_disks (struct fake_cloud *cloud, const struct fake_account *account,
                const json_t *in)
{
  json_t *disks = json_array (), *gone = json_array (), *item;
  size_t i;

  json_array_foreach (json_at (in, "ids"), i, item)
  {
    const char *id = json_string_value (item);
    struct fake_vm *vm = vm_of (cloud, account, id);
    int64_t age = age_of_look (cloud, account);
    json_t *disk = vm ? fake_disk_at (vm, id, fake_now (cloud) - age) : NULL;

    if (disk)
      json_array_append_new (disks, disk);
    else
      json_array_append (gone, item);
  }
  return json_make ("{s:o,s:o}", "disks", disks, "gone", gone);
}

static void
forget_attribute (struct fake_vm *vm)
{
  if (!vm->forgetful)
    return;
  json_put_bool (vm->attributes, "keep", false);
  fake_vm_changed (vm);
}

static void
unmark (struct fake_vm *vm, const json_t *in)
{
  if (strcmp (vm->mark, json_str (in, "mark.campaign", "")) == 0)
    vm->mark[0] = '\0';
  fake_vm_changed (vm);
}

/* Where a look shows what is, a mark is compared and set at once (libvirt's row
 * has a lock for that); elsewhere the last one who writes has it. */
static struct err *
mark (struct fake_desk *desk, struct fake_vm *vm, const json_t *in)
{
  const char *campaign = json_str (in, "mark.campaign", "");
  struct err *err = NULL;

  if (vm->account->kind->settle_ms == 0 && *vm->mark &&
      strcmp (vm->mark, campaign) != 0 &&
      strcmp (vm->mark, json_str (in, "replaces", "")) != 0) {
    err_set (&err, ERR_CONFLICT, "it is in work by campaign %s", vm->mark);
    return err;
  }
  strncpy (vm->mark, campaign, sizeof vm->mark - 1);
  strncpy (vm->mark_since, json_str (in, "mark.since", ""),
           sizeof vm->mark_since - 1);
  vm->by[desk->number].marked_ms = fake_now (vm->cloud);
  fake_vm_changed (vm);
  return NULL;
}

static void
restore_attributes (struct fake_vm *vm, const json_t *in)
{
  json_decref (vm->attributes);
  vm->attributes = json_deep_copy (json_at (in, "saved.attributes"));
  if (fake_root (vm))
    fake_root (vm)->keeps =
        json_bool (in, "saved.os_disk.attributes.keep", false);
  fake_vm_changed (vm);
}

/* NULL, or why it can't be done now. */
static struct err *
refusal (struct fake_vm *vm, enum op_id op)
{
  struct err *err = NULL;

  if (!vm->exists)
    err_set (&err, ERR_NOT_FOUND, "no such VM");
  else if (vm->refused_ops & 1U << op)
    err_set (&err, ERR_DENIED, "not allowed");
  else if (op == OP_START && vm->power == FAKE_STOPPING)
    err_set (&err, ERR_CONFLICT, "it is stopping");
  else if (op == OP_STOP && vm->power == FAKE_STARTING)
    err_set (&err, ERR_CONFLICT, "it is starting");
  else if (op == OP_START && fake_root (vm) == NULL)
    err_set (&err, ERR_CONFLICT, "it has no disk");
  return err;
}

/* NULL, or why not. */
static struct err *
change (struct fake_desk *desk, struct fake_vm *vm, enum op_id op,
        const json_t *in)
{
  struct err *err = refusal (vm, op);

  if (err == NULL)
    err = op == OP_MARK ? mark (desk, vm, in) : fake_disk_change (vm, op, in);
  if (err)
    return err;
  vm->changes += op != OP_MARK && op != OP_UNMARK;
  if (op == OP_MARK)
    fake_vm_may_heal (vm);
  else if (op == OP_STOP) {
    vm->by[desk->number].stopped = true;
    forget_attribute (vm);
    fake_vm_stop (vm, json_bool (in, "force", false));
  } else if (op == OP_START)
    fake_vm_start (vm);
  else if (op == OP_UNMARK)
    unmark (vm, in);
  else if (op == OP_RESTORE_ATTRIBUTES)
    restore_attributes (vm, in);
  return NULL;
}

static json_t *
change_many (struct fake_desk *desk, enum op_id op, const json_t *in)
{
  json_t *failed = json_array (), *item;
  size_t i;

  json_array_foreach (json_at (in, "vms"), i, item)
  {
    struct fake_vm *vm = fake_cloud_vm (desk->cloud, json_str (item, "id", ""));
    CLEANUP_ERR struct err *err = change (desk, vm, op, in);

    if (err)
      json_array_append_new (failed, json_make ("{s:s,s:o}", "id", vm->id,
                                                "error", json_from_err (err)));
  }
  return json_make ("{s:o}", "failed", failed);
}

static json_t *
serial_log (struct fake_vm *vm, const json_t *in)
{
  int64_t after = json_int (in, "after", 0);
  json_t *out = json_object ();

  fake_vm_run (vm);
  if (after > (int64_t)vm->log.len)
    after = 0;
  json_put_str (out, "text", vm->log.len ? vm->log.buf + after : "");
  json_put_int (out, "after", (int64_t)vm->log.len);
  return out;
}

const char *
fake_id_in (const json_t *in)
{
  const json_t *disk = json_array_get (json_at (in, "disks"), 0);

  return disk ? json_str (disk, "disk.id", NULL) : json_str (in, "vm.id", NULL);
}

/* What is asked of one VM. */
static json_t *
answer_one (struct fake_desk *desk, struct fake_vm *vm,
            const struct effect *effect, struct err **err)
{
  json_t *out = NULL;
  struct err *why;

  switch (effect->op) {
  case OP_SERIAL_LOG:
    return serial_log (vm, effect->in);
  case OP_SNAPSHOTS:
    return fake_snapshots (vm);
  case OP_SNAPSHOT:
  case OP_DISK_FROM:
    why = fake_make (vm, effect->op, effect->in, &out);
    break;
  case OP_SWAP_OS:
    why = fake_swap (vm, effect->in, &out);
    break;
  case OP_SCREENSHOT:
    return json_make ("{s:s,s:s}", "type", "image/png", "data", "aGFsbG8=");
  case OP_GUEST_PING:
    return json_make ("{s:b,s:s}", "alive", fake_vm_is_up (vm), "why", "ping");
  default:
    why = change (desk, vm, effect->op, effect->in);
    out = why ? NULL : json_object ();
  }
  if (why)
    err_move (err, why);
  return out;
}

const struct fake_account *
fake_account_of (const struct fake_desk *desk, const struct effect *effect)
{
  return &desk->cloud->accounts[effect->binding - desk->bindings];
}

json_t *
fake_answer (struct fake_desk *desk, const struct effect *effect,
             struct err **err)
{
  const struct fake_account *account = fake_account_of (desk, effect);
  struct fake_cloud *cloud = desk->cloud;
  const char *id = fake_id_in (effect->in);
  struct fake_vm *vm = id ? vm_of (cloud, account, id) : NULL;

  if (effect->op == OP_DESCRIBE)
    return describe (cloud, account, effect->in);
  if (effect->op == OP_DESCRIBE_DISKS)
    return describe_disks (cloud, account, effect->in);
  if (effect->op == OP_FIND_CREATED)
    return fake_find_created (cloud, account);
  if (json_at (effect->in, "vms"))
    return change_many (desk, effect->op, effect->in);
  if (vm == NULL || !vm->exists || vm->refused_ops & 1U << effect->op) {
    err_set (err, ERR_DENIED, "not allowed, or no such VM");
    if (vm)
      vm->look_errors++;
    return NULL;
  }
  return answer_one (desk, vm, effect, err);
}
