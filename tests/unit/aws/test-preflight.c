/* Every refusal and warning, each from a fleet that deserves it. */

#include "unit.h"

#include <string.h>

#include <provider-aws/refusals.h>

#include "harness.h"

#define VM  "i-0000000000000000a"
#define KEY "arn:aws:kms:us-east-1:111122223333:key/1234"
#define FLEET(members)                                                         \
  "{'aws': {'groups': [{'name': 'shop', 'region': 'us-east-1'},"               \
  " {'name': 'quiet', 'region': 'us-east-1', 'suspended':"                     \
  "  ['ReplaceUnhealthy']}, {'name': 'loud', 'region': 'us-east-1',"           \
  "  'suspended': ['Launch']}],"                                               \
  " 'instances': [{'id': '" VM "', 'zone': 'us-east-1a'" members "}]}}"

static const struct row {
  const char *code; /* NULL: none at all */
  const char *list;
  const char *patch;
  const char *control; /* what happens before the look */
} rows[] = {
    {NULL, "refusals", FLEET (""), NULL},
    {NULL, "warnings", FLEET (""), NULL},
    {"instance-store-root", "refusals",
     FLEET (", 'root_type': 'instance-store'"), NULL},
    {"no-root-volume", "refusals",
     FLEET (", 'state': 'stopped', 'root': {'id': 'vol-0000000000000000a'}"),
     "{'op': 'call', 'region': 'us-east-1', 'form': {'Action': 'DetachVolume',"
     " 'Version': '2016-11-15', 'VolumeId': 'vol-0000000000000000a'}}"},
    {"instance-store-data", "refusals", FLEET (", 'type': 'm5d.large'"), NULL},
    {"marketplace-code", "refusals", FLEET (", 'product_codes': ['abc']"),
     NULL},
    {"auto-scaling", "refusals", FLEET (", 'asg': 'shop'"), NULL},
    {"auto-scaling", "refusals", FLEET (", 'asg': 'loud'"), NULL},
    {NULL, "refusals", FLEET (", 'asg': 'quiet'"), NULL},
    {NULL, "refusals", FLEET (", 'asg': 'shop'"),
     "{'op': 'set', 'id': '" VM "',"
     " 'body': {'_asg': {'LifecycleState': 'Standby'}}}"},
    {"hibernated", "refusals", FLEET (", 'state': 'stopped'"),
     "{'op': 'set', 'id': '" VM "', 'body': {'stateReason':"
     " {'code': 'Client.UserInitiatedHibernate', 'message': 'x'}}}"},
    {"spot", "refusals", FLEET (", 'lifecycle': 'spot'"), NULL},
    {"capacity-block", "refusals", FLEET (", 'lifecycle': 'capacity-block'"),
     NULL},
    {"aws-managed", "refusals", FLEET (", 'managed': true"), NULL},
    {"multi-attach", "refusals",
     FLEET (", 'root': {'id': 'vol-0000000000000000a', 'multi_attach': true}},"
            " {'id': '" HELPER "', 'zone': 'us-east-1a'"),
     "{'op': 'call', 'region': 'us-east-1', 'form': {'Action': 'AttachVolume',"
     " 'Version': '2016-11-15', 'VolumeId': 'vol-0000000000000000a',"
     " 'InstanceId': '" HELPER "', 'Device': '/dev/sdz'}}"},
    {"unlimited-on-host", "refusals",
     FLEET (", 'type': 't3.large', 'tenancy': 'host',"
            " 'cpu_credits': 'unlimited'"),
     NULL},
    {NULL, "refusals",
     FLEET (", 'type': 't3.large', 'tenancy': 'host',"
            " 'cpu_credits': 'standard'"),
     NULL},
    {"volume-state", "refusals",
     FLEET (", 'state': 'stopped', 'root': {'id': 'vol-0000000000000000a'}"),
     "{'op': 'call', 'region': 'us-east-1', 'form': {'Action': 'DetachVolume',"
     " 'Version': '2016-11-15', 'VolumeId': 'vol-0000000000000000a'}}"},
    {"volume-modification", "refusals",
     FLEET (", 'root': {'id': 'vol-0000000000000000a', 'modification': "
            "{'volumeId': 'vol-0000000000000000a', 'modificationState': "
            "'modifying'}}"),
     NULL},
    {"volume-optimizing", "warnings",
     FLEET (", 'root': {'id': 'vol-0000000000000000a', 'modification': "
            "{'volumeId': 'vol-0000000000000000a', 'modificationState': "
            "'optimizing'}}"),
     NULL},
    {"public-address", "warnings", FLEET (", 'public': 'auto'"), NULL},
    {NULL, "warnings", FLEET (", 'public': 'elastic'"), NULL},
    {"hibernation-configured", "warnings", FLEET (", 'hibernation': true"),
     NULL},
    {"dedicated-host", "warnings", FLEET (", 'tenancy': 'host'"), NULL},
    {"nitro-tpm", "warnings", FLEET (", 'tpm': 'v2.0'"), NULL},
    {"snapshot-pending", "warnings",
     FLEET (", 'root': {'id': 'vol-0000000000000000a'}"),
     "{'op': 'call', 'region': 'us-east-1', 'form':"
     " {'Action': 'CreateSnapshot', 'Version': '2016-11-15',"
     "  'VolumeId': 'vol-0000000000000000a'}}"},
    {NULL, "refusals",
     FLEET (", 'root': {'encrypted': true, 'kms_key': '" KEY "'}"), NULL},
    {"key-unusable", "refusals",
     FLEET (", 'root': {'encrypted': true, 'kms_key': '" KEY "',"
            " 'key_unusable': true}"),
     NULL},
    /* A start needs the keys of all its volumes. */
    {"key-unusable", "refusals",
     FLEET (", 'volumes': [{'device': '/dev/sdf', 'encrypted': true,"
            " 'kms_key': '" KEY "', 'key_unusable': true}]"),
     NULL},
    {"system-impaired", "warnings", FLEET (", 'system_status': 'impaired'"),
     NULL},
};

static void
check_row (const struct row *row)
{
  struct harness h;
  CLEANUP_JSON json_t *vm = NULL;
  bool detached = row->code && strcmp (row->code, "no-root-volume") == 0;
  size_t n;

  harness_init (&h, row->patch);
  if (row->control)
    drive_control (h.d.cloud, row->control);
  if (detached)
    harness_wait (&h, 3000);
  vm = harness_vm (&h, VM);
  n = json_array_size (json_object_get (vm, row->list));
  if (row->code == NULL ? n > 0 : !has_code (vm, row->list, row->code)) {
    CLEANUP_FREE char *text = json_text (vm);

    fprintf (stderr, "%s: %s with %s\n", row->code ? row->code : "none", text,
             row->patch);
    CU_FAIL ("see above");
  }
  harness_release (&h);
}

static void
test_rows (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    check_row (&rows[i]);
}

/* A record as if EC2 had said so: what the fake can't. */
static const struct {
  const char *code, *list, *facts;
} facts[] = {
    {"key-unusable", "refusals", "{\"key_state\": \"PendingDeletion\"}"},
    {"key-denied", "refusals", "{\"key_denied\": \"kms:DescribeKey\"}"},
    {"volume-missing", "refusals", "{\"volume_missing\": true}"},
    {"too-many-tags", "refusals", "{\"own_tags\": 48}"},
    {"scheduled-event", "warnings", "{\"event\": \"instance-retirement\"}"},
    {"not-checked", "warnings", "{\"not_checked\": [\"why\"]}"},
    {NULL, "refusals", "{\"own_tags\": 47, \"key_state\": \"Enabled\"}"},
};

static void
test_facts (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (facts); i++) {
    CLEANUP_JSON json_t *vm = json_make ("{s:o,s:{s:s}}", "facts",
                                         json_loads (facts[i].facts, 0, NULL),
                                         "os_disk", "id", "vol-1");

    aws_judge (vm);
    CU_ASSERT_TRUE (facts[i].code
                        ? has_code (vm, facts[i].list, facts[i].code)
                        : json_object_get (vm, facts[i].list) == NULL);
  }
}

/* No row of the tables without a case here. */
static void
test_all_have_a_case (void)
{
  for (int warnings = 0; warnings < 2; warnings++)
    for (size_t i = 0;; i++) {
      const char *code = warnings ? aws_warning_code (i) : aws_refusal_code (i);
      bool found = false;

      if (code == NULL)
        break;
      for (size_t j = 0; j < ARRAY_SIZE (rows) && !found; j++)
        found = rows[j].code && strcmp (rows[j].code, code) == 0;
      for (size_t j = 0; j < ARRAY_SIZE (facts) && !found; j++)
        found = facts[j].code && strcmp (facts[j].code, code) == 0;
      if (!found)
        fprintf (stderr, "%s has no case\n", code);
      CU_ASSERT_TRUE (found);
    }
}

static void
test_own_call (void)
{
  struct harness h;
  CLEANUP_JSON json_t *locked = NULL, *out = NULL;
  CLEANUP_FREE char *calls = NULL, *more = NULL;

  harness_init (&h, FLEET (", 'shutdown_behavior': 'terminate',"
                           " 'disable_api_stop': true"));
  locked = harness_plain (&h, VM);
  free (harness_calls (&h));
  out = harness_must (&h, OP_PREFLIGHT, json_make ("{s:O}", "vm", locked));
  CU_ASSERT_TRUE (
      has_code (json_at (out, "vm"), "refusals", "stop-protection"));
  calls = harness_calls (&h);
  CU_ASSERT_STRING_EQUAL (calls, "DescribeInstanceAttribute ");
  json_put_bool (h.b.config, "check-shutdown", true);
  json_decref (out);
  out = harness_must (&h, OP_PREFLIGHT, json_make ("{s:O}", "vm", locked));
  more = harness_calls (&h);
  CU_ASSERT_STRING_EQUAL (
      more, "DescribeInstanceAttribute DescribeInstanceAttribute ");
  CU_ASSERT_TRUE (
      has_code (json_at (out, "vm"), "refusals", "stop-protection"));
  CU_ASSERT_TRUE (
      has_code (json_at (out, "vm"), "refusals", "shutdown-terminates"));
  harness_release (&h);
}

/* Without the permissions: the look at the key says so, and with "grant" the
 * grant does. */
static void
test_keys (void)
{
  static const struct {
    const char *check, *key, *calls;
    bool refused;
  } tries[] = {
      {"key", "AKIAALL", "DescribeKey ", false},
      {"key", "AKIANOKMS", "DescribeKey ", true},
      {"key", "AKIANOGRANT", "DescribeKey ", false},
      {"grant", "AKIAALL", "GetCallerIdentity DescribeKey CreateGrant ", false},
      {"grant", "AKIANOGRANT", "GetCallerIdentity DescribeKey CreateGrant ",
       true},
      {"none", "AKIANOKMS", "", false},
  };
  struct harness h;

  harness_init (&h, "{'aws': {'accounts': {'111122223333': {'keys': ["
                    " {'id': 'AKIAALL', 'secret': 's'},"
                    " {'id': 'AKIANOKMS', 'secret': 's', 'deny': ['kms:*']},"
                    " {'id': 'AKIANOGRANT', 'secret': 's',"
                    "  'deny': ['kms:CreateGrant']}]}},"
                    " 'instances': [{'id': '" VM "', 'zone': 'us-east-1a',"
                    "  'root': {'encrypted': true, 'kms_key': '" KEY "'}}]}}");
  for (size_t i = 0; i < ARRAY_SIZE (tries); i++) {
    CLEANUP_JSON json_t *vm = NULL;
    CLEANUP_FREE char *calls = NULL;
    const char *last;

    json_put_str (h.b.config, "kms-check", tries[i].check);
    h.d.key = tries[i].key;
    free (harness_calls (&h));
    vm = harness_vm (&h, VM);
    calls = harness_calls (&h);
    last = strstr (calls, "DescribeInstanceTypes ") +
           strlen ("DescribeInstanceTypes ");
    last += strncmp (last, "DescribeVolumes ", 16) == 0 ? 16 : 0;
    CU_ASSERT_STRING_EQUAL (last, tries[i].calls);
    CU_ASSERT_EQUAL (has_code (vm, "refusals", "key-denied"), tries[i].refused);
  }
  harness_release (&h);
}

static const struct unit_case cases[] = {
    {"each refusal and warning by a fleet", test_rows},
    {"and by facts", test_facts},
    {"all of the tables are tried", test_all_have_a_case},
    {"what takes a call of its own", test_own_call},
    {"keys of encrypted volumes", test_keys},
};

UNIT_MAIN ("aws preflight", cases)
