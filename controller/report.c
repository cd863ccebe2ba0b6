/* What a campaign did, as data. */

#include "campaign.h"

#include <string.h>

#include "audit.h"
#include "campaign-control.h"
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
  if (json_at (campaign->data, "recipe"))
    json_put (head, "recipe",
              json_make ("{s:s,s:I}", "name",
                         json_str (campaign->data, "recipe.name", ""),
                         "version",
                         (json_int_t)json_int (campaign->data, "recipe.version",
                                               0)));
  json_put_str (head, "folder", campaign->folder);
  return head;
}

/* {calls, per_vm, errors, throttled, repeated, waited_ms, actions: [...],
 *  queues: [...]} with the rows of call-tally.h; NULL: no cloud was called. */
static json_t *
calls_of (struct campaign *campaign, struct err **err)
{
  static const char *const sums[] = {"calls", "errors", "throttled",
                                     "repeated"};
  CLEANUP_JSON json_t *figures = journal_figures (campaign->journal, err);
  json_t *rows = json_object_get (figures, "calls");
  json_t *queues = json_object_get (figures, "queues");
  json_t *all, *row;
  size_t i;

  if (figures == NULL || json_array_size (rows) == 0)
    return figures ? json_null () : NULL;
  all = json_make ("{s:O,s:O}", "actions", rows, "queues", queues);
  json_array_foreach (rows, i, row)
  {
    for (size_t k = 0; k < ARRAY_SIZE (sums); k++)
      json_put_int (all, sums[k],
                    json_int (all, sums[k], 0) + json_int (row, sums[k], 0));
  }
  json_put_int (all, "waited_ms", 0);
  json_array_foreach (queues, i, row)
  {
    json_put_int (all, "waited_ms",
                  json_int (all, "waited_ms", 0) +
                      json_int (row, "waited_ms", 0));
  }
  json_put (all, "per_vm",
            json_real ((double)json_int (all, "calls", 0) /
                       (double)(campaign->jobs.len ? campaign->jobs.len : 1)));
  return all;
}

/* [{name, vms}]: which helper had the disks of how many VMs. */
static json_t *
helpers_of (const struct campaign *campaign)
{
  CLEANUP_JSON json_t *counts = json_object ();
  json_t *list = json_array (), *n;
  const char *name;

  for (size_t i = 0; i < campaign->jobs.len; i++) {
    name = json_str (campaign->jobs.ptr[i]->facts, "helped_by", NULL);
    if (name)
      json_put_int (counts, name,
                    json_integer_value (json_object_get (counts, name)) + 1);
  }
  json_object_foreach (counts, name, n)
  {
    json_array_append_new (list,
                           json_make ("{s:s,s:O}", "name", name, "vms", n));
  }
  return list;
}

static int
add_calls (struct campaign *campaign, json_t *report, struct err **err)
{
  json_t *calls = calls_of (campaign, err);

  if (calls == NULL)
    return -1;
  if (json_is_null (calls)) {
    json_decref (calls);
    return 0;
  }
  json_put (report, "calls", calls);
  json_put (report, "helpers", helpers_of (campaign));
  return 0;
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
  json_t *head = audit_head (campaign->journal, err);
  json_t *jobs, *counts;

  if (head == NULL)
    return NULL;
  json_put (report, "audit", head);
  json_put (report, "campaign", campaign_head (campaign));
  json_put_bool (report, "live", journal_is_live (path));
  if (control_report (campaign, report, err) == -1)
    return NULL;
  jobs = json_array ();
  counts = json_object ();
  json_put (report, "counts", counts);
  json_put (report, "jobs", jobs);
  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job *job = campaign->jobs.ptr[i];
    const char *outcome = outcome_name (job->outcome);

    json_put_int (counts, outcome, json_int (counts, outcome, 0) + 1);
    if (add_job (campaign, job, steps, jobs, err) == -1)
      return NULL;
  }
  if (add_calls (campaign, report, err) == -1)
    return NULL;
  if (steps) {
    json_t *events = journal_events (campaign->journal, err);

    if (events == NULL)
      return NULL;
    json_put (report, "events", events);
  }
  return TAKE (report);
}

json_t *
campaign_audit (struct campaign *campaign, const char *head, struct err **err)
{
  return audit_verify (campaign->journal, head, err);
}

json_t *
campaign_audit_entries (struct campaign *campaign, struct err **err)
{
  return audit_entries (campaign->journal, err);
}
