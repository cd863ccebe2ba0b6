#include "campaign.h"

#include <string.h>

#include <providers/vm.h>

#include "campaign-internal.h"
#include "helpers.h"
#include "plan.h"
#include "recipe-trust.h"
#include "step.h"
#include "wave-assign.h"

/* No selection needs more; a provider that never ends its pages is broken. */
#define MAX_PAGES 100000

struct campaign *
campaign_new (json_t *data_taken, const char *evidence, struct err **err)
{
  struct campaign *campaign = xcalloc (1, sizeof *campaign);

  campaign->data = data_taken;
  campaign->id = json_str (campaign->data, "id", "");
  campaign->missing = json_array ();
  campaign->asked_bindings = json_array ();
  campaign->policy = policy_new (campaign->data, evidence, err);
  campaign->real = world_real_new (json_at (campaign->data, "agents"),
                                   json_at (campaign->data, "http"));
  if (campaign->policy == NULL) {
    campaign_close (campaign);
    return NULL;
  }
  return campaign;
}

void
campaign_close (struct campaign *campaign)
{
  bool ended;

  if (campaign == NULL)
    return;
  ended = world_real_free (campaign->real); /* before what its threads use */
  for (size_t i = 0; i < campaign->jobs.len; i++)
    job_free (campaign->jobs.ptr[i]);
  job_vec_release (&campaign->jobs);
  for (size_t i = 0; ended && i < campaign->bindings.len; i++)
    campaign_binding_free (campaign->bindings.ptr[i]);
  for (size_t i = 0; ended && i < campaign->retired.len; i++)
    campaign_binding_free (campaign->retired.ptr[i]);
  key_sources_free (campaign->key_sources);
  helpers_free (campaign->helpers);
  binding_vec_release (&campaign->bindings);
  binding_vec_release (&campaign->retired);
  journal_close (campaign->journal);
  policy_free (campaign->policy);
  json_decref (campaign->missing);
  json_decref (campaign->asked_bindings);
  json_decref (campaign->data);
  free (campaign->folder);
  free (campaign);
}

void
cleanup_campaign (struct campaign **campaign)
{
  campaign_close (*campaign);
}

const char *
campaign_id (const struct campaign *campaign)
{
  return campaign->id;
}

const struct job_vec *
campaign_jobs (const struct campaign *campaign)
{
  return &campaign->jobs;
}

const json_t *
campaign_missing (const struct campaign *campaign)
{
  return campaign->missing;
}

size_t
campaign_size (const struct campaign *campaign)
{
  return campaign->jobs.len;
}

void
campaign_set_wakeup (struct campaign *campaign, int fd)
{
  world_real_set_wakeup (campaign->real, fd);
}

/* --- finding VMs
 * --------------------------------------------------------------- */

struct job *
campaign_add (struct campaign *campaign, const json_t *vm,
              struct binding *binding, const struct strategy *strategy)
{
  static const char *const identity[] = {"provider", "account", "region",
                                         "zone",     "id",      "name"};
  CLEANUP_FREE char *key = vm_key (vm);
  json_t *found = json_object ();
  struct job *job;

  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (strcmp (campaign->jobs.ptr[i]->vm, key) == 0) {
      json_decref (found);
      return NULL;
    }
  job = job_new ((int64_t)campaign->jobs.len + 1, vm, binding, strategy,
                 campaign->policy);
  for (size_t i = 0; i < ARRAY_SIZE (identity); i++)
    json_put_str (found, identity[i], json_str (vm, identity[i], ""));
  job_set_fact (job, "found", found);
  job_vec_push (&campaign->jobs, job);
  return job;
}

static const struct strategy *
strategy_for (const struct campaign *campaign, const struct binding *binding,
              struct err **err)
{
  const char *name = json_str (campaign->data, "policy.strategy", NULL);
  const struct strategy *strategy = NULL;

  if (name) {
    strategy = strategy_by_name (name);
    if (strategy == NULL)
      err_set (err, ERR_USAGE, "strategy '%s' is unknown", name);
    else if (!(binding->provider->caps & strategy->cap))
      err_set (err, ERR_USAGE, "%s can't do strategy '%s'",
               binding->provider->name, name);
    else if ((strategy->cap == CAP_RESTORE) !=
             (campaign->policy->before_ms > 0))
      err_set (err, ERR_USAGE,
               "--strategy restore and --before TIME need each other");
    else if (campaign->policy->recipe == NULL && strategy->cap != CAP_RESTORE)
      err_set (err, ERR_USAGE, "strategy '%s' needs a recipe", name);
    else
      return strategy;
    return NULL;
  }
  for (size_t i = 0; strategies[i]; i++)
    if (strategies[i]->cap != CAP_RESTORE &&
        (binding->provider->caps & strategies[i]->cap))
      return strategies[i];
  err_set (err, ERR_USAGE, "%s has no strategy to repair a VM",
           binding->provider->name);
  return NULL;
}

static int
find_pages (struct campaign *campaign, struct binding *binding,
            const struct strategy *strategy, json_t *selector, struct err **err)
{
  struct world *world = world_real_world (campaign->real);
  CLEANUP_JSON json_t *page = NULL;

  for (int i = 0; i < MAX_PAGES; i++) {
    CLEANUP_JSON json_t *out = NULL;
    json_t *in = json_make ("{s:O}", "selector", selector);
    json_t *vm;
    size_t j;

    if (page)
      json_put (in, "page", json_incref (page));
    out = world_ask (world, binding, OP_FIND, in, err);
    if (out == NULL)
      return -1;
    json_array_foreach (json_at (out, "vms"), j, vm)
        campaign_add (campaign, vm, binding, strategy);
    if (json_at (out, "missing"))
      json_array_extend (campaign->missing, json_at (out, "missing"));
    json_decref (page);
    page = json_at (out, "next") ? json_incref (json_at (out, "next")) : NULL;
    if (page == NULL || json_is_null (page))
      return 0;
  }
  return err_set (err, ERR_INTERNAL, "%s: the list of VMs never ends",
                  binding->provider->name);
}

/* An id that was pasted as the cloud's own tools show it: whose is it? */
static const struct provider *
owner_of_id (const char *word)
{
  for (size_t i = 0; providers[i]; i++) {
    CLEANUP_FREE char *id =
        providers[i]->spell_id ? providers[i]->spell_id (word) : NULL;

    if (id || (providers[i]->is_vm_id && providers[i]->is_vm_id (word)))
      return providers[i];
  }
  return NULL;
}

static int
no_selection (const char *word, struct err **err)
{
  const struct provider *owner = owner_of_id (word);

  if (owner)
    return err_set (err, ERR_USAGE, "'%s': write %s:%s", word, owner->name,
                    word);
  if (strcmp (word, "-") == 0)
    return err_set (err, ERR_USAGE,
                    "'-': @- reads selections from stdin, one a line");
  return err_set (err, ERR_USAGE,
                  "'%s': a selection starts with the provider's name, as in "
                  "aws:tag:env=prod, azure:name=web-*, gcp:web-1 or "
                  "libvirt:web-1",
                  word);
}

/* "libvirt:web-*": the provider's name, then its own words. */
static int
find_word (struct campaign *campaign, const char *word, struct err **err)
{
  size_t len = strcspn (word, ":");
  CLEANUP_FREE char *name = xstrndup (word, len);
  CLEANUP_JSON json_t *selector = NULL, *words = NULL;
  const struct provider *provider;
  const struct strategy *strategy;
  struct binding *binding;

  if (word[len] != ':' ||
      (provider_by_name (name) == NULL && owner_of_id (word)))
    return no_selection (word, err);
  provider = campaign_provider (name, err);
  if (provider == NULL)
    return -1;
  if (provider->parse_selector (word + len + 1, &selector, err) == -1)
    return err_wrap (err, "%s", word);
  words = provider->binding_words ? provider->binding_words (selector) : NULL;
  binding = campaign_binding (campaign, name, words, err);
  if (binding == NULL)
    return -1;
  strategy = strategy_for (campaign, binding, err);
  if (strategy == NULL ||
      health_check_provider (campaign->policy->health, provider, err) == -1)
    return -1;
  return find_pages (campaign, binding, strategy, selector, err);
}

int
campaign_select (struct campaign *campaign, struct err **err)
{
  const json_t *words = json_need_array (campaign->data, "selection", err);
  json_t *word;
  size_t i;

  if (words == NULL)
    return -1;
  json_array_foreach (words, i, word)
  {
    if (find_word (campaign, json_string_value (word), err) == -1)
      return -1;
  }
  return 0;
}

struct campaign *
campaign_find (json_t *request, struct err **err)
{
  CLEANUP_CAMPAIGN struct campaign *campaign =
      campaign_new (json_deep_copy (request), NULL, err);

  if (campaign == NULL || recipe_trust_check (campaign->data, err) == -1)
    return NULL;
  campaign->own_keys = true;
  if (campaign_open_keys (campaign, err) == -1)
    return NULL;
  if (campaign_select (campaign, err) == -1)
    return NULL;
  if (waves_assign (&campaign->jobs, campaign->policy, err) == -1)
    return NULL;
  return TAKE (campaign);
}

static int
find_planned (struct campaign *campaign, const json_t *entry, struct err **err)
{
  json_t *vm = json_at (entry, "vm");
  const char *provider = json_need_str (vm, "provider", err);
  const struct strategy *strategy;
  struct binding *binding;
  struct job *job;

  if (provider == NULL || json_need_str (vm, "id", err) == NULL)
    return -1;
  binding = campaign_binding_again (campaign, vm, err);
  if (binding == NULL)
    return -1;
  strategy = strategy_for (campaign, binding, err);
  if (strategy == NULL)
    return -1;
  if (strcmp (json_str (vm, "account", ""), binding->account) != 0)
    return err_set (err, ERR_USAGE,
                    "the plan was made for %s '%s', and this is '%s'", provider,
                    json_str (vm, "account", ""), binding->account);
  job = campaign_add (campaign, vm, binding, strategy);
  if (job == NULL)
    return err_set (err, ERR_INPUT, "%s is in the plan twice",
                    json_str (entry, "name", "a VM"));
  job_set_fact (job, "planned", json_incref (vm));
  job->wave = json_int (entry, "wave", 1);
  if (json_str (entry, "group", NULL))
    job_set_fact (job, "group", json_string (json_str (entry, "group", "")));
  return 0;
}

struct campaign *
campaign_find_planned (const json_t *plan, struct err **err)
{
  CLEANUP_CAMPAIGN struct campaign *campaign = NULL;
  json_t *item;
  size_t i;

  if (plan_verify (plan, err) == -1)
    return NULL;
  campaign =
      campaign_new (json_deep_copy (json_at (plan, "request")), NULL, err);
  if (campaign == NULL || recipe_trust_check (campaign->data, err) == -1)
    return NULL;
  campaign->own_keys = true;
  if (campaign_open_keys (campaign, err) == -1)
    return NULL;
  json_array_foreach (json_at (plan, "vms"), i,
                      item) if (strcmp (json_str (item, "decision", ""),
                                        "repair") == 0 &&
                                find_planned (campaign, item, err) ==
                                    -1) return NULL;
  campaign->planned = true;
  return TAKE (campaign);
}
