#include "call.h"

#include <string.h>
#include <strings.h>

#include <base/text.h>
#include <net/retry.h>

#include "errors.h"
#include "trial.h"

#define POLL_MS     5000
#define POLL_MAX_MS 120000
/* So long an operation is followed, if nobody says how long it is waited for;
 * then what the VM shows has to do. */
#define FOLLOW_MS (45 * 60 * 1000)

const char *
azure_endpoint (const struct binding *b)
{
  return json_str (b->config, "endpoint", "https://management.azure.com");
}

/* Same scheme and host (and port), or a regional host below it. */
static bool
is_ours (const struct binding *b, const char *url)
{
  const char *endpoint = azure_endpoint (b);
  const char *host = strstr (endpoint, "://"), *theirs = strstr (url, "://");
  size_t len, n;

  if (host == NULL || theirs == NULL || host - endpoint != theirs - url ||
      strncasecmp (endpoint, url, (size_t)(host - endpoint)) != 0)
    return false;
  host += 3;
  theirs += 3;
  len = strcspn (host, "/?#");
  n = strcspn (theirs, "/?#");
  if (n < len || memchr (theirs, '@', n) || memchr (theirs, '\\', n) ||
      strncasecmp (theirs + n - len, host, len) != 0)
    return false;
  return n == len || theirs[n - len - 1] == '.';
}

static char *
url_of (const struct binding *b, const struct azure_call *call,
        struct err **err)
{
  if (call->api == NULL) {
    if (is_ours (b, call->path))
      return xstrdup (call->path);
    err_set (err, ERR_PROTOCOL,
             "a reply leads to another host than %s: nothing is sent there",
             azure_endpoint (b));
    return NULL;
  }
  return xasprintf ("%s%s?%s%sapi-version=%s", azure_endpoint (b), call->path,
                    call->query ? call->query : "", call->query ? "&" : "",
                    call->api);
}

int
azure_request (const struct binding *b, const char *action, bool repeatable,
               struct azure_call *call, struct http_request *req,
               struct err **err)
{
  CLEANUP_JSON json_t *body = TAKE (call->body);

  req->action = action;
  req->url = url_of (b, call, err);
  free (TAKE (call->path));
  if (req->url == NULL)
    return -1;
  req->method = xstrdup (call->method);
  req->sign = HTTP_SIGN_BEARER;
  req->repeatable = repeatable;
  http_header_add (&req->headers, "Accept", "application/json");
  if (body) {
    http_header_add (&req->headers, "Content-Type", "application/json");
    req->body = json_text (body);
  } else if (strcmp (call->method, "POST") == 0)
    req->body = xstrdup ("");
  req->body_len = req->body ? strlen (req->body) : 0;
  return 0;
}

json_t *
azure_reply (const struct http_reply *reply, const char *right, bool changes,
             struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  json_t *root;

  if (reply->status < 200 || reply->status > 299) {
    azure_error (reply, right, changes, err);
    return NULL;
  }
  if (reply->body_len == 0)
    return json_object ();
  root = json_parse (reply->body, reply->body_len, "its reply", &why);
  if (root == NULL || !json_is_object (root)) {
    if (root)
      err_set (&why, ERR_PROTOCOL, "its reply is no JSON object");
    json_decref (root);
    azure_error_of_nonsense (reply, changes, &why);
    err_move (err, TAKE (why));
    return NULL;
  }
  return root;
}

/* --- operations ------------------------------------------------------------
 */

static int64_t
wait_of (const struct http_reply *reply)
{
  int64_t ms = http_retry_after_ms (reply, 0);

  if (http_header_get (&reply->headers, "Retry-After") == NULL &&
      http_header_get (&reply->headers, "x-ms-retry-after-ms") == NULL &&
      http_header_get (&reply->headers, "retry-after-ms") == NULL)
    return POLL_MS;
  return ms < 1 ? 1 : ms > POLL_MAX_MS ? POLL_MAX_MS : ms;
}

/* What is asked next: {url, kind, waited_ms}; NULL: nothing goes on. */
static json_t *
first_poll (const struct http_reply *reply)
{
  const char *async = http_header_get (&reply->headers, "Azure-AsyncOperation");
  const char *location = http_header_get (&reply->headers, "Location");

  if (async && *async)
    return json_make ("{s:s,s:s,s:I}", "url", async, "kind", "async",
                      "waited_ms", (json_int_t)wait_of (reply));
  if (location && *location && reply->status == 202)
    return json_make ("{s:s,s:s,s:I}", "url", location, "kind", "location",
                      "waited_ms", (json_int_t)wait_of (reply));
  return NULL;
}

static int
poll_again (json_t *poll_taken, const struct http_reply *reply, json_t **out)
{
  *out = json_make ("{s:{s:o},s:I}", "next", "follow", poll_taken, "after_ms",
                    (json_int_t)wait_of (reply));
  return 0;
}

static int
ended (const struct azure_op *op, const struct binding *b, const json_t *in,
       const json_t *root, json_t **out, struct err **err)
{
  if (op->read)
    return op->read (b, in, root, out, err);
  *out = json_object ();
  return 0;
}

/* The request was accepted; who may not see how it ended (the operation's URL
 * lies below the subscription, not below the VM), or comes too late, sees the
 * effect only. */
static bool
is_out_of_sight (const struct http_reply *reply)
{
  return reply->status == 403 || reply->status == 404 || reply->status == 410;
}

/* An operation that never ends is left when nobody waits for it any more. */
static int
go_on (const struct azure_op *op, const json_t *in, json_t *poll_taken,
       const struct http_reply *reply, json_t **out, struct err **err)
{
  int64_t limit = json_int (in, "limit_ms", FOLLOW_MS);
  CLEANUP_JSON json_t *poll = poll_taken;
  CLEANUP_FREE char *time = text_duration_ms (limit);

  if (json_int (poll, "waited_ms", 0) <= limit)
    return poll_again (TAKE (poll), reply, out);
  return err_set (err, ERR_UNKNOWN_EFFECT,
                  "%s: Azure accepted it, but the operation has not ended "
                  "within %s",
                  op->action, time);
}

static int
parse_poll (const struct azure_op *op, const struct binding *b,
            const json_t *in, const struct http_reply *reply, json_t **out,
            struct err **err)
{
  const json_t *poll = json_at (in, "page.follow");
  bool async = strcmp (json_str (poll, "kind", ""), "async") == 0;
  int64_t waited = json_int (poll, "waited_ms", 0) + wait_of (reply);
  CLEANUP_JSON json_t *root = NULL, *next = NULL;
  CLEANUP_JSON json_t *empty = json_object ();
  const char *status;

  if (is_out_of_sight (reply))
    return ended (op, b, in, empty, out, err);
  next = json_deep_copy (poll);
  json_put_int (next, "waited_ms", waited);
  /* A poll can fail by itself: "503 ServerTimeout". */
  if (reply->status >= 500 || reply->status == 408)
    return go_on (op, in, TAKE (next), reply, out, err);
  root = azure_reply (reply, op->right, op->changes, err);
  if (root == NULL)
    return -1;
  status = json_str (root, "status", "");
  if (async && strcasecmp (status, "Succeeded") == 0) {
    const json_t *result = json_at (root, "properties.output");

    return ended (op, b, in, json_is_object (result) ? result : empty, out,
                  err);
  }
  if (async && (strcasecmp (status, "Failed") == 0 ||
                strcasecmp (status, "Canceled") == 0)) {
    azure_operation_error (json_object_get (root, "error"), status, op->right,
                           err);
    return -1;
  }
  if (!async && reply->status != 202)
    return ended (op, b, in, root, out, err);
  return go_on (op, in, TAKE (next), reply, out, err);
}

int
azure_op_build (const struct azure_op *op, const struct binding *b,
                const json_t *in, struct http_request *req, struct err **err)
{
  const char *url = json_str (in, "page.follow.url", NULL);
  struct azure_call call = {.method = "GET"};

  /* To ask how it ended is a look, whatever began it. */
  if (url) {
    call.path = xstrdup (url);
    return azure_request (b, "operations", true, &call, req, err);
  }
  if (op->make (b, in, &call, err) == -1) {
    free (call.path);
    json_decref (call.body);
    return -1;
  }
  if (op->changes && json_bool (in, "dry_run", false))
    return azure_trial_build (b, &call, req, err);
  return azure_request (b, op->action, !op->changes || op->repeatable, &call,
                        req, err);
}

static int
parse_part (const struct azure_op *op, const struct binding *b,
            const json_t *in, const struct http_reply *reply, json_t **out,
            struct err **err)
{
  CLEANUP_JSON json_t *root = NULL;
  json_t *poll;

  if (json_at (in, "page.follow"))
    return parse_poll (op, b, in, reply, out, err);
  if (op->gone_is_fine && reply->status == 404) {
    *out = json_object ();
    return 0;
  }
  root = azure_reply (reply, op->right, op->changes, err);
  if (root == NULL)
    return -1;
  poll = op->changes ? first_poll (reply) : NULL;
  if (poll)
    return poll_again (poll, reply, out);
  return ended (op, b, in, root, out, err);
}

int
azure_op_parse (const struct azure_op *op, const struct binding *b,
                const json_t *in, const struct http_reply *reply, json_t **out,
                struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;

  if (op->changes && json_bool (in, "dry_run", false))
    return azure_trial_parse (op->right, reply, out, err);
  if (parse_part (op, b, in, reply, out, &why) == 0)
    return 0;
  *out = op->divide ? op->divide (in, why) : NULL;
  return *out ? 0 : err_move (err, TAKE (why));
}
