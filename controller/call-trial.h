/* Keys that a service refused although it had accepted them before: they have
 * ended early, or were changed.  They are found once more, and one call tries
 * the new ones while all others of that binding wait: that costs a request and
 * one message, not one for each VM.  Keys that were never accepted are wrong.
 *
 * A refused request had no effect: it is sent again as it was. */

#ifndef BOOTMEND_CALL_TRIAL_H
#define BOOTMEND_CALL_TRIAL_H

#include <base/err.h>
#include <base/vec.h>
#include <providers/provider.h>

struct call_trial {
  const struct binding *binding;
  bool accepted; /* keys of this binding were, at some time */
  bool needed;   /* new ones are to be tried */
  uint64_t tag;  /* of the call that tries; 0: none does yet */
};
DEFINE_VEC (struct call_trial, call_trials);

/* Must this call wait for what another's trial shows? */
bool call_trial_holds (const struct call_trials *trials,
                       const struct binding *binding, uint64_t tag);
/* This call is sent: it is the trial, if one is needed. */
void call_trial_sent (struct call_trials *trials, const struct binding *binding,
                      uint64_t tag);
/* Its keys were refused, so many times by now.  True: they are to be renewed
 * and the call is sent again; false: that is final. */
bool call_trial_refused (struct call_trials *trials,
                         const struct binding *binding, uint64_t tag,
                         unsigned times);
/* It came to another end; err NULL: it went well.  An error that says nothing
 * of keys lets another call try. */
void call_trial_over (struct call_trials *trials, const struct binding *binding,
                      uint64_t tag, const struct err *err);

#endif
