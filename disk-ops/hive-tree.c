/* Reading a hive whole, which is also its check; hive.h has the contract. */

#include <inttypes.h>
#include <string.h>

#include <base/bytes.h>

#include "hive.h"

#define BIN_HEADER 32
#define MAX_BYTES  (UINT32_C (0x7fffffff))
#define NK_FIXED   76
#define VK_FIXED   20
#define SK_FIXED   20
#define KEY_LATIN1 0x0020 /* flags of nk */
#define VAL_LATIN1 0x0001 /* flags of vk */
#define INLINE_BIT UINT32_C (0x80000000)

struct reading {
  struct hive_tree *tree;
  const unsigned char *bins;
  uint32_t size;         /* of the bins */
  unsigned char *starts; /* a bit for every 8 bytes: a cell starts here */
  unsigned char *taken;  /* ... and it is in use by something above it */
};

static bool
bit (const unsigned char *bits, uint32_t offset)
{
  return bits[offset / 64] & 1U << (offset / 8 % 8);
}

static void
set_bit (unsigned char *bits, uint32_t offset)
{
  bits[offset / 64] |= (unsigned char)(1U << (offset / 8 % 8));
}

static int ATTR_PRINTF (2, 3) damaged (struct err **err, const char *fmt, ...)
{
  CLEANUP_FREE char *what = NULL;
  va_list args;

  va_start (args, fmt);
  what = xvasprintf (fmt, args);
  va_end (args);
  return err_set (err, ERR_DISK, "%s", what);
}

static uint32_t
cell_bytes (const struct reading *r, uint32_t offset)
{
  int32_t size = (int32_t)le32 (r->bins + offset);

  /* the smallest number has no opposite */
  return size < 0 ? 0U - (uint32_t)size : (uint32_t)size;
}

/* Cells fill a bin without gaps. */
static int
read_cells (struct reading *r, uint32_t from, uint32_t to, struct err **err)
{
  while (from < to) {
    uint32_t bytes = cell_bytes (r, from);

    if (bytes < 8 || bytes % 8 || bytes > to - from)
      return damaged (err, "the cell at 0x%" PRIx32 " has a length of %" PRIu32,
                      from, bytes);
    set_bit (r->starts, from);
    from += bytes;
  }
  return 0;
}

static int
read_bins (struct reading *r, struct err **err)
{
  for (uint32_t at = 0; at < r->size;) {
    const unsigned char *bin = r->bins + at;
    uint32_t bytes = le32 (bin + 8);

    if (memcmp (bin, "hbin", 4) != 0)
      return damaged (err, "no bin starts at 0x%" PRIx32, at);
    if (le32 (bin + 4) != at || bytes == 0 || bytes % HIVE_PAGE ||
        bytes > r->size - at)
      return damaged (err, "the bin at 0x%" PRIx32 " has a bad header", at);
    if (read_cells (r, at + BIN_HEADER, at + bytes, err) == -1)
      return -1;
    at += bytes;
  }
  return 0;
}

/* The content of an allocated cell with at least `need` bytes, its length at
 * *len; NULL if there is none. */
static const unsigned char *
look_at_cell (const struct reading *r, uint32_t offset, size_t need,
              size_t *len, const char *what, struct err **err)
{
  if (offset >= r->size || offset % 8 || !bit (r->starts, offset)) {
    damaged (err, "%s: no cell starts at 0x%" PRIx32, what, offset);
    return NULL;
  }
  *len = cell_bytes (r, offset) - 4;
  if ((int32_t)le32 (r->bins + offset) > 0) {
    damaged (err, "%s: the cell at 0x%" PRIx32 " is free", what, offset);
    return NULL;
  }
  if (*len < need) {
    damaged (err, "%s: the cell at 0x%" PRIx32 " is too short", what, offset);
    return NULL;
  }
  return r->bins + offset + 4;
}

/* The same for a cell with a single owner. */
static const unsigned char *
take_cell (struct reading *r, uint32_t offset, size_t need, size_t *len,
           const char *what, struct err **err)
{
  const unsigned char *cell = look_at_cell (r, offset, need, len, what, err);

  if (cell && bit (r->taken, offset)) {
    damaged (err, "%s: the cell at 0x%" PRIx32 " is used twice", what, offset);
    return NULL;
  }
  if (cell)
    set_bit (r->taken, offset);
  return cell;
}

static uint32_t
file_offset (const struct reading *r, const unsigned char *p)
{
  return (uint32_t)(p - r->tree->bytes);
}

/* Descriptors form a ring: the neighbour of one points back at it. */
static int
check_neighbour (const struct reading *r, uint32_t offset, uint32_t neighbour,
                 size_t back, struct err **err)
{
  size_t len;
  const unsigned char *sk =
      look_at_cell (r, neighbour, SK_FIXED, &len, "security", err);

  if (sk == NULL)
    return -1;
  if (memcmp (sk, "sk", 2) != 0 || le32 (sk + back) != offset)
    return damaged (err,
                    "the ring of security descriptors is broken at 0x%" PRIx32,
                    offset);
  return 0;
}

/* They are shared by keys. */
static int
read_security (struct reading *r, uint32_t offset, struct err **err)
{
  const unsigned char *sk;
  size_t len;

  if (offset == HIVE_NOWHERE)
    return 0;
  sk = look_at_cell (r, offset, SK_FIXED, &len, "security", err);
  if (sk == NULL)
    return -1;
  if (memcmp (sk, "sk", 2) != 0 || le32 (sk + 16) > len - SK_FIXED)
    return damaged (err, "the cell at 0x%" PRIx32 " is no security descriptor",
                    offset);
  if (bit (r->taken, offset))
    return 0;
  set_bit (r->taken, offset);
  return check_neighbour (r, offset, le32 (sk + 4), 8, err) == -1 ||
                 check_neighbour (r, offset, le32 (sk + 8), 4, err) == -1
             ? -1
             : 0;
}

static int
read_big_data (struct reading *r, struct hive_value *v, const unsigned char *db,
               struct err **err)
{
  const unsigned char *list;
  size_t len, left = v->data_bytes;
  uint32_t n = le16 (db + 2);

  if (n != (left + HIVE_SEGMENT_BYTES - 1) / HIVE_SEGMENT_BYTES)
    return damaged (err,
                    "the big data at 0x%" PRIx32 " has %" PRIu32 " segments",
                    v->data_cell, n);
  list = take_cell (r, le32 (db + 4), 4 * (size_t)n, &len, "big data", err);
  for (uint32_t i = 0; list && i < n; i++) {
    size_t want = left < HIVE_SEGMENT_BYTES ? left : HIVE_SEGMENT_BYTES;

    if (take_cell (r, le32 (list + 4 * (size_t)i), want, &len, "segment",
                   err) == NULL)
      return -1;
    left -= want;
  }
  v->big = true;
  return list ? 0 : -1;
}

static int
read_data (struct reading *r, struct hive_value *v, uint32_t size,
           uint32_t offset, struct err **err)
{
  const unsigned char *data;
  size_t len;

  v->data_cell = HIVE_NOWHERE;
  v->data_bytes = size & ~INLINE_BIT;
  if (size & INLINE_BIT) {
    if (v->data_bytes > 4)
      return damaged (err,
                      "the value at 0x%" PRIx32 " has %" PRIu32
                      " bytes in place",
                      v->cell, v->data_bytes);
    return 0;
  }
  if (size == 0)
    return 0;
  v->data_cell = offset;
  if (size > HIVE_SEGMENT_BYTES && r->tree->base.minor > 3) {
    data = take_cell (r, offset, 8, &len, "data", err);
    if (data == NULL)
      return -1;
    if (memcmp (data, "db", 2) == 0)
      return read_big_data (r, v, data, err);
    return len >= size
               ? 0
               : damaged (err, "the data at 0x%" PRIx32 " is cut off", offset);
  }
  return take_cell (r, offset, size, &len, "data", err) ? 0 : -1;
}

static int
read_value (struct reading *r, uint32_t offset, struct err **err)
{
  struct hive_value v = {.cell = offset};
  size_t len;
  const unsigned char *vk = take_cell (r, offset, VK_FIXED, &len, "value", err);

  if (vk == NULL)
    return -1;
  v.name.bytes = le16 (vk + 2);
  v.type = le32 (vk + 12);
  v.flags = le16 (vk + 16);
  v.name.at = file_offset (r, vk + VK_FIXED);
  v.name.wide = !(v.flags & VAL_LATIN1);
  if (memcmp (vk, "vk", 2) != 0 || v.name.bytes > len - VK_FIXED ||
      (v.name.wide && v.name.bytes % 2))
    return damaged (err, "the cell at 0x%" PRIx32 " is no value", offset);
  if (read_data (r, &v, le32 (vk + 4), le32 (vk + 8), err) == -1)
    return -1;
  hive_value_vec_push (&r->tree->values, v);
  return 0;
}

static int
read_values (struct reading *r, uint32_t index, uint32_t n, uint32_t offset,
             struct err **err)
{
  const unsigned char *list;
  size_t len;

  r->tree->keys.ptr[index].first_value = (uint32_t)r->tree->values.len;
  if (n == 0)
    return 0;
  if (n > r->size / 8)
    return damaged (err, "the key at 0x%" PRIx32 " has %" PRIu32 " values",
                    r->tree->keys.ptr[index].cell, n);
  list = take_cell (r, offset, 4 * (size_t)n, &len, "list of values", err);
  for (uint32_t i = 0; list && i < n; i++)
    if (read_value (r, le32 (list + 4 * (size_t)i), err) == -1)
      return -1;
  r->tree->keys.ptr[index].n_values = n;
  return list ? 0 : -1;
}

/* One key, put at the end of the keys; what is below it comes later. */
static int
read_key (struct reading *r, uint32_t offset, uint32_t parent, struct err **err)
{
  struct hive_key k = {.cell = offset, .parent = parent};
  size_t len, class_len;
  const unsigned char *nk = take_cell (r, offset, NK_FIXED, &len, "key", err);
  const unsigned char *class_cell;

  if (nk == NULL)
    return -1;
  k.flags = le16 (nk + 2);
  k.written = le64 (nk + 4);
  k.security = le32 (nk + 44);
  k.name.bytes = le16 (nk + 72);
  k.name.at = file_offset (r, nk + NK_FIXED);
  k.name.wide = !(k.flags & KEY_LATIN1);
  if (memcmp (nk, "nk", 2) != 0 || k.name.bytes > len - NK_FIXED ||
      (k.name.wide && k.name.bytes % 2) ||
      (k.name.bytes == 0 && parent != HIVE_NOWHERE))
    return damaged (err, "the cell at 0x%" PRIx32 " is no key", offset);
  if (parent != HIVE_NOWHERE &&
      le32 (nk + 16) != r->tree->keys.ptr[parent].cell)
    return damaged (err, "the key at 0x%" PRIx32 " names another parent",
                    offset);
  if (read_security (r, k.security, err) == -1)
    return -1;
  if (le16 (nk + 74) && le32 (nk + 48) != HIVE_NOWHERE) {
    class_cell = take_cell (r, le32 (nk + 48), le16 (nk + 74), &class_len,
                            "class name", err);
    if (class_cell == NULL)
      return -1;
    k.class_name.at = file_offset (r, class_cell);
    k.class_name.bytes = le16 (nk + 74);
    k.class_name.wide = true;
  }
  hive_key_vec_push (&r->tree->keys, k);
  return 0;
}

/* One list of subkeys; *left counts down what is still to come. */
static int
read_leaf (struct reading *r, uint32_t offset, uint32_t parent, uint32_t *left,
           struct err **err)
{
  size_t len, step;
  const unsigned char *list =
      take_cell (r, offset, 4, &len, "list of subkeys", err);
  uint32_t n;

  if (list == NULL)
    return -1;
  n = le16 (list + 2);
  step = memcmp (list, "li", 2) == 0 ? 4 : 8;
  if (step == 8 && memcmp (list, "lf", 2) != 0 && memcmp (list, "lh", 2) != 0)
    return damaged (err, "the cell at 0x%" PRIx32 " is no list of subkeys",
                    offset);
  if (4 + n * step > len || n > *left || n == 0)
    return damaged (err,
                    "the list of subkeys at 0x%" PRIx32 " has %" PRIu32
                    " entries",
                    offset, n);
  for (uint32_t i = 0; i < n; i++)
    if (read_key (r, le32 (list + 4 + i * step), parent, err) == -1)
      return -1;
  *left -= n;
  return 0;
}

static int
read_subkeys (struct reading *r, uint32_t index, struct err **err)
{
  const unsigned char *nk = r->bins + r->tree->keys.ptr[index].cell + 4, *list;
  uint32_t left = le32 (nk + 20), offset = le32 (nk + 28), n;
  size_t len;

  r->tree->keys.ptr[index].first_child = (uint32_t)r->tree->keys.len;
  r->tree->keys.ptr[index].n_children = left;
  if (left == 0)
    return 0;
  list = look_at_cell (r, offset, 4, &len, "list of subkeys", err);
  if (list == NULL)
    return -1;
  if (memcmp (list, "ri", 2) != 0) {
    if (read_leaf (r, offset, index, &left, err) == -1)
      return -1;
  } else {
    if (take_cell (r, offset, 4, &len, "index", err) == NULL)
      return -1;
    n = le16 (list + 2);
    if (4 + 4 * (size_t)n > len)
      return damaged (err, "the index at 0x%" PRIx32 " has %" PRIu32 " entries",
                      offset, n);
    for (uint32_t i = 0; i < n; i++)
      if (read_leaf (r, le32 (list + 4 + 4 * (size_t)i), index, &left, err) ==
          -1)
        return -1;
  }
  if (left > 0)
    return damaged (err,
                    "%" PRIu32 " subkeys of the key at 0x%" PRIx32
                    " are missing",
                    left, r->tree->keys.ptr[index].cell);
  return 0;
}

static int
check_base (const struct hive_base *b, size_t len, struct err **err)
{
  if (!b->signed_regf)
    return damaged (err, "it does not start with \"regf\"");
  if (b->major != 1 || b->minor < 3 || b->minor > 6 || b->type != 0)
    return damaged (err,
                    "its format %" PRIu32 ".%" PRIu32 " (type %" PRIu32
                    ") is not known",
                    b->major, b->minor, b->type);
  if (!b->checksum_ok)
    return damaged (err, "the checksum of its base block is wrong");
  if (b->bins_bytes == 0 || b->bins_bytes % HIVE_PAGE ||
      b->bins_bytes > MAX_BYTES)
    return damaged (err, "%" PRIu32 " is no size of bins", b->bins_bytes);
  if (b->bins_bytes > len - HIVE_BASE_BYTES)
    return damaged (err, "it is cut off: %zu bytes of %" PRIu64, len,
                    (uint64_t)b->bins_bytes + HIVE_BASE_BYTES);
  return 0;
}

/* Level by level, so that children stand together and no depth matters. */
static int
read_all (struct reading *r, struct err **err)
{
  struct hive_tree *tree = r->tree;

  if (read_bins (r, err) == -1 ||
      read_key (r, tree->base.root, HIVE_NOWHERE, err) == -1)
    return -1;
  for (uint32_t i = 0; i < tree->keys.len; i++) {
    const unsigned char *nk = r->bins + tree->keys.ptr[i].cell + 4;

    if (read_values (r, i, le32 (nk + 36), le32 (nk + 40), err) == -1 ||
        read_subkeys (r, i, err) == -1)
      return -1;
  }
  return 0;
}

int
hive_tree_read (struct hive_tree *tree, const unsigned char *bytes, size_t len,
                struct err **err)
{
  CLEANUP_FREE unsigned char *starts = NULL, *taken = NULL;
  struct reading r = {.tree = tree};

  memset (tree, 0, sizeof *tree);
  tree->bytes = bytes;
  tree->len = len;
  if (len < HIVE_BASE_BYTES || hive_base_read (bytes, len, &tree->base) == -1)
    return damaged (err, "it has only %zu bytes", len);
  if (check_base (&tree->base, len, err) == -1)
    return -1;
  r.bins = bytes + HIVE_BASE_BYTES;
  r.size = tree->base.bins_bytes;
  starts = xcalloc (1, r.size / 64 + 1);
  taken = xcalloc (1, r.size / 64 + 1);
  r.starts = starts;
  r.taken = taken;
  if (read_all (&r, err) == -1) {
    hive_tree_release (tree);
    return -1;
  }
  return 0;
}
