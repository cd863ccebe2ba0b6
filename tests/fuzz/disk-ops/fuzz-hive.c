/* Hives and their logs: any damage is refused or survived, and every change of
 * a sound hive leaves a sound hive.
 *
 * A hive of 8 KiB is too long for a fuzzer to find its way in by itself, so the
 * input is a list of changes of a whole one: first byte: which file of the set,
 * and whether the checksums are made right again afterwards; then three bytes
 * each: place (two) and new content. */

#include "fuzz.h"

#include <string.h>

#include <base/bytes.h>
#include <base/mem.h>
#include <disk-ops/hive-diff.h>
#include <disk-ops/hive-log.h>
#include <disk-ops/hive-patch.h>
#include <hives/hive-make.h>

#define TEXT                                                                   \
  "list ri\n"                                                                  \
  "key Select\n"                                                               \
  "dword Current 1\n"                                                          \
  "key A\\b\n"                                                                 \
  "sz Name some text\n"                                                        \
  "multi Names one|two\n"                                                      \
  "key A\\c\\d\n"                                                              \
  "big Data 20000\n"                                                           \
  "key E\n"                                                                    \
  "key F\n"

static void
reseal (struct hive_bytes *log)
{
  unsigned char *e = log->ptr + 512;
  uint32_t len;

  put_le32 (log->ptr + 508, hive_checksum (log->ptr));
  if (log->len < 552 || memcmp (e, "HvLE", 4) != 0)
    return;
  len = le32 (e + 4);
  if (len < 40 || len > log->len - 512)
    return;
  put_le64 (e + 24, hive_marvin32 (e + 40, len - 40));
  put_le64 (e + 32, hive_marvin32 (e, 32));
}

/* Takes everything apart, one thing after the other. */
static void
change_all (const struct hive_bytes *hive)
{
  struct hive_bytes copy = {xmemdup (hive->ptr, hive->len), hive->len};

  for (int round = 0; round < 64; round++) {
    CLEANUP_HIVE_TREE struct hive_tree tree = {0};
    uint32_t key;

    if (hive_tree_read (&tree, copy.ptr, copy.len, NULL) == -1) {
      /* a descriptor that says it has fewer users than it has is the one
       * thing that a removal trusts */
      break;
    }
    key = (uint32_t)tree.keys.len - 1;
    if (tree.keys.ptr[key].n_values > 0) {
      uint32_t value = tree.keys.ptr[key].first_value;

      if (round % 2)
        hive_patch_value (copy.ptr, &tree, key, value, 4, "1234", 4);
      else
        hive_patch_remove_value (copy.ptr, &tree, key, value);
    } else if (key > 0)
      hive_patch_remove_key (copy.ptr, &tree, key);
    else
      break;
  }
  free (copy.ptr);
}

/* Made once: the text is the same every time. */
struct originals {
  struct hive_bytes clean, dirty, newer, new_log, old_log, second_log;
};

static const struct originals *
originals (void)
{
  static struct originals o;

  if (o.clean.ptr)
    return &o;
  o.clean = hive_make (TEXT);
  o.dirty = hive_make (TEXT);
  o.newer = hive_make (TEXT "key G\nbig Data 9000\n");
  hive_make_dirty (&o.dirty);
  o.new_log = hive_make_new_log (&o.clean, &o.newer, 11, 1);
  o.old_log = hive_make_old_log (&o.clean, &o.newer);
  o.second_log = hive_make_new_log (&o.clean, &o.newer, 12, 1);
  return &o;
}

static struct hive_bytes
copy_of (struct hive_bytes b)
{
  return (struct hive_bytes){xmemdup (b.ptr, b.len), b.len};
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const struct originals *o = originals ();
  CLEANUP_HIVE_CHANGES struct hive_change_vec changes = VEC_EMPTY;
  unsigned how = size ? data[0] : 0;
  struct hive_bytes hive = copy_of (how & 4 ? o->dirty : o->clean);
  struct hive_bytes logs[HIVE_LOGS] = {copy_of (how & 8 ? o->old_log
                                                        : o->new_log),
                                       copy_of (o->second_log)};
  struct hive_bytes *target = how & 1 ? &logs[how >> 1 & 1] : &hive;
  struct hive_recovery recovery;
  struct hive_tree a = {0}, b = {0};

  for (size_t i = 1; i + 2 < size; i += 3)
    target->ptr[le16 (data + i) % target->len] = data[i + 2];
  if (how & 16)
    reseal (target);
  if (hive_recover (&hive, logs, &recovery, NULL) == 0 &&
      hive_tree_read (&b, hive.ptr, hive.len, NULL) == 0) {
    FUZZ_CHECK (hive_tree_read (&a, o->clean.ptr, o->clean.len, NULL) == 0);
    hive_compare (&a, &b, 100, &changes);
    change_all (&hive);
  }
  hive_tree_release (&a);
  hive_tree_release (&b);
  free (hive.ptr);
  for (int i = 0; i < HIVE_LOGS; i++)
    free (logs[i].ptr);
  return 0;
}
