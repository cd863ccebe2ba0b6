#include "job.h"

#include <string.h>

#include <providers/vm.h>

#include "step.h"

static const struct {
  const char *name;
  bool good;
} outcomes[OUT_COUNT] = {
    [OUT_OPEN] = {"open", false},
    [OUT_REPAIRED] = {"repaired", true},
    [OUT_REPAIRED_UNPROVEN] = {"repaired-unproven", false},
    [OUT_CLEAN] = {"clean", true},
    [OUT_RECOVERED] = {"recovered", true},
    [OUT_SKIPPED] = {"skipped", false},
    [OUT_FAILED_RESTORED] = {"failed-restored", false},
    [OUT_FAILED_ATTENTION] = {"failed-attention", false},
};

const char *
outcome_name (enum outcome outcome)
{
  return outcomes[outcome].name;
}

int
outcome_from_name (const char *name)
{
  for (int i = 0; i < OUT_COUNT; i++)
    if (strcmp (outcomes[i].name, name) == 0)
      return i;
  return -1;
}

bool
outcome_is_good (enum outcome outcome)
{
  return outcomes[outcome].good;
}

static const char *const phases[] = {
    [PHASE_WAITING] = "waiting", [PHASE_ENTER] = "enter",
    [PHASE_LOOK] = "look",       [PHASE_ACT] = "act",
    [PHASE_WATCH] = "watch",     [PHASE_PAUSE] = "pause",
    [PHASE_ENDED] = "ended",
};

const char *
phase_name (enum phase phase)
{
  return phases[phase];
}

struct job *
job_new (int64_t id, const json_t *vm, struct binding *binding,
         const struct strategy *strategy, const struct policy *policy)
{
  struct job *job = xcalloc (1, sizeof *job);

  job->id = id;
  job->vm = vm_key (vm);
  job->name = xstrdup (vm_title (vm));
  job->wave = 1;
  job->binding = binding;
  job->strategy = strategy;
  job->policy = policy;
  job->now = json_deep_copy (vm);
  job->now_at_ms = -1; /* seen once, but too long ago to act upon */
  job->disk_at_ms = -1;
  job->facts = json_make ("{s:[]}", "undo");
  job->changed = true;
  return job;
}

void
job_free (struct job *job)
{
  if (job == NULL)
    return;
  free (job->vm);
  free (job->name);
  free (job->reason);
  err_free (job->failure);
  json_decref (job->before);
  json_decref (job->facts);
  json_decref (job->now);
  json_decref (job->disk);
  answered_vec_release (&job->answered);
  free (job);
}

void
cleanup_job (struct job **job)
{
  job_free (*job);
}

struct job_row
job_to_row (const struct job *job)
{
  struct job_row row = {
      .id = job->id,
      .vm = job->vm,
      .name = job->name,
      .wave = job->wave,
      .strategy = job->strategy->name,
      .direction = job->back ? "back" : "forward",
      .step = job->step ? job->step->name : NULL,
      .phase = phase_name (job->phase),
      .attempt = job->attempt,
      .outcome = job->outcome == OUT_OPEN ? NULL : outcome_name (job->outcome),
      .reason = job->reason,
      .before = job->before,
      .facts = job->facts,
  };

  return row;
}

/* Whatever was in flight when the last process ended is unknown now: the job
 * enters its step again, and looks at the VM before it does anything. */
static enum phase
phase_after_restart (const char *phase)
{
  if (phase && strcmp (phase, phases[PHASE_WAITING]) == 0)
    return PHASE_WAITING;
  if (phase && strcmp (phase, phases[PHASE_ENDED]) == 0)
    return PHASE_ENDED;
  return PHASE_ENTER;
}

int
job_from_row (struct job *job, const struct job_row *row, struct err **err)
{
  int outcome = row->outcome ? outcome_from_name (row->outcome) : OUT_OPEN;

  if (outcome == -1)
    return err_set (err, ERR_INPUT, "%s: outcome '%s' is unknown", row->name,
                    row->outcome);
  job->step = row->step ? step_by_name (row->step) : NULL;
  if (row->step && job->step == NULL)
    return err_set (err, ERR_INPUT, "%s: step '%s' is unknown", row->name,
                    row->step);
  if (!json_is_array (json_at (row->facts, "undo")))
    return err_set (err, ERR_INPUT, "%s: facts hold no list \"undo\"",
                    row->name);
  job->wave = row->wave;
  job->back = strcmp (row->direction, "back") == 0;
  job->phase = phase_after_restart (row->phase);
  if (job->phase == PHASE_ENTER && job->step == NULL && !job->back)
    return err_set (err, ERR_INPUT, "%s: it is in work, but at no step",
                    row->name);
  /* The count starts anew with the step's time: a guest that was asked to shut
   * down just before a crash of ours gets its grace again. */
  job->attempt = 0;
  job->outcome = (enum outcome)outcome;
  free (job->reason);
  job->reason = row->reason ? xstrdup (row->reason) : NULL;
  json_decref (job->before);
  job->before = row->before ? json_deep_copy (row->before) : NULL;
  json_decref (job->facts);
  job->facts = json_deep_copy (row->facts);
  job->changed = false;
  return 0;
}

void
job_forget_disk (struct job *job)
{
  json_decref (TAKE (job->disk));
  job->disk_at_ms = -1;
}

void
job_undo_push (struct job *job, const char *step)
{
  json_array_append_new (json_object_get (job->facts, "undo"),
                         json_string (step));
  job->changed = true;
}

void
job_undo_pop (struct job *job)
{
  json_t *undo = json_object_get (job->facts, "undo");

  if (json_array_size (undo))
    json_array_remove (undo, json_array_size (undo) - 1);
  job->changed = true;
}

const char *
job_undo_top (const struct job *job)
{
  const json_t *undo = json_object_get (job->facts, "undo");
  size_t n = json_array_size (undo);

  return n ? json_string_value (json_array_get (undo, n - 1)) : NULL;
}

void
job_set_fact (struct job *job, const char *key, json_t *value_taken)
{
  const json_t *before = json_object_get (job->facts, key);

  if (value_taken == NULL ? before == NULL : json_equal (before, value_taken)) {
    json_decref (value_taken);
    return; /* a poll that shows nothing new costs no commit */
  }
  json_put (job->facts, key, value_taken);
  job->changed = true;
}

void
job_no_errors (struct job *job)
{
  job->errors = 0;
  err_free (job->failure);
  job->failure = NULL;
}

void
job_note (struct job *job, const char *fmt, ...)
{
  json_t *notes = json_list (job->facts, "notes");
  CLEANUP_FREE char *text = NULL;
  json_t *one;
  va_list args;

  va_start (args, fmt);
  text = xvasprintf (fmt, args);
  va_end (args);
  one = json_object ();
  json_put_str (one, "text", text); /* mends what is no UTF-8 */
  json_array_append (notes, json_object_get (one, "text"));
  json_decref (one);
  job->changed = true;
}

void
job_set_reason (struct job *job, const char *fmt, ...)
{
  va_list args;

  free (job->reason);
  va_start (args, fmt);
  job->reason = xvasprintf (fmt, args);
  va_end (args);
  job->changed = true;
}

void
job_set_answered (struct job *job, const struct step *step, int64_t at_ms)
{
  struct answered fresh = {step, at_ms};

  for (size_t i = 0; i < job->answered.len; i++)
    if (job->answered.ptr[i].step == step) {
      job->answered.ptr[i].at_ms = at_ms;
      return;
    }
  answered_vec_push (&job->answered, fresh);
}

int64_t
job_answered_ms (const struct job *job, const struct step *step)
{
  for (size_t i = 0; i < job->answered.len; i++)
    if (job->answered.ptr[i].step == step)
      return job->answered.ptr[i].at_ms;
  return INT64_MIN;
}

bool
job_was_running (const struct job *job)
{
  return job->before && vm_is_power (job->before, "running");
}

json_t *
job_summary (const struct job *job)
{
  json_t *json = json_object ();
  const json_t *vm = job->before ? job->before : job->now;
  static const char *const from_vm[] = {"provider", "account", "region", "zone",
                                        "id"};
  static const char *const from_facts[] = {"repair",       "health_before",
                                           "health_after", "differences",
                                           "notes",        "created",
                                           "helped_by",    "pick"};

  json_put_int (json, "job", job->id);
  json_put_str (json, "name", job->name);
  for (size_t i = 0; i < ARRAY_SIZE (from_vm); i++)
    if (json_object_get (vm, from_vm[i]))
      json_put (json, from_vm[i], json_incref (json_at (vm, from_vm[i])));
  if (job_kept (job))
    json_put (json, "kept",
              json_make ("{s:s,s:s,s:I}", "kind", "disk", "id",
                         json_str (job_kept (job), "id", ""), "size_bytes",
                         (json_int_t)json_int (job_kept (job), "size_bytes",
                                               0)));
  json_put_int (json, "wave", job->wave);
  json_put_str (json, "group", json_str (job->facts, "group", NULL));
  json_put_str (json, "strategy", job->strategy->name);
  json_put_str (json, "outcome", outcome_name (job->outcome));
  json_put_str (json, "reason", job->reason);
  json_put_str (json, "direction", job->back ? "back" : "forward");
  json_put_str (json, "step", job->step ? job->step->name : NULL);
  json_put_str (json, "doing", job->step ? job->step->doing : NULL);
  json_put_str (json, "phase", phase_name (job->phase));
  for (size_t i = 0; i < ARRAY_SIZE (from_facts); i++)
    if (json_object_get (job->facts, from_facts[i]))
      json_put (json, from_facts[i],
                json_incref (json_at (job->facts, from_facts[i])));
  return json;
}
