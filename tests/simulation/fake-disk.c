/* The simulated OS disk of a provider that attaches disks to helpers: where it
 * is, how it gets from one place to another, its snapshots. */

#include "fake-cloud.h"

#include <string.h>

/* Two zones, and helpers with few slots: jobs have to wait for each other. */
static const struct {
  const char *id, *zone;
  size_t slots;
} helpers[] = {{"helper-1", "a", 2},
               {"helper-2", "a", 1},
               {"helper-3", "b", 2}};

const char *
fake_zone (const struct fake_vm *vm)
{
  return vm->cloud->config->attaches ? (vm->index % 2 ? "b" : "a") : "";
}

struct helpers *
fake_helpers_new (struct fake_cloud *cloud)
{
  struct helpers *table = helpers_new ();

  for (size_t i = 0; i < ARRAY_SIZE (helpers); i++) {
    CLEANUP_JSON json_t *record =
        json_make ("{s:s,s:s}", "id", helpers[i].id, "zone", helpers[i].zone);
    CLEANUP_JSON json_t *slots = json_array ();

    for (size_t j = 0; j < helpers[i].slots; j++)
      json_array_append_new (slots, json_string (j ? "slot-2" : "slot-1"));
    helpers_add (table, helpers[i].id, "/dev", &cloud->binding, record, slots);
  }
  return table;
}

/* --- what is shown -------------------------------------------------------- */

static json_t *
make_disk (const struct fake_vm *vm)
{
  const char *state = vm->disk_moving ? "busy"
                      : *vm->disk_at  ? "attached"
                                      : "available";
  json_t *disk =
      json_make ("{s:s,s:s,s:s}", "id", vm->id, "kind", "disk", "state", state);

  if (*vm->disk_at)
    json_put_str (disk, "attached_to", vm->disk_at);
  return disk;
}

void
fake_disk_changed (struct fake_vm *vm)
{
  struct fake_shown shown = {fake_now (vm->cloud), make_disk (vm)};

  shown_vec_push (&vm->disk_shown, shown);
}

json_t *
fake_disk_at (const struct fake_vm *vm, int64_t at_ms)
{
  for (size_t i = vm->disk_shown.len; i-- > 0;)
    if (vm->disk_shown.ptr[i].at_ms <= at_ms || i == 0)
      return json_incref (vm->disk_shown.ptr[i].record);
  return NULL;
}

bool
fake_disk_is_at (const struct fake_vm *vm, const char *place)
{
  return !vm->disk_moving && strcmp (vm->disk_at, place) == 0;
}

bool
fake_disk_on_helper (const struct fake_vm *vm)
{
  return !vm->disk_moving && strncmp (vm->disk_at, "helper-", 7) == 0;
}

/* --- moves ---------------------------------------------------------------- */

static void
moved (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_vm *vm = event->vm;

  vm->disk_moving = false;
  if (vm->disk_leaving)
    vm->disk_at[0] = vm->disk_slot[0] = '\0';
  vm->disk_leaving = false;
  if (strcmp (vm->disk_at, vm->id) == 0)
    vm->keeps_disk = false; /* an attach resets it */
  fake_trace (cloud, "%s: its disk is at '%s' %s", vm->name, vm->disk_at,
              vm->disk_slot);
  fake_disk_changed (vm);
  fake_vm_changed (vm);
}

static struct err *
move (struct fake_vm *vm, const char *to, const char *slot)
{
  vm->disk_moving = true;
  vm->disk_leaving = to == NULL;
  if (to) {
    strncpy (vm->disk_at, to, sizeof vm->disk_at - 1);
    strncpy (vm->disk_slot, slot, sizeof vm->disk_slot - 1);
  }
  fake_disk_changed (vm);
  fake_vm_changed (vm);
  fake_event_add (vm->cloud, fake_between (vm->cloud, 200, 9000), moved, vm);
  return NULL;
}

static bool
slot_is_taken (const struct fake_cloud *cloud, const char *helper,
               const char *slot)
{
  for (size_t i = 0; i < cloud->n_vms; i++)
    if (strcmp (cloud->vms[i].disk_at, helper) == 0 &&
        strcmp (cloud->vms[i].disk_slot, slot) == 0)
      return true;
  return false;
}

static struct err *
conflict (const char *why)
{
  struct err *err = NULL;

  err_set (&err, ERR_CONFLICT, "%s", why);
  return err;
}

static struct err *
attach_helper (struct fake_vm *vm, const json_t *in)
{
  const char *helper = json_str (in, "helper.id", "");
  const char *slot =
      json_str (json_array_get (json_at (in, "disks"), 0), "slot", "");

  if (strcmp (json_str (in, "helper.zone", ""), fake_zone (vm)) != 0)
    fake_violation (vm->cloud, vm, "its disk goes to a helper in another zone");
  if (slot_is_taken (vm->cloud, helper, slot))
    return conflict ("the slot is taken");
  return move (vm, helper, slot);
}

struct err *
fake_disk_change (struct fake_vm *vm, enum op_id op, const json_t *in)
{
  bool at_vm = fake_disk_is_at (vm, vm->id);

  switch (op) {
  case OP_DETACH_OS:
    if (vm->power != FAKE_OFF)
      return conflict ("it is not stopped");
    return at_vm ? move (vm, NULL, NULL) : conflict ("it is not attached");
  case OP_ATTACH_OS:
    return fake_disk_is_at (vm, "") ? move (vm, vm->id, "root")
                                    : conflict ("it is in use");
  case OP_HELPER_ATTACH:
    return fake_disk_is_at (vm, "") ? attach_helper (vm, in)
                                    : conflict ("it is in use");
  case OP_HELPER_DETACH:
    if (vm->held_by)
      fake_violation (vm->cloud, vm, "its disk is taken from the agent");
    return fake_disk_on_helper (vm) ? move (vm, NULL, NULL)
                                    : conflict ("it is not attached");
  default:
    return NULL;
  }
}

/* --- snapshots ------------------------------------------------------------ */

json_t *
fake_snapshot (struct fake_vm *vm, const json_t *in)
{
  if (vm->first_snapshot_ms == 0)
    vm->first_snapshot_ms = fake_now (vm->cloud);
  vm->snapshots++;
  strncpy (vm->token, json_str (in, "token", ""), sizeof vm->token - 1);
  return json_make ("{s:{s:s,s:s}}", "created", "kind", "snapshot", "id",
                    vm->id);
}

/* A list is as late as a describe. */
json_t *
fake_find_created (struct fake_cloud *cloud)
{
  int64_t age = fake_chance (cloud, cloud->config->stale)
                    ? fake_between (cloud, 0, cloud->config->settle_ms)
                    : 0;
  json_t *list = json_array ();

  for (size_t i = 0; i < cloud->n_vms; i++)
    if (cloud->vms[i].snapshots &&
        cloud->vms[i].first_snapshot_ms <= fake_now (cloud) - age)
      json_array_append_new (list,
                             json_make ("{s:s,s:s,s:s}", "kind", "snapshot",
                                        "id", cloud->vms[i].id, "token",
                                        cloud->vms[i].token));
  return json_make ("{s:o}", "created", list);
}
