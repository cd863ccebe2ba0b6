#include "errors.h"

#include <string.h>

#include <base/text.h>
#include <net/retry.h>

/* What is left of a minute, on the average. */
#define MINUTE_MS 30000
/* One snapshot of a disk in 10 minutes. [Compute, "Troubleshooting snapshots"]
 */
#define SNAPSHOT_MS 600000

static const struct row {
  const char *code;
  enum err_code means;
  int64_t retry_after_ms;
  const char *hint;
} rows[] = {
    /* Quotas are refilled at the start of a minute. [API rate limits] */
    {"rateLimitExceeded", ERR_THROTTLED, MINUTE_MS, NULL},
    {"userRateLimitExceeded", ERR_THROTTLED, MINUTE_MS, NULL},
    {"CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", ERR_THROTTLED, 5000, NULL},
    {"RESOURCE_OPERATION_RATE_EXCEEDED", ERR_TRANSIENT, SNAPSHOT_MS,
     "a disk may have one snapshot in 10 minutes"},
    {"operationRateExceeded", ERR_TRANSIENT, SNAPSHOT_MS,
     "a disk may have one snapshot in 10 minutes"},
    {"ZONE_RESOURCE_POOL_EXHAUSTED", ERR_TRANSIENT, 30000,
     "the zone has no room for this machine type: it is tried again; a "
     "reservation would have kept its place"},
    {"ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", ERR_TRANSIENT, 30000,
     "the zone has no room for this machine type: it is tried again; a "
     "reservation would have kept its place"},
    {"RESOURCE_NOT_READY", ERR_CONFLICT, 0, NULL},
    {"RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", ERR_CONFLICT, 0, NULL},
    {"RESOURCE_IN_USE", ERR_CONFLICT, 0, NULL},
    {"invalidResourceUsage", ERR_CONFLICT, 0, NULL},
    {"conditionNotMet", ERR_CONFLICT, 0, NULL},
    {"alreadyExists", ERR_CONFLICT, 0, NULL},
    {"RESOURCE_ALREADY_EXISTS", ERR_CONFLICT, 0, NULL},
    {"notFound", ERR_NOT_FOUND, 0, "another project or zone?"},
    {"RESOURCE_NOT_FOUND", ERR_NOT_FOUND, 0, "another project or zone?"},
    {"QUOTA_EXCEEDED", ERR_REFUSED, 0,
     "a quota of the project: ask Google to raise it, or clean up"},
    {"limitExceeded", ERR_REFUSED, 0, NULL},
    {"UNSUPPORTED_OPERATION", ERR_REFUSED, 0, NULL},
    {"accessNotConfigured", ERR_AUTH, 0,
     "the Compute Engine API is not enabled in this project: gcloud services "
     "enable compute.googleapis.com"},
    {"SERVICE_DISABLED", ERR_AUTH, 0,
     "the Compute Engine API is not enabled in this project: gcloud services "
     "enable compute.googleapis.com"},
    {"ACCESS_TOKEN_SCOPE_INSUFFICIENT", ERR_AUTH, 0,
     "the token lacks the scope compute or cloud-platform: on a VM, change its "
     "access scopes"},
    {"insufficientPermissions", ERR_AUTH, 0,
     "the token lacks the scope compute or cloud-platform: on a VM, change its "
     "access scopes"},
    {"BILLING_DISABLED", ERR_AUTH, 0, "billing is off for this project"},
    {"authError", ERR_AUTH, 0, "log in again, or give other credentials"},
    {"UNAUTHENTICATED", ERR_AUTH, 0, "log in again, or give other credentials"},
    {"required", ERR_DENIED, 0, NULL},
    {"forbidden", ERR_DENIED, 0, "see 'bootmend policy gcp'"},
    {"PERMISSIONS_ERROR", ERR_DENIED, 0, "see 'bootmend policy gcp'"},
    {"PERMISSION_DENIED", ERR_DENIED, 0, "see 'bootmend policy gcp'"},
    {"backendError", ERR_UNKNOWN_EFFECT, 0, NULL},
    {"internalError", ERR_UNKNOWN_EFFECT, 0, NULL},
};

static bool
same_code (const char *a, const char *b)
{
  for (;; a++, b++) {
    while (*a == '_')
      a++;
    while (*b == '_')
      b++;
    if ((*a | 0x20) != (*b | 0x20))
      return false;
    if (*a == '\0')
      return true;
  }
}

static const struct row *
row_of (const char *code)
{
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (same_code (rows[i].code, code))
      return &rows[i];
  return NULL;
}

/* --- what is said --------------------------------------------------------- */

/* One line that a terminal can bear. */
static char *
short_text (const char *text)
{
  CLEANUP_FREE char *copy = xstrndup (text, 400);
  size_t len = strlen (copy);

  for (char *p = copy; *p; p++)
    if (*p == '\n' || *p == '\r' || *p == '\t')
      *p = ' ';
  while (len && (copy[len - 1] == ' ' || copy[len - 1] == '.'))
    copy[--len] = '\0';
  return text_printable (copy);
}

/* The best of what a reply says of its cause: the details' reason is finer than
 * errors[].reason, which is finer than status.  [docs "operations quota": the
 * reason is "rateLimitExceeded", the detail what it is about] */
static const char *
cause_of (const json_t *error)
{
  const json_t *first = json_array_get (json_object_get (error, "errors"), 0);
  const char *fallback = json_str (error, "status", "");
  json_t *detail;
  size_t i;

  json_array_foreach (json_object_get (error, "details"), i, detail)
  {
    const char *reason = json_str (detail, "reason", "");

    if (*reason && row_of (reason))
      return reason;
  }
  if (*json_str (first, "reason", ""))
    return json_str (first, "reason", "");
  return json_str (first, "code", fallback);
}

/* --- verdicts ------------------------------------------------------------- */

/* The last place, or the device name, went to somebody else.  Their texts are
 * a guess: what a full helper answers would confirm them. */
static bool
is_taken (const struct gcp_method_row *method, const char *code,
          const char *text)
{
  if (strcmp (method->name, "instances.attachDisk") != 0)
    return false;
  return same_code (code, "limitExceeded") ||
         strstr (text, "maximum_persistent_disks") ||
         (strstr (text, "device name") && strstr (text, "already"));
}

static enum err_code
meaning (const struct gcp_method_row *method, const struct row *row,
         const char *code, const char *text, int status)
{
  enum err_code means =
      row ? row->means : http_status_code (status, !method->changes);

  if (is_taken (method, code, text))
    return ERR_TAKEN;
  /* An organisation's policy, not a state that passes. */
  if (strstr (text, "Constraint constraints/"))
    return ERR_REFUSED;
  /* "No attached disk found with device name": look again. */
  if (row == NULL && strcmp (method->name, "instances.detachDisk") == 0)
    return status == 400 ? ERR_CONFLICT : means;
  if (row == NULL && status == 400)
    return method->changes ? ERR_REFUSED : ERR_USAGE;
  if (means == ERR_UNKNOWN_EFFECT && !method->changes)
    return ERR_TRANSIENT;
  return means;
}

static int
say (const struct gcp_method_row *method, const char *code, const char *message,
     int status, struct err **err)
{
  const struct row *row = row_of (code);
  CLEANUP_FREE char *word = short_text (code), *line = short_text (message);
  enum err_code means = meaning (method, row, code, message, status);
  CLEANUP_ERR struct err *made = NULL;
  const char *hint = row ? row->hint : NULL;

  if (means == ERR_REFUSED && strstr (message, "Constraint constraints/"))
    hint = "a policy of the organisation forbids it";
  err_set (&made, means, "%s: %s%s%s%s%s%s", method->name, word,
           *line ? ": " : "", line, hint ? " (" : "", hint ? hint : "",
           hint ? ")" : "");
  if (row)
    made->retry_after_ms = row->retry_after_ms;
  return err_move (err, TAKE (made));
}

int
gcp_error (const struct gcp_method_row *method, const struct http_reply *reply,
           struct err **err)
{
  CLEANUP_JSON json_t *root =
      json_parse (reply->body, reply->body_len, "error", NULL);
  const json_t *error = json_object_get (root, "error");
  enum err_code code = http_status_code (reply->status, !method->changes);

  if (json_is_object (error) && *cause_of (error))
    return say (method, cause_of (error), json_str (error, "message", ""),
                reply->status, err);
  if (json_is_object (error) && *json_str (error, "message", "")) {
    CLEANUP_FREE char *line = short_text (json_str (error, "message", ""));

    return err_set (err, code, "%s: HTTP %d: %s", method->name, reply->status,
                    line);
  }
  if (http_reply_is_page (reply))
    return err_set (err, code,
                    "%s: HTTP %d with a web page instead of an answer of "
                    "Compute: is there a proxy in between, or is the endpoint "
                    "wrong?",
                    method->name, reply->status);
  return err_set (err, code, "%s: HTTP %d without an error that can be read",
                  method->name, reply->status);
}

int
gcp_error_of_nonsense (const struct gcp_method_row *method,
                       const struct http_reply *reply, struct err **err)
{
  enum err_code code = method->changes              ? ERR_UNKNOWN_EFFECT
                       : http_reply_is_page (reply) ? ERR_PROTOCOL
                                                    : ERR_TRANSIENT;

  if (http_reply_is_page (reply))
    return err_set (err, code,
                    "%s: a web page instead of an answer of Compute: is there "
                    "a proxy in between, or is the endpoint wrong?",
                    method->name);
  if (reply->body_len == 0)
    return err_set (err, code, "%s: an empty reply", method->name);
  return err_set (err, code,
                  "%s: its reply is no JSON object, or was cut off on its way",
                  method->name);
}

bool
gcp_operation_failed (const struct gcp_method_row *method,
                      const json_t *operation, struct err **err)
{
  const json_t *error = json_object_get (operation, "error");
  const json_t *first = json_array_get (json_object_get (error, "errors"), 0);

  if (!json_is_object (error))
    return false;
  say (method, json_str (first, "code", "unknown"),
       json_str (first, "message",
                 json_str (operation, "httpErrorMessage", "no reason given")),
       (int)json_int (operation, "httpErrorStatusCode", 400), err);
  return true;
}
