/* What a campaign did, as data. */

#include "campaign.h"

#include <string.h>

#include "campaign-internal.h"

static json_t *
campaign_head (const struct campaign *campaign)
{
  static const char *const kept[] = {"id",         "created", "version",
                                     "host",       "user",    "command",
                                     "selection",  "policy",  "recipe_sha256",
                                     "parameters", "origin"};
  json_t *head = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (kept); i++)
    if (json_at (campaign->data, kept[i]))
      json_put (head, kept[i], json_incref (json_at (campaign->data, kept[i])));
  json_put (head, "recipe",
            json_make ("{s:s,s:I}", "name",
                       json_str (campaign->data, "recipe.name", ""), "version",
                       (json_int_t)json_int (campaign->data, "recipe.version",
                                             0)));
  json_put_str (head, "folder", campaign->folder);
  return head;
}

static int
add_job (struct campaign *campaign, struct job *job, bool steps, json_t *jobs,
         struct err **err)
{
  CLEANUP_JSON json_t *summary = job_summary (job);

  if (steps) {
    json_t *list = journal_steps (campaign->journal, job->id, err);

    if (list == NULL)
      return -1;
    json_put (summary, "steps", list);
  }
  json_array_append (jobs, summary);
  return 0;
}

json_t *
campaign_report (struct campaign *campaign, bool steps, struct err **err)
{
  CLEANUP_JSON json_t *report =
      json_make ("{s:i,s:s}", "bootmend", 1, "kind", "report");
  CLEANUP_FREE char *path = campaign_journal_path (campaign->folder);
  json_t *jobs = json_array (), *counts = json_object ();

  json_put (report, "campaign", campaign_head (campaign));
  json_put_bool (report, "live", journal_is_live (path));
  json_put (report, "counts", counts);
  json_put (report, "jobs", jobs);
  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job *job = campaign->jobs.ptr[i];
    const char *outcome = outcome_name (job->outcome);

    json_put_int (counts, outcome, json_int (counts, outcome, 0) + 1);
    if (add_job (campaign, job, steps, jobs, err) == -1)
      return NULL;
  }
  if (steps) {
    json_t *events = journal_events (campaign->journal, err);

    if (events == NULL)
      return NULL;
    json_put (report, "events", events);
  }
  return TAKE (report);
}
