/* The rows: every step that any strategy uses, and the strategies themselves.
 */

#include "step.h"

#include <stddef.h>
#include <string.h>

#include "policy.h"
#include "steps-internal.h"

#define LIMIT(field) offsetof (struct policy, field)

static const struct step steps[] = {
    {.name = "preflight",
     .doing = "checking",
     .flags = STEP_FRESH | STEP_FIRST | STEP_REFUSALS,
     .limit = LIMIT (describe_ms),
     .seen = preflight_seen},
    {.name = "protection",
     .doing = "checking what takes a call of its own",
     .flags = STEP_FIRST,
     .limit = LIMIT (describe_ms),
     .wanted = protection_wanted,
     .act = protection_act,
     .reply = protection_reply},
    {.name = "look",
     .doing = "asking whether it boots",
     .flags = STEP_BEST_EFFORT | STEP_FIRST,
     .limit = LIMIT (console_ms),
     .wanted = look_wanted,
     .act = look_act,
     .reply = look_reply,
     .failed = look_failed},
    {.name = "console-before",
     .doing = "saving its console",
     .flags = STEP_BEST_EFFORT,
     .limit = LIMIT (console_ms),
     .wanted = console_before_wanted,
     .act = console_act,
     .reply = console_before_reply},
    {.name = "screenshot-before",
     .doing = "saving its screen",
     .flags = STEP_BEST_EFFORT,
     .limit = LIMIT (console_ms),
     .wanted = screenshot_before_wanted,
     .act = screenshot_act,
     .reply = screenshot_before_reply},
    {.name = "mark",
     .undo = "unmark",
     .doing = "marking",
     .flags = STEP_FRESH | /* another's mark is not overwritten */
              STEP_ASIDE,
     .limit = LIMIT (mark_ms),
     .seen = mark_seen,
     .act = mark_act,
     .reply = batch_reply,
     .again_ms = 30000},
    {.name = "stop",
     .undo = "start",
     .doing = "stopping",
     .flags = STEP_FRESH,
     .limit = LIMIT (stop_ms),
     .seen = stop_seen,
     .act = stop_act,
     .reply = stop_reply,
     .again_ms = -1 /* policy.shutdown_ms: then by force */},
    {.name = "snapshot",
     .doing = "taking a snapshot",
     .flags = STEP_ATTACHES,
     .limit = LIMIT (snapshot_ms),
     .wanted = snapshot_wanted,
     .act = snapshot_act,
     .reply = snapshot_reply},
    {.name = "detach",
     .undo = "attach",
     .doing = "detaching its disk",
     .flags = STEP_ATTACHES | STEP_FRESH | STEP_DISK,
     .limit = LIMIT (attach_ms),
     .wanted = job_attaches,
     .ready = helper_ready,
     .seen = detach_seen,
     .act = detach_act,
     .again_ms = 60000},
    {.name = "attach-helper",
     .undo = "detach-helper",
     .doing = "attaching its disk to a helper",
     .flags = STEP_ATTACHES | STEP_FRESH | STEP_DISK,
     .limit = LIMIT (attach_ms),
     .wanted = job_attaches,
     .ready = helper_ready,
     .seen = attach_helper_seen,
     .act = attach_helper_act,
     .again_ms = 60000},
    {.name = "detach-helper",
     .undo = "attach-helper",
     .doing = "detaching its disk from the helper",
     .flags = STEP_ATTACHES | STEP_FRESH | STEP_DISK,
     .limit = LIMIT (attach_ms),
     .wanted = job_attaches,
     .seen = detach_helper_seen,
     .act = detach_helper_act,
     .again_ms = 60000},
    {.name = "attach",
     .undo = "detach",
     .doing = "giving its disk back",
     .flags = STEP_ATTACHES | STEP_FRESH | STEP_DISK,
     .limit = LIMIT (attach_ms),
     .wanted = job_attaches,
     .seen = attach_seen,
     .act = attach_act,
     .again_ms = 60000},
    {.name = "repair",
     .undo = "repair-undo",
     .doing = "repairing",
     .flags = STEP_FRESH | STEP_DISK,
     .limit = LIMIT (repair_ms),
     .act = repair_act,
     .reply = repair_reply,
     .told = "repair"},
    {.name = "repair-undo",
     .doing = "undoing the repair",
     .flags = STEP_FRESH | STEP_DISK,
     .limit = LIMIT (repair_ms),
     .wanted = repair_undo_wanted,
     .act = repair_undo_act,
     .reply = repair_undo_reply,
     .told = "repair_undo"},
    {.name = "attributes",
     .doing = "putting attributes back",
     .flags = STEP_FRESH | STEP_WHOLE |
              STEP_BEST_EFFORT, /* "compare" has the last word */
     .limit = LIMIT (describe_ms),
     .seen = attributes_seen,
     .act = attributes_act,
     .again_ms = 30000},
    {.name = "baseline",
     .doing = "reading its console",
     .flags = STEP_BEST_EFFORT,
     .limit = LIMIT (console_ms),
     .wanted = baseline_wanted,
     .act = console_act,
     .reply = baseline_reply},
    {.name = "start",
     .undo = "stop",
     .doing = "starting",
     .limit = LIMIT (start_ms),
     .wanted = start_wanted,
     .seen = start_seen,
     .act = start_act,
     .reply = batch_reply,
     .again_ms = 60000 /* a start that was accepted may fall back */},
    {.name = "verify",
     .doing = "waiting for proof that it boots",
     .flags = STEP_BEST_EFFORT,
     .limit = LIMIT (verify_ms),
     .wanted = verify_wanted,
     .act = verify_act,
     .reply = verify_reply,
     .failed = verify_failed},
    {.name = "console-after",
     .doing = "saving its console",
     .flags = STEP_BEST_EFFORT,
     .limit = LIMIT (console_ms),
     .wanted = console_after_wanted,
     .act = console_act,
     .reply = console_after_reply},
    {.name = "screenshot-after",
     .doing = "saving its screen",
     .flags = STEP_BEST_EFFORT,
     .limit = LIMIT (console_ms),
     .wanted = screenshot_after_wanted,
     .act = screenshot_act,
     .reply = screenshot_after_reply},
    {.name = "unmark",
     .undo = "mark",
     .doing = "unmarking",
     .flags = STEP_FRESH | STEP_LAST | STEP_ASIDE,
     .limit = LIMIT (mark_ms),
     .seen = unmark_seen,
     .act = mark_act,
     .reply = batch_reply,
     .again_ms = 30000},
    {.name = "compare",
     .doing = "comparing with before",
     .flags = STEP_FRESH | STEP_QUIET | STEP_LAST | STEP_WHOLE,
     .limit = LIMIT (describe_ms),
     .seen = compare_seen},
};

static const char *const move_steps[] = {"preflight",
                                         "protection",
                                         "look",
                                         "console-before",
                                         "screenshot-before",
                                         "mark",
                                         "stop",
                                         "snapshot",
                                         "detach",
                                         "attach-helper",
                                         "repair",
                                         "detach-helper",
                                         "attach",
                                         "attributes",
                                         "baseline",
                                         "start",
                                         "verify",
                                         "console-after",
                                         "screenshot-after",
                                         "unmark",
                                         "compare",
                                         NULL};

static const struct strategy move = {
    .name = "move",
    .description = "stop the VM, repair its own OS disk, start it",
    .cap = CAP_MOVE,
    .steps = move_steps,
    .conclude = job_conclude,
};

const struct strategy *const strategies[] = {&move, NULL};

const struct step *
step_by_name (const char *name)
{
  for (size_t i = 0; i < ARRAY_SIZE (steps); i++)
    if (strcmp (steps[i].name, name) == 0)
      return &steps[i];
  return NULL;
}

const struct strategy *
strategy_by_name (const char *name)
{
  for (size_t i = 0; strategies[i]; i++)
    if (strcmp (strategies[i]->name, name) == 0)
      return strategies[i];
  return NULL;
}

const struct step *
strategy_first (const struct strategy *strategy)
{
  return step_by_name (strategy->steps[0]);
}

const struct step *
strategy_next (const struct strategy *strategy, const char *name)
{
  for (size_t i = 0; strategy->steps[i]; i++)
    if (strcmp (strategy->steps[i], name) == 0)
      return strategy->steps[i + 1] ? step_by_name (strategy->steps[i + 1])
                                    : NULL;
  return NULL;
}
