#include "errors.h"

#include <string.h>

#include <base/text.h>
#include <net/retry.h>

#define CAPACITY_MS 30000
#define BUSY_MS     10000

/* Globs; the first that fits counts.  `text`: a part that the message must
 * have, NULL: any.  Sources: learn.microsoft.com "Understand common error
 * messages when you manage virtual machines in Azure", "Troubleshoot API
 * throttling errors", "Resolve common Azure deployment errors"; recorded
 * replies. */
static const struct row {
  const char *code, *text;
  enum err_code means;
  int64_t retry_after_ms;
  const char *hint;
} rows[] = {
    {"TooManyRequests", NULL, ERR_THROTTLED, 0, NULL},
    {"SubscriptionRequestsThrottled", NULL, ERR_THROTTLED, 0, NULL},
    {"ResourceCollectionRequestsThrottled", NULL, ERR_THROTTLED, 0, NULL},
    {"OperationNotAllowed", "too many requests", ERR_THROTTLED, 0, NULL},
    {"AuthorizationFailed", NULL, ERR_DENIED, 0, "bootmend policy azure"},
    {"LinkedAuthorizationFailed", NULL, ERR_DENIED, 0, "bootmend policy azure"},
    {"RequestDisallowedByPolicy", NULL, ERR_REFUSED, 0,
     "an Azure Policy of the subscription forbids it: exempt the resource "
     "group, or let what bootmend creates have what the policy asks for"},
    {"AuthenticationFailed*", NULL, ERR_AUTH, 0, NULL},
    {"InvalidAuthenticationToken*", NULL, ERR_AUTH, 0,
     "a token of another tenant or cloud? check AZURE_TENANT_ID or "
     "--azure-tenant, and --azure-cloud"},
    {"ExpiredAuthenticationToken", NULL, ERR_AUTH, 0, "log in again"},
    {"SubscriptionNotFound", NULL, ERR_AUTH, 0,
     "no such subscription in this tenant, or no right on it at all"},
    {"InvalidSubscriptionId", NULL, ERR_USAGE, 0, "check --azure-subscription"},
    {"InvalidSubscription*", NULL, ERR_AUTH, 0, NULL},
    {"ReadOnlyDisabledSubscription", NULL, ERR_AUTH, 0,
     "the subscription is disabled"},
    {"ScopeLocked", NULL, ERR_REFUSED, 0,
     "a management lock; az lock list shows it"},
    {"ResourceNotFound", NULL, ERR_NOT_FOUND, 0, NULL},
    {"ResourceGroupNotFound", NULL, ERR_NOT_FOUND, 0, NULL},
    {"NotFound", NULL, ERR_NOT_FOUND, 0, NULL},
    {"ParentResourceNotFound", NULL, ERR_NOT_FOUND, 0, NULL},
    {"AttachDiskWhileBeingDetached", NULL, ERR_CONFLICT, BUSY_MS, NULL},
    {"ConflictingUserInput", NULL, ERR_CONFLICT, 0, NULL},
    {"PropertyChangeNotAllowed", NULL, ERR_REFUSED, 0, NULL},
    {"OSDiskSwapNotSupportedForVMsUsingDiskEncryption", NULL, ERR_REFUSED, 0,
     "Azure Disk Encryption"},
    {"OperationNotAllowed", "LUN", ERR_TAKEN, 0, NULL},
    {"InvalidParameter", "LUN", ERR_TAKEN, 0, NULL},
    {"OperationNotAllowed", "maximum number of data disks", ERR_TAKEN, 0,
     "the helper has no slot left"},
    {"OperationNotAllowed", "another operation is in progress", ERR_CONFLICT,
     BUSY_MS, NULL},
    {"OperationNotAllowed", "ongoing operation", ERR_CONFLICT, BUSY_MS, NULL},
    {"OperationNotAllowed", "quota", ERR_REFUSED, 0,
     "a quota of the subscription: ask for more, or clean up"},
    {"OperationNotAllowed", NULL, ERR_CONFLICT, 0, NULL},
    {"Conflict", NULL, ERR_CONFLICT, 0, NULL},
    {"AnotherOperationInProgress", NULL, ERR_CONFLICT, BUSY_MS, NULL},
    {"OperationPreempted", NULL, ERR_CONFLICT, 0,
     "another operation on it came in between"},
    {"PreconditionFailed", NULL, ERR_CONFLICT, 0, NULL},
    {"QuotaExceeded", NULL, ERR_REFUSED, 0,
     "a quota of the subscription: ask for more, or clean up"},
    {"AllocationFailed", NULL, ERR_TRANSIENT, CAPACITY_MS,
     "Azure has no room for this size here: it is tried again; a VM that was "
     "only stopped, not deallocated, keeps its place"},
    {"ZonalAllocationFailed", NULL, ERR_TRANSIENT, CAPACITY_MS,
     "Azure has no room for this size in this zone: it is tried again"},
    {"OverconstrainedAllocationRequest", NULL, ERR_TRANSIENT, CAPACITY_MS,
     NULL},
    {"OverconstrainedZonalAllocationRequest", NULL, ERR_TRANSIENT, CAPACITY_MS,
     NULL},
    {"SkuNotAvailable", NULL, ERR_REFUSED, 0, NULL},
    /* It may still come up: what it shows counts. */
    {"VMStartTimedOut", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"OSProvisioningTimedOut", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"DiskEncryptionKeySecretUnwrapFailed", NULL, ERR_REFUSED, 0, NULL},
    {"ResourceUpdateBlockedOnPlatformUpdate", NULL, ERR_TRANSIENT, CAPACITY_MS,
     NULL},
    {"RetryableError", NULL, ERR_TRANSIENT, 0, NULL},
    {"ServerTimeout", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"InternalServerError", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"InternalExecutionError", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"InternalOperationError", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"NetworkingInternalOperationError", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"GatewayTimeout", NULL, ERR_UNKNOWN_EFFECT, 0, NULL},
    {"InvalidResourceType", NULL, ERR_USAGE, 0,
     "is the endpoint one of Azure Resource Manager?"},
    {"NoRegisteredProviderFound", NULL, ERR_USAGE, 0,
     "this cloud does not know the API version that bootmend uses"},
    {"MissingSubscriptionRegistration", NULL, ERR_REFUSED, 0,
     "az provider register"},
    {"Invalid*", NULL, ERR_REFUSED, 0, NULL},
    {"BadRequest", NULL, ERR_REFUSED, 0, NULL},
};

static const struct row *
row_of (const char *code, const char *text)
{
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (text_glob_match (rows[i].code, code, true) &&
        (rows[i].text == NULL || strcasestr (text, rows[i].text)))
      return &rows[i];
  return NULL;
}

/* {"error": {...}}, or the object itself. */
static const json_t *
inner_of (const json_t *body)
{
  const json_t *error = json_object_get (body, "error");

  if (json_is_object (error))
    return error;
  return json_object_get (body, "code") ? body : NULL;
}

/* Throttling has its word in the details. */
static const struct row *
verdict_of (const json_t *error)
{
  const struct row *row =
      row_of (json_str (error, "code", ""), json_str (error, "message", ""));
  json_t *detail;
  size_t i;

  json_array_foreach (json_object_get (error, "details"), i, detail)
  {
    const struct row *other = row_of (json_str (detail, "code", ""), "");

    if (other && (other->means == ERR_THROTTLED || row == NULL))
      return other;
  }
  return row;
}

/* One line that a terminal can bear. */
static char *
short_text (const char *text)
{
  size_t len = strlen (text);
  CLEANUP_FREE char *copy = xstrndup (text, len < 400 ? len : 400);
  char *to = copy;

  for (const char *p = copy; *p; p++) {
    char c = *p == '\r' || *p == '\n' || *p == '\t' ? ' ' : *p;

    if (c != ' ' || (to > copy && to[-1] != ' '))
      *to++ = c;
  }
  while (to > copy && (to[-1] == ' ' || to[-1] == '.'))
    to--;
  *to = '\0';
  return text_printable (copy);
}

/* "... to perform action 'Microsoft.Compute/..' over scope ...": the right that
 * is really missing; `right` is what the row needs. */
static char *
missing_right (const char *line, const char *right)
{
  const char *start = strstr (line, "perform action '");

  if (start == NULL)
    return xstrdup (right);
  start += strlen ("perform action '");
  return xstrndup (start, strcspn (start, "'"));
}

static void
say (const json_t *error, enum err_code code, const struct row *row,
     const char *right, struct err **err)
{
  CLEANUP_FREE char *word = short_text (json_str (error, "code", "no code"));
  CLEANUP_FREE char *line = short_text (json_str (error, "message", ""));
  CLEANUP_ERR struct err *made = NULL;
  CLEANUP_FREE char *missing = missing_right (line, right);
  const char *hint = row ? row->hint : NULL;

  if (code == ERR_DENIED)
    err_set (&made, code,
             "the permission %s is missing (%s%s%s); see 'bootmend policy "
             "azure'",
             missing, word, *line ? ": " : "", line);
  else
    err_set (&made, code, "%s%s%s%s%s%s", word, *line ? ": " : "", line,
             hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
  if (row)
    made->retry_after_ms = row->retry_after_ms;
  err_move (err, TAKE (made));
}

void
azure_error (const struct http_reply *reply, const char *right, bool changes,
             struct err **err)
{
  CLEANUP_JSON json_t *body =
      json_parse (reply->body, reply->body_len, "error", NULL);
  const json_t *error = inner_of (body);
  const struct row *row = error ? verdict_of (error) : NULL;
  enum err_code code = http_status_code (reply->status, !changes);

  if (error == NULL) {
    if (http_reply_is_page (reply))
      err_set (err, code,
               "HTTP %d with a web page instead of an answer of Azure Resource "
               "Manager: is there a proxy in between, or is the endpoint "
               "wrong?",
               reply->status);
    else
      err_set (err, code, "HTTP %d without an error code that can be read",
               reply->status);
    return;
  }
  if (row)
    code = row->means;
  else if (reply->status == 400)
    code = ERR_REFUSED;
  if (reply->status == 401)
    code = ERR_AUTH;
  if (reply->status == 429)
    code = ERR_THROTTLED;
  if (code == ERR_UNKNOWN_EFFECT && !changes)
    code = ERR_TRANSIENT;
  say (error, code, row, right, err);
}

void
azure_operation_error (const json_t *error, const char *status,
                       const char *right, struct err **err)
{
  const struct row *row = error ? verdict_of (error) : NULL;
  enum err_code code;

  if (!json_is_object (error)) {
    err_set (err, ERR_REFUSED, "the operation ended as '%s', without a reason",
             status);
    return;
  }
  code = row ? row->means : ERR_REFUSED;
  /* To be asked for again, which is more than to be sent again. */
  if (code == ERR_TRANSIENT || code == ERR_THROTTLED)
    code = ERR_CONFLICT;
  say (error, code, row, right, err);
}

void
azure_error_of_nonsense (const struct http_reply *reply, bool changes,
                         struct err **why)
{
  CLEANUP_ERR struct err *old = TAKE (*why);
  enum err_code code = changes                      ? ERR_UNKNOWN_EFFECT
                       : http_reply_is_page (reply) ? ERR_PROTOCOL
                                                    : ERR_TRANSIENT;

  if (http_reply_is_page (reply))
    err_set (why, code,
             "a web page instead of an answer of Azure Resource Manager: is "
             "there a proxy in between, or is the endpoint wrong?");
  else
    err_set (why, code, "%s", old->msg);
}
