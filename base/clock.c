#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILETIME_EPOCH_DIFF_100NS INT64_C (116444736000000000)

static int64_t
read_clock_ms (clockid_t id)
{
  struct timespec ts;

  clock_gettime (id, &ts);
  return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
real_now_ms (const struct clock *clock)
{
  (void)clock;
  return read_clock_ms (CLOCK_MONOTONIC);
}

static int64_t
real_wall_ms (const struct clock *clock)
{
  (void)clock;
  return read_clock_ms (CLOCK_REALTIME);
}

const struct clock real_clock = {real_now_ms, real_wall_ms};

static int64_t
fake_now_ms (const struct clock *clock)
{
  return ((const struct fake_clock *)clock)->mono_ms;
}

static int64_t
fake_wall_ms (const struct clock *clock)
{
  return ((const struct fake_clock *)clock)->wall_ms;
}

void
fake_clock_init (struct fake_clock *fake, int64_t wall_ms)
{
  fake->clock.now_ms = fake_now_ms;
  fake->clock.wall_ms = fake_wall_ms;
  fake->mono_ms = 0;
  fake->wall_ms = wall_ms;
}

void
fake_clock_advance (struct fake_clock *fake, int64_t by_ms)
{
  fake->mono_ms += by_ms;
  fake->wall_ms += by_ms;
}

char *
time_format_ms (int64_t wall_ms)
{
  time_t seconds = (time_t)(wall_ms / 1000);
  int ms = (int)(wall_ms % 1000);
  struct tm tm;
  char text[64];

  if (ms < 0) {
    ms += 1000;
    seconds--;
  }
  gmtime_r (&seconds, &tm);
  strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
  if (ms)
    return xasprintf ("%s.%03dZ", text, ms);
  return xasprintf ("%sZ", text);
}

/* ".123456" as milliseconds; moves *p behind it. */
static int
parse_fraction_ms (const char **p)
{
  int ms = 0, digits = 0;

  if (**p != '.')
    return 0;
  for ((*p)++; **p >= '0' && **p <= '9'; (*p)++, digits++)
    if (digits < 3)
      ms = ms * 10 + (**p - '0');
  for (; digits < 3; digits++)
    ms *= 10;
  return ms;
}

int
time_parse_ms (const char *text, int64_t *wall_ms)
{
  struct tm tm = {0};
  const char *p = strptime (text, "%Y-%m-%dT%H:%M:%S", &tm);
  int ms, sign, hours, minutes, day = tm.tm_mday, used = 0;
  int64_t offset_s = 0, seconds;

  if (p == NULL)
    return -1;
  ms = parse_fraction_ms (&p);
  if (*p == '+' || *p == '-') {
    sign = *p == '-' ? -1 : 1;
    if (sscanf (p + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
        p[1 + used] || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
      return -1;
    offset_s = sign * (hours * 3600 + minutes * 60);
  } else if (strcmp (p, "Z") != 0)
    return -1;
  seconds = timegm (&tm);
  if (tm.tm_mday != day)
    return -1; /* 30 February: timegm made 1 March of it */
  *wall_ms = (seconds - offset_s) * 1000 + ms;
  return 0;
}

int64_t
filetime_to_unix_ns (uint64_t filetime)
{
  return ((int64_t)filetime - FILETIME_EPOCH_DIFF_100NS) * 100;
}

uint64_t
filetime_from_unix_ns (int64_t unix_ns)
{
  return (uint64_t)(unix_ns / 100 + FILETIME_EPOCH_DIFF_100NS);
}
