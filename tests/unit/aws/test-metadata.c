/* What goes to the metadata service and to a container's endpoint, and what is
 * made of their answers, good and bad. */

#include "unit.h"

#include <string.h>

#include "stage.h"

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
  CU_ASSERT (stage_has (s.last_url, "http://[fd00:ec2::254]/latest/"));
  stage_set (&s, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:7/");
  free (first);
  first = stage_find (&s);
  CU_ASSERT (stage_has (s.last_url, "http://127.0.0.1:7/latest/meta-data/"));
  /* No role, and turned off. */
  stage_control (&s, "{'op':'switch','name':'aws.imds.role','value':null}");
  role = stage_find (&s);
  CU_ASSERT (stage_has (role, "this instance has no role"));
  stage_set (&s, "AWS_EC2_METADATA_DISABLED", "TRUE");
  s.calls = 0;
  off = stage_find (&s);
  CU_ASSERT (stage_has (off, "AWS_EC2_METADATA_DISABLED is true"));
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
    if (!stage_has (found, answers[i].found) ||
        !stage_has (found, answers[i].also))
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
  CU_ASSERT (stage_has (once, "!auth: no credentials found"));
  CU_ASSERT (stage_has (once, "hop limit for IMDSv2 must be 2"));
  CU_ASSERT_EQUAL (s.calls, 1);
  stage_set (&s, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "4");
  s.calls = 0;
  often = stage_find (&s);
  CU_ASSERT_EQUAL (s.calls, 4);
  stage_set (&s, "AWS_METADATA_SERVICE_TIMEOUT", "soon");
  bad = stage_find (&s);
  CU_ASSERT (
      stage_has (bad, "AWS_METADATA_SERVICE_TIMEOUT: \"soon\" is no number"));
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
  CU_ASSERT (stage_has (found, "!transient: instance metadata: HTTP 503"));
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
  CU_ASSERT (stage_has (keys->warnings[0], "going on with them"));
  stage_release (&s);
}

/* ---- a container's endpoint ---- */

static const char container_body[] =
    "{\"AccessKeyId\": \"ASIACONT\", \"SecretAccessKey\": \"s3cret\", "
    "\"Token\": \"t0ken\", \"Expiration\": \"2025-06-15T16:06:40Z\", "
    "\"RoleArn\": \"x\"}";

static const struct {
  const char *relative, *full, *token, *file;
  const char *found, *url, *authorization;
} containers[] = {
    {"/v2/credentials/x", "http://127.0.0.1:1/", NULL, NULL,
     "ASIACONT|container endpoint", "http://169.254.170.2/v2/credentials/x",
     NULL},
    {NULL, "http://169.254.170.23/v1/credentials", NULL, "pod-token",
     "ASIACONT|", "http://169.254.170.23/v1/credentials", "pod-token"},
    {NULL, "http://[fd00:ec2::23]/v1", "inline", NULL, "ASIACONT|",
     "http://[fd00:ec2::23]/v1", "inline"},
    {NULL, "http://localhost:8/x", "inline", "the file counts", "ASIACONT|",
     "http://localhost:8/x", "the file counts"},
    {NULL, "http://127.9.9.9/x", NULL, NULL, "ASIACONT|", "http://127.9.9.9/x",
     NULL},
    {NULL, "http://[::1]:80/x", NULL, NULL, "ASIACONT|", "http://[::1]:80/x",
     NULL},
    {NULL, "https://keys.example/x", NULL, NULL, "ASIACONT|",
     "https://keys.example/x", NULL},
    {NULL, "http://169.254.169.254/x", NULL, NULL, "!auth: ", NULL, NULL},
    {NULL, "http://10.0.0.1/x", NULL, NULL, "!auth: ", NULL, NULL},
    {NULL, "http://127.0.0.1.example.com/x", NULL, NULL, "!auth: ", NULL, NULL},
    {NULL, "ftp://127.0.0.1/x", NULL, NULL, "!auth: ", NULL, NULL},
    {"v2/credentials", NULL, NULL, NULL, "!auth: ", NULL, NULL},
    {NULL, "http://127.0.0.1/x", "a\r\nX-Evil: b", NULL, "!auth: ", NULL, NULL},
    {NULL, "http://127.0.0.1/x", NULL, "token\n", "!auth: ", NULL, NULL},
};

static void
test_container (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (containers); i++) {
    struct stage s;
    CLEANUP_FREE char *found = NULL, *path = NULL;

    stage_init (&s);
    s.status = 200;
    s.body = container_body;
    if (containers[i].relative)
      stage_set (&s, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                 containers[i].relative);
    if (containers[i].full)
      stage_set (&s, "AWS_CONTAINER_CREDENTIALS_FULL_URI", containers[i].full);
    if (containers[i].token)
      stage_set (&s, "AWS_CONTAINER_AUTHORIZATION_TOKEN", containers[i].token);
    if (containers[i].file) {
      path = stage_path (&s, "token");
      stage_file (&s, "token", containers[i].file);
      stage_set (&s, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
    }
    found = stage_find (&s);
    CU_ASSERT (stage_has (found, containers[i].found));
    CU_ASSERT_EQUAL (s.calls, containers[i].url ? 1 : 0);
    if (containers[i].url)
      CU_ASSERT_STRING_EQUAL (s.last_url, containers[i].url);
    CU_ASSERT_STRING_EQUAL (s.last_authorization ? s.last_authorization : "",
                            containers[i].authorization
                                ? containers[i].authorization
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
    CU_ASSERT (stage_has (found, answers[i].found));
    CU_ASSERT (stage_has (found, answers[i].also));
    CU_ASSERT_EQUAL (s.calls, answers[i].calls);
    CU_ASSERT_PTR_NULL (strstr (found, "s3cret"));
    CU_ASSERT_PTR_NULL (strstr (found, "t0ken"));
    stage_release (&s);
  }
}

static const struct unit_case cases[] = {
    {"IMDS", test_imds},
    {"IMDS refusals", test_imds_refusals},
    {"IMDS silence", test_imds_silence},
    {"IMDS trouble", test_imds_trouble},
    {"IMDS outage", test_imds_outage},
    {"container", test_container},
    {"container answers", test_container_answers},
};
UNIT_MAIN ("aws/metadata", cases)
