/* Keys of encrypted disks in a campaign: where they come from, which are
 * missing, and who is tried again when there are more. */

#include <string.h>

#include <base/clock.h>
#include <base/secret.h>

#include "campaign-internal.h"
#include "engine.h"

/* So long sources are asked before a resume begins; who does not want to wait
 * for a slow safe gives --keys. */
#define LOOK_LIMIT_MS 120000

static bool
is_about_keys (const char *code)
{
  return strcmp (code, "key-missing") == 0 || strcmp (code, "key-wrong") == 0;
}

/* The code of a VM that was left alone for want of a key; NULL: another. */
static const char *
key_code (const struct job *job)
{
  const char *code = json_str (job->facts, "repair.refusal", "");

  return job_lacks_key (job) && is_about_keys (code) ? code : NULL;
}

bool
job_lacks_key (const struct job *job)
{
  return (job->outcome == OUT_FAILED_RESTORED || job->outcome == OUT_SKIPPED) &&
         is_about_keys (json_str (job->facts, "repair.refusal", ""));
}

int
campaign_use_keys (struct campaign *campaign, const json_t *words,
                   struct err **err)
{
  if (json_array_size (words) == 0)
    return 0;
  json_put (campaign->data, "keys", json_incref ((json_t *)words));
  campaign->own_keys = true;
  journal_begin (campaign->journal);
  journal_set_campaign (campaign->journal, campaign->data);
  return journal_commit (campaign->journal, err);
}

/* Once: a key in the environment is taken out of it. */
static int
open_sources (struct campaign *campaign, struct err **err)
{
  const json_t *words = json_at (campaign->data, "keys");

  if (campaign->keys_open || campaign->key_sources ||
      json_array_size (words) == 0)
    return 0;
  secret_no_core_dumps ();
  campaign->key_sources =
      key_sources_new (words, campaign->data, campaign->own_keys, err);
  if (campaign->key_sources == NULL)
    return -1;
  if (campaign->own_keys)
    key_sources_check (campaign->key_sources);
  return 0;
}

int
campaign_open_keys (struct campaign *campaign, struct err **err)
{
  if (open_sources (campaign, err) == -1)
    return -1;
  if (campaign->key_sources == NULL)
    return 0;
  world_real_set_keys (campaign->real,
                       key_desk_new (TAKE (campaign->key_sources)));
  campaign->keys_open = true;
  return 0;
}

size_t
campaign_retry_keys (struct campaign *campaign)
{
  size_t n = 0;

  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (job_lacks_key (campaign->jobs.ptr[i]))
      n += job_retry (campaign->jobs.ptr[i]);
  return n;
}

static bool
has_key_now (const struct campaign *campaign, const struct job *job)
{
  CLEANUP_JSON json_t *found =
      key_sources_find (campaign->key_sources,
                        json_at (job->facts, "repair.keys_missing"),
                        json_str (job->facts, "found.id", NULL), job->name);

  return json_array_size (json_at (found, "keys")) > 0;
}

int
campaign_pick_up_keys (struct campaign *campaign, size_t *n, struct err **err)
{
  int64_t until = clock_now_ms (&real_clock) + LOOK_LIMIT_MS;

  *n = 0;
  for (size_t i = 0; i < campaign->jobs.len; i++) {
    struct job *job = campaign->jobs.ptr[i];
    const char *code = key_code (job);

    if (code == NULL || strcmp (code, "key-missing") != 0)
      continue;
    if (open_sources (campaign, err) == -1)
      return -1;
    if (campaign->key_sources == NULL || clock_now_ms (&real_clock) > until)
      return 0;
    if (has_key_now (campaign, job))
      *n += job_retry (job);
  }
  return 0;
}

json_t *
campaign_keys_missing (const struct campaign *campaign)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < campaign->jobs.len; i++) {
    const struct job *job = campaign->jobs.ptr[i];
    const char *code = key_code (job);
    const json_t *volumes = json_at (job->facts, "repair.keys_missing");
    json_t *row;

    if (code == NULL)
      continue;
    row = json_make ("{s:I, s:s, s:s, s:s, s:s, s:s}", "job",
                     (json_int_t)job->id, "name", job->name, "id",
                     json_str (job->facts, "found.id", ""), "provider",
                     job->binding->provider->name, "outcome",
                     outcome_name (job->outcome), "code", code);
    json_put (row, "volumes",
              volumes ? json_deep_copy (volumes) : json_array ());
    json_array_append_new (list, row);
  }
  return list;
}
