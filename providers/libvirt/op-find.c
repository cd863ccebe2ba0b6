/* Finding and describing domains. */

#include <string.h>

#include "errors.h"
#include "ops.h"
#include "record.h"
#include "selector.h"

int
do_open (const struct task *task, json_t **out, struct err **err)
{
  (void)task;
  (void)err;
  *out = json_object ();
  return 0;
}

virDomainPtr
domain_of (const struct task *task, const char *id, struct err **err)
{
  virDomainPtr dom = virDomainLookupByUUIDString (task->conn, id);

  if (dom == NULL)
    virt_err (err, "domain %s", id);
  return dom;
}

int
for_each_vm (const struct task *task, one_domain *one, json_t **out,
             struct err **err)
{
  json_t *vms = json_need_array (task->in, "vms", err);
  json_t *failed, *vm;
  size_t i;

  if (vms == NULL)
    return -1;
  failed = json_array ();
  *out = json_object ();
  json_put (*out, "failed", failed);
  json_array_foreach (vms, i, vm)
  {
    CLEANUP_ERR struct err *why = NULL;
    const char *id = json_str (vm, "id", "");
    CLEANUP_DOMAIN virDomainPtr dom = NULL;
    json_t *item;

    if (task_is_given_up (task))
      return err_set (err, ERR_TIMEOUT, "given up");
    dom = domain_of (task, id, &why);
    if (dom && one (task, dom, vm, &why) == 0)
      continue;
    /* The connection broke under it: nobody knows whether it happened. */
    if (virConnectIsAlive (task->conn) == 0)
      why->code = ERR_UNKNOWN_EFFECT;
    item = json_object ();
    json_put_str (item, "id", id);
    json_put (item, "error", json_from_err (why));
    json_array_append_new (failed, item);
  }
  return 0;
}

/* A domain that goes while the list is read is not there; one whose XML makes
 * no sense is told by name, and the others are seen all the same. */
static int
see_all (const struct task *task, struct seen_vec *all, json_t *missing,
         struct err **err)
{
  virDomainPtr *list = NULL;
  int n = virConnectListAllDomains (task->conn, &list, 0);

  if (n == -1)
    return virt_err (err, "%s: list of domains", session_uri (task->session));
  for (int i = 0; i < n; i++) {
    CLEANUP_ERR struct err *why = NULL;
    CLEANUP_FREE char *name = xstrdup (virDomainGetName (list[i]));
    struct seen *seen = seen_load (list[i], &why);

    if (seen)
      seen_vec_push (all, seen);
    else if (why->code == ERR_TRANSIENT || why->code == ERR_AUTH) {
      while (++i < n)
        virDomainFree (list[i]);
      free (list);
      return err_move (err, TAKE (why));
    } else if (why->code != ERR_NOT_FOUND && missing) {
      json_t *item = json_object ();

      json_put_str (item, "what", name);
      json_put_str (item, "why", why->msg);
      json_array_append_new (missing, item);
    }
  }
  free (list);
  return 0;
}

static void
learn_usage (const struct task *task, const struct seen_vec *all,
             struct usage *usage)
{
  for (size_t i = 0; i < all->len; i++) {
    const struct seen *seen = all->ptr[i];

    usage_add (usage, seen->config, seen->active,
               !session_is_remote (task->session));
    if (seen->live)
      usage_add (usage, seen->live, true, false);
  }
  usage_seal (usage);
}

/* A positive term that means no domain is told by name. */
static void
tell_missing (const json_t *selector, const struct seen_vec *all,
              const char *uri, json_t *missing)
{
  json_t *term;
  size_t i;

  json_array_foreach (json_object_get (selector, "terms"), i, term)
  {
    CLEANUP_FREE char *why = NULL;
    json_t *item;
    bool found = json_bool (term, "not", false);

    for (size_t j = 0; j < all->len && !found; j++)
      found = term_matches (term, all->ptr[j]->config);
    if (found)
      continue;
    why = xasprintf ("no such domain on %s, which has %zu", uri, all->len);
    item = json_object ();
    json_put_str (item, "what", json_str (term, "text", ""));
    json_put_str (item, "why", why);
    json_array_append_new (missing, item);
  }
}

static int
records_of (const struct task *task, const struct seen_vec *all,
            const json_t *selector, const json_t *ids, json_t *vms,
            struct err **err)
{
  struct usage usage = {.uses = VEC_EMPTY};
  int result = 0;

  learn_usage (task, all, &usage);
  for (size_t i = 0; i < all->len && result == 0; i++) {
    const struct seen *seen = all->ptr[i];
    bool wanted = selector ? selector_matches (selector, seen->config)
                           : json_object_get (ids, seen->config->uuid) != NULL;
    json_t *vm;

    if (!wanted)
      continue;
    vm = record_make (task, seen, &usage, err);
    if (vm)
      json_array_append_new (vms, vm);
    else
      result = -1;
  }
  usage_release (&usage);
  return result;
}

int
do_find (const struct task *task, json_t **out, struct err **err)
{
  const json_t *selector = json_need_object (task->in, "selector", err);
  CLEANUP_JSON json_t *made = json_object ();
  json_t *vms = json_array (), *missing = json_array ();
  struct seen_vec all = VEC_EMPTY;
  int result;

  json_put (made, "vms", vms);
  json_put (made, "missing", missing);
  if (selector == NULL)
    return -1;
  result = see_all (task, &all, missing, err);
  if (result == 0) {
    tell_missing (selector, &all, session_uri (task->session), missing);
    result = records_of (task, &all, selector, NULL, vms, err);
  }
  seen_free_all (&all);
  if (result == 0)
    *out = TAKE (made);
  return result;
}

/* One look-up for each, for polling. */
static int
describe_brief (const struct task *task, const json_t *ids, json_t *vms,
                json_t *gone, struct err **err)
{
  json_t *id;
  size_t i;

  json_array_foreach (ids, i, id)
  {
    const char *uuid = json_string_value (id);
    CLEANUP_ERR struct err *why = NULL;
    virDomainPtr dom = domain_of (task, uuid ? uuid : "", &why);
    struct seen *seen = dom ? seen_load (dom, &why) : NULL;
    json_t *vm = seen ? record_make (task, seen, NULL, &why) : NULL;

    seen_free (seen);
    if (vm)
      json_array_append_new (vms, vm);
    else if (why->code == ERR_NOT_FOUND)
      json_array_append (gone, id);
    else
      return err_move (err, TAKE (why));
  }
  return 0;
}

static void
tell_gone (const json_t *ids, const struct seen_vec *all, json_t *gone)
{
  json_t *id;
  size_t i;

  json_array_foreach (ids, i, id)
  {
    bool found = false;

    for (size_t j = 0; j < all->len && !found; j++)
      found = json_is_string (id) && all->ptr[j]->config->uuid &&
              strcmp (all->ptr[j]->config->uuid, json_string_value (id)) == 0;
    if (!found)
      json_array_append (gone, id);
  }
}

int
do_describe (const struct task *task, json_t **out, struct err **err)
{
  const json_t *ids = json_need_array (task->in, "ids", err);
  CLEANUP_JSON json_t *made = json_object ();
  CLEANUP_JSON json_t *set = json_object ();
  json_t *vms = json_array (), *gone = json_array (), *id;
  struct seen_vec all = VEC_EMPTY;
  size_t i;
  int result;

  json_put (made, "vms", vms);
  json_put (made, "gone", gone);
  if (ids == NULL)
    return -1;
  if (json_bool (task->in, "brief", false))
    result = describe_brief (task, ids, vms, gone, err);
  else {
    json_array_foreach (ids, i, id) if (json_is_string (id))
        json_put_bool (set, json_string_value (id), true);
    result = see_all (task, &all, NULL, err);
    if (result == 0)
      result = records_of (task, &all, NULL, set, vms, err);
    tell_gone (ids, &all, gone);
  }
  seen_free_all (&all);
  if (result == 0)
    *out = TAKE (made);
  return result;
}
