/* What happens later on a fake clock: a heap by time, then by order of birth.
 */

#ifndef BOOTMEND_SIM_EVENTS_H
#define BOOTMEND_SIM_EVENTS_H

#include <base/clock.h>
#include <base/vec.h>

struct sim_event {
  int64_t at_ms;
  uint64_t serial;
  void (*run) (void *opaque, void *arg);
  void (*drop) (void *arg); /* of one that never ran; NULL: nothing to free */
  void *opaque, *arg;
};
DEFINE_VEC (struct sim_event, sim_event_vec);

struct sim_events {
  struct fake_clock *clock;
  struct sim_event_vec heap;
  uint64_t serial;
};

/* in_ms from now; `run` gets arg, and owns it from then on. */
void sim_events_add (struct sim_events *events, int64_t in_ms,
                     void (*run) (void *opaque, void *arg),
                     void (*drop) (void *arg), void *opaque, void *arg);
/* When the next one is due; -1: there is none. */
int64_t sim_events_next_ms (const struct sim_events *events);
/* Moves the clock to a time, and runs what is due on the way, each at its own
 * time. */
void sim_events_pass (struct sim_events *events, int64_t until_ms);
void sim_events_release (struct sim_events *events);

#endif
