/* `bootmend resume`, `retry` and `rollback`: campaigns that have a journal. */

#include "command.h"

#include <base/log.h>

#include "campaigns.h"
#include "request.h"

static struct campaign *
open_campaign (const struct cli *cli, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_JSON json_t *amended = request_amended (cli, err);
  CLEANUP_JSON json_t *keys = request_keys (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;

  if (amended == NULL)
    return NULL;
  campaign =
      campaign_open (state, request_campaign_id (cli), JOURNAL_WRITE, err);
  if (campaign == NULL || campaign_amend (campaign, amended, err) == -1)
    return NULL;
  if (campaign_use_keys (campaign, keys, err) == -1)
    return NULL;
  return TAKE (campaign);
}

/* Halted as before: the exit status says so, too. */
static int
still_halted (struct err **err)
{
  if (*err == NULL || (*err)->code != ERR_REFUSED)
    return -1;
  log_error ("%s", (*err)->msg);
  err_move (err, NULL);
  return EXIT_INTERRUPTED;
}

/* With new sources all that wait for a key are tried again, without those that
 * the old ones have a key for by now. */
static int
retry_for_keys (const struct cli *cli, struct campaign *campaign,
                struct err **err)
{
  size_t n = 0;

  if (options_count (cli->options, "keys"))
    n = campaign_retry_keys (campaign);
  else if (campaign_pick_up_keys (campaign, &n, err) == -1)
    return -1;
  if (n)
    log_info ("%zu VM%s that lacked a key %s tried again", n, n == 1 ? "" : "s",
              n == 1 ? "is" : "are");
  return 0;
}

int
cmd_resume (struct cli *cli, struct err **err)
{
  static const struct campaign_way forward = {.back = false};
  CLEANUP_CAMPAIGN struct campaign *campaign = open_campaign (cli, err);
  CLEANUP_JSON json_t *policy = options_to_json (cli->options, "policy.");
  bool accept = options_flag (cli->options, "continue");

  if (campaign == NULL)
    return -1;
  if (retry_for_keys (cli, campaign, err) == -1)
    return -1;
  if (campaign_say_continue (campaign, accept ? "--continue" : "resume", accept,
                             policy, err) == -1)
    return still_halted (err);
  return campaign_carry_on (cli, campaign, &forward, err);
}

int
cmd_retry (struct cli *cli, struct err **err)
{
  static const struct campaign_way forward = {.back = false};
  CLEANUP_FREE char **patterns = request_patterns (cli);
  bool failed = options_flag (cli->options, "failed");
  bool skipped = options_flag (cli->options, "skipped");
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;

  if (patterns == NULL && !failed && !skipped)
    return err_set (err, ERR_USAGE,
                    "which VMs? --failed, --skipped or --vm PATTERN");
  campaign = open_campaign (cli, err);
  if (campaign == NULL)
    return -1;
  if (campaign_retry (campaign, patterns, failed, skipped, err) == -1)
    return still_halted (err);
  return campaign_carry_on (cli, campaign, &forward, err);
}

int
cmd_rollback (struct cli *cli, struct err **err)
{
  CLEANUP_FREE char **patterns = request_patterns (cli);
  struct campaign_way back = {.back = true, .patterns = patterns};
  CLEANUP_CAMPAIGN struct campaign *campaign = open_campaign (cli, err);

  return campaign ? campaign_carry_on (cli, campaign, &back, err) : -1;
}
