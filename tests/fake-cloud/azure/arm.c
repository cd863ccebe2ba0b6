/* The front of the fake Azure: which request is whose, and the order in which a
 * call is looked at: authentication, API version, rights, throttle of the front
 * door, existence, locks, Compute's throttle, and then the call itself.  (That
 * order: (unverified).)
 *
 * Paths, methods and query parameters: @azure/arm-compute 22.4; replies:
 * recorded traffic of the Azure CLI's tests. */

#include "arm.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <base/text.h>

/* The first that fits counts: blobs, which may have any name, come last. */
static const struct arm_route *const tables[] =
    {arm_resource_routes,   arm_vm_routes,        arm_power_routes,
     arm_attach_routes,     arm_model_routes,     arm_disk_routes,
     arm_make_routes,       arm_operation_routes, arm_tag_routes,
     arm_entra_routes,      arm_imds_routes,      arm_vault_routes,
     arm_diagnostics_routes};

/* API versions that each service knows, besides those of recorded traffic:
 * stable ones of 2020 to 2026. [Azure/bicep-types-az]  A version is "known" if
 * it is a date between these. */
static const struct {
  const char *service, *first, *last;
} versions[] = {{"compute", "2019-03-01", "2026-04-01"},
                {"resources", "2016-06-01", "2026-04-01"},
                {"authorization", "2016-09-01", "2022-12-31"},
                {"imds", "2018-02-01", "2026-04-01"},
                {"vault", "7.0", "7.6"}};

static const struct arm_route *
find_route (const char *method, const char *path, json_t *parts)
{
  for (size_t i = 0; i < ARRAY_SIZE (tables); i++)
    for (const struct arm_route *row = tables[i]; row->method; row++)
      if (strcmp (row->method, method) == 0 &&
          fake_path_match (row->path, path, true, parts))
        return row;
  return NULL;
}

const struct arm_route *
arm_route_of (const struct fake_call *call)
{
  CLEANUP_FAKE_URL struct fake_url url;
  CLEANUP_JSON json_t *parts = json_object ();

  fake_url_split (call->req->url, &url);
  return find_route (call->req->method, url.path, parts);
}

static bool
begins (const char *path, const char *with)
{
  return strncasecmp (path, with, strlen (with)) == 0;
}

static bool
owns (struct fake_cloud *cloud, const struct http_request *req)
{
  static const char *const roots[] = {"/subscriptions/", "/metadata/",
                                      "/secrets/", "/bootdiagnostics-",
                                      "/tenants"};
  CLEANUP_FAKE_URL struct fake_url url;
  bool ours = false;

  (void)cloud;
  fake_url_split (req->url, &url);
  for (size_t i = 0; i < ARRAY_SIZE (roots); i++)
    ours = ours || begins (url.path, roots[i]);
  return ours || strcasecmp (url.path, "/subscriptions") == 0 ||
         strcmp (url.path, "/secrets") == 0 || strstr (url.path, "/oauth2/") ||
         strstr (url.path, "/.well-known/") ||
         strcmp (url.path, "/msi/token") == 0;
}

/* ---- what a request says ---- */

const char *
arm_part (const struct fake_call *call, const char *name)
{
  return json_string_value (json_object_get (call->params, name));
}

/* Query parameters are kept with "?" before the name, in lower case. */
const char *
arm_query (const struct fake_call *call, const char *name)
{
  CLEANUP_FREE char *key = xasprintf ("?%s", name);
  CLEANUP_FREE char *lower = arm_lower (key);

  return arm_part (call, lower);
}

bool
arm_query_flag (const struct fake_call *call, const char *name)
{
  const char *value = arm_query (call, name);

  return value && strcasecmp (value, "true") == 0;
}

const json_t *
arm_body (const struct fake_call *call)
{
  return json_object_get (call->params, "_body");
}

char *
arm_base (const struct fake_call *call)
{
  CLEANUP_FAKE_URL struct fake_url url;

  fake_url_split (call->req->url, &url);
  return TAKE (url.base);
}

char *
arm_scope (const struct fake_call *call, unsigned segments)
{
  CLEANUP_FAKE_URL struct fake_url url;
  char *end;

  fake_url_split (call->req->url, &url);
  end = url.path;
  for (unsigned i = 0; i <= segments && *end; i++) {
    if (i == segments)
      *end = '\0';
    else
      end += 1 + strcspn (end + 1, "/");
  }
  return arm_lower (url.path);
}

static void
parse_query (struct fake_call *call, const char *query)
{
  CLEANUP_JSON json_t *found = json_object ();
  const char *key;
  json_t *value;

  if (fake_form_parse (query, strlen (query), found) < 0)
    json_put_str (call->params, "_malformed", "query");
  json_object_foreach (found, key, value)
  {
    CLEANUP_FREE char *marked = xasprintf ("?%s", key);
    CLEANUP_FREE char *lower = arm_lower (marked);

    json_object_set (call->params, lower, value);
  }
}

static void
parse_body (struct fake_call *call)
{
  const char *type = http_header_get (&call->req->headers, "Content-Type");
  json_t *body = NULL;

  if (call->req->body_len &&
      (type == NULL || !begins (type, "application/x-www-form-urlencoded"))) {
    body = json_parse (call->req->body, call->req->body_len, "body", NULL);
    if (!json_is_object (body)) {
      json_decref (body);
      body = NULL;
      json_put_str (call->params, "_malformed", "body");
    }
  } else if (call->req->body_len) {
    body = json_object ();
    if (fake_form_parse (call->req->body, call->req->body_len, body) < 0)
      json_put_str (call->params, "_malformed", "body");
  }
  json_put (call->params, "_body", body ? body : json_object ());
}

/* Ids of disks in a body: so that fault rules and tests find calls by them. */
static void
collect_ids (struct fake_call *call, const json_t *value)
{
  const char *key, *text = json_string_value (value);
  json_t *member;
  size_t i;

  if (text && begins (text, "/subscriptions/"))
    str_vec_push (&call->ids, arm_lower (text));
  json_array_foreach ((json_t *)value, i, member) collect_ids (call, member);
  if (json_is_object (value))
    json_object_foreach ((json_t *)value, key, member)
    {
      collect_ids (call, member);
    }
}

static void
parse (struct fake_call *call)
{
  CLEANUP_FAKE_URL struct fake_url url;
  const struct arm_route *route;

  fake_url_split (call->req->url, &url);
  route = find_route (call->req->method, url.path, call->params);
  call->service = route ? route->service : "azure";
  call->action = route ? xstrdup (route->action) : text_printable (url.path);
  if (begins (url.path, "/subscriptions/"))
    str_vec_push (&call->ids,
                  arm_scope (call, strstr (url.path, "/providers/") ? 8 : 4));
  parse_query (call, url.query);
  parse_body (call);
  collect_ids (call, arm_body (call));
  if (arm_part (call, "sub"))
    call->account = arm_lower (arm_part (call, "sub"));
}

/* ---- the way of a call ---- */

static bool
is_listed (const char *words, const char *word)
{
  size_t len = strlen (word);

  for (; words && *words; words += strcspn (words, " ")) {
    words += strspn (words, " ");
    if (strcspn (words, " ") == len && strncasecmp (words, word, len) == 0)
      return true;
  }
  return false;
}

static int
check_version (struct fake_call *call, const struct arm_route *route)
{
  const char *version = arm_query (call, "api-version");

  if (version == NULL)
    return arm_front_fail (call, 400, "MissingApiVersionParameter",
                           "The api-version query parameter (?api-version=) is "
                           "required for all requests.");
  for (size_t i = 0; i < ARRAY_SIZE (versions); i++)
    if (strcmp (versions[i].service, route->service) == 0 &&
        (strlen (version) != strlen (versions[i].first) ||
         strcmp (version, versions[i].first) < 0 ||
         strcmp (version, versions[i].last) > 0))
      return arm_front_fail (
          call, 400, "InvalidResourceType",
          "The resource type could not be found in the namespace '%s' for api "
          "version '%s'. The supported api-versions are '%s' to '%s'.",
          route->service, version, versions[i].first, versions[i].last);
  return 0;
}

static int
check_query (struct fake_call *call, const struct arm_route *route)
{
  const char *key;
  json_t *value;

  if (arm_part (call, "_malformed"))
    return arm_front_fail (call, 400, "InvalidRequestContent",
                           "The request content was invalid and could not be "
                           "deserialized.");
  json_object_foreach (call->params, key, value)
  {
    if (*key == '?' && !(route->flags & ARM_LOOSE) &&
        strcmp (key, "?api-version") != 0 && !is_listed (route->query, key + 1))
      return arm_front_fail (call, 400, "InvalidQueryParameter",
                             "fake cloud: the query parameter '%s' of %s is "
                             "not known here",
                             key + 1, route->action);
  }
  return 0;
}

static int
check_locks (struct fake_call *call, const struct arm_route *route)
{
  CLEANUP_FREE char *scope = arm_scope (call, 8);

  if (!(route->flags & (ARM_CHANGES | ARM_DELETES)) || call->cloud->depth)
    return 0;
  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *lock = call->cloud->objects.ptr[i];
    bool read_only;

    if (lock->gone || strcmp (lock->kind, "lock") != 0 ||
        !arm_is_below (scope, json_str (lock->body, "_scope", "?")))
      continue;
    read_only =
        strcmp (json_str (lock->body, "properties.level", ""), "ReadOnly") == 0;
    if (read_only || (route->flags & ARM_DELETES))
      return arm_front_fail (
          call, 409, "ScopeLocked",
          "The scope '%s' cannot perform %s operation because following "
          "scope(s) are locked: '%s'. Please remove the lock and try again.",
          scope, route->flags & ARM_DELETES ? "delete" : "write",
          json_str (lock->body, "_scope", ""));
  }
  return 0;
}

static int
check_subscription (struct fake_call *call)
{
  const char *id = arm_part (call, "sub");
  CLEANUP_FREE char *scope = NULL, *lower = NULL;
  const json_t *group = json_object_get (call->params, "group");

  if (id == NULL)
    return 0;
  lower = arm_lower (id);
  scope = xasprintf ("/subscriptions/%s", lower);
  if (arm_find (call, "subscription", scope) == NULL)
    return arm_front_fail (call, 404, "SubscriptionNotFound",
                           "The subscription '%s' could not be found.", id);
  free (scope);
  scope = group ? arm_scope (call, 4) : NULL;
  if (scope && arm_find (call, "group", scope) == NULL)
    return arm_front_fail (call, 404, "ResourceGroupNotFound",
                           "Resource group '%s' could not be found.",
                           json_string_value (group));
  return 0;
}

static void
serve (struct fake_call *call)
{
  const struct arm_route *route = arm_route_of (call);
  CLEANUP_FREE char *scope = arm_scope (call, 8);

  if (route == NULL) {
    arm_front_fail (call, 404, "InvalidResourceType",
                    "fake cloud: nothing answers %s at %s", call->req->method,
                    call->action);
    return;
  }
  if (route->flags & ARM_OPEN) {
    route->run (call);
    return;
  }
  if (arm_who_calls (call, "https://management.azure.com") < 0 ||
      check_version (call, route) < 0 || check_query (call, route) < 0 ||
      (route->right && arm_check_right (call, route->right, scope) < 0) ||
      check_subscription (call) < 0 || check_locks (call, route) < 0 ||
      arm_admit (call, route) < 0)
    return;
  route->run (call);
}

static void
fail (struct fake_call *call, int status, const char *code, const char *message)
{
  arm_fail (call, status, code, "%s", message);
}

static void
list (struct strbuf *sb)
{
  for (size_t i = 0; i < ARRAY_SIZE (tables); i++)
    for (const struct arm_route *row = tables[i]; row->method; row++)
      strbuf_addf (sb, "%s %s %s %s %s\n", row->service, row->action,
                   row->method, row->path, row->query ? row->query : "");
}

extern const struct fake_module fake_azure;

const struct fake_module fake_azure =
    {"azure",       arm_load, owns,
     parse,         serve,    fail,
     arm_throttled, list,     "application/json; charset=utf-8"};
