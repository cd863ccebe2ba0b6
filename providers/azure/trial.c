/* May these credentials do it?  ARM has no dry run; it tells what the caller's
 * roles allow at a resource or resource group.  [learn.microsoft.com
 * "Permissions - List For Resource", "... For Resource Group"]  Deny
 * assignments and conditions of a role are not shown there: what is allowed
 * here may be refused all the same, not the other way round. */

#include "trial.h"

#include <string.h>

#include <base/text.h>

#define API_PERMISSIONS "2022-04-01"
#define PERMISSIONS     "/providers/Microsoft.Authorization/permissions"
#define READ_RIGHT      "Microsoft.Authorization/permissions/read"

/* Where the right is needed: what exists is asked about itself, what is only to
 * be made about its resource group. */
static char *
scope_of (const struct azure_call *call)
{
  const char *tags = strcasestr (call->path, "/providers/Microsoft.Resources/");
  const char *end = call->path + strlen (call->path);

  if (tags)
    end = tags;
  else if (strcmp (call->method, "PUT") == 0)
    end = strcasestr (call->path, "/providers/");
  else if (strcmp (call->method, "POST") == 0)
    end = strrchr (call->path, '/');
  return xstrndup (call->path, end ? (size_t)(end - call->path) : 0);
}

int
azure_trial_build (const struct binding *b, struct azure_call *call,
                   struct http_request *req, struct err **err)
{
  CLEANUP_FREE char *scope = scope_of (call);
  struct azure_call ask = {.method = "GET", .api = API_PERMISSIONS};

  free (TAKE (call->path));
  json_decref (TAKE (call->body));
  ask.path = xasprintf ("%s%s", scope, PERMISSIONS);
  return azure_request (b, "permissions", true, &ask, req, err);
}

static bool
lists (const json_t *globs, const char *right)
{
  json_t *glob;
  size_t i;

  json_array_foreach ((json_t *)globs, i, glob)
  {
    if (json_is_string (glob) &&
        text_glob_match (json_string_value (glob), right, true))
      return true;
  }
  return false;
}

/* One role is enough; what it does not grant, another may. */
static bool
is_granted (const json_t *root, const char *right)
{
  json_t *role;
  size_t i;

  json_array_foreach (json_object_get (root, "value"), i, role)
  {
    if (lists (json_object_get (role, "actions"), right) &&
        !lists (json_object_get (role, "notActions"), right))
      return true;
  }
  return false;
}

/* Only a whole list shows that something is missing. */
int
azure_trial_parse (const char *right, const struct http_reply *reply,
                   json_t **out, struct err **err)
{
  CLEANUP_JSON json_t *root = NULL;

  if (reply->status == 403)
    return err_set (err, ERR_REFUSED,
                    "whether %s is allowed is not known: that takes the "
                    "permission %s",
                    right, READ_RIGHT);
  root = azure_reply (reply, READ_RIGHT, false, err);
  if (root == NULL)
    return -1;
  if (!is_granted (root, right) && *json_str (root, "nextLink", "") == '\0' &&
      json_is_array (json_object_get (root, "value")))
    return err_set (err, ERR_DENIED,
                    "the permission %s is missing; see 'bootmend policy azure'",
                    right);
  *out = json_make ("{s:[]}", "failed");
  return 0;
}
