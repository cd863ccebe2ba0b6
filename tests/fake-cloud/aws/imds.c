/* The instance metadata service, version 2 (1 only if switched on).
 * Paths and refusals: botocore's InstanceMetadataFetcher. */

#include "aws.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TTL   "x-aws-ec2-metadata-token-ttl-seconds"
#define TOKEN "x-aws-ec2-metadata-token"
#define ROLES "/latest/meta-data/iam/security-credentials/"

static void
put (struct fake_call *call, int status, const char *type, const char *text)
{
  call->reply->status = status;
  http_header_add (&call->reply->headers, "Content-Type", type);
  http_header_add (&call->reply->headers, "Server", "EC2ws");
  call->reply->body = xstrdup (text);
  call->reply->body_len = strlen (text);
  if (status != 200) {
    free (call->result);
    call->result = xasprintf ("%d", status);
  }
}

static void
refuse (struct fake_call *call, int status, const char *title)
{
  CLEANUP_FREE char *page =
      xasprintf ("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html><head>"
                 "<title>%d - %s</title></head><body><h1>%d - %s</h1></body>"
                 "</html>\n",
                 status, title, status, title);

  put (call, status, "text/html", page);
}

static void
give_token (struct fake_call *call)
{
  const char *ttl = http_header_get (&call->req->headers, TTL);
  CLEANUP_FREE char *token = NULL, *key = NULL;
  long seconds = ttl ? strtol (ttl, NULL, 10) : 0;

  if (strcmp (call->req->method, "PUT") != 0) {
    refuse (call, 405, "Not Allowed");
    return;
  }
  if (http_header_get (&call->req->headers, "X-Forwarded-For")) {
    refuse (call, 403, "Forbidden");
    return;
  }
  if (seconds < 1 || seconds > 21600) {
    refuse (call, 400, "Bad Request");
    return;
  }
  token = fake_random_hex (call->cloud, 56);
  key = xasprintf ("imds/%s", token);
  json_put_int (call->cloud->tokens, key,
                fake_client_time_ms (call->cloud) + seconds * 1000);
  put (call, 200, "text/plain", token);
  http_header_add (&call->reply->headers, TTL, ttl);
}

static bool
token_good (struct fake_call *call)
{
  const char *token = http_header_get (&call->req->headers, TOKEN);
  CLEANUP_FREE char *key = xasprintf ("imds/%s", token ? token : "");
  const json_t *until = json_object_get (call->cloud->tokens, key);

  if (token == NULL)
    return json_is_true (fake_config (call->cloud, "aws.imds.v1"));
  return until &&
         json_integer_value (until) > fake_client_time_ms (call->cloud);
}

static void
give_credentials (struct fake_call *call, const struct fake_object *role)
{
  int64_t seconds = json_integer_value (
      fake_config (call->cloud, "aws.imds.credential_seconds"));
  const struct fake_object *session =
      aws_session_new (call->cloud, role,
                       json_str (call->cloud->config, "aws.imds.instance", "i"),
                       seconds ? seconds : 6 * 3600);
  CLEANUP_FREE char *until =
      time_format_ms (json_int (session->body, "_expiresMs", 0) / 1000 * 1000);
  CLEANUP_FREE char *now =
      time_format_ms (fake_client_time_ms (call->cloud) / 1000 * 1000);
  CLEANUP_JSON json_t *body =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "Code", "Success",
                 "LastUpdated", now, "Type", "AWS-HMAC", "AccessKeyId",
                 session->id, "SecretAccessKey",
                 json_str (session->body, "_secret", ""), "Token",
                 json_str (session->body, "_token", ""), "Expiration", until);
  CLEANUP_FREE char *text = json_text_pretty (body);

  put (call, 200, "text/plain", text);
}

static void
give_document (struct fake_call *call, const struct fake_object *instance)
{
  CLEANUP_JSON json_t *body =
      json_make ("{s:s,s:s,s:s,s:s,s:s,s:s}", "accountId", instance->account,
                 "region", instance->region, "instanceId", instance->id,
                 "availabilityZone",
                 json_str (instance->body, "placement.availabilityZone", ""),
                 "instanceType", json_str (instance->body, "instanceType", ""),
                 "version", "2017-09-30");
  CLEANUP_FREE char *text = json_text_pretty (body);

  put (call, 200, "text/plain", text);
}

void
aws_imds (struct fake_call *call, const char *path)
{
  const char *arn = json_str (call->cloud->config, "aws.imds.role", NULL);
  const char *slash = arn ? strrchr (arn, '/') : NULL;
  const struct fake_object *role =
      fake_object_find (call->cloud, "role", arn, NULL, NULL);
  const struct fake_object *instance =
      fake_object_find (call->cloud, "instance",
                        json_str (call->cloud->config, "aws.imds.instance",
                                  NULL),
                        NULL, NULL);

  if (strcmp (path, "/latest/api/token") == 0)
    give_token (call);
  else if (!token_good (call))
    refuse (call, 401, "Unauthorized");
  else if (strcmp (call->req->method, "GET") != 0)
    refuse (call, 405, "Not Allowed");
  else if (role && slash && strncmp (path, ROLES, strlen (ROLES) - 1) == 0 &&
           strlen (path) <= strlen (ROLES))
    put (call, 200, "text/plain", slash + 1);
  else if (role && slash && strncmp (path, ROLES, strlen (ROLES)) == 0 &&
           strcmp (path + strlen (ROLES), slash + 1) == 0)
    give_credentials (call, role);
  else if (instance &&
           strcmp (path, "/latest/dynamic/instance-identity/document") == 0)
    give_document (call, instance);
  else if (instance && strcmp (path, "/latest/meta-data/instance-id") == 0)
    put (call, 200, "text/plain", instance->id);
  else if (instance &&
           strcmp (path, "/latest/meta-data/placement/availability-zone") == 0)
    put (call, 200, "text/plain",
         json_str (instance->body, "placement.availabilityZone", ""));
  else if (instance && strcmp (path, "/latest/meta-data/placement/region") == 0)
    put (call, 200, "text/plain", instance->region);
  else
    refuse (call, 404, "Not Found");
}
