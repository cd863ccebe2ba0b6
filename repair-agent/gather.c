#include "gather.h"

#include <string.h>

/* Is an earlier job, running or waiting, for the same disk?  One that has ended
 * and is still in the list is in an appliance that is closing: it holds the
 * disk until it is gone. */
static bool
blocked (const struct job_vec *jobs, size_t index)
{
  for (size_t i = 0; i < jobs->len; i++) {
    const struct job *other = jobs->ptr[i];

    if (i == index || strcmp (other->where, jobs->ptr[index]->where) != 0)
      continue;
    if (other->state != JOB_WAITING || i < index)
      return true;
  }
  return false;
}

static bool
can_join (const struct job_vec *jobs, size_t index, const struct job *head)
{
  const struct job *job = jobs->ptr[index];

  return job->state == JOB_WAITING && !job->alone &&
         strcmp (job->domain, head->domain) == 0 && !blocked (jobs, index);
}

/* Was this group looked at with an earlier head? */
static bool
seen_before (const struct job_vec *jobs, size_t index)
{
  for (size_t i = 0; i < index; i++)
    if (can_join (jobs, i, jobs->ptr[index]))
      return true;
  return false;
}

static size_t
group_limit (size_t waiting, const struct gather_rules *rules)
{
  size_t spread = (waiting + rules->idle_slots - 1) / rules->idle_slots;

  if (spread < rules->share)
    spread = rules->share;
  return spread < rules->batch ? spread : rules->batch;
}

/* The group that starts with jobs[head]; 0 and *wait_ms if its burst may not
 * be over. */
static size_t
gather_group (const struct job_vec *jobs, size_t head,
              const struct gather_rules *rules, int64_t now_ms,
              struct job_vec *picked, int64_t *wait_ms)
{
  const struct job *first = jobs->ptr[head];
  int64_t newest_ms = first->arrived_ms, ready_ms;
  size_t waiting = 0, limit;

  for (size_t i = head; i < jobs->len; i++)
    if (can_join (jobs, i, first)) {
      waiting++;
      if (newest_ms < jobs->ptr[i]->arrived_ms)
        newest_ms = jobs->ptr[i]->arrived_ms;
    }
  ready_ms = newest_ms + rules->quiet_ms;
  if (ready_ms > first->arrived_ms + rules->longest_ms)
    ready_ms = first->arrived_ms + rules->longest_ms;
  /* Enough for every idle slot is enough; less may be the start of a burst,
   * which would be cut into pieces that are too small. */
  if (waiting < rules->batch * rules->idle_slots && now_ms < ready_ms) {
    if (*wait_ms == -1 || *wait_ms > ready_ms - now_ms)
      *wait_ms = ready_ms - now_ms;
    return 0;
  }
  limit = group_limit (waiting, rules);
  for (size_t i = head; i < jobs->len && picked->len < limit; i++)
    if (can_join (jobs, i, first))
      job_vec_push (picked, jobs->ptr[i]);
  return picked->len;
}

size_t
gather (const struct job_vec *jobs, const struct gather_rules *rules,
        int64_t now_ms, struct job_vec *picked, int64_t *wait_ms)
{
  *wait_ms = -1;
  picked->len = 0;
  for (size_t i = 0; i < jobs->len; i++) {
    struct job *job = jobs->ptr[i];

    if (job->state != JOB_WAITING || blocked (jobs, i))
      continue;
    if (job->alone) {
      job_vec_push (picked, job);
      return 1;
    }
    if (!seen_before (jobs, i) &&
        gather_group (jobs, i, rules, now_ms, picked, wait_ms) > 0)
      return picked->len;
  }
  return 0;
}
