#include "show.h"

#include <stdio.h>
#include <string.h>

#include <base/clock.h>
#include <base/log.h>
#include <controller/step.h>

#include "changes.h"
#include "notices.h"
#include "output.h"
#include "stop.h"
#include "table.h"

struct show {
  const struct cli *cli;
  struct campaign *campaign;
  struct progress *progress;
  struct engine_hooks hooks;
  bool *ended; /* by job id: its end has been shown */
  size_t n;
};

static int64_t
now (void)
{
  return clock_now_ms (&real_clock);
}

struct progress *
show_progress (const struct cli *cli, const char *unit, int64_t total)
{
  int mode = progress_mode_from_name (options_text (cli->options, "progress"));
  struct progress *progress;

  if (options_flag (cli->options, "quiet") && mode == PROGRESS_AUTO)
    mode = PROGRESS_NONE;
  progress =
      progress_new ((enum progress_mode)mode, &cli->msg, unit, total, now ());
  progress_log (progress);
  return progress;
}

void
show_notes (struct progress *progress, const char *helper, const json_t *event)
{
  json_t *note;
  size_t i;

  json_array_foreach (json_at (event, "notes"), i, note)
  {
    CLEANUP_FREE char *text =
        xasprintf ("%s%s%s", helper ? helper : "", helper ? ": " : "",
                   json_string_value (note) ? json_string_value (note) : "?");

    progress_say (progress, text, now ());
  }
}

/* ---- while it runs ---- */

static void
on_changed (void *opaque, const struct job *job)
{
  struct show *show = opaque;
  CLEANUP_FREE char *doing = NULL;

  if (job->phase == PHASE_ENDED) {
    if ((size_t)job->id < show->n && show->ended[job->id])
      return;
    if ((size_t)job->id < show->n)
      show->ended[job->id] = true;
    if (job->outcome != OUT_OPEN)
      notices_ended (show->cli, show->campaign, job);
    /* The end of a check: nothing speaks against its repair. */
    progress_done (show->progress, job->vm, job->name,
                   job->outcome == OUT_OPEN ? "checked"
                                            : outcome_name (job->outcome),
                   job->reason, now ());
    return;
  }
  if (job->step == NULL)
    return;
  doing = xasprintf ("%s%s", job->back ? "going back: " : "", job->step->doing);
  progress_stage (show->progress, job->vm, job->name, doing, now ());
}

static void
on_event (void *opaque, const char *kind, const json_t *detail)
{
  struct show *show = opaque;

  notices_event (show->cli, show->campaign, kind, detail);
}

static void
on_progress (void *opaque, const struct job *job, const json_t *event)
{
  struct show *show = opaque;
  const char *stage = json_str (event, "stage", NULL);
  CLEANUP_FREE char *text = NULL;

  if (strcmp (json_str (event, "event", ""), "appliance") == 0) {
    const char *helper = job->policy->helper;

    show_notes (show->progress,
                helper && strcmp (helper, "local") != 0 ? helper : NULL, event);
    return;
  }
  if (stage == NULL)
    return;
  text = xasprintf ("%s: %s", job->back ? "undoing the repair" : "repairing",
                    stage);
  progress_stage (show->progress, job->vm, job->name, text, now ());
}

static bool
on_round (void *opaque)
{
  struct show *show = opaque;

  progress_tick (show->progress, now ());
  return stop_check ();
}

struct show *
show_new (const struct cli *cli, struct campaign *campaign)
{
  const struct job_vec *jobs = campaign_jobs (campaign);
  struct show *show = xcalloc (1, sizeof *show);
  int64_t ended = 0;

  stop_install ("what is in work is finished up to a safe point, then "
                "`bootmend resume` can go on",
                "once more ends at once; `bootmend resume` then looks where "
                "things stand");
  show->cli = cli;
  show->campaign = campaign;
  show->progress = show_progress (cli, "VMs", (int64_t)jobs->len);
  show->n = jobs->len + 1;
  show->ended = xcalloc (show->n, sizeof (bool));
  for (size_t i = 0; i < jobs->len; i++)
    if (jobs->ptr[i]->phase == PHASE_ENDED) {
      ended++;
      if ((size_t)jobs->ptr[i]->id < show->n)
        show->ended[jobs->ptr[i]->id] = true;
    }
  progress_set_before (show->progress, ended);
  show->hooks = (struct engine_hooks){.changed = on_changed,
                                      .progress = on_progress,
                                      .event = on_event,
                                      .stop_requested = on_round,
                                      .opaque = show};
  campaign_set_wakeup (campaign, stop_fd ());
  return show;
}

const struct engine_hooks *
show_hooks (struct show *show)
{
  return &show->hooks;
}

void
show_free (struct show *show)
{
  if (show == NULL)
    return;
  progress_free (show->progress);
  free (show->ended);
  free (show);
}

void
cleanup_show (struct show **show)
{
  show_free (*show);
}

/* ---- afterwards ---- */

char *
show_counts (const json_t *counts)
{
  struct strbuf sb = STRBUF_EMPTY;
  const char *outcome;
  json_t *n;

  /* In the order of the outcomes, not of the alphabet: the good ones first. */
  for (int i = 1; i < OUT_COUNT; i++) {
    outcome = outcome_name ((enum outcome)i);
    n = json_object_get (counts, outcome);
    if (json_integer_value (n))
      strbuf_addf (&sb, "%s%lld %s", sb.len ? ", " : "",
                   (long long)json_integer_value (n), outcome);
  }
  n = json_object_get (counts, outcome_name (OUT_OPEN));
  if (json_integer_value (n))
    strbuf_addf (&sb, "%s%lld %s", sb.len ? ", " : "",
                 (long long)json_integer_value (n), "not done");
  return strbuf_take (&sb);
}

char *
show_what (const json_t *job)
{
  const char *reason = json_str (job, "reason", NULL);
  const char *outcome = json_str (job, "outcome", "");
  CLEANUP_FREE char *changes = NULL;

  /* Of what went back or failed, only the reason still holds. */
  if (reason && strncmp (outcome, "repaired", strlen ("repaired")) != 0)
    return xstrdup (reason);
  changes = changes_text (json_at (job, "repair.changes"), false);
  if (reason == NULL || changes[0] == '\0')
    return xstrdup (reason ? reason : changes);
  return xasprintf ("%s; %s%s", changes,
                    strcmp (outcome, "repaired") == 0 ? "boots: " : "", reason);
}

static void
add_job_row (struct table *table, const json_t *job)
{
  const char *outcome = json_str (job, "outcome", "open");
  CLEANUP_FREE char *what = show_what (job);
  const char *doing = json_str (job, "doing", NULL);
  bool open = strcmp (outcome, "open") == 0;

  table_row (table, (const char *[]){json_str (job, "name", "?"),
                                     open && doing ? doing
                                     : open        ? "waiting"
                                                   : outcome,
                                     what[0] ? what : NULL});
  table_style (table, 1, style_of_outcome (outcome));
}

int
show_result (const struct cli *cli, struct campaign *campaign, struct err **err)
{
  static const struct column columns[] = {{"VM", COLUMN_CUT},
                                          {"OUTCOME", 0},
                                          {"WHY", COLUMN_WRAP}};
  CLEANUP_JSON json_t *report = campaign_report (campaign, false, err);
  CLEANUP_TABLE struct table *table = NULL;
  CLEANUP_FREE char *text = NULL, *counts = NULL;
  json_t *job;
  size_t i;

  if (report == NULL)
    return -1;
  if (options_flag (cli->options, "json")) {
    output_whole (report);
    return 0;
  }
  table = table_new (columns, ARRAY_SIZE (columns), &cli->out);
  json_array_foreach (json_at (report, "jobs"), i, job)
  {
    add_job_row (table, job);
  }
  text = table_text (table);
  counts = show_counts (json_at (report, "counts"));
  printf ("%sCampaign %s: %s\n", text, campaign_id (campaign), counts);
  return 0;
}

int
show_missing (const struct campaign *campaign, bool skip, struct err **err)
{
  const json_t *missing = campaign_missing (campaign);
  const json_t *first = json_array_get (missing, 0);
  size_t n = json_array_size (missing), i;
  json_t *one;

  if (campaign_size (campaign) == 0) {
    if (first)
      return err_set (err, ERR_NOT_FOUND, "%s: %s",
                      json_str (first, "what", "?"),
                      json_str (first, "why", "does not exist"));
    return err_set (err, ERR_NOT_FOUND, "the selection matches no VM");
  }
  if (n && !skip)
    return err_set (err, ERR_NOT_FOUND,
                    "%s: %s%s; nothing was done (--skip-missing goes on "
                    "without)",
                    json_str (first, "what", "?"),
                    json_str (first, "why", "does not exist"),
                    n > 1 ? ", and others" : "");
  json_array_foreach (missing, i, one)
  {
    log_warn ("%s: %s", json_str (one, "what", "?"),
              json_str (one, "why", "does not exist"));
  }
  return 0;
}
