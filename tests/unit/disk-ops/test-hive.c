/* Hives: read whole, brought up to date from their logs, changed in the
 * smallest way, compared. */

#include "unit.h"

#include <string.h>

#include <base/bytes.h>
#include <base/mem.h>
#include <disk-ops/hive-diff.h>
#include <disk-ops/hive-log.h>
#include <disk-ops/hive-patch.h>
#include <hives/hive-make.h>

#define BEFORE                                                                 \
  "key Select\n"                                                               \
  "dword Current 1\n"                                                          \
  "key ControlSet001\\Services\\disk\n"                                        \
  "dword Start 0\n"                                                            \
  "expand ImagePath \\SystemRoot\\system32\\drivers\\disk.sys\n"               \
  "key ControlSet001\\Services\\csagent\n"                                     \
  "dword Start 1\n"                                                            \
  "multi Groups one|two\n"                                                     \
  "sz @ default\n"                                                             \
  "key ControlSet001\\Services\\csagent\\Sim\n"                                \
  "big Data 40000\n"                                                           \
  "key ControlSet001\\Services\\\xc3\x84pfel\n"                                \
  "sz Gr\xc3\xb6\xc3\x9f"                                                      \
  "e \xf0\x9f\x98\x80\n"                                                       \
  "key ControlSet001\\Services\\vhd\n"                                         \
  "key ControlSet001\\Services\\wof\n"
#define AFTER                                                                  \
  BEFORE "key ControlSet001\\Services\\csagent\n"                              \
         "dword Late 7\n"                                                      \
         "key ControlSet001\\Services\\new\n"                                  \
         "big More 100000\n"

static const char *const lists[] = {"list lh\n", "list lf\n", "list li\n",
                                    "list ri\n"};

static struct hive_bytes
make (const char *list, const char *rest)
{
  CLEANUP_FREE char *text = xasprintf ("%s%s", list, rest);

  return hive_make (text);
}

static uint32_t
find (const struct hive_tree *tree, const char *path)
{
  uint32_t key = hive_find_key (tree, 0, path);

  CU_ASSERT_NOT_EQUAL_FATAL (key, HIVE_NOWHERE);
  return key;
}

static void
test_read (void)
{
  for (size_t l = 0; l < ARRAY_SIZE (lists); l++) {
    CLEANUP_HIVE_TREE struct hive_tree tree = {0};
    struct hive_bytes hive = make (lists[l], BEFORE);
    CLEANUP_FREE unsigned char *big = NULL, *face = NULL;
    CLEANUP_FREE char *text = NULL, *path = NULL;
    uint32_t start = 9, key, value;
    size_t len;

    CU_ASSERT_EQUAL_FATAL (hive_tree_read (&tree, hive.ptr, hive.len, NULL), 0);
    key = find (&tree, "controlset001\\SERVICES\\CsAgent");
    CU_ASSERT_EQUAL (hive_get_dword (&tree, key, "START", &start), 0);
    CU_ASSERT_EQUAL (start, 1);
    CU_ASSERT_EQUAL (hive_get_dword (&tree, key, "Groups", &start), -1);
    CU_ASSERT_NOT_EQUAL (hive_find_value (&tree, key, ""), HIVE_NOWHERE);
    path = hive_key_path (&tree, key);
    CU_ASSERT_STRING_EQUAL (path, "ControlSet001\\Services\\csagent");
    value = hive_find_value (&tree,
                             find (&tree, "ControlSet001\\Services\\"
                                          "csagent\\Sim"),
                             "Data");
    big = hive_data (&tree, &tree.values.ptr[value], &len);
    CU_ASSERT_EQUAL_FATAL (len, 40000);
    CU_ASSERT_EQUAL (big[39999], (unsigned char)(39999 * 7 + 39999 / 256));
    /* in other letter case, as a wide name */
    key = find (&tree, "ControlSet001\\Services\\\xc3\xa4PFEL");
    value = hive_find_value (&tree, key,
                             "gr\xc3\xb6\xc3\x9f"
                             "e");
    CU_ASSERT_NOT_EQUAL_FATAL (value, HIVE_NOWHERE);
    face = hive_data (&tree, &tree.values.ptr[value], &len);
    text = hive_narrow (face, len, false);
    CU_ASSERT_STRING_EQUAL (text, "\xf0\x9f\x98\x80");
    CU_ASSERT_EQUAL (hive_find_key (&tree, 0, "Select\\none"), HIVE_NOWHERE);
    free (hive.ptr);
  }
}

/* Every place of the format's own numbers, broken one by one: found, and said
 * what it is. */
static void
test_damage (void)
{
  static const struct {
    const char *what;
    size_t at;
    uint32_t value;
  } rows[] = {
      {"bin", HIVE_BASE_BYTES, 0},
      {"bin", HIVE_BASE_BYTES + 4, 4096},
      {"bin", HIVE_BASE_BYTES + 8, 1 << 30},
      {"cell", HIVE_BASE_BYTES + 32, 0},
      {"cell", HIVE_BASE_BYTES + 32, 0xfffffff7},
      {"cut off", 40, 1 << 20},
      {"no size", 40, 1},
      {"no cell", 36, 24},
      {"too short", 36, 32},
      {"not known", 24, 9},
      {"regf", 0, 0},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++) {
    CLEANUP_HIVE_TREE struct hive_tree tree = {0};
    CLEANUP_ERR struct err *err = NULL;
    struct hive_bytes hive = hive_make (BEFORE);

    put_le32 (hive.ptr + rows[i].at, rows[i].value);
    hive_seal (hive.ptr, 10);
    CU_ASSERT_EQUAL_FATAL (hive_tree_read (&tree, hive.ptr, hive.len, &err),
                           -1);
    CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, rows[i].what));
    free (hive.ptr);
  }
}

/* Whatever byte of the bins is broken: read or refused, never beyond the end
 * (the sanitizer watches). */
static void
test_any_byte (void)
{
  struct hive_bytes hive = hive_make ("list ri\n" BEFORE);
  unsigned refused = 0;

  for (size_t at = HIVE_BASE_BYTES; at < HIVE_BASE_BYTES + 2048; at++) {
    CLEANUP_HIVE_TREE struct hive_tree tree = {0};
    unsigned char old = hive.ptr[at];

    hive.ptr[at] ^= 0x81;
    refused += hive_tree_read (&tree, hive.ptr, hive.len, NULL) == -1;
    hive.ptr[at] = old;
  }
  CU_ASSERT_TRUE (refused > 100);
  free (hive.ptr);
}

static void
test_hash (void)
{
  /* computed from the definition by a program of another language */
  CU_ASSERT_EQUAL (hive_marvin32 ((const unsigned char *)"", 0),
                   UINT64_C (0xb39efca403966e08));
  CU_ASSERT_EQUAL (hive_marvin32 ((const unsigned char *)"abcd", 4),
                   UINT64_C (0x20094fb11a6cd086));
  CU_ASSERT_EQUAL (hive_marvin32 ((const unsigned char *)"abcdef", 6),
                   UINT64_C (0xb3ebb6b904aaf39b));
}

struct crash {
  struct hive_bytes hive, new, logs[HIVE_LOGS];
};

static void
crash_start (struct crash *c)
{
  memset (c, 0, sizeof *c);
  c->hive = hive_make (BEFORE);
  c->new = hive_make (AFTER);
  hive_make_dirty (&c->hive);
}

static void
crash_end (struct crash *c)
{
  free (c->hive.ptr);
  free (c->new.ptr);
  for (int i = 0; i < HIVE_LOGS; i++)
    free (c->logs[i].ptr);
}

/* Recovered, and what came out is the newest state. */
static void
expect_recovered (struct crash *c, const char *format)
{
  CLEANUP_HIVE_TREE struct hive_tree a = {0}, b = {0};
  CLEANUP_HIVE_CHANGES struct hive_change_vec changes = VEC_EMPTY;
  struct hive_recovery recovery;
  struct hive_base base;

  CU_ASSERT_EQUAL_FATAL (hive_recover (&c->hive, c->logs, &recovery, NULL), 0);
  CU_ASSERT_TRUE (recovery.was_dirty);
  CU_ASSERT_STRING_EQUAL (recovery.format, format);
  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&a, c->hive.ptr, c->hive.len, NULL),
                         0);
  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&b, c->new.ptr, c->new.len, NULL), 0);
  hive_compare (&a, &b, 10, &changes);
  CU_ASSERT_EQUAL (changes.len, 0);
  hive_base_read (c->hive.ptr, c->hive.len, &base);
  CU_ASSERT_FALSE (hive_is_dirty (&base));
  CU_ASSERT_TRUE (base.primary > 11);
}

static void
expect_refused (struct crash *c, const char *why)
{
  CLEANUP_ERR struct err *err = NULL;
  struct hive_bytes before = {xmemdup (c->hive.ptr, c->hive.len), c->hive.len};
  struct hive_recovery recovery;

  CU_ASSERT_EQUAL_FATAL (hive_recover (&c->hive, c->logs, &recovery, &err), -1);
  CU_ASSERT_PTR_NOT_NULL (strstr (err->msg, why));
  CU_ASSERT_EQUAL (c->hive.len, before.len);
  CU_ASSERT_EQUAL (memcmp (c->hive.ptr, before.ptr, before.len), 0);
  free (before.ptr);
}

static void
test_new_logs (void)
{
  struct crash c;

  crash_start (&c);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 11, 3);
  expect_recovered (&c, "new");
  crash_end (&c);
  /* both files, the second one first */
  crash_start (&c);
  c.logs[1] = hive_make_new_log (&c.hive, &c.new, 11, 1);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 12, 2);
  expect_recovered (&c, "new");
  crash_end (&c);
  /* remnants of an older use do not count */
  crash_start (&c);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 11, 2);
  c.logs[1] = hive_make_new_log (&c.new, &c.hive, 5, 1);
  expect_recovered (&c, "new");
  crash_end (&c);
  /* a damaged base block comes back from the log */
  crash_start (&c);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 11, 2);
  memset (c.hive.ptr, 0xee, 64);
  expect_recovered (&c, "new");
  crash_end (&c);
}

static void
test_new_log_stops (void)
{
  struct hive_recovery recovery;
  struct crash c;
  size_t second;

  /* the second entry was cut off by the crash: the first one alone counts, if
   * what it makes is sound */
  crash_start (&c);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 11, 1);
  second = c.logs[0].len;
  c.logs[0].ptr = xrealloc (c.logs[0].ptr, 2 * second, 1);
  memcpy (c.logs[0].ptr + second, c.logs[0].ptr + 512, second - 512);
  put_le32 (c.logs[0].ptr + second + 12, 12);
  c.logs[0].len = 2 * second - 512;
  CU_ASSERT_EQUAL (hive_recover (&c.hive, c.logs, &recovery, NULL), 0);
  CU_ASSERT_EQUAL (recovery.entries, 1);
  CU_ASSERT_TRUE (recovery.stopped);
  crash_end (&c);
  /* half of a change: refused, and the hive is as it was */
  crash_start (&c);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 11, 2);
  second = 512 + le32 (c.logs[0].ptr + 512 + 4);
  c.logs[0].ptr[second + 60] ^= 1;
  expect_refused (&c, "damaged");
  crash_end (&c);
  crash_start (&c);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 6, 2);
  expect_refused (&c, "none of its logs");
  crash_end (&c);
  crash_start (&c);
  expect_refused (&c, "sequence numbers 11 and 10");
  crash_end (&c);
}

static void
test_old_logs (void)
{
  struct crash c;

  crash_start (&c);
  c.logs[0] = hive_make_old_log (&c.hive, &c.new);
  expect_recovered (&c, "old");
  crash_end (&c);
  crash_start (&c);
  c.logs[2] = hive_make_old_log (&c.hive, &c.new);
  expect_recovered (&c, "old");
  crash_end (&c);
  /* of another time */
  crash_start (&c);
  c.logs[0] = hive_make_old_log (&c.hive, &c.new);
  put_le64 (c.logs[0].ptr + 12, 77);
  hive_seal (c.logs[0].ptr, 11);
  expect_refused (&c, "none of its logs");
  crash_end (&c);
  /* cut off */
  crash_start (&c);
  c.logs[0] = hive_make_old_log (&c.hive, &c.new);
  c.logs[0].len -= 512;
  expect_refused (&c, "none of its logs");
  crash_end (&c);
}

static void
test_clean (void)
{
  struct crash c;
  struct hive_recovery recovery;

  crash_start (&c);
  c.logs[0] = hive_make_new_log (&c.hive, &c.new, 11, 2);
  hive_seal (c.hive.ptr, 10);
  CU_ASSERT_EQUAL (hive_recover (&c.hive, c.logs, &recovery, NULL), 0);
  CU_ASSERT_FALSE (recovery.was_dirty);
  CU_ASSERT_EQUAL (le32 (c.hive.ptr + 4), 10);
  crash_end (&c);
}

/* After each patch: sound, and only what was wanted is different. */
static void
expect_changes (const struct hive_bytes *hive, const char *list,
                const struct hive_change *wanted, size_t n)
{
  CLEANUP_HIVE_TREE struct hive_tree a = {0}, b = {0};
  struct hive_bytes before = make (list, BEFORE);
  struct hive_change_vec all = VEC_EMPTY;
  CLEANUP_ERR struct err *err = NULL;

  for (size_t i = 0; i < n; i++)
    hive_change_vec_push (&all, wanted[i]);
  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&a, before.ptr, before.len, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&b, hive->ptr, hive->len, &err), 0);
  CU_ASSERT_EQUAL (hive_changes_verify (&a, &b, &all, &err), 0);
  all.len = 0;
  CU_ASSERT_EQUAL (hive_changes_verify (&a, &b, &all, NULL), n ? -1 : 0);
  hive_change_vec_release (&all);
  free (before.ptr);
}

static void
test_patch_values (void)
{
  static unsigned char four[4] = {4}, wide[] = {'x', 0, 0, 0, 'y', 0};
  static const struct hive_change wanted[] = {
      {HIVE_SET_VALUE, (char *)"ControlSet001\\Services\\csagent",
       (char *)"Start", 4, four, 4},
      {HIVE_SET_VALUE, (char *)"ControlSet001\\Services\\disk",
       (char *)"ImagePath", 1, wide, sizeof wide},
      {HIVE_REMOVE_VALUE, (char *)"ControlSet001\\Services\\csagent",
       (char *)"", 0, NULL, 0},
      {HIVE_REMOVE_VALUE, (char *)"ControlSet001\\Services\\csagent\\Sim",
       (char *)"Data", 0, NULL, 0},
  };

  for (size_t l = 0; l < ARRAY_SIZE (lists); l++) {
    struct hive_bytes hive = make (lists[l], BEFORE);

    for (size_t i = 0; i < ARRAY_SIZE (wanted); i++) {
      CLEANUP_HIVE_TREE struct hive_tree tree = {0};
      uint32_t key, value;

      CU_ASSERT_EQUAL_FATAL (hive_tree_read (&tree, hive.ptr, hive.len, NULL),
                             0);
      key = find (&tree, wanted[i].key);
      value = hive_find_value (&tree, key, wanted[i].value);
      CU_ASSERT_NOT_EQUAL_FATAL (value, HIVE_NOWHERE);
      if (wanted[i].kind == HIVE_SET_VALUE)
        CU_ASSERT_TRUE (hive_patch_value (hive.ptr, &tree, key, value,
                                          wanted[i].type, wanted[i].data,
                                          wanted[i].len))
      else
        hive_patch_remove_value (hive.ptr, &tree, key, value);
    }
    expect_changes (&hive, lists[l], wanted, ARRAY_SIZE (wanted));
    free (hive.ptr);
  }
}

/* What would have to grow is left to others, and nothing is touched. */
static void
test_patch_no_room (void)
{
  CLEANUP_HIVE_TREE struct hive_tree tree = {0};
  struct hive_bytes hive = hive_make (BEFORE);
  unsigned char long_one[600] = {1};
  uint32_t key;

  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&tree, hive.ptr, hive.len, NULL), 0);
  key = find (&tree, "ControlSet001\\Services\\csagent");
  CU_ASSERT_FALSE (hive_patch_value (hive.ptr, &tree, key,
                                     hive_find_value (&tree, key, "Start"), 3,
                                     long_one, 5));
  CU_ASSERT_FALSE (hive_patch_value (hive.ptr, &tree, key,
                                     hive_find_value (&tree, key, "Groups"), 3,
                                     long_one, sizeof long_one));
  expect_changes (&hive, "", NULL, 0);
  free (hive.ptr);
}

static void
test_patch_keys (void)
{
  /* from the middle, the ends, and down to an empty list */
  static const char *const order[] = {"csagent", "vhd", "\xc3\x84pfel", "disk",
                                      "wof"};

  for (size_t l = 0; l < ARRAY_SIZE (lists); l++) {
    struct hive_bytes hive = make (lists[l], BEFORE);
    struct hive_change wanted[ARRAY_SIZE (order)] = {{0}};

    for (size_t i = 0; i < ARRAY_SIZE (order); i++) {
      CLEANUP_HIVE_TREE struct hive_tree tree = {0};

      CU_ASSERT_EQUAL_FATAL (hive_tree_read (&tree, hive.ptr, hive.len, NULL),
                             0);
      wanted[i].kind = HIVE_REMOVE_KEY;
      wanted[i].key = xasprintf ("ControlSet001\\Services\\%s", order[i]);
      hive_patch_remove_key (hive.ptr, &tree, find (&tree, wanted[i].key));
      expect_changes (&hive, lists[l], wanted, i + 1);
    }
    for (size_t i = 0; i < ARRAY_SIZE (order); i++)
      free (wanted[i].key);
    free (hive.ptr);
  }
}

static void
test_compare (void)
{
  CLEANUP_HIVE_TREE struct hive_tree a = {0}, b = {0};
  CLEANUP_HIVE_CHANGES struct hive_change_vec changes = VEC_EMPTY;
  struct hive_bytes x = hive_make (BEFORE), y = hive_make (AFTER);

  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&a, x.ptr, x.len, NULL), 0);
  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&b, y.ptr, y.len, NULL), 0);
  hive_compare (&a, &b, 10, &changes);
  CU_ASSERT_EQUAL (changes.len, 3); /* a value, a key, and the key's value */
  hive_changes_release (&changes);
  /* a time that nobody asked for */
  put_le64 (y.ptr + HIVE_BASE_BYTES + b.keys.ptr[0].cell + 4 + 4, 5);
  hive_tree_release (&b);
  CU_ASSERT_EQUAL_FATAL (hive_tree_read (&b, y.ptr, y.len, NULL), 0);
  hive_compare (&a, &b, 10, &changes);
  CU_ASSERT_EQUAL (changes.len, 4);
  free (x.ptr);
  free (y.ptr);
}

static const struct unit_case cases[] = {
    {"a hive is read whole", test_read},
    {"damage is found and named", test_damage},
    {"any broken byte is survived", test_any_byte},
    {"the hash of log entries", test_hash},
    {"new logs are applied in order", test_new_logs},
    {"new logs end where the crash came", test_new_log_stops},
    {"old logs are applied if they fit", test_old_logs},
    {"a clean hive does not need its logs", test_clean},
    {"values are changed in place", test_patch_values},
    {"what does not fit is left alone", test_patch_no_room},
    {"keys are removed with what is below", test_patch_keys},
    {"differences are found", test_compare},
};
UNIT_MAIN ("hive", cases)
