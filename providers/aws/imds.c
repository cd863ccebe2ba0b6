#include "imds.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <net/url-rules.h>

#include "endpoint.h"

#define TOKEN_HEADER "x-aws-ec2-metadata-token"
#define TTL_HEADER   "x-aws-ec2-metadata-token-ttl-seconds"
#define TTL_SECONDS  "21600" /* the longest */
#define MAX_TOKEN    4096

static const char *
setting (const struct finder *f, const char *variable, const char *key)
{
  const char *value = finder_variable (f, variable);

  return value ? value : aws_profile_get (&f->profiles, f->profile, key);
}

static char *
base_url (const struct finder *f)
{
  const char *own = setting (f, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                             "ec2_metadata_service_endpoint");
  const char *mode = setting (f, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                              "ec2_metadata_service_endpoint_mode");
  size_t len = own ? strlen (own) : 0;

  if (len && own[len - 1] == '/')
    len--;
  if (len)
    return xstrndup (own, len);
  return xstrdup (mode && strcasecmp (mode, "ipv6") == 0
                      ? "http://[fd00:ec2::254]"
                      : "http://169.254.169.254");
}

/* A machine that is none of EC2's has nobody there: the first question is asked
 * as seldom and as shortly as botocore does.  Once there was an answer, more
 * patience is worth it. */
static int
ask (struct finder *f, struct http_request *req, const char *path, bool known,
     struct fetched *got, struct err **err)
{
  CLEANUP_FREE char *base = base_url (f);
  struct retry_policy policy = retry_policy_metadata;
  struct fetch_options options = {.policy = &policy};
  int64_t seconds, attempts;

  if (finder_number (f, "AWS_METADATA_SERVICE_TIMEOUT",
                     "metadata_service_timeout", 60, 1, &seconds, err) == -1 ||
      finder_number (f, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
                     "metadata_service_num_attempts", 20, known ? 3 : 1,
                     &attempts, err) == -1)
    return -1;
  policy.max_attempts = (unsigned)attempts;
  options.total_ms = attempts * (seconds * 1000 + policy.cap_ms);
  req->url = xasprintf ("%s%s", base, path);
  req->deadline_ms = seconds * 1000;
  req->repeatable = true;
  return finder_fetch (f, req, NULL, &options, got, err);
}

static bool
is_token (const struct http_reply *reply)
{
  size_t len = reply->body_len;

  if (len == 0 || len > MAX_TOKEN)
    return false;
  for (size_t i = 0; i < len; i++)
    if (reply->body[i] <= ' ' || reply->body[i] > '~')
      return false;
  return true;
}

/* Why a reply to the request for a token is none. */
static int
no_token (const struct http_reply *reply, char **why, struct err **err)
{
  switch (reply->status) {
  case 200:
    return err_set (err, ERR_AUTH,
                    "instance metadata: what answers there is no metadata "
                    "service: its session token is malformed");
  case 400:
    return err_set (err, ERR_AUTH,
                    "instance metadata: HTTP 400 to the request for a session "
                    "token");
  case 403:
    *why = xstrdup ("HTTP 403: it is turned off for this instance (aws ec2 "
                    "modify-instance-metadata-options), or a proxy is in "
                    "between");
    return 1;
  case 404:
  case 405:
    *why = xasprintf ("HTTP %d: no IMDSv2 there, and version 1 is never used",
                      reply->status);
    return 1;
  default:
    return err_set (err, http_status_code (reply->status, true),
                    "instance metadata: HTTP %d to the request for a session "
                    "token",
                    reply->status);
  }
}

static int
nobody (struct err **failure, char **why, struct err **err)
{
  struct err *e = TAKE (*failure);

  if (e->code == ERR_USAGE || e->code == ERR_AUTH) {
    err_move (err, e);
    return err_wrap (err, "instance metadata");
  }
  *why = xasprintf ("no answer from %s; in a container the instance's hop "
                    "limit for IMDSv2 must be 2",
                    e->msg);
  err_free (e);
  return 1;
}

static int
need_token (struct finder *f, char **why, struct err **err)
{
  const char *disabled = finder_variable (f, "AWS_EC2_METADATA_DISABLED");
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_ERR struct err *failure = NULL;

  if (f->imds_token)
    return 0;
  if (disabled && strcasecmp (disabled, "true") == 0) {
    *why = xstrdup ("AWS_EC2_METADATA_DISABLED is true");
    return 1;
  }
  req.method = xstrdup ("PUT");
  http_header_add (&req.headers, TTL_HEADER, TTL_SECONDS);
  if (ask (f, &req, "/latest/api/token", false, &got, &failure) == -1)
    return nobody (&failure, why, err);
  if (got.reply.status != 200 || !is_token (&got.reply))
    return no_token (&got.reply, why, err);
  f->imds_token = secret_new (got.reply.body, got.reply.body_len);
  return 0;
}

int
imds_get (struct finder *f, const char *path, struct fetched *got, char **why,
          struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  int r = need_token (f, why, err);

  if (r != 0)
    return r;
  req.method = xstrdup ("GET");
  http_header_add (&req.headers, TOKEN_HEADER, f->imds_token->data);
  if (ask (f, &req, path, true, got, err) == -1)
    return err_wrap (err, "instance metadata");
  if (got->reply.status >= 500 || got->reply.status == 429)
    return err_set (err, http_status_code (got->reply.status, true),
                    "instance metadata: HTTP %d to %s, %u times",
                    got->reply.status, path, got->attempts);
  return 0;
}

int
imds_region (struct finder *f, char **ret, struct err **err)
{
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_FREE char *why = NULL;
  int r = imds_get (f, "/latest/meta-data/placement/region", &got, &why, err);

  *ret = NULL;
  if (r == 0 && got.reply.status == 200 && aws_region_is_sane (got.reply.body))
    *ret = xstrdup (got.reply.body);
  return r == -1 ? -1 : 0;
}
