/* The simulated provider: its table, what its operations do, and how requests
 * and replies get lost. */

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
fake_provider (const struct sim_config *config)
{
  if (config->attaches)
    return config->one_call ? &swapping : &attaching;
  return config->batches ? &batching : &single;
}

/* --- what the operations do ---------------------------------------------- */

static json_t *
describe (struct fake_cloud *cloud, const json_t *in)
{
  json_t *vms = json_array (), *gone = json_array (), *item;
  size_t i;

  json_array_foreach (json_at (in, "ids"), i, item)
  {
    struct fake_vm *vm = fake_cloud_vm (cloud, json_string_value (item));
    int64_t age = fake_chance (cloud, cloud->config->stale)
                      ? fake_between (cloud, 0, cloud->config->settle_ms)
                      : 0;
    json_t *record = vm ? fake_vm_record_at (vm, fake_now (cloud) - age) : NULL;

    if (record)
      json_array_append_new (vms, record);
    else
      json_array_append (gone, item);
  }
  return json_make ("{s:o,s:o}", "vms", vms, "gone", gone);
}

static json_t *
describe_disks (struct fake_cloud *cloud, const json_t *in)
{
  json_t *disks = json_array (), *gone = json_array (), *item;
  size_t i;

  json_array_foreach (json_at (in, "ids"), i, item)
  {
    const char *id = json_string_value (item);
    struct fake_vm *vm = fake_cloud_vm (cloud, id);
    int64_t age = fake_chance (cloud, cloud->config->stale)
                      ? fake_between (cloud, 0, cloud->config->settle_ms)
                      : 0;
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
mark (struct fake_vm *vm, const json_t *in, bool on)
{
  const char *campaign = json_str (in, "mark.campaign", "");

  if (on)
    strncpy (vm->mark, campaign, sizeof vm->mark - 1);
  else if (strcmp (vm->mark, campaign) == 0)
    vm->mark[0] = '\0';
  fake_vm_changed (vm);
}

/* NULL, or why not. */
static struct err *
change (struct fake_vm *vm, enum op_id op, const json_t *in)
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
  else
    err = fake_disk_change (vm, op, in);
  if (err)
    return err;
  vm->changes += op != OP_MARK && op != OP_UNMARK;
  vm->stopped_by_us = vm->stopped_by_us || op == OP_STOP;
  if (op == OP_MARK)
    fake_vm_may_heal (vm);
  if (op == OP_STOP) {
    forget_attribute (vm);
    fake_vm_stop (vm, json_bool (in, "force", false));
  } else if (op == OP_START)
    fake_vm_start (vm);
  else if (op == OP_MARK || op == OP_UNMARK)
    mark (vm, in, op == OP_MARK);
  else if (op == OP_RESTORE_ATTRIBUTES) {
    json_decref (vm->attributes);
    vm->attributes = json_deep_copy (json_at (in, "saved.attributes"));
    if (fake_root (vm))
      fake_root (vm)->keeps =
          json_bool (in, "saved.os_disk.attributes.keep", false);
    fake_vm_changed (vm);
  }
  return NULL;
}

static json_t *
change_many (struct fake_cloud *cloud, enum op_id op, const json_t *in)
{
  json_t *failed = json_array (), *item;
  size_t i;

  json_array_foreach (json_at (in, "vms"), i, item)
  {
    struct fake_vm *vm = fake_cloud_vm (cloud, json_str (item, "id", ""));
    CLEANUP_ERR struct err *err = change (vm, op, in);

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

/* The one VM that a request is about; NULL: several. */
static const char *
id_in (const json_t *in)
{
  const json_t *disk = json_array_get (json_at (in, "disks"), 0);

  return disk ? json_str (disk, "disk.id", NULL) : json_str (in, "vm.id", NULL);
}

static json_t *
answer (struct fake_cloud *cloud, const struct effect *effect, struct err **err)
{
  const char *id = id_in (effect->in);
  struct fake_vm *vm = id ? fake_cloud_vm (cloud, id) : NULL;
  json_t *out = NULL;
  struct err *why;

  if (effect->op == OP_DESCRIBE)
    return describe (cloud, effect->in);
  if (effect->op == OP_DESCRIBE_DISKS)
    return describe_disks (cloud, effect->in);
  if (effect->op == OP_FIND_CREATED)
    return fake_find_created (cloud);
  if (json_at (effect->in, "vms"))
    return change_many (cloud, effect->op, effect->in);
  if (vm == NULL || !vm->exists || vm->refused_ops & 1U << effect->op) {
    err_set (err, ERR_DENIED, "not allowed, or no such VM");
    if (vm)
      vm->look_errors++;
    return NULL;
  }
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
    why = change (vm, effect->op, effect->in);
    out = why ? NULL : json_object ();
  }
  if (why)
    err_move (err, why);
  return out;
}

/* --- requests, and what becomes of them ---------------------------------- */

static void note_unanswered (struct fake_vm *vm, const void *opaque);
static void
for_each_vm (struct fake_cloud *cloud, const struct effect *effect,
             void (*each) (struct fake_vm *vm, const void *opaque),
             const void *opaque)
{
  const char *id = id_in (effect->in);
  json_t *item;
  size_t i;

  if (id)
    each (fake_cloud_vm (cloud, id), opaque);
  /* A look that is held up keeps all of them from being seen. */
  if (json_bool (effect->in, "health", false) || each == note_unanswered)
    json_array_foreach (json_at (effect->in, "ids"), i, item)
    {
      each (fake_cloud_vm (cloud, json_string_value (item)), opaque);
    }
  json_array_foreach (json_at (effect->in, "vms"), i, item)
      each (fake_cloud_vm (cloud, json_str (item, "id", "")), opaque);
}

static void
note_error (struct fake_vm *vm, const void *opaque)
{
  const enum op_id *op = opaque;

  vm->errors++;
  if (*op == OP_SERIAL_LOG || *op == OP_GUEST_PING || *op == OP_DESCRIBE)
    vm->look_errors++;
}

static void
note_unanswered (struct fake_vm *vm, const void *opaque)
{
  note_error (vm, opaque);
  vm->unanswered = true;
}

static void
note_sent (struct fake_vm *vm, const void *opaque)
{
  vm->cloud->check (vm->cloud->opaque, vm, opaque);
}

/* What the engine is told last about a VM's power.  A reply that comes later
 * than a newer one is nothing that it goes by. */
static void
note_shown (struct fake_cloud *cloud, const json_t *out, bool late)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_at (out, "vms"), i, item)
  {
    struct fake_vm *vm = fake_cloud_vm (cloud, json_str (item, "id", ""));

    if (!late || strcmp (json_str (item, "power", ""), "stopped") == 0)
      strncpy (vm->last_shown, json_str (item, "power", ""),
               sizeof vm->last_shown - 1);
  }
}

static void
reply (struct fake_cloud *cloud, struct fake_event *event)
{
  if (event->completion.out)
    note_shown (cloud, event->completion.out, event->reply_ms >= 20000);
  fake_deliver (cloud, event->generation, event->completion);
  event->completion = (struct completion){0};
}

static void
reply_in (struct fake_cloud *cloud, int64_t ms, uint64_t id,
          unsigned generation, json_t *out, struct err *err)
{
  struct fake_event *event = fake_event_add (cloud, ms, reply, NULL);

  event->reply_ms = ms;
  event->completion = (struct completion){id, out, err, true};
  event->generation = generation;
}

static void
execute (struct fake_cloud *cloud, struct fake_event *event)
{
  struct err *err = NULL;
  json_t *out = answer (cloud, &event->effect, &err);

  fake_trace (cloud, "#%llu %s takes effect%s%s",
              (unsigned long long)event->effect.id,
              cloud->binding.provider->ops[event->effect.op].name,
              err ? ": " : "", err ? err->msg : "");
  if (event->reply_ms >= 0)
    reply_in (cloud, event->reply_ms, event->effect.id, event->generation, out,
              err);
  else {
    json_decref (out);
    err_free (err);
  }
}

static struct err *
some_error (struct fake_cloud *cloud)
{
  static const enum err_code codes[] = {ERR_TRANSIENT, ERR_THROTTLED,
                                        ERR_CONFLICT};
  struct err *err = NULL;
  enum err_code code =
      codes[fake_between (cloud, 0, (int64_t)ARRAY_SIZE (codes) - 1)];

  err_set (&err, code, "no luck");
  if (code == ERR_THROTTLED)
    err->retry_after_ms = fake_between (cloud, 1000, 10000);
  return err;
}

static bool
in_outage (const struct fake_cloud *cloud)
{
  return !cloud->calm && fake_now (cloud) >= cloud->outage_from_ms &&
         fake_now (cloud) < cloud->outage_to_ms;
}

static void
submit_faulty (struct fake_cloud *cloud, struct fake_event *event)
{
  const struct sim_config *config = cloud->config;
  const struct effect *effect = &event->effect;
  struct err *err = NULL;

  if (fake_fault (cloud, config->lost_reply)) {
    /* It takes effect shortly before or after we are told that nobody knows. */
    int64_t lost_ms = fake_between (cloud, 0, 4000);

    for_each_vm (cloud, effect, note_error, &effect->op);
    event->reply_ms = -1;
    err_set (&err, ERR_UNKNOWN_EFFECT, "the reply was lost");
    reply_in (cloud, event->at_ms - fake_now (cloud) + lost_ms - 1500,
              effect->id, event->generation, NULL, err);
  } else if (fake_fault (cloud, config->late_reply)) {
    for_each_vm (cloud, effect, note_unanswered, &effect->op);
    event->reply_ms = fake_between (cloud, 20000, 900000);
  }
}

/* A request that is held up somewhere, for longer than anybody waits for it.
 * Only where no controller dies: the next one could not know of it. */
static bool
is_held_up (struct fake_cloud *cloud, const struct effect *effect)
{
  const struct sim_config *config = cloud->config;

  if (config->kill || config->stop || config->halt || config->outage ||
      !fake_fault (cloud, config->late_reply))
    return false;
  for_each_vm (cloud, effect, note_unanswered, &effect->op);
  return true;
}

/* An effect never comes later than 2 s after its reply was lost: what is still
 * on its way after that, no look can tell. */
void
fake_op_submit (struct fake_cloud *cloud, struct effect effect)
{
  const struct provider_op *op = &cloud->binding.provider->ops[effect.op];
  unsigned rate = effect.op == OP_DESCRIBE ? cloud->config->describe_error
                                           : cloud->config->error;
  struct fake_event *event;
  struct err *err = NULL;

  fake_trace (cloud, "#%llu %s", (unsigned long long)effect.id, op->name);
  if (op->changes)
    for_each_vm (cloud, &effect, note_sent, &effect);
  if (in_outage (cloud)) {
    err_set (&err, cloud->outage_code, "the whole service is out");
    for_each_vm (cloud, &effect, note_error, &effect.op);
  } else if (fake_fault (cloud, rate)) {
    err = some_error (cloud);
    for_each_vm (cloud, &effect, note_error, &effect.op);
  }
  if (err) {
    reply_in (cloud, fake_between (cloud, 5, 500), effect.id, cloud->generation,
              NULL, err);
    effect_release (&effect);
    return;
  }
  event = fake_event_add (cloud,
                          is_held_up (cloud, &effect)
                              ? fake_between (cloud, 20000, 900000)
                              : fake_between (cloud, 5, 800),
                          execute, NULL);
  event->effect = effect;
  event->reply_ms = fake_between (cloud, 5, 300);
  submit_faulty (cloud, event);
}
