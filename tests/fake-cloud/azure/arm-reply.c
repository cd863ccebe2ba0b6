/* Replies: Compute's bodies are pretty with CRLF, the front door's one line;
 * every reply has ids of its own. [recorded traffic] */

#include "arm.h"

#include <string.h>

static const char reply_type[] = "application/json; charset=utf-8";

void
arm_header (struct fake_call *call, const char *name, const char *fmt, ...)
{
  CLEANUP_FREE char *value = NULL;
  va_list args;

  va_start (args, fmt);
  value = xvasprintf (fmt, args);
  va_end (args);
  http_header_add (&call->reply->headers, name, value);
}

static void
common_headers (struct fake_call *call)
{
  arm_header (call, "x-ms-request-id", "%s", call->request_id);
  arm_header (call, "x-ms-correlation-request-id", "%s", call->request_id);
  arm_header (call, "x-ms-routing-request-id", "WESTEUROPE:20260101T000000Z:%s",
              call->request_id);
  arm_header (call, "Cache-Control", "no-cache");
  arm_header (call, "Pragma", "no-cache");
  arm_header (call, "Strict-Transport-Security",
              "max-age=31536000; includeSubDomains");
}

static char *
crlf (const char *text)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (; *text; text++) {
    if (*text == '\n')
      strbuf_addch (&sb, '\r');
    strbuf_addch (&sb, *text);
  }
  return strbuf_take (&sb);
}

static void
put (struct fake_call *call, int status, const json_t *body, bool pretty)
{
  CLEANUP_FREE char *text = pretty ? json_text_pretty (body) : json_text (body);

  common_headers (call);
  fake_reply_text (call, status, reply_type,
                   pretty ? crlf (text) : TAKE (text));
}

static json_t *
error_body (const char *code, const char *target, const char *message)
{
  json_t *error = json_make ("{s:s,s:s}", "code", code, "message", message);

  if (target)
    json_put_str (error, "target", target);
  return json_make ("{s:o}", "error", error);
}

static void ATTR_PRINTF (6, 0)
    fail (struct fake_call *call, int status, const char *code,
          const char *target, bool pretty, const char *fmt, va_list args)
{
  CLEANUP_FREE char *message = xvasprintf (fmt, args);
  CLEANUP_JSON json_t *body = error_body (code, target, message);

  put (call, status, body, pretty);
  fake_result (call, code);
}

int
arm_fail (struct fake_call *call, int status, const char *code, const char *fmt,
          ...)
{
  va_list args;

  va_start (args, fmt);
  fail (call, status, code, NULL, true, fmt, args);
  va_end (args);
  return -1;
}

int
arm_fail_at (struct fake_call *call, int status, const char *code,
             const char *target, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  fail (call, status, code, target, true, fmt, args);
  va_end (args);
  return -1;
}

int
arm_front_fail (struct fake_call *call, int status, const char *code,
                const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  fail (call, status, code, NULL, false, fmt, args);
  va_end (args);
  arm_header (call, "x-ms-failure-cause", "gateway");
  return -1;
}

/* "The Resource 'Microsoft.Compute/disks/d1' under resource group 'g' was not
 * found." */
int
arm_not_found (struct fake_call *call, const char *scope)
{
  const char *name = strrchr (scope, '/');
  const char *group = arm_part (call, "group");
  const struct arm_route *route = arm_route_of (call);
  const char *action = route ? route->action : "?";

  return arm_front_fail (call, 404, "ResourceNotFound",
                         "The Resource 'Microsoft.Compute/%.*s/%s' under "
                         "resource group '%s' was not found. For more details "
                         "please go to https://aka.ms/ARMResourceNotFoundFix",
                         (int)strcspn (action, "/"), action,
                         name ? name + 1 : scope, group ? group : "");
}

int
arm_reply (struct fake_call *call, int status, json_t *body_taken)
{
  CLEANUP_JSON json_t *body = body_taken;
  bool compute = strcmp (call->service, "compute") == 0;

  if (body) {
    put (call, status, body, compute);
    return 0;
  }
  common_headers (call);
  fake_reply_text (call, status, NULL, xstrdup (""));
  return 0;
}
