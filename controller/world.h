/* Everything that lies outside the engine, behind one small interface.
 *
 * The engine turns completions into effects and does nothing else: it reads no
 * clock, opens no socket, starts no process.  The real world (world-real.h)
 * runs effects on worker threads, over HTTP and on agents; the simulated one
 * (tests/) is a fake cloud and a fake clock in memory.  So a whole campaign can
 * be replayed from a seed.
 */

#ifndef BOOTMEND_WORLD_H
#define BOOTMEND_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <base/clock.h>
#include <base/json.h>
#include <providers/provider.h>

enum effect_kind {
  EFFECT_OP,   /* one operation of a provider */
  EFFECT_WORK, /* work on a disk by an agent: `in` as protocol/protocol.h */
  EFFECT_PROBE /* a look at a VM from here: in {kind: "tcp", host, port} or
                  {kind: "command", program, vm} or
                  {kind: "approval", program, campaign, wave};
                  out {healthy, why} */
};

struct effect {
  uint64_t id; /* given by the engine, never used twice in a run */
  enum effect_kind kind;
  struct binding *binding; /* EFFECT_OP */
  enum op_id op;           /* EFFECT_OP */
  json_t *in;              /* owned */
};

struct completion {
  uint64_t id;       /* of the effect */
  json_t *out;       /* owned by the receiver; NULL with err */
  struct err *err;   /* likewise */
  bool last;         /* false: an agent's progress, more will follow */
  int64_t waited_ms; /* for tokens, before it was sent */
};

struct world {
  const struct clock *clock;
  /* Starts an effect; never blocks, never fails: errors come as completions.
   * Takes effect->in. */
  void (*submit) (struct world *world, struct effect effect);
  /* Work on a disk is not wanted any more.  Its completion follows in any case
   * and soon (as a result, or an error once the agent is known to be dead):
   * until then the disk is in somebody's hands. */
  void (*cancel) (struct world *world, uint64_t id);
  /* The agent that has this work said "ask" (as progress): it may write the
   * disk now.  Called after the journal has it.  NULL: agents of this world
   * never ask. */
  void (*allow) (struct world *world, uint64_t id);
  /* Does this request still stand in line, and nothing of it has been sent?
   * Its time has not begun then.  NULL: nobody stands in line here. */
  bool (*stands_in_line) (struct world *world, uint64_t id);
  /* The next completion, if there is one. */
  bool (*collect) (struct world *world, struct completion *completion);
  /* Returns when something may be collected, a signal came, or at until_ms of
   * the clock (-1: no limit), whichever is first. */
  void (*wait) (struct world *world, int64_t until_ms);
  /* What was called so far, this time and before (call-tally.h): a new
   * reference; NULL: nothing was.  The row itself may be NULL. */
  json_t *(*figures) (struct world *world);
};

void effect_release (struct effect *effect);
void completion_release (struct completion *completion);

/* One operation, waited for: for the time before and after a campaign.  `id`
 * must not be used by the engine (it counts from 1; use 0).  NULL: an error. */
json_t *world_ask (struct world *world, struct binding *binding, enum op_id op,
                   json_t *in_taken, struct err **err) ATTR_USE;

#endif
