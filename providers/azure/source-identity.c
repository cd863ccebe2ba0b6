/* Managed identities: of App Service and its kin by an endpoint that the
 * environment names, of a VM by its metadata service. */

#include "finder.h"

#include <string.h>

#include <base/text.h>

#define IMDS       "instance metadata"
#define IMDS_PATH  "/metadata/identity/oauth2/token?api-version=2018-02-01"
#define PROBE_MS   1000
#define PATIENT_MS 80000

static char *
query_url (const struct azure_finder *f, const char *base)
{
  const char *client = azure_setting (f, "client-id", "AZURE_CLIENT_ID");
  struct strbuf url = STRBUF_EMPTY;

  strbuf_addf (&url, "%s&resource=", base);
  http_percent_encode (&url, f->resource);
  if (client) {
    strbuf_addstr (&url, "&client_id=");
    http_percent_encode (&url, client);
  }
  return strbuf_take (&url);
}

static void
identity_request (struct http_request *req, char *url_taken, const char *header,
                  const char *value)
{
  req->method = xstrdup ("GET");
  req->url = url_taken;
  req->repeatable = true;
  if (header)
    http_header_add (&req->headers, header, value);
}

/* {"error": "invalid_request", "error_description": "Identity not found"} */
static int
refused (const struct http_reply *reply, const char *source, struct err **err)
{
  CLEANUP_JSON json_t *json =
      json_parse_secret (reply->body, reply->body_len, source, NULL);
  CLEANUP_FREE char *text =
      azure_quote (json_str (json, "error_description",
                             json_str (json, "error", "no reason given")));
  enum err_code code = http_status_code (reply->status, true);

  if (code != ERR_THROTTLED && code != ERR_TRANSIENT)
    code = ERR_AUTH;
  return err_set (err, code,
                  "%s: HTTP %d: %s; does this machine have such an identity?",
                  source, reply->status, text);
}

static int
read_token (struct azure_finder *f, const struct http_reply *reply,
            const char *source, struct credentials **ret, struct err **err)
{
  CLEANUP_JSON json_t *json = NULL;

  if (reply->status != 200)
    return refused (reply, source, err);
  json = json_parse_secret (reply->body, reply->body_len, source, NULL);
  *ret = azure_token (f, json, source, err);
  return *ret ? 0 : -1;
}

int
azure_source_app_service (struct azure_finder *f, struct credentials **ret,
                          struct err **err)
{
  const char *endpoint = azure_variable (f, "IDENTITY_ENDPOINT");
  const char *header = azure_variable (f, "IDENTITY_HEADER");
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_FREE char *base = NULL;

  if (endpoint == NULL || header == NULL) {
    azure_tried (f, "App Service", "%s not set",
                 endpoint ? "IDENTITY_HEADER" : "IDENTITY_ENDPOINT");
    return 0;
  }
  base = xasprintf ("%s?api-version=2019-08-01", endpoint);
  identity_request (&req, query_url (f, base), "X-IDENTITY-HEADER", header);
  if (azure_fetch (f, &req, NULL, &got, err) == -1)
    return err_wrap (err, "App Service identity");
  return read_token (f, &got.reply, "identity of App Service", ret, err);
}

/* 404 and 410: the service is being updated; for at least 70 s. */
static enum err_code
imds_verdict (const struct http_reply *reply)
{
  if (reply->status == 404 || reply->status == 408 || reply->status == 410)
    return ERR_TRANSIENT;
  return http_status_code (reply->status, true);
}

/* Without the header Metadata any metadata service of Azure answers at once
 * with HTTP 400.  Other clouds have one at this address, too: what it says
 * then (404, 401, 403) is none of Azure's. */
static bool
is_there (struct azure_finder *f, const char *base, char **why)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_ERR struct err *err = NULL;
  struct retry_policy once = retry_policy_metadata;
  struct fetch_options options = {.policy = &once, .total_ms = 2 * PROBE_MS};

  once.max_attempts = 1;
  identity_request (&req, query_url (f, base), NULL, NULL);
  req.deadline_ms = PROBE_MS;
  if (azure_fetch (f, &req, &options, &got, &err) == -1) {
    *why = xasprintf ("no answer: %s", err->msg);
    return false;
  }
  if (got.reply.status == 403 || got.reply.status == 401) {
    *why = xasprintf ("HTTP %d: not reachable, or no machine of Azure",
                      got.reply.status);
    return false;
  }
  return true;
}

int
azure_source_imds (struct azure_finder *f, struct credentials **ret,
                   struct err **err)
{
  const char *host = azure_variable (f, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
  struct retry_policy patient = retry_policy_metadata;
  struct fetch_options options = {.policy = &patient,
                                  .total_ms = PATIENT_MS,
                                  .verdict = imds_verdict};
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_FREE char *base =
      xasprintf ("%s" IMDS_PATH, host ? host : "http://169.254.169.254");
  CLEANUP_FREE char *why = NULL;

  if (!is_there (f, base, &why)) {
    azure_tried (f, IMDS, "%s", why);
    return 0;
  }
  patient.max_attempts = 8;
  patient.base_ms = 2000;
  patient.cap_ms = 10000;
  patient.total_ms = PATIENT_MS;
  identity_request (&req, query_url (f, base), "Metadata", "true");
  req.deadline_ms = 10000;
  if (azure_fetch (f, &req, &options, &got, err) == -1)
    return err_wrap (err, IMDS);
  /* A machine without an identity; the Azure CLI may still know somebody. */
  if (got.reply.status == 400 &&
      azure_setting (f, "client-id", "AZURE_CLIENT_ID") == NULL) {
    azure_tried (f, IMDS, "this machine has no managed identity");
    return 0;
  }
  return read_token (f, &got.reply, "managed identity of this machine", ret,
                     err);
}
