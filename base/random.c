#include "random.h"

#include <sys/random.h>
#include <time.h>

void
random_init (struct random_source *random, uint64_t seed)
{
  random->state = seed;
}

uint64_t
random_fresh_seed (void)
{
  uint64_t seed;
  struct timespec ts;

  if (getrandom (&seed, sizeof seed, 0) == sizeof seed)
    return seed;
  clock_gettime (CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * UINT64_C (1000000007) + (uint64_t)ts.tv_nsec;
}

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", 2014): any seed is a good one, also 0, 1, 2, ... */
uint64_t
random_next (struct random_source *random)
{
  uint64_t z;

  random->state += UINT64_C (0x9e3779b97f4a7c15);
  z = random->state;
  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t
random_below (struct random_source *random, uint64_t limit)
{
  uint64_t excess, n;

  if (limit == 0)
    return 0;
  /* Values above the last full multiple of limit would favour small ones. */
  excess = (UINT64_MAX % limit + 1) % limit;
  do
    n = random_next (random);
  while (n > UINT64_MAX - excess);
  return n % limit;
}
