/* Random numbers that can be had again.
 *
 * Jitter, fault injection and simulation draw from a source that is handed to
 * them, so a run is repeatable from its seed.  Not for anything secret. */

#ifndef BOOTMEND_RANDOM_H
#define BOOTMEND_RANDOM_H

#include <stdint.h>

struct random_source {
  uint64_t state;
};

void random_init (struct random_source *random, uint64_t seed);
/* A seed from the kernel, for real runs. */
uint64_t random_fresh_seed (void);

uint64_t random_next (struct random_source *random);
/* Evenly from 0 to limit - 1; 0 for a limit of 0. */
uint64_t random_below (struct random_source *random, uint64_t limit);

#endif
