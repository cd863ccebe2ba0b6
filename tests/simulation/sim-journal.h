/* What the journal on disk says, read by somebody else while the controller
 * writes: was a request journalled before it was sent? */

#ifndef BOOTMEND_SIM_JOURNAL_H
#define BOOTMEND_SIM_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

struct sim_journal;

struct sim_journal *sim_journal_open (const char *path);
void sim_journal_close (struct sim_journal *journal);

/* How many requests of a step are on record ("intent" and "again" rows that
 * announce one). */
unsigned sim_journal_announced (struct sim_journal *journal, int64_t job,
                                const char *step, bool back);
/* True if the job's way back names the step. */
bool sim_journal_has_undo (struct sim_journal *journal, int64_t job,
                           const char *step);

#endif
