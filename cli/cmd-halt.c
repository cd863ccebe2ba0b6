/* `bootmend halt` and `bootmend approve`: words to a campaign that runs in
 * another terminal. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include <base/clock.h>
#include <base/log.h>
#include <controller/campaign.h>

#include "output.h"
#include "request.h"
#include "stop.h"

/* How long `halt` watches for the end of the other process. */
#define WATCH_MS 60000
#define LOOK_MS  200

static struct campaign *
open_campaign (const struct cli *cli, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);

  return campaign_open (state, request_campaign_id (cli), JOURNAL_READ, err);
}

/* True once no process works on it. */
static bool
watch_end (const struct campaign *campaign)
{
  int64_t until = clock_now_ms (&real_clock) + WATCH_MS;

  stop_install ("the halt stays asked for", "the halt stays asked for");
  while (campaign_is_live (campaign)) {
    if (clock_now_ms (&real_clock) >= until || stop_check ())
      return false;
    stop_wait (LOOK_MS);
  }
  return true;
}

int
cmd_halt (struct cli *cli, struct err **err)
{
  bool drain = options_flag (cli->options, "drain");
  bool finish = options_flag (cli->options, "finish");
  const char *how = drain ? "drain" : finish ? "finish" : "park";
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;
  const char *id;
  bool ended;

  if (drain && finish)
    return err_set (err, ERR_USAGE, "--drain and --finish exclude each other");
  campaign = open_campaign (cli, err);
  if (campaign == NULL || campaign_ask_halt (campaign, how, err) == -1)
    return -1;
  id = campaign_id (campaign);
  ended = !drain && !finish && watch_end (campaign);
  if (options_flag (cli->options, "json"))
    output_json ("halt", json_make ("{s:s,s:s,s:b}", "campaign", id, "how", how,
                                    "ended", ended));
  else if (ended)
    printf ("Campaign %s has stopped; `bootmend resume %s` goes on, `bootmend "
            "rollback %s` goes back\n",
            id, id, id);
  else
    printf ("Campaign %s is asked to halt%s; `bootmend status %s` shows it\n",
            id,
            drain    ? ": what is in work is put back"
            : finish ? ": what is in work is finished"
                     : "",
            id);
  return EXIT_ALL_WELL;
}

int
cmd_approve (struct cli *cli, struct err **err)
{
  const struct str_vec *args = &cli->options->args;
  CLEANUP_CAMPAIGN struct campaign *campaign = open_campaign (cli, err);
  int64_t wave = 0;

  if (campaign == NULL)
    return -1;
  if (args->len > 1) {
    const char *text = args->ptr[1];

    wave = strtoll (text, NULL, 10);
    if (strspn (text, "0123456789") != strlen (text) || wave < 1)
      return err_set (err, ERR_USAGE, "'%s' is not the number of a wave", text);
  }
  if (campaign_ask_approve (campaign, &wave, err) == -1)
    return -1;
  if (options_flag (cli->options, "json"))
    output_json ("approval",
                 json_make ("{s:s,s:I}", "campaign", campaign_id (campaign),
                            "wave", (json_int_t)wave));
  else if (campaign_is_live (campaign))
    printf ("Wave %lld of campaign %s is approved\n", (long long)wave,
            campaign_id (campaign));
  else
    printf ("Wave %lld of campaign %s is approved; `bootmend resume %s` begins "
            "it\n",
            (long long)wave, campaign_id (campaign), campaign_id (campaign));
  return EXIT_ALL_WELL;
}
