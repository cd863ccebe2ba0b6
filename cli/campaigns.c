#include "campaigns.h"

#include <string.h>

#include <base/log.h>

#include "notices.h"
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

/* What a halt leaves to the operator. */
static void
say_halted (const char *id, const json_t *halt)
{
  const char *kind = json_str (halt, "kind", "");

  log_error ("campaign %s is halted: %s", id, json_str (halt, "why", "?"));
  if (strcmp (kind, "operator") == 0)
    log_error ("`bootmend resume %s` goes on, `bootmend rollback %s` goes back",
               id, id);
  else if (strcmp (kind, "refused") == 0)
    log_error ("`bootmend resume %s` asks again, `bootmend rollback %s` goes "
               "back",
               id, id);
  else
    log_error (
        "no other VM is touched; see `bootmend report %s`, then: `resume "
        "%s --continue` goes on in spite of that, `retry %s --failed` "
        "tries those VMs again, `rollback %s` goes back",
        id, id, id, id);
}

static void
say_what_next (struct campaign *campaign, int code)
{
  const char *id = campaign_id (campaign);
  CLEANUP_JSON json_t *report = NULL;

  if (code != EXIT_INTERRUPTED)
    return;
  report = campaign_report (campaign, false, NULL);
  if (json_at (report, "halt"))
    say_halted (id, json_at (report, "halt"));
  else
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

  notices_begun (cli, campaign, way->back);
  if (way->back)
    r = campaign_rollback (campaign, way->patterns, show_hooks (show), &end,
                           err);
  else
    r = campaign_run (campaign, show_hooks (show), &end, err);
  show_free (show);
  if (r == -1) {
    notices_finished (cli, campaign, EXIT_INTERRUPTED);
    say_what_next (campaign, EXIT_INTERRUPTED);
    return -1;
  }
  if (show_result (cli, campaign, err) == -1)
    return -1;
  code = way->back ? exit_code_back (campaign) : campaign_exit_code (campaign);
  if (end != ENGINE_FINISHED)
    code = EXIT_INTERRUPTED;
  notices_finished (cli, campaign, code);
  say_what_next (campaign, code);
  return code;
}
