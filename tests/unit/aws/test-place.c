/* Slots and paths of a helper. */

#include "unit.h"

#include <provider-aws/place.h>

#include "quoted.h"

static const struct {
  const char *helper;
  size_t slots;
  const char *first;
} cases[] = {
    /* 28 shared: minus one volume, one interface. */
    {"{'facts': {'attached': 1, 'interfaces': 1, 'max_attachments': 28,"
     " 'attachment_limit': 'shared', 'nvme': 'required'}}",
     26, "/dev/sdf"},
    {"{'facts': {'attached': 1, 'interfaces': 4, 'max_attachments': 32,"
     " 'attachment_limit': 'dedicated', 'nvme': 'required'}}",
     31, "/dev/sdf"},
    /* The type's limit is not known. */
    {"{'facts': {'attached': 2, 'interfaces': 1}}", 25, "/dev/sdf"},
    /* Xen takes 11 without trouble. */
    {"{'facts': {'attached': 1, 'interfaces': 1, 'max_attachments': 40,"
     " 'attachment_limit': 'dedicated', 'nvme': 'unsupported'}}",
     10, "/dev/sdf"},
    {"{'facts': {'attached': 3, 'interfaces': 1, 'max_attachments': 28,"
     " 'attachment_limit': 'shared'}, 'os_disk': {'device': '/dev/xvda'},"
     " 'attributes': {'disks': {'/dev/xvdf': {}, '/dev/sdg1': {}}}}",
     24, "/dev/sdh"},
    {"{'facts': {'attached': 28, 'interfaces': 1, 'max_attachments': 28,"
     " 'attachment_limit': 'shared'}}",
     0, NULL},
    {"{'facts': {'attached': 1, 'max_attachments': 127,"
     " 'attachment_limit': 'dedicated'}}",
     63, "/dev/sdf"},
};

static void
test_slots (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (cases); i++) {
    CLEANUP_JSON json_t *helper = quoted_json (cases[i].helper);
    CLEANUP_JSON json_t *slots = aws_helper_slots (helper);
    CLEANUP_JSON json_t *names = json_object ();
    size_t n;
    json_t *slot;

    CU_ASSERT_EQUAL (json_array_size (slots), cases[i].slots);
    if (cases[i].first)
      CU_ASSERT_STRING_EQUAL (json_string_value (json_array_get (slots, 0)),
                              cases[i].first);
    json_array_foreach (slots, n, slot)
    {
      json_put_bool (names, json_string_value (slot), true);
    }
    CU_ASSERT_EQUAL (json_object_size (names), json_array_size (slots));
  }
}

static void
test_paths (void)
{
  static const struct {
    const char *slot, *second, *third;
  } rows[] = {
      {"/dev/sdf", "/d/xvdf", "/d/sdf"},
      {"/dev/xvdba", "/d/xvdba", "/d/sdba"},
      {"sdp", "/d/xvdp", "/d/sdp"},
      {"", NULL, NULL},
  };
  CLEANUP_JSON json_t *disk = json_make ("{s:s}", "id", "vol-0abc");

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_STRV char **paths = aws_helper_paths (disk, rows[i].slot, "/d");

    CU_ASSERT_STRING_EQUAL (
        paths[0], "/d/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc");
    CU_ASSERT_EQUAL (strv_length (paths), rows[i].second ? 3 : 1);
    if (rows[i].second == NULL)
      continue;
    CU_ASSERT_STRING_EQUAL (paths[1], rows[i].second);
    CU_ASSERT_STRING_EQUAL (paths[2], rows[i].third);
  }
}

static const struct unit_case tests[] = {
    {"slots", test_slots},
    {"paths", test_paths},
};

UNIT_MAIN ("aws place", tests)
