/* Clock, queue and wiring of the simulated world. */

#include "fake-cloud.h"

#include <stdio.h>
#include <string.h>

#define PROBE_MS 500

int64_t
fake_now (const struct fake_cloud *cloud)
{
  return cloud->clock.mono_ms;
}

int64_t
fake_between (struct fake_cloud *cloud, int64_t least, int64_t most)
{
  return least +
         (int64_t)random_below (&cloud->random, (uint64_t)(most - least + 1));
}

bool
fake_chance (struct fake_cloud *cloud, unsigned permille)
{
  return random_below (&cloud->random, 1000) < permille;
}

bool
fake_fault (struct fake_cloud *cloud, unsigned permille)
{
  return fake_chance (cloud, permille) && !cloud->calm;
}

void
fake_trace (struct fake_cloud *cloud, const char *fmt, ...)
{
  va_list args;

  if (!cloud->config->verbose)
    return;
  printf ("%10.3f  ", (double)fake_now (cloud) / 1000);
  va_start (args, fmt);
  vprintf (fmt, args);
  va_end (args);
  putchar ('\n');
}

void
fake_violation (struct fake_cloud *cloud, const struct fake_vm *vm,
                const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL;
  va_list args;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  fake_trace (cloud, "VIOLATION %s: %s", vm ? vm->name : "", text);
  str_vec_push (&cloud->violations,
                xasprintf ("at %.3f s: %s%s%s", (double)fake_now (cloud) / 1000,
                           vm ? vm->name : "", vm ? ": " : "", text));
}

struct fake_vm *
fake_cloud_vm (struct fake_cloud *cloud, const char *id)
{
  unsigned long n = strtoul (id + strcspn (id, "0123456789"), NULL, 10);

  return n >= 1 && n <= cloud->n_vms ? &cloud->vms[n - 1] : NULL;
}

/* --- events ----------------------------------------------------------------
 */

static bool
is_before (const struct fake_event *a, const struct fake_event *b)
{
  return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->serial < b->serial);
}

static void
swap (struct fake_event_vec *heap, size_t a, size_t b)
{
  struct fake_event *event = heap->ptr[a];

  heap->ptr[a] = heap->ptr[b];
  heap->ptr[b] = event;
}

struct fake_event *
fake_event_add (struct fake_cloud *cloud, int64_t in_ms,
                void (*run) (struct fake_cloud *, struct fake_event *),
                struct fake_vm *vm)
{
  struct fake_event *event = xcalloc (1, sizeof *event);
  struct fake_event_vec *heap = &cloud->events;

  event->at_ms = fake_now (cloud) + (in_ms < 0 ? 0 : in_ms);
  event->serial = ++cloud->serial;
  event->run = run;
  event->vm = vm;
  fake_event_vec_push (heap, event);
  for (size_t i = heap->len - 1;
       i && is_before (heap->ptr[i], heap->ptr[(i - 1) / 2]); i = (i - 1) / 2)
    swap (heap, i, (i - 1) / 2);
  return event;
}

static struct fake_event *
take_first (struct fake_event_vec *heap)
{
  struct fake_event *first = heap->ptr[0];
  size_t i = 0;

  heap->ptr[0] = heap->ptr[--heap->len];
  for (;;) {
    size_t least = i;

    for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
      if (child < heap->len && is_before (heap->ptr[child], heap->ptr[least]))
        least = child;
    if (least == i)
      return first;
    swap (heap, i, least);
    i = least;
  }
}

static void
free_event (struct fake_event *event)
{
  effect_release (&event->effect);
  completion_release (&event->completion);
  free (event);
}

static bool
is_delivered (const struct fake_cloud *cloud)
{
  for (size_t i = 0; i < cloud->n_desks; i++)
    if (cloud->desks[i].done.len)
      return true;
  return false;
}

/* Runs what is due until a time, stopping early when something was delivered.
 */
static void
advance (struct fake_cloud *cloud, int64_t until_ms, bool until_delivered)
{
  while (cloud->events.len && cloud->events.ptr[0]->at_ms <= until_ms &&
         !(until_delivered && is_delivered (cloud))) {
    struct fake_event *event = take_first (&cloud->events);

    if (event->at_ms > fake_now (cloud))
      fake_clock_advance (&cloud->clock, event->at_ms - fake_now (cloud));
    event->run (cloud, event);
    free_event (event);
  }
  if (!(until_delivered && is_delivered (cloud)) && until_ms > fake_now (cloud))
    fake_clock_advance (&cloud->clock, until_ms - fake_now (cloud));
}

void
fake_cloud_pass (struct fake_cloud *cloud, int64_t ms)
{
  advance (cloud, fake_now (cloud) + ms, false);
}

void
fake_cloud_wait (struct fake_cloud *cloud, int64_t until_ms)
{
  if (until_ms < 0 && cloud->events.len == 0) {
    fake_violation (cloud, NULL, "the engine waits for nothing");
    until_ms = fake_now (cloud) + 1000;
  }
  if (until_ms >= 0 && until_ms < fake_now (cloud))
    until_ms = fake_now (cloud);
  advance (cloud, until_ms < 0 ? cloud->events.ptr[0]->at_ms : until_ms, true);
}

/* --- the world's interface --------------------------------------------------
 */

static void
deliver_event (struct fake_cloud *cloud, struct fake_event *event)
{
  (void)cloud;
  if (event->generation != event->desk->generation)
    return;
  fake_done_vec_push (&event->desk->done, event->completion);
  event->completion = (struct completion){0};
}

static struct fake_event *
deliver_in (struct fake_desk *desk, int64_t ms, unsigned generation)
{
  struct fake_event *event =
      fake_event_add (desk->cloud, ms, deliver_event, NULL);

  event->desk = desk;
  event->generation = generation;
  return event;
}

static struct completion
copy_of (const struct completion *c)
{
  struct completion copy = *c;

  copy.out = c->out ? json_deep_copy (c->out) : NULL;
  copy.err = c->err ? err_copy (c->err) : NULL;
  return copy;
}

void
fake_deliver (struct fake_desk *desk, unsigned generation,
              struct completion completion)
{
  if (fake_fault (desk->cloud, desk->cloud->config->duplicate))
    deliver_in (desk, fake_between (desk->cloud, 0, 3000), generation)
        ->completion = copy_of (&completion);
  if (generation == desk->generation)
    fake_done_vec_push (&desk->done, completion);
  else
    completion_release (&completion);
}

static void
probe (struct fake_desk *desk, struct effect *effect)
{
  struct fake_cloud *cloud = desk->cloud;
  struct fake_vm *vm =
      fake_cloud_vm (cloud, json_str (effect->in, "vm.id", "x"));
  bool approval = strcmp (json_str (effect->in, "kind", ""), "approval") == 0;
  bool yes = approval && !fake_fault (cloud, 200);
  struct fake_event *event = deliver_in (desk, PROBE_MS, desk->generation);

  event->completion = (struct completion){.id = effect->id, .last = true};
  event->completion.out = json_make ("{s:b,s:s}", "healthy",
                                     approval ? yes : vm && fake_vm_is_up (vm),
                                     "why", "it answers or not");
  if (yes)
    desk->approved = json_int (effect->in, "wave", 0);
}

static void
submit (struct world *world, struct effect effect)
{
  struct fake_desk *desk = (struct fake_desk *)world;

  desk->submitted++;
  if (effect.kind == EFFECT_OP)
    fake_op_submit (desk, effect);
  else if (effect.kind == EFFECT_WORK)
    fake_work_submit (desk, effect);
  else {
    probe (desk, &effect);
    effect_release (&effect);
  }
}

static bool
collect (struct world *world, struct completion *completion)
{
  struct fake_desk *desk = (struct fake_desk *)world;

  if (desk->done.len == 0)
    return false;
  *completion = fake_done_vec_remove (&desk->done, 0);
  return true;
}

static void
cancel (struct world *world, uint64_t id)
{
  fake_work_cancel ((struct fake_desk *)world, id);
}

static void
allow (struct world *world, uint64_t id)
{
  fake_work_allow ((struct fake_desk *)world, id);
}

/* --- desks ------------------------------------------------------------------
 */

static int64_t
now_of_wall (const struct clock *clock)
{
  return fake_now (((const struct fake_wall *)clock)->cloud);
}

static int64_t
wall_of_wall (const struct clock *clock)
{
  const struct fake_wall *wall = (const struct fake_wall *)clock;

  return wall->cloud->clock.wall_ms + wall->ahead_ms;
}

struct fake_desk *
fake_desk_add (struct fake_cloud *cloud, const char *campaign)
{
  struct fake_desk *desk = &cloud->desks[cloud->n_desks];

  *desk = (struct fake_desk){.cloud = cloud,
                             .number = cloud->n_desks++,
                             .campaign = campaign,
                             .wall = {{now_of_wall, wall_of_wall}, cloud, 0},
                             .world = {.submit = submit,
                                       .cancel = cancel,
                                       .allow = allow,
                                       .collect = collect}};
  desk->world.clock = &desk->wall.clock;
  for (size_t i = 0; i < cloud->config->n_accounts; i++)
    desk->bindings[i] =
        (struct binding){.provider = cloud->accounts[i].provider,
                         .account = cloud->accounts[i].name,
                         .region = cloud->region};
  return desk;
}

/* --- life ------------------------------------------------------------------
 */

/* What never works with it. */
static void
refuse_some (struct fake_vm *vm)
{
  struct fake_cloud *cloud = vm->cloud;

  vm->work_fails = fake_fault (cloud, cloud->config->work_fails);
  if (fake_fault (cloud, cloud->config->refused_op))
    vm->refused_ops = 1U << fake_between (cloud, OP_STOP, OP_START);
  else if (fake_fault (cloud, cloud->config->refused_op))
    vm->refused_ops = 1U << fake_between (cloud, OP_MARK, OP_GUEST_PING);
  if (vm->account->kind->attaches &&
      fake_fault (cloud, cloud->config->refused_op))
    vm->refused_ops |= 1U << fake_between (cloud, OP_DETACH_OS, OP_KEEP);
}

static void
init_vm (struct fake_cloud *cloud, size_t i)
{
  struct fake_vm *vm = &cloud->vms[i];
  unsigned kind = (unsigned)fake_between (cloud, 0, 99);
  struct fake_content content;
  struct fake_disk *disk;

  vm->cloud = cloud;
  vm->index = i;
  vm->account = &cloud->accounts[i % cloud->config->n_accounts];
  snprintf (vm->id, sizeof vm->id, "vm-%zu", i + 1);
  snprintf (vm->name, sizeof vm->name, "vm-%zu", i + 1);
  vm->exists = true;
  content = (struct fake_content){.bad_file = kind < 65,
                                  .boot_file = kind % 13 != 12,
                                  .hibernated = kind % 20 == 19,
                                  .several_os = kind == 7};
  vm->shows_stopping = vm->account->kind->batches;
  vm->forgetful = vm->account->kind->batches && fake_chance (cloud, 300);
  vm->power = fake_chance (cloud, 850) ? FAKE_ON : FAKE_OFF;
  vm->on_since_ms = -60000;
  vm->log_until_ms = -60000;
  vm->attributes = json_make ("{s:i,s:b}", "cpus", (int)i, "keep", 1);
  vm->first_attributes = json_deep_copy (vm->attributes);
  snprintf (vm->role, sizeof vm->role, "r%zu", i % (1 + cloud->n_vms / 3));
  disk = fake_disk_new (vm, vm->id, &content);
  disk->keeps = true;
  strcpy (disk->at, vm->id);
  vm->first_content = content;
  vm->first_on = vm->power == FAKE_ON;
  refuse_some (vm);
  if (strcmp (vm->account->kind->strategy, "restore") == 0)
    fake_snapshots_init (vm);
  if (cloud->config->heals && fake_chance (cloud, cloud->config->heals))
    vm->heals_after_starts = (unsigned)fake_between (cloud, 1, 3);
  fake_vm_changed (vm);
  fake_disk_changed (disk);
}

void
fake_cloud_init (struct fake_cloud *cloud, const struct sim_config *config)
{
  static const char *const names[SIM_ACCOUNTS] = {"fake-1", "fake-2", "fake-3"};

  *cloud = (struct fake_cloud){.config = config, .n_vms = config->n_vms};
  fake_clock_init (&cloud->clock, INT64_C (1721362140000));
  random_init (&cloud->random, config->seed);
  for (size_t i = 0; i < config->n_accounts; i++) {
    struct fake_account *account = &cloud->accounts[i];

    account->kind = &config->accounts[i];
    account->provider = fake_provider (account->kind);
    strcpy (account->name, names[i]);
  }
  cloud->vms = xcalloc (config->n_vms, sizeof *cloud->vms);
  for (size_t i = 0; i < config->n_vms; i++)
    init_vm (cloud, i);
}

static void
drop_done (struct fake_desk *desk)
{
  while (desk->done.len) {
    struct completion c = fake_done_vec_remove (&desk->done, 0);

    completion_release (&c);
  }
}

void
fake_desk_kill (struct fake_desk *desk)
{
  desk->generation++;
  drop_done (desk);
  fake_works_abandon (desk);
}

void
fake_cloud_release (struct fake_cloud *cloud)
{
  for (size_t i = 0; i < cloud->n_vms; i++)
    fake_vm_release (&cloud->vms[i]);
  free (cloud->vms);
  while (cloud->events.len)
    free_event (take_first (&cloud->events));
  fake_event_vec_release (&cloud->events);
  for (size_t i = 0; i < cloud->n_desks; i++) {
    drop_done (&cloud->desks[i]);
    fake_done_vec_release (&cloud->desks[i].done);
  }
  for (size_t i = 0; i < cloud->works.len; i++)
    free (cloud->works.ptr[i]);
  fake_work_vec_release (&cloud->works);
  str_vec_free_all (&cloud->violations);
}
