/* The front of the fake AWS: EC2 Query, and the older Query protocol of STS and
 * Auto Scaling, in the order authentication, parameters, permission, throttle,
 * then the action itself.  (That order: (unverified), see README.md.)
 *
 * Wire facts: EC2 model (botocore), kubernetes-sigs/aws-ebs-csi-driver#1801 for
 * the error document. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

#include <base/text.h>

struct service {
  const char *name, *version, *namespace;
  bool ec2; /* element names and error document of EC2 */
};

static const struct service services[] = {
    {"ec2", "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/", true},
    {"sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/", false},
    {"autoscaling", "2011-01-01",
     "http://autoscaling.amazonaws.com/doc/2011-01-01/", false},
    {"kms", NULL, NULL, false}, /* JSON */
};

static const struct aws_action *const tables[] =
    {aws_describe_actions, aws_instance_actions,    aws_volume_actions,
     aws_attach_actions,   aws_snapshot_actions,    aws_tag_actions,
     aws_root_actions,     aws_attribute_actions,   aws_console_actions,
     aws_place_actions,    aws_autoscaling_actions, aws_sts_actions,
     aws_kms_actions};

static const struct service *
service_of (const struct fake_call *call)
{
  for (size_t i = 0; i < ARRAY_SIZE (services); i++)
    if (strcmp (services[i].name, call->service) == 0)
      return &services[i];
  return &services[0];
}

static const struct aws_action *
action_of (const struct fake_call *call)
{
  for (size_t i = 0; i < ARRAY_SIZE (tables); i++)
    for (const struct aws_action *row = tables[i]; row->name; row++)
      if (strcmp (row->service, call->service) == 0 &&
          strcmp (row->name, call->action) == 0)
        return row;
  return NULL;
}

static bool
is_json (const struct fake_call *call)
{
  return service_of (call)->version == NULL;
}

/* ---- replies ---- */

static void
put_reply (struct fake_call *call, int status, struct strbuf *body)
{
  struct http_reply *reply = call->reply;

  reply->status = status;
  http_header_add (&reply->headers, "x-amzn-requestid", call->request_id);
  http_header_add (&reply->headers, "Content-Type",
                   is_json (call) ? "application/x-amz-json-1.1"
                                  : "text/xml;charset=UTF-8");
  if (service_of (call)->ec2)
    http_header_add (&reply->headers, "Server", "AmazonEC2");
  reply->body_len = body->len;
  reply->body = strbuf_take (body);
}

static void
json_reply (struct fake_call *call, int status, const json_t *json)
{
  struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *text = json_text (json);

  strbuf_addstr (&sb, text);
  put_reply (call, status, &sb);
}

static void
fail_reply (struct fake_call *call, int status, const char *code,
            const char *message)
{
  struct strbuf sb = STRBUF_EMPTY;

  if (is_json (call)) {
    CLEANUP_JSON json_t *error =
        json_make ("{s:s,s:s}", "__type", code, "message", message);

    json_reply (call, status, error);
    free (call->result);
    call->result = xstrdup (code);
    return;
  }
  strbuf_addstr (&sb, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  if (service_of (call)->ec2)
    strbuf_addstr (&sb, "<Response><Errors><Error>");
  else
    strbuf_addf (&sb, "<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type>",
                 service_of (call)->namespace,
                 status < 500 ? "Sender" : "Receiver");
  strbuf_addstr (&sb, "<Code>");
  fake_xml_text (&sb, code);
  strbuf_addstr (&sb, "</Code><Message>");
  fake_xml_text (&sb, message);
  if (service_of (call)->ec2)
    strbuf_addf (&sb,
                 "</Message></Error></Errors><RequestID>%s</RequestID>"
                 "</Response>",
                 call->request_id);
  else
    strbuf_addf (&sb,
                 "</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
                 call->request_id);
  put_reply (call, status, &sb);
  free (call->result);
  call->result = xstrdup (code);
}

int
aws_fail (struct fake_call *call, int status, const char *code, const char *fmt,
          ...)
{
  CLEANUP_FREE char *message = NULL;
  va_list args;

  va_start (args, fmt);
  message = xvasprintf (fmt, args);
  va_end (args);
  fail_reply (call, status, code, message);
  return -1;
}

int
aws_throttled (struct fake_call *call)
{
  return aws_fail (call, 503, "RequestLimitExceeded",
                   "Request limit exceeded.");
}

static void
throttled (struct fake_call *call)
{
  aws_throttled (call);
}

static void
good_reply (struct fake_call *call)
{
  const struct service *service = service_of (call);
  struct strbuf sb = STRBUF_EMPTY;

  if (is_json (call)) {
    json_reply (call, 200, call->out);
    return;
  }
  if (service->ec2) {
    strbuf_addf (&sb,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<%sResponse xmlns=\"%s\"><requestId>%s</requestId>",
                 call->action, service->namespace, call->request_id);
    fake_xml_members (&sb, call->out, "item");
  } else {
    strbuf_addf (&sb, "<%sResponse xmlns=\"%s\"><%sResult>", call->action,
                 service->namespace, call->action);
    fake_xml_members (&sb, call->out, "member");
    strbuf_addf (&sb,
                 "</%sResult><ResponseMetadata><RequestId>%s</RequestId>"
                 "</ResponseMetadata>",
                 call->action, call->request_id);
  }
  strbuf_addf (&sb, "</%sResponse>", call->action);
  put_reply (call, 200, &sb);
}

/* ---- throttle ---- */

/* Throttled calls of the table in the EC2 Developer Guide, "Request throttling
 * for the Amazon EC2 API"; what is not named is in the last rows. */
static const struct {
  const char *pattern;
  double size, per_second;
} buckets[] = {
    {"Describe*", 100, 20},
    {"Get*", 100, 20},
    {"CreateSnapshot*", 100, 5},
    {"CreateVolume", 100, 5},
    {"DeleteVolume", 100, 5},
    {"DeleteSnapshot", 100, 5},
    {"CreateTags", 100, 10},
    {"DeleteTags", 100, 10},
    {"StartInstances", 5, 2},
    {"TerminateInstances", 100, 5},
    {"*", 50, 5},
};

/* Calls that have a smaller bucket without filter and page size.  Ids count as
 * no filter here: the stricter reading. (unverified) */
static const char *const dearer[] = {"DescribeInstances",
                                     "DescribeInstanceStatus",
                                     "DescribeVolumes",
                                     "DescribeSnapshots",
                                     "DescribeNetworkInterfaces",
                                     "DescribeSecurityGroups",
                                     "DescribeSpotInstanceRequests"};

static bool
is_unfiltered (const struct fake_call *call)
{
  for (size_t i = 0; i < ARRAY_SIZE (dearer); i++)
    if (strcmp (dearer[i], call->action) == 0)
      return aws_param (call, "MaxResults") == NULL &&
             aws_param (call, "Filter.1.Name") == NULL;
  return false;
}

bool
aws_throttle (struct fake_call *call, const char *name, double size,
              double per_second, double amount)
{
  CLEANUP_FREE char *key =
      xasprintf ("aws/%s/%s/%s", call->account, call->region, name);

  if (call->cloud->depth)
    return true;
  return fake_throttle_take (call->cloud, key, size, per_second, amount, NULL);
}

static bool
admit (struct fake_call *call)
{
  size_t i = 0;

  if (!service_of (call)->ec2)
    return true;
  if (is_unfiltered (call)) {
    CLEANUP_FREE char *name = xasprintf ("%s/unfiltered", call->action);

    return aws_throttle (call, name, 50, 10, 1);
  }
  while (!text_glob_match (buckets[i].pattern, call->action, false))
    i++;
  return aws_throttle (call, call->action, buckets[i].size,
                       buckets[i].per_second, 1);
}

/* ---- the module ---- */

static bool
owns (struct fake_cloud *cloud, const struct http_request *req)
{
  CLEANUP_FREE char *host = NULL, *path = NULL, *query = NULL;

  (void)cloud;
  aws_url_split (req->url, &host, &path, &query);
  return strcmp (path, "/") == 0 || strncmp (path, "/latest/", 8) == 0;
}

static void
guess_service (struct fake_call *call)
{
  const char *authorization =
      http_header_get (&call->req->headers, "Authorization");
  struct aws_scope scope = {0};
  const char *name = call->req->sign_service;

  if (name == NULL && authorization &&
      aws_scope_parse (authorization, &scope) == 0)
    name = scope.service;
  if (name == NULL && strncmp (call->action, "AssumeRole", 10) == 0)
    name = "sts";
  call->service = "ec2";
  for (size_t i = 0; name && i < ARRAY_SIZE (services); i++)
    if (strcmp (services[i].name, name) == 0)
      call->service = services[i].name;
  aws_scope_release (&scope);
}

static void
collect_ids (struct fake_call *call)
{
  const char *key;
  json_t *value;

  json_object_foreach (call->params, key, value)
  {
    const char *text = json_string_value (value), *dash = strchr (text, '-');

    if (dash && dash - text <= 10 && strlen (dash + 1) >= 8 &&
        strspn (dash + 1, "0123456789abcdef") == strlen (dash + 1))
      str_vec_push (&call->ids, xstrdup (text));
  }
}

/* "TrentService.DescribeKey" with a JSON object; lists in it are not kept. */
static bool
parse_json (struct fake_call *call)
{
  const char *target = http_header_get (&call->req->headers, "X-Amz-Target");
  CLEANUP_JSON json_t *body = NULL;
  const char *key;
  json_t *value;

  if (target == NULL || strncmp (target, "TrentService.", 13) != 0)
    return false;
  call->service = "kms";
  call->action = text_printable (target + 13);
  body = json_parse (call->req->body ? call->req->body : "",
                     call->req->body_len, "body", NULL);
  if (!json_is_object (body))
    json_put_str (call->params, "_malformed", "yes");
  json_object_foreach (body, key, value)
  {
    if (json_is_string (value))
      json_object_set (call->params, key, value);
    else if (json_is_boolean (value))
      json_put_str (call->params, key, json_is_true (value) ? "true" : "false");
  }
  return true;
}

static void
parse (struct fake_call *call)
{
  CLEANUP_FREE char *host = NULL, *path = NULL, *query = NULL;
  int bad = 0;

  aws_url_split (call->req->url, &host, &path, &query);
  if (strcmp (path, "/") != 0) {
    call->service = "imds";
    call->action = text_printable (path); /* it goes into the log */
    return;
  }
  if (parse_json (call))
    return;
  if (call->req->body_len)
    bad = fake_form_parse (call->req->body, call->req->body_len, call->params);
  else if (*query)
    bad = fake_form_parse (query, strlen (query), call->params);
  if (bad)
    json_put_str (call->params, "_malformed", "yes");
  call->action = xstrdup (json_str (call->params, "Action", ""));
  guess_service (call);
  collect_ids (call);
}

static int
check_protocol (struct fake_call *call, const struct aws_action *action)
{
  const char *version = aws_param (call, "Version");

  if (aws_param (call, "_malformed"))
    return aws_fail (call, 400, "MalformedQueryString",
                     "The query string contains a syntax error.");
  if (*call->action == '\0')
    return aws_fail (call, 400, "MissingAction",
                     "The request must contain the parameter Action");
  if (version == NULL && !is_json (call))
    return aws_fail (call, 400, "MissingParameter",
                     "The request must contain the parameter Version");
  if (!is_json (call) && strcmp (version, service_of (call)->version) != 0)
    return aws_fail (call, 400, "NoSuchVersion",
                     "The requested version (%s) of service %s does not exist",
                     version, call->service);
  if (action == NULL)
    return aws_fail (call, 400, "InvalidAction",
                     "The action %s is not valid for this web service.",
                     call->action);
  return 0;
}

static int
check_permission (struct fake_call *call)
{
  CLEANUP_FREE char *permission =
      xasprintf ("%s:%s", call->service, call->action);
  CLEANUP_FREE char *opaque = NULL;

  if (aws_may (call, permission) ||
      strcmp (permission, "sts:GetCallerIdentity") == 0)
    return 0;
  if (is_json (call))
    return aws_fail (call, 400, "AccessDeniedException",
                     "User: %s is not authorized to perform: %s on this "
                     "resource",
                     call->caller, permission);
  if (!service_of (call)->ec2)
    return aws_fail (call, 403, "AccessDenied",
                     "User: %s is not authorized to perform: %s", call->caller,
                     permission);
  opaque = fake_random_hex (call->cloud, 64);
  return aws_fail (call, 403, "UnauthorizedOperation",
                   "You are not authorized to perform this operation. User: %s "
                   "is not authorized to perform: %s because no identity-based "
                   "policy allows the %s action. Encoded authorization failure "
                   "message: %s",
                   call->caller, permission, permission, opaque);
}

static void
serve (struct fake_call *call)
{
  const struct aws_action *action;

  if (strcmp (call->service, "imds") == 0) {
    aws_imds (call, call->action);
    return;
  }
  action = action_of (call);
  if (aws_who_calls (call) < 0 || check_protocol (call, action) < 0 ||
      aws_params_check (call, action) < 0 || check_permission (call) < 0)
    return;
  if (!admit (call)) {
    aws_throttled (call);
    return;
  }
  /* Tells about permission only, not about existence or state. (unverified:
   * the real service checks ids too for some actions) */
  if (aws_flag (call, "DryRun")) {
    aws_fail (call, 412, "DryRunOperation",
              "Request would have succeeded, but DryRun flag is set.");
    return;
  }
  if (action->run (call) == 0)
    good_reply (call);
}

static void
list (struct strbuf *sb)
{
  for (size_t i = 0; i < ARRAY_SIZE (tables); i++)
    for (const struct aws_action *row = tables[i]; row->name; row++)
      strbuf_addf (sb, "%s %s %s\n", row->service, row->name, row->params);
}

extern const struct fake_module fake_aws;

const struct fake_module fake_aws =
    {"aws",     aws_load, owns,
     parse,     serve,    fail_reply,
     throttled, list,     "text/xml;charset=UTF-8"};
