/* Requests: that each is what it should be, and that the policy allows exactly
 * what is sent. */

#include "unit.h"

#include <string.h>

#include <net/http.h>
#include <net/limiter.h>
#include <provider-aws/actions.h>
#include <provider-aws/aws-provider.h>
#include <provider-aws/call.h>
#include <provider-aws/policy.h>

#include "requests.h"

static void
add_name (void *opaque, const char *what, const struct http_request *req)
{
  CLEANUP_FREE char *action = action_of (req);
  CLEANUP_FREE char *name = xasprintf ("%s:%s", req->sign_service, action);

  (void)what;
  json_put_bool (opaque, name, true);
}

/* The table of actions has what the rows send, no more and no less. */
static void
test_table (void)
{
  CLEANUP_JSON json_t *sent = json_object ();

  each_request (add_name, sent);
  for (size_t i = 0; i < AWS_ACTION_COUNT; i++) {
    CLEANUP_FREE char *name =
        xasprintf ("%s:%s", aws_actions[i].service, aws_actions[i].name);

    if (json_object_get (sent, name) == NULL)
      fprintf (stderr, "%s is never sent\n", name);
    CU_ASSERT_PTR_NOT_NULL (json_object_get (sent, name));
    json_put (sent, name, NULL);
  }
  CU_ASSERT_EQUAL (json_object_size (sent), 0);
}

static json_t *
allowed (const json_t *policy)
{
  json_t *set = json_object (), *statement, *action;
  size_t i, j;

  json_array_foreach (json_object_get (policy, "Statement"), i, statement)
  {
    CU_ASSERT_STRING_EQUAL (json_str (statement, "Effect", ""), "Allow");
    CU_ASSERT_TRUE (json_array_size (json_object_get (statement, "Resource")) >
                    0);
    json_array_foreach (json_object_get (statement, "Action"), j, action)
    {
      json_put_bool (set, json_string_value (action), true);
    }
  }
  return set;
}

/* What the widest policy allows is what is sent, besides what EC2 does with
 * keys in our name. */
static void
test_policy (void)
{
  static const char *const for_us[] = {"kms:Decrypt", "kms:ReEncrypt*",
                                       "kms:GenerateDataKeyWithoutPlaintext"};
  CLEANUP_JSON json_t *options =
      json_make ("{s:s,s:s,s:b,s:b}", "strategy", "swap", "kms-check", "grant",
                 "copy_running", 1, "auto_scaling", 1);
  CLEANUP_JSON json_t *policy = aws_policy (options, NULL), *set = NULL,
                      *sent = json_object ();
  const char *name;
  json_t *value;

  each_request (add_name, sent);
  set = allowed (policy);
  json_object_foreach (sent, name, value)
  {
    bool needed = strcmp (name, "sts:GetCallerIdentity") != 0;

    if (needed != (json_object_get (set, name) != NULL))
      fprintf (stderr, "%s\n", name);
    CU_ASSERT_EQUAL (needed, json_object_get (set, name) != NULL);
    json_put (set, name, NULL);
  }
  for (size_t i = 0; i < ARRAY_SIZE (for_us); i++) {
    CU_ASSERT_PTR_NOT_NULL (json_object_get (set, for_us[i]));
    json_put (set, for_us[i], NULL);
  }
  CU_ASSERT_EQUAL (json_object_size (set), 0);
}

static void
test_less (void)
{
  static const struct {
    const char *options, *has, *lacks;
  } cases[] = {
      {"{\"strategy\": \"plan\"}", "ec2:DescribeInstances",
       "ec2:StopInstances"},
      {"{\"strategy\": \"plan\"}", "ec2:GetConsoleOutput", "ec2:CreateTags"},
      {"{\"strategy\": \"move\"}", "ec2:CreateSnapshot", "ec2:CreateVolume"},
      {"{\"strategy\": \"move\", \"snapshot\": false}", "ec2:AttachVolume",
       "ec2:CreateSnapshot"},
      {"{\"strategy\": \"move\", \"evidence\": false}", "ec2:StartInstances",
       "ec2:GetConsoleScreenshot"},
      {"{\"strategy\": \"move\", \"keys\": false}", "ec2:StartInstances",
       "kms:CreateGrant"},
      {"{\"strategy\": \"restore\"}", "ec2:CreateVolume",
       "ec2:CreateReplaceRootVolumeTask"},
      {"{\"strategy\": \"swap\", \"copy_running\": true}",
       "ec2:CreateReplaceRootVolumeTask", "iam:PassRole"},
      {"{\"strategy\": \"move\", \"copy_running\": true}", "ec2:StopInstances",
       "ec2:CreateReplaceRootVolumeTask"},
  };
  CLEANUP_JSON json_t *wrong = json_make ("{s:s}", "strategy", "magic");
  CLEANUP_ERR struct err *err = NULL;

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *options = json_loads (cases[i].options, 0, NULL);
    CLEANUP_JSON json_t *policy = aws_policy (options, NULL);
    CLEANUP_JSON json_t *set = allowed (policy);

    CU_ASSERT_PTR_NOT_NULL (json_object_get (set, cases[i].has));
    CU_ASSERT_PTR_NULL (json_object_get (set, cases[i].lacks));
  }
  CU_ASSERT_PTR_NULL (aws_policy (wrong, &err));
  CU_ASSERT_EQUAL (err->code, ERR_USAGE);
}

/* Only what the campaign made can be deleted, in any partition. */
static void
test_conditions (void)
{
  CLEANUP_JSON json_t *options =
      json_make ("{s:s,s:s,s:s}", "strategy", "swap", "region", "cn-north-1",
                 "account", "111122223333");
  CLEANUP_JSON json_t *policy = aws_policy (options, NULL);
  size_t i, found = 0;
  json_t *statement;

  json_array_foreach (json_object_get (policy, "Statement"), i, statement)
  {
    const char *sid = json_str (statement, "Sid", "");
    CLEANUP_FREE char *text = json_text (statement);

    if (strcmp (sid, "CleanUp") == 0) {
      found++;
      CU_ASSERT_PTR_NOT_NULL (
          strstr (text, "\"ec2:ResourceTag/bootmend:campaign\":\"*\""));
    }
    if (strcmp (sid, "KeyGrants") == 0) {
      found++;
      CU_ASSERT_PTR_NOT_NULL (
          strstr (text, "\"kms:GrantIsForAWSResource\":\"true\""));
    }
    if (strcmp (sid, "Instances") == 0) {
      found++;
      CU_ASSERT_PTR_NOT_NULL (
          strstr (text,
                  "\"arn:aws-cn:ec2:cn-north-1:111122223333:instance/*\""));
    }
  }
  CU_ASSERT_EQUAL (found, 3);
}

/* Reads and calls with a token may be repeated by net, others may not. */
static void
check_repeatable (void *opaque, const char *what,
                  const struct http_request *req)
{
  CLEANUP_FREE char *action = action_of (req);
  bool safe =
      strncmp (action, "Describe", 8) == 0 || strncmp (action, "Get", 3) == 0 ||
      strstr (req->body, "ClientToken=") || strstr (req->body, "DryRun");

  (void)opaque;
  if (req->repeatable != safe)
    fprintf (stderr, "%s: %s\n", what, req->body);
  CU_ASSERT_EQUAL (req->repeatable, safe);
  CU_ASSERT_STRING_EQUAL (req->method, "POST");
  CU_ASSERT_EQUAL (req->sign, HTTP_SIGN_SIGV4);
  CU_ASSERT_STRING_EQUAL (req->sign_region, "eu-west-1");
  CU_ASSERT_EQUAL (strncmp (req->url + 8, req->sign_service,
                            strlen (req->sign_service)),
                   0);
  CU_ASSERT_PTR_NOT_NULL (strstr (req->url, ".eu-west-1.amazonaws.com/"));
}

static void
test_requests (void)
{
  each_request (check_repeatable, NULL);
}

/* Exact bodies of those that change something. */
static void
see_body (void *opaque, const char *what, const struct http_request *req)
{
  static const struct {
    const char *what, *body;
  } cases[] = {
      {"detach-os",
       "Action=DetachVolume&Version=2016-11-15&VolumeId=vol-0000000000000000a&"
       "InstanceId=i-0000000000000000a&Force=true"},
      {"attach-os",
       "Action=AttachVolume&Version=2016-11-15&VolumeId=vol-0000000000000000a&"
       "InstanceId=i-0000000000000000a&Device=%2Fdev%2Fsda1"},
      {"restore-attributes",
       "Action=ModifyInstanceAttribute&Version=2016-11-15&"
       "InstanceId=i-0000000000000000a&"
       "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1&"
       "BlockDeviceMapping.1.Ebs.DeleteOnTermination=false&"
       "BlockDeviceMapping.2.DeviceName=%2Fdev%2Fsdf&"
       "BlockDeviceMapping.2.Ebs.DeleteOnTermination=true"},
      {"disk-from",
       "Action=CreateVolume&Version=2016-11-15&SnapshotId=snap-1&"
       "AvailabilityZone=us-east-1a&Size=100&VolumeType=gp3&Iops=4000&"
       "Throughput=200&"
       "Encrypted=true&KmsKeyId=arn%3Aaws%3Akms%3Ax&ClientToken=t&"
       "TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=a&"
       "TagSpecification.1.Tag.1.Value=b&"
       "TagSpecification.1.Tag.2.Key=bootmend%3Atoken&"
       "TagSpecification.1.Tag.2.Value=t"},
      {"snapshots",
       "Action=DescribeSnapshots&Version=2016-11-15&Filter.1.Name=volume-id&"
       "Filter.1.Value.1=vol-0000000000000000a&Filter.2.Name=status&"
       "Filter.2.Value.1=completed&Filter.3.Name=storage-tier&"
       "Filter.3.Value.1=standard&Owner.1=self&MaxResults=1000&NextToken=p"},
      {"unmark",
       "Action=DeleteTags&Version=2016-11-15&ResourceId.1=i-0000000000000000a&"
       "Tag.1.Key=bootmend%3Acampaign&Tag.2.Key=bootmend%3Acontroller&"
       "Tag.3.Key=bootmend%3Asince&Tag.1.Value=c"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++)
    if (strcmp (cases[i].what, what) == 0) {
      CU_ASSERT_STRING_EQUAL (req->body, cases[i].body);
      ++*(size_t *)opaque;
    }
}

static void
test_bodies (void)
{
  size_t seen = 0;

  each_request (see_body, &seen);
  CU_ASSERT_EQUAL (seen, 6);
}

/* Every row's limit class exists, and changes are marked as such. */
static void
test_rows (void)
{
  static const char *const reads[] = {"identify",     "find",
                                      "describe",     "describe-disks",
                                      "find-created", "serial-log",
                                      "screenshot",   "preflight",
                                      "snapshots"};

  for (size_t op = 0; op < OP_COUNT; op++) {
    const struct provider_op *row = &aws_provider.ops[op];
    bool found = false, read = false;

    if (row->name == NULL) {
      CU_ASSERT_EQUAL (op, OP_GUEST_PING);
      continue;
    }
    for (const struct limit_spec *l = aws_provider.limits; l->limit_class; l++)
      found = found || strcmp (l->limit_class, row->limit_class) == 0;
    for (size_t i = 0; i < ARRAY_SIZE (reads); i++)
      read = read || strcmp (reads[i], row->name) == 0;
    CU_ASSERT_TRUE (found);
    CU_ASSERT_EQUAL (row->changes, !read);
  }
}

static void
test_endpoints (void)
{
  static const struct {
    const char *region, *endpoint, *url;
  } cases[] = {
      {"eu-west-1", NULL, "https://ec2.eu-west-1.amazonaws.com/"},
      {"cn-north-1", NULL, "https://ec2.cn-north-1.amazonaws.com.cn/"},
      {"us-gov-east-1", NULL, "https://ec2.us-gov-east-1.amazonaws.com/"},
      {"us-iso-east-1", NULL, "https://ec2.us-iso-east-1.c2s.ic.gov/"},
      {"eusc-de-east-1", NULL, "https://ec2.eusc-de-east-1.amazonaws.eu/"},
      {"eu-west-1", "http://127.0.0.1:8000", "http://127.0.0.1:8000/"},
      {"eu-west-1", "https://x.vpce.amazonaws.com/",
       "https://x.vpce.amazonaws.com/"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_FREE char *region = xstrdup (cases[i].region);
    CLEANUP_JSON json_t *config =
        json_make ("{s:s*}", "endpoint", cases[i].endpoint);
    struct binding b = {.region = region, .config = config};
    CLEANUP_FREE char *url = aws_url (&b, "ec2");

    CU_ASSERT_STRING_EQUAL (url, cases[i].url);
  }
}

static const struct unit_case cases[] = {
    {"the table of actions is what is sent", test_table},
    {"the policy allows what is sent", test_policy},
    {"and less, if less is done", test_less},
    {"conditions and ARNs of the policy", test_conditions},
    {"requests are signed, and repeatable where safe", test_requests},
    {"bodies", test_bodies},
    {"rows", test_rows},
    {"endpoints", test_endpoints},
};

UNIT_MAIN ("aws requests", cases)
