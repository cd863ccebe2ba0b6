/* What a campaign asked of clouds, for people: how often, how it was slowed
 * down, and which helpers did the work. */

#ifndef BOOTMEND_SHOW_CALLS_H
#define BOOTMEND_SHOW_CALLS_H

#include "command.h"

/* Of a report (campaign_report); "" if no cloud was called.  To be freed. */
char *show_calls (const struct cli *cli, const json_t *report);

#endif
