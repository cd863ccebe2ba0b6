/* Lists: filters, pages, scopes, and zones that do not answer. */

#include "gce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
  const char *id;
  const json_t *body;
};
DEFINE_VEC (struct item, gce_items);

static int
by_id (const void *a, const void *b)
{
  return strcmp (((const struct item *)a)->id, ((const struct item *)b)->id);
}

/* "zones/Z", "regions/R", "global" of an id. */
static char *
scope_of (const char *id)
{
  const char *at = strchr (strchr (id, '/') + 1, '/') + 1;
  size_t len = strcspn (at, "/");

  if (strncmp (at, "global", 6) != 0)
    len += 1 + strcspn (at + len + 1, "/");
  return xstrndup (at, len);
}

static bool
is_unreachable (const struct fake_cloud *cloud, const char *scope)
{
  const json_t *list = fake_config (cloud, "gcp.unreachable");

  for (size_t i = 0; i < json_array_size (list); i++)
    if (strcmp (json_string_value (json_array_get (list, i)), scope) == 0)
      return true;
  return false;
}

/* As a reader of lists sees them; sorted by id, which is by zone and name. */
static void
gather (struct fake_call *call, const char *kind, const char *prefix,
        const json_t *filter, struct gce_items *items)
{
  struct fake_cloud *cloud = call->cloud;
  size_t len = strlen (prefix);

  for (size_t i = 0; i < cloud->objects.len; i++) {
    const struct fake_object *object = cloud->objects.ptr[i];
    const json_t *body;

    if (strcmp (object->kind, kind) != 0 ||
        strncmp (object->id, prefix, len) != 0)
      continue;
    body = fake_object_view (cloud, object);
    if (body && gce_filter_fits (filter, body))
      gce_items_push (items, (struct item){object->id, body});
  }
  if (items->len)
    qsort (items->ptr, items->len, sizeof *items->ptr, by_id);
}

/* ---- pages ---- */

/* All that a page's successor must ask again. */
static char *
question_of (const struct fake_call *call)
{
  const char *filter = gce_param (call, "filter");

  return xasprintf ("%s %s %s %s", call->action, call->account, call->region,
                    filter ? filter : "");
}

/* The id after which the page begins; "" for the first; NULL after gce_fail. */
static const char *
page_begin (struct fake_call *call)
{
  const char *token = gce_param (call, "pageToken");
  CLEANUP_FREE char *key = xasprintf ("gcp-page/%s", token ? token : "");
  CLEANUP_FREE char *question = question_of (call);
  const json_t *known = json_object_get (call->cloud->tokens, key);

  if (token == NULL || *token == '\0')
    return "";
  if (known && strcmp (json_str (known, "question", ""), question) == 0)
    return json_str (known, "after", "");
  gce_invalid (call, "pageToken", token, "The page token is not valid.");
  return NULL;
}

static void
put_next (struct fake_call *call, const char *after)
{
  CLEANUP_FREE char *hex = fake_random_hex (call->cloud, 40);
  CLEANUP_FREE char *key = xasprintf ("gcp-page/%s", hex);
  CLEANUP_FREE char *question = question_of (call);

  json_put (call->cloud->tokens, key,
            json_make ("{s:s,s:s}", "after", after, "question", question));
  json_put_str (call->out, "nextPageToken", hex);
}

static int
page_size (struct fake_call *call, size_t *size)
{
  const char *text = gce_param (call, "maxResults");
  CLEANUP_JSON json_t *json = json_string (text ? text : "500");
  int64_t most = gce_number (json);
  int64_t own = json_integer_value (fake_config (call->cloud, "page_size"));

  if (most < 0 || most > 500)
    return gce_invalid (call, "maxResults", text,
                        "Must be between 0 and 500, inclusive.");
  if (most == 0)
    most = 500;
  *size = (size_t)(own > 0 && own < most ? own : most);
  return 0;
}

/* Cuts the list to the page and says where the next one begins. */
static int
cut (struct fake_call *call, struct gce_items *items)
{
  const char *after = page_begin (call);
  size_t size = 0, from = 0;

  if (after == NULL || page_size (call, &size) < 0)
    return -1;
  while (from < items->len && *after &&
         strcmp (items->ptr[from].id, after) <= 0)
    from++;
  if (items->len == 0)
    return 0;
  memmove (items->ptr, items->ptr + from,
           (items->len - from) * sizeof *items->ptr);
  items->len -= from;
  if (items->len > size) {
    items->len = size;
    put_next (call, items->ptr[size - 1].id);
  }
  return 0;
}

/* ---- replies ---- */

static int
begin (struct fake_call *call, const char *list_kind, json_t **filter)
{
  const char *text = gce_param (call, "filter");
  CLEANUP_FREE char *kind = xasprintf ("compute#%s", list_kind);
  CLEANUP_FREE char *self = NULL;
  CLEANUP_FAKE_URL struct fake_url url = {0};
  bool bad;

  *filter = gce_filter_parse (text, &bad);
  if (bad)
    return gce_invalid (call, "filter", text,
                        "Invalid list filter expression.");
  fake_url_split (call->req->url, &url);
  self = xasprintf ("https://www.googleapis.com%s", url.path);
  json_put_str (call->out, "kind", kind);
  json_put_str (call->out, "id", self + strlen (GCE_LINK));
  json_put_str (call->out, "selfLink", self);
  return 0;
}

static int
finish (struct fake_call *call)
{
  gce_answer (call, json_incref (call->out));
  return 0;
}

int
gce_list (struct fake_call *call, const char *kind, const char *list_kind,
          const char *prefix)
{
  CLEANUP_JSON json_t *filter = NULL;
  struct gce_items items = VEC_EMPTY;
  json_t *list;
  int result;

  if (begin (call, list_kind, &filter) < 0)
    return -1;
  gather (call, kind, prefix, filter, &items);
  result = cut (call, &items);
  if (result == 0 && items.len) {
    list = json_array ();
    for (size_t i = 0; i < items.len; i++)
      json_array_append_new (list, json_deep_copy (items.ptr[i].body));
    json_put (call->out, "items", list);
  }
  gce_items_release (&items);
  return result < 0 ? -1 : finish (call);
}

static json_t *
empty_scope (const char *scope)
{
  const char *slash = strchr (scope, '/');
  CLEANUP_FREE char *message =
      xasprintf ("There are no results for scope '%s' on this page.", scope);

  (void)slash;
  return json_make ("{s:{s:s,s:s,s:[{s:s,s:s}]}}", "warning", "code",
                    "NO_RESULTS_ON_PAGE", "message", message, "data", "key",
                    "scope", "value", scope);
}

/* Every zone is there, and every region if the kind has such. */
static json_t *
empty_scopes (struct fake_call *call, bool regions)
{
  const json_t *zones = fake_config (call->cloud, "gcp.zones");
  json_t *scopes = json_object ();

  for (size_t i = 0; i < json_array_size (zones); i++) {
    const char *name = json_string_value (json_array_get (zones, i));
    CLEANUP_FREE char *zone = xasprintf ("zones/%s", name);
    CLEANUP_FREE char *region_name = gce_region_of (name);
    CLEANUP_FREE char *region = xasprintf ("regions/%s", region_name);

    json_put (scopes, zone, empty_scope (zone));
    if (regions)
      json_put (scopes, region, empty_scope (region));
  }
  return scopes;
}

/* Without returnPartialSuccess one zone that does not answer fails the call;
 * with it, its scope has a warning. (code of the warning unverified) */
static int
put_unreachable (struct fake_call *call, json_t *scopes)
{
  const json_t *list = fake_config (call->cloud, "gcp.unreachable");
  json_t *links = json_array ();

  for (size_t i = 0; i < json_array_size (list); i++) {
    const char *scope = json_string_value (json_array_get (list, i));
    CLEANUP_FREE char *id = xasprintf ("projects/%s/%s", call->account, scope);
    CLEANUP_FREE char *link = gce_link (id);

    if (!gce_flag (call, "returnPartialSuccess")) {
      json_decref (links);
      return gce_fail (call, 503, "backendError",
                       "Backend error: %s does not answer.", scope);
    }
    json_put (scopes, scope,
              json_make ("{s:{s:s,s:s}}", "warning", "code", "UNREACHABLE",
                         "message", "The zone could not be reached."));
    json_array_append_new (links, json_string (link));
  }
  if (json_array_size (links))
    json_object_set (call->out, "unreachables", links);
  json_decref (links);
  return 0;
}

static void
put_scoped (struct fake_call *call, json_t *scopes, const struct item *item,
            const char *member)
{
  CLEANUP_FREE char *scope = scope_of (item->id);
  json_t *part = json_object_get (scopes, scope);

  if (is_unreachable (call->cloud, scope))
    return;
  if (json_object_get (part, member) == NULL) {
    part = json_make ("{s:[]}", member);
    json_put (scopes, scope, part);
  }
  json_array_append_new (json_object_get (part, member),
                         json_deep_copy (item->body));
}

int
gce_list_all (struct fake_call *call, const char *kind, const char *list_kind,
              const char *member, bool regions)
{
  CLEANUP_FREE char *prefix = xasprintf ("projects/%s/", call->account);
  CLEANUP_JSON json_t *filter = NULL;
  struct gce_items items = VEC_EMPTY;
  json_t *scopes;
  int result;

  if (begin (call, list_kind, &filter) < 0)
    return -1;
  scopes = empty_scopes (call, regions);
  json_put (call->out, "items", scopes);
  gather (call, kind, prefix, filter, &items);
  result = cut (call, &items);
  if (result == 0)
    result = put_unreachable (call, scopes);
  for (size_t i = 0; result == 0 && i < items.len; i++)
    put_scoped (call, scopes, &items.ptr[i], member);
  gce_items_release (&items);
  return result < 0 ? -1 : finish (call);
}
