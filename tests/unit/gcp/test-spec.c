/* Every request that the rows can build, against Google's own description of
 * the API: path, verb, parameters, members of the body.
 *
 * The description is not part of the project: BOOTMEND_SPECS names a folder
 * with gcp/compute.v1.json (the discovery document of Compute v1); without it
 * the test is skipped. */

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>
#include <provider-gcp/gcp-provider.h>
#include <provider-gcp/methods.h>

#include "requests.h"

/* Newer than the description of 2021 that this was written with. */
static const char *const newer[] = {"discardLocalSsd"};

static int bad;

static void
complain (const char *what, const char *which)
{
  printf ("%s: %s\n", what, which);
  bad++;
}

/* "instances.stop" */
static const json_t *
method_of (const json_t *spec, const char *name)
{
  const char *dot = strchr (name, '.');
  CLEANUP_FREE char *group = xstrndup (name, (size_t)(dot - name));
  const json_t *resources = json_object_get (spec, "resources");
  const json_t *methods =
      json_object_get (json_object_get (resources, group), "methods");

  return json_object_get (methods, dot + 1);
}

/* projects/{project}/zones/{zone}: part by part. */
static bool
path_fits (const char *pattern, const char *path, size_t len)
{
  const char *end = path + len;

  while (*pattern && path < end) {
    if (*pattern == '{') {
      pattern = strchr (pattern, '}') + 1;
      if (path == end || *path == '/')
        return false;
      path += strcspn (path, "/?");
      continue;
    }
    if (*pattern++ != *path++)
      return false;
  }
  return *pattern == '\0' && path == end;
}

static void
check_query (const json_t *spec, const json_t *method, const char *query,
             const char *name)
{
  const json_t *own = json_object_get (method, "parameters");
  const json_t *all = json_object_get (spec, "parameters");

  while (*query) {
    CLEANUP_FREE char *key = xstrndup (query, strcspn (query, "="));
    bool known = json_object_get (own, key) || json_object_get (all, key);

    for (size_t i = 0; i < ARRAY_SIZE (newer); i++)
      known = known || strcmp (newer[i], key) == 0;
    if (!known)
      complain (name, key);
    query += strcspn (query, "&");
    query += *query == '&';
  }
}

/* Members of a body, and theirs. */
static void
check_body (const json_t *spec, const json_t *schema, const json_t *body,
            const char *name)
{
  const char *ref = json_str (schema, "$ref", NULL), *key;
  const json_t *known;
  json_t *value, *item;
  size_t i;

  if (ref)
    schema = json_object_get (json_object_get (spec, "schemas"), ref);
  known = json_object_get (schema, "properties");
  json_object_foreach ((json_t *)body, key, value)
  {
    const json_t *inner = json_object_get (known, key);

    if (known == NULL && json_object_get (schema, "additionalProperties"))
      continue;
    if (inner == NULL)
      complain (name, key);
    else if (json_is_object (value))
      check_body (spec, inner, value, name);
    json_array_foreach (json_is_array (value) ? value : NULL, i, item)
    {
      if (json_is_object (item))
        check_body (spec, json_object_get (inner, "items"), item, name);
    }
  }
}

static void
check (const json_t *spec, const struct http_request *req)
{
  static const char base[] = "https://compute.googleapis.com/compute/v1/";
  const json_t *method = method_of (spec, req->action);
  const char *path = req->url + sizeof base - 1;
  const char *query = strchr (path, '?');
  size_t len = query ? (size_t)(query - path) : strlen (path);
  CLEANUP_JSON json_t *body =
      req->body ? json_loads (req->body, 0, NULL) : NULL;

  if (method == NULL) {
    complain ("no such method", req->action);
    return;
  }
  if (strcmp (json_str (method, "httpMethod", ""), req->method) != 0)
    complain ("another verb", req->action);
  if (!path_fits (json_str (method, "path", ""), path, len) &&
      !path_fits (json_str (method, "flatPath", ""), path, len))
    complain (json_str (method, "path", ""), req->url);
  check_query (spec, method, query ? query + 1 : "", req->action);
  if ((body != NULL) != (json_object_get (method, "request") != NULL))
    complain ("a body or none", req->action);
  if (body)
    check_body (spec, json_object_get (method, "request"), body, req->action);
}

int
main (void)
{
  const char *folder = getenv ("BOOTMEND_SPECS");
  CLEANUP_FREE char *path =
      xasprintf ("%s/gcp/compute.v1.json", folder ? folder : "");
  CLEANUP_JSON json_t *spec = folder ? json_load_file (path, 0, NULL) : NULL;
  struct binding *b = test_binding ();
  bool seen[GCP_METHOD_COUNT] = {false};

  if (spec == NULL) {
    printf ("skipped: BOOTMEND_SPECS names no folder with "
            "gcp/compute.v1.json\n");
    test_binding_free (b);
    return 77;
  }
  for (size_t i = 0; i < request_count; i++) {
    CLEANUP_HTTP_REQUEST struct http_request req = {0};
    CLEANUP_JSON json_t *in = quoted_json (request_cases[i].in);

    if (gcp_provider.ops[request_cases[i].op].build (b, in, &req, NULL) == -1)
      complain ("not built", request_cases[i].expect);
    else
      check (spec, &req);
    for (int m = 0; m < GCP_METHOD_COUNT; m++)
      seen[m] = seen[m] ||
                (req.action && strcmp (req.action, gcp_methods[m].name) == 0);
  }
  for (int m = 0; m < GCP_METHOD_COUNT; m++)
    if (!seen[m])
      complain ("no request of", gcp_methods[m].name);
  test_binding_free (b);
  printf ("%zu requests of %d methods compared, %d differences\n",
          request_count, GCP_METHOD_COUNT, bad);
  return bad ? 1 : 0;
}
