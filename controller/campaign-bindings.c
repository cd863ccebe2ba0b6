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

/* One that was not opened. */
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

/* One that the world was asked for, and will not be again. */
static void
retire (struct campaign *campaign, struct binding *binding_taken)
{
  world_real_forget (campaign->real, binding_taken);
  binding_vec_push (&campaign->retired, binding_taken);
}

/* [{provider, words, account, region}] in the campaign's data: by account and
 * region a resumed campaign, or one by a plan, finds the words of a VM again.
 */
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
  if (provider->authenticate && json_at (campaign->data, "http.ca_file"))
    json_put_str (binding->config, "ca-file",
                  json_str (campaign->data, "http.ca_file", NULL));
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
open_binding (struct binding *binding, struct err **err)
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
  return 0;
}

/* Other words for an account and region that the campaign has already, with the
 * same options but for the region's name: the same binding, so that its looks
 * and helpers are shared. */
static bool
is_same (const struct binding *a, const struct binding *b)
{
  CLEANUP_JSON json_t *left = json_copy (a->config);
  CLEANUP_JSON json_t *right = json_copy (b->config);

  json_object_del (left, "region");
  json_object_del (right, "region");
  return a->provider == b->provider && strcmp (a->account, b->account) == 0 &&
         strcmp (a->region, b->region) == 0 && json_equal (left, right);
}

static size_t
place_of (struct campaign *campaign, struct binding *binding_taken)
{
  for (size_t i = 0; i < campaign->bindings.len; i++)
    if (is_same (campaign->bindings.ptr[i], binding_taken)) {
      retire (campaign, binding_taken);
      return i;
    }
  binding_vec_push (&campaign->bindings, binding_taken);
  return campaign->bindings.len - 1;
}

static struct binding *
asked_before (const struct campaign *campaign, const struct provider *provider,
              const json_t *words)
{
  json_t *asked;
  size_t i;

  json_array_foreach (campaign->asked_bindings, i, asked)
  {
    struct binding *binding =
        campaign->bindings.ptr[json_int (asked, "binding", 0)];

    if (binding->provider == provider &&
        json_equal (json_object_get (asked, "words"), words))
      return binding;
  }
  return NULL;
}

static void
keep (struct campaign *campaign, const struct binding *binding,
      const json_t *words)
{
  json_t *known = known_bindings (campaign), *item;
  json_t *fresh = json_make ("{s:s,s:O,s:s,s:s}", "provider",
                             binding->provider->name, "words", words, "account",
                             binding->account, "region", binding->region);
  size_t i;

  json_array_foreach (known, i, item)
  {
    if (json_equal (item, fresh)) { /* a resumed campaign has it */
      json_decref (fresh);
      return;
    }
  }
  json_array_append_new (known, fresh);
}

struct binding *
campaign_binding (struct campaign *campaign, const char *name,
                  const json_t *words, struct err **err)
{
  const struct provider *provider = campaign_provider (name, err);
  CLEANUP_JSON json_t *none = json_object ();
  struct binding *binding;
  size_t place;

  if (provider == NULL)
    return NULL;
  if (words == NULL)
    words = none;
  binding = asked_before (campaign, provider, words);
  if (binding)
    return binding;
  binding = binding_new (campaign, provider, words);
  if (open_binding (binding, err) == -1) {
    drop (binding);
    return NULL;
  }
  if (identify (campaign, binding, err) == -1) {
    retire (campaign, binding);
    return NULL;
  }
  place = place_of (campaign, binding);
  binding = campaign->bindings.ptr[place];
  json_array_append_new (campaign->asked_bindings,
                         json_make ("{s:O,s:I}", "words", words, "binding",
                                    (json_int_t)place));
  keep (campaign, binding, words);
  return binding;
}

static bool
is_of (const json_t *known, const json_t *found)
{
  static const char *const keys[] = {"provider", "account", "region"};

  for (size_t i = 0; i < ARRAY_SIZE (keys); i++)
    if (strcmp (json_str (known, keys[i], ""), json_str (found, keys[i], "")) !=
        0)
      return false;
  return true;
}

/* Of several words for the same place the first: any sees the VM.  What is
 * opened with them must be what it was then: a profile may point to another
 * account by now. */
struct binding *
campaign_binding_again (struct campaign *campaign, const json_t *found,
                        struct err **err)
{
  const json_t *known = known_bindings (campaign), *words = NULL;
  struct binding *binding;
  json_t *item;
  size_t i;

  json_array_foreach (known, i, item)
  {
    if (words == NULL && is_of (item, found))
      words = json_at (item, "words");
  }
  binding =
      campaign_binding (campaign, json_str (found, "provider", ""), words, err);
  if (binding == NULL ||
      (strcmp (binding->account, json_str (found, "account", "")) == 0 &&
       strcmp (binding->region, json_str (found, "region", "")) == 0))
    return binding;
  err_set (err, ERR_USAGE,
           "this VM is in %s '%s' %s, but what is set now leads to '%s' %s: "
           "give the same profile, region or credentials as at first",
           binding->provider->name, json_str (found, "account", ""),
           json_str (found, "region", ""), binding->account, binding->region);
  return NULL;
}
