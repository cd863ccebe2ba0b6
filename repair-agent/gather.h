/* Which waiting disks go into the next appliance.
 *
 * The idea is a database's group commit: the start of an appliance costs as
 * much as the work on many disks, so whatever waits when one can start goes
 * along.  While all slots are busy the queue fills by itself; only when a slot
 * is idle is there a short wait for the rest of a burst. */

#ifndef BOOTMEND_GATHER_H
#define BOOTMEND_GATHER_H

#include "job.h"

struct gather_rules {
  size_t batch;       /* disks in one appliance at most */
  size_t share;       /* fewer than this are not spread over idle slots */
  size_t idle_slots;  /* at least 1 */
  int64_t quiet_ms;   /* a burst is over when nothing came for this long */
  int64_t longest_ms; /* nobody waits longer than this for company */
};

/* Picks from jobs (all, in order of arrival; those running block their disk).
 * Fills `picked` and returns how many there are; 0: nothing now, and *wait_ms
 * is when to ask again (-1: when something happens). */
size_t gather (const struct job_vec *jobs, const struct gather_rules *rules,
               int64_t now_ms, struct job_vec *picked, int64_t *wait_ms);

#endif
