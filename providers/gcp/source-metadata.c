/* The metadata server of the machine that this runs on. */

#include "finder.h"

#include <string.h>

#define NAME "metadata server"

static int
get (struct gcp_finder *f, const char *path, struct fetched *got,
     struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  struct fetch_options options = {.policy = &retry_policy_metadata};
  const char *host = gcp_variable (f, "GCE_METADATA_HOST");

  if (host == NULL)
    host = gcp_variable (f, "GCE_METADATA_IP");
  req.method = xstrdup ("GET");
  req.url = xasprintf ("http://%s/computeMetadata/v1/%s",
                       host ? host : "169.254.169.254", path);
  req.repeatable = true;
  req.deadline_ms = 3000;
  http_header_add (&req.headers, "Metadata-Flavor", "Google");
  return gcp_fetch (f, &req, NULL, &options, got, err);
}

/* Whoever answers without it is not the metadata server. */
static bool
is_google (const struct http_reply *reply)
{
  const char *flavor = http_header_get (&reply->headers, "Metadata-Flavor");

  return flavor && strcmp (flavor, "Google") == 0;
}

static bool
is_off (const struct gcp_finder *f)
{
  const char *detection = gcp_variable (f, "METADATA_SERVER_DETECTION");

  return detection && strcmp (detection, "none") == 0;
}

int
gcp_source_metadata (struct gcp_finder *f, struct credentials **ret,
                     struct err **err)
{
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_ERR struct err *why = NULL;

  if (is_off (f)) {
    gcp_tried (f, NAME, "METADATA_SERVER_DETECTION is none");
    return 0;
  }
  if (get (f, "instance/service-accounts/default/token", &got, &why) == -1) {
    gcp_tried (f, NAME, "%s", why->msg);
    return 0;
  }
  if (!is_google (&got.reply)) {
    gcp_tried (f, NAME, "what answers there is none");
    return 0;
  }
  if (got.reply.status != 200) {
    gcp_tried (f, NAME, "HTTP %d: this machine has no service account",
               got.reply.status);
    return 0;
  }
  *ret = gcp_read_token (f, &got.reply, "service account of this machine", err);
  return *ret ? 0 : -1;
}

char *
gcp_metadata_project (struct gcp_finder *f)
{
  CLEANUP_FETCHED struct fetched got = {0};

  if (is_off (f) || get (f, "project/project-id", &got, NULL) == -1 ||
      got.reply.status != 200 || !is_google (&got.reply))
    return NULL;
  return xstrndup (got.reply.body, strcspn (got.reply.body, "\r\n"));
}
