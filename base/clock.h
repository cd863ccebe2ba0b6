/* Time as a parameter.
 *
 * Logic never reads a clock: it is handed one.  The fake clock lets an hour of
 * polling pass in a millisecond and makes a run repeatable. */

#ifndef BOOTMEND_CLOCK_H
#define BOOTMEND_CLOCK_H

#include <stdint.h>

#include <base/mem.h>

struct clock {
  /* Milliseconds that never go back; only differences mean something. */
  int64_t (*now_ms) (const struct clock *clock);
  /* Milliseconds since 1970-01-01 UTC. */
  int64_t (*wall_ms) (const struct clock *clock);
};

/* The machine's clocks. */
extern const struct clock real_clock;

struct fake_clock {
  struct clock clock; /* first: a struct fake_clock * is a struct clock * */
  int64_t mono_ms;
  int64_t wall_ms;
};

void fake_clock_init (struct fake_clock *fake, int64_t wall_ms);
void fake_clock_advance (struct fake_clock *fake, int64_t by_ms);

static inline int64_t
clock_now_ms (const struct clock *clock)
{
  return clock->now_ms (clock);
}

static inline int64_t
clock_wall_ms (const struct clock *clock)
{
  return clock->wall_ms (clock);
}

/* "2024-07-19T04:09:12.345Z" (RFC 3339, UTC; the fraction only with ms). */
char *time_format_ms (int64_t wall_ms);
/* Reads RFC 3339 with Z or an offset, fraction optional; -1 if it is none. */
int time_parse_ms (const char *text, int64_t *wall_ms);

/* FILETIME (100 ns since 1601-01-01 UTC) to ns since 1970 and back. */
int64_t filetime_to_unix_ns (uint64_t filetime);
uint64_t filetime_from_unix_ns (int64_t unix_ns);

#endif
