/* `bootmend repair`: from a selection, or exactly what a plan says. */

#include "command.h"

#include <base/log.h>

#include "campaigns.h"
#include "request.h"
#include "show.h"

#define PLAN_MAX_BYTES (256 * 1024 * 1024)

/* A plan is done as it is, or not at all: an option that would be left out in
 * silence is one that somebody counts on. */
static int
nothing_beside_plan (const struct cli *cli, struct err **err)
{
  static const uint64_t planned = GROUP_RECIPE | GROUP_PARAMETERS | GROUP_FIND |
                                  GROUP_POLICY | GROUP_ALLOW | GROUP_WAVES |
                                  GROUP_BUDGET | GROUP_AGENT | GROUP_HELPER |
                                  GROUP_PROVIDER | GROUP_KEYS;
  /* A webhook of this run may need its certificates. */
  const struct option_row *row =
      options_given (cli->options, planned, "ca-file");

  if (row == NULL)
    return 0;
  return err_set (err, ERR_USAGE,
                  "--plan: has all of that from its making, and --%s was given "
                  "beside it; make the plan again with that",
                  row->name);
}

static struct campaign *
find_from_plan (const struct cli *cli, const char *path, struct err **err)
{
  CLEANUP_JSON json_t *plan = NULL;
  struct campaign *campaign;

  if (cli->options->args.len) {
    err_set (err, ERR_USAGE, "--plan: has its own selection");
    return NULL;
  }
  if (nothing_beside_plan (cli, err) == -1)
    return NULL;
  plan = json_parse_file (path, PLAN_MAX_BYTES, err);
  if (plan == NULL)
    return NULL;
  campaign = campaign_find_planned (plan, err);
  if (campaign && campaign_size (campaign) == 0) {
    campaign_close (TAKE (campaign));
    err_set (err, ERR_NOT_FOUND, "the plan has no VM to repair");
  }
  if (campaign == NULL)
    err_wrap (err, "%s", path);
  return campaign;
}

static struct campaign *
find (const struct cli *cli, struct err **err)
{
  const char *plan = options_text (cli->options, "plan");
  CLEANUP_JSON json_t *request = NULL;

  if (plan)
    return find_from_plan (cli, plan, err);
  if (cli->options->args.len == 0) {
    err_set (err, ERR_USAGE, "SELECTOR or --plan is missing");
    return NULL;
  }
  request = request_new (cli, err);
  return request ? campaign_find (request, err) : NULL;
}

static int
preview (const struct cli *cli, struct campaign *campaign, struct err **err)
{
  CLEANUP_JSON json_t *plan = campaign_preview (cli, campaign, err);

  if (plan == NULL)
    return -1;
  plan_print (cli, plan);
  return EXIT_ALL_WELL;
}

int
cmd_repair (struct cli *cli, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign = find (cli, err);
  static const struct campaign_way forward = {.back = false};
  int code;

  if (campaign == NULL ||
      show_missing (campaign, options_flag (cli->options, "skip-missing"),
                    err) == -1)
    return -1;
  if (options_flag (cli->options, "dry-run"))
    code = preview (cli, campaign, err);
  else if (campaign_begin (campaign, state, err) == -1)
    code = -1;
  else {
    log_info ("campaign %s, %zu VMs", campaign_id (campaign),
              campaign_size (campaign));
    code = campaign_carry_on (cli, campaign, &forward, err);
  }
  return code;
}
