#include "fake-vm.h"

#include <string.h>

#include "fake-cloud.h"

#define BOOT_MS       6000 /* from power on to the first word of the guest */
#define LOOP_MS       9000 /* a crashing guest starts again */
#define MOST_LOOPS    20   /* written to the log at once */
#define GRACEFUL_MOST 15000

bool
fake_content_boots (const struct fake_content *content)
{
  return !content->bad_file && content->boot_file;
}

bool
fake_content_equal (const struct fake_content *a, const struct fake_content *b)
{
  return a->bad_file == b->bad_file && a->boot_file == b->boot_file &&
         a->hibernated == b->hibernated && a->several_os == b->several_os &&
         a->version == b->version;
}

struct fake_disk *
fake_root (struct fake_vm *vm)
{
  for (size_t i = 0; i < vm->n_disks; i++)
    if (fake_disk_is_at (&vm->disks[i], vm->id))
      return &vm->disks[i];
  return NULL;
}

struct fake_content *
fake_content_of (struct fake_vm *vm)
{
  struct fake_disk *root = fake_root (vm);

  return root ? &root->content : &vm->disks[0].content;
}

static const struct fake_content *
content_of (const struct fake_vm *vm)
{
  return fake_content_of ((struct fake_vm *)vm);
}

bool
fake_is_held (const struct fake_vm *vm)
{
  const struct fake_disk *root = fake_root ((struct fake_vm *)vm);

  return vm->disks[0].held_by || (root && root->held_by);
}

bool
fake_is_in_hands (const struct fake_vm *vm)
{
  for (size_t i = 0; i < FAKE_DESKS; i++)
    if (vm->by[i].in_hands)
      return true;
  return false;
}

const char *
fake_power_name (const struct fake_vm *vm)
{
  static const char *const names[] = {"stopped", "starting", "running",
                                      "stopping"};

  if (vm->shutting_down && vm->power == FAKE_ON && vm->shows_stopping)
    return "stopping";
  return names[vm->power];
}

bool
fake_vm_boots (const struct fake_vm *vm)
{
  return vm->healed || fake_content_boots (content_of (vm));
}

bool
fake_vm_is_up (const struct fake_vm *vm)
{
  return vm->exists && vm->power == FAKE_ON && fake_vm_boots (vm) &&
         fake_now (vm->cloud) - vm->on_since_ms >= BOOT_MS;
}

/* --- what is shown -------------------------------------------------------- */

static json_t *
make_record (const struct fake_vm *vm)
{
  const struct fake_disk *root = fake_root ((struct fake_vm *)vm);
  const char *disk = root ? root->id : vm->id;
  json_t *record =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:O,s:[s],"
                 "s:{s:s},s:{s:s,s:I,s:s,s:s,s:{s:s}}}",
                 "provider", vm->account->provider->name, "account",
                 vm->account->name, "region", "", "zone", fake_zone (vm), "id",
                 vm->id, "name", vm->name, "power", fake_power_name (vm),
                 "health", "unknown", "guest_agent", 1, "attributes",
                 vm->attributes, "addresses", "192.0.2.1", "tags", "role",
                 vm->role, "os_disk", "id", disk, "size_bytes",
                 (json_int_t)1 << 30, "path", disk, "format", "raw",
                 "attributes", "bus", "nvme");

  json_put_bool (json_object_get (json_object_get (record, "os_disk"),
                                  "attributes"),
                 "keep", root && root->keeps);
  if (root == NULL)
    json_object_del (record, "os_disk");
  if (strcmp (vm->cloud->config->health, "status") == 0)
    json_put_str (record, "health", fake_vm_is_up (vm) ? "ok" : "impaired");
  if (*vm->mark)
    json_put (record, "mark",
              json_make ("{s:s,s:s}", "campaign", vm->mark, "since",
                         vm->mark_since));
  return record;
}

void
fake_vm_changed (struct fake_vm *vm)
{
  int64_t now = fake_now (vm->cloud);
  struct fake_shown shown = {now, vm->exists ? make_record (vm) : NULL};
  size_t old = 0;

  while (old + 1 < vm->shown.len &&
         vm->shown.ptr[old + 1].at_ms + vm->account->kind->settle_ms < now)
    old++;
  while (old--)
    json_decref (shown_vec_remove (&vm->shown, 0).record);
  shown_vec_push (&vm->shown, shown);
}

json_t *
fake_vm_record_at (struct fake_vm *vm, int64_t at_ms)
{
  for (size_t i = vm->shown.len; i-- > 0;)
    if (vm->shown.ptr[i].at_ms <= at_ms || i == 0)
      return json_incref (vm->shown.ptr[i].record);
  return NULL;
}

/* --- power ---------------------------------------------------------------- */

void
fake_vm_run (struct fake_vm *vm)
{
  int64_t now = fake_now (vm->cloud);
  int64_t at = vm->on_since_ms + BOOT_MS;
  int loops = 0;

  if (vm->power != FAKE_ON)
    return;
  for (; at <= now; at += LOOP_MS) {
    if (at <= vm->log_until_ms)
      continue;
    if (fake_vm_boots (vm)) {
      if (vm->log_until_ms < vm->on_since_ms + BOOT_MS)
        strbuf_addstr (&vm->log, "loading\n\rBOOT OK\n\r");
      break;
    }
    strbuf_addstr (&vm->log, content_of (vm)->bad_file
                                 ? "loading\n\r*** STOP: 0x50 csagent.sys\n\r"
                                 : "No bootable device\n\r");
    if (++loops >= MOST_LOOPS)
      break;
  }
  vm->log_until_ms = now;
}

static void
booted (struct fake_cloud *cloud, struct fake_event *event)
{
  (void)cloud;
  if (event->vm->exists)
    fake_vm_changed (event->vm);
}

static void
set_power (struct fake_vm *vm, enum fake_power power)
{
  fake_vm_run (vm);
  vm->power = power;
  vm->power_change++;
  vm->shutting_down = false;
  if (power == FAKE_ON)
    vm->on_since_ms = vm->log_until_ms = fake_now (vm->cloud);
  if (power == FAKE_ON)
    fake_event_add (vm->cloud, BOOT_MS, booted, vm);
  fake_vm_changed (vm);
  fake_trace (vm->cloud, "%s: is %s", vm->name, fake_power_name (vm));
}

static void
started (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_vm *vm = event->vm;

  if (!vm->exists || vm->power_change != event->number)
    return;
  if (fake_root (vm) == NULL)
    fake_violation (cloud, vm, "is started without its disk");
  if (fake_is_held (vm) || fake_fault (cloud, cloud->config->start_falls)) {
    vm->fell++;
    set_power (vm, FAKE_OFF);
    return;
  }
  if (vm->heals_after_starts && --vm->heals_after_starts == 0)
    vm->healed = true;
  for (size_t i = 0; i < FAKE_DESKS; i++)
    vm->by[i].stopped = false;
  set_power (vm, FAKE_ON);
}

void
fake_vm_heal (struct fake_vm *vm)
{
  fake_vm_run (vm);
  vm->healed = true;
  vm->on_since_ms = vm->log_until_ms = fake_now (vm->cloud) - BOOT_MS;
  vm->log_until_ms = vm->on_since_ms;
  fake_trace (vm->cloud, "%s: comes up by itself", vm->name);
  fake_vm_changed (vm);
}

void
fake_vm_may_heal (struct fake_vm *vm)
{
  if (vm->changes || fake_is_in_hands (vm) || vm->power != FAKE_ON ||
      fake_vm_boots (vm) ||
      !fake_chance (vm->cloud, vm->cloud->config->heals / 3))
    return;
  vm->healed_by_itself = true;
  fake_vm_heal (vm);
}

static void
stopped (struct fake_cloud *cloud, struct fake_event *event)
{
  (void)cloud;
  if (event->vm->exists && event->vm->power_change == event->number)
    set_power (event->vm, FAKE_OFF);
}

void
fake_vm_start (struct fake_vm *vm)
{
  if (vm->power == FAKE_ON || vm->power == FAKE_STARTING)
    return;
  set_power (vm, FAKE_STARTING);
  fake_event_add (vm->cloud, fake_between (vm->cloud, 200, 5000), started, vm)
      ->number = vm->power_change;
}

/* A guest that crashes does not hear a request to shut down. */
void
fake_vm_stop (struct fake_vm *vm, bool force)
{
  int64_t ms = force ? fake_between (vm->cloud, 100, 2000)
                     : fake_between (vm->cloud, 500, GRACEFUL_MOST);

  if (vm->power == FAKE_OFF || vm->power == FAKE_STOPPING)
    return;
  if (force)
    set_power (vm, FAKE_STOPPING);
  else if (!fake_vm_is_up (vm) && !fake_chance (vm->cloud, 300))
    return;
  else {
    vm->shutting_down = true;
    fake_vm_changed (vm);
  }
  fake_event_add (vm->cloud, ms, stopped, vm)->number = vm->power_change;
}

void
fake_vm_switch (struct fake_vm *vm, bool on)
{
  if (on && (fake_is_held (vm) || vm->power == FAKE_ON))
    return;
  set_power (vm, on ? FAKE_ON : FAKE_OFF);
}

void
fake_vm_release (struct fake_vm *vm)
{
  for (size_t i = 0; i < vm->shown.len; i++)
    json_decref (vm->shown.ptr[i].record);
  shown_vec_release (&vm->shown);
  for (size_t i = 0; i < vm->n_disks; i++)
    fake_disk_release (&vm->disks[i]);
  json_decref (vm->attributes);
  json_decref (vm->first_attributes);
  strbuf_release (&vm->log);
}
