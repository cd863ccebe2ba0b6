#include "arrivals.h"

void
arrivals_add (struct arrivals *arrivals, const struct clock *clock,
              struct exchange done, int64_t delay_ms)
{
  struct arrival a = {clock_now_ms (clock) + delay_ms, done};

  a.done.ended_wall_ms = clock_wall_ms (clock) + delay_ms;
  arrivals_push (arrivals, a);
}

void
arrivals_take_due (struct arrivals *arrivals, const struct clock *clock,
                   struct exchanges *done)
{
  int64_t now = clock_now_ms (clock);
  size_t kept = 0;

  for (size_t i = 0; i < arrivals->len; i++)
    if (arrivals->ptr[i].due_ms <= now)
      exchanges_push (done, arrivals->ptr[i].done);
    else
      arrivals->ptr[kept++] = arrivals->ptr[i];
  arrivals->len = kept;
}

int64_t
arrivals_next_ms (const struct arrivals *arrivals, const struct clock *clock)
{
  int64_t now = clock_now_ms (clock), next = -1;

  for (size_t i = 0; i < arrivals->len; i++) {
    int64_t ms = arrivals->ptr[i].due_ms - now;

    if (ms < 0)
      ms = 0;
    if (next < 0 || ms < next)
      next = ms;
  }
  return next;
}

bool
arrivals_cancel (struct arrivals *arrivals, uint64_t tag)
{
  for (size_t i = 0; i < arrivals->len; i++)
    if (arrivals->ptr[i].done.tag == tag) {
      struct arrival a = arrivals_remove (arrivals, i);

      exchange_release (&a.done);
      return true;
    }
  return false;
}

void
arrivals_free_all (struct arrivals *arrivals)
{
  for (size_t i = 0; i < arrivals->len; i++)
    exchange_release (&arrivals->ptr[i].done);
  arrivals_release (arrivals);
}
