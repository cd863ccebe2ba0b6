#include "events.h"

#include <stdbool.h>

static bool
is_before (const struct sim_event *a, const struct sim_event *b)
{
  return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->serial < b->serial);
}

static void
swap (struct sim_event *a, struct sim_event *b)
{
  struct sim_event c = *a;

  *a = *b;
  *b = c;
}

void
sim_events_add (struct sim_events *events, int64_t in_ms,
                void (*run) (void *opaque, void *arg), void (*drop) (void *arg),
                void *opaque, void *arg)
{
  struct sim_event_vec *heap = &events->heap;
  struct sim_event event = {events->clock->mono_ms + (in_ms > 0 ? in_ms : 0),
                            ++events->serial,
                            run,
                            drop,
                            opaque,
                            arg};

  sim_event_vec_push (heap, event);
  for (size_t i = heap->len - 1;
       i && is_before (&heap->ptr[i], &heap->ptr[(i - 1) / 2]); i = (i - 1) / 2)
    swap (&heap->ptr[i], &heap->ptr[(i - 1) / 2]);
}

static struct sim_event
take_first (struct sim_event_vec *heap)
{
  struct sim_event first = heap->ptr[0];
  size_t i = 0;

  heap->ptr[0] = heap->ptr[--heap->len];
  for (;;) {
    size_t least = i;

    for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
      if (child < heap->len && is_before (&heap->ptr[child], &heap->ptr[least]))
        least = child;
    if (least == i)
      return first;
    swap (&heap->ptr[i], &heap->ptr[least]);
    i = least;
  }
}

int64_t
sim_events_next_ms (const struct sim_events *events)
{
  return events->heap.len ? events->heap.ptr[0].at_ms : -1;
}

void
sim_events_pass (struct sim_events *events, int64_t until_ms)
{
  struct fake_clock *clock = events->clock;

  while (events->heap.len && events->heap.ptr[0].at_ms <= until_ms) {
    struct sim_event event = take_first (&events->heap);

    if (event.at_ms > clock->mono_ms)
      fake_clock_advance (clock, event.at_ms - clock->mono_ms);
    event.run (event.opaque, event.arg);
  }
  if (until_ms > clock->mono_ms)
    fake_clock_advance (clock, until_ms - clock->mono_ms);
}

void
sim_events_release (struct sim_events *events)
{
  for (size_t i = 0; i < events->heap.len; i++)
    if (events->heap.ptr[i].drop)
      events->heap.ptr[i].drop (events->heap.ptr[i].arg);
  sim_event_vec_release (&events->heap);
}
