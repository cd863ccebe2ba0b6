/* The endpoint that ECS, EKS and others give to a container. */

#include <arpa/inet.h>
#include <string.h>

#include <base/text.h>
#include <net/url-rules.h>

#include "finder.h"

#define NAME      "container endpoint"
#define RELATIVE  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL      "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define FILE_NAME "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define TOKEN     "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define MAX_TOKEN 65536

/* Three attempts, a second apart, as botocore. */
static const struct retry_policy policy = {.max_attempts = 3,
                                           .base_ms = 1000,
                                           .cap_ms = 1000,
                                           .total_ms = 10000,
                                           .throttled_ms = 10000};

/* Where keys may be asked for without TLS: elsewhere they would go over a wire
 * in the clear. */
static bool
host_is_allowed (const char *host)
{
  static const char *const hosts[] = {"169.254.170.2", "169.254.170.23",
                                      "fd00:ec2::23", "localhost"};
  struct in_addr v4;
  struct in6_addr v6;

  for (size_t i = 0; i < ARRAY_SIZE (hosts); i++)
    if (strcmp (hosts[i], host) == 0)
      return true;
  if (inet_pton (AF_INET, host, &v4) == 1)
    return ntohl (v4.s_addr) >> 24 == 127;
  return inet_pton (AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK (&v6);
}

static int
choose_url (const struct finder *f, char **url, struct err **err)
{
  const char *relative = finder_variable (f, RELATIVE);
  const char *full = finder_variable (f, FULL);
  CLEANUP_URL_FACTS struct url_facts facts = {0};

  if (relative && *relative != '/')
    return err_set (err, ERR_USAGE, RELATIVE " does not begin with /");
  *url = relative ? xasprintf ("http://169.254.170.2%s", relative)
                  : xstrdup (full);
  if (url_check (*url, &facts, err) == -1)
    return err_wrap (err, "%s", relative ? RELATIVE : FULL);
  if (facts.plain_http && !host_is_allowed (facts.host))
    return err_set (err, ERR_USAGE,
                    FULL ": http only to this machine, 169.254.170.2, "
                         "169.254.170.23 or fd00:ec2::23; use https");
  return 0;
}

/* Read anew each time: it is replaced while we run. */
static int
add_authorization (struct finder *f, struct http_request *req, struct err **err)
{
  const char *file = finder_variable (f, FILE_NAME);
  const char *text = finder_variable (f, TOKEN);
  CLEANUP_SECRET struct secret *token = NULL;

  if (file)
    token = secret_read_file (file, MAX_TOKEN, err);
  else if (text)
    token = secret_new (text, strlen (text));
  else
    return 0;
  if (token == NULL)
    return err_wrap (err, FILE_NAME);
  if (strlen (token->data) != token->len || strpbrk (token->data, "\r\n"))
    return err_set (err, ERR_INPUT,
                    "%s: a line break in it, which no header "
                    "can hold",
                    file ? FILE_NAME : TOKEN);
  http_header_add (&req->headers, "Authorization", token->data);
  return 0;
}

static int
refused (const struct fetched *got, struct err **err)
{
  const struct http_reply *reply = &got->reply;
  CLEANUP_JSON json_t *json =
      json_parse_secret (reply->body, reply->body_len, "", NULL);
  CLEANUP_FREE char *code = aws_quote (json_str (json, "code", ""), NULL);
  CLEANUP_FREE char *text = aws_quote (json_str (json, "message", ""), NULL);
  enum err_code verdict = http_status_code (reply->status, true);

  return err_set (err, verdict == ERR_INPUT ? ERR_AUTH : verdict,
                  NAME ": HTTP %d%s%s%s%s", reply->status, *code ? ": " : "",
                  code, *text ? ": " : "", text);
}

int
source_container (struct finder *f, const char *profile,
                  struct credentials **ret, struct err **err)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FETCHED struct fetched got = {0};
  struct fetch_options options = {.policy = &policy};
  CLEANUP_JSON json_t *json = NULL;

  (void)profile;
  if (finder_variable (f, RELATIVE) == NULL &&
      finder_variable (f, FULL) == NULL) {
    finder_tried (f, NAME, "AWS_CONTAINER_CREDENTIALS_* is not set");
    return 0;
  }
  req.method = xstrdup ("GET");
  req.repeatable = true;
  req.deadline_ms = 2000;
  http_header_add (&req.headers, "Accept", "application/json");
  if (choose_url (f, &req.url, err) == -1 ||
      add_authorization (f, &req, err) == -1)
    return -1;
  if (finder_fetch (f, &req, NULL, &options, &got, err) == -1)
    return err_wrap (err, NAME);
  if (got.reply.status != 200)
    return refused (&got, err);
  json = json_parse_secret (got.reply.body, got.reply.body_len, NAME, err);
  if (json == NULL)
    return -1;
  *ret = aws_keys_from_json (f, json, "Token", NEED_TOKEN | NEED_EXPIRATION,
                             NAME, err);
  return *ret ? 0 : -1;
}
