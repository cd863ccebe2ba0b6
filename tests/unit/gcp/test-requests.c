/* What the rows ask for, word for word; and which id an attempt gets. */

#include "unit.h"

#include <string.h>

#include <provider-gcp/gcp-provider.h>

#include "requests.h"

static int
build (struct binding *b, enum op_id op, const char *text,
       struct http_request *req, struct err **err)
{
  CLEANUP_JSON json_t *in = quoted_json (text);

  CU_ASSERT_PTR_NOT_NULL_FATAL (in);
  return gcp_provider.ops[op].build (b, in, req, err);
}

static void
test_all (void)
{
  struct binding *b = test_binding ();

  for (size_t i = 0; i < request_count; i++) {
    const struct request_case *c = &request_cases[i];
    CLEANUP_HTTP_REQUEST struct http_request req = {0};
    CLEANUP_ERR struct err *err = NULL;
    CLEANUP_FREE char *text = NULL;

    if (build (b, c->op, c->in, &req, &err) == -1) {
      printf ("case %zu: %s\n", i, err->msg);
      CU_FAIL ("it was not built");
      continue;
    }
    text = request_text (&req);
    if (strcmp (text, c->expect) != 0)
      printf ("case %zu:\n  %s\n  %s\n", i, text, c->expect);
    CU_ASSERT_STRING_EQUAL (text, c->expect);
    CU_ASSERT_EQUAL (req.sign, HTTP_SIGN_BEARER);
    CU_ASSERT_PTR_NOT_NULL (req.action);
    CU_ASSERT_EQUAL (req.body != NULL,
                     http_header_get (&req.headers, "Content-Type") != NULL);
  }
  test_binding_free (b);
}

/* Each row of the table is in the cases. */
static void
test_covered (void)
{
  for (int op = 0; op < OP_COUNT; op++) {
    bool covered = gcp_provider.ops[op].name == NULL;

    for (size_t i = 0; i < request_count; i++)
      covered = covered || (int)request_cases[i].op == op;
    if (!covered)
      printf ("no request of %s\n", gcp_provider.ops[op].name);
    CU_ASSERT (covered);
  }
}

static char *
request_id (struct binding *b, const char *in)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  const char *at;

  if (build (b, OP_START, in, &req, NULL) == -1)
    return xstrdup ("-");
  at = strstr (req.url, "requestId=");
  CU_ASSERT_EQUAL (req.repeatable, at != NULL);
  return xstrdup (at ? at + 10 : "");
}

#define START "{'vms': [{'id': 'zones/z/instances/a'}], 'request': '"

/* The same for the same attempt, another one for the next; a UUID; none where
 * nothing tells attempts apart. */
static void
test_request_id (void)
{
  struct binding *b = test_binding ();
  CLEANUP_FREE char *one = request_id (b, START "c/1/start/on/1'}");
  CLEANUP_FREE char *again = request_id (b, START "c/1/start/on/1'}");
  CLEANUP_FREE char *next = request_id (b, START "c/1/start/on/2'}");
  CLEANUP_FREE char *none =
      request_id (b, "{'vms': [{'id': 'zones/z/instances/a'}]}");

  CU_ASSERT_STRING_EQUAL (one, again);
  CU_ASSERT_STRING_NOT_EQUAL (one, next);
  CU_ASSERT_STRING_EQUAL (none, "");
  CU_ASSERT_EQUAL (strlen (one), 36);
  CU_ASSERT_EQUAL (strspn (one, "0123456789abcdef-"), 36);
  CU_ASSERT (one[8] == '-' && one[13] == '-' && one[14] == '4' &&
             one[18] == '-' && strchr ("89ab", one[19]) && one[23] == '-');
  test_binding_free (b);
}

#define OTHER                                                                  \
  "{'vm': {'id': 'zones/z/instances/a', 'os_disk': {'id':"                     \
  " 'zones/z/disks/other', 'attributes': {'device_name': 'boot'}}},"           \
  " 'disk': {'id': 'zones/z/disks/a'}}"

static const struct {
  enum op_id op;
  const char *in;
  enum err_code code;
  const char *says;
} refused[] = {
    /* Nothing but the disk that is meant is taken off. */
    {OP_DETACH_OS, OTHER, ERR_CONFLICT, "zones/z/disks/other now"},
    {OP_STOP, "{'vms': [{'id': 'i-0abc'}]}", ERR_INTERNAL, "no id"},
    {OP_STOP, "{'vms': []}", ERR_INTERNAL, "0 VMs"},
    {OP_DESCRIBE, "{'ids': ['helper']}", ERR_USAGE, "zones/ZONE/instances"},
    {OP_DISK_FROM,
     "{'vm': {'os_disk': {'id': 'zones/z/disks/a'}}, 'source': {'id':"
     " 'zones/z/disks/b'}}",
     ERR_REFUSED, "made from a snapshot"},
    {OP_HELPER_ATTACH,
     "{'helper': {'id': 'zones/z/instances/h'}, 'disks': [{'disk': {'id':"
     " 'zones/z/disks/a'}, 'slot': ''}]}",
     ERR_INTERNAL, "no device name"},
    {OP_DELETE, "{'kind': 'snapshot', 'id': 'zones/z/disks/a'}", ERR_INTERNAL,
     "no id of snapshots"},
};

static void
test_refused (void)
{
  struct binding *b = test_binding ();

  for (size_t i = 0; i < ARRAY_SIZE (refused); i++) {
    CLEANUP_HTTP_REQUEST struct http_request req = {0};
    CLEANUP_ERR struct err *err = NULL;

    CU_ASSERT_EQUAL (build (b, refused[i].op, refused[i].in, &req, &err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL (err);
    CU_ASSERT_EQUAL (err->code, refused[i].code);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, refused[i].says));
  }
  test_binding_free (b);
}

/* Without the operator's word about Local SSD nothing is stopped. */
static void
test_local_ssd (void)
{
  struct binding *b = test_binding ();
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_ERR struct err *err = NULL;

  json_object_clear (b->config);
  CU_ASSERT_EQUAL (build (b, OP_STOP,
                          "{'vms': [{'id': 'zones/z/instances/a',"
                          " 'facts': {'local_ssds': 1}}]}",
                          &req, &err),
                   -1);
  CU_ASSERT_EQUAL (err->code, ERR_REFUSED);
  test_binding_free (b);
}

static void
test_slots (void)
{
  CLEANUP_JSON json_t *helper = quoted_json (
      "{'attributes': {'machine_type': 'e2-micro', 'number': '77'},"
      " 'facts': {'attached': 3}}");
  CLEANUP_JSON json_t *disk = quoted_json ("{'id': 'zones/z/disks/a'}");
  CLEANUP_JSON json_t *other = quoted_json ("{'id': 'zones/z/disks/b'}");
  CLEANUP_JSON json_t *slots = gcp_provider.helper_slots (helper);
  CLEANUP_JSON json_t *expect = gcp_provider.helper_expect (helper, "/dev");
  CLEANUP_STRV char **paths =
      gcp_provider.helper_paths (disk, "bootmend-77-2", "/dev");
  CLEANUP_STRV char **others =
      gcp_provider.helper_paths (other, "bootmend-77-2", "/dev");

  CU_ASSERT_EQUAL (json_array_size (slots), 13);
  CU_ASSERT_STRING_EQUAL (json_string_value (json_array_get (slots, 0)),
                          "bootmend-77-1");
  CU_ASSERT_NSTRING_EQUAL (paths[0], "/dev/disk/by-id/google-bootmend-77-2-",
                           37);
  CU_ASSERT_NSTRING_EQUAL (
      paths[1], "/dev/disk/by-id/scsi-0Google_PersistentDisk_bootmend-77-2-",
      58);
  CU_ASSERT_PTR_NULL (json_object_get (expect, "machine"));
  CU_ASSERT_EQUAL (json_array_size (json_object_get (expect, "links")), 2);
  /* what another disk has left there is not this one */
  CU_ASSERT_STRING_NOT_EQUAL (paths[0], others[0]);
}

static void
test_spelling (void)
{
  static const char own[] = "zones/europe-west1-b/instances/web-1";
  static const char *const none[] = {
      "web-1",
      "zones/europe-west1-b",
      "zones/europe-west1-b/disks/web-1",
      "europe/web-1",
      "europe-west1-b/Web",
      "gcp:europe-west1-b/web-1",
      /* whose project is not ours to drop */
      "projects/p/zones/europe-west1-b/instances/web-1",
  };
  CLEANUP_FREE char *a = gcp_provider.spell_id (own);
  CLEANUP_FREE char *b = gcp_provider.spell_id ("europe-west1-b/web-1");

  CU_ASSERT_STRING_EQUAL (a ? a : "", own);
  CU_ASSERT_STRING_EQUAL (b ? b : "", own);
  for (size_t i = 0; i < ARRAY_SIZE (none); i++)
    CU_ASSERT_PTR_NULL (gcp_provider.spell_id (none[i]));
}

static const struct unit_case tests[] = {
    {"every request", test_all},        {"no row without one", test_covered},
    {"request ids", test_request_id},   {"what is not asked", test_refused},
    {"Local SSD", test_local_ssd},      {"slots of a helper", test_slots},
    {"spelling of ids", test_spelling},
};

UNIT_MAIN ("gcp requests", tests)
