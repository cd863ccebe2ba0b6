/* Error replies in all their forms. */

#include "unit.h"

#include <string.h>

#include "play.h"

static const struct {
  struct play_reply reply;
  enum err_code changes, reads; /* of a change, of a look */
  const char *says;
} rows[] = {
    {{429, "Retry-After: 1200",
      "{'code':'OperationNotAllowed','message':'The server rejected the "
      "request "
      "because too many requests have been received for this subscription.',"
      "'details':[{'code':'TooManyRequests','target':'HighCostGet','message':"
      "'x'}]}"},
     ERR_THROTTLED,
     ERR_THROTTLED,
     "too many requests"},
    {{429, NULL, "{'error':{'code':'SubscriptionRequestsThrottled'}}"},
     ERR_THROTTLED,
     ERR_THROTTLED,
     "Throttled"},
    {{429, NULL, ""}, ERR_THROTTLED, ERR_THROTTLED, "HTTP 429"},
    {{403, NULL,
      "{'error':{'code':'AuthorizationFailed','message':'The client X does not "
      "have authorization'}}"},
     ERR_DENIED,
     ERR_DENIED,
     "bootmend policy azure"},
    {{403, NULL, "{'error':{'code':'RequestDisallowedByPolicy'}}"},
     ERR_REFUSED,
     ERR_REFUSED,
     "Azure Policy"},
    {{409, NULL, "{'error':{'code':'ScopeLocked','message':'x'}}"},
     ERR_REFUSED,
     ERR_REFUSED,
     "lock"},
    {{409, NULL,
      "{'error':{'code':'OperationNotAllowed','message':'Operation O is not "
      "allowed on VM V since another operation is in progress.'}}"},
     ERR_CONFLICT,
     ERR_CONFLICT,
     "another operation"},
    {{409, NULL, "{'error':{'code':'AttachDiskWhileBeingDetached'}}"},
     ERR_CONFLICT,
     ERR_CONFLICT,
     "BeingDetached"},
    {{409, NULL,
      "{\r\n  'error': {\r\n    'code': 'PropertyChangeNotAllowed',\r\n    "
      "'message': 'Changing property is not allowed.'\r\n  }\r\n}"},
     ERR_REFUSED,
     ERR_REFUSED,
     "Changing property"},
    {{401, NULL, "{'error':{'code':'InvalidAuthenticationTokenTenant'}}"},
     ERR_AUTH,
     ERR_AUTH,
     "tenant"},
    {{404, NULL, "{\r\n'error':{\r\n'code':'NotFound'}}"},
     ERR_NOT_FOUND,
     0,
     "NotFound"},
    {{503, NULL, "{'error':{'code':'ServerTimeout','message':'x'}}"},
     ERR_UNKNOWN_EFFECT,
     ERR_TRANSIENT,
     "ServerTimeout"},
    {{502, "Content-Type: text/html", "<html><body>Bad gateway"},
     ERR_UNKNOWN_EFFECT,
     ERR_TRANSIENT,
     "proxy"},
    {{200, "Content-Type: text/html", "<!DOCTYPE html><html>"},
     ERR_UNKNOWN_EFFECT,
     ERR_PROTOCOL,
     "proxy"},
    {{200, NULL, "{'value':[{'id':"},
     ERR_UNKNOWN_EFFECT,
     ERR_TRANSIENT,
     "its reply"},
    {{200, NULL, "[1]"}, ERR_UNKNOWN_EFFECT, ERR_TRANSIENT, "no JSON object"},
    {{400, NULL, "{'error':{'code':'Strange','message':'x'}}"},
     ERR_REFUSED,
     ERR_REFUSED,
     "Strange: x"},
    {{302, NULL, ""}, ERR_PROTOCOL, ERR_PROTOCOL, "HTTP 302"},
};

static void
check (struct play *p, enum op_id op, const char *in, size_t i,
       enum err_code code)
{
  play (p, op, in, &rows[i].reply, 1);
  if ((p->err ? p->err->code : 0) != code)
    fprintf (stderr, "row %zu: %s\n", i, p->err ? p->err->msg : "no error");
  CU_ASSERT_EQUAL (p->err ? p->err->code : 0, code);
  if (p->err)
    CU_ASSERT_PTR_NOT_NULL (strstr (p->err->msg, rows[i].says));
}

static void
test_all (void)
{
  CLEANUP_PLAY struct play p;

  play_init (&p);
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    check (&p, OP_START, "{'vms':[{'id':'" VM "'}]}", i, rows[i].changes);
    check (&p, OP_DESCRIBE, "{'ids':['" VM "'],'brief':true}", i,
           rows[i].reads);
  }
}

/* A thousand brackets are no reason to fall over. */
static void
test_deep (void)
{
  char body[2001];
  struct play_reply reply = {200, NULL, body};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  memset (body, '[', sizeof body - 1);
  body[sizeof body - 1] = '\0';
  play (&p, OP_DESCRIBE, "{'ids':['" VM "']}", &reply, 1);
  CU_ASSERT_PTR_NOT_NULL (p.err);
}

/* Several lines, and what a terminal would obey, become one plain line. */
static void
test_plain (void)
{
  static const struct play_reply reply =
      {409, NULL,
       "{'error':{'code':'Conflict','message':'a\\r\\n  b\\u001b[2Jc.'}}"};
  CLEANUP_PLAY struct play p;

  play_init (&p);
  play (&p, OP_START, "{'vms':[{'id':'" VM "'}]}", &reply, 1);
  CU_ASSERT_PTR_NOT_NULL_FATAL (p.err);
  CU_ASSERT_STRING_EQUAL (p.err->msg, "Conflict: a b\\x1b[2Jc");
}

static const struct unit_case tests[] = {
    {"all forms", test_all},
    {"deep", test_deep},
    {"plain", test_plain},
};

UNIT_MAIN ("azure errors", tests)
