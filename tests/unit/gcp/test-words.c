/* The words after "gcp:", names, and the role. */

#include "unit.h"

#include <string.h>

#include <base/files.h>
#include <provider-gcp/gcp-provider.h>
#include <provider-gcp/names.h>
#include <provider-gcp/refusals.h>
#include <provider-gcp/selector.h>

#include "requests.h"

static const struct {
  const char *words, *selector; /* NULL: an error */
  const char *says;
} cases[] = {
    {"web-1,europe-west1-b/web-2",
     "{'ids': [{'name': 'web-1'}, {'name': 'web-2', 'zone':"
     " 'europe-west1-b'}]}",
     NULL},
    {"https://www.googleapis.com/compute/v1/projects/p-2/zones/us-east1-c/"
     "instances/x",
     "{'project': 'p-2', 'ids': [{'name': 'x', 'zone': 'us-east1-c'}]}", NULL},
    {"project=p-2,*", "{'project': 'p-2', 'all': true}", NULL},
    {"name=web-*,zone=us-east1-c,!web-9",
     "{'names': ['web-*'], 'zones': ['us-east1-c'], 'not': [{'by': 'name',"
     " 'pattern': 'web-9'}]}",
     NULL},
    {"label:env=prod,!label:keep",
     "{'labels': [{'by': 'label', 'key': 'env', 'pattern': 'prod'}], 'not':"
     " [{'by': 'label', 'key': 'keep', 'pattern': '*'}]}",
     NULL},
    {"group=us-east1-c/g,group=us-east1/h",
     "{'groups': ['zones/us-east1-c/instanceGroups/g',"
     " 'regions/us-east1/instanceGroups/h']}",
     NULL},
    {"filter:a=b\\,c", "{'filters': ['a=b,c']}", NULL},
    {"", NULL, "an empty word"},
    {"Web-1", NULL, "is none of"},
    {"impaired,zone=us-east1-c", "{'impaired': true, 'zones': ['us-east1-c']}",
     NULL},
    {"group=g", NULL, "zone or region"},
    {"zone=us-east1", NULL, "no zone"},
    {"label:Env=x", NULL, "small letters"},
    {"project=p-1", NULL, "names no VM"},
    {"project=p-1,project=p-2,*", NULL, "word of its own"},
    {"*,web-1", NULL, "which?"},
    {"!web-1", NULL, "names no VM"},
    {"*,!zone=x", NULL, "can be taken out"},
    {"projects/p/zones/us-east1-c/instances/", NULL, "no link"},
};

static void
test_selector (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *made = NULL, *want = NULL;
    CLEANUP_ERR struct err *err = NULL;
    int r = gcp_selector_parse (cases[i].words, &made, &err);

    CU_ASSERT_EQUAL (r, cases[i].selector ? 0 : -1);
    if (cases[i].selector) {
      want = quoted_json (cases[i].selector);
      json_put_str (want, "text", cases[i].words);
      if (!json_equal (made, want))
        printf ("%s\n", cases[i].words);
      CU_ASSERT (json_equal (made, want));
    } else {
      CU_ASSERT_PTR_NOT_NULL_FATAL (err);
      CU_ASSERT_EQUAL (err->code, ERR_USAGE);
      if (!strstr (err->msg, cases[i].says))
        printf ("%s: %s\n", cases[i].words, err->msg);
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].says));
    }
  }
}

static void
test_fits (void)
{
  static const struct {
    const char *selector, *members;
    bool fits;
  } rows[] = {
      {"{'all': true}", NULL, true},
      {"{'ids': [{'name': 'web-1', 'zone': 'us-east1-c'}]}", NULL, true},
      {"{'ids': [{'name': 'web-1', 'zone': 'us-east1-d'}]}", NULL, false},
      {"{'names': ['db-*', 'web-?']}", NULL, true},
      {"{'names': ['web-1'], 'zones': ['us-east1-d']}", NULL, false},
      {"{'labels': [{'by': 'label', 'key': 'env', 'pattern': 'dev'}, {'by':"
       " 'label', 'key': 'env', 'pattern': 'pr*'}]}",
       NULL, true},
      {"{'labels': [{'by': 'label', 'key': 'no', 'pattern': '*'}]}", NULL,
       false},
      {"{'all': true, 'not': [{'by': 'name', 'pattern': 'web-*'}]}", NULL,
       false},
      {"{'all': true}", "['zones/us-east1-c/instances/web-1']", true},
      {"{'all': true}", "[]", false},
  };
  CLEANUP_JSON json_t *vm = quoted_json (
      "{'id': 'zones/us-east1-c/instances/web-1', 'name': 'web-1', 'zone':"
      " 'us-east1-c', 'tags': {'env': 'prod'}}");

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_JSON json_t *selector = quoted_json (rows[i].selector);
    CLEANUP_JSON json_t *members =
        rows[i].members ? quoted_json (rows[i].members) : NULL;

    CU_ASSERT_EQUAL (gcp_selector_fits (selector, members, vm), rows[i].fits);
  }
}

static void
test_names (void)
{
  static const char longer[] =
      "bootmend-20261120-135300-a-very-long-campaign-name-indeed-1234567-disk";
  CLEANUP_FREE char *a = gcp_name_of ("Boot:1_"), *l = gcp_label_of ("A:b_c");
  CLEANUP_FREE char *cut = gcp_name_of (longer), *digit = gcp_name_of ("1a");
  CLEANUP_FREE char *project =
      gcp_project_of ("https://x/compute/v1/projects/p-1/zones/z/disks/d");

  CU_ASSERT_STRING_EQUAL (a, "boot-1-x");
  CU_ASSERT_STRING_EQUAL (l, "a-b_c");
  CU_ASSERT_STRING_EQUAL (digit, "b1a");
  CU_ASSERT_EQUAL (strlen (cut), 63);
  CU_ASSERT (gcp_is_name (cut) && gcp_is_name (a));
  CU_ASSERT_STRING_EQUAL (project, "p-1");
  CU_ASSERT_STRING_EQUAL (
      gcp_id_of (
          "https://www.googleapis.com/compute/v1/projects/p/zones/z/x/y"),
      "zones/z/x/y");
  CU_ASSERT_STRING_EQUAL (gcp_id_of ("nonsense"), "");
  CU_ASSERT (gcp_is_zone ("europe-west1-b") && !gcp_is_zone ("europe-west1"));
  CU_ASSERT (gcp_is_project ("example.com:p-1") && !gcp_is_project ("p/1") &&
             !gcp_is_project ("a?b"));
}

static bool
role_has (const char *options, const char *permission)
{
  CLEANUP_JSON json_t *in = quoted_json (options);
  CLEANUP_JSON json_t *role = gcp_provider.policy (in, NULL);
  json_t *item;
  size_t i;

  json_array_foreach (json_object_get (role, "includedPermissions"), i, item)
  {
    if (strcmp (json_string_value (item), permission) == 0)
      return true;
  }
  return false;
}

static void
test_role (void)
{
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *in = quoted_json ("{'strategy': 'x'}");

  CU_ASSERT (role_has ("{'strategy': 'plan'}", "compute.instances.list"));
  CU_ASSERT (!role_has ("{'strategy': 'plan'}", "compute.instances.stop"));
  CU_ASSERT (role_has ("{'strategy': 'move'}", "compute.disks.use"));
  CU_ASSERT (!role_has ("{'strategy': 'move'}", "compute.disks.create"));
  CU_ASSERT (!role_has ("{'strategy': 'move', 'snapshot': false}",
                        "compute.snapshots.create"));
  CU_ASSERT (role_has ("{'strategy': 'swap'}", "compute.disks.delete"));
  CU_ASSERT_PTR_NULL (gcp_provider.policy (in, &err));
  CU_ASSERT_PTR_NOT_NULL (err);
}

static void
documented (const char *text, const char *code)
{
  CLEANUP_FREE char *quoted = xasprintf (".It Sy %s\n", code);

  if (strstr (text, quoted) == NULL) {
    fprintf (stderr, "%s is not in docs/man/parts/gcp.mdoc\n", code);
    CU_FAIL ("undocumented code");
  }
}

static void
test_documented (void)
{
  const char *data = getenv ("BOOTMEND_TEST_DATA");
  CLEANUP_FREE char *path = xasprintf ("%s/../../docs/man/parts/gcp.mdoc",
                                       data ? data : "tests/data");
  CLEANUP_FREE char *text = NULL;
  size_t len;

  CU_ASSERT_EQUAL_FATAL (file_read (path, 1 << 20, &text, &len, NULL), 0);
  for (size_t i = 0; gcp_refusal_code (i); i++)
    documented (text, gcp_refusal_code (i));
  for (size_t i = 0; gcp_warning_code (i); i++)
    documented (text, gcp_warning_code (i));
}

static const struct unit_case tests[] = {
    {"words", test_selector},
    {"what fits", test_fits},
    {"names", test_names},
    {"the role", test_role},
    {"codes are documented", test_documented},
};

UNIT_MAIN ("gcp words", tests)
