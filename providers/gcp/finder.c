#include "finder.h"

#include <string.h>

#include <base/text.h>
#include <net/curl-transport.h>
#include <net/url-rules.h>

/* A person may be waiting for the first answer. */
static const struct retry_policy policy = {.max_attempts = 4,
                                           .base_ms = 500,
                                           .cap_ms = 5000,
                                           .total_ms = 45000,
                                           .throttled_ms = 45000};

void
gcp_finder_init (struct gcp_finder *f, const struct gcp_surroundings *around,
                 const struct binding *b)
{
  memset (f, 0, sizeof *f);
  f->around = around;
  f->binding = b;
  f->transport = around->transport;
  strbuf_addstr (&f->tried, "");
  random_init (&f->random, random_fresh_seed ());
}

void
gcp_finder_release (struct gcp_finder *f)
{
  transport_free (f->own_transport);
  strbuf_release (&f->tried);
}

const char *
gcp_variable (const struct gcp_finder *f, const char *name)
{
  const char *value = f->around->variable (f->around->opaque, name);

  return value && *value ? value : NULL;
}

void
gcp_tried (struct gcp_finder *f, const char *source, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  credentials_tried (&f->tried, "gcp", source, fmt, args);
  va_end (args);
}

int
gcp_fetch (struct gcp_finder *f, const struct http_request *req,
           const struct credentials *signer,
           const struct fetch_options *options, struct fetched *got,
           struct err **err)
{
  struct transport_options own = {.clock = f->around->clock,
                                  .max_in_flight = 1,
                                  .max_reply_bytes = 1 << 20};
  struct fetch_options with = *options;
  struct http_auth auth = {0};

  own.ca_file = json_str (f->binding->config, "ca-file", NULL);
  if (f->transport == NULL)
    f->transport = f->own_transport = curl_transport_new (&own, err);
  if (f->transport == NULL)
    return -1;
  with.clock = f->around->clock;
  with.random = &f->random;
  if (signer)
    auth = credentials_auth (signer);
  return fetch (f->transport, req, signer ? &auth : NULL, &with, got, err);
}

/* --- tokens --------------------------------------------------------------- */

static void
add_expiry (const struct gcp_finder *f, const json_t *json,
            struct credentials *made)
{
  int64_t now = clock_wall_ms (f->around->clock), at;
  int64_t seconds = json_int (json, "expires_in", 0);

  if (seconds > 0)
    made->expires_wall_ms = now + seconds * 1000;
  else if (time_parse_ms (json_str (json, "expireTime", ""), &at) == 0)
    made->expires_wall_ms = at;
  else /* unsaid: short */
    made->expires_wall_ms = now + 600000;
}

struct credentials *
gcp_read_token (const struct gcp_finder *f, const struct http_reply *reply,
                const char *source, struct err **err)
{
  CLEANUP_JSON json_t *json =
      json_parse_secret (reply->body, reply->body_len, source, NULL);
  const char *token =
      json_str (json, "access_token", json_str (json, "accessToken", ""));
  struct credentials *made;

  if (json == NULL) {
    err_set (err, ERR_AUTH,
             "%s: the reply to it is no JSON: is there a proxy in between, or "
             "is the address of its token service wrong?",
             source);
    return NULL;
  }
  if (*token == '\0') {
    err_set (err, ERR_AUTH, "%s: its reply has no token", source);
    return NULL;
  }
  made = xcalloc (1, sizeof *made);
  made->bearer = secret_new (token, strlen (token));
  made->source = xstrdup (source);
  add_expiry (f, json, made);
  return made;
}

/* {"error": "invalid_grant", "error_description": "..."}, or Google's own form.
 */
static void
refused (const char *source, const struct http_reply *reply, struct err **err)
{
  CLEANUP_JSON json_t *json =
      json_parse_secret (reply->body, reply->body_len, source, NULL);
  const char *code =
      json_str (json, "error", json_str (json, "error.status", ""));
  const char *text = json_str (json, "error_description",
                               json_str (json, "error.message", ""));
  CLEANUP_FREE char *shown = text_printable (text);
  CLEANUP_FREE char *word = text_printable (code);
  size_t len = strlen (shown);
  enum err_code means = http_status_code (reply->status, true);
  const char *hint =
      strcmp (code, "invalid_grant") == 0
          ? " (is this machine's clock right, the key still valid, the login "
            "still good?  gcloud auth application-default login)"
          : "";

  if (means != ERR_TRANSIENT && means != ERR_THROTTLED)
    means = ERR_AUTH;
  if (len && shown[len - 1] == '.')
    shown[len - 1] = '\0';
  err_set (err, means, "%s: HTTP %d: %s%s%.300s%s", source, reply->status,
           *word ? word : "no answer of a token service", *shown ? ": " : "",
           shown, hint);
}

/* Tokens are sent in the clear only to this machine. */
static int
check_url (const char *url, const char *source, struct err **err)
{
  if (strncmp (url, "https://", 8) == 0 ||
      strncmp (url, "http://127.0.0.1", 16) == 0 ||
      strncmp (url, "http://localhost", 16) == 0)
    return 0;
  return err_set (err, ERR_AUTH, "%s: its token service has no https address",
                  source);
}

struct credentials *
gcp_ask_token (struct gcp_finder *f, const char *url, const char *type,
               char *body_taken, const struct credentials *signer,
               const char *source, struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  struct fetch_options options = {.policy = &policy};

  req.body = body_taken;
  req.body_len = strlen (body_taken);
  if (check_url (url, source, err) == -1)
    return NULL;
  req.method = xstrdup ("POST");
  req.url = xstrdup (url);
  req.sign = signer ? HTTP_SIGN_BEARER : HTTP_SIGN_NONE;
  req.repeatable = true; /* it changes nothing */
  req.deadline_ms = 15000;
  http_header_add (&req.headers, "Content-Type", type);
  if (gcp_fetch (f, &req, signer, &options, &got, err) == -1) {
    err_wrap (err, "%s", source);
    return NULL;
  }
  if (got.reply.status != 200) {
    refused (source, &got.reply, err);
    return NULL;
  }
  return gcp_read_token (f, &got.reply, source, err);
}

struct credentials *
gcp_impersonate (struct gcp_finder *f, const char *url,
                 struct credentials *from_taken, struct err **err)
{
  CLEANUP_CREDENTIALS struct credentials *from = from_taken;
  CLEANUP_JSON json_t *body =
      json_make ("{s:[s],s:s}", "scope", GCP_SCOPE, "lifetime", "3600s");
  CLEANUP_FREE char *source =
      xasprintf ("impersonation by %s", from->source ? from->source : "?");

  return gcp_ask_token (f, url, "application/json", json_text (body), from,
                        source, err);
}
