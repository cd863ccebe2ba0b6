/* The end of a look at VMs: what was found, is missing, or gone. */

#include "look-end.h"

#include <string.h>

#include "names.h"
#include "refusals.h"

bool
gcp_look_is_whole (const json_t *in)
{
  return !json_bool (in, "brief", false) || json_bool (in, "preflight", false);
}

static void
miss (json_t *missing, const char *what, char *why_taken)
{
  CLEANUP_FREE char *why = why_taken;

  json_array_append_new (missing,
                         json_make ("{s:s,s:s}", "what", what, "why", why));
}

static bool
is_found (const json_t *found, const json_t *id)
{
  const char *zone = json_str (id, "zone", NULL);
  json_t *one;
  size_t i;

  json_array_foreach ((json_t *)found, i, one)
  {
    const char *text = json_string_value (one);
    CLEANUP_FREE char *of = gcp_zone_of (text);

    if (strcmp (gcp_last (text), json_str (id, "name", "")) == 0 &&
        (zone == NULL || strcmp (zone, of) == 0))
      return true;
  }
  return false;
}

static json_t *
missing_of (const struct binding *b, const json_t *in, const json_t *state)
{
  json_t *missing = json_array (), *id, *why;
  const char *scope;
  size_t i;

  json_array_foreach (json_at (in, "selector.ids"), i, id)
  {
    if (!is_found (json_object_get (state, "found"), id))
      miss (missing, json_str (id, "name", ""),
            xasprintf ("no such instance%s%s in project %s that fits the other "
                       "words: is it of another project or zone?",
                       json_str (id, "zone", NULL) ? " in zone " : "",
                       json_str (id, "zone", ""), b->account));
  }
  json_object_foreach (json_object_get (state, "unreachable"), scope, why)
  {
    miss (missing, scope,
          xasprintf ("Google could not list it, VMs there may be missing: %s",
                     json_string_value (why)));
  }
  if (json_array_size (missing) == 0 && json_int (state, "count", 0) == 0)
    miss (missing, json_str (in, "selector.text", ""),
          xasprintf ("no instance of project %s fits", b->account));
  return missing;
}

/* Of those that were not shown: what is in a zone that did not answer may be
 * there. */
static json_t *
gone_of (const json_t *state)
{
  const json_t *bad = json_object_get (state, "unreachable");
  json_t *gone = json_array (), *id;
  size_t i;

  json_array_foreach (json_object_get (state, "unseen"), i, id)
  {
    CLEANUP_FREE char *scope = gcp_scope_of (json_string_value (id));

    if (json_object_get (bad, scope) == NULL)
      json_array_append (gone, id);
  }
  return gone;
}

static void
judge_all (const struct binding *b, const json_t *in, json_t *vms)
{
  bool whole =
      json_object_get (in, "selector") || json_bool (in, "preflight", false);
  json_t *vm;
  size_t i;

  json_array_foreach (vms, i, vm)
  {
    json_t *facts = json_object_get (vm, "facts");

    if (gcp_look_is_whole (in) && json_object_get (vm, "os_disk") &&
        !json_object_get (facts, "disk_seen"))
      json_put_bool (facts, "disk_missing", true);
    json_object_del (facts, "disk_seen");
    if (whole)
      gcp_judge (b, vm);
  }
}

/* What the pages behind need to know. */
static json_t *
rest_of (const json_t *state)
{
  static const char *const kept[] = {"members", "unreachable", "unseen",
                                     "count", "found"};
  const char *token = json_str (state, "rest", NULL);
  json_t *rest;

  if (token == NULL)
    return NULL;
  rest = json_make ("{s:s,s:s}", "phase", "instances", "token", token);
  for (size_t i = 0; i < ARRAY_SIZE (kept); i++)
    if (json_object_get (state, kept[i]))
      json_object_set (rest, kept[i], json_object_get (state, kept[i]));
  return rest;
}

json_t *
gcp_look_end (const struct binding *b, const json_t *in, json_t *state)
{
  json_t *vms = json_list (state, "vms"), *rest, *vm;
  json_t *out = json_object ();
  size_t i;

  judge_all (b, in, vms);
  json_array_foreach (vms, i, vm)
  {
    json_array_append (json_list (state, "found"), json_object_get (vm, "id"));
  }
  json_put (out, "vms", json_incref (vms));
  rest = rest_of (state);
  if (rest)
    json_put (out, "next", rest);
  else if (json_object_get (in, "selector"))
    json_put (out, "missing", missing_of (b, in, state));
  else
    json_put (out, "gone", gone_of (state));
  return out;
}
