/* What goes to STS, and what is made of its answers, good and bad. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "stage.h"

#define ROLE "arn:aws:iam::111122223333:role/"

static void
stage_role (struct stage *s)
{
  stage_init (s);
  stage_set (s, "AWS_REGION", "eu-west-1");
  stage_file (s, "credentials",
              "[base]\naws_access_key_id = AKIADEV\n"
              "aws_secret_access_key = dev-secret-key-0001\n"
              "aws_session_token = base-session-token\n");
  stage_file (s, "config",
              "[profile r]\nrole_arn = " ROLE "one\nsource_profile = base\n"
              "external_id = a/b c\nduration_seconds = 3600\n");
  stage_config (s, "profile", "r");
}

static const char good_sts[] =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
    "<AssumeRoleResult><AssumedRoleUser><Arn>x</Arn></AssumedRoleUser>"
    "<Credentials><SessionToken>t0ken==</SessionToken>"
    "<SecretAccessKey>s3cret</SecretAccessKey>"
    "<Expiration>2025-06-15T16:06:40Z</Expiration>"
    "<AccessKeyId>ASIAONE</AccessKeyId></Credentials></AssumeRoleResult>"
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
    "</AssumeRoleResponse>";

static void
test_sts_request (void)
{
  struct stage s;
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;

  stage_role (&s);
  s.status = 200;
  s.body = good_sts;
  keys = stage_keys (&s, &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL (keys);
  CU_ASSERT_EQUAL (s.calls, 1);
  CU_ASSERT_STRING_EQUAL (s.last_url, "https://sts.eu-west-1.amazonaws.com/");
  CU_ASSERT_STRING_EQUAL (
      s.last_body,
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A"
      "111122223333%3Arole%2Fone&RoleSessionName=bootmend-1750000000"
      "&DurationSeconds=3600&ExternalId=a%2Fb%20c");
  CU_ASSERT_STRING_EQUAL (keys->access_key_id, "ASIAONE");
  CU_ASSERT_STRING_EQUAL (keys->secret_key->data, "s3cret");
  CU_ASSERT_STRING_EQUAL (keys->session_token->data, "t0ken==");
  CU_ASSERT_EQUAL (keys->expires_wall_ms, STAGE_WALL_MS + 3600000);
  stage_release (&s);
}

static void
test_sts_places (void)
{
  static const struct {
    const char *region, *variable, *value, *config, *url;
  } places[] = {
      {"us-gov-west-1", NULL, NULL, NULL,
       "https://sts.us-gov-west-1.amazonaws.com/"},
      {"cn-north-1", NULL, NULL, NULL,
       "https://sts.cn-north-1.amazonaws.com.cn/"},
      {"us-iso-east-1", NULL, NULL, NULL,
       "https://sts.us-iso-east-1.c2s.ic.gov/"},
      {"us-isob-east-1", NULL, NULL, NULL,
       "https://sts.us-isob-east-1.sc2s.sgov.gov/"},
      {"us-east-1", "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1/", NULL,
       "http://127.0.0.1:1/"},
      {"us-east-1", "AWS_ENDPOINT_URL", "http://127.0.0.1:2/", NULL,
       "http://127.0.0.1:2/"},
      {"us-east-1", "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1/",
       "http://127.0.0.1:3/", "http://127.0.0.1:3/"},
  };

  for (size_t i = 0; i < ARRAY_SIZE (places); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL;

    stage_role (&s);
    s.status = 200;
    s.body = good_sts;
    stage_set (&s, "AWS_REGION", places[i].region);
    if (places[i].variable)
      stage_set (&s, places[i].variable, places[i].value);
    if (places[i].config)
      stage_config (&s, "sts-endpoint", places[i].config);
    found = stage_find (&s);
    CU_ASSERT (stage_has (found, "ASIAONE|profile r -> role " ROLE "one"));
    CU_ASSERT_STRING_EQUAL (s.last_url, places[i].url);
    stage_release (&s);
  }
}

#define STS_ERROR(code, message)                                               \
  "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>" \
  "<Type>Sender</Type><Code>" code "</Code><Message>" message "</Message>"     \
  "</Error><RequestId>1</RequestId></ErrorResponse>"

static const struct {
  const char *name;
  int status;
  const char *body;
  const char *found, *also;
  unsigned calls;
} sts_answers[] = {
    {"wrong id", 403, STS_ERROR ("InvalidClientTokenId", "The token"),
     "!auth: ", "do not exist", 1},
    {"wrong secret", 403, STS_ERROR ("SignatureDoesNotMatch", "The sig"),
     "!auth: ", "is not the one of this access key id", 1},
    {"ended", 403, STS_ERROR ("ExpiredToken", "The security token"),
     "!auth: ", "sign in again", 1},
    {"no right", 403, STS_ERROR ("AccessDenied", "User: x is not authorized"),
     "!auth: ", "sts:AssumeRole", 1},
    {"region", 403, STS_ERROR ("RegionDisabledException", "x"),
     "!auth: ", "STS is not active in this region", 1},
    {"unknown code", 400, STS_ERROR ("Whatever", "x"),
     "!auth: ", "STS: Whatever: x", 1},
    {"throttled", 400, STS_ERROR ("Throttling", "Rate exceeded"),
     "!throttled: ", "Throttling", 0},
    {"trouble", 503, STS_ERROR ("ServiceUnavailable", "x"),
     "!transient: ", "ServiceUnavailable", 4},
    {"trouble without words", 502, "<html>Bad Gateway</html>",
     "!transient: ", "is a proxy", 4},
    {"identity provider", 400, STS_ERROR ("IDPCommunicationError", "x"),
     "!transient: ", "identity provider", 4},
    {"a login page", 200, "<html><body>Sign in</body></html>",
     "!auth: ", "is a proxy or a login page in between", 1},
    {"half a reply", 200, "<AssumeRoleResponse><AssumeRoleResult><Cred",
     "!auth: ", "no reply of STS", 1},
    {"empty", 200, "", "!auth: ", "no reply of STS", 1},
    {"a bomb", 200,
     "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><AssumeRoleResponse>&b;"
     "</AssumeRoleResponse>",
     "!auth: ", "no reply of STS", 1},
    {"no token", 200,
     "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A"
     "</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><Expiration>"
     "2025-06-15T16:06:40Z</Expiration></Credentials></AssumeRoleResult>"
     "</AssumeRoleResponse>",
     "!auth: ", "no reply of STS", 1},
    {"an end that is none", 200,
     "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A"
     "</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>"
     "t0ken</SessionToken><Expiration>tomorrow</Expiration></Credentials>"
     "</AssumeRoleResult></AssumeRoleResponse>",
     "!auth: ", "Expiration is \"tomorrow\"", 1},
    /* AWS shows the request that it saw, token included. */
    {"the canonical request", 403,
     STS_ERROR ("SignatureDoesNotMatch",
                "The request signature base-session-token is off.\n\nThe "
                "Canonical String is x-amz-security-token:base-session-token"),
     "!auth: ", "The request signature *** is off. (", 1},
};

static void
test_sts_answers (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (sts_answers); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL;

    stage_role (&s);
    s.status = sts_answers[i].status;
    s.body = sts_answers[i].body;
    found = stage_find (&s);
    if (strncmp (found, sts_answers[i].found, strlen (sts_answers[i].found)) !=
            0 ||
        !stage_has (found, sts_answers[i].also)) {
      fprintf (stderr, "%s: %s\n", sts_answers[i].name, found);
      CU_FAIL ("answer");
    }
    if (sts_answers[i].calls)
      CU_ASSERT_EQUAL (s.calls, sts_answers[i].calls);
    CU_ASSERT (s.calls < 50);
    CU_ASSERT (s.clock.wall_ms - STAGE_WALL_MS <= 60000);
    CU_ASSERT_PTR_NULL (strstr (found, "s3cret"));
    CU_ASSERT_PTR_NULL (strstr (found, "t0ken"));
    CU_ASSERT_PTR_NULL (strstr (found, "base-session-token"));
    stage_release (&s);
  }
}

/* This machine is ten minutes behind: said with the refusal, and reckoned with
 * in what is good. */
static void
test_clock_skew (void)
{
  struct stage s;
  CLEANUP_FREE char *found = NULL;
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;

  stage_role (&s);
  s.date = "Sun, 15 Jun 2025 15:16:40 GMT";
  s.status = 403;
  s.body = STS_ERROR ("SignatureDoesNotMatch", "Signature expired");
  found = stage_find (&s);
  CU_ASSERT (stage_has (found, "clock is 10 min 0 s behind the one of AWS"));
  CU_ASSERT_PTR_NULL (strstr (found, "is not the one of this access key"));
  s.status = 200;
  s.body = good_sts;
  keys = stage_keys (&s, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (keys);
  CU_ASSERT_EQUAL (keys->expires_wall_ms, STAGE_WALL_MS + 3600000 - 600000);
  CU_ASSERT_EQUAL_FATAL (strv_length (keys->warnings), 1);
  CU_ASSERT (
      stage_has (keys->warnings[0],
                 "10 min 0 s behind the one of sts.eu-west-1.amazonaws.com:"));
  stage_release (&s);
}

/* Faults of the cloud: repeated, and then good. */
static void
test_sts_faults (void)
{
  static const char *const faults[] =
      {"{'op':'fault','rule':{'action':'AssumeRole','what':'error','times':1}}",
       "{'op':'fault','rule':{'action':'AssumeRole','what':'reset','times':1}}",
       "{'op':'fault','rule':{'action':'AssumeRole','what':'no-answer',"
       "'when':'after','times':2}}",
       "{'op':'fault','rule':{'action':'AssumeRole','what':'error',"
       "'status':400,'code':'Throttling','message':'Rate exceeded',"
       "'times':2}}"};

  for (size_t i = 0; i < ARRAY_SIZE (faults); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL;

    stage_init (&s);
    stage_set (&s, "AWS_REGION", "us-east-1");
    stage_file (&s, "credentials",
                "[default]\naws_access_key_id = AKIADEV\n"
                "aws_secret_access_key = x\nrole_arn = " ROLE "one\n"
                "source_profile = default\n");
    stage_control (&s, faults[i]);
    found = stage_find (&s);
    CU_ASSERT (stage_has (found, "ASIA"));
    CU_ASSERT (s.calls >= 2 && s.calls <= 3);
    stage_release (&s);
  }
}

static const struct unit_case cases[] = {
    {"STS request", test_sts_request}, {"STS places", test_sts_places},
    {"STS answers", test_sts_answers}, {"STS faults", test_sts_faults},
    {"clock skew", test_clock_skew},
};
UNIT_MAIN ("aws/sts", cases)
