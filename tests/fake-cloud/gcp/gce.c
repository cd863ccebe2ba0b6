/* The front of the fake Compute Engine: which method a request means, and the
 * way of each call: authentication, project, parameters, permission, quota, a
 * repeated requestId, then the method itself.  (That order: (unverified).)
 *
 * Wire facts: the discovery document of Compute v1. */

#include "gce.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>

#define BASE "/compute/v1"

static const struct gce_method *const tables[] =
    {gce_instance_methods, gce_attach_methods,   gce_disk_methods,
     gce_snapshot_methods, gce_label_methods,    gce_evidence_methods,
     gce_group_methods,    gce_operation_methods};

/* Of every method. [discovery, parameters] "$alt" is what Google's generated
 * clients send besides. */
static const char *const standard[] = {"alt",        "$alt",        "key",
                                       "fields",     "prettyPrint", "quotaUser",
                                       "$.xgafv",    "userIp",      "callback",
                                       "oauth_token"};

/* ---- which method ---- */

static bool
fits (const struct gce_method *row, const char *verb, const char *path,
      json_t *into)
{
  return strcmp (row->verb, verb) == 0 &&
         fake_path_match (row->path, path, false, into);
}

static const struct gce_method *
find_method (const char *verb, const char *path, json_t *into)
{
  for (size_t i = 0; i < ARRAY_SIZE (tables); i++)
    for (const struct gce_method *row = tables[i]; row->name; row++)
      if (fits (row, verb, path, into))
        return row;
  return NULL;
}

const struct gce_method *
gce_method_of (const struct fake_call *call)
{
  return call->row;
}

bool
gce_changes (const struct gce_method *method)
{
  return strstr (method->query, "requestId") != NULL;
}

/* ---- the request ---- */

static bool
owns (struct fake_cloud *cloud, const struct http_request *req)
{
  static const char *const starts[] = {"/compute/", "/computeMetadata",
                                       "/v1/projects/-/serviceAccounts/"};
  CLEANUP_FAKE_URL struct fake_url url = {0};

  (void)cloud;
  fake_url_split (req->url, &url);
  for (size_t i = 0; i < ARRAY_SIZE (starts); i++)
    if (strncmp (url.path, starts[i], strlen (starts[i])) == 0)
      return true;
  /* Clients look for the metadata server at its root. */
  return strcmp (url.path, "/token") == 0 ||
         strcmp (url.path, "/v1/token") == 0 ||
         (strcmp (url.path, "/") == 0 &&
          http_header_get (&req->headers, "Metadata-Flavor"));
}

/* Google's own client for Node sends an empty text where a method takes no
 * body.
 */
static bool
is_empty (const struct http_request *req)
{
  return req->body_len == 0 ||
         (req->body_len == 2 && memcmp (req->body, "\"\"", 2) == 0);
}

static void
read_body (struct fake_call *call)
{
  json_t *body;

  if (is_empty (call->req)) {
    json_put (call->params, "body", json_object ());
    return;
  }
  body = json_parse (call->req->body, call->req->body_len, "body", NULL);
  if (json_is_object (body)) {
    json_put (call->params, "body", body);
    return;
  }
  json_decref (body);
  json_put (call->params, "body", json_object ());
  json_put_str (call->params, "_malformed", "body");
}

/* The disk that a detach names by its device. */
static const char *
detached_disk (const struct fake_call *call)
{
  CLEANUP_FREE char *id = gce_target_id (call);
  const char *device = gce_param (call, "deviceName");
  const struct fake_object *instance =
      device ? fake_object_find (call->cloud, "instance", id, NULL, NULL)
             : NULL;

  return instance
             ? gce_id_of_link (json_str (gce_attached (instance, device, NULL),
                                         "source", NULL))
             : NULL;
}

/* What it makes; NULL: nothing. */
static char *
made_id (const struct fake_call *call, const struct gce_method *method)
{
  const char *name = json_str (gce_body (call), "name", NULL);
  const char *zone = gce_param (call, "zone");
  const char *region = gce_param (call, "region");

  if (name == NULL)
    return NULL;
  if (strstr (method->name, ".createSnapshot"))
    return xasprintf ("projects/%s/global/snapshots/%s", call->account, name);
  return xasprintf ("projects/%s/%s/%s/disks/%s", call->account,
                    zone ? "zones" : "regions",
                    zone     ? zone
                    : region ? region
                             : "",
                    name);
}

/* The ids that a call is about: of its path, of a disk that it attaches or
 * detaches, of what it makes. */
static void
collect_ids (struct fake_call *call, const struct gce_method *method)
{
  const char *source =
      gce_id_of_link (json_str (gce_body (call), "source", NULL));
  CLEANUP_FREE char *made = made_id (call, method);

  if (source == NULL)
    source = detached_disk (call);
  if (strchr (method->path, '{') != strrchr (method->path, '{'))
    str_vec_push (&call->ids, gce_target_id (call));
  if (source)
    str_vec_push (&call->ids, xstrdup (source));
  if (made)
    str_vec_push (&call->ids, TAKE (made));
}

static void
parse_compute (struct fake_call *call, const struct fake_url *url)
{
  const struct gce_method *method = NULL;
  const char *zone, *region;

  call->service = "compute";
  if (strncmp (url->path, BASE "/", strlen (BASE) + 1) == 0)
    method = find_method (call->req->method, url->path + strlen (BASE),
                          call->params);
  if (fake_form_parse (url->query, strlen (url->query), call->params) < 0)
    json_put_str (call->params, "_malformed", "query");
  call->row = method;
  if (method == NULL)
    return;
  read_body (call);
  call->action = xstrdup (method->name);
  zone = gce_param (call, "zone");
  region = gce_param (call, "region");
  call->account = xstrdup (gce_param (call, "project"));
  call->region = xstrdup (zone ? zone : region ? region : "global");
  collect_ids (call, method);
}

static void
parse (struct fake_call *call)
{
  CLEANUP_FAKE_URL struct fake_url url = {0};

  fake_url_split (call->req->url, &url);
  if (strncmp (url.path, "/compute/", 9) == 0) {
    parse_compute (call, &url);
    return;
  }
  call->service = strcmp (url.path, "/token") == 0      ? "oauth2"
                  : strcmp (url.path, "/v1/token") == 0 ? "sts"
                  : strncmp (url.path, "/v1/", 4) == 0  ? "iamcredentials"
                                                        : "metadata";
  call->action = text_printable (url.path); /* it goes into the log */
}

/* ---- checks ---- */

static bool
lists (const char *words, const char *name)
{
  size_t len = strlen (name);

  for (const char *p = words; (p = strstr (p, name)) != NULL; p += len)
    if ((p == words || p[-1] == ' ') &&
        (p[len] == ' ' || p[len] == '\0' || p[len] == '!'))
      return true;
  return false;
}

static bool
is_standard (const char *name)
{
  for (size_t i = 0; i < ARRAY_SIZE (standard); i++)
    if (strcmp (standard[i], name) == 0)
      return true;
  return false;
}

static int
check_query (struct fake_call *call, const struct gce_method *method)
{
  const char *name;
  json_t *value;

  json_object_foreach (call->params, name, value)
  {
    CLEANUP_FREE char *in_path = xasprintf ("{%s}", name);

    if (strcmp (name, "body") == 0 || strstr (method->path, in_path) ||
        is_standard (name) || lists (method->query, name))
      continue;
    return gce_fail (call, 400, "badRequest",
                     "Invalid JSON payload received. Unknown name \"%s\": "
                     "Cannot bind query parameter. Field '%s' could not be "
                     "found in request message.",
                     name, name);
  }
  if (gce_param (call, "fields"))
    return gce_fail (call, 501, "notImplemented",
                     "fake cloud: partial responses (fields=) are not there");
  return 0;
}

static int
check_required (struct fake_call *call, const struct gce_method *method)
{
  CLEANUP_FREE char *copy = xstrdup (method->query);
  char *rest = copy, *word;

  while ((word = strsep (&rest, " ")) != NULL) {
    size_t len = strlen (word);

    if (len == 0 || word[len - 1] != '!')
      continue;
    word[len - 1] = '\0';
    if (gce_param (call, word) == NULL)
      return gce_fail (call, 400, "required", "Required parameter: %s", word);
  }
  return 0;
}

/* Google's clients send all maps and lists of a message, also those of which
 * nothing was said. */
static int
check_body (struct fake_call *call, const struct gce_method *method)
{
  json_t *body = json_object_get (call->params, "body"), *value;
  const char *name;
  void *next;

  json_object_foreach_safe (body, next, name, value)
  {
    if (json_object_size (value) == 0 && json_array_size (value) == 0 &&
        (json_is_object (value) || json_is_array (value))) {
      json_object_del (body, name);
      continue;
    }
    if (method->body == NULL || !lists (method->body, name))
      return gce_fail (call, 400, "badRequest",
                       "Invalid JSON payload received. Unknown name \"%s\": "
                       "Cannot find field.",
                       name);
  }
  return 0;
}

static bool
is_uuid (const char *text)
{
  static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  bool zeros = true;

  if (strlen (text) != sizeof form - 1)
    return false;
  for (size_t i = 0; form[i]; i++) {
    if (form[i] == '-' ? text[i] != '-'
                       : !strchr ("0123456789abcdefABCDEF", text[i]))
      return false;
    zeros = zeros && (text[i] == '-' || text[i] == '0');
  }
  return !zeros;
}

static int
check_request (struct fake_call *call, const struct gce_method *method)
{
  const char *malformed = gce_param (call, "_malformed");
  const char *id = gce_param (call, "requestId");

  if (malformed)
    return gce_fail (call, 400, "parseError",
                     "Invalid JSON payload received. The %s can't be parsed.",
                     malformed);
  if (check_query (call, method) < 0 || check_required (call, method) < 0 ||
      check_body (call, method) < 0)
    return -1;
  if (id && !is_uuid (id))
    return gce_invalid (call, "requestId", id,
                        "Must be a valid UUID that is not all zeros.");
  return 0;
}

/* ---- the way of a call ---- */

/* Nobody's path is answered by Google's front end, with a page. */
static void
no_such_path (struct fake_call *call)
{
  fake_reply_text (call, 404, "text/html; charset=UTF-8",
                   xstrdup ("<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 "
                            "(Not Found)!!1</title>\n<p><b>404.</b> The "
                            "requested URL was not found on this server.\n"));
  fake_result (call, "404");
}

static void
serve_compute (struct fake_call *call)
{
  const struct gce_method *method = gce_method_of (call);
  CLEANUP_FREE char *id = NULL;

  if (method == NULL) {
    no_such_path (call);
    return;
  }
  id = gce_target_id (call);
  if (gce_who_calls (call) < 0 || gce_check_project (call) < 0 ||
      check_request (call, method) < 0 ||
      gce_need_permission (call, method->permission, id) < 0 ||
      gce_check_quota (call, method) < 0)
    return;
  if (gce_changes (method) && gce_seen_before (call))
    return;
  method->run (call);
}

static void
serve (struct fake_call *call)
{
  if (strcmp (call->service, "compute") == 0)
    serve_compute (call);
  else if (strcmp (call->service, "metadata") == 0)
    gce_metadata (call, call->action);
  else
    gce_token_service (call, call->action);
}

static void
fail (struct fake_call *call, int status, const char *code, const char *message)
{
  gce_fail_with (call, status, code, NULL, NULL, message);
}

static void
throttled (struct fake_call *call)
{
  gce_fail (call, 403, "rateLimitExceeded",
            "Quota exceeded for quota metric 'Queries' and limit 'Queries per "
            "minute per region' of service 'compute.googleapis.com' for "
            "consumer 'project_number:%s'.",
            call->account);
}

static void
list (struct strbuf *sb)
{
  for (size_t i = 0; i < ARRAY_SIZE (tables); i++)
    for (const struct gce_method *row = tables[i]; row->name; row++)
      strbuf_addf (sb, "compute %s %s %s %s|%s\n", row->name, row->verb,
                   row->path, row->query, row->body ? row->body : "");
}

extern const struct fake_module fake_gcp;

const struct fake_module fake_gcp =
    {"gcp",     gce_load, owns,
     parse,     serve,    fail,
     throttled, list,     "application/json; charset=UTF-8"};
