/* Steps of the strategies that leave the VM's own disk alone: a copy of it, or
 * a disk of an older snapshot, takes its place.
 *
 *   swap     snapshot, copy, lend, repair-copy, reclaim, (swap), keep
 *   restore  pick, copy, [lend, repair-copy, reclaim], (swap), keep
 *
 * The swap itself is one call where the provider has one for the state the VM
 * is in ("swap"), else the old disk is detached ("swap-out") and the new one
 * attached ("swap-in").  The way back is the other disk; what was done to the
 * copy needs no undo.  Neither disk is ever deleted here: `bootmend release`
 * does that, when the operator says so. */

#include "steps-internal.h"

#include <string.h>

#include <base/clock.h>
#include <providers/vm.h>

#include "mutation.h"
#include "policy.h"

const json_t *
job_work_disk (const struct job *job)
{
  const json_t *copy = json_at (job->facts, "work_disk");

  return copy && !mutated ("wrong-disk") ? copy
                                         : json_at (job->before, "os_disk");
}

static const json_t *
made (const struct job *job, const char *kind)
{
  json_t *entry;
  size_t i;

  json_array_foreach (json_at (job->facts, "created"), i, entry)
  {
    if (strcmp (json_str (entry, "kind", ""), kind) == 0 &&
        !json_bool (entry, "old", false)) /* of an earlier try */
      return entry;
  }
  return NULL;
}

const json_t *
job_step_disk (const struct job *job)
{
  switch (job->step ? job->step->disk : DISK_WORK) {
  case DISK_ORIGINAL:
    return json_at (job->before, "os_disk");
  case DISK_SNAPSHOT:
    return made (job, "snapshot");
  case DISK_COPY:
    return made (job, "disk");
  case DISK_TASK:
    return json_at (job->facts, "task") ? json_at (job->facts, "task")
                                        : job_work_disk (job);
  case DISK_TASK_BACK:
    return json_at (job->facts, "task_back") ? json_at (job->facts, "task_back")
                                             : json_at (job->before, "os_disk");
  default:
    return job_work_disk (job);
  }
}

static bool
undo_has (const struct job *job, const char *step)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_at (job->facts, "undo"), i, item)
  {
    if (strcmp (json_string_value (item), step) == 0)
      return true;
  }
  return false;
}

static bool
stands (const struct job *job)
{
  return undo_has (job, "swap") || undo_has (job, "swap-in");
}

const json_t *
job_kept (const struct job *job)
{
  return stands (job) ? json_at (job->before, "os_disk") : NULL;
}

json_t *
job_expected (const struct job *job)
{
  json_t *vm = json_deep_copy (job->before), *disk;

  if (!stands (job))
    return vm;
  disk = json_object_get (vm, "os_disk");
  json_put_str (disk, "id", json_str (job_work_disk (job), "id", ""));
  return vm;
}

/* --- which way --------------------------------------------------------------
 */

static unsigned
caps_of (const struct job *job)
{
  return job->binding->provider->caps;
}

bool
job_swaps_live (const struct job *job)
{
  return job->policy->copy_running && (caps_of (job) & CAP_SWAP_RUNNING) &&
         (job->strategy->cap & (CAP_SWAP | CAP_RESTORE)) &&
         job_was_running (job);
}

static bool
in_one_call (const struct job *job)
{
  return (caps_of (job) & CAP_SWAP_STOPPED) || job_swaps_live (job);
}

/* A copy that had nothing to repair takes nobody's place. */
static bool
is_useful (const struct job *job)
{
  return (job->strategy->cap & CAP_RESTORE) || mutated ("swap-clean") ||
         strcmp (json_str (job->facts, "repair.outcome", ""), "clean") != 0;
}

bool
copy_source_wanted (const struct job *job)
{
  return !(caps_of (job) & CAP_COPY_DISK);
}

/* Of a move: another way back, where there are snapshots. */
bool
snapshot_wanted (const struct job *job)
{
  return job_attaches (job) && job_has_op (job, OP_SNAPSHOT) &&
         (job->strategy->cap == CAP_MOVE || copy_source_wanted (job));
}

bool
recipe_wanted (const struct job *job)
{
  return job->policy->recipe != NULL;
}

bool
swap_wanted (const struct job *job)
{
  return is_useful (job) && in_one_call (job);
}

bool
exchange_wanted (const struct job *job)
{
  return is_useful (job) && !in_one_call (job);
}

bool
keep_wanted (const struct job *job)
{
  return is_useful (job) && job_has_op (job, OP_KEEP);
}

/* --- in one call ------------------------------------------------------------
 */

static bool
goes_back (const struct job *job)
{
  return job->step->disk == DISK_TASK_BACK;
}

/* A task says how it ended; without one (its reply was lost) the disk does. */
static enum verdict
task_seen (const struct job *job, struct err **err)
{
  const char *state = json_str (job->disk, "state", "");

  if (strcmp (state, "available") == 0)
    return VERDICT_YES;
  if (strcmp (state, "failed") != 0)
    return VERDICT_WAIT;
  err_set (err, ERR_REFUSED, "the task %s failed: %s",
           json_str (job->disk, "id", "?"),
           json_str (job->disk, "why", "no reason given"));
  return VERDICT_FAIL;
}

enum verdict
swap_seen (struct job *job, struct err **err)
{
  if (json_at (job->facts, goes_back (job) ? "task_back" : "task"))
    return task_seen (job, err);
  return attach_seen (job, err);
}

int
swap_act (struct job *job, struct effect *effect, struct err **err)
{
  CLEANUP_FREE char *token =
      job_token (job, goes_back (job) ? "-back" : "-swap");
  const json_t *disk =
      goes_back (job) ? json_at (job->before, "os_disk") : job_work_disk (job);

  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = OP_SWAP_OS;
  effect->in =
      json_make ("{s:O,s:O,s:s}", "vm", job->now, "disk", disk, "token", token);
  return 0;
}

enum verdict
swap_reply (struct job *job, json_t *out, struct err **err)
{
  const char *task = json_str (out, "task", NULL);

  (void)err;
  if (task) {
    job_set_fact (job, goes_back (job) ? "task_back" : "task",
                  json_make ("{s:s}", "id", task));
    job_forget_disk (job);
  }
  return VERDICT_YES;
}

/* --- what stays -------------------------------------------------------------
 */

/* For both rows: "keep" tags the original as kept, "unkeep" takes that off. */
int
keep_act (struct job *job, struct effect *effect, struct err **err)
{
  bool keep = strcmp (job->step->name, "keep") == 0;

  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = OP_KEEP;
  effect->in =
      json_make ("{s:O,s:O,s:b,s:{s:s,s:s}}", "vm", job->before, "disk",
                 json_at (job->before, "os_disk"), "keep", keep, "tags",
                 "bootmend-campaign", job->policy->campaign,
                 "bootmend-kept-for", json_str (job->before, "id", ""));
  return 0;
}

/* --- from an older snapshot -------------------------------------------------
 */

bool
pick_wanted (const struct job *job)
{
  return job->policy->before_ms > 0;
}

int
pick_act (struct job *job, struct effect *effect, struct err **err)
{
  (void)err;
  effect->kind = EFFECT_OP;
  effect->op = OP_SNAPSHOTS;
  effect->in = json_make ("{s:O,s:O}", "vm", job->before, "disk",
                          json_at (job->before, "os_disk"));
  return 0;
}

/* The newest before the time; *oldest: the oldest of all, for a message. */
static const json_t *
newest_before (const json_t *list, int64_t before_ms, const char **oldest)
{
  const json_t *best = NULL;
  int64_t best_ms = 0, oldest_ms = 0;
  json_t *item;
  size_t i;

  json_array_foreach (list, i, item)
  {
    const char *created = json_str (item, "created", "");
    int64_t ms;

    if (time_parse_ms (created, &ms) == -1)
      continue;
    if (*oldest == NULL || ms < oldest_ms) {
      *oldest = created;
      oldest_ms = ms;
    }
    if (ms < before_ms && (best == NULL || ms > best_ms)) {
      best = item;
      best_ms = ms;
    }
  }
  return best;
}

enum verdict
pick_reply (struct job *job, json_t *out, struct err **err)
{
  CLEANUP_FREE char *before = time_format_ms (job->policy->before_ms);
  const char *oldest = NULL;
  const json_t *best = newest_before (json_at (out, "snapshots"),
                                      job->policy->before_ms, &oldest);

  if (best == NULL) {
    err_set (err, ERR_REFUSED,
             "no-snapshot: there is no usable snapshot of its disk %s from "
             "before %s; %s%s",
             json_str (job->before, "os_disk.id", ""), before,
             oldest ? "the oldest is from " : "there is none at all",
             oldest ? oldest : "");
    return VERDICT_FAIL;
  }
  job_set_fact (job, "pick", json_deep_copy (best));
  job_note (job,
            "the newest snapshot of its disk before that time is %s, of %s",
            json_str (best, "id", "?"), json_str (best, "created", "?"));
  return VERDICT_YES;
}
