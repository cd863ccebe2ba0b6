/* What goes to STS, the metadata service and a container's endpoint, and what
 * is made of their answers, good and bad. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "stage.h"

#define ROLE "arn:aws:iam::111122223333:role/"

static bool
has (const char *text, const char *part)
{
  bool is = text && strstr (text, part);

  if (!is)
    fprintf (stderr, "no \"%s\" in: %s\n", part, text ? text : "NULL");
  return is;
}

/* ---- STS ---- */

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
    CU_ASSERT (has (found, "ASIAONE|profile r -> role " ROLE "one"));
    CU_ASSERT_STRING_EQUAL (s.last_url, places[i].url);
    stage_release (&s);
  }
}

#define STS_ERROR(code, message)                                               \
  "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>" \
  "<Type>Sender</Type><Code>" code "</Code><Message>" message "</Message>"     \
  "</Error><RequestId>1</RequestId></ErrorResponse>"

static void
test_sts_answers (void)
{
  static const struct {
    const char *name;
    int status;
    const char *body;
    const char *found, *also;
    unsigned calls;
  } answers[] = {
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
       STS_ERROR (
           "SignatureDoesNotMatch",
           "The request signature base-session-token is off.\n\nThe "
           "Canonical String is x-amz-security-token:base-session-token"),
       "!auth: ", "The request signature *** is off. (", 1},
  };

  for (size_t i = 0; i < ARRAY_SIZE (answers); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL;

    stage_role (&s);
    s.status = answers[i].status;
    s.body = answers[i].body;
    found = stage_find (&s);
    if (strncmp (found, answers[i].found, strlen (answers[i].found)) != 0 ||
        !has (found, answers[i].also)) {
      fprintf (stderr, "%s: %s\n", answers[i].name, found);
      CU_FAIL ("answer");
    }
    if (answers[i].calls)
      CU_ASSERT_EQUAL (s.calls, answers[i].calls);
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
  CU_ASSERT (has (found, "clock is 10 min 0 s behind the one of AWS"));
  CU_ASSERT_PTR_NULL (strstr (found, "is not the one of this access key"));
  s.status = 200;
  s.body = good_sts;
  keys = stage_keys (&s, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (keys);
  CU_ASSERT_EQUAL (keys->expires_wall_ms, STAGE_WALL_MS + 3600000 - 600000);
  CU_ASSERT_EQUAL_FATAL (strv_length (keys->warnings), 1);
  CU_ASSERT (has (keys->warnings[0],
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
    CU_ASSERT (has (found, "ASIA"));
    CU_ASSERT (s.calls >= 2 && s.calls <= 3);
    stage_release (&s);
  }
}

/* ---- the metadata service ---- */

static void
test_imds (void)
{
  struct stage s;
  CLEANUP_FREE char *first = NULL, *role = NULL, *off = NULL;
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;

  stage_init (&s);
  stage_control (&s, "{'op':'switch','name':'aws.imds.credential_seconds',"
                     "'value':60}");
  keys = stage_keys (&s, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (keys);
  CU_ASSERT_EQUAL (keys->expires_wall_ms, STAGE_WALL_MS + 60000);
  CU_ASSERT_EQUAL (s.calls, 3); /* token, role, keys */
  CU_ASSERT_STRING_EQUAL (s.last_url,
                          "http://169.254.169.254/latest/meta-data/iam/"
                          "security-credentials/machine");
  /* Another address. */
  stage_set (&s, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
  first = stage_find (&s);
  CU_ASSERT (has (s.last_url, "http://[fd00:ec2::254]/latest/"));
  stage_set (&s, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:7/");
  free (first);
  first = stage_find (&s);
  CU_ASSERT (has (s.last_url, "http://127.0.0.1:7/latest/meta-data/"));
  /* No role, and turned off. */
  stage_control (&s, "{'op':'switch','name':'aws.imds.role','value':null}");
  role = stage_find (&s);
  CU_ASSERT (has (role, "this instance has no role"));
  stage_set (&s, "AWS_EC2_METADATA_DISABLED", "TRUE");
  s.calls = 0;
  off = stage_find (&s);
  CU_ASSERT (has (off, "AWS_EC2_METADATA_DISABLED is true"));
  CU_ASSERT_EQUAL (s.calls, 0);
  stage_release (&s);
}

/* Where version 2 is refused, version 1 is not tried; one attempt where nobody
 * answers. */
static void
test_imds_refusals (void)
{
  static const struct {
    int status;
    const char *body, *found, *also;
    unsigned calls;
  } answers[] = {
      {404, "", "!auth: no credentials", "version 1 is never used", 1},
      {405, "", "!auth: no credentials", "version 1 is never used", 1},
      {403, "", "!auth: no credentials", "turned off for this", 1},
      {400, "", "!auth: instance metadata: HTTP 400", "token", 1},
      {500, "", "!transient: instance metadata: HTTP 500", "token", 1},
      {200, "", "!auth: instance metadata: what answers", "malformed", 1},
      {200, "<html>hello there</html>",
       "!auth: instance metadata: what answers", "no metadata", 1},
      /* A token and then nonsense. */
      {200, "../../secret", "!auth: instance metadata: what answers",
       "no name of a role", 2},
      {200, "word", "!auth: instance metadata: no valid JSON", "", 3},
  };

  for (size_t i = 0; i < ARRAY_SIZE (answers); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL;

    stage_init (&s);
    s.status = answers[i].status;
    s.body = answers[i].body;
    found = stage_find (&s);
    if (!has (found, answers[i].found) || !has (found, answers[i].also))
      CU_FAIL ("answer");
    CU_ASSERT_EQUAL (s.calls, answers[i].calls);
    stage_release (&s);
  }
}

static void
test_imds_silence (void)
{
  struct stage s;
  CLEANUP_FREE char *once = NULL, *often = NULL, *bad = NULL;

  stage_init (&s);
  stage_control (&s, "{'op':'fault','rule':{'service':'imds',"
                     "'what':'no-answer'}}");
  once = stage_find (&s);
  CU_ASSERT (has (once, "!auth: no credentials found"));
  CU_ASSERT (has (once, "hop limit for IMDSv2 must be 2"));
  CU_ASSERT_EQUAL (s.calls, 1);
  stage_set (&s, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "4");
  s.calls = 0;
  often = stage_find (&s);
  CU_ASSERT_EQUAL (s.calls, 4);
  stage_set (&s, "AWS_METADATA_SERVICE_TIMEOUT", "soon");
  bad = stage_find (&s);
  CU_ASSERT (has (bad, "AWS_METADATA_SERVICE_TIMEOUT: \"soon\" is no number"));
  stage_release (&s);
}

/* It was there, and then it fails: that is no reason to say that this machine
 * has no keys. */
static void
test_imds_trouble (void)
{
  struct stage s;
  CLEANUP_FREE char *found = NULL;

  stage_init (&s);
  stage_control (&s, "{'op':'fault','rule':{'service':'imds','action':"
                     "'/latest/meta-data/*','what':'error','status':503}}");
  found = stage_find (&s);
  CU_ASSERT (has (found, "!transient: instance metadata: HTTP 503"));
  CU_ASSERT_EQUAL (s.calls, 4);
  stage_release (&s);
}

/* EC2 hands out keys that have ended when the service behind it is down. */
static void
test_imds_outage (void)
{
  struct stage s;
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_CREDENTIALS struct credentials *keys = NULL;

  stage_init (&s);
  stage_control (&s, "{'op':'switch','name':'aws.imds.credential_seconds',"
                     "'value':-60}");
  keys = stage_keys (&s, &err);
  CU_ASSERT_PTR_NOT_NULL_FATAL (keys);
  CU_ASSERT (keys->expires_wall_ms >= STAGE_WALL_MS + 300000 &&
             keys->expires_wall_ms < STAGE_WALL_MS + 420000);
  CU_ASSERT (has (keys->warnings[0], "going on with them"));
  stage_release (&s);
}

/* ---- a container's endpoint ---- */

static const char container_body[] =
    "{\"AccessKeyId\": \"ASIACONT\", \"SecretAccessKey\": \"s3cret\", "
    "\"Token\": \"t0ken\", \"Expiration\": \"2025-06-15T16:06:40Z\", "
    "\"RoleArn\": \"x\"}";

static void
test_container (void)
{
  static const struct {
    const char *relative, *full, *token, *file;
    const char *found, *url, *authorization;
  } cases[] = {
      {"/v2/credentials/x", "http://127.0.0.1:1/", NULL, NULL,
       "ASIACONT|container endpoint", "http://169.254.170.2/v2/credentials/x",
       NULL},
      {NULL, "http://169.254.170.23/v1/credentials", NULL, "pod-token",
       "ASIACONT|", "http://169.254.170.23/v1/credentials", "pod-token"},
      {NULL, "http://[fd00:ec2::23]/v1", "inline", NULL, "ASIACONT|",
       "http://[fd00:ec2::23]/v1", "inline"},
      {NULL, "http://localhost:8/x", "inline", "the file counts", "ASIACONT|",
       "http://localhost:8/x", "the file counts"},
      {NULL, "http://127.9.9.9/x", NULL, NULL, "ASIACONT|",
       "http://127.9.9.9/x", NULL},
      {NULL, "http://[::1]:80/x", NULL, NULL, "ASIACONT|", "http://[::1]:80/x",
       NULL},
      {NULL, "https://keys.example/x", NULL, NULL, "ASIACONT|",
       "https://keys.example/x", NULL},
      {NULL, "http://169.254.169.254/x", NULL, NULL, "!auth: ", NULL, NULL},
      {NULL, "http://10.0.0.1/x", NULL, NULL, "!auth: ", NULL, NULL},
      {NULL, "http://127.0.0.1.example.com/x", NULL, NULL, "!auth: ", NULL,
       NULL},
      {NULL, "ftp://127.0.0.1/x", NULL, NULL, "!auth: ", NULL, NULL},
      {"v2/credentials", NULL, NULL, NULL, "!auth: ", NULL, NULL},
      {NULL, "http://127.0.0.1/x", "a\r\nX-Evil: b", NULL, "!auth: ", NULL,
       NULL},
      {NULL, "http://127.0.0.1/x", NULL, "token\n", "!auth: ", NULL, NULL},
  };

  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL, *path = NULL;

    stage_init (&s);
    s.status = 200;
    s.body = container_body;
    if (cases[i].relative)
      stage_set (&s, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                 cases[i].relative);
    if (cases[i].full)
      stage_set (&s, "AWS_CONTAINER_CREDENTIALS_FULL_URI", cases[i].full);
    if (cases[i].token)
      stage_set (&s, "AWS_CONTAINER_AUTHORIZATION_TOKEN", cases[i].token);
    if (cases[i].file) {
      path = stage_path (&s, "token");
      stage_file (&s, "token", cases[i].file);
      stage_set (&s, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
    }
    found = stage_find (&s);
    CU_ASSERT (has (found, cases[i].found));
    CU_ASSERT_EQUAL (s.calls, cases[i].url ? 1 : 0);
    if (cases[i].url)
      CU_ASSERT_STRING_EQUAL (s.last_url, cases[i].url);
    CU_ASSERT_STRING_EQUAL (s.last_authorization ? s.last_authorization : "",
                            cases[i].authorization ? cases[i].authorization
                                                   : "");
    CU_ASSERT_PTR_NULL (strstr (found, "s3cret"));
    stage_release (&s);
  }
}

static void
test_container_answers (void)
{
  static const struct {
    int status;
    const char *body, *found, *also;
    unsigned calls;
  } answers[] = {
      {404, "{\"code\": \"InvalidIdInRequest\", \"message\": \"no such id\"}",
       "!auth: container endpoint: HTTP 404", "InvalidIdInRequest: no", 1},
      {400, "nothing", "!auth: container endpoint: HTTP 400", "", 1},
      {500, "", "!transient: container endpoint: HTTP 500", "", 3},
      {200, "{\"AccessKeyId\": \"A\"}", "!auth: ", "\"Token\" is missing", 1},
      {200, "{\"AccessKeyId\": \"A\", \"Token\": \"t0ken\"}",
       "!auth: ", "\"Expiration\" is missing", 1},
      {200, "[1]", "!auth: ", "no JSON object", 1},
      {200, "{\"AccessKeyId\": \"s3cret", "!auth: ", "no valid JSON", 1},
      {200,
       "{\"AccessKeyId\": 1, \"SecretAccessKey\": {}, \"Token\": \"t0ken\", "
       "\"Expiration\": \"2025-06-15T16:06:40Z\"}",
       "!auth: ", "the access key id is missing", 1},
  };

  for (size_t i = 0; i < ARRAY_SIZE (answers); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL;

    stage_init (&s);
    s.status = answers[i].status;
    s.body = answers[i].body;
    stage_set (&s, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    found = stage_find (&s);
    CU_ASSERT (has (found, answers[i].found));
    CU_ASSERT (has (found, answers[i].also));
    CU_ASSERT_EQUAL (s.calls, answers[i].calls);
    CU_ASSERT_PTR_NULL (strstr (found, "s3cret"));
    CU_ASSERT_PTR_NULL (strstr (found, "t0ken"));
    stage_release (&s);
  }
}

static const struct unit_case cases[] = {
    {"STS request", test_sts_request},
    {"STS places", test_sts_places},
    {"STS answers", test_sts_answers},
    {"STS faults", test_sts_faults},
    {"clock skew", test_clock_skew},
    {"IMDS", test_imds},
    {"IMDS refusals", test_imds_refusals},
    {"IMDS silence", test_imds_silence},
    {"IMDS trouble", test_imds_trouble},
    {"IMDS outage", test_imds_outage},
    {"container", test_container},
    {"container answers", test_container_answers},
};
UNIT_MAIN ("aws/services", cases)
