/* What error replies, and replies that are none, become. */

#include "unit.h"

#include <string.h>

#include <net/http.h>
#include <provider-aws/aws-provider.h>

#define DISK "{\"id\": \"vol-0000000000000000a\"}"
#define VM   "{\"id\": \"i-0000000000000000a\"}"

static const char change_in[] = "{\"vm\": " VM ", \"disk\": " DISK "}";
static const char read_in[] = "{\"ids\": [\"i-0000000000000000a\"]}";

static struct err *
parse (enum op_id op, const char *in_text, int status, const char *type,
       const char *body, size_t len)
{
  CLEANUP_JSON json_t *in = json_loads (in_text, 0, NULL), *out = NULL;
  CLEANUP_HTTP_REPLY struct http_reply reply = {.status = status};
  char account[] = "111122223333", region[] = "us-east-1";
  CLEANUP_JSON json_t *config = json_object ();
  struct binding b = {.provider = &aws_provider,
                      .account = account,
                      .region = region,
                      .config = config};
  struct err *err = NULL;

  http_header_add (&reply.headers, "Content-Type", type);
  http_reply_set_body (&reply, body, len);
  if (aws_provider.ops[op].parse (&b, in, &reply, &out, &err) == 0)
    CU_ASSERT_PTR_NULL (err);
  return err;
}

/* One line for people. */
static void
check_line (const struct err *err)
{
  CU_ASSERT_PTR_NULL (strpbrk (err->msg, "\n\r\t"));
  CU_ASSERT_TRUE (strlen (err->msg) < 700);
}

static const struct {
  int status;
  const char *code, *text;
  enum err_code change, read;
} codes[] = {
    {403, "UnauthorizedOperation", "You are not authorized.", ERR_DENIED,
     ERR_DENIED},
    {401, "AuthFailure", "AWS was not able to validate", ERR_AUTH, ERR_AUTH},
    {400, "RequestExpired", "Request has expired.", ERR_AUTH, ERR_AUTH},
    {403, "ExpiredToken", "x", ERR_AUTH, ERR_AUTH},
    {403, "InvalidClientTokenId", "x", ERR_AUTH, ERR_AUTH},
    {403, "SignatureDoesNotMatch", "x", ERR_AUTH, ERR_AUTH},
    {401, "OptInRequired", "x", ERR_AUTH, ERR_AUTH},
    {503, "RequestLimitExceeded", "x", ERR_THROTTLED, ERR_THROTTLED},
    {400, "Throttling", "x", ERR_THROTTLED, ERR_THROTTLED},
    {400, "ThrottlingException", "x", ERR_THROTTLED, ERR_THROTTLED},
    {500, "InsufficientInstanceCapacity", "x", ERR_TRANSIENT, ERR_TRANSIENT},
    {400, "SnapshotCreationPerVolumeRateExceeded", "x", ERR_TRANSIENT,
     ERR_TRANSIENT},
    {400, "InvalidInstanceID.NotFound", "x", ERR_NOT_FOUND, ERR_NOT_FOUND},
    {400, "InvalidVolume.NotFound", "x", ERR_NOT_FOUND, ERR_NOT_FOUND},
    {400, "InvalidInstanceID.Malformed", "x", ERR_USAGE, ERR_USAGE},
    {400, "IncorrectState", "x", ERR_CONFLICT, ERR_USAGE},
    {400, "IncorrectInstanceState", "x", ERR_CONFLICT, ERR_USAGE},
    {400, "VolumeInUse", "x", ERR_CONFLICT, ERR_USAGE},
    {400, "InvalidParameterValue", "x", ERR_CONFLICT, ERR_USAGE},
    {400, "InvalidVolume.ZoneMismatch", "x", ERR_REFUSED, ERR_REFUSED},
    {400, "OperationNotPermitted", "x", ERR_REFUSED, ERR_REFUSED},
    {400, "UnsupportedOperationException", "x", ERR_REFUSED, ERR_REFUSED},
    {400, "AttachmentLimitExceeded", "x", ERR_REFUSED, ERR_REFUSED},
    {400, "VolumeLimitExceeded", "x", ERR_REFUSED, ERR_REFUSED},
    {500, "Unavailable", "x", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {503, "Server.Unavailable", "x", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {500, "InternalError", "x", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {503, "ServiceUnavailable", "x", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {500, "NeverHeardOf", "x", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {400, "NeverHeardOf", "x", ERR_REFUSED, ERR_REFUSED},
};

static void
check_code (size_t i, enum op_id op, const char *in, enum err_code code)
{
  static const char ec2[] =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"
      "<Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>1"
      "</RequestID></Response>";
  static const char query[] =
      "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s"
      "</Message></Error><RequestId>1</RequestId></ErrorResponse>";
  static const char json[] =
      "{\"__type\": \"com.amazonaws.x#%s\", \"message\": \"%s\"}";
  static const char *const frames[] = {ec2, query, json};

  for (size_t f = 0; f < ARRAY_SIZE (frames); f++) {
    char body[600];
    CLEANUP_ERR struct err *err = NULL;
    int len;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    len = snprintf (body, sizeof body, frames[f], codes[i].code, codes[i].text);
#pragma GCC diagnostic pop
    err = parse (op, in, codes[i].status, "text/xml", body, (size_t)len);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    if (err->code != code)
      fprintf (stderr, "%s: %s\n", codes[i].code, err_code_name (err->code));
    CU_ASSERT_EQUAL (err->code, code);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, codes[i].code));
    check_line (err);
  }
}

static void
test_codes (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (codes); i++) {
    check_code (i, OP_DETACH_OS, change_in, codes[i].change);
    check_code (i, OP_DESCRIBE, read_in, codes[i].read);
  }
}

/* Another slot would do, which is not so for other faults of an attach. */
static void
test_slot_taken (void)
{
  static const char in[] =
      "{\"helper\": {\"id\": \"i-1\"}, \"disks\": [{\"disk\": {\"id\": "
      "\"vol-1\"}, \"slot\": \"/dev/sdf\"}]}";
  static const struct {
    const char *code, *text;
    enum err_code means;
  } rows[] = {
      {"InvalidParameterValue",
       "Invalid value '/dev/sdf' for unixDevice. Attachment point /dev/sdf is "
       "already in use",
       ERR_TAKEN},
      {"AttachmentLimitExceeded", "Attachment limit of 28 exceeded", ERR_TAKEN},
      {"InvalidParameterValue", "no valid EBS device name", ERR_CONFLICT},
      {"VolumeInUse", "vol-1 is already attached to an instance", ERR_CONFLICT},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *body =
        xasprintf ("<Response><Errors><Error><Code>%s</Code><Message>%s"
                   "</Message></Error></Errors></Response>",
                   rows[i].code, rows[i].text);
    CLEANUP_ERR struct err *err =
        parse (OP_HELPER_ATTACH, in, 400, "text/xml", body, strlen (body));

    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, rows[i].means);
  }
}

/* It may be there at our own word, whose answer was lost. */
static void
test_left_group (void)
{
  static const char in[] =
      "{\"vm\": {\"id\": \"i-1\", \"group\": {\"name\": \"shop\"}}}";
  static const struct {
    const char *text;
    enum err_code means;
  } rows[] = {
      {"The instance i-1 is not in InService.", ERR_CONFLICT},
      {"AutoScalingGroup shop has min-size=1", ERR_REFUSED},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *body = xasprintf (
        "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>"
        "<Message>%s</Message></Error></ErrorResponse>",
        rows[i].text);
    CLEANUP_ERR struct err *err =
        parse (OP_LEAVE_GROUP, in, 400, "text/xml", body, strlen (body));

    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, rows[i].means);
  }
}

/* The permission, without what only AWS can decode. */
static void
test_denied (void)
{
  static const char body[] =
      "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You "
      "are not authorized to perform this operation. User: "
      "arn:aws:iam::1:user/u"
      " is not authorized. Encoded authorization failure message: "
      "SECRETSECRET</Message></Error></Errors></Response>";
  CLEANUP_ERR struct err *err =
      parse (OP_DETACH_OS, change_in, 403, "text/xml", body, sizeof body - 1);

  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "ec2:DetachVolume"));
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "user/u"));
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "bootmend policy aws"));
  CU_ASSERT_PTR_NULL (strstr (err->msg, "SECRET"));
}

#define GOOD                                                                   \
  "<DetachVolumeResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"  \
  "<requestId>1</requestId><status>detaching</status></DetachVolumeResponse>"
#define BOMB                                                                   \
  "<?xml version=\"1.0\"?><!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "  \
  "\"&a;&a;&a;&a;&a;&a;\">]><DetachVolumeResponse>&b;</DetachVolumeResponse>"

static const struct {
  const char *name;
  int status;
  const char *type, *body, *says;
  enum err_code change, read;
} nonsense[] = {
    {"HTML of a proxy", 200, "text/html", "<html><body>Log in!</body></html>",
     "proxy", ERR_UNKNOWN_EFFECT, ERR_PROTOCOL},
    {"HTML that says it is XML", 200, "text/xml",
     "<!DOCTYPE html><html><p>Hi</html>", "proxy", ERR_UNKNOWN_EFFECT,
     ERR_PROTOCOL},
    {"HTML with a status", 502, "text/html", "<html>Bad gateway</html>",
     "proxy", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {"truncated", 200, "text/xml", "<DetachVolumeResponse><stat",
     "no valid XML", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {"empty", 200, "text/xml", "", "empty", ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
    {"empty error", 503, "text/xml", "", "HTTP 503", ERR_UNKNOWN_EFFECT,
     ERR_TRANSIENT},
    {"a bomb", 200, "text/xml", BOMB, "DTD", ERR_UNKNOWN_EFFECT, ERR_PROTOCOL},
    {"a bomb as an error", 400, "text/xml", BOMB, "HTTP 400", ERR_INTERNAL,
     ERR_INTERNAL},
    {"another action's reply", 200, "text/xml", "<StopInstancesResponse/>",
     "StopInstancesResponse", ERR_UNKNOWN_EFFECT, ERR_PROTOCOL},
    {"JSON", 200, "application/json", "{\"ok\": true}", "no valid XML",
     ERR_UNKNOWN_EFFECT, ERR_TRANSIENT},
};

static void
test_nonsense (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (nonsense); i++)
    for (int read = 0; read < 2; read++) {
      CLEANUP_ERR struct err *err =
          parse (read ? OP_DESCRIBE : OP_DETACH_OS, read ? read_in : change_in,
                 nonsense[i].status, nonsense[i].type, nonsense[i].body,
                 strlen (nonsense[i].body));
      enum err_code code = read ? nonsense[i].read : nonsense[i].change;

      CU_ASSERT_PTR_NOT_NULL_FATAL (err);
      if (code != ERR_INTERNAL && err->code != code)
        fprintf (stderr, "%s: %s, %s\n", nonsense[i].name,
                 err_code_name (err->code), err->msg);
      CU_ASSERT_TRUE (code == ERR_INTERNAL || err->code == code);
      if (strstr (err->msg, nonsense[i].says) == NULL)
        fprintf (stderr, "%s: %s\n", nonsense[i].name, err->msg);
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, nonsense[i].says));
      check_line (err);
    }
}

static void
test_good (void)
{
  static const char zero[] = "<DetachVolumeResponse>\0</DetachVolumeResponse>";
  CLEANUP_ERR struct err *none =
      parse (OP_DETACH_OS, change_in, 200, "text/xml", GOOD, sizeof GOOD - 1);
  CLEANUP_ERR struct err *err =
      parse (OP_DETACH_OS, change_in, 200, "text/xml", zero, sizeof zero - 1);

  CU_ASSERT_PTR_NULL (none);
  CU_ASSERT_PTR_NOT_NULL (err);
}

static void
test_huge (void)
{
  size_t len = 40 * 1024 * 1024;
  char *body = xmalloc (len + 1);
  CLEANUP_ERR struct err *err = NULL;

  memset (body, ' ', len);
  memcpy (body, "<a>", 3);
  body[len] = '\0';
  err = parse (OP_DESCRIBE, read_in, 200, "text/xml", body, len);
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "bytes"));
  free (body);
}

static const struct unit_case cases[] = {
    {"codes, in all frames, of reads and changes", test_codes},
    {"a slot that is taken", test_slot_taken},
    {"a member that has left its group", test_left_group},
    {"a missing permission is named", test_denied},
    {"what is no reply", test_nonsense},
    {"what is one", test_good},
    {"a huge one", test_huge},
};

UNIT_MAIN ("aws errors", cases)
