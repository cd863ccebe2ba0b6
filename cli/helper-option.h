/* --helper ID=WHERE[,KEY[=VALUE]...] as what a campaign's request holds. */

#ifndef BOOTMEND_CLI_HELPER_OPTION_H
#define BOOTMEND_CLI_HELPER_OPTION_H

#include "command.h"

/* The id of a helper as its provider spells it; to be freed. */
char *helper_option_id (const char *text);

/* Adds one to helpers {ID: {where, devices}} and agents {ID: how its agent is
 * started, world-real.h}.  ERR_USAGE names what is wrong. */
int helper_option_add (const struct cli *cli, const char *id, const char *text,
                       json_t *agents, json_t *helpers,
                       struct err **err) ATTR_USE;

/* All of the command line: both objects get what --helper says. */
int helper_options_add (const struct cli *cli, json_t *agents, json_t *helpers,
                        struct err **err) ATTR_USE;

#endif
