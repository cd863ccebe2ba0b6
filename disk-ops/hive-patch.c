#include "hive-patch.h"

#include <string.h>

#include <base/bytes.h>

#define INLINE_BIT UINT32_C (0x80000000)

/* Of nk and vk, behind the length of their cell. */
enum {
  NK_N_SUBKEYS = 20,
  NK_SUBKEYS = 28,
  NK_N_VALUES = 36,
  NK_VALUES = 40,
  NK_LARGEST_DATA = 64,
  VK_SIZE = 4,
  VK_DATA = 8,
  VK_TYPE = 12,
  SK_NEXT = 4,
  SK_PREVIOUS = 8,
  SK_REFERENCES = 12
};

static unsigned char *
content (unsigned char *bytes, uint32_t cell)
{
  return bytes + HIVE_BASE_BYTES + cell + 4;
}

static uint32_t
room (const unsigned char *bytes, uint32_t cell)
{
  return 0U - le32 (bytes + HIVE_BASE_BYTES + cell) - 4;
}

/* Windows joins free neighbours itself when it loads the hive. */
static void
free_cell (unsigned char *bytes, uint32_t cell)
{
  unsigned char *at = bytes + HIVE_BASE_BYTES + cell;
  uint32_t size = le32 (at);

  if ((int32_t)size < 0)
    put_le32 (at, 0U - size);
}

static void
free_data (unsigned char *bytes, const struct hive_value *v)
{
  if (v->data_cell == HIVE_NOWHERE)
    return;
  if (v->big) {
    const unsigned char *db = content (bytes, v->data_cell);
    uint32_t list = le32 (db + 4), n = le16 (db + 2);

    for (uint32_t i = 0; i < n; i++)
      free_cell (bytes, le32 (content (bytes, list) + 4 * (size_t)i));
    free_cell (bytes, list);
  }
  free_cell (bytes, v->data_cell);
}

bool
hive_patch_value (unsigned char *bytes, const struct hive_tree *tree,
                  uint32_t key, uint32_t value, uint32_t type, const void *data,
                  size_t len)
{
  const struct hive_value *v = &tree->values.ptr[value];
  unsigned char *vk = content (bytes, v->cell);
  unsigned char *nk = content (bytes, tree->keys.ptr[key].cell);

  if (len <= 4) {
    free_data (bytes, v);
    put_le32 (vk + VK_SIZE, (uint32_t)len | INLINE_BIT);
    put_le32 (vk + VK_DATA, 0);
    if (len)
      memcpy (vk + VK_DATA, data, len);
  } else {
    if (v->data_cell == HIVE_NOWHERE || v->big || len > HIVE_SEGMENT_BYTES ||
        len > room (bytes, v->data_cell))
      return false;
    memcpy (content (bytes, v->data_cell), data, len);
    put_le32 (vk + VK_SIZE, (uint32_t)len);
  }
  put_le32 (vk + VK_TYPE, type);
  if (le32 (nk + NK_LARGEST_DATA) < len)
    put_le32 (nk + NK_LARGEST_DATA, (uint32_t)len);
  return true;
}

static void
free_value (unsigned char *bytes, const struct hive_value *v)
{
  free_data (bytes, v);
  free_cell (bytes, v->cell);
}

void
hive_patch_remove_value (unsigned char *bytes, const struct hive_tree *tree,
                         uint32_t key, uint32_t value)
{
  const struct hive_key *k = &tree->keys.ptr[key];
  unsigned char *nk = content (bytes, k->cell);
  uint32_t list = le32 (nk + NK_VALUES), place = value - k->first_value;
  unsigned char *entry = content (bytes, list) + 4 * (size_t)place;

  free_value (bytes, &tree->values.ptr[value]);
  memmove (entry, entry + 4, 4 * (size_t)(k->n_values - place - 1));
  put_le32 (nk + NK_N_VALUES, k->n_values - 1);
  if (k->n_values == 1) {
    free_cell (bytes, list);
    put_le32 (nk + NK_VALUES, HIVE_NOWHERE);
  }
}

/* Takes entry i out of a list whose entries start at 4. */
static void
shorten (unsigned char *list, uint32_t i, size_t step)
{
  uint32_t n = le16 (list + 2);
  unsigned char *entry = list + 4 + i * step;

  memmove (entry, entry + step, (n - i - 1) * step);
  put_le16 (list + 2, (uint16_t)(n - 1));
}

/* Takes a subkey out of one list: 1: it was there; then *empty says whether
 * that was all. */
static int
unlink_from (unsigned char *list, uint32_t cell, bool *empty)
{
  size_t step = memcmp (list, "li", 2) == 0 ? 4 : 8;
  uint32_t n = le16 (list + 2);

  for (uint32_t i = 0; i < n; i++)
    if (le32 (list + 4 + i * step) == cell) {
      shorten (list, i, step);
      *empty = n == 1;
      return 1;
    }
  return 0;
}

static void
unlink_key (unsigned char *bytes, const struct hive_tree *tree, uint32_t key)
{
  uint32_t cell = tree->keys.ptr[key].cell;
  unsigned char *nk =
      content (bytes, tree->keys.ptr[tree->keys.ptr[key].parent].cell);
  uint32_t at = le32 (nk + NK_SUBKEYS);
  unsigned char *list = content (bytes, at);
  bool empty = false;

  if (memcmp (list, "ri", 2) != 0)
    unlink_from (list, cell, &empty);
  else
    for (uint32_t i = 0; i < le16 (list + 2); i++) {
      uint32_t leaf = le32 (list + 4 + 4 * (size_t)i);

      if (unlink_from (content (bytes, leaf), cell, &empty) == 0)
        continue;
      if (empty) {
        free_cell (bytes, leaf);
        shorten (list, i, 4);
        empty = le16 (list + 2) == 0;
      }
      break;
    }
  put_le32 (nk + NK_N_SUBKEYS, le32 (nk + NK_N_SUBKEYS) - 1);
  if (empty) {
    free_cell (bytes, at);
    put_le32 (nk + NK_SUBKEYS, HIVE_NOWHERE);
  }
}

/* One key less has this descriptor; the last one takes it along. */
static void
drop_security (unsigned char *bytes, uint32_t cell)
{
  unsigned char *sk;
  uint32_t next, previous;

  if (cell == HIVE_NOWHERE)
    return;
  sk = content (bytes, cell);
  if (le32 (sk + SK_REFERENCES) > 0)
    put_le32 (sk + SK_REFERENCES, le32 (sk + SK_REFERENCES) - 1);
  if (le32 (sk + SK_REFERENCES) > 0)
    return;
  next = le32 (sk + SK_NEXT);
  previous = le32 (sk + SK_PREVIOUS);
  if (next == cell) /* the only one there is: the root has it too */
    return;
  put_le32 (content (bytes, next) + SK_PREVIOUS, previous);
  put_le32 (content (bytes, previous) + SK_NEXT, next);
  free_cell (bytes, cell);
}

static void
free_lists (unsigned char *bytes, const unsigned char *nk)
{
  uint32_t at = le32 (nk + NK_SUBKEYS);
  const unsigned char *list;

  if (le32 (nk + NK_N_VALUES) > 0)
    free_cell (bytes, le32 (nk + NK_VALUES));
  if (le32 (nk + NK_N_SUBKEYS) == 0)
    return;
  list = content (bytes, at);
  if (memcmp (list, "ri", 2) == 0)
    for (uint32_t i = 0; i < le16 (list + 2); i++)
      free_cell (bytes, le32 (list + 4 + 4 * (size_t)i));
  free_cell (bytes, at);
}

static void
free_key (unsigned char *bytes, const struct hive_tree *tree, uint32_t key)
{
  const struct hive_key *k = &tree->keys.ptr[key];

  for (uint32_t i = 0; i < k->n_values; i++)
    free_value (bytes, &tree->values.ptr[k->first_value + i]);
  free_lists (bytes, content (bytes, k->cell));
  if (k->class_name.bytes)
    free_cell (bytes, k->class_name.at - HIVE_BASE_BYTES - 4);
  drop_security (bytes, k->security);
  free_cell (bytes, k->cell);
}

void
hive_patch_remove_key (unsigned char *bytes, const struct hive_tree *tree,
                       uint32_t key)
{
  /* children stand behind their parents, so one pass finds all */
  CLEANUP_FREE unsigned char *doomed = xcalloc (1, tree->keys.len);

  unlink_key (bytes, tree, key);
  doomed[key] = 1;
  for (uint32_t i = key; i < tree->keys.len; i++) {
    if (i > key && doomed[tree->keys.ptr[i].parent])
      doomed[i] = 1;
    if (doomed[i])
      free_key (bytes, tree, i);
  }
}
