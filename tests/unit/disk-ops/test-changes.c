/* The logic around a change: what proves a file, extents, the manifest's
 * states, refusal codes. */

#include "unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <disk-ops/extents.h>
#include <disk-ops/manifest.h>
#include <disk-ops/match.h>
#include <disk-ops/refuse.h>
#include <protocol/protocol.h>

static void
test_reasons_against_a_file (void)
{
  struct recipe_match match = {.id = (char *)"m",
                               .has_modified_from = true,
                               .has_modified_before = true,
                               .size_min = 10,
                               .size_max = 100};
  struct guest_file good = {.regular = true, .size_bytes = 50};
  static const struct {
    const char *modified;
    const char *reason; /* NULL: none */
  } times[] = {
      {"2024-07-19T04:08:59Z",
       "modified 2024-07-19T04:08:59Z is before 2024-07-19T04:09:00Z"},
      {"2024-07-19T04:09:00Z", NULL},
      {"2024-07-19T05:26:59Z", NULL},
      {"2024-07-19T05:27:00Z",
       "modified 2024-07-19T05:27:00Z is not before 2024-07-19T05:27:00Z"},
      {"2024-07-19T05:27:11Z",
       "modified 2024-07-19T05:27:11Z is not before 2024-07-19T05:27:00Z"},
  };

  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19T04:09:00Z",
                                  &match.modified_from_ms),
                   0);
  CU_ASSERT_EQUAL (time_parse_ms ("2024-07-19T05:27:00Z",
                                  &match.modified_before_ms),
                   0);
  for (size_t i = 0; i < ARRAY_SIZE (times); i++) {
    CLEANUP_FREE char *reason = NULL;
    int64_t ms;

    CU_ASSERT_EQUAL (time_parse_ms (times[i].modified, &ms), 0);
    good.modified_ns = ms * 1000000;
    reason = match_reason_against (&match, &good);
    if (times[i].reason == NULL) {
      CU_ASSERT_PTR_NULL (reason);
    } else {
      CU_ASSERT_PTR_NOT_NULL_FATAL (reason);
      CU_ASSERT_STRING_EQUAL (reason, times[i].reason);
    }
  }
}

static void
test_only_the_wanted_kind_counts (void)
{
  struct recipe_match file = {.size_min = 10, .size_max = 100};
  struct recipe_match folder = {.folder = true, .size_min = -1, .size_max = -1};
  static const struct {
    struct guest_file thing;
    bool as_file, as_folder;
  } rows[] = {
      {{.regular = true, .size_bytes = 10}, true, false},
      {{.regular = true, .size_bytes = 100}, true, false},
      {{.regular = true, .size_bytes = 9}, false, false},
      {{.regular = true, .size_bytes = 101}, false, false},
      {{.folder = true}, false, true},
      {{.link = true, .size_bytes = 50}, false, false},
      {{.size_bytes = 50}, false, false}, /* a device, a socket */
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_FREE char *a = match_reason_against (&file, &rows[i].thing);
    CLEANUP_FREE char *b = match_reason_against (&folder, &rows[i].thing);

    CU_ASSERT_EQUAL (a == NULL, rows[i].as_file);
    CU_ASSERT_EQUAL (b == NULL, rows[i].as_folder);
  }
}

static int
map_of (const char *text, struct extents *extents)
{
  CLEANUP_JSON json_t *json = json_parse (text, strlen (text), "test", NULL);

  extents->len = 0;
  return extents_from_map (json, extents, NULL);
}

static void
test_extents (void)
{
  struct extents extents = VEC_EMPTY, windows = VEC_EMPTY;

  CU_ASSERT_EQUAL (
      map_of ("[{\"start\":0,\"length\":10,\"depth\":1},"
              "{\"start\":10,\"length\":10,\"depth\":0,\"zero\":true},"
              "{\"start\":20,\"length\":5,\"depth\":0},"
              "{\"start\":25,\"length\":75,\"depth\":1,\"present\":false},"
              "{\"start\":100,\"length\":1,\"depth\":0}]",
              &extents),
      0);
  CU_ASSERT_EQUAL_FATAL (extents.len, 2);
  CU_ASSERT_EQUAL (extents.ptr[0].start, 10);
  CU_ASSERT_EQUAL (extents.ptr[0].length, 15);
  CU_ASSERT_EQUAL (extents_bytes (&extents), 16);
  extents_windows (&extents, 75, &windows);
  CU_ASSERT_EQUAL_FATAL (windows.len, 1);
  CU_ASSERT_EQUAL (windows.ptr[0].length, 91);
  windows.len = 0;
  extents_windows (&extents, 74, &windows);
  CU_ASSERT_EQUAL (windows.len, 2);
  CU_ASSERT_EQUAL (map_of ("{}", &extents), -1);
  CU_ASSERT_EQUAL (map_of ("[{\"start\":0,\"length\":0,\"depth\":0}]",
                           &extents),
                   -1);
  CU_ASSERT_EQUAL (map_of ("[{\"start\":5,\"length\":5,\"depth\":0},"
                           "{\"start\":0,\"length\":5,\"depth\":0}]",
                           &extents),
                   -1);
  CU_ASSERT_EQUAL (map_of ("[{\"start\":0,\"length\":5}]", &extents), -1);
  extents_release (&extents);
  extents_release (&windows);
}

static void
test_manifest_order (void)
{
  static const struct {
    enum manifest_state from, to;
    bool may;
  } rows[] = {
      {MANIFEST_NONE, MANIFEST_BEGUN, true},
      {MANIFEST_BEGUN, MANIFEST_COMMIT, true},
      {MANIFEST_COMMIT, MANIFEST_DONE, true},
      {MANIFEST_DONE, MANIFEST_UNDO_COMMIT, true},
      {MANIFEST_UNDO_COMMIT, MANIFEST_UNDONE, true},
      {MANIFEST_NONE, MANIFEST_COMMIT, false},
      {MANIFEST_BEGUN, MANIFEST_DONE, false},
      {MANIFEST_DONE, MANIFEST_COMMIT, false},
      {MANIFEST_UNDONE, MANIFEST_UNDO_COMMIT, false},
      {MANIFEST_DONE, MANIFEST_BEGUN, false}, /* moved aside first */
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    CU_ASSERT_EQUAL (manifest_may_follow (rows[i].from, rows[i].to),
                     rows[i].may);
}

static void
write_manifest (const char *folder, const char *text)
{
  CLEANUP_FREE char *path = path_join (folder, EVIDENCE_MANIFEST);

  CU_ASSERT_EQUAL (file_write_atomic (path, text, strlen (text), 0600, NULL),
                   0);
}

static void
test_manifest_files (void)
{
  char folder[] = "/tmp/bootmend-test-manifest-XXXXXX";
  static const char *const bad[] = {"",
                                    "{",
                                    "[]",
                                    "{\"version\":1}",
                                    "{\"version\":2,\"state\":\"done\"}",
                                    "{\"version\":1,\"state\":\"over\"}"};
  struct manifest manifest = {0};

  CU_ASSERT_PTR_NOT_NULL_FATAL (mkdtemp (folder));
  CU_ASSERT_EQUAL_FATAL (manifest_load (folder, &manifest, NULL), 0);
  CU_ASSERT_EQUAL (manifest.state, MANIFEST_NONE);
  CU_ASSERT_EQUAL (manifest_advance (folder, &manifest, MANIFEST_COMMIT, NULL),
                   -1);
  CU_ASSERT_EQUAL (manifest_advance (folder, &manifest, MANIFEST_BEGUN, NULL),
                   0);
  json_put_str (manifest.json, "word", "kept");
  CU_ASSERT_EQUAL (manifest_advance (folder, &manifest, MANIFEST_COMMIT, NULL),
                   0);
  manifest_release (&manifest);
  CU_ASSERT_EQUAL_FATAL (manifest_load (folder, &manifest, NULL), 0);
  CU_ASSERT_EQUAL (manifest.state, MANIFEST_COMMIT);
  CU_ASSERT_STRING_EQUAL (json_str (manifest.json, "word", ""), "kept");
  manifest_release (&manifest);
  for (size_t i = 0; i < ARRAY_SIZE (bad); i++) {
    CLEANUP_ERR struct err *err = NULL;

    write_manifest (folder, bad[i]);
    CU_ASSERT_EQUAL (manifest_load (folder, &manifest, &err), -1);
    CU_ASSERT_EQUAL (err->code, ERR_INPUT);
  }
  CU_ASSERT_EQUAL (folder_remove (folder, NULL), 0);
}

/* Every code that this folder gives is explained to people, and no code is
 * given that an operator could not look up. */
static void
test_refusals_are_explained (void)
{
  for (size_t i = 0; disk_refusal_codes[i]; i++)
    if (refusal_by_code (disk_refusal_codes[i]) == NULL)
      CU_FAIL (disk_refusal_codes[i]);
  CU_PASS ("all codes");
}

static const struct unit_case cases[] = {
    {"reasons against a file", test_reasons_against_a_file},
    {"only the wanted kind counts", test_only_the_wanted_kind_counts},
    {"extents", test_extents},
    {"manifest order", test_manifest_order},
    {"manifest files", test_manifest_files},
    {"refusals are explained", test_refusals_are_explained},
};
UNIT_MAIN ("disk-ops changes", cases)
