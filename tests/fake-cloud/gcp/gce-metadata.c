/* The metadata server of one machine ("metadata": {"project", "instance",
 * "service_account", "scopes"}).  [gcp-metadata; Compute, "VM metadata"] */

#include "gce.h"

#include <string.h>

static void
put (struct fake_call *call, int status, const char *type, char *text_taken)
{
  http_header_add (&call->reply->headers, "Metadata-Flavor", "Google");
  http_header_add (&call->reply->headers, "Server", "Metadata Server for VM");
  fake_reply_text (call, status, type, text_taken);
  if (status != 200) {
    CLEANUP_FREE char *word = xasprintf ("%d", status);

    fake_result (call, word);
  }
}

static const char *
setting (const struct fake_call *call, const char *name)
{
  return json_str (fake_config (call->cloud, "gcp.metadata"), name, NULL);
}

/* Without the header whoever asks may be tricked (a browser, a proxy). */
static bool
is_honest (const struct fake_call *call)
{
  const char *flavor = http_header_get (&call->req->headers, "Metadata-Flavor");

  return flavor && strcmp (flavor, "Google") == 0 &&
         http_header_get (&call->req->headers, "X-Forwarded-For") == NULL;
}

static void
give_token (struct fake_call *call, const struct fake_object *account)
{
  const json_t *config = fake_config (call->cloud, "gcp.metadata");
  int64_t usual =
      json_integer_value (fake_config (call->cloud, "gcp.token_seconds"));
  int64_t seconds =
      json_int (account->body, "_tokenSeconds", usual ? usual : 3599);
  const struct fake_object *token =
      gce_token_new (call->cloud, account, seconds,
                     json_object_get (config, "scopes"));
  CLEANUP_JSON json_t *body =
      json_make ("{s:s,s:I,s:s}", "access_token", token->id, "expires_in",
                 (json_int_t)seconds, "token_type", "Bearer");

  put (call, 200, "application/json", json_text (body));
}

static const char *
project_number (const struct fake_call *call)
{
  const char *project = setting (call, "project");

  return json_str (json_object_get (fake_config (call->cloud, "gcp.projects"),
                                    project ? project
                                            : gce_first_project (call->cloud)),
                   "number", "1");
}

/* The text at a path, NULL if there is none. */
static char *
value_at (const struct fake_call *call, const char *path)
{
  const char *instance = setting (call, "instance"); /* ZONE/NAME */
  const char *slash = instance ? strchr (instance, '/') : NULL;
  const char *project = setting (call, "project");

  if (strcmp (path, "project/project-id") == 0)
    return xstrdup (project ? project : gce_first_project (call->cloud));
  if (strcmp (path, "project/numeric-project-id") == 0)
    return xstrdup (project_number (call));
  if (strcmp (path, "instance") == 0 || strcmp (path, "instance/") == 0 ||
      strcmp (path, "") == 0)
    return xstrdup ("name\nservice-accounts/\nzone\n");
  if (slash && strcmp (path, "instance/name") == 0)
    return xstrdup (slash + 1);
  if (slash && strcmp (path, "instance/zone") == 0)
    return xasprintf ("projects/%s/zones/%.*s", project_number (call),
                      (int)(slash - instance), instance);
  if (setting (call, "service_account") &&
      strcmp (path, "instance/service-accounts/default/email") == 0)
    return xstrdup (setting (call, "service_account"));
  return NULL;
}

void
gce_metadata (struct fake_call *call, const char *path)
{
  static const char base[] = "/computeMetadata/v1/";
  const char *mail = setting (call, "service_account");
  const struct fake_object *account =
      fake_object_find (call->cloud, "principal", mail, NULL, NULL);
  const char *rest =
      strncmp (path, base, strlen (base)) == 0 ? path + strlen (base) : NULL;
  char *text;

  if (fake_config (call->cloud, "gcp.metadata") == NULL) {
    /* No metadata server: whoever answers, is somebody else. */
    fake_reply_text (call, 404, "text/plain", xstrdup ("not here\n"));
    fake_result (call, "404");
    return;
  }
  if (!is_honest (call)) {
    put (call, 403, "text/html", xstrdup ("<title>403 Forbidden</title>\n"));
    return;
  }
  if (strcmp (path, "/") == 0) {
    put (call, 200, "application/text", xstrdup ("computeMetadata/\n"));
    return;
  }
  if (rest && account &&
      strcmp (rest, "instance/service-accounts/default/token") == 0) {
    give_token (call, account);
    return;
  }
  text = rest ? value_at (call, rest) : NULL;
  if (text)
    put (call, 200, "application/text", text);
  else
    put (call, 404, "text/html", xstrdup ("<title>404 Not Found</title>\n"));
}
