/* A campaign while it runs and what came of it, for people and as JSON. */

#ifndef BOOTMEND_SHOW_H
#define BOOTMEND_SHOW_H

#include <controller/campaign.h>

#include "command.h"
#include "progress.h"

/* The display of --progress on stderr, or none with --quiet. */
struct progress *show_progress (const struct cli *cli, const char *unit,
                                int64_t total);

/* What an "appliance" event says to the operator; helper NULL: this machine. */
void show_notes (struct progress *progress, const char *helper,
                 const json_t *event);

struct show;

/* Progress and ^C for engine runs over a campaign:
 *
 *   struct show *show = show_new (cli, campaign);
 *   campaign_run (campaign, show_hooks (show), &end, &err);
 *   show_free (show);
 */
struct show *show_new (const struct cli *cli, struct campaign *campaign);
const struct engine_hooks *show_hooks (struct show *show);
void show_free (struct show *show);
#define CLEANUP_SHOW CLEANUP (cleanup_show)
void cleanup_show (struct show **show);

/* The table of VMs and the line below it; or the report itself with --json. */
int show_result (const struct cli *cli, struct campaign *campaign,
                 struct err **err);

/* "5 repaired, 1 skipped" from {outcome: n}. */
char *show_counts (const json_t *counts);

/* What was changed or why not, in one line; to be freed. */
char *show_what (const json_t *job);

/* "selection: no such VM: ..." for what a selection names and does not exist;
 * ERR_NOT_FOUND unless `skip` (then they are warnings) and others exist. */
int show_missing (const struct campaign *campaign, bool skip,
                  struct err **err) ATTR_USE;

#endif
