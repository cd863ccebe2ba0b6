/* Finding and describing, against the fake EC2. */

#include "unit.h"

#include <string.h>

#include "harness.h"

static void
check_find (struct harness *h, const char *words, const char *ids)
{
  CLEANUP_JSON json_t *vms = harness_find (h, words, NULL);
  CLEANUP_FREE char *got = NULL;
  CLEANUP_JSON json_t *list = json_array ();
  size_t i;
  json_t *vm;

  json_array_foreach (vms, i, vm)
  {
    const char *id = json_str (vm, "id", "?");

    json_array_append_new (list, json_string (id + strlen (id) - 1));
  }
  got = json_text (list);
  for (char *p = got; *p; p++)
    if (*p == '"')
      *p = '\'';
  if (strcmp (got, ids) != 0)
    fprintf (stderr, "%s: %s, not %s\n", words, got, ids);
  CU_ASSERT_STRING_EQUAL (got, ids);
}

static void
test_selectors (void)
{
  static const struct {
    const char *words, *ids;
  } cases[] = {
      {WEB, "['1']"},
      {WEB "," OTHER, "['1','3']"},
      {"arn:aws:ec2:us-east-1:111122223333:instance/" WEB, "['1']"},
      {"*", "['1','2','3','4','5','6']"},
      {"name=web", "['1']"},
      {"name=w*", "['1']"},
      {"name=w?b,name=help*", "['1','2']"},
      {"name=w*,zone=us-east-1b", "[]"},
      {"tag:Name", "['1','2']"},
      {"tag:Name=helper*", "['2']"},
      {"zone=us-east-1b", "['3']"},
      {"vpc=vpc-0fa4e0000000000001,!" WEB, "['2','3','4','5','6']"},
      {"*,!name=web,!tag:Name=helper*", "['3','4','5','6']"},
      {"filter:instance-state-name=stopped", "['3']"},
      {"filter:platform=windows", "['1']"},
      {"impaired", "['1','5']"},
      {"impaired," OTHER, "[]"},
      {"impaired," WEB, "['1']"},
      {"impaired,name=web", "['1']"},
      {"impaired,!name=web", "['5']"},
      {"type=m5.large,zone=us-east-1a,!" WEB, "['2','4','5','6']"},
  };

  for (int page = 0; page < 3; page++) {
    struct harness h;

    harness_init (&h, page == 0   ? NULL
                      : page == 1 ? "{'page_size': 5}"
                                  : "{'page_size': 5,"
                                    " 'aws': {'sparse_pages': true}}");
    for (size_t i = 0; i < ARRAY_SIZE (cases); i++)
      check_find (&h, cases[i].words, cases[i].ids);
    harness_release (&h);
  }
}

static void
test_missing (void)
{
  struct harness h;
  CLEANUP_JSON json_t *missing = NULL, *none = NULL, *all = NULL;
  json_t *vms;

  harness_init (&h, NULL);
  vms = harness_find (&h, WEB "," NOBODY ",i-000000000000000e1", &missing);
  CU_ASSERT_EQUAL (json_array_size (vms), 1);
  CU_ASSERT_EQUAL_FATAL (json_array_size (missing), 2);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (missing, 0), "what", ""),
                          NOBODY);
  CU_ASSERT_PTR_NOT_NULL (
      strstr (json_str (json_array_get (missing, 1), "why", ""), "us-east-1"));
  json_decref (vms);
  vms = harness_find (&h, "name=nothing*", &none);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (none, 0), "what", ""),
                          "name=nothing*");
  json_decref (vms);
  vms = harness_find (&h, "*", &all);
  CU_ASSERT_EQUAL (json_array_size (all), 0);
  json_decref (vms);
  /* What is terminated does not exist any more. */
  driver_call (&h.d, "TerminateInstances InstanceId.1=" WEB);
  vms = harness_find (&h, "name=web", NULL);
  CU_ASSERT_EQUAL (json_array_size (vms), 0);
  json_decref (vms);
  harness_release (&h);
}

static void
test_record (void)
{
  struct harness h;
  CLEANUP_JSON json_t *vm = NULL;
  CLEANUP_FREE char *disks = NULL;

  harness_init (&h, "{'aws': {'instances': [{'id': '" WEB "', 'name': 'web',"
                    " 'zone': 'us-east-1a', 'platform': 'windows', 'tags':"
                    " {'env': 'prod', 'bootmend:campaign': 'c9',"
                    "  'bootmend:since': 'noon'}, 'public': 'auto',"
                    " 'root': {'id': '" WEB_VOL "', 'boots': false, 'size': 30,"
                    "  'type': 'gp3', 'iops': 3000, 'throughput': 125,"
                    "  'tags': {'owner': 'me'}},"
                    " 'volumes': [{'id': '" WEB_DATA "',"
                    "  'device': '/dev/sdf'}]}]}}");
  vm = harness_vm (&h, WEB);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "provider", ""), "aws");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "account", ""), "111122223333");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "region", ""), "us-east-1");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "zone", ""), "us-east-1a");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "name", ""), "web");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os", ""), "windows");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "power", ""), "running");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "health", ""), "impaired");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "mark.campaign", ""), "c9");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "mark.since", ""), "noon");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os_disk.id", ""), WEB_VOL);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os_disk.serial", ""),
                          "vol00000000000000001");
  CU_ASSERT_EQUAL (json_int (vm, "os_disk.size_bytes", 0), 30LL << 30);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os_disk.attributes.device", ""),
                          "/dev/sda1");
  CU_ASSERT_TRUE (
      json_bool (vm, "os_disk.attributes.delete_on_termination", false));
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os_disk.attributes.type", ""), "gp3");
  CU_ASSERT_EQUAL (json_int (vm, "os_disk.attributes.iops", 0), 3000);
  CU_ASSERT_STRING_EQUAL (json_str (vm, "os_disk.attributes.tags.owner", ""),
                          "me");
  disks = json_text (json_at (vm, "attributes.disks"));
  CU_ASSERT_STRING_EQUAL (disks, "{\"/dev/sdf\":{\"delete_on_termination\":"
                                 "false,\"volume\":\"" WEB_DATA "\"}}");
  CU_ASSERT_STRING_EQUAL (json_str (vm, "attributes.tags.env", ""), "prod");
  CU_ASSERT_EQUAL (json_object_size (json_at (vm, "attributes.tags")), 2);
  CU_ASSERT_EQUAL (json_array_size (json_at (vm, "addresses")), 2);
  CU_ASSERT_TRUE (has_code (vm, "warnings", "public-address"));
  CU_ASSERT_EQUAL (json_array_size (json_at (vm, "refusals")), 0);
  harness_release (&h);
}

/* How many requests a look takes. */
static void
test_depths (void)
{
  static const struct {
    const char *what, *calls;
  } cases[] = {
      {"brief", "DescribeInstances "},
      {"nothing", "DescribeInstances DescribeVolumes "},
      {"health", "DescribeInstances DescribeInstanceStatus DescribeVolumes "},
      {"preflight", "DescribeInstances DescribeInstanceStatus DescribeVolumes "
                    "DescribeVolumesModifications DescribeSnapshots "
                    "DescribeInstanceTypes DescribeVolumes "},
  };
  struct harness h;

  harness_init (&h, NULL);
  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *out =
        harness_must (&h, OP_DESCRIBE,
                      json_make ("{s:[s,s,s],s:b}", "ids", WEB, OTHER, NOBODY,
                                 cases[i].what, 1));
    CLEANUP_FREE char *calls = harness_calls (&h);

    CU_ASSERT_STRING_EQUAL (calls, cases[i].calls);
    CU_ASSERT_EQUAL (json_array_size (json_at (out, "vms")), 2);
    /* Only who has asked knows how they do. */
    CU_ASSERT_EQUAL (json_object_get (json_array_get (json_at (out, "vms"), 0),
                                      "health") != NULL,
                     i >= 2);
    CU_ASSERT_EQUAL (json_array_size (json_at (out, "gone")), 1);
    CU_ASSERT_STRING_EQUAL (json_string_value (
                                json_array_get (json_at (out, "gone"), 0)),
                            NOBODY);
  }
  harness_release (&h);
}

/* 450 VMs: pages, chunks, and still few calls. */
static void
test_many (void)
{
  struct harness h;
  CLEANUP_JSON json_t *vms = NULL, *out = NULL, *ids = json_array ();
  CLEANUP_FREE char *find = NULL, *describe = NULL;
  size_t i, words = 0, sized = 0, broken = 0;
  json_t *vm;

  harness_init (&h, "{'aws': {'instances': [{'count': 450, 'name': 'n-{n}',"
                    " 'zone': ['us-east-1a', 'us-east-1b'],"
                    " 'root': {'boots': false}}]}}");
  vms = harness_find (&h, "name=n-*", NULL);
  CU_ASSERT_EQUAL (json_array_size (vms), 450);
  find = harness_calls (&h);
  for (const char *p = find; *p; p++)
    words += *p == ' ';
  /* 3 pages; for each of instances, volumes (twice), modifications, snapshots,
   * types one call, of status two. */
  CU_ASSERT_EQUAL (words, 3 * 6 + 5);
  json_array_foreach (vms, i, vm)
  {
    sized += json_at (vm, "os_disk.size_bytes") != NULL;
    broken += strcmp (json_str (vm, "health", ""), "impaired") == 0;
    if (i < 200)
      json_array_append (ids, json_object_get (vm, "id"));
  }
  CU_ASSERT_EQUAL (sized, 450);
  CU_ASSERT_EQUAL (broken, 450);
  out = harness_must (&h, OP_DESCRIBE,
                      json_make ("{s:O,s:b,s:b}", "ids", ids, "brief", 1,
                                 "health", 1));
  CU_ASSERT_EQUAL (json_array_size (json_at (out, "vms")), 200);
  describe = harness_calls (&h);
  CU_ASSERT_STRING_EQUAL (describe, "DescribeInstances DescribeInstanceStatus "
                                    "DescribeInstanceStatus ");
  harness_release (&h);
}

static void
test_disks (void)
{
  struct harness h;
  CLEANUP_JSON json_t *out = NULL;
  const json_t *disks;
  static const struct {
    const char *id, *kind, *state, *attached;
  } cases[] = {
      {SPARE, "disk", "available", ""},
      {WEB_VOL, "disk", "attached", WEB},
      {SNAP, "snapshot", "available", ""},
  };

  harness_init (&h, NULL);
  out = harness_must (&h, OP_DESCRIBE_DISKS,
                      json_make ("{s:[s,s,s,s]}", "ids", SNAP, SPARE,
                                 "vol-0ffffffffffffffff", WEB_VOL));
  disks = json_at (out, "disks");
  CU_ASSERT_EQUAL (json_array_size (disks), 3);
  CU_ASSERT_EQUAL (json_array_size (json_at (out, "gone")), 1);
  for (size_t i = 0; i < ARRAY_SIZE (cases); i++)
    for (size_t j = 0; j < json_array_size (disks); j++) {
      const json_t *disk = json_array_get (disks, j);

      if (strcmp (json_str (disk, "id", ""), cases[i].id) != 0)
        continue;
      CU_ASSERT_STRING_EQUAL (json_str (disk, "kind", ""), cases[i].kind);
      CU_ASSERT_STRING_EQUAL (json_str (disk, "state", ""), cases[i].state);
      CU_ASSERT_STRING_EQUAL (json_str (disk, "attached_to", ""),
                              cases[i].attached);
    }
  harness_release (&h);
}

/* What a reader may only look at: the optional phases are noted, the others are
 * errors that name the permission. */
static void
test_without_permissions (void)
{
  struct harness h;
  CLEANUP_JSON json_t *vm = NULL;
  CLEANUP_ERR struct err *err = NULL;

  harness_init (&h, "{'aws': {'accounts': {'111122223333': {'keys': ["
                    "{'id': 'AKIAALL', 'secret': 's', 'deny':"
                    "  ['ec2:DescribeInstanceTypes', 'ec2:StopInstances']},"
                    "{'id': 'AKIANONE', 'secret': 's',"
                    "  'deny': ['ec2:*']}]}}}}");
  vm = harness_vm (&h, WEB);
  CU_ASSERT_TRUE (has_code (vm, "warnings", "not-checked"));
  CU_ASSERT_PTR_NOT_NULL (
      strstr (json_string_value (
                  json_array_get (json_at (vm, "facts.not_checked"), 0)),
              "ec2:DescribeInstanceTypes"));
  h.d.key = "AKIANONE";
  CU_ASSERT_PTR_NULL (
      harness_do (&h, OP_DESCRIBE, json_make ("{s:[s]}", "ids", WEB), &err));
  CU_ASSERT_EQUAL (err->code, ERR_DENIED);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "ec2:DescribeInstances"));
  harness_release (&h);
}

static void
test_identity (void)
{
  struct harness h;
  CLEANUP_JSON json_t *out = NULL;

  harness_init (&h, NULL);
  out = harness_must (&h, OP_IDENTIFY, json_object ());
  CU_ASSERT_STRING_EQUAL (json_str (out, "account", ""), "111122223333");
  harness_release (&h);
}

static const struct unit_case cases[] = {
    {"selectors find what they mean, in any pages", test_selectors},
    {"what is missing is told", test_missing},
    {"a record has all that is compared", test_record},
    {"a look takes the requests of its depth", test_depths},
    {"450 VMs", test_many},
    {"disks, snapshots", test_disks},
    {"missing permissions", test_without_permissions},
    {"identity", test_identity},
};

UNIT_MAIN ("aws look", cases)
