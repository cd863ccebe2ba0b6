/* `bootmend resume` and `bootmend rollback`: campaigns that have a journal. */

#include "command.h"

#include "campaigns.h"
#include "request.h"

static int
carry_on (struct cli *cli, const struct campaign_way *way, struct err **err)
{
  CLEANUP_FREE char *state = request_state_folder (cli);
  CLEANUP_CAMPAIGN struct campaign *campaign =
      campaign_open (state, request_campaign_id (cli), JOURNAL_WRITE, err);
  int code = -1;

  if (campaign)
    code = campaign_carry_on (cli, campaign, way, err);
  return code;
}

int
cmd_resume (struct cli *cli, struct err **err)
{
  static const struct campaign_way forward = {.back = false};

  return carry_on (cli, &forward, err);
}

int
cmd_rollback (struct cli *cli, struct err **err)
{
  const struct str_vec *given = options_list (cli->options, "vm");
  CLEANUP_FREE char **patterns = xcalloc (given->len + 1, sizeof *patterns);
  struct campaign_way back = {.back = true,
                              .patterns = given->len ? patterns : NULL};

  for (size_t i = 0; i < given->len; i++)
    patterns[i] = given->ptr[i];
  return carry_on (cli, &back, err);
}
