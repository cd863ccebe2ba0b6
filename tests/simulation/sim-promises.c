/* What the simulation checks, in words: the rows of docs/guarantees.md. */

#include <base/mem.h>

#include "simulation.h"

static const char *const texts[SIM_PROMISES] = {
    [SIM_JOURNALLED] = "intent and way back are committed before a request",
    [SIM_STOPPED_DISK] = "a disk is worked on only while its VM is stopped",
    [SIM_NO_START_WHILE_HELD] = "no start while an agent has the disk",
    [SIM_ONE_HAND] = "a disk is in one hand at a time, and in none at the end",
    [SIM_NEVER_WITHOUT_DISK] = "no VM without its disk but within its own step",
    [SIM_HEALTHY_LEFT_ALONE] = "a healthy VM is left alone",
    [SIM_MAX_IN_FLIGHT] = "not more in work than max_in_flight",
    [SIM_TRUE_OUTCOME] = "every outcome is true",
    [SIM_ATTENTION_EXPLAINED] = "something explains each failed-attention",
    [SIM_ALL_REPORTED] = "what was made is in the report",
    [SIM_ORIGINAL_UNTOUCHED] = "the original of a swap is untouched",
    [SIM_ROLLED_BACK] = "nothing repaired is left after a rollback",
    [SIM_SAME_AFTER_KILL] = "killed and resumed, it ends as undisturbed",
    [SIM_ENDS] = "every campaign ends",
    [SIM_WALL_CLOCK] = "a clock that is set changes nothing",
    [SIM_WAVE_BEFORE] = "a wave waits for those before, and for proof",
    [SIM_BUDGET] = "nothing is begun once the budget is spent",
    [SIM_HALT_HEARD] = "nothing is begun after the operator's halt",
    [SIM_DRAINED] = "nothing is repaired after a halt that drains",
    [SIM_APPROVED] = "no wave begins without its approval",
    [SIM_GROUP] = "never more of a group down than allowed",
    [SIM_SOAK] = "what is proven was up for the whole soak",
    [SIM_HEALED] = "what came up by itself is left alone",
    [SIM_ONE_CONTROLLER] = "two controllers are never at work on one VM",
    [SIM_TAKEN_OVER] = "what was taken over is not touched any more",
    [SIM_UNMARKED] = "no mark comes back after it was taken away",
    [SIM_AUDIT] = "the chain of hashes holds, and fits the tables",
    [SIM_OWN_ACCOUNT] = "each account is asked for its own VMs only",
};

const char *
sim_promise_text (enum sim_promise promise)
{
  return texts[promise];
}
