/* The simulated agent: work takes time, goes wrong in all ways, and keeps its
 * evidence; a disk is in one hand at a time. */

#include "fake-cloud.h"

#include <string.h>

#include "agent-results.h"

static struct fake_work *
work_of (struct fake_cloud *cloud, uint64_t number)
{
  for (size_t i = 0; i < cloud->works.len; i++)
    if (cloud->works.ptr[i]->number == number)
      return cloud->works.ptr[i];
  return NULL;
}

static void
work_over (struct fake_cloud *cloud, struct fake_work *work)
{
  if (work->disk->held_by == work->number)
    work->disk->held_by = 0;
  for (size_t i = 0; i < cloud->works.len; i++)
    if (cloud->works.ptr[i] == work)
      fake_work_vec_remove (&cloud->works, i);
  free (work);
}

static void
finish (struct fake_cloud *cloud, struct fake_work *work, json_t *result)
{
  CLEANUP_FREE char *text = json_text (result);

  fake_trace (cloud, "#%llu %s of %s: %s", (unsigned long long)work->effect,
              work->undo ? "undo" : "repair", work->vm->name, text);
  if (strcmp (json_str (result, "outcome", ""), "failed") == 0)
    work->vm->work_errors++;
  fake_deliver (work->desk, work->generation,
                (struct completion){work->effect, result, NULL, true});
  work_over (cloud, work);
}

static void
lose (struct fake_cloud *cloud, struct fake_work *work, const char *why)
{
  struct err *err = NULL;

  fake_trace (cloud, "#%llu: agent is lost: %s",
              (unsigned long long)work->effect, why);
  work->vm->work_errors++;
  err_set (&err, ERR_TRANSIENT, "the agent is gone: %s", why);
  fake_deliver (work->desk, work->generation,
                (struct completion){work->effect, NULL, err, true});
  work_over (cloud, work);
}

/* --- the work itself: what it does to the disk happens in one moment --------
 */

static struct fake_evidence *
evidence_of (const struct fake_work *work)
{
  return &work->vm->by[work->desk->number].evidence;
}

static json_t *
apply (struct fake_work *work)
{
  struct fake_evidence *evidence = evidence_of (work);
  struct fake_vm *vm = work->vm;
  struct fake_disk *disk = work->disk;

  if (disk->content.hibernated)
    return agent_refused ("hibernated");
  if (disk->content.several_os)
    return agent_refused ("several-os");
  if (evidence->committed && !disk->content.bad_file)
    return agent_outcome ("repaired", true);
  if (!disk->content.bad_file)
    return agent_outcome ("clean", false);
  evidence->kept = evidence->committed = true;
  evidence->before = disk->content;
  disk->content.bad_file = false;
  vm->changes++;
  return agent_outcome ("repaired", false);
}

static json_t *
undo (struct fake_work *work)
{
  struct fake_evidence *evidence = evidence_of (work);
  struct fake_vm *vm = work->vm;
  struct fake_disk *disk = work->disk;

  if (!evidence->kept && fake_chance (vm->cloud, 500))
    return agent_refused ("no-evidence");
  if (!evidence->committed)
    return agent_outcome ("clean", false);
  if (disk->content.version != evidence->before.version)
    return agent_refused ("changed-since");
  disk->content = evidence->before;
  evidence->committed = false;
  vm->changes++;
  return agent_outcome ("undone", false);
}

/* The VM's own disk, and not a copy that is nobody's yet. */
static bool
is_own (const struct fake_work *work)
{
  return work->disk == &work->vm->disks[0] ||
         strcmp (work->disk->at, work->vm->id) == 0;
}

static bool
would_write (const struct fake_work *work)
{
  const struct fake_content *content = &work->disk->content;

  if (work->undo)
    return evidence_of (work)->committed;
  return content->bad_file && !content->hibernated && !content->several_os;
}

/* An agent on a helper writes only what its controller has allowed: one that is
 * dead, or does not want the work any more, allows nothing. */
static void
ask (const struct fake_work *work)
{
  struct completion progress = {.id = work->effect};

  if (work->generation != work->desk->generation || work->cancelled)
    return;
  progress.out = json_make ("{s:s}", "event", "ask");
  fake_done_vec_push (&work->desk->done, progress);
}

static void
close_disk (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_work *work = work_of (cloud, event->number);
  bool crashes, early;
  json_t *result;

  if (work == NULL || work->hangs)
    return;
  if (work->asks && !work->allowed && !work->vm->work_fails &&
      would_write (work)) {
    ask (work);
    return;
  }
  crashes = fake_fault (cloud, cloud->config->agent_crash);
  early = fake_chance (cloud, 500);
  if (work->vm->account->kind->attaches && !fake_disk_on_helper (work->disk) &&
      is_own (work) && !work->vm->others)
    fake_violation (cloud, work->vm, "its disk was taken from the agent");
  if (work->vm->power != FAKE_OFF && work->vm->exists && is_own (work))
    fake_violation (cloud, work->vm, "its disk is written while it is %s",
                    fake_power_name (work->vm));
  if (work->vm->work_fails) {
    finish (cloud, work, agent_failed ("disk"));
    return;
  }
  if (crashes && early) {
    evidence_of (work)->kept = true;
    lose (cloud, work, "before its commit");
    return;
  }
  result = work->undo ? undo (work) : apply (work);
  if (crashes) {
    json_decref (result);
    lose (cloud, work, "after its commit");
  } else
    finish (cloud, work, result);
}

static void
limit_over (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_work *work = work_of (cloud, event->number);

  if (work && !work->cancelled)
    finish (cloud, work, agent_failed ("timeout"));
}

static void
stage (const struct fake_work *work)
{
  struct completion progress = {.id = work->effect};

  progress.out = json_make ("{s:s}", "stage", "opened");
  if (work->generation == work->desk->generation)
    fake_done_vec_push (&work->desk->done, progress);
  else
    completion_release (&progress);
}

static void
open_disk (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_work *work = work_of (cloud, event->number);
  struct fake_vm *vm;
  struct fake_disk *disk;

  if (work == NULL)
    return;
  vm = work->vm;
  disk = work->disk;
  if (!vm->exists) {
    finish (cloud, work, agent_failed ("not-found"));
    return;
  }
  if (vm->account->kind->attaches && !fake_disk_on_helper (disk) && !vm->others)
    fake_violation (cloud, vm, "work on its disk while that is at '%s'",
                    disk->at);
  if (vm->account->kind->attaches && fake_chance (cloud, 200)) {
    finish (cloud, work, agent_failed ("not-found")); /* udev is late */
    return;
  }
  /* A running VM holds its disk's lock; so does another work. */
  if ((vm->power != FAKE_OFF && is_own (work)) || disk->held_by) {
    finish (cloud, work, agent_refused ("in-use"));
    return;
  }
  disk->held_by = work->number;
  work->opened = true;
  work->hangs = fake_fault (cloud, cloud->config->agent_hang);
  stage (work);
  fake_event_add (cloud, fake_between (cloud, 300, 8000), close_disk, vm)
      ->number = work->number;
  fake_event_add (cloud, work->limit_ms, limit_over, vm)->number = work->number;
}

void
fake_work_submit (struct fake_desk *desk, struct effect effect)
{
  struct fake_cloud *cloud = desk->cloud;
  struct fake_work *work = xcalloc (1, sizeof *work);
  bool slow = fake_fault (cloud, cloud->config->agent_hang);
  const char *shown;

  work->number = ++cloud->serial;
  work->effect = effect.id;
  work->desk = desk;
  work->generation = desk->generation;
  work->vm = fake_cloud_vm (cloud, json_str (effect.in, "disk.path", ""));
  work->disk = fake_disk_of (work->vm, json_str (effect.in, "disk.path", ""));
  if (work->disk == NULL)
    abort ();
  work->undo = strcmp (json_str (effect.in, "mode", ""), "undo") == 0;
  work->asks = work->vm->account->kind->attaches;
  work->limit_ms = json_int (effect.in, "limit_ms", 1000);
  fake_trace (cloud, "#%llu %s of %s", (unsigned long long)effect.id,
              work->undo ? "undo" : "repair", work->vm->name);
  desk->check (desk->opaque, work->vm, &effect);
  shown = work->vm->by[desk->number].last_shown;
  if (is_own (work))
    fake_checked (cloud, SIM_STOPPED_DISK);
  if (is_own (work) && strcmp (shown, "stopped") != 0)
    fake_violation (cloud, work->vm, "work is asked for while it is shown '%s'",
                    shown);
  work->vm->unanswered = work->vm->unanswered || slow;
  fake_work_vec_push (&cloud->works, work);
  /* In a queue, while an appliance starts. */
  fake_event_add (cloud,
                  slow ? fake_between (cloud, 60000, 900000)
                       : fake_between (cloud, 10, 9000),
                  open_disk, work->vm)
      ->number = work->number;
  effect_release (&effect);
}

/* --- its end ----------------------------------------------------------------
 */

static void
ended (struct fake_cloud *cloud, struct fake_event *event)
{
  struct fake_work *work = work_of (cloud, event->number);

  if (work && work->hangs)
    lose (cloud, work, "it was killed");
  else if (work)
    finish (cloud, work, agent_failed ("stopped"));
}

void
fake_work_allow (struct fake_desk *desk, uint64_t effect)
{
  struct fake_cloud *cloud = desk->cloud;

  for (size_t i = 0; i < cloud->works.len; i++) {
    struct fake_work *work = cloud->works.ptr[i];

    if (work->effect != effect || work->desk != desk ||
        work->generation != desk->generation || work->allowed)
      continue;
    work->allowed = true;
    fake_event_add (cloud, fake_between (cloud, 1, 2000), close_disk, work->vm)
        ->number = work->number;
  }
}

void
fake_work_cancel (struct fake_desk *desk, uint64_t effect)
{
  struct fake_cloud *cloud = desk->cloud;

  for (size_t i = 0; i < cloud->works.len; i++) {
    struct fake_work *work = cloud->works.ptr[i];

    if (work->effect != effect || work->desk != desk ||
        work->generation != desk->generation)
      continue;
    work->cancelled = true;
    fake_event_add (cloud, work->hangs ? 70000 : fake_between (cloud, 1, 20000),
                    ended, work->vm)
        ->number = work->number;
  }
}

/* The controller is gone: what was not begun never is, the rest ends at a safe
 * point: before its commit or after. */
void
fake_works_abandon (struct fake_desk *desk)
{
  struct fake_cloud *cloud = desk->cloud;
  size_t i = 0;

  while (i < cloud->works.len) {
    struct fake_work *work = cloud->works.ptr[i];

    if (work->desk != desk || work->generation == desk->generation ||
        work->cancelled) {
      i++;
    } else if (!work->opened)
      work_over (cloud, work);
    else {
      work->cancelled = true;
      fake_event_add (cloud, fake_between (cloud, 1, 30000), ended, work->vm)
          ->number = work->number;
      i++;
    }
  }
}
