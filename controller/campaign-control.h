/* Words to a campaign from other terminals, and what its journal says of halts
 * and approvals.
 *
 * A running campaign listens to files in its folder: `halt` (how, by whom; one
 * that can't be read or understood means: halt), and `approve-N` (wave N).  A
 * process reads them once a second and enters them in the journal, which is
 * where their truth is. */

#ifndef BOOTMEND_CAMPAIGN_CONTROL_H
#define BOOTMEND_CAMPAIGN_CONTROL_H

#include "campaign.h"

/* Hooks that add these files to what the caller's own say. */
struct control {
  const struct campaign *campaign;
  struct engine_hooks outer; /* the caller's */
  struct engine_hooks hooks; /* for the engine */
};
void control_init (struct control *control, const struct campaign *campaign,
                   const struct engine_hooks *hooks);
/* Old words don't count: takes the `halt` file away. */
int control_clear (const struct campaign *campaign, struct err **err) ATTR_USE;

/* From a folder's files: the pure-ish part, for tests. */
enum halt_wish control_read_halt (const char *folder, char **why);

/* What the events of a journal come to:
 * {halt: {kind, why, at} or absent, waits: {wave, by, at} or absent,
 *  approved: N} */
json_t *control_state (const json_t *events);

/* Adds waves, halt and waits to a report. */
int control_report (struct campaign *campaign, json_t *report,
                    struct err **err) ATTR_USE;

/* Who works on a campaign now, for marks: "user@host:4711-5e1c". */
char *control_controller (void);

/* "user@host" */
char *control_who (void);
/* The same, and where he is logged in from: "user@host from 192.0.2.7"; for the
 * record of what a person has said. */
char *control_person (void);

#endif
