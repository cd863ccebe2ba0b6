/* What the rows make of replies in the form that Google documents. */

#include "unit.h"

#include <string.h>

#include <provider-gcp/gcp-provider.h>
#include <providers/vm.h>

#include "requests.h"

#define Z    "zones/europe-west1-b"
#define LINK "https://www.googleapis.com/compute/v1/projects/p-1/"
#define WEB                                                                    \
  "{'kind': 'compute#instance', 'id': '4711', 'name': 'web-1', 'selfLink': "   \
  "'" LINK Z                                                                   \
  "/instances/web-1', 'status': 'TERMINATED', 'machineType': '" LINK Z         \
  "/machineTypes/e2-standard-2', 'labels': {'env': 'prod',"                    \
  " 'bootmend-campaign': 'c1', 'bootmend-controller': 'host',"                 \
  " 'bootmend-since': '2026-11-20t13-54-00z'}, 'labelFingerprint': 'f1=',"     \
  " 'networkInterfaces': [{'networkIP': '10.0.0.5', 'accessConfigs':"          \
  " [{'natIP': '34.1.2.3'}]}], 'disks': [{'index': 0, 'boot': true,"           \
  " 'autoDelete': true, 'deviceName': 'persistent-disk-0', 'diskSizeGb':"      \
  " '50', 'interface': 'SCSI', 'mode': 'READ_WRITE', 'type': 'PERSISTENT',"    \
  " 'source': '" LINK Z "/disks/web-1', 'licenses': ['" LINK                   \
  "../windows-cloud/global/licenses/windows-server-2019-dc'],"                 \
  " 'guestOsFeatures': [{'type': 'WINDOWS'}, {'type': 'UEFI_COMPATIBLE'}]},"   \
  " {'boot': false, 'deviceName': 'data', 'autoDelete': false, 'mode':"        \
  " 'READ_WRITE', 'type': 'PERSISTENT', 'source': '" LINK Z "/disks/data'}]}"
#define WEB_DISK                                                               \
  "{'kind': 'compute#disk', 'id': '77', 'name': 'web-1', 'selfLink': '" LINK Z \
  "/disks/web-1', 'status': 'READY', 'sizeGb': '50', 'type': '" LINK Z         \
  "/diskTypes/pd-ssd', 'users': ['" LINK Z "/instances/web-1'], 'labels':"     \
  " {'a': 'b'}, 'diskEncryptionKey': {'kmsKeyName':"                           \
  " 'projects/k/cryptoKeys/x/cryptoKeyVersions/3'}}"

static struct binding *b;

static json_t *
parse (enum op_id op, const char *in, int status, const char *body,
       struct err **err)
{
  return test_parse (b, op, in, status, body, err);
}

static const char *
at (const json_t *json, const char *path)
{
  return json_str (json, path, "(none)");
}

/* `in` with the page that a reply asked for. */
static char *
with_page (const char *in_text, const json_t *out)
{
  CLEANUP_JSON json_t *in = quoted_json (in_text);

  json_object_set (in, "page", json_object_get (out, "next"));
  return json_text (in);
}

#define DESCRIBE "{'ids': ['" Z "/instances/web-1']}"

/* One instance by get, then its disk. */
static void
test_record (void)
{
  CLEANUP_JSON json_t *first = parse (OP_DESCRIBE, DESCRIBE, 200, WEB, NULL);
  CLEANUP_FREE char *next = with_page (DESCRIBE, first);
  CLEANUP_JSON json_t *out = parse (OP_DESCRIBE, next, 200, WEB_DISK, NULL);
  const json_t *vm = json_array_get (json_object_get (out, "vms"), 0);
  CLEANUP_JSON json_t *want = quoted_json (
      "{'device_name': 'persistent-disk-0', 'auto_delete': true, 'mode':"
      " 'READ_WRITE', 'interface': 'SCSI', 'guest_os_features':"
      " ['UEFI_COMPATIBLE', 'WINDOWS'], 'type': 'pd-ssd', 'labels':"
      " {'a': 'b'}, 'resource_policies': [], 'kms_key':"
      " 'projects/k/cryptoKeys/x'}");

  CU_ASSERT_PTR_NULL (json_object_get (first, "vms"));
  CU_ASSERT_STRING_EQUAL (at (vm, "id"), Z "/instances/web-1");
  CU_ASSERT_STRING_EQUAL (at (vm, "zone"), "europe-west1-b");
  CU_ASSERT_STRING_EQUAL (at (vm, "power"), "stopped");
  CU_ASSERT_STRING_EQUAL (at (vm, "os"), "windows");
  CU_ASSERT_STRING_EQUAL (at (vm, "attributes.machine_type"), "e2-standard-2");
  CU_ASSERT_STRING_EQUAL (at (vm, "attributes.number"), "4711");
  CU_ASSERT_STRING_EQUAL (at (vm, "mark.campaign"), "c1");
  CU_ASSERT_STRING_EQUAL (at (vm, "mark.since"), "2026-11-20T13:54:00Z");
  CU_ASSERT_EQUAL (json_object_size (json_at (vm, "attributes.labels")), 1);
  CU_ASSERT_STRING_EQUAL (at (vm, "os_disk.id"), Z "/disks/web-1");
  CU_ASSERT_EQUAL (json_int (vm, "os_disk.size_bytes", 0), INT64_C (50) << 30);
  CU_ASSERT (json_equal (json_at (vm, "os_disk.attributes"), want));
  CU_ASSERT_EQUAL (json_array_size (json_object_get (vm, "addresses")), 2);
  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "gone")), 0);
  CU_ASSERT_PTR_NULL (json_at (vm, "facts.disk_missing"));
}

static void
test_gone (void)
{
  CLEANUP_JSON json_t *out =
      parse (OP_DESCRIBE, DESCRIBE, 404,
             "{'error': {'code': 404, 'message': 'The resource was not found',"
             " 'errors': [{'reason': 'notFound', 'domain': 'global'}]}}",
             NULL);

  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "gone")), 1);
  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "vms")), 0);
}

#define THREE                                                                  \
  "{'ids': ['" Z "/instances/web-1', '" Z "/instances/x',"                     \
  " 'zones/us-east1-c/instances/y'], 'brief': true}"

/* A zone that does not answer says nothing about its VMs. */
static void
test_partial (void)
{
  CLEANUP_JSON json_t *out =
      parse (OP_DESCRIBE, THREE, 200,
             "{'items': {'" Z "': {'instances': [" WEB "]}, 'zones/us-east1-c':"
             " {'warning': {'code': 'UNREACHABLE', 'message': 'down'}},"
             " 'zones/a-b1-c': {'warning': {'code': 'NO_RESULTS_ON_PAGE'}}}}",
             NULL);
  CLEANUP_JSON json_t *newer =
      parse (OP_DESCRIBE, THREE, 200,
             "{'items': {}, 'unreachables': ['" LINK "zones/us-east1-c']}",
             NULL);
  const json_t *gone = json_object_get (out, "gone");

  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "vms")), 1);
  CU_ASSERT_EQUAL (json_array_size (gone), 1);
  CU_ASSERT_STRING_EQUAL (json_string_value (json_array_get (gone, 0)),
                          Z "/instances/x");
  CU_ASSERT_EQUAL (json_array_size (json_object_get (newer, "gone")), 2);
}

#define SELECT                                                                 \
  "{'selector': {'text': 'web-1,web-9', 'ids': [{'name': 'web-1'},"            \
  " {'name': 'web-9'}]}}"

/* Pages: the first names web-1, the second nothing; web-9 is missing. */
static void
test_find (void)
{
  CLEANUP_JSON json_t *first = parse (OP_FIND, SELECT, 200,
                                      "{'nextPageToken': 't2', 'items': {'" Z
                                      "': {'instances': [" WEB "]}}}",
                                      NULL);
  CLEANUP_FREE char *second = with_page (SELECT, first);
  CLEANUP_JSON json_t *page = parse (OP_FIND, second, 200, WEB_DISK, NULL);
  CLEANUP_FREE char *third = with_page (SELECT, page);
  CLEANUP_JSON json_t *last = parse (OP_FIND, third, 200, "{}", NULL);
  const json_t *missing = json_object_get (last, "missing");

  CU_ASSERT_EQUAL (json_array_size (json_object_get (page, "vms")), 1);
  CU_ASSERT_STRING_EQUAL (at (page, "next.token"), "t2");
  CU_ASSERT_EQUAL (json_array_size (missing), 1);
  CU_ASSERT_STRING_EQUAL (at (json_array_get (missing, 0), "what"), "web-9");
}

static const struct {
  const char *with, *code; /* a refusal or warning */
  bool refusal;
} judged[] = {
    {"'metadata': {'items': [{'key': 'created-by', 'value': 'projects/1/zones/"
     "europe-west1-b/instanceGroupManagers/g'}]}",
     "managed-group", true},
    {"'confidentialInstanceConfig': {'enableConfidentialCompute': true}",
     "confidential-vm", true},
    {"'confidentialInstanceConfig': {'confidentialInstanceType': 'TDX'}",
     "confidential-vm", true},
    {"'startRestricted': true", "start-restricted", true},
    {"'status': 'SUSPENDED'", "suspended", true},
    {"'disks': []", "no-boot-disk", true},
    {"'disks': [{'boot': true, 'source': '" LINK Z "/disks/web-1',"
     " 'deviceName': 'x', 'diskEncryptionKey': {'sha256': 'abc='}}]",
     "customer-supplied-key", true},
    {"'disks': [{'boot': true, 'source': '" LINK Z "/disks/web-1',"
     " 'mode': 'READ_ONLY', 'deviceName': 'x'}]",
     "read-only-boot", true},
    {"'status': 'RUNNING', 'disks': [{'boot': true, 'source': '" LINK Z
     "/disks/web-1', 'deviceName': 'x'}, {'type': 'SCRATCH'}]",
     "local-ssd", true},
    {"'shieldedInstanceConfig': {'enableVtpm': true}", "vtpm", false},
    {"'shieldedInstanceConfig': {'enableSecureBoot': true}", "secure-boot",
     false},
    {"'deletionProtection': true", "deletion-protection", false},
    {"'scheduling': {'preemptible': true}", "preemptible", false},
};

static bool
has_code (const json_t *vm, const char *list, const char *code)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (vm, list), i, item)
  {
    if (strcmp (json_str (item, "code", ""), code) == 0)
      return true;
  }
  return false;
}

#define PREFLIGHT "{'ids': ['" Z "/instances/web-1'], 'preflight': true}"

static json_t *
judge (const char *with, const char *disk_with)
{
  CLEANUP_JSON json_t *instance = quoted_json (WEB),
                      *disk = quoted_json (WEB_DISK);
  CLEANUP_FREE char *text = xasprintf ("{%s}", with);
  CLEANUP_FREE char *disk_text = xasprintf ("{%s}", disk_with);
  CLEANUP_JSON json_t *change = quoted_json (text), *first = NULL, *out = NULL;
  CLEANUP_JSON json_t *disk_change = quoted_json (disk_text);
  CLEANUP_FREE char *body = NULL, *disk_body = NULL, *next = NULL;

  json_object_update (instance, change);
  json_object_update (disk, disk_change);
  body = json_text (instance);
  disk_body = json_text (disk);
  first = parse (OP_DESCRIBE, PREFLIGHT, 200, body, NULL);
  if (json_object_get (first, "next") == NULL)
    return json_incref (json_array_get (json_object_get (first, "vms"), 0));
  next = with_page (PREFLIGHT, first);
  out = parse (OP_DESCRIBE, next, 200, disk_body, NULL);
  return json_incref (json_array_get (json_object_get (out, "vms"), 0));
}

static void
test_judged (void)
{
  static const struct {
    const char *with, *code;
    bool refusal;
  } disks[] = {
      {"'locked': true", "locked-disk", true},
      {"'enableConfidentialCompute': true", "confidential-vm", true},
      {"'status': 'RESTORING'", "disk-state", true},
      {"'users': ['a', 'b']", "shared-disk", true},
      {"'type': '" LINK Z "/diskTypes/hyperdisk-balanced'", "hyperdisk", false},
      {"'x': 0", "customer-managed-key", false},
  };
  CLEANUP_JSON json_t *plain = judge ("'x': 0", "'x': 0");

  CU_ASSERT_EQUAL (json_array_size (json_object_get (plain, "refusals")), 0);
  json_object_clear (b->config);
  for (size_t i = 0; i < ARRAY_SIZE (judged); i++) {
    CLEANUP_JSON json_t *vm = judge (judged[i].with, "'x': 0");
    const char *list = judged[i].refusal ? "refusals" : "warnings";

    if (!has_code (vm, list, judged[i].code))
      printf ("no %s\n", judged[i].code);
    CU_ASSERT (has_code (vm, list, judged[i].code));
    CU_ASSERT (!has_code (plain, list, judged[i].code));
  }
  for (size_t i = 0; i < ARRAY_SIZE (disks); i++) {
    CLEANUP_JSON json_t *vm = judge ("'x': 0", disks[i].with);

    CU_ASSERT (has_code (vm, disks[i].refusal ? "refusals" : "warnings",
                         disks[i].code));
  }
}

static void
test_disks (void)
{
  static const char in[] =
      "{'ids': ['" Z "/disks/web-1', '" Z "/disks/free', '" Z "/disks/gone',"
      " 'global/snapshots/s']}";
  CLEANUP_JSON json_t *first =
      parse (OP_DESCRIBE_DISKS, in, 200,
             "{'items': {'" Z "': {'disks': [" WEB_DISK
             ", {'selfLink': '" LINK Z
             "/disks/free', 'status': 'READY', 'sizeGb': '1'}, {'selfLink':"
             " '" LINK "zones/b-c1-d/disks/web-1', 'status': 'READY'}]}}}",
             NULL);
  CLEANUP_FREE char *next = with_page (in, first);
  CLEANUP_JSON json_t *out =
      parse (OP_DESCRIBE_DISKS, next, 200,
             "{'selfLink': '" LINK "global/snapshots/s', 'status':"
             " 'UPLOADING', 'diskSizeGb': '50'}",
             NULL);
  const json_t *disks = json_object_get (first, "disks");

  CU_ASSERT_EQUAL (json_array_size (disks), 2);
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 0), "state"), "attached");
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 0), "attached_to"),
                          Z "/instances/web-1");
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 1), "state"), "available");
  disks = json_object_get (out, "disks");
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 0), "kind"), "snapshot");
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 0), "state"), "other");
  CU_ASSERT_EQUAL (json_array_size (json_object_get (out, "gone")), 1);
}

#define STOP "{'vms': [{'id': '" Z "/instances/web-1'}]}"
/* An operation that goes on is accepted; deleting what is gone is fine. */
static void
test_accepted (void)
{
  static const enum op_id ops[] = {OP_STOP,          OP_START,
                                   OP_DETACH_OS,     OP_ATTACH_OS,
                                   OP_HELPER_ATTACH, OP_HELPER_DETACH,
                                   OP_DELETE,        OP_RESTORE_ATTRIBUTES};
  CLEANUP_JSON json_t *gone =
      parse (OP_DELETE, "{'kind': 'disk', 'id': '" Z "/disks/a'}", 404,
             "{'error': {'errors': [{'reason': 'notFound'}]}}", NULL);
  CLEANUP_JSON json_t *made = parse (OP_SNAPSHOT, "{'name': 'Boot-1'}", 200,
                                     "{'status': 'RUNNING'}", NULL);

  for (size_t i = 0; i < ARRAY_SIZE (ops); i++) {
    CLEANUP_JSON json_t *out = parse (
        ops[i], STOP, 200,
        "{'kind': 'compute#operation', 'status': 'RUNNING', 'progress': 0}",
        NULL);

    CU_ASSERT_PTR_NOT_NULL (out);
  }
  CU_ASSERT_PTR_NOT_NULL (gone);
  CU_ASSERT_STRING_EQUAL (at (made, "created.id"), "global/snapshots/boot-1");
}

#define MARK                                                                   \
  "{'vms': [{'id': '" Z "/instances/web-1'}], 'mark': {'campaign': 'c2',"      \
  " 'controller': 'Host:1', 'since': '2026-11-20T14:00:00Z'}%s}"

/* Read, then write with the fingerprint; another's mark stays. */
static void
test_labels (void)
{
  CLEANUP_FREE char *own = xasprintf (MARK, "");
  CLEANUP_FREE char *over = xasprintf (MARK, ", 'replaces': 'c1'");
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *other = parse (OP_MARK, own, 200, WEB, &err);
  CLEANUP_JSON json_t *out = parse (OP_MARK, over, 200, WEB, NULL);
  CLEANUP_JSON json_t *foreign = parse (OP_UNMARK, own, 200, WEB, NULL);
  CLEANUP_JSON json_t *off =
      parse (OP_UNMARK,
             "{'vms': [{'id': '" Z "/instances/web-1'}], 'mark':"
             " {'campaign': 'c1'}}",
             200, WEB, NULL);
  CLEANUP_JSON json_t *kept =
      parse (OP_KEEP,
             "{'disk': {'id': '" Z "/disks/web-1'}, 'keep': true,"
             " 'tags': {'bootmend-campaign': 'C9'}}",
             200, WEB_DISK, NULL);
  CLEANUP_JSON json_t *want = quoted_json (
      "{'env': 'prod', 'bootmend-campaign': 'c2', 'bootmend-controller':"
      " 'host-1', 'bootmend-since': '2026-11-20t14-00-00z'}");

  CU_ASSERT_PTR_NULL (other);
  CU_ASSERT_EQUAL (err->code, ERR_CONFLICT);
  CU_ASSERT (json_equal (json_at (out, "next.labels"), want));
  CU_ASSERT_STRING_EQUAL (at (out, "next.fingerprint"), "f1=");
  CU_ASSERT_PTR_NULL (json_object_get (foreign, "next"));
  CU_ASSERT_EQUAL (json_object_size (json_at (off, "next.labels")), 1);
  CU_ASSERT_STRING_EQUAL (at (kept, "next.labels.bootmend-campaign"), "c9");
  CU_ASSERT_STRING_EQUAL (at (kept, "next.labels.a"), "b");
}

static void
test_snapshots (void)
{
  CLEANUP_JSON json_t *out = parse (
      OP_SNAPSHOTS,
      "{'disk': {'id': '" Z "/disks/web-1'}, 'vm': {'facts': {'disk_number':"
      " '77'}}}",
      200,
      "{'items': [{'selfLink': '" LINK
      "global/snapshots/a', 'sourceDisk': '" LINK Z
      "/disks/web-1', 'sourceDiskId': '77', 'status': 'READY',"
      " 'creationTimestamp': '2024-07-18T01:00:00.000-07:00', 'diskSizeGb':"
      " '50'}, {'selfLink': '" LINK
      "global/snapshots/b', 'sourceDisk': '" LINK Z
      "/disks/web-1', 'sourceDiskId': '78', 'status': 'READY'},"
      " {'sourceDisk': '" LINK Z "/disks/web-1', 'status': 'UPLOADING'}]}",
      NULL);
  const json_t *list = json_object_get (out, "snapshots");

  CU_ASSERT_EQUAL (json_array_size (list), 1);
  CU_ASSERT_STRING_EQUAL (at (json_array_get (list, 0), "id"),
                          "global/snapshots/a");
}

static void
test_created (void)
{
  CLEANUP_JSON json_t *first =
      parse (OP_FIND_CREATED, "{'campaign': 'c'}", 200,
             "{'items': {'" Z "': {'disks': [{'selfLink': '" LINK Z
             "/disks/n', 'description': 'bootmend: T-1'}, {'selfLink': '" LINK Z
             "/disks/kept', 'description': 'mine', 'labels':"
             " {'bootmend-campaign': 'c'}}]}}}",
             NULL);
  CLEANUP_FREE char *next = with_page ("{'campaign': 'c'}", first);
  CLEANUP_JSON json_t *last = parse (OP_FIND_CREATED, next, 200,
                                     "{'items': [{'selfLink': '" LINK
                                     "global/snapshots/s', 'description':"
                                     " 'bootmend: T-2'}]}",
                                     NULL);
  const json_t *disks = json_object_get (first, "created");
  const json_t *snapshots = json_object_get (last, "created");

  CU_ASSERT_EQUAL (json_array_size (disks), 2);
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 0), "token"), "T-1");
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 1), "token"), "");
  CU_ASSERT_STRING_EQUAL (at (json_array_get (disks, 1), "campaign"), "c");
  CU_ASSERT_STRING_EQUAL (at (json_array_get (snapshots, 0), "kind"),
                          "snapshot");
  CU_ASSERT_PTR_NULL (json_object_get (last, "next"));
}

static void
test_evidence (void)
{
  CLEANUP_JSON json_t *log =
      parse (OP_SERIAL_LOG, "{'after': 5}", 200,
             "{'contents': 'a\\u0000b\\\\u0000', 'start': '5', 'next': '9'}",
             NULL);
  CLEANUP_JSON json_t *jpeg =
      parse (OP_SCREENSHOT, "{}", 200, "{'contents': '/9j/4AAQ'}", NULL);
  CLEANUP_JSON json_t *png =
      parse (OP_SCREENSHOT, "{}", 200, "{'contents': 'iVBORw0K'}", NULL);

  CU_ASSERT_STRING_EQUAL (at (log, "text"), "a?b\\u0000");
  CU_ASSERT_EQUAL (json_int (log, "after", 0), 9);
  CU_ASSERT_STRING_EQUAL (at (jpeg, "type"), "image/jpeg");
  CU_ASSERT_STRING_EQUAL (at (png, "type"), "image/png");
}

/* A stopped VM has no console: its next start begins one. */
static void
test_no_evidence (void)
{
  static const char refused[] =
      "{'error': {'code': 400, 'message': 'is not ready', 'errors': [{'reason':"
      " 'resourceNotReady', 'message': 'is not ready'}]}}";
  CLEANUP_ERR struct err *why = NULL;
  CLEANUP_JSON json_t *log =
      parse (OP_SERIAL_LOG, "{'after': 500}", 400, refused, NULL);

  CU_ASSERT_STRING_EQUAL (at (log, "text"), "");
  CU_ASSERT_EQUAL (json_int (log, "after", -1), 0);
  CU_ASSERT_PTR_NULL (parse (OP_SCREENSHOT, "{}", 400, refused, &why));
  CU_ASSERT_EQUAL (why->code, ERR_NOT_FOUND); /* nothing to wait for */
}

#define CASE(function)                                                         \
  static void with_##function (void)                                           \
  {                                                                            \
    b = test_binding ();                                                       \
    function ();                                                               \
    test_binding_free (b);                                                     \
  }                                                                            \
  struct unused_##function /* takes the semicolon */

CASE (test_record);
CASE (test_gone);
CASE (test_partial);
CASE (test_find);
CASE (test_judged);
CASE (test_disks);
CASE (test_accepted);
CASE (test_labels);
CASE (test_snapshots);
CASE (test_created);
CASE (test_evidence);
CASE (test_no_evidence);

static const struct unit_case tests[] = {
    {"a record", with_test_record},
    {"one that is gone", with_test_gone},
    {"partial lists", with_test_partial},
    {"pages, what is missing", with_test_find},
    {"refusals and warnings", with_test_judged},
    {"disks and snapshots", with_test_disks},
    {"what is accepted", with_test_accepted},
    {"labels", with_test_labels},
    {"snapshots of a disk", with_test_snapshots},
    {"what was made", with_test_created},
    {"evidence", with_test_evidence},
    {"no evidence of what is off", with_test_no_evidence},
};

UNIT_MAIN ("gcp replies", tests)
