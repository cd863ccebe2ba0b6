/* The helpers that a campaign was given: before anything is touched, each is
 * found in its account, is seen to run, and its agent has said who it is. */

#include <string.h>

#include <base/strbuf.h>
#include <providers/vm.h>

#include "campaign-internal.h"
#include "helpers.h"

static bool
is_needed (const struct campaign *campaign, const struct binding *binding)
{
  if ((binding->provider->caps & CAP_IN_PLACE) ||
      campaign->policy->recipe == NULL)
    return false;
  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (campaign->jobs.ptr[i]->binding == binding &&
        campaign->jobs.ptr[i]->phase != PHASE_ENDED)
      return true;
  return false;
}

static bool
is_in_place (const struct binding *binding)
{
  return (binding->provider->caps & CAP_IN_PLACE) != 0;
}

static bool
takes (const struct binding *binding, const char *id)
{
  return !is_in_place (binding) && (binding->provider->is_vm_id == NULL ||
                                    binding->provider->is_vm_id (id));
}

/* By the form of its id; one that nobody takes is asked for everywhere, so that
 * somebody says what is wrong with it. */
static bool
is_for (const struct campaign *campaign, const struct binding *binding,
        const char *id)
{
  if (takes (binding, id))
    return true;
  for (size_t i = 0; i < campaign->bindings.len; i++)
    if (takes (campaign->bindings.ptr[i], id))
      return false;
  return true;
}

/* The ids of the helpers that may be this binding's; new reference. */
static json_t *
ids_for (const struct campaign *campaign, const struct binding *binding,
         const json_t *helpers)
{
  json_t *ids = json_array (), *spec;
  const char *name;

  json_object_foreach ((json_t *)helpers, name, spec)
  {
    if (is_for (campaign, binding, name))
      json_array_append_new (ids, json_string (name));
  }
  return ids;
}

/* A campaign that is carried on can do without some of its helpers: their disks
 * go to others. */
static bool
is_carried_on (const struct campaign *campaign)
{
  return campaign->journal != NULL; /* it is made after all is found ready */
}

static int
check_helper (struct campaign *campaign, const struct provider *provider,
              const json_t *record, bool carried_on, struct err **err)
{
  const char *id = json_str (record, "id", "");
  const json_t *spec =
      json_object_get (json_at (campaign->data, "helpers"), id);
  CLEANUP_JSON json_t *expect =
      provider->helper_expect
          ? provider->helper_expect (record, json_str (spec, "devices", "/dev"))
          : NULL;

  if (!vm_is_power (record, "running"))
    return err_set (err, ERR_USAGE, "helper '%s' is '%s': start it first", id,
                    json_str (record, "power", "?"));
  if (json_at (record, "mark") && !campaign->policy->take_over)
    return err_set (err, ERR_USAGE,
                    "helper '%s' carries the mark of campaign %s, which "
                    "repairs it and may stop it: name another one, or give "
                    "--take-over if that campaign is lost",
                    id, json_str (record, "mark.campaign", "?"));
  if (world_real_check_agent (campaign->real, id, err) == -1)
    return -1;
  return carried_on
             ? 0
             : world_real_check_machine (campaign->real, id, expect, err);
}

static void
tell_dead (struct campaign *campaign, const char *id, const struct err *why)
{
  json_t *detail = json_object ();

  helpers_note_dead (campaign->helpers, id, why->msg);
  json_put_str (detail, "helper", id);
  json_put_str (detail, "why", why->msg);
  if (campaign->journal) {
    journal_begin (campaign->journal);
    journal_add_event (campaign->journal, 0, "helper-dead", detail,
                       clock_wall_ms (&real_clock));
    (void)!journal_commit (campaign->journal, NULL);
  }
  json_decref (detail);
}

static int
add_helper (struct campaign *campaign, struct binding *binding,
            const json_t *record, struct err **err)
{
  const struct provider *provider = binding->provider;
  const char *id = json_str (record, "id", "");
  const json_t *spec =
      json_object_get (json_at (campaign->data, "helpers"), id);
  CLEANUP_JSON json_t *slots =
      provider->helper_slots ? provider->helper_slots (record) : json_array ();
  CLEANUP_ERR struct err *why = NULL;
  bool carried_on = is_carried_on (campaign);

  helpers_add (campaign->helpers, id, json_str (spec, "devices", "/dev"),
               binding, record, slots);
  if (strncmp (json_str (spec, "where", ""), "ssh://", 6) == 0)
    helpers_set_remote (campaign->helpers, id);
  if (check_helper (campaign, provider, record, carried_on, &why) == 0)
    return 0;
  if (!carried_on)
    return err_move (err, TAKE (why));
  tell_dead (campaign, id, why);
  return 0;
}

static int
add_helpers (struct campaign *campaign, struct binding *binding, json_t *ids,
             struct err **err)
{
  CLEANUP_JSON json_t *out =
      world_ask (world_real_world (campaign->real), binding, OP_DESCRIBE,
                 json_make ("{s:O,s:b}", "ids", ids, "preflight", 1), err);
  json_t *record;
  size_t i;

  if (out == NULL)
    return err_wrap (err, "looking at the helpers");
  json_array_foreach (json_at (out, "vms"), i, record)
  {
    if (add_helper (campaign, binding, record, err) == -1)
      return -1;
  }
  return 0;
}

static int
not_found (const struct campaign *campaign, const char *name, struct err **err)
{
  CLEANUP_STRBUF struct strbuf places = STRBUF_EMPTY;
  bool is_id = false;

  for (size_t i = 0; i < campaign->bindings.len; i++) {
    const struct binding *b = campaign->bindings.ptr[i];

    is_id = is_id || takes (b, name);
    if (is_for (campaign, b, name))
      strbuf_addf (&places, "%s%s %s%s%s", places.len ? ", " : "",
                   b->provider->name, b->account, *b->region ? " " : "",
                   b->region);
  }
  if (!is_id)
    return err_set (err, ERR_USAGE,
                    "helper '%s' is no id of a VM (%s): give all of it, as "
                    "vms[].vm.id of `bootmend plan --json` has it",
                    name, places.buf ? places.buf : "nowhere");
  return err_set (err, ERR_NOT_FOUND,
                  "helper '%s' is not found where the VMs are (%s): is its "
                  "name right? `bootmend helper check` looks for it alone",
                  name, places.buf ? places.buf : "nowhere");
}

/* All are known; or, in a campaign that is carried on, one is alive. */
static int
check_all (const struct campaign *campaign, const json_t *helpers,
           struct err **err)
{
  const char *name, *why = NULL;
  bool carried_on = is_carried_on (campaign), alive = false;
  json_t *spec;

  json_object_foreach ((json_t *)helpers, name, spec)
  {
    bool known = helpers_record (campaign->helpers, name) != NULL;
    const char *dead = helpers_dead (campaign->helpers, name, 0, INT64_MAX);

    if (!known && !carried_on)
      return not_found (campaign, name, err);
    alive = alive || dead == NULL;
    why = dead ? dead : why;
  }
  if (alive)
    return 0;
  return err_set (err, ERR_UNREACHABLE,
                  "none of the helpers can be used (%s): bring one back, or "
                  "give another with --helper",
                  why ? why : "there is none");
}

int
campaign_ready_helpers (struct campaign *campaign, struct err **err)
{
  const json_t *helpers = json_at (campaign->data, "helpers");
  bool needed = false, all = true;

  helpers_free (TAKE (campaign->helpers));
  campaign->helpers = helpers_new ();
  campaign->policy->helpers = campaign->helpers;
  for (size_t i = 0; i < campaign->bindings.len; i++) {
    struct binding *binding = campaign->bindings.ptr[i];
    CLEANUP_JSON json_t *ids = ids_for (campaign, binding, helpers);

    if (!is_needed (campaign, binding)) {
      /* its helpers are not looked for */
      all = all && is_in_place (binding);
      continue;
    }
    needed = true;
    if (json_array_size (ids) == 0)
      return err_set (err, ERR_USAGE,
                      "%s attaches disks to a helper, and none is given: "
                      "--helper ID=ssh://USER@HOST, or --helper ID=local on "
                      "the helper itself",
                      binding->provider->name);
    if (add_helpers (campaign, binding, ids, err) == -1)
      return -1;
  }
  return needed && all ? check_all (campaign, helpers, err) : 0;
}

/* What is new in one of the objects of the campaign's data. */
static void
merge (json_t *data, const json_t *request, const char *key)
{
  json_t *mine = json_object_get (data, key);

  if (mine == NULL) {
    mine = json_object ();
    json_put (data, key, mine);
  }
  if (json_object_get (request, key))
    json_object_update (mine, json_object_get (request, key));
}

/* What of a policy is about helpers. */
static json_t *
helper_limits (const json_t *policy)
{
  static const char *const keys[] = {"force_detach", "detach_ms",
                                     "helper_lost_ms"};
  json_t *limits = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (keys); i++)
    if (json_object_get (policy, keys[i]))
      json_put (limits, keys[i],
                json_incref (json_object_get (policy, keys[i])));
  return limits;
}

int
campaign_amend (struct campaign *campaign, const json_t *request,
                struct err **err)
{
  CLEANUP_JSON json_t *limits = helper_limits (json_at (request, "policy"));
  CLEANUP_JSON json_t *changes =
      json_make ("{s:O?,s:O?,s:O}", "agents", json_at (request, "agents"),
                 "helpers", json_at (request, "helpers"), "policy", limits);

  if (json_object_size (json_at (request, "helpers")) == 0 &&
      json_object_size (limits) == 0)
    return 0;
  if (policy_amend (campaign->policy, limits, err) == -1)
    return -1;
  merge (campaign->data, changes, "agents");
  merge (campaign->data, changes, "helpers");
  merge (campaign->data, changes, "policy");
  journal_begin (campaign->journal);
  journal_set_campaign (campaign->journal, campaign->data);
  return journal_commit (campaign->journal, err);
}

json_t *
campaign_describe_one (const json_t *request, const char *provider,
                       const char *id, struct err **err)
{
  CLEANUP_CAMPAIGN struct campaign *campaign =
      campaign_new (json_deep_copy (request), NULL, err);
  struct binding *binding =
      campaign ? campaign_binding (campaign, provider, NULL, err) : NULL;
  CLEANUP_JSON json_t *out = NULL;
  json_t *record;

  if (binding == NULL)
    return NULL;
  out = world_ask (world_real_world (campaign->real), binding, OP_DESCRIBE,
                   json_make ("{s:[s],s:b}", "ids", id, "preflight", 1), err);
  if (out == NULL)
    return NULL;
  record = json_array_get (json_at (out, "vms"), 0);
  if (record == NULL)
    err_set (err, ERR_NOT_FOUND, "%s: there is no '%s' in %s%s%s", provider, id,
             binding->account, *binding->region ? " " : "", binding->region);
  return json_incref (record);
}
