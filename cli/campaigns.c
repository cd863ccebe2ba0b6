#include "campaigns.h"

#include <base/log.h>

#include "show.h"

json_t *
campaign_preview (const struct cli *cli, struct campaign *campaign,
                  struct err **err)
{
  struct show *show = show_new (cli, campaign);
  int r = campaign_check (campaign, show_hooks (show), err);

  show_free (show);
  return r == -1 ? NULL : campaign_plan (campaign);
}

/* On the way back success is to be as before. */
static int
exit_code_back (const struct campaign *campaign)
{
  const struct job_vec *jobs = campaign_jobs (campaign);
  size_t good = 0, bad = 0;

  for (size_t i = 0; i < jobs->len; i++) {
    const struct job *job = jobs->ptr[i];

    if (!job->back)
      continue;
    if (job->phase != PHASE_ENDED)
      return EXIT_INTERRUPTED;
    if (job->outcome == OUT_FAILED_ATTENTION)
      bad++;
    else
      good++;
  }
  if (bad == 0)
    return EXIT_ALL_WELL;
  return good ? EXIT_SOME_NOT : EXIT_NONE;
}

static void
say_what_next (const struct campaign *campaign, int code)
{
  const char *id = campaign_id (campaign);

  if (code == EXIT_INTERRUPTED)
    log_error ("campaign %s is not done: `bootmend resume %s` goes on, "
               "`bootmend rollback %s` goes back",
               id, id, id);
}

int
campaign_carry_on (const struct cli *cli, struct campaign *campaign,
                   const struct campaign_way *way, struct err **err)
{
  enum engine_end end = ENGINE_FINISHED;
  struct show *show = show_new (cli, campaign);
  int r, code;

  if (way->back)
    r = campaign_rollback (campaign, way->patterns, show_hooks (show), &end,
                           err);
  else
    r = campaign_run (campaign, show_hooks (show), &end, err);
  show_free (show);
  if (r == -1) {
    say_what_next (campaign, EXIT_INTERRUPTED);
    return -1;
  }
  if (show_result (cli, campaign, err) == -1)
    return -1;
  code = way->back ? exit_code_back (campaign) : campaign_exit_code (campaign);
  if (end == ENGINE_STOPPED)
    code = EXIT_INTERRUPTED;
  say_what_next (campaign, code);
  return code;
}
