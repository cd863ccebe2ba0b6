/* A second controller, of another campaign, that wants the same VMs and goes by
 * the same rules: look, write the mark, wait until every look must show it,
 * read it back and look whether the VM is as it was, and only then begin.  At
 * no time may both be at work on one VM. */

#include "fake-cloud.h"

#include <string.h>

#define RIVAL "rival"

static void
write_mark (struct fake_vm *vm, const char *mark)
{
  strcpy (vm->mark, mark);
  strcpy (vm->mark_since, "then"); /* no time: never stale */
  fake_vm_changed (vm);
}

static void
leaves (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_vm *vm = event->vm;

  (void)cloud;
  if (!vm->rival_owns)
    return;
  vm->rival_owns = false;
  if (!vm->exists)
    return;
  fake_vm_switch (vm, vm->first_on);
  if (strcmp (vm->mark, RIVAL) == 0)
    write_mark (vm, "");
  fake_trace (cloud, "rival: is done with %s", vm->name);
}

static void
wins (struct fake_cloud *cloud, struct fake_vm *vm)
{
  fake_trace (cloud, "rival: has %s", vm->name);
  if (fake_is_in_hands (vm))
    fake_violation (cloud, vm, "both controllers have it");
  vm->rival_owns = vm->others = true;
  vm->rival_since_ms = fake_now (cloud);
  fake_vm_switch (vm, false);
  fake_vm_changed (vm);
  fake_event_add (cloud, fake_between (cloud, 5000, 200000), leaves, vm);
}

static void
reads_back (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_vm *vm = event->vm;

  if (!vm->exists || strcmp (vm->mark, RIVAL) != 0)
    return; /* somebody else was the last: it is theirs */
  /* The VM is not as it was: somebody is at it. */
  if ((event->number == 1) == (vm->power == FAKE_ON) && !fake_is_held (vm) &&
      fake_root (vm) != NULL)
    wins (cloud, vm);
  else
    write_mark (vm, "");
}

static void
writes (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_vm *vm = event->vm;
  int64_t settle_ms = vm->account->kind->settle_ms;

  /* Without delay of what is shown, the provider compares and sets at once. */
  if (!vm->exists || (settle_ms == 0 && *vm->mark))
    return;
  fake_trace (cloud, "rival: marks %s", vm->name);
  vm->others = true; /* its mark may cost us ours */
  write_mark (vm, RIVAL);
  fake_event_add (cloud, settle_ms + fake_between (cloud, 5000, 9000),
                  reads_back, vm)
      ->number = event->number;
}

static void
looks (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_vm *vm = event->vm;
  int64_t age = fake_between (cloud, 0, vm->account->kind->settle_ms);
  CLEANUP_JSON json_t *seen = fake_vm_record_at (vm, fake_now (cloud) - age);

  if (cloud->calm || !vm->exists || seen == NULL || json_at (seen, "mark"))
    return;
  fake_event_add (cloud, fake_between (cloud, 50, 3000), writes, vm)->number =
      strcmp (json_str (seen, "power", ""), "running") == 0;
}

void
fake_rival_comes (struct fake_cloud *cloud, struct fake_vm *vm, int64_t in_ms)
{
  fake_event_add (cloud, in_ms, looks, vm);
}

/* Its operator says that our campaign is dead, while nobody works on it. */
void
fake_rival_takes_over (struct fake_cloud *cloud, struct fake_vm *vm)
{
  if (!vm->exists || strcmp (vm->mark, "ours") != 0 || fake_is_held (vm))
    return;
  fake_trace (cloud, "rival: takes %s over", vm->name);
  vm->rival_owns = vm->others = true;
  vm->rival_since_ms = fake_now (cloud);
  write_mark (vm, RIVAL);
}
