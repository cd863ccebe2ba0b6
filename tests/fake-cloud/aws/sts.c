/* AWS Security Token Service. Limits: botocore's sts/2011-06-15 model. */

#include "aws.h"

#include <stdlib.h>
#include <string.h>

#include <base/text.h>

static bool
is_among (const json_t *list, const char *text)
{
  for (size_t i = 0; i < json_array_size (list); i++)
    if (text_glob_match (json_string_value (json_array_get (list, i)), text,
                         false))
      return true;
  return false;
}

static int
check_session_name (struct fake_call *call, const char *name)
{
  static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
                             "wxyz0123456789_+=,.@-";

  if (strlen (name) >= 2 && strlen (name) <= 64 &&
      strspn (name, good) == strlen (name))
    return 0;
  return aws_fail (
      call, 400, "ValidationError",
      "1 validation error detected: Value '%s' at "
      "'roleSessionName' failed to satisfy constraint: Member must "
      "satisfy regular expression pattern: [\\w+=,.@-]*",
      name);
}

/* Role chaining is limited to an hour. [IAM User Guide] */
static int
session_seconds (struct fake_call *call, const struct fake_object *role,
                 int64_t *seconds)
{
  const char *text = aws_param (call, "DurationSeconds");
  int64_t most = json_int (role->body, "_maxSeconds", 3600);

  *seconds = text ? strtoll (text, NULL, 10) : most < 3600 ? most : 3600;
  if (json_str (call->identity, "_token", NULL) && most > 3600)
    most = 3600;
  if (text && (*seconds < 900 || *seconds > 43200))
    return aws_fail (call, 400, "ValidationError",
                     "1 validation error detected: Value '%s' at "
                     "'durationSeconds' failed to satisfy constraint: Member "
                     "must be between 900 and 43200",
                     text);
  if (text && *seconds > most)
    return aws_fail (call, 400, "ValidationError",
                     "The requested DurationSeconds exceeds the "
                     "MaxSessionDuration set for this role.");
  return 0;
}

static int
give (struct fake_call *call, const struct fake_object *role, int64_t seconds)
{
  const struct fake_object *session =
      aws_session_new (call->cloud, role, aws_param (call, "RoleSessionName"),
                       seconds);
  CLEANUP_FREE char *expiration =
      time_format_ms (json_int (session->body, "_expiresMs", 0) / 1000 * 1000);

  call->effect = true;
  json_put (call->out, "Credentials",
            json_make ("{s:s,s:s,s:s,s:s}", "AccessKeyId", session->id,
                       "SecretAccessKey",
                       json_str (session->body, "_secret", ""), "SessionToken",
                       json_str (session->body, "_token", ""), "Expiration",
                       expiration));
  json_put (call->out, "AssumedRoleUser",
            json_make ("{s:s,s:s}", "AssumedRoleId",
                       json_str (session->body, "arn", ""), "Arn",
                       json_str (session->body, "arn", "")));
  return 0;
}

static bool
trusted (const struct fake_call *call, const struct fake_object *role)
{
  const char *external = json_str (role->body, "_externalId", NULL);
  const char *given = aws_param (call, "ExternalId");
  bool mfa = json_bool (role->body, "_mfa", false);

  return is_among (json_object_get (role->body, "_trust"), call->caller) &&
         (external == NULL || (given && strcmp (external, given) == 0)) &&
         (!mfa ||
          (aws_param (call, "SerialNumber") && aws_param (call, "TokenCode")));
}

static int
assume_role (struct fake_call *call)
{
  const char *arn = aws_param (call, "RoleArn");
  const struct fake_object *role =
      fake_object_find (call->cloud, "role", arn, NULL, NULL);
  int64_t seconds;

  if (check_session_name (call, aws_param (call, "RoleSessionName")) < 0)
    return -1;
  /* The same whether there is no such role or no trust. */
  if (role == NULL || !trusted (call, role))
    return aws_fail (call, 403, "AccessDenied",
                     "User: %s is not authorized to perform: sts:AssumeRole on "
                     "resource: %s",
                     call->caller, arn);
  if (session_seconds (call, role, &seconds) < 0)
    return -1;
  return give (call, role, seconds);
}

static int
assume_with_web_identity (struct fake_call *call)
{
  const char *arn = aws_param (call, "RoleArn");
  CLEANUP_FREE char *token = xstrdup (aws_param (call, "WebIdentityToken"));
  const struct fake_object *role =
      fake_object_find (call->cloud, "role", arn, NULL, NULL);
  int64_t seconds;

  /* Not into the log. */
  json_put_str (call->params, "WebIdentityToken", "(masked)");
  if (check_session_name (call, aws_param (call, "RoleSessionName")) < 0)
    return -1;
  if (role == NULL)
    return aws_fail (call, 403, "AccessDenied",
                     "Not authorized to perform sts:AssumeRoleWithWebIdentity");
  if (is_among (json_object_get (role->body, "_expiredWebTokens"), token))
    return aws_fail (call, 400, "ExpiredTokenException",
                     "Token expired: current date/time must be before the "
                     "expiration date/time");
  if (!is_among (json_object_get (role->body, "_webTokens"), token))
    return aws_fail (call, 400, "InvalidIdentityToken",
                     "The ID Token provided is not a valid JWT");
  if (session_seconds (call, role, &seconds) < 0)
    return -1;
  return give (call, role, seconds);
}

static int
get_caller_identity (struct fake_call *call)
{
  json_put_str (call->out, "Arn", call->caller);
  json_put_str (call->out, "UserId",
                json_str (call->identity, "accessKeyId", ""));
  json_put_str (call->out, "Account", call->account);
  return 0;
}

const struct aws_action aws_sts_actions[] = {
    {"sts", "AssumeRole",
     "RoleArn! RoleSessionName! DurationSeconds:i ExternalId SerialNumber "
     "TokenCode",
     assume_role},
    {"sts", "AssumeRoleWithWebIdentity",
     "RoleArn! RoleSessionName! WebIdentityToken! DurationSeconds:i",
     assume_with_web_identity},
    {"sts", "GetCallerIdentity", "", get_caller_identity},
    {NULL},
};
