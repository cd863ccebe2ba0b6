#include "errors.h"

#include <string.h>

#include <base/text.h>
#include <net/retry.h>
#include <providers/xml.h>

#include "call.h"

#define CAPACITY_MS 30000
/* One snapshot of a volume in 15 s. [EBS quotas] */
#define SNAPSHOT_MS 15000

/* Globs; the first that fits counts.  `named`: a refusal before anything was
 * done, about the ids in the text. */
static const struct row {
  const char *code;
  enum err_code means;
  bool named;
  int64_t retry_after_ms;
  const char *hint;
} rows[] = {
    {"DryRunOperation", ERR_CONFLICT, false, 0, NULL},
    {"UnauthorizedOperation", ERR_DENIED, true, 0, "bootmend policy aws"},
    {"AccessDenied*", ERR_DENIED, false, 0, "bootmend policy aws"},
    {"Client.UnauthorizedOperation", ERR_DENIED, true, 0,
     "bootmend policy aws"},
    {"AuthFailure", ERR_AUTH, false, 0,
     "the access key or its secret is wrong, or from another partition"},
    {"RequestExpired", ERR_AUTH, false, 0,
     "this machine's clock is wrong by more than 5 minutes, or the session has "
     "expired"},
    {"ExpiredToken*", ERR_AUTH, false, 0, "log in again"},
    {"InvalidClientTokenId", ERR_AUTH, false, 0,
     "there is no such access key in this partition"},
    {"UnrecognizedClientException", ERR_AUTH, false, 0,
     "there is no such access key in this partition"},
    {"SignatureDoesNotMatch", ERR_AUTH, false, 0,
     "the secret key is wrong, or this machine's clock"},
    {"InvalidSignatureException", ERR_AUTH, false, 0,
     "the secret key is wrong, or this machine's clock"},
    {"MissingAuthenticationToken", ERR_AUTH, false, 0, NULL},
    {"IncompleteSignature", ERR_AUTH, false, 0, NULL},
    {"OptInRequired", ERR_AUTH, false, 0,
     "the region is not enabled for this account"},
    {"Blocked", ERR_AUTH, false, 0, "AWS has blocked the account"},
    {"PendingVerification", ERR_AUTH, false, 0,
     "AWS still verifies the account"},
    {"RequestLimitExceeded", ERR_THROTTLED, false, 0, NULL},
    {"Throttling*", ERR_THROTTLED, false, 0, NULL},
    {"ThrottledException", ERR_THROTTLED, false, 0, NULL},
    {"EC2ThrottledException", ERR_THROTTLED, false, 0, NULL},
    {"SlowDown", ERR_THROTTLED, false, 0, NULL},
    {"SnapshotCreationPerVolumeRateExceeded", ERR_TRANSIENT, false, SNAPSHOT_MS,
     NULL},
    {"ConcurrentSnapshotLimitExceeded", ERR_TRANSIENT, false, SNAPSHOT_MS,
     NULL},
    {"ConcurrentTagAccess", ERR_TRANSIENT, false, 1000, NULL},
    {"InsufficientInstanceCapacity", ERR_TRANSIENT, false, CAPACITY_MS,
     "AWS has no room for this type in this zone: it is tried again; a "
     "capacity reservation would have kept its place"},
    {"InsufficientHostCapacity", ERR_TRANSIENT, true, CAPACITY_MS,
     "its dedicated host is full"},
    {"InsufficientCapacity*", ERR_TRANSIENT, false, CAPACITY_MS, NULL},
    {"InsufficientVolumeCapacity", ERR_TRANSIENT, false, CAPACITY_MS, NULL},
    {"*.NotFound", ERR_NOT_FOUND, true, 0, "another region or profile?"},
    {"InvalidInstanceID", ERR_NOT_FOUND, true, 0, NULL},
    {"*.Malformed", ERR_USAGE, true, 0, NULL},
    {"InvalidVolume.ZoneMismatch", ERR_REFUSED, true, 0,
     "a helper must be in the zone of its disks"},
    {"IncorrectState", ERR_CONFLICT, true, 0, NULL},
    {"IncorrectInstanceState", ERR_CONFLICT, true, 0, NULL},
    {"IncorrectModificationState", ERR_CONFLICT, true, 0, NULL},
    {"InvalidInstanceAttributeValue", ERR_CONFLICT, true, 0, NULL},
    {"VolumeInUse", ERR_CONFLICT, true, 0, NULL},
    {"InvalidSnapshot.InUse", ERR_CONFLICT, true, 0, "an AMI uses it"},
    {"VolumeModificationInProgress", ERR_CONFLICT, true, 0, NULL},
    {"IdempotentParameterMismatch", ERR_CONFLICT, false, 0, NULL},
    {"ResourceBusy*", ERR_CONFLICT, true, 0, NULL},
    /* In use: "Attachment point is already in use"; no root: "does not have a
     * volume attached at root".  Look again. */
    {"InvalidParameterValue", ERR_CONFLICT, true, 0, NULL},
    {"OperationNotPermitted", ERR_REFUSED, true, 0,
     "stop protection, or an operating system that does not fit"},
    {"UnsupportedOperation*", ERR_REFUSED, true, 0, NULL},
    {"Unsupported", ERR_REFUSED, true, 0, NULL},
    {"UnsupportedHibernationConfiguration", ERR_REFUSED, true, 0, NULL},
    {"AttachmentLimitExceeded", ERR_REFUSED, true, 0,
     "the helper has no slot left"},
    {"*LimitExceeded", ERR_REFUSED, true, 0,
     "a quota of the account: ask AWS to raise it, or clean up"},
    {"MaxIOPSLimitExceeded", ERR_REFUSED, false, 0, NULL},
    {"KMSKeyNotAccessible*", ERR_REFUSED, true, 0,
     "the key of the disk can't be used by these credentials"},
    {"CustomerKeyHasBeenRevoked", ERR_REFUSED, true, 0,
     "the key of the disk was disabled"},
    {"InvalidAction", ERR_USAGE, false, 0, "is the endpoint one of EC2?"},
    {"NoSuchVersion", ERR_USAGE, false, 0, "is the endpoint one of EC2?"},
    {"Unavailable", ERR_UNKNOWN_EFFECT, false, 0, NULL},
    {"ServiceUnavailable*", ERR_UNKNOWN_EFFECT, false, 0, NULL},
    {"InternalError", ERR_UNKNOWN_EFFECT, false, 0, NULL},
    {"InternalFailure", ERR_UNKNOWN_EFFECT, false, 0, NULL},
    {"KMSInternalException", ERR_UNKNOWN_EFFECT, false, 0, NULL},
    {"DependencyTimeoutException", ERR_UNKNOWN_EFFECT, false, 0, NULL},
    {"RequestTimeout*", ERR_UNKNOWN_EFFECT, false, 0, NULL},
};

static const struct row *
row_of (const char *code)
{
  /* "Server.Unavailable", "Client.AuthFailure": as some replies have it. */
  if (strncmp (code, "Server.", 7) == 0 || strncmp (code, "Client.", 7) == 0)
    code += 7;
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (text_glob_match (rows[i].code, code, false))
      return &rows[i];
  return NULL;
}

/* --- what the reply says ------------------------------------------------- */

/* EC2: Response/Errors/Error; the older Query protocol: ErrorResponse/Error. */
static void
parts_of_xml (const struct http_reply *reply, char **code, char **text)
{
  CLEANUP_XML xmlDocPtr doc = xml_parse (reply->body, "error", NULL);
  const xmlNode *at = doc ? xmlDocGetRootElement (doc) : NULL;
  const xmlNode *errors = xml_child (at, "Errors");

  if (errors)
    at = errors;
  at = xml_child (at, "Error");
  *code = xml_text (xml_child (at, "Code"));
  *text = xml_text (xml_child (at, "Message"));
}

/* KMS: {"__type": "prefix#AccessDeniedException", "message"}. */
static void
parts_of_json (const struct http_reply *reply, char **code, char **text)
{
  CLEANUP_JSON json_t *json =
      json_parse (reply->body, reply->body_len, "error", NULL);
  const char *type = json_str (json, "__type", NULL);
  const char *hash = type ? strrchr (type, '#') : NULL;

  if (type)
    *code = xstrdup (hash ? hash + 1 : type);
  *text = xstrdup (json_str (json, "message", json_str (json, "Message", "")));
}

void
aws_error_parts (const struct http_reply *reply, char **code, char **text)
{
  *code = *text = NULL;
  if (reply->body_len && strlen (reply->body) == reply->body_len) {
    if (reply->body[0] == '{')
      parts_of_json (reply, code, text);
    else
      parts_of_xml (reply, code, text);
  }
  if (*code && **code)
    return;
  free (TAKE (*code));
  free (TAKE (*text));
}

/* One line that a terminal can bear, without what only AWS can read. */
static char *
short_text (const char *text)
{
  static const char cut[] = "Encoded authorization failure message";
  const char *end = strstr (text, cut);
  CLEANUP_FREE char *copy =
      xstrndup (text, end ? (size_t)(end - text) : strlen (text));
  size_t len = strlen (copy);
  char *line;

  for (char *p = copy; *p; p++)
    if (*p == '\n' || *p == '\r' || *p == '\t')
      *p = ' ';
  if (len > 400)
    copy[len = 400] = '\0';
  while (len && (copy[len - 1] == ' ' || copy[len - 1] == '.'))
    copy[--len] = '\0';
  line = text_printable (copy);
  return line;
}

/* --- verdicts ------------------------------------------------------------ */

static void
no_code (const struct aws_action_row *action, const struct http_reply *reply,
         struct err **err)
{
  enum err_code code = http_status_code (reply->status, !action->changes);

  if (http_reply_is_page (reply))
    err_set (err, code,
             "HTTP %d with a web page instead of an answer of %s: is there a "
             "proxy in between, or is the endpoint wrong?",
             reply->status, action->service);
  else
    err_set (err, code, "HTTP %d without an error code that can be read",
             reply->status);
}

/* The device name, or the last place, went to somebody else: "Invalid value
 * '/dev/sdf' for unixDevice. Attachment point /dev/sdf is already in use". */
static bool
is_taken (const struct aws_action_row *action, const char *code,
          const char *text)
{
  if (strcmp (action->name, "AttachVolume") != 0)
    return false;
  return strcmp (code, "AttachmentLimitExceeded") == 0 ||
         (strcmp (code, "InvalidParameterValue") == 0 &&
          strstr (text, "already in use"));
}

/* "The instance i-0 is not in InService": it has left its group already, most
 * likely at our own word, whose answer was lost.  Look. */
static bool
is_elsewhere (const struct aws_action_row *action, const char *code,
              const char *text)
{
  return (strcmp (action->name, "EnterStandby") == 0 ||
          strcmp (action->name, "ExitStandby") == 0) &&
         strcmp (code, "ValidationError") == 0 && strstr (text, "is not in ");
}

/* An effect is possible after a 5xx, unless a read was asked for. */
static enum err_code
meaning (const struct aws_action_row *action, const struct row *row,
         const struct http_reply *reply)
{
  enum err_code code =
      row ? row->means : http_status_code (reply->status, !action->changes);

  if (code == ERR_UNKNOWN_EFFECT && !action->changes)
    return ERR_TRANSIENT;
  if (row == NULL && reply->status == 400)
    return ERR_REFUSED;
  /* A wrong word of a selection, not a state. */
  if (code == ERR_CONFLICT && !action->changes)
    return ERR_USAGE;
  return code;
}

/* What to do about it, where that is known. */
static const char *
hint_of (const struct row *row, const char *line)
{
  /* [STS and EC2 answer so to a signature for a region that is not theirs] */
  if (strstr (line, "scoped to a valid region") ||
      strstr (line, "scoped to correct region"))
    return "there is no such region at this endpoint: check --aws-region";
  return row ? row->hint : NULL;
}

enum aws_verdict
aws_error (const struct aws_action_row *action, const struct http_reply *reply,
           struct err **err)
{
  CLEANUP_FREE char *code = NULL, *text = NULL, *line = NULL, *word = NULL;
  CLEANUP_ERR struct err *made = NULL;
  const struct row *row;
  const char *hint;

  aws_error_parts (reply, &code, &text);
  if (code == NULL) {
    no_code (action, reply, err);
    return AWS_FAILED;
  }
  row = row_of (code);
  line = short_text (text ? text : "");
  word = short_text (code);
  hint = hint_of (row, line);
  if (row && row->means == ERR_DENIED)
    err_set (&made, ERR_DENIED,
             "the permission %s:%s is missing (%s%s%s); see '%s'",
             action->service, action->name, word, *line ? ": " : "", line,
             hint);
  else
    err_set (&made, meaning (action, row, reply), "%s%s%s%s%s%s", word,
             *line ? ": " : "", line, hint ? " (" : "", hint ? hint : "",
             hint ? ")" : "");
  if (is_taken (action, code, line))
    made->code = ERR_TAKEN;
  if (is_elsewhere (action, code, line))
    made->code = ERR_CONFLICT;
  if (row && row->retry_after_ms)
    made->retry_after_ms = row->retry_after_ms;
  err_move (err, TAKE (made));
  if (strcmp (code, "DryRunOperation") == 0)
    return AWS_DRY_RUN;
  return row && row->named ? AWS_NAMED : AWS_FAILED;
}

void
aws_error_of_nonsense (const struct aws_action_row *action,
                       const struct http_reply *reply, struct err **why)
{
  CLEANUP_ERR struct err *old = TAKE (*why);
  enum err_code code = old->code;

  if (action->changes)
    code = ERR_UNKNOWN_EFFECT;
  else if (http_reply_is_page (reply) || strstr (reply->body, "<!DOCTYPE"))
    code = ERR_PROTOCOL;
  else if (code == ERR_INPUT)
    code = ERR_TRANSIENT; /* cut off on its way, most likely */
  if (http_reply_is_page (reply))
    err_set (why, code,
             "a web page instead of an answer of %s: is there a proxy in "
             "between, or is the endpoint wrong?",
             action->service);
  else if (reply->body_len == 0)
    err_set (why, code, "an empty reply to %s", action->name);
  else
    err_set (why, code, "%s: %s%s", action->name, old->msg,
             code == ERR_PROTOCOL ? " (AWS sends no such thing: is there a "
                                    "proxy in between, or is the endpoint "
                                    "wrong?)"
                                  : "");
}

/* --- calls on many VMs --------------------------------------------------- */

static bool
names_id (const char *text, const char *id)
{
  size_t len = strlen (id);

  for (const char *p = text; len && (p = strstr (p, id)) != NULL; p++)
    if (strchr ("0123456789abcdef", p[len]) == NULL || p[len] == '\0')
      return true;
  return false;
}

static void
add_failed (json_t *failed, const char *id, const struct err *err)
{
  json_t *item = json_object ();

  json_put_str (item, "id", id);
  json_put (item, "error", json_from_err (err));
  json_array_append_new (failed, item);
}

int
aws_batch_failed (const struct aws_action_row *action, const json_t *in,
                  const struct http_reply *reply, json_t **out,
                  struct err **err)
{
  CLEANUP_FREE char *code = NULL, *text = NULL;
  CLEANUP_ERR struct err *why = NULL, *other = NULL;
  CLEANUP_JSON json_t *failed = json_array ();
  const json_t *vms = json_object_get (in, "vms");
  enum aws_verdict verdict = aws_error (action, reply, &why);
  size_t i, at_fault = 0;
  json_t *vm;

  if (verdict == AWS_DRY_RUN && json_bool (in, "dry_run", false)) {
    *out = json_make ("{s:[]}", "failed");
    return 0;
  }
  aws_error_parts (reply, &code, &text);
  json_array_foreach (vms, i, vm)
  {
    at_fault += text && names_id (text, json_str (vm, "id", ""));
  }
  if (verdict != AWS_NAMED || at_fault == 0)
    return err_move (err, TAKE (why));
  err_set (&other, ERR_TRANSIENT,
           "not done, because the call failed for another VM: %s", why->msg);
  json_array_foreach (vms, i, vm)
  {
    const char *id = json_str (vm, "id", "");

    add_failed (failed, id, names_id (text, id) ? why : other);
  }
  *out = json_make ("{s:o}", "failed", TAKE (failed));
  return 0;
}
