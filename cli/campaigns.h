/* What the commands about campaigns share. */

#ifndef BOOTMEND_CAMPAIGNS_H
#define BOOTMEND_CAMPAIGNS_H

#include <controller/campaign.h>

#include "command.h"

/* Checks every VM, with progress, and gives the plan. */
json_t *campaign_preview (const struct cli *cli, struct campaign *campaign,
                          struct err **err) ATTR_USE;
/* The plan as a table, or with --json as it is. */
void plan_print (const struct cli *cli, const json_t *plan);

/* Which run: forward, or back for the VMs that match (NULL: all). */
struct campaign_way {
  bool back;
  char *const *patterns;
};

/* Runs a campaign that has a journal, shows how it goes and what came of it,
 * and says what to do next where something is left.  Returns the exit code, or
 * -1. */
int campaign_carry_on (const struct cli *cli, struct campaign *campaign,
                       const struct campaign_way *way, struct err **err);

#endif
