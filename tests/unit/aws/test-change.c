/* The rows that change something: the whole way of a move and of a swap,
 * against the fake EC2, and what its refusals become. */

#include "unit.h"

#include <string.h>

#include <base/strbuf.h>
#include <providers/vm.h>

#include "harness.h"

#define MARK                                                                   \
  "mark", "campaign", "c1", "controller", "host:1", "since",                   \
      "2026-11-20T10:00:00Z"
#define MARK_FORMAT "s:{s:s,s:s,s:s}"

static void
done (json_t *out_taken)
{
  CU_ASSERT_EQUAL (json_array_size (json_object_get (out_taken, "failed")), 0);
  json_decref (out_taken);
}

static json_t *
vms_in (json_t *vm)
{
  return json_make ("{s:[O]}", "vms", vm);
}

static const char *
state (struct harness *h, const char *id, const char *path)
{
  return drive_state (h->d.cloud, id, path);
}

static void
check_slots_of_helper (struct harness *h, char *slot, size_t size)
{
  CLEANUP_JSON json_t *helper = harness_vm (h, HELPER);
  CLEANUP_JSON json_t *slots = h->b.provider->helper_slots (helper);

  /* m5.large: 28 shared slots, one volume and one interface. */
  CU_ASSERT_EQUAL (json_array_size (slots), 26);
  snprintf (slot, size, "%s", json_string_value (json_array_get (slots, 0)));
  CU_ASSERT_STRING_EQUAL (slot, "/dev/sdf");
}

static void
to_helper (struct harness *h, const json_t *before, json_t *helper)
{
  json_t *disk = json_object_get (before, "os_disk");
  CLEANUP_STRV char **paths = NULL;
  char slot[32];

  check_slots_of_helper (h, slot, sizeof slot);
  done (harness_must (h, OP_HELPER_ATTACH,
                      json_make ("{s:O,s:[{s:O,s:s}]}", "helper", helper,
                                 "disks", "disk", disk, "slot", slot)));
  harness_wait (h, 3000);
  paths = h->b.provider->helper_paths (disk, slot, "/dev");
  CU_ASSERT_STRING_EQUAL (
      paths[0],
      "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol00000000000000001");
  CU_ASSERT_STRING_EQUAL (paths[1], "/dev/xvdf");
  CU_ASSERT_STRING_EQUAL (paths[2], "/dev/sdf");
  CU_ASSERT_PTR_NULL (paths[3]);
  {
    CLEANUP_JSON json_t *out =
        harness_must (h, OP_DESCRIBE_DISKS,
                      json_make ("{s:[s]}", "ids", WEB_VOL));

    CU_ASSERT_STRING_EQUAL (json_str (json_array_get (json_at (out, "disks"),
                                                      0),
                                      "attached_to", ""),
                            HELPER);
  }
  done (harness_must (h, OP_HELPER_DETACH,
                      json_make ("{s:O,s:[{s:O,s:s}]}", "helper", helper,
                                 "disks", "disk", disk, "slot", slot)));
  harness_wait (h, 3000);
}

static void
begin (struct harness *h, json_t *before)
{
  CLEANUP_JSON json_t *out =
      harness_must (h, OP_PREFLIGHT, json_make ("{s:O}", "vm", before));

  CU_ASSERT_EQUAL (json_array_size (json_at (out, "vm.refusals")), 0);
  done (harness_must (h, OP_MARK,
                      json_make ("{s:[O]," MARK_FORMAT "}", "vms", before,
                                 MARK)));
  {
    CLEANUP_JSON json_t *marked = harness_plain (h, WEB);

    CU_ASSERT_STRING_EQUAL (json_str (marked, "mark.campaign", ""), "c1");
    CU_ASSERT_STRING_EQUAL (json_str (marked, "mark.controller", ""), "host:1");
  }
  done (harness_must (h, OP_STOP, vms_in (before)));
  harness_wait (h, 20000);
}

static void
give_back (struct harness *h, json_t *before)
{
  CLEANUP_JSON json_t *now = harness_plain (h, WEB), *differences = NULL;

  CU_ASSERT_PTR_NULL (json_at (now, "os_disk"));
  CU_ASSERT_STRING_EQUAL (json_str (now, "power", ""), "stopped");
  done (harness_must (h, OP_ATTACH_OS,
                      json_make ("{s:O,s:O}", "vm", now, "disk",
                                 json_at (before, "os_disk"))));
  harness_wait (h, 3000);
  json_decref (TAKE (now));
  now = harness_plain (h, WEB);
  differences = vm_differences (before, now);
  CU_ASSERT_EQUAL (json_array_size (differences), 1);
  CU_ASSERT_STRING_EQUAL (json_str (json_array_get (differences, 0), "field",
                                    ""),
                          "os_disk.attributes.delete_on_termination");
  done (harness_must (h, OP_RESTORE_ATTRIBUTES,
                      json_make ("{s:O,s:O}", "vm", now, "saved", before)));
}

/* Looks apart. */
static char *
changes_of (struct harness *h)
{
  CLEANUP_FREE char *calls = harness_calls (h);
  struct strbuf sb = STRBUF_EMPTY;
  char *rest = calls, *word;

  while ((word = strsep (&rest, " ")) != NULL)
    if (*word && (strncmp (word, "Describe", 8) != 0 ||
                  strcmp (word, "DescribeInstanceAttribute") == 0))
      strbuf_addf (&sb, "%s ", word);
  return strbuf_take (&sb);
}

/* Every call of a move, in order; the VM is as before. */
static void
test_move (void)
{
  struct harness h;
  CLEANUP_JSON json_t *before = NULL, *helper = NULL, *after = NULL,
                      *differences = NULL;
  CLEANUP_FREE char *calls = NULL;

  harness_init (&h, NULL);
  before = harness_vm (&h, WEB);
  helper = harness_vm (&h, HELPER);
  begin (&h, before);
  done (harness_must (&h, OP_DETACH_OS,
                      json_make ("{s:O,s:O}", "vm", before, "disk",
                                 json_at (before, "os_disk"))));
  harness_wait (&h, 3000);
  to_helper (&h, before, helper);
  drive_control (h.d.cloud, "{'op': 'set', 'id': '" WEB_VOL "',"
                            " 'body': {'_boots': true}}");
  give_back (&h, before);
  done (harness_must (&h, OP_START, vms_in (before)));
  harness_wait (&h, 40000);
  done (harness_must (&h, OP_UNMARK,
                      json_make ("{s:[O]," MARK_FORMAT "}", "vms", before,
                                 MARK)));
  calls = changes_of (&h);
  CU_ASSERT_STRING_EQUAL (
      calls, "DescribeInstanceAttribute CreateTags StopInstances DetachVolume "
             "AttachVolume DetachVolume AttachVolume ModifyInstanceAttribute "
             "StartInstances DeleteTags ");
  after = harness_vm (&h, WEB);
  differences = vm_differences (before, after);
  CU_ASSERT_EQUAL (json_array_size (differences), 0);
  CU_ASSERT_STRING_EQUAL (json_str (after, "power", ""), "running");
  CU_ASSERT_STRING_EQUAL (json_str (after, "health", ""), "ok");
  CU_ASSERT_PTR_NULL (json_at (after, "mark"));
  harness_release (&h);
}

static json_t *
created (struct harness *h, enum op_id op, json_t *in_taken, const char *kind)
{
  CLEANUP_JSON json_t *out = harness_must (h, op, in_taken);

  CU_ASSERT_STRING_EQUAL (json_str (out, "created.kind", ""), kind);
  return json_incref (json_object_get (out, "created"));
}

static json_t *
look_at (struct harness *h, const char *id)
{
  CLEANUP_JSON json_t *out =
      harness_must (h, OP_DESCRIBE_DISKS, json_make ("{s:[s]}", "ids", id));

  return json_incref (json_array_get (json_at (out, "disks"), 0));
}

static void
check_state (struct harness *h, const char *id, const char *word)
{
  CLEANUP_JSON json_t *disk = look_at (h, id);

  CU_ASSERT_STRING_EQUAL (json_str (disk, "state", ""), word);
}

/* What was created is found by its tag, and deleted; twice does no harm. */
static void
clean_up (struct harness *h, size_t many)
{
  CLEANUP_JSON json_t *out =
      harness_must (h, OP_FIND_CREATED, json_make ("{s:s}", "campaign", "c1"));
  size_t i;
  json_t *item;

  CU_ASSERT_EQUAL (json_array_size (json_at (out, "created")), many);
  json_array_foreach (json_at (out, "created"), i, item)
  {
    CU_ASSERT_TRUE (*json_str (item, "token", "") != '\0');
    if (strcmp (json_str (item, "kind", ""), "snapshot") != 0)
      continue;
    done (harness_must (h, OP_DELETE, json_incref (item)));
    done (harness_must (h, OP_DELETE, json_incref (item)));
  }
}

static void
test_swap (void)
{
  static const char tags[] = "bootmend-campaign";
  struct harness h;
  CLEANUP_JSON json_t *before = NULL, *snapshot = NULL, *disk = NULL,
                      *again = NULL, *out = NULL, *after = NULL;
  CLEANUP_FREE char *task = NULL;

  harness_init (&h, NULL);
  before = harness_vm (&h, WEB);
  snapshot = created (&h, OP_SNAPSHOT,
                      json_make ("{s:O,s:O,s:s,s:s,s:{s:s}}", "vm", before,
                                 "disk", json_at (before, "os_disk"), "token",
                                 "t1", "name", "copy", "tags", tags, "c1"),
                      "snapshot");
  check_state (&h, json_str (snapshot, "id", ""), "other");
  harness_wait (&h, 7000);
  check_state (&h, json_str (snapshot, "id", ""), "available");
  for (int i = 0; i < 2; i++) { /* the token makes one of two */
    json_decref (again);
    again = disk;
    disk = created (&h, OP_DISK_FROM,
                    json_make ("{s:O,s:O,s:s,s:s,s:{s:s}}", "vm", before,
                               "source", snapshot, "token", "t2", "name",
                               "copy", "tags", tags, "c1"),
                    "disk");
  }
  CU_ASSERT_TRUE (json_equal (again, disk));
  harness_wait (&h, 3000);
  check_state (&h, json_str (disk, "id", ""), "available");
  out = harness_must (&h, OP_SWAP_OS,
                      json_make ("{s:O,s:O,s:s}", "vm", before, "disk", disk,
                                 "token", "t3"));
  task = xstrdup (json_str (out, "task", ""));
  check_state (&h, task, "other");
  harness_wait (&h, 25000);
  check_state (&h, task, "available");
  after = harness_plain (&h, WEB);
  CU_ASSERT_STRING_EQUAL (json_str (after, "os_disk.id", ""),
                          json_str (disk, "id", "?"));
  CU_ASSERT_TRUE (
      json_bool (after, "os_disk.attributes.delete_on_termination", false));
  CU_ASSERT_STRING_EQUAL (json_str (after, "os_disk.attributes.type", ""),
                          json_str (before, "os_disk.attributes.type", "?"));
  clean_up (&h, 2);
  harness_release (&h);
}

static void
check_failed (const json_t *out, size_t i, const char *id, enum err_code code)
{
  const json_t *item = json_array_get (json_at (out, "failed"), i);

  CU_ASSERT_STRING_EQUAL (json_str (item, "id", ""), id);
  CU_ASSERT_STRING_EQUAL (json_str (item, "error.code", ""),
                          err_code_name (code));
}

/* A batch that fails as a whole: the one at fault, and the others. */
static void
test_batches (void)
{
  struct harness h;
  CLEANUP_JSON json_t *web = NULL, *locked = NULL, *out = NULL, *other = NULL,
                      *nobody = NULL, *gone = NULL, *bare = NULL;

  harness_init (&h, NULL);
  web = harness_vm (&h, WEB);
  locked = harness_vm (&h, LOCKED);
  out = harness_must (&h, OP_STOP, json_make ("{s:[O,O]}", "vms", web, locked));
  CU_ASSERT_EQUAL (json_array_size (json_at (out, "failed")), 2);
  check_failed (out, 0, WEB, ERR_TRANSIENT);
  check_failed (out, 1, LOCKED, ERR_REFUSED);
  CU_ASSERT_STRING_EQUAL (state (&h, WEB, "instanceState.name"), "running");
  nobody = json_make ("{s:s}", "id", NOBODY);
  gone = harness_must (&h, OP_MARK,
                       json_make ("{s:[O,O]," MARK_FORMAT "}", "vms", web,
                                  nobody, MARK));
  check_failed (gone, 0, WEB, ERR_TRANSIENT);
  check_failed (gone, 1, NOBODY, ERR_NOT_FOUND);
  /* Without its root volume. */
  other = harness_vm (&h, OTHER);
  done (harness_must (&h, OP_DETACH_OS,
                      json_make ("{s:O,s:O}", "vm", other, "disk",
                                 json_at (other, "os_disk"))));
  harness_wait (&h, 3000);
  bare = harness_must (&h, OP_START, json_make ("{s:[O]}", "vms", other));
  check_failed (bare, 0, OTHER, ERR_CONFLICT);
  harness_release (&h);
}

/* StartInstances says yes, and the VM falls back. */
static void
test_fallen_back (void)
{
  struct harness h;
  CLEANUP_JSON json_t *other = NULL, *after = NULL;

  harness_init (&h, NULL);
  drive_control (h.d.cloud,
                 "{'op': 'fault', 'rule': {'action': 'StartInstances',"
                 " 'what': 'late-failure', 'when': 'after'}}");
  other = harness_plain (&h, OTHER);
  done (harness_must (&h, OP_START, vms_in (other)));
  harness_wait (&h, 5000);
  after = harness_plain (&h, OTHER);
  CU_ASSERT_STRING_EQUAL (json_str (after, "power", ""), "stopped");
  CU_ASSERT_PTR_NOT_NULL (
      strstr (json_str (after, "power_reason", ""), "Server.InternalError"));
  harness_release (&h);
}

/* Another campaign's mark is left. */
static void
test_foreign_mark (void)
{
  struct harness h;
  CLEANUP_JSON json_t *web = NULL, *after = NULL;

  harness_init (&h, NULL);
  web = harness_vm (&h, WEB);
  done (harness_must (&h, OP_MARK,
                      json_make ("{s:[O],s:{s:s}}", "vms", web, "mark",
                                 "campaign", "c2")));
  done (harness_must (&h, OP_UNMARK,
                      json_make ("{s:[O],s:{s:s}}", "vms", web, "mark",
                                 "campaign", "c1")));
  after = harness_plain (&h, WEB);
  CU_ASSERT_STRING_EQUAL (json_str (after, "mark.campaign", ""), "c2");
  harness_release (&h);
}

static void
test_dry_run (void)
{
  static const enum op_id ops[] = {OP_STOP, OP_START, OP_DETACH_OS};
  struct harness h;
  CLEANUP_JSON json_t *web = NULL;

  harness_init (&h, "{'aws': {'accounts': {'111122223333': {'keys': ["
                    "{'id': 'AKIAALL', 'secret': 's'}, {'id': 'AKIASTOP',"
                    " 'secret': 's', 'deny': ['ec2:Stop*']}]}}}}");
  web = harness_vm (&h, WEB);
  for (size_t i = 0; i < ARRAY_SIZE (ops); i++) {
    json_decref (
        harness_must (&h, ops[i],
                      json_make ("{s:[O],s:O,s:O,s:b}", "vms", web, "vm", web,
                                 "disk", json_at (web, "os_disk"), "dry_run",
                                 1)));
    CU_ASSERT_STRING_EQUAL (state (&h, WEB, "instanceState.name"), "running");
  }
  h.d.key = "AKIASTOP";
  {
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_PTR_NULL (
        harness_do (&h, OP_STOP,
                    json_make ("{s:[O],s:b}", "vms", web, "dry_run", 1), &err));
    CU_ASSERT_EQUAL (err->code, ERR_DENIED);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, "ec2:StopInstances"));
  }
  harness_release (&h);
}

static void
test_evidence (void)
{
  struct harness h;
  CLEANUP_JSON json_t *vm = NULL, *log = NULL, *more = NULL, *shot = NULL;

  harness_init (&h, NULL);
  vm = harness_plain (&h, WEB);
  log = harness_must (&h, OP_SERIAL_LOG, json_make ("{s:O}", "vm", vm));
  CU_ASSERT_TRUE (strlen (json_str (log, "text", "")) > 10);
  more = harness_must (&h, OP_SERIAL_LOG,
                       json_make ("{s:O,s:O}", "vm", vm, "after",
                                  json_at (log, "after")));
  CU_ASSERT_STRING_EQUAL (json_str (more, "text", "?"), "");
  shot = harness_must (&h, OP_SCREENSHOT, json_make ("{s:O}", "vm", vm));
  CU_ASSERT_STRING_EQUAL (json_str (shot, "type", ""), "image/jpeg");
  CU_ASSERT_EQUAL (strncmp (json_str (shot, "data", ""), "/9j/", 4), 0);
  harness_release (&h);
}

static const struct unit_case cases[] = {
    {"a move leaves everything as it was", test_move},
    {"a swap, with a copy", test_swap},
    {"a batch that fails as a whole", test_batches},
    {"a start that falls back is seen, with its reason", test_fallen_back},
    {"another campaign's mark stays", test_foreign_mark},
    {"a dry run only asks", test_dry_run},
    {"console and screenshot", test_evidence},
};

UNIT_MAIN ("aws change", cases)
