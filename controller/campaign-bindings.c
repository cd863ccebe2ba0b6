/* The accounts and regions that a campaign works in: one binding for each
 * provider and words of its own.  What each was made from is kept in the
 * campaign's data, so that a resumed one finds the same again. */

#include <string.h>

#include <base/strbuf.h>

#include "campaign-internal.h"

const struct provider *
campaign_provider (const char *name, struct err **err)
{
  const struct provider *provider = provider_by_name (name);
  CLEANUP_STRBUF struct strbuf known = STRBUF_EMPTY;

  if (provider)
    return provider;
  for (size_t i = 0; providers[i]; i++)
    strbuf_addf (&known, "%s%s", i ? ", " : "", providers[i]->name);
  err_set (err, ERR_USAGE, "'%s' is no provider; there are: %s", name,
           known.buf ? known.buf : "none");
  return NULL;
}

static void
drop (struct binding *binding)
{
  free (binding->account);
  free (binding->region);
  json_decref (binding->config);
  free (binding);
}

void
campaign_binding_free (struct binding *binding)
{
  if (binding->provider->close)
    binding->provider->close (binding);
  drop (binding);
}

/* [{provider, words, account, region}] in the campaign's data. */
static json_t *
known_bindings (struct campaign *campaign)
{
  json_t *known = json_object_get (campaign->data, "bindings");

  if (known)
    return known;
  json_put (campaign->data, "bindings", json_array ());
  return json_object_get (campaign->data, "bindings");
}

static struct binding *
binding_new (const struct campaign *campaign, const struct provider *provider,
             const json_t *words)
{
  const json_t *config =
      json_object_get (json_at (campaign->data, "providers"), provider->name);
  struct binding *binding = xcalloc (1, sizeof *binding);

  binding->provider = provider;
  binding->config = config ? json_deep_copy (config) : json_object ();
  if (words)
    json_object_update (binding->config, (json_t *)words);
  binding->region = xstrdup ("");
  binding->account = xstrdup ("");
  return binding;
}

/* Wrong credentials end it all here, with one message. */
static int
identify (struct campaign *campaign, struct binding *binding, struct err **err)
{
  CLEANUP_JSON json_t *out = NULL;

  if (binding->provider->ops[OP_IDENTIFY].build == NULL)
    return 0;
  out = world_ask (world_real_world (campaign->real), binding, OP_IDENTIFY,
                   json_object (), err);
  if (out == NULL)
    return -1;
  free (binding->account);
  binding->account = xstrdup (json_str (out, "account", ""));
  return 0;
}

static int
open_binding (struct campaign *campaign, struct binding *binding,
              struct err **err)
{
  const struct provider *provider = binding->provider;
  char *empty = binding->account;

  binding->account = NULL;
  if (provider->open && provider->open (binding, err) == -1) {
    free (empty);
    binding->account = binding->account ? binding->account : xstrdup ("");
    return err_wrap (err, "%s", provider->name);
  }
  if (binding->account)
    free (empty);
  else
    binding->account = empty;
  return identify (campaign, binding, err);
}

struct binding *
campaign_binding (struct campaign *campaign, const char *name,
                  const json_t *words, struct err **err)
{
  const struct provider *provider = campaign_provider (name, err);
  CLEANUP_JSON json_t *none = json_object ();
  json_t *known = known_bindings (campaign);
  struct binding *binding;

  if (provider == NULL)
    return NULL;
  if (words == NULL)
    words = none;
  for (size_t i = 0; i < campaign->bindings.len; i++)
    if (campaign->bindings.ptr[i]->provider == provider &&
        json_equal (json_at (json_array_get (known, i), "words"), words))
      return campaign->bindings.ptr[i];
  binding = binding_new (campaign, provider, words);
  if (open_binding (campaign, binding, err) == -1) {
    drop (binding);
    return NULL;
  }
  /* The list grows as the vector does; a resumed campaign has it already. */
  if (json_array_size (known) <= campaign->bindings.len)
    json_array_append_new (known, json_make ("{s:s,s:O,s:s,s:s}", "provider",
                                             name, "words", words, "account",
                                             binding->account, "region",
                                             binding->region));
  binding_vec_push (&campaign->bindings, binding);
  return binding;
}

struct binding *
campaign_binding_again (struct campaign *campaign, const json_t *found,
                        struct err **err)
{
  const char *name = json_str (found, "provider", "");
  const json_t *known = known_bindings (campaign);
  const json_t *words = NULL;
  json_t *item;
  size_t i;

  json_array_foreach (known, i, item)
  {
    if (strcmp (json_str (item, "provider", ""), name) == 0 &&
        strcmp (json_str (item, "account", ""),
                json_str (found, "account", "")) == 0 &&
        strcmp (json_str (item, "region", ""),
                json_str (found, "region", "")) == 0)
      words = json_at (item, "words");
  }
  return campaign_binding (campaign, name, words, err);
}
