/* What --notify-command and --webhook are told of a campaign, and when:
 *
 *   campaign-begun      it begins, or goes on ({way: "repair" | "resume" |
 *                       "rollback"}, recipe, vms)
 *   wave-done           all VMs of a wave have ended ({wave, counts})
 *   approval-wanted     it waits for a person ({wave, by})
 *   approved            by whom
 *   needs-attention     a person has to look at a VM ({vm, id, why})
 *   campaign-halted     ({kind, why, in_flight})
 *   campaign-finished   ({exit_status, counts, audit: {entries, head}}), also
 *                       when it was interrupted
 *
 * controller/notify.h says how they get there. */

#ifndef BOOTMEND_NOTICES_H
#define BOOTMEND_NOTICES_H

#include <controller/campaign.h>

#include "command.h"

/* Opens the targets of this command line; none: cli->notify stays NULL. */
int notices_open (struct cli *cli, struct err **err) ATTR_USE;
/* Waits a moment for what is still on its way, and says what did not arrive. */
void notices_close (struct cli *cli);

void notices_begun (const struct cli *cli, const struct campaign *campaign,
                    bool back);
/* A job of it has ended. */
void notices_ended (const struct cli *cli, const struct campaign *campaign,
                    const struct job *job);
/* An event of its journal (engine.h). */
void notices_event (const struct cli *cli, const struct campaign *campaign,
                    const char *kind, const json_t *detail);
void notices_finished (const struct cli *cli, struct campaign *campaign,
                       int exit_status);

#endif
