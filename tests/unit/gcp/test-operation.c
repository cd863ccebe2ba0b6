/* What comes after a reply: operations that are followed; questions that change
 * nothing (dry runs, consoles, guest attributes). */

#include "unit.h"

#include <string.h>

#include <provider-gcp/gcp-provider.h>
#include <provider-gcp/look-end.h>

#include "requests.h"

#define Z    "zones/europe-west1-b"
#define LINK "https://www.googleapis.com/compute/v1/projects/p-1/"
#define OPERATION                                                              \
  "'kind': 'compute#operation', 'selfLink': '" LINK Z                          \
  "/operations/operation-1-a-b-c'"
#define START "'vms': [{'id': '" Z "/instances/web-1'}], 'request': 'r'"
#define POLL  "'page': {'follow': {'operation': '" Z "/operations/operation-1'"

/* No error: it is accepted. */
#define NO_ERROR ((enum err_code) - 1)

static struct binding *b;

static json_t *
parse (enum op_id op, const char *in, int status, const char *body,
       struct err **err)
{
  return test_parse (b, op, in, status, body, err);
}

static char *
asked (enum op_id op, const char *text)
{
  CLEANUP_JSON json_t *in = quoted_json (text);
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_ERR struct err *err = NULL;

  if (gcp_provider.ops[op].build (b, in, &req, &err) == -1)
    return xasprintf ("%s: %s", err_code_name (err->code), err->msg);
  return request_text (&req);
}

/* The reply says that it runs: it is read, later and later, and in the end
 * left to itself. */
static void
test_followed (void)
{
  CLEANUP_JSON json_t *out =
      parse (OP_START, "{" START "}", 200,
             "{" OPERATION ", 'status': 'PENDING'}", NULL);
  CLEANUP_FREE char *text = NULL, *page = json_text (out), *in = NULL;
  int64_t before = 0;
  unsigned reads = 0;

  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "failed")), 0);
  while (json_object_get (out, "next")) {
    CU_ASSERT (json_int (out, "after_ms", 0) > before);
    before = json_int (out, "after_ms", 0);
    free (TAKE (text));
    free (TAKE (in));
    free (TAKE (page));
    page = json_text (json_object_get (out, "next"));
    in = xasprintf ("{" START ", 'page': %s}", page);
    text = asked (OP_START, in);
    CU_ASSERT_STRING_EQUAL (text, "GET projects/p-1/" Z
                                  "/operations/operation-1-a-b-c");
    json_decref (out);
    out =
        parse (OP_START, in, 200, "{" OPERATION ", 'status': 'RUNNING'}", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL (out);
    CU_ASSERT_FATAL (++reads < 10);
  }
  CU_ASSERT_EQUAL (reads, 3);
}

static const struct {
  const char *body;
  int status;
  enum err_code code;
  const char *says;
} ends[] = {
    {"{" OPERATION ", 'status': 'DONE'}", 200, NO_ERROR, NULL},
    /* Late, within HTTP 200: what the next attempt may mend. */
    {"{" OPERATION ", 'status': 'DONE', 'error': {'errors': [{'code':"
     " 'ZONE_RESOURCE_POOL_EXHAUSTED', 'message': 'no room'}]}}",
     200, ERR_CONFLICT,
     "instances.start: ZONE_RESOURCE_POOL_EXHAUSTED: no roo"},
    {"{" OPERATION ", 'status': 'DONE', 'error': {'errors': [{'code':"
     " 'QUOTA_EXCEEDED', 'message': 'CPUS'}]}}",
     200, ERR_REFUSED, "QUOTA_EXCEEDED"},
    {"{" OPERATION ", 'status': 'DONE', 'error': {'errors': [{'code':"
     " 'INTERNAL_ERROR', 'message': 'x'}]}}",
     200, ERR_UNKNOWN_EFFECT, "INTERNAL_ERROR"},
    /* Forgotten, or not ours to read: what was changed is seen all the same. */
    {"{'error': {'errors': [{'reason': 'notFound'}]}}", 404, NO_ERROR, NULL},
    {"{'error': {'errors': [{'reason': 'forbidden'}]}}", 403, NO_ERROR, NULL},
    {"{'error': {'errors': [{'reason': 'rateLimitExceeded'}]}}", 403,
     ERR_THROTTLED, "rateLimitExceeded"},
};

static void
test_ends (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (ends); i++) {
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_JSON json_t *out =
        parse (OP_START, "{" START ", " POLL ", 'tries': 1}}}", ends[i].status,
               ends[i].body, &err);

    if (ends[i].code == NO_ERROR) {
      CU_ASSERT_PTR_NOT_NULL_FATAL (out);
      CU_ASSERT_PTR_NULL (json_object_get (out, "next"));
      continue;
    }
    CU_ASSERT_PTR_NULL (out);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, ends[i].code);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, ends[i].says));
  }
}

/* A disk on its way is waited for, however long that takes. */
static void
test_to_its_end (void)
{
  CLEANUP_JSON json_t *out =
      parse (OP_DETACH_OS,
             "{'vm': {'id': '" Z "/instances/a'}, " POLL ", 'tries': 99}}}",
             200, "{" OPERATION ", 'status': 'RUNNING'}", NULL);
  CLEANUP_JSON json_t *start =
      parse (OP_START, "{" START ", " POLL ", 'tries': 99}}}", 200,
             "{" OPERATION ", 'status': 'RUNNING'}", NULL);

  CU_ASSERT_EQUAL (json_int (out, "next.follow.tries", 0), 100);
  CU_ASSERT_EQUAL (json_int (out, "after_ms", 0), 12000);
  CU_ASSERT_PTR_NULL (json_object_get (start, "next"));
}

/* What is made keeps its name while its operation is read; where operations
 * are, says their link. */
static void
test_made (void)
{
  static const char in[] =
      "{'disk': {'id': '" Z "/disks/a'}, 'name': 'T-1', 'request': 'r'}";
  CLEANUP_JSON json_t *out =
      parse (OP_SNAPSHOT, in, 200, "{" OPERATION ", 'status': 'RUNNING'}",
             NULL);
  CLEANUP_FREE char *global =
      asked (OP_DISK_FROM,
             "{'vm': {'os_disk': {'id': '" Z "/disks/a'}}, 'source': {'id':"
             " 'global/snapshots/s'}, 'page': {'follow': {'operation':"
             " 'global/operations/o'}}}");
  CLEANUP_FREE char *regional =
      asked (OP_ATTACH_OS,
             "{'vm': {'id': '" Z "/instances/a'}, 'disk': {'id':"
             " 'regions/r1/disks/x'}, 'page': {'follow': {'operation':"
             " 'regions/r1/operations/o'}}}");

  CU_ASSERT_STRING_EQUAL (json_str (out, "created.id", ""),
                          "global/snapshots/t-1");
  CU_ASSERT_PTR_NOT_NULL (json_at (out, "next.follow"));
  CU_ASSERT_STRING_EQUAL (global, "GET projects/p-1/global/operations/o");
  CU_ASSERT_STRING_EQUAL (regional, "GET projects/p-1/regions/r1/operations/o");
}

/* --- dry runs ------------------------------------------------------------- */

static void
test_dry_run (void)
{
  CLEANUP_FREE char *stop = asked (OP_STOP, "{" START ", 'dry_run': true}");
  CLEANUP_FREE char *mark = asked (OP_MARK, "{" START ", 'dry_run': true}");
  CLEANUP_FREE char *snapshot =
      asked (OP_SNAPSHOT,
             "{'disk': {'id': 'regions/r1/disks/x'}, 'dry_run': true}");
  CLEANUP_FREE char *copy =
      asked (OP_DISK_FROM,
             "{'vm': {'os_disk': {'id': '" Z "/disks/a'}}, 'source':"
             " {'id': 'global/snapshots/s'}, 'dry_run': true}");
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *may =
      parse (OP_STOP, "{" START ", 'dry_run': true}", 200,
             "{'permissions': ['compute.instances.stop']}", NULL);
  CLEANUP_JSON json_t *may_not =
      parse (OP_MARK, "{" START ", 'dry_run': true}", 200, "{}", &err);

  CU_ASSERT_STRING_EQUAL (stop, "POST projects/p-1/" Z
                                "/instances/web-1/testIamPermissions "
                                "{\"permissions\":[\"compute.instances.stop\"]"
                                "}");
  CU_ASSERT_PTR_NOT_NULL (strstr (mark, "compute.instances.setLabels"));
  CU_ASSERT_PTR_NOT_NULL (strstr (snapshot, "regions/r1/disks/x/testIamP"));
  CU_ASSERT_PTR_NOT_NULL (strstr (snapshot, "disks.createSnapshot\"]"));
  CU_ASSERT_PTR_NOT_NULL (strstr (copy, "refused: "));
  CU_ASSERT_PTR_NOT_NULL (may);
  CU_ASSERT_PTR_NULL (may_not);
  CU_ASSERT_EQUAL (err->code, ERR_DENIED);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "compute.instances.setLabels"));
}

/* --- the guest's own word ------------------------------------------------- */

static void
test_ping (void)
{
  static const char in[] =
      "{'vm': {'id': '" Z "/instances/a', 'facts': {'launched':"
      " '2024-07-19T10:00:00.000-07:00'}}}";
  CLEANUP_JSON json_t *fresh =
      parse (OP_GUEST_PING, in, 200,
             "{'queryValue': {'items': [{'namespace': 'guestInventory',"
             " 'key': 'LastUpdated', 'value': '2024-07-19T17:00:30Z'}]}}",
             NULL);
  CLEANUP_JSON json_t *old =
      parse (OP_GUEST_PING, in, 200,
             "{'queryValue': {'items': [{'value': '2024-07-19T16:59:30Z'}]}}",
             NULL);
  CLEANUP_JSON json_t *none =
      parse (OP_GUEST_PING, in, 404,
             "{'error': {'errors': [{'reason': 'notFound'}]}}", NULL);

  CU_ASSERT (json_bool (fresh, "alive", false));
  CU_ASSERT (!json_bool (old, "alive", true));
  CU_ASSERT (!json_bool (none, "alive", true));
  CU_ASSERT_PTR_NOT_NULL (strstr (json_str (old, "why", ""), "before its"));
}

static const struct {
  const char *console;
  const char *says; /* NULL: nothing against it */
} consoles[] = {
    {"", NULL},
    {"SeaBIOS (version 1.8)\r\nbooting\r\nweb-1 login: ", NULL},
    {"x\r\n[ 1.2] Kernel panic - not syncing: VFS\r\ny", "[ 1.2] Kernel panic"},
    {"Kernel panic\nSeaBIOS (version 1.8)\nweb-1 login: ", NULL},
    {"web-1 login: \nYou are in emergency mode. Press", "You are in emergency"},
    {"SeaBIOS (version 1)\nSeaBIOS (version 1)\n", NULL},
    {"SeaBIOS (version 1)\nBdsDxe: starting Boot0001\nSeaBIOS (version 1)\n",
     "firmware started 3 times"},
    {"<INSTANCE CLASSNAME=\"BLUESCREEN\">", "BLUESCREEN"},
};

static void
test_consoles (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (consoles); i++) {
    CLEANUP_FREE char *says = gcp_console_complaint (consoles[i].console);

    CU_ASSERT_EQUAL (says != NULL, consoles[i].says != NULL);
    CU_ASSERT (!says || strstr (says, consoles[i].says));
  }
}

#define INSTANCE(name, status)                                                 \
  "{'selfLink': '" LINK Z "/instances/" name "', 'name': '" name               \
  "', 'status': '" status "', 'disks': [{'boot': true, 'source': '" LINK Z     \
  "/disks/" name "', 'deviceName': 'd', 'guestOsFeatures':"                    \
  " [{'type': 'WINDOWS'}]}]}"

/* Both ports of the running ones; then the disks of those that crash. */
static void
test_impaired (void)
{
  static const char select[] = "{'selector': {'impaired': true}}";
  static const char *const replies[] =
      {"{'items': {'" Z
       "': {'instances': [" INSTANCE ("off", "TERMINATED") ", " INSTANCE (
           "good", "RUNNING") ", " INSTANCE ("bad", "RUNNING") "]}}}",
       "{'contents': 'login: '}",
       "{'contents': ''}",
       "{'contents': 'hm'}",
       "{'contents': 'BugCheck 7e\\u0000'}",
       "{'selfLink': '" LINK Z "/disks/bad', 'status': 'READY'}"};
  static const char *const requests[] = {"/aggregated/instances?",
                                         "/good/serialPort?port=1&start=-65536",
                                         "/good/serialPort?port=2&st",
                                         "/bad/serialPort?port=1&start=-65536",
                                         "/bad/serialPort?port=2&star",
                                         "/disks/bad"};
  CLEANUP_JSON json_t *in = quoted_json (select), *out = NULL;
  const json_t *vm;

  for (size_t i = 0; i < ARRAY_SIZE (replies); i++) {
    CLEANUP_FREE char *text = json_text (in), *request = asked (OP_FIND, text);

    CU_ASSERT_PTR_NOT_NULL (strstr (request, requests[i]));
    json_decref (out);
    out = parse (OP_FIND, text, 200, replies[i], NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL (out);
    json_put (in, "page",
              json_object_get (out, "next")
                  ? json_incref (json_object_get (out, "next"))
                  : NULL);
  }
  CU_ASSERT_PTR_NULL (json_object_get (out, "next"));
  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "vms")), 1);
  vm = json_array_get (json_object_get (out, "vms"), 0);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "name", ""), "bad");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "health", ""), "impaired");
  CU_ASSERT_STRING_EQUAL (
      json_str (json_array_get (json_object_get (vm, "warnings"), 0), "text",
                ""),
      "serial port 2: BugCheck 7e?");
}

/* A console that begins with each start: what is behind where we were is read
 * from its begin. */
static void
test_console_anew (void)
{
#define SERIAL "{'vm': {'id': '" Z "/instances/a'}, 'after': 500"
  static const char first[] = SERIAL "}";
  static const char again[] = SERIAL ", 'page': {'anew': true}}";
  CLEANUP_JSON json_t *short_one =
      parse (OP_SERIAL_LOG, first, 200,
             "{'contents': '', 'start': '170', 'next': '170'}", NULL);
  CLEANUP_JSON json_t *whole =
      parse (OP_SERIAL_LOG, again, 200,
             "{'contents': 'up', 'start': '0', 'next': '170'}", NULL);
  CLEANUP_FREE char *request = asked (OP_SERIAL_LOG, again);

  CU_ASSERT_PTR_NOT_NULL (json_object_get (short_one, "next"));
  CU_ASSERT_PTR_NULL (json_object_get (whole, "next"));
  CU_ASSERT_EQUAL (json_int (whole, "after", 0), 170);
  CU_ASSERT_PTR_NOT_NULL (strstr (request, "start=0"));
}

#define CASE(function)                                                         \
  static void with_##function (void)                                           \
  {                                                                            \
    b = test_binding ();                                                       \
    function ();                                                               \
    test_binding_free (b);                                                     \
  }                                                                            \
  struct unused_##function /* takes the semicolon */

CASE (test_followed);
CASE (test_ends);
CASE (test_made);
CASE (test_to_its_end);
CASE (test_dry_run);
CASE (test_ping);
CASE (test_consoles);
CASE (test_impaired);
CASE (test_console_anew);

static const struct unit_case tests[] = {
    {"an operation is followed", with_test_followed},
    {"how one ends", with_test_ends},
    {"what is made", with_test_made},
    {"a disk on its way", with_test_to_its_end},
    {"dry runs", with_test_dry_run},
    {"guest attributes", with_test_ping},
    {"consoles that complain", with_test_consoles},
    {"impaired ones", with_test_impaired},
    {"a console begins anew", with_test_console_anew},
};

UNIT_MAIN ("gcp operations", tests)
