/* The simulated disks of a VM: its own and copies of it, where each is, and how
 * it gets from one place to another. */

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
  size_t place = vm->index / vm->cloud->config->n_accounts;

  return vm->account->kind->attaches ? (place % 2 ? "b" : "a") : "";
}

/* Each controller has some of its own in each account. */
static void
add_helpers (struct helpers *table, struct fake_desk *desk, size_t account)
{
  for (size_t i = 0; i < ARRAY_SIZE (helpers); i++) {
    CLEANUP_FREE char *id =
        xasprintf ("%s-of-%s-%c", helpers[i].id,
                   desk->bindings[account].account, 'a' + (int)desk->number);
    CLEANUP_JSON json_t *record =
        json_make ("{s:s,s:s}", "id", id, "zone", helpers[i].zone);
    CLEANUP_JSON json_t *slots = json_array ();

    for (size_t j = 0; j < helpers[i].slots; j++)
      json_array_append_new (slots, json_string (j ? "slot-2" : "slot-1"));
    helpers_add (table, id, "/dev", &desk->bindings[account], record, slots);
  }
}

struct helpers *
fake_helpers_new (struct fake_desk *desk)
{
  struct helpers *table = NULL;

  for (size_t i = 0; i < desk->cloud->config->n_accounts; i++) {
    if (!desk->cloud->accounts[i].kind->attaches)
      continue;
    if (table == NULL)
      table = helpers_new ();
    add_helpers (table, desk, i);
  }
  return table;
}

/* --- a disk ----------------------------------------------------------------
 */

struct fake_disk *
fake_disk_new (struct fake_vm *vm, const char *id,
               const struct fake_content *content)
{
  struct fake_disk *disk;

  if (vm->n_disks == FAKE_DISKS)
    return NULL;
  disk = &vm->disks[vm->n_disks++];
  *disk = (struct fake_disk){.vm = vm, .content = *content};
  strncpy (disk->id, id, sizeof disk->id - 1);
  return disk;
}

void
fake_disk_release (struct fake_disk *disk)
{
  for (size_t i = 0; i < disk->shown.len; i++)
    json_decref (disk->shown.ptr[i].record);
  shown_vec_release (&disk->shown);
}

struct fake_disk *
fake_disk_of (struct fake_vm *vm, const char *id)
{
  for (size_t i = 0; i < vm->n_disks; i++)
    if (strcmp (vm->disks[i].id, id) == 0)
      return &vm->disks[i];
  return NULL;
}

/* --- what is shown -------------------------------------------------------- */

static json_t *
make_disk (const struct fake_disk *disk)
{
  const char *state = disk->moving || disk->busy ? "busy"
                      : *disk->at                ? "attached"
                                                 : "available";
  json_t *json = json_make ("{s:s,s:s,s:s,s:s,s:I}", "id", disk->id, "kind",
                            "disk", "state", state, "path", disk->id,
                            "size_bytes", (json_int_t)1 << 30);

  if (*disk->at)
    json_put_str (json, "attached_to", disk->at);
  return json;
}

void
fake_disk_changed (struct fake_disk *disk)
{
  struct fake_shown shown = {fake_now (disk->vm->cloud), make_disk (disk)};

  shown_vec_push (&disk->shown, shown);
}

static json_t *
shown_at (const struct fake_disk *disk, int64_t at_ms)
{
  bool first = disk == &disk->vm->disks[0];

  for (size_t i = disk->shown.len; i-- > 0;)
    if (disk->shown.ptr[i].at_ms <= at_ms || (i == 0 && first))
      return json_incref (disk->shown.ptr[i].record);
  return NULL; /* not to be seen yet */
}

static json_t *
made_at (const struct fake_vm *vm, const char *id, int64_t at_ms)
{
  for (size_t i = 0; i < vm->n_made; i++) {
    const struct fake_made *made = &vm->made[i];

    if (made->snapshot && strcmp (made->id, id) == 0 && made->made_ms <= at_ms)
      return json_make ("{s:s,s:s,s:s}", "id", id, "kind", "snapshot", "state",
                        made->ready_ms <= at_ms ? "available" : "busy");
  }
  return NULL;
}

json_t *
fake_disk_at (struct fake_vm *vm, const char *id, int64_t at_ms)
{
  const struct fake_disk *disk = fake_disk_of (vm, id);

  if (disk)
    return shown_at (disk, at_ms);
  if (strstr (id, "-task"))
    return json_make ("{s:s,s:s,s:s}", "id", id, "kind", "task", "state",
                      vm->task_ms <= at_ms ? "available" : "busy");
  return made_at (vm, id, at_ms);
}

bool
fake_disk_is_at (const struct fake_disk *disk, const char *place)
{
  return !disk->moving && strcmp (disk->at, place) == 0;
}

bool
fake_disk_on_helper (const struct fake_disk *disk)
{
  return !disk->moving && strncmp (disk->at, "helper-", 7) == 0;
}

/* --- moves ---------------------------------------------------------------- */

static void
moved (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_disk *disk = event->disk;

  disk->moving = false;
  if (disk->leaving)
    disk->at[0] = disk->slot[0] = '\0';
  disk->leaving = false;
  if (strcmp (disk->at, disk->vm->id) == 0)
    disk->keeps = false; /* an attach resets it */
  fake_trace (cloud, "%s is at '%s' %s", disk->id, disk->at, disk->slot);
  fake_disk_changed (disk);
  fake_vm_changed (disk->vm);
}

static void
move_in (struct fake_disk *disk, const char *to, const char *slot, int64_t ms)
{
  struct fake_vm *vm = disk->vm;

  disk->moving = true;
  disk->leaving = to == NULL;
  if (to) {
    strncpy (disk->at, to, sizeof disk->at - 1);
    strncpy (disk->slot, slot, sizeof disk->slot - 1);
  }
  fake_disk_changed (disk);
  fake_vm_changed (vm);
  fake_event_add (vm->cloud, ms, moved, vm)->disk = disk;
}

static struct err *
move (struct fake_disk *disk, const char *to, const char *slot)
{
  move_in (disk, to, slot, fake_between (disk->vm->cloud, 200, 9000));
  return NULL;
}

static bool
slot_is_taken (const struct fake_cloud *cloud, const char *helper,
               const char *slot)
{
  for (size_t i = 0; i < cloud->n_vms; i++)
    for (size_t j = 0; j < cloud->vms[i].n_disks; j++)
      if (strcmp (cloud->vms[i].disks[j].at, helper) == 0 &&
          strcmp (cloud->vms[i].disks[j].slot, slot) == 0)
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
attach_helper (struct fake_disk *disk, const json_t *in)
{
  const char *helper = json_str (in, "helper.id", "");
  const char *slot =
      json_str (json_array_get (json_at (in, "disks"), 0), "slot", "");

  if (strcmp (json_str (in, "helper.zone", ""), fake_zone (disk->vm)) != 0)
    fake_violation (disk->vm->cloud, disk->vm,
                    "its disk goes to a helper in another zone");
  if (strstr (helper, disk->vm->account->name) == NULL)
    fake_violation (disk->vm->cloud, disk->vm,
                    "its disk goes to a helper of another account");
  if (slot_is_taken (disk->vm->cloud, helper, slot))
    return conflict ("the slot is taken");
  return move (disk, helper, slot);
}

/* The one that a request is about. */
static struct fake_disk *
disk_in (struct fake_vm *vm, const json_t *in)
{
  const json_t *many = json_array_get (json_at (in, "disks"), 0);

  return fake_disk_of (vm, many ? json_str (many, "disk.id", "")
                                : json_str (in, "disk.id", ""));
}

static bool
root_is_taken (const struct fake_vm *vm)
{
  for (size_t i = 0; i < vm->n_disks; i++)
    if (strcmp (vm->disks[i].at, vm->id) == 0)
      return true;
  return false;
}

static struct err *
detach_os (struct fake_disk *disk)
{
  if (disk->vm->power != FAKE_OFF)
    return conflict ("it is not stopped");
  return fake_disk_is_at (disk, disk->vm->id) ? move (disk, NULL, NULL)
                                              : conflict ("it is not attached");
}

static struct err *
attach_os (struct fake_disk *disk)
{
  if (disk->held_by)
    fake_violation (disk->vm->cloud, disk->vm,
                    "a disk becomes its own while an agent has it open");
  if (root_is_taken (disk->vm))
    return conflict ("there is another disk");
  return fake_disk_is_at (disk, "") && !disk->busy
             ? move (disk, disk->vm->id, "root")
             : conflict ("it is in use");
}

struct err *
fake_disk_change (struct fake_vm *vm, enum op_id op, const json_t *in)
{
  struct fake_disk *disk = disk_in (vm, in);

  if (disk == NULL)
    return op >= OP_DETACH_OS && op <= OP_KEEP && op != OP_RESTORE_ATTRIBUTES
               ? conflict ("there is no such disk")
               : NULL;
  switch (op) {
  case OP_DETACH_OS:
    return detach_os (disk);
  case OP_ATTACH_OS:
    return attach_os (disk);
  case OP_HELPER_ATTACH:
    return fake_disk_is_at (disk, "") && !disk->busy
               ? attach_helper (disk, in)
               : conflict ("it is in use");
  case OP_HELPER_DETACH:
    /* A copy may be taken from the agent of a controller that was killed: on
     * the way back nobody wants it any more.  attach_os sees to it that it is
     * never swapped in with an agent at it. */
    if (disk->held_by && disk == &vm->disks[0])
      fake_violation (vm->cloud, vm, "its disk is taken from the agent");
    return fake_disk_on_helper (disk) ? move (disk, NULL, NULL)
                                      : conflict ("it is not attached");
  case OP_KEEP:
    disk->tagged = json_bool (in, "keep", false);
    return NULL;
  default:
    return NULL;
  }
}

/* In one call: the old one leaves, the new one comes, at the same time. */
struct err *
fake_swap (struct fake_vm *vm, const json_t *in, json_t **out)
{
  struct fake_disk *disk = disk_in (vm, in), *root = fake_root (vm);
  int64_t ms = fake_between (vm->cloud, 2000, 30000);
  CLEANUP_FREE char *task = NULL;

  if (disk == NULL || root == NULL || vm->power != FAKE_OFF)
    return conflict ("it is not stopped, or has no disk");
  if (disk == root || !fake_disk_is_at (disk, "") || disk->busy)
    return conflict ("the disk is in use");
  move_in (root, NULL, NULL, ms);
  move_in (disk, vm->id, "root", ms);
  vm->changes++;
  vm->task_ms = fake_now (vm->cloud) + ms;
  task = xasprintf ("%s-task-%u", vm->id, ++vm->tasks);
  *out = vm->account->kind->tasks ? json_make ("{s:s}", "task", task)
                                  : json_object ();
  return NULL;
}
