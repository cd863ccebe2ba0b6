/* KMS, as far as it is asked about keys of disks: DescribeKey, and CreateGrant
 * with DryRun.  A key exists if a volume names it, and is disabled if one of
 * its volumes has key_unusable.  JSON protocol; codes of the KMS model. */

#include "aws.h"

#include <string.h>

/* The state of a key; NULL: there is none. */
static const char *
key_state (struct fake_call *call, const char *key)
{
  const char *state = NULL;

  for (size_t i = 0; i < call->cloud->objects.len; i++) {
    const struct fake_object *volume = call->cloud->objects.ptr[i];

    if (volume->gone || strcmp (volume->kind, "volume") != 0 ||
        strcmp (json_str (volume->body, "kmsKeyId", ""), key) != 0 ||
        strcmp (volume->region, call->region) != 0)
      continue;
    if (json_bool (volume->body, "_keyUnusable", false))
      return "Disabled";
    state = "Enabled";
  }
  return state;
}

static int
describe_key (struct fake_call *call)
{
  const char *key = aws_param (call, "KeyId");
  const char *state = key_state (call, key);

  if (state == NULL)
    return aws_fail (call, 400, "NotFoundException", "Key '%s' does not exist",
                     key);
  json_put (call->out, "KeyMetadata",
            json_make ("{s:s,s:s,s:s,s:b}", "Arn", key, "KeyId", key,
                       "KeyState", state, "Enabled",
                       strcmp (state, "Enabled") == 0));
  return 0;
}

static int
create_grant (struct fake_call *call)
{
  const char *key = aws_param (call, "KeyId");
  const char *state = key_state (call, key);

  if (state == NULL)
    return aws_fail (call, 400, "NotFoundException", "Key '%s' does not exist",
                     key);
  if (strcmp (state, "Enabled") != 0)
    return aws_fail (call, 400, "DisabledException", "%s is disabled.", key);
  if (aws_flag (call, "DryRun"))
    return aws_fail (call, 400, "DryRunOperationException",
                     "The request would have succeeded, but the DryRun option "
                     "is set.");
  return aws_fail (call, 500, "InternalError", "The fake makes no grants");
}

const struct aws_action aws_kms_actions[] = {
    {"kms", "DescribeKey", "KeyId!", describe_key},
    {"kms", "CreateGrant", "KeyId! GranteePrincipal! DryRun:b", create_grant},
    {NULL},
};
