/* The command line as what controller/campaign.h and the agents take. */

#ifndef BOOTMEND_CLI_REQUEST_H
#define BOOTMEND_CLI_REQUEST_H

#include "command.h"

struct recipe;

/* --param of the recipe: an object of texts.  For a parameter of the type
 * "content", "@FILE" is replaced by that file, in base64. */
json_t *request_values (const struct cli *cli, const json_t *recipe,
                        struct err **err) ATTR_USE;

/* The recipe of --recipe with the values of --param, checked. */
struct recipe *request_recipe (const struct cli *cli,
                               struct err **err) ATTR_USE;

/* Who signed it (recipes/signature.h).  ERR_REFUSED: nobody that is trusted, or
 * nobody at all and --allow-unsigned was not said. */
json_t *request_origin (const struct cli *cli, const struct recipe *recipe,
                        struct err **err) ATTR_USE;

/* argv of the local agent with the options of GROUP_AGENT. */
/* The words of --keys, in order. */
json_t *request_keys (const struct cli *cli);

json_t *request_agent (const struct cli *cli);

/* What campaign_find takes: recipe, parameters, selection (the words of the
 * command line), policy, providers, agents, command. */
json_t *request_new (const struct cli *cli, struct err **err) ATTR_USE;

/* What a campaign that is carried on gets besides: helpers and their limits, as
 * campaign_amend takes it. */
json_t *request_amended (const struct cli *cli, struct err **err) ATTR_USE;

/* What is needed to speak with providers, and nothing else of a request. */
json_t *request_of_providers (const struct cli *cli);

/* --state-dir, or base/files' state_folder (). */
char *request_state_folder (const struct cli *cli);

/* The first word, or "last". */
const char *request_campaign_id (const struct cli *cli);

/* What --vm was given; NULL: it was not.  The array is the caller's, what it
 * holds is not. */
char **request_patterns (const struct cli *cli);

#endif
