/* The helpers that a campaign was given: before anything is touched, each is
 * found in its account, is seen to run, and its agent has said who it is. */

#include <string.h>

#include <providers/vm.h>

#include "campaign-internal.h"
#include "helpers.h"

static bool
is_needed (const struct campaign *campaign, const struct binding *binding)
{
  if (binding->provider->caps & CAP_IN_PLACE)
    return false;
  for (size_t i = 0; i < campaign->jobs.len; i++)
    if (campaign->jobs.ptr[i]->binding == binding &&
        campaign->jobs.ptr[i]->phase != PHASE_ENDED)
      return true;
  return false;
}

/* {ids: [...]} of all helpers, for a describe. */
static json_t *
ask_for_all (const json_t *helpers)
{
  json_t *ids = json_array (), *spec;
  const char *name;

  json_object_foreach ((json_t *)helpers, name, spec)
      json_array_append_new (ids, json_string (name));
  return json_make ("{s:o,s:b}", "ids", ids, "preflight", 1);
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

  if (!vm_is_power (record, "running"))
    return err_set (err, ERR_USAGE, "helper '%s' is '%s': start it first", id,
                    json_str (record, "power", "?"));
  helpers_add (campaign->helpers, id, json_str (spec, "devices", "/dev"),
               binding, record, slots);
  return world_real_check_agent (campaign->real, id, err);
}

static int
add_helpers (struct campaign *campaign, struct binding *binding,
             const json_t *helpers, struct err **err)
{
  CLEANUP_JSON json_t *out =
      world_ask (world_real_world (campaign->real), binding, OP_DESCRIBE,
                 ask_for_all (helpers), err);
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

int
campaign_ready_helpers (struct campaign *campaign, struct err **err)
{
  const json_t *helpers = json_at (campaign->data, "helpers");
  bool needed = false;
  const char *name;
  json_t *spec;

  helpers_free (TAKE (campaign->helpers));
  campaign->helpers = helpers_new ();
  campaign->policy->helpers = campaign->helpers;
  for (size_t i = 0; i < campaign->bindings.len; i++) {
    struct binding *binding = campaign->bindings.ptr[i];

    if (!is_needed (campaign, binding))
      continue;
    needed = true;
    if (json_object_size (helpers) == 0)
      return err_set (err, ERR_USAGE,
                      "%s attaches disks to a helper, and none is given: "
                      "--helper ID=ssh://USER@HOST, or --helper ID=local on "
                      "the helper itself",
                      binding->provider->name);
    if (add_helpers (campaign, binding, helpers, err) == -1)
      return -1;
  }
  json_object_foreach ((json_t *)helpers, name, spec)
  {
    if (needed && helpers_record (campaign->helpers, name) == NULL)
      return err_set (err, ERR_NOT_FOUND,
                      "helper '%s' is not found where the VMs are", name);
  }
  return 0;
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
    err_set (err, ERR_NOT_FOUND, "%s: there is no '%s' %s%s", provider, id,
             *binding->region ? "in " : "here", binding->region);
  return json_incref (record);
}
