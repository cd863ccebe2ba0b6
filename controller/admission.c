#include "admission.h"

#include <string.h>

#include "mutation.h"
#include "step.h"

/* --- what a job's end means ------------------------------------------------
 */

/* It runs, or should: and it was asked, or fell. */
static bool
is_unproven_failure (const struct job *job)
{
  const char *after = json_str (job->facts, "health_after.state", NULL);

  return job->outcome == OUT_REPAIRED_UNPROVEN && job_was_running (job) &&
         (json_bool (job->facts, "fallen", false) ||
          (after && strcmp (after, "ok") != 0));
}

/* Asked of every job in every round: what is cheap to know comes first. */
bool
job_has_failed (const struct job *job)
{
  if (job->phase != PHASE_ENDED)
    return false;
  switch (job->outcome) {
  case OUT_FAILED_ATTENTION:
    return !json_bool (job->facts, "forgiven", false);
  case OUT_FAILED_RESTORED:
    return json_at (job->facts, "asked_back") == NULL && !job_lacks_key (job) &&
           !json_bool (job->facts, "forgiven", false);
  case OUT_REPAIRED_UNPROVEN:
    return is_unproven_failure (job) &&
           !json_bool (job->facts, "forgiven", false);
  default:
    return false;
  }
}

bool
job_is_proven (const struct job *job)
{
  if (job->phase != PHASE_ENDED)
    return false;
  return job->outcome == OUT_REPAIRED ||
         (job->outcome == OUT_REPAIRED_UNPROVEN &&
          json_bool (job->facts, "forgiven", false));
}

bool
job_is_touched (const struct job *job)
{
  return job_undo_top (job) != NULL;
}

static bool
is_in_work (const struct job *job)
{
  return job->phase != PHASE_WAITING && job->phase != PHASE_ENDED;
}

/* Its last steps only watch: it runs, and needs no place of another. */
static bool
needs_place (const struct job *job)
{
  return is_in_work (job) &&
         !(job->step && (job->step->flags & (STEP_WATCHES | STEP_LAST)) &&
           !job->back);
}

bool
job_may_be_down_for_good (const struct job *job)
{
  if (job->phase != PHASE_ENDED)
    return false;
  return job->outcome == OUT_FAILED_ATTENTION || is_unproven_failure (job);
}

/* --- counting ---------------------------------------------------------------
 */

int
admission_number_groups (struct job *const *jobs, size_t n)
{
  json_t *numbers = json_object ();
  int last = 0;

  for (size_t i = 0; i < n; i++) {
    const char *group = json_str (jobs[i]->facts, "group", NULL);

    jobs[i]->group =
        group ? (int)json_integer_value (json_object_get (numbers, group)) : 0;
    if (group == NULL)
      continue;
    if (jobs[i]->group == 0) {
      jobs[i]->group = ++last;
      json_put_int (numbers, group, last);
    }
  }
  json_decref (numbers);
  return last;
}

static struct wave_count
count_of (const struct job *job)
{
  bool open = job->phase != PHASE_ENDED;
  bool failed = job_has_failed (job), proven = job_is_proven (job);
  bool unproven = !open && !failed && job->outcome == OUT_REPAIRED_UNPROVEN;

  return (struct wave_count){.vms = 1,
                             .open = open,
                             .failed = failed,
                             .proven = proven,
                             .unproven = unproven,
                             .left = !open && !failed && !proven && !unproven};
}

static void
add_count (struct wave_count *to, const struct wave_count *one)
{
  to->vms += one->vms;
  to->open += one->open;
  to->failed += one->failed;
  to->proven += one->proven;
  to->unproven += one->unproven;
  to->left += one->left;
}

static int64_t
last_wave (const struct job_vec *jobs)
{
  int64_t last = 1;

  for (size_t i = 0; jobs && i < jobs->len; i++)
    if (jobs->ptr[i]->wave > last)
      last = jobs->ptr[i]->wave;
  return last;
}

static int
last_group (const struct job_vec *jobs)
{
  int last = 0;

  for (size_t i = 0; jobs && i < jobs->len; i++)
    if (jobs->ptr[i]->group > last)
      last = jobs->ptr[i]->group;
  return last;
}

static void
count_group (struct survey *survey, const struct job *job)
{
  bool stuck = job_may_be_down_for_good (job);

  if (job->group == 0)
    return;
  survey->stuck[job->group] += stuck;
  survey->down[job->group] += stuck || is_in_work (job);
}

static void
count_all (struct survey *survey, const struct job_vec *jobs)
{
  for (size_t i = 0; jobs && i < jobs->len; i++) {
    const struct job *job = jobs->ptr[i];
    struct wave_count one = count_of (job);

    add_count (&survey->all, &one);
    if (job->wave >= 1)
      add_count (&survey->waves[job->wave], &one);
    count_group (survey, job);
    survey->in_work += needs_place (job);
  }
}

static int64_t
greater (int64_t a, int64_t b)
{
  return a > b ? a : b;
}

void
survey_make (struct survey *survey, const struct job_vec *jobs,
             const struct job_vec *others, const struct policy *policy)
{
  *survey = (struct survey){.policy = policy};
  survey->n_waves = greater (last_wave (jobs), last_wave (others));
  survey->n_groups = (int)greater (last_group (jobs), last_group (others));
  survey->waves = xcalloc ((size_t)survey->n_waves + 1, sizeof *survey->waves);
  survey->down = xcalloc ((size_t)survey->n_groups + 1, sizeof (int64_t));
  survey->stuck = xcalloc ((size_t)survey->n_groups + 1, sizeof (int64_t));
  count_all (survey, jobs);
  count_all (survey, others);
  for (int64_t w = 1; w <= survey->n_waves && survey->current == 0; w++)
    if (survey->waves[w].open)
      survey->current = w;
}

void
survey_release (struct survey *survey)
{
  free (survey->waves);
  free (survey->down);
  free (survey->stuck);
}

/* --- verdicts ---------------------------------------------------------------
 */

char *
survey_spent (const struct survey *survey)
{
  const struct wave_policy *waves = &survey->policy->waves;
  int64_t budget = wave_policy_budget (waves, survey->all.vms);

  if (mutated ("ignore-budget"))
    return NULL;
  if (budget >= 0 && survey->all.failed > budget)
    return xasprintf ("%lld of %lld VMs failed, %lld may",
                      (long long)survey->all.failed, (long long)survey->all.vms,
                      (long long)budget);
  for (int64_t w = 1; w <= survey->n_waves; w++) {
    const struct wave_count *wave = &survey->waves[w];

    budget = wave_policy_wave_budget (waves, wave->vms, survey->n_waves > 1);
    if (budget >= 0 && wave->failed > budget)
      return xasprintf ("wave %lld: %lld of %lld VMs failed, %lld may",
                        (long long)w, (long long)wave->failed,
                        (long long)wave->vms, (long long)budget);
  }
  return NULL;
}

/* Where a person approves each wave, the person is the gate. */
enum gate
survey_gate (const struct survey *survey)
{
  const struct wave_policy *waves = &survey->policy->waves;
  const struct wave_count *before;

  if (survey->current < 2 || waves->approve || waves->approve_command ||
      survey->all.proven || mutated ("start-early"))
    return GATE_OPEN;
  for (int64_t w = 1; w < survey->current; w++) {
    before = &survey->waves[w];
    if (before->unproven || before->failed)
      return GATE_UNPROVEN;
  }
  return GATE_STAND_INS;
}

enum admission
admission (const struct survey *survey, const struct job *job, char **why)
{
  const struct policy *policy = survey->policy;
  int64_t most = policy->waves.group_max;

  if (survey->in_work >= policy->max_in_flight)
    return ADMIT_LATER;
  if (!job->back && job->wave > survey->current && !mutated ("start-early"))
    return ADMIT_LATER;
  if (job->group && !mutated ("ignore-group")) {
    /* On the operator's way back, what is down anyway is no reason to wait. */
    if (job->back)
      most += survey->stuck[job->group];
    else if (survey->stuck[job->group] >= most) {
      *why = xasprintf (
          "group-down: of its group '%s' %lld may be down, and so many ended "
          "where they may be: see to these first, then 'bootmend retry'",
          json_str (job->facts, "group", "?"), (long long)most);
      return ADMIT_NEVER;
    }
    if (survey->down[job->group] >= most)
      return ADMIT_LATER;
  }
  return ADMIT;
}

void
survey_begun (struct survey *survey, const struct job *job)
{
  survey->in_work++;
  if (job->group)
    survey->down[job->group]++;
}
