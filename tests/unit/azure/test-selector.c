/* The words after "azure:", and which VMs they fit; slots; the policy. */

#include "unit.h"

#include <string.h>

#include <provider-azure/ids.h>
#include <provider-azure/selector.h>

#include "play.h"

#define ID                                                                     \
  "/subscriptions/A/resourceGroups/G/providers/Microsoft.Compute/"             \
  "virtualMachines/Web-1"
#define LOWER                                                                  \
  "/subscriptions/a/resourcegroups/g/providers/microsoft.compute/"             \
  "virtualmachines/web-1"

static const struct {
  const char *words, *selector; /* NULL: an error */
  const char *says;
} cases[] = {
    {ID, "{'ids':['" LOWER "'],'subscription':'a'}", NULL},
    {"subscription=B,*", "{'all':true,'subscription':'b'}", NULL},
    {"impaired", "{'impaired':true}", NULL},
    {"name=web-*,name=db,tag:env=prod",
     "{'terms':[{'by':'name','key':'','patterns':['web-*','db']},"
     "{'by':'tag','key':'env','patterns':['prod']}]}",
     NULL},
    {"group=g,!tag:keep",
     "{'terms':[{'by':'group','key':'','patterns':['g']}],"
     "'not':[{'by':'tag','key':'keep','patterns':['*']}]}",
     NULL},
    {"name=a\\,b", "{'terms':[{'by':'name','key':'','patterns':['a,b']}]}",
     NULL},
    {"", NULL, "an empty word"},
    {"web-1", NULL, "name=web-1"},
    {"name=", NULL, "is none of"},
    {"tag:", NULL, "needs a key"},
    {"tag:=x", NULL, "needs a key"},
    {"!web", NULL, "can be taken out"},
    {"!name=x", NULL, "names no VM"},
    {"subscription=x", NULL, "names no VM"},
    {"subscription=a b,*", NULL, "no id of a subscription"},
    {"subscription=b," ID, NULL, "word of its own"},
    {"*," ID, NULL, "which?"},
    {"/subscriptions/a/x", NULL, "no resource id"},
    {ID "/extensions/x", NULL, "no resource id"},
    {ID "?x", NULL, "no resource id"},
};

static void
test_words (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *selector = NULL, *want = NULL;
    CLEANUP_ERR struct err *err = NULL;
    int r = azure_selector_parse (cases[i].words, &selector, &err);

    CU_ASSERT_EQUAL (r, cases[i].selector ? 0 : -1);
    if (cases[i].selector == NULL) {
      CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, cases[i].says));
      continue;
    }
    want = quoted_json (cases[i].selector);
    json_object_del (selector, "text");
    CU_ASSERT (json_equal (selector, want));
  }
}

static void
test_fits (void)
{
  static const struct {
    const char *words;
    bool fits;
  } rows[] = {
      {"*", true},
      {"name=web-1", true},
      {"name=WEB-*", true},
      {"name=web", false},
      {"group=g", true},
      {"group=H,group=G", true},
      {"group=x", false},
      {"tag:ENV=prod", true},
      {"tag:env=dev", false},
      {"tag:env", true},
      {"tag:other", false},
      {"location=westus", true},
      {"size=Standard_*", true},
      {"*,!name=web-*", false},
      {"*,!tag:env=dev", true},
      {"name=web-1,group=x", false},
  };
  CLEANUP_JSON json_t *vm = quoted_json (
      "{'id':'" ID "','name':'Web-1','location':'westus','tags':{'Env':'prod'},"
      "'properties':{'hardwareProfile':{'vmSize':'Standard_D2'}}}");

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_JSON json_t *selector = NULL;

    CU_ASSERT_EQUAL_FATAL (azure_selector_parse (rows[i].words, &selector,
                                                 NULL),
                           0);
    CU_ASSERT_EQUAL (azure_selector_fits (selector, vm), rows[i].fits);
  }
}

static void
test_ids (void)
{
  CLEANUP_FREE char *disk =
      azure_disk_id ("/subscriptions/A/resourceGroups/UPPER/providers/"
                     "Microsoft.Compute/disks/Vm1_OsDisk");
  CLEANUP_FREE char *group = azure_id_part (disk, "resourceGroups");

  CU_ASSERT_STRING_EQUAL (disk, "/subscriptions/a/resourcegroups/upper/"
                                "providers/microsoft.compute/disks/Vm1_OsDisk");
  CU_ASSERT_STRING_EQUAL (group, "upper");
  CU_ASSERT_PTR_NULL (azure_id_part ("/subscriptions", "subscriptions"));
  CU_ASSERT_PTR_NULL (azure_id_part ("", "subscriptions"));
  CU_ASSERT_FALSE (azure_is_id ("", "disks"));
  CU_ASSERT_FALSE (azure_is_id ("/", "disks"));
  CU_ASSERT_TRUE (azure_is_id (disk, "disks"));
  CU_ASSERT_FALSE (azure_is_id (disk, "snapshots"));
  CU_ASSERT_PTR_NULL (azure_id_beside ("nonsense", "disks", "x"));
}

static void
test_slots (void)
{
  CLEANUP_JSON json_t *helper = quoted_json (
      "{'facts':{'max_data_disks':4},'attributes':{'disks':{'1':{}}}}");
  CLEANUP_JSON json_t *slots = azure_provider.helper_slots (helper);
  CLEANUP_STRV char **paths = azure_provider.helper_paths (NULL, "7", "/d");
  CLEANUP_STRV char **none = azure_provider.helper_paths (NULL, "sdb", "/d");
  CLEANUP_JSON json_t *want = quoted_json ("['0','2','3']");
  CLEANUP_JSON json_t *known = quoted_json ("{'facts':{'vm_id':'u-1'}}");
  CLEANUP_JSON json_t *expect = azure_provider.helper_expect (known, "/d");

  CU_ASSERT (json_equal (slots, want));
  CU_ASSERT_EQUAL_FATAL (strv_length (paths), 2);
  CU_ASSERT_STRING_EQUAL (paths[0], "/d/disk/azure/data/by-lun/7");
  CU_ASSERT_STRING_EQUAL (paths[1], "/d/disk/azure/scsi1/lun7");
  CU_ASSERT (none == NULL || none[0] == NULL);
  /* a LUN says nothing of the machine */
  CU_ASSERT_STRING_EQUAL (json_str (expect, "machine", ""), "u-1");
  CU_ASSERT_EQUAL (json_array_size (json_object_get (expect, "links")), 1);
}

static bool
allows (const json_t *policy, const char *action)
{
  size_t i;
  json_t *item;

  json_array_foreach (json_at (policy, "Actions"), i, item)
  {
    if (strcmp (json_string_value (item), action) == 0)
      return true;
  }
  return false;
}

static void
test_policy (void)
{
  CLEANUP_JSON json_t *asked = quoted_json ("{'account':'abc'}");
  CLEANUP_JSON json_t *plan = quoted_json ("{'strategy':'plan'}");
  CLEANUP_JSON json_t *move = quoted_json ("{'strategy':'move'}");
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *swap = azure_provider.policy (asked, &err);
  CLEANUP_JSON json_t *look = azure_provider.policy (plan, &err);

  CU_ASSERT (allows (swap, "Microsoft.Compute/virtualMachines/write"));
  CU_ASSERT (allows (swap, "Microsoft.Compute/locations/operations/read"));
  CU_ASSERT (!allows (swap, "Microsoft.Compute/virtualMachines/delete"));
  CU_ASSERT (!allows (swap, "Microsoft.Compute/snapshots/write"));
  CU_ASSERT (allows (look, "Microsoft.Compute/virtualMachines/read"));
  CU_ASSERT (!allows (look, "Microsoft.Compute/virtualMachines/write"));
  CU_ASSERT_STRING_EQUAL (json_string_value (json_array_get (
                              json_at (swap, "AssignableScopes"), 0)),
                          "/subscriptions/abc");
  CU_ASSERT_PTR_NULL (azure_provider.policy (move, &err));
  CU_ASSERT_PTR_NOT_NULL_FATAL (err);
  CU_ASSERT_EQUAL (err->code, ERR_USAGE);
}

static const struct unit_case tests[] = {
    {"words", test_words}, {"what fits", test_fits}, {"ids", test_ids},
    {"slots", test_slots}, {"policy", test_policy},
};

UNIT_MAIN ("azure selector", tests)
