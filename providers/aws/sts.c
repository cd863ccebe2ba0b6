#include "sts.h"

#include <string.h>

#include <base/text.h>
#include <net/skew.h>
#include <net/url-rules.h>
#include <providers/xml.h>

#include "endpoint.h"
#include "imds.h"

#define VERSION "2011-06-15"

/* A person may be waiting for the first answer. */
static const struct retry_policy policy = {.max_attempts = 4,
                                           .base_ms = 500,
                                           .cap_ms = 5000,
                                           .total_ms = 45000,
                                           .throttled_ms = 45000};

/* What the codes mean here, and what to do.  [STS API reference, "Errors" of
 * AssumeRole and AssumeRoleWithWebIdentity, "Common errors"] */
static const struct sts_code {
  const char *name;
  enum err_code code;
  bool clock; /* a wrong clock looks like this */
  const char *advice;
} codes[] = {
    {"AccessDenied", ERR_AUTH, false,
     "the role must trust this caller, the caller needs sts:AssumeRole for it, "
     "and an external_id must be the one that the role asks for; or there is "
     "no "
     "such role"},
    {"InvalidClientTokenId", ERR_AUTH, false,
     "these keys do not exist (any more), are not active, or are of another "
     "partition"},
    {"UnrecognizedClientException", ERR_AUTH, false,
     "these keys do not exist (any more) or are not active"},
    {"SignatureDoesNotMatch", ERR_AUTH, true,
     "the secret access key is not the one of this access key id"},
    {"RequestExpired", ERR_AUTH, true, "is this machine's clock right?"},
    {"IncompleteSignature", ERR_AUTH, false, "is the access key id whole?"},
    {"ExpiredToken", ERR_AUTH, true,
     "the keys that the role is taken with have ended: sign in again"},
    {"ExpiredTokenException", ERR_AUTH, true,
     "the token in the web identity file has ended: who writes it must renew "
     "it"},
    {"InvalidIdentityToken", ERR_AUTH, false,
     "the web identity file must hold a token of an identity provider that the "
     "role trusts"},
    {"IDPRejectedClaim", ERR_AUTH, false,
     "the identity provider refused the token in the web identity file"},
    {"IDPCommunicationError", ERR_TRANSIENT, false,
     "AWS could not reach the identity provider"},
    {"RegionDisabledException", ERR_AUTH, false,
     "STS is not active in this region: activate it or use another one "
     "(AWS_REGION)"},
    {"OptInRequired", ERR_AUTH, false, "the account must opt in first"},
    {"ValidationError", ERR_AUTH, false,
     "check role_arn, role_session_name, duration_seconds (3600 at most when a "
     "role takes a role) and external_id"},
    {"Throttling", ERR_THROTTLED, false, NULL},
    {"ThrottlingException", ERR_THROTTLED, false, NULL},
    {"RequestLimitExceeded", ERR_THROTTLED, false, NULL},
    {"ServiceUnavailable", ERR_TRANSIENT, false, NULL},
    {"InternalFailure", ERR_TRANSIENT, false, NULL},
};

/* ---- reading ---- */

struct sts_error {
  char *code, *message;
  const struct sts_code *row; /* NULL: not in the table */
};

static void
sts_error_release (struct sts_error *e)
{
  free (e->code);
  free (e->message);
}

/* ErrorResponse/Error/{Code,Message}; both NULL if it is none. */
static void
read_error (const struct http_reply *reply, struct sts_error *e)
{
  CLEANUP_XML xmlDocPtr doc = xml_parse (reply->body, "STS", NULL);
  xmlNodePtr error =
      doc ? xml_child (xmlDocGetRootElement (doc), "Error") : NULL;

  memset (e, 0, sizeof *e);
  e->code = xml_text (xml_child (error, "Code"));
  e->message = xml_text (xml_child (error, "Message"));
  for (size_t i = 0; e->code && i < ARRAY_SIZE (codes); i++)
    if (strcmp (codes[i].name, e->code) == 0)
      e->row = &codes[i];
}

static enum err_code
verdict (const struct http_reply *reply)
{
  CLEANUP (sts_error_release) struct sts_error e;

  read_error (reply, &e);
  return e.row ? e.row->code : http_status_code (reply->status, true);
}

static int
no_reply_of_sts (const char *url, const struct http_reply *reply,
                 const char *source, struct err **err)
{
  CLEANUP_FREE char *where = url_for_log (url);
  enum err_code code = reply->status >= 400
                           ? http_status_code (reply->status, true)
                           : ERR_PROTOCOL;

  return err_set (err, code,
                  "%s: %s answered HTTP %d with something that is no reply of "
                  "STS: is a proxy or a login page in between, or the endpoint "
                  "wrong?",
                  source, where, reply->status);
}

static int
refused (const struct finder *f, const char *url,
         const struct http_reply *reply, const struct credentials *from,
         const char *source, struct err **err)
{
  CLEANUP (sts_error_release) struct sts_error e;
  CLEANUP_FREE char *code = NULL, *message = NULL, *skew = NULL;
  const char *advice;

  read_error (reply, &e);
  if (e.code == NULL)
    return no_reply_of_sts (url, reply, source, err);
  code = aws_quote (e.code, from);
  message = aws_quote (e.message ? e.message : "", from);
  advice = e.row ? e.row->advice : NULL;
  if (e.row && e.row->clock && (skew = skew_text (f->skew_ms, "AWS")))
    advice = skew;
  return err_set (err,
                  e.row ? e.row->code : http_status_code (reply->status, true),
                  "%s: STS: %s: %s%s%s%s", source, code, message,
                  advice ? " (" : "", advice ? advice : "", advice ? ")" : "");
}

static struct credentials *
read_keys (const struct finder *f, const char *action, const char *url,
           const struct http_reply *reply, const char *source, struct err **err)
{
  CLEANUP_FREE char *result = xasprintf ("%sResult", action);
  CLEANUP_XML xmlDocPtr doc = xml_parse (reply->body, "STS", NULL);
  xmlNodePtr found =
      xml_child (xml_child (doc ? xmlDocGetRootElement (doc) : NULL, result),
                 "Credentials");
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;
  char *id = xml_text (xml_child (found, "AccessKeyId"));
  char *secret = xml_text (xml_child (found, "SecretAccessKey"));
  char *token = xml_text (xml_child (found, "SessionToken"));
  CLEANUP_FREE char *end = xml_text (xml_child (found, "Expiration"));

  if (found == NULL || token == NULL || end == NULL)
    no_reply_of_sts (url, reply, source, err);
  else
    keys = aws_keys (id, secret, token, source, err);
  wiping_free (id);
  wiping_free (secret);
  wiping_free (token);
  if (keys && aws_set_expiry (f, keys, end, err) == -1)
    return NULL;
  return TAKE (keys);
}

/* ---- asking ---- */

static bool
configured_endpoints_count (const struct finder *f)
{
  const char *ignore =
      finder_variable (f, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

  return ignore == NULL || strcmp (ignore, "true") != 0;
}

static char *
own_endpoint (const struct finder *f)
{
  const char *url = json_str (f->binding->config, "sts-endpoint", NULL);

  if (url == NULL && configured_endpoints_count (f)) {
    url = finder_variable (f, "AWS_ENDPOINT_URL_STS");
    if (url == NULL)
      url = finder_variable (f, "AWS_ENDPOINT_URL");
    if (url == NULL)
      return aws_profile_endpoint (&f->profiles, f->profile, "sts");
  }
  return url ? xstrdup (url) : NULL;
}

static int
choose_place (struct finder *f, char **url, char **region, struct err **err)
{
  if (finder_region (f, region, err) == -1)
    return -1;
  *url = own_endpoint (f);
  /* On an instance, where the keys came from its metadata. */
  if (*region == NULL && f->imds_token && imds_region (f, region, err) == -1)
    return -1;
  if (*region == NULL && *url)
    *region = xstrdup ("us-east-1");
  if (*region == NULL)
    return err_set (
        err, ERR_USAGE,
        "no region to ask STS in: name one (--aws-region, AWS_REGION, "
        "or region = in the profile)");
  if (*url == NULL)
    *url = aws_endpoint ("sts", *region);
  return 0;
}

static void
add (struct strbuf *form, const char *name, const char *value)
{
  if (value)
    http_form_add (form, name, value);
}

static char *
make_form (const struct finder *f, const char *action,
           const struct sts_role *role, const struct secret *token)
{
  struct strbuf form = STRBUF_SECRET;
  CLEANUP_FREE char *own_name =
      xasprintf ("bootmend-%lld",
                 (long long)clock_wall_ms (f->around->clock) / 1000);
  CLEANUP_FREE char *duration =
      role->duration_s ? xasprintf ("%lld", (long long)role->duration_s) : NULL;

  add (&form, "Action", action);
  add (&form, "Version", VERSION);
  add (&form, "RoleArn", role->arn);
  add (&form, "RoleSessionName",
       role->session_name ? role->session_name : own_name);
  add (&form, "DurationSeconds", duration);
  add (&form, "ExternalId", role->external_id);
  add (&form, "WebIdentityToken", token ? token->data : NULL);
  return strbuf_take (&form);
}

struct credentials *
sts_assume (struct finder *f, const struct sts_role *role,
            const struct credentials *from, const struct secret *token,
            const char *source, struct err **err)
{
  const char *action = token ? "AssumeRoleWithWebIdentity" : "AssumeRole";
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  struct fetch_options options = {.policy = &policy, .verdict = verdict};

  xml_wipe_freed ();
  if (choose_place (f, &req.url, &req.sign_region, err) == -1) {
    err_wrap (err, "%s", source);
    return NULL;
  }
  req.method = xstrdup ("POST");
  http_header_add (&req.headers, "Content-Type",
                   "application/x-www-form-urlencoded; charset=utf-8");
  req.body = make_form (f, action, role, token);
  req.body_len = strlen (req.body);
  req.sign = token ? HTTP_SIGN_NONE : HTTP_SIGN_SIGV4;
  req.sign_service = xstrdup ("sts");
  req.repeatable = true; /* it changes nothing */
  req.deadline_ms = 15000;
  if (finder_fetch (f, &req, from, &options, &got, err) == -1) {
    err_wrap (err, "%s: STS", source);
    return NULL;
  }
  if (got.reply.status != 200) {
    refused (f, req.url, &got.reply, from, source, err);
    return NULL;
  }
  return read_keys (f, action, req.url, &got.reply, source, err);
}
