#include "hive.h"

#include <string.h>

#include <base/bytes.h>
#include <base/strbuf.h>

#include "name-match.h"

#define REG_DWORD 4

int
hive_base_read (const unsigned char *bytes, size_t len, struct hive_base *base)
{
  memset (base, 0, sizeof *base);
  if (len < HIVE_BASE_HEAD)
    return -1;
  base->signed_regf = memcmp (bytes, "regf", 4) == 0;
  base->checksum_ok = le32 (bytes + 508) == hive_checksum (bytes);
  base->primary = le32 (bytes + 4);
  base->secondary = le32 (bytes + 8);
  base->written = le64 (bytes + 12);
  base->major = le32 (bytes + 20);
  base->minor = le32 (bytes + 24);
  base->type = le32 (bytes + 28);
  base->root = le32 (bytes + 36);
  base->bins_bytes = le32 (bytes + 40);
  base->cluster = le32 (bytes + 44);
  return 0;
}

uint32_t
hive_checksum (const unsigned char *bytes)
{
  uint32_t sum = 0;

  for (size_t i = 0; i < 508; i += 4)
    sum ^= le32 (bytes + i);
  if (sum == UINT32_MAX)
    return UINT32_MAX - 1;
  return sum == 0 ? 1 : sum;
}

void
hive_seal (unsigned char *bytes, uint32_t sequence)
{
  put_le32 (bytes + 4, sequence);
  put_le32 (bytes + 8, sequence);
  put_le32 (bytes + 508, hive_checksum (bytes));
}

bool
hive_is_dirty (const struct hive_base *base)
{
  return !base->checksum_ok || base->primary != base->secondary;
}

/* The character at wide[*at], moved behind it. */
static uint32_t
next_wide (const unsigned char *wide, size_t bytes, size_t *at)
{
  uint32_t c = le16 (wide + *at), low;

  *at += 2;
  if (c < 0xd800 || c > 0xdfff)
    return c;
  if (c > 0xdbff || *at + 2 > bytes)
    return 0xfffd;
  low = le16 (wide + *at);
  if (low < 0xdc00 || low > 0xdfff)
    return 0xfffd;
  *at += 2;
  return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

char *
hive_narrow (const unsigned char *wide, size_t bytes, bool lines)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (size_t at = 0; at + 2 <= bytes;) {
    uint32_t c = next_wide (wide, bytes, &at);

    if (c == 0 && !lines)
      break;
    strbuf_add_utf8 (&sb, c ? c : '\n');
  }
  return sb.buf ? sb.buf : xstrdup ("");
}

/* Text of the caller, not of a guest; what is no UTF-8 becomes U+FFFD. */
unsigned char *
hive_wide (const char *text, size_t *bytes)
{
  const unsigned char *p = (const unsigned char *)text;
  unsigned char *wide = xmalloc (4 * strlen (text) + 2);
  size_t n = 0;

  while (*p) {
    int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t c = more ? *p & (0x3f >> more) : *p;

    if (*p >= 0x80 && more == 0)
      c = 0xfffd;
    for (p++; more > 0 && (*p & 0xc0) == 0x80; more--)
      c = c << 6 | (*p++ & 0x3f);
    if (more > 0 || c > 0x10ffff)
      c = 0xfffd;
    if (c >= 0x10000) {
      put_le16 (wide + n, (uint16_t)(0xd800 + ((c - 0x10000) >> 10)));
      n += 2;
      c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    put_le16 (wide + n, (uint16_t)c);
    n += 2;
  }
  put_le16 (wide + n, 0);
  *bytes = n + 2;
  return wide;
}

char *
hive_name_text (const struct hive_tree *tree, struct hive_name name)
{
  const unsigned char *p = tree->bytes + name.at;
  struct strbuf sb = STRBUF_EMPTY;

  if (name.wide) {
    for (size_t at = 0; at + 2 <= name.bytes;) {
      uint32_t c = next_wide (p, name.bytes, &at);

      strbuf_add_utf8 (&sb, c ? c : 0xfffd);
    }
  } else
    for (size_t i = 0; i < name.bytes; i++)
      strbuf_add_utf8 (&sb, p[i] ? p[i] : 0xfffd);
  return sb.buf ? sb.buf : xstrdup ("");
}

char *
hive_key_path (const struct hive_tree *tree, uint32_t key)
{
  char *path = xstrdup ("");

  /* the root is key 0, and every parent comes before its children */
  while (key > 0) {
    CLEANUP_FREE char *name = hive_name_text (tree, tree->keys.ptr[key].name);
    CLEANUP_FREE char *rest = path;

    path = xasprintf ("%s%s%s", name, *rest ? "\\" : "", rest);
    key = tree->keys.ptr[key].parent;
  }
  return path;
}

static bool
is_named (const struct hive_tree *tree, struct hive_name name,
          const char *wanted)
{
  CLEANUP_FREE char *text = NULL;

  if (name.bytes == 0 || *wanted == '\0')
    return name.bytes == 0 && *wanted == '\0';
  text = hive_name_text (tree, name);
  return name_equal (text, wanted, true);
}

uint32_t
hive_find_child (const struct hive_tree *tree, uint32_t key, const char *name)
{
  const struct hive_key *k = &tree->keys.ptr[key];

  for (uint32_t i = 0; i < k->n_children; i++)
    if (is_named (tree, tree->keys.ptr[k->first_child + i].name, name))
      return k->first_child + i;
  return HIVE_NOWHERE;
}

uint32_t
hive_find_key (const struct hive_tree *tree, uint32_t from, const char *path)
{
  CLEANUP_FREE char *copy = xstrdup (path);
  char *rest = copy, *part;

  while (from != HIVE_NOWHERE && (part = strsep (&rest, "\\")) != NULL)
    if (*part)
      from = hive_find_child (tree, from, part);
  return from;
}

uint32_t
hive_find_value (const struct hive_tree *tree, uint32_t key, const char *name)
{
  const struct hive_key *k = &tree->keys.ptr[key];

  for (uint32_t i = 0; i < k->n_values; i++)
    if (is_named (tree, tree->values.ptr[k->first_value + i].name, name))
      return k->first_value + i;
  return HIVE_NOWHERE;
}

/* The segments were checked when the tree was read. */
static void
join_segments (const struct hive_tree *tree, const struct hive_value *value,
               unsigned char *data)
{
  const unsigned char *bins = tree->bytes + HIVE_BASE_BYTES;
  const unsigned char *db = bins + value->data_cell + 4;
  const unsigned char *list = bins + le32 (db + 4) + 4;
  size_t left = value->data_bytes;

  for (; left > 0; list += 4) {
    size_t n = left < HIVE_SEGMENT_BYTES ? left : HIVE_SEGMENT_BYTES;

    memcpy (data, bins + le32 (list) + 4, n);
    data += n;
    left -= n;
  }
}

unsigned char *
hive_data (const struct hive_tree *tree, const struct hive_value *value,
           size_t *len)
{
  const unsigned char *bins = tree->bytes + HIVE_BASE_BYTES;
  unsigned char *data = xcalloc (1, (size_t)value->data_bytes + 2);

  *len = value->data_bytes;
  if (value->big)
    join_segments (tree, value, data);
  else if (value->data_cell != HIVE_NOWHERE)
    memcpy (data, bins + value->data_cell + 4, value->data_bytes);
  else if (value->data_bytes) /* in place of the offset */
    memcpy (data, bins + value->cell + 4 + 8, value->data_bytes);
  return data;
}

int
hive_get_dword (const struct hive_tree *tree, uint32_t key, const char *name,
                uint32_t *number)
{
  CLEANUP_FREE unsigned char *data = NULL;
  uint32_t v = hive_find_value (tree, key, name);
  size_t len;

  if (v == HIVE_NOWHERE || tree->values.ptr[v].type != REG_DWORD ||
      tree->values.ptr[v].data_bytes != 4)
    return -1;
  data = hive_data (tree, &tree->values.ptr[v], &len);
  *number = le32 (data);
  return 0;
}

const unsigned char *
hive_security (const struct hive_tree *tree, const struct hive_key *key,
               size_t *len)
{
  const unsigned char *sk;

  *len = 0;
  if (key->security == HIVE_NOWHERE)
    return NULL;
  sk = tree->bytes + HIVE_BASE_BYTES + key->security + 4;
  *len = le32 (sk + 16);
  return sk + 20;
}

void
hive_tree_release (struct hive_tree *tree)
{
  hive_key_vec_release (&tree->keys);
  hive_value_vec_release (&tree->values);
}
