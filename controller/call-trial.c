#include "call-trial.h"

/* Keys that were renewed for another call may have been refused, too, before
 * this one heard of it. */
#define MOST_REFUSALS 3

static struct call_trial *
trial_of (const struct call_trials *trials, const struct binding *binding)
{
  for (size_t i = 0; i < trials->len; i++)
    if (trials->ptr[i].binding == binding)
      return &trials->ptr[i];
  return NULL;
}

bool
call_trial_holds (const struct call_trials *trials,
                  const struct binding *binding, uint64_t tag)
{
  const struct call_trial *trial = trial_of (trials, binding);

  return trial && trial->tag && trial->tag != tag;
}

void
call_trial_sent (struct call_trials *trials, const struct binding *binding,
                 uint64_t tag)
{
  struct call_trial *trial = trial_of (trials, binding);

  if (trial && trial->needed)
    trial->tag = tag;
}

bool
call_trial_refused (struct call_trials *trials, const struct binding *binding,
                    uint64_t tag, unsigned times)
{
  struct call_trial *trial = trial_of (trials, binding);

  if (trial == NULL || !trial->accepted)
    return false;
  if (trial->tag == tag) {
    trial->needed = false;
    trial->tag = 0;
    return false;
  }
  trial->needed = true;
  return times < MOST_REFUSALS;
}

/* Who answers so has looked at the keys. */
static bool
is_answer (const struct err *err)
{
  static const enum err_code others[] = {ERR_TRANSIENT, ERR_THROTTLED,
                                         ERR_TIMEOUT, ERR_UNKNOWN_EFFECT,
                                         ERR_PROTOCOL};

  for (size_t i = 0; err && i < ARRAY_SIZE (others); i++)
    if (err->code == others[i])
      return false;
  return true;
}

void
call_trial_over (struct call_trials *trials, const struct binding *binding,
                 uint64_t tag, const struct err *err)
{
  struct call_trial *trial = trial_of (trials, binding);
  struct call_trial fresh = {.binding = binding, .accepted = true};

  if (trial == NULL) {
    if (is_answer (err))
      call_trials_push (trials, fresh);
    return;
  }
  if (trial->tag != tag)
    return;
  trial->tag = 0; /* another may try */
  trial->needed = trial->needed && !is_answer (err);
}
