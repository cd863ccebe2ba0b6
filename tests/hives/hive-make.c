#include "hive-make.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/bytes.h>
#include <base/text.h>

#define LEAF_MAX 3 /* of the lists below an index */

struct value {
  char *name;
  uint32_t type;
  unsigned char *data;
  size_t len;
};
DEFINE_VEC (struct value, value_vec);

struct key {
  char *name;
  struct key **children;
  size_t n_children;
  struct value_vec values;
};

struct maker {
  struct hive_bytes out;
  uint32_t used, end; /* of the last bin, from the start of the bins */
  uint32_t security;
  char list[3];
};

static void __attribute__ ((noreturn)) mistake (const char *line)
{
  fprintf (stderr, "hive-make: %s\n", line);
  abort ();
}

/* --- the text --- */

static struct key *
child (struct key *parent, const char *name)
{
  size_t i = 0;
  struct key *k;

  while (i < parent->n_children &&
         strcasecmp (parent->children[i]->name, name) < 0)
    i++;
  if (i < parent->n_children &&
      strcasecmp (parent->children[i]->name, name) == 0)
    return parent->children[i];
  k = xcalloc (1, sizeof *k);
  k->name = xstrdup (name);
  parent->children = xrealloc (parent->children, parent->n_children + 1,
                               sizeof *parent->children);
  memmove (&parent->children[i + 1], &parent->children[i],
           (parent->n_children - i) * sizeof *parent->children);
  parent->children[i] = k;
  parent->n_children++;
  return k;
}

static void
number (struct value *v, const char *text, size_t len)
{
  v->data = xcalloc (1, 8);
  put_le64 (v->data, strtoull (text, NULL, 0));
  v->len = len;
}

static void
lines (struct value *v, char *text)
{
  v->data = hive_wide (text, &v->len);
  for (size_t i = 0; i + 2 < v->len; i += 2)
    if (le16 (v->data + i) == '|')
      put_le16 (v->data + i, 0);
  v->data = xrealloc (v->data, v->len + 2, 1);
  put_le16 (v->data + v->len, 0);
  v->len += *text ? 2 : 0;
}

static void
read_value (struct key *key, const char *kind, const char *name, char *text)
{
  struct value v = {.name = xstrdup (strcmp (name, "@") == 0 ? "" : name)};

  if (strcmp (kind, "dword") == 0) {
    v.type = 4;
    number (&v, text, 4);
  } else if (strcmp (kind, "qword") == 0) {
    v.type = 11;
    number (&v, text, 8);
  } else if (strcmp (kind, "sz") == 0 || strcmp (kind, "expand") == 0) {
    v.type = *kind == 's' ? 1 : 2;
    v.data = hive_wide (text, &v.len);
  } else if (strcmp (kind, "multi") == 0) {
    v.type = 7;
    lines (&v, text);
  } else if (strcmp (kind, "binary") == 0) {
    v.type = 3;
    if (hex_decode (text, &v.data, &v.len) == -1)
      mistake (text);
  } else if (strcmp (kind, "big") == 0) {
    v.type = 3;
    v.len = strtoul (text, NULL, 0);
    v.data = xmalloc (v.len);
    for (size_t i = 0; i < v.len; i++)
      v.data[i] = (unsigned char)(i * 7 + i / 256);
  } else
    mistake (kind);
  value_vec_push (&key->values, v);
}

static void
read_line (struct maker *m, struct key *root, struct key **last, char *line)
{
  char *kind = strsep (&line, " "), *part;

  if (line == NULL)
    mistake (kind);
  if (strcmp (kind, "list") == 0)
    snprintf (m->list, sizeof m->list, "%s", line);
  else if (strcmp (kind, "key") == 0) {
    *last = root;
    while ((part = strsep (&line, "\\")) != NULL)
      if (*part)
        *last = child (*last, part);
  } else {
    char *name = strsep (&line, " ");

    read_value (*last, kind, name, line ? line : (char *)"");
  }
}

/* --- the bytes --- */

static void
add_bin (struct maker *m, uint32_t need)
{
  uint32_t size = (need + 32 + HIVE_PAGE - 1) / HIVE_PAGE * HIVE_PAGE;
  size_t at = HIVE_BASE_BYTES + (size_t)m->end;

  m->out.ptr = xrealloc (m->out.ptr, at + size, 1);
  memset (m->out.ptr + at, 0, size);
  m->out.len = at + size;
  memcpy (m->out.ptr + at, "hbin", 4);
  put_le32 (m->out.ptr + at + 4, m->end);
  put_le32 (m->out.ptr + at + 8, size);
  if (m->end == 0)
    put_le64 (m->out.ptr + at + 20, 0x01d59505);
  m->used = m->end + 32;
  m->end += size;
}

/* The rest of the last bin is one free cell. */
static uint32_t
add_cell (struct maker *m, size_t content)
{
  uint32_t need = (uint32_t)(content + 4 + 7) / 8 * 8, cell;

  if (m->used + need > m->end)
    add_bin (m, need);
  cell = m->used;
  put_le32 (m->out.ptr + HIVE_BASE_BYTES + cell, 0U - need);
  m->used += need;
  if (m->used < m->end)
    put_le32 (m->out.ptr + HIVE_BASE_BYTES + m->used, m->end - m->used);
  return cell;
}

static unsigned char *
at (struct maker *m, uint32_t cell)
{
  return m->out.ptr + HIVE_BASE_BYTES + cell + 4;
}

static uint32_t
add_data (struct maker *m, const struct value *v)
{
  uint32_t db, list, n, segment;

  if (v->len <= HIVE_SEGMENT_BYTES) {
    db = add_cell (m, v->len);
    memcpy (at (m, db), v->data, v->len);
    return db;
  }
  n = (uint32_t)((v->len + HIVE_SEGMENT_BYTES - 1) / HIVE_SEGMENT_BYTES);
  db = add_cell (m, 8);
  list = add_cell (m, 4 * (size_t)n);
  memcpy (at (m, db), "db", 2);
  put_le16 (at (m, db) + 2, (uint16_t)n);
  put_le32 (at (m, db) + 4, list);
  for (uint32_t i = 0; i < n; i++) {
    size_t done = i * (size_t)HIVE_SEGMENT_BYTES;
    size_t len =
        v->len - done < HIVE_SEGMENT_BYTES ? v->len - done : HIVE_SEGMENT_BYTES;

    segment = add_cell (m, HIVE_SEGMENT_BYTES);
    memcpy (at (m, segment), v->data + done, len);
    put_le32 (at (m, list) + 4 * (size_t)i, segment);
  }
  return db;
}

static bool
is_ascii (const char *name)
{
  for (; *name; name++)
    if ((unsigned char)*name >= 0x80)
      return false;
  return true;
}

static uint32_t
add_value (struct maker *m, const struct value *v)
{
  size_t wide_len;
  CLEANUP_FREE unsigned char *wide = hive_wide (v->name, &wide_len);
  bool ascii = is_ascii (v->name);
  size_t name_len = ascii ? strlen (v->name) : wide_len - 2;
  uint32_t cell = add_cell (m, 20 + name_len), data = 0;

  if (v->len > 4)
    data = add_data (m, v);
  memcpy (at (m, cell), "vk", 2);
  put_le16 (at (m, cell) + 2, (uint16_t)name_len);
  put_le32 (at (m, cell) + 4,
            (uint32_t)v->len | (v->len > 4 ? 0 : UINT32_C (0x80000000)));
  put_le32 (at (m, cell) + 8, data);
  if (v->len <= 4 && v->len)
    memcpy (at (m, cell) + 8, v->data, v->len);
  put_le32 (at (m, cell) + 12, v->type);
  put_le16 (at (m, cell) + 16, ascii && name_len);
  memcpy (at (m, cell) + 20, ascii ? v->name : (char *)wide, name_len);
  return cell;
}

static uint32_t
hash (const char *name)
{
  uint32_t h = 0;

  for (; *name; name++)
    h = h * 37 +
        (unsigned char)(*name >= 'a' && *name <= 'z' ? *name - 32 : *name);
  return h;
}

static uint32_t
add_leaf (struct maker *m, const char *kind, struct key **keys,
          const uint32_t *cells, size_t n)
{
  size_t step = strcmp (kind, "li") == 0 ? 4 : 8;
  uint32_t cell = add_cell (m, 4 + n * step);

  memcpy (at (m, cell), kind, 2);
  put_le16 (at (m, cell) + 2, (uint16_t)n);
  for (size_t i = 0; i < n; i++) {
    unsigned char *entry = at (m, cell) + 4 + i * step;

    put_le32 (entry, cells[i]);
    if (strcmp (kind, "lh") == 0)
      put_le32 (entry + 4, hash (keys[i]->name));
    else if (step == 8)
      memcpy (entry + 4, keys[i]->name,
              strlen (keys[i]->name) < 4 ? strlen (keys[i]->name) : 4);
  }
  return cell;
}

static uint32_t
add_list (struct maker *m, const struct key *k, const uint32_t *cells)
{
  size_t n = (k->n_children + LEAF_MAX - 1) / LEAF_MAX;
  uint32_t index;

  if (strcmp (m->list, "ri") != 0)
    return add_leaf (m, m->list, k->children, cells, k->n_children);
  index = add_cell (m, 4 + 4 * n);
  memcpy (at (m, index), "ri", 2);
  put_le16 (at (m, index) + 2, (uint16_t)n);
  for (size_t i = 0; i < n; i++) {
    size_t from = i * LEAF_MAX;
    size_t len =
        k->n_children - from < LEAF_MAX ? k->n_children - from : LEAF_MAX;
    uint32_t leaf = add_leaf (m, "lh", k->children + from, cells + from, len);

    put_le32 (at (m, index) + 4 + 4 * i, leaf);
  }
  return index;
}

static uint32_t
add_key (struct maker *m, const struct key *k, uint32_t parent)
{
  size_t wide_len;
  CLEANUP_FREE unsigned char *wide = hive_wide (k->name, &wide_len);
  CLEANUP_FREE uint32_t *cells = xcalloc (k->n_children + 1, sizeof *cells);
  bool ascii = is_ascii (k->name);
  size_t name_len = ascii ? strlen (k->name) : wide_len - 2;
  uint32_t cell = add_cell (m, 76 + name_len), list;

  memcpy (at (m, cell), "nk", 2);
  put_le16 (at (m, cell) + 2, (uint16_t)((ascii ? 0x20 : 0) |
                                         (parent == HIVE_NOWHERE ? 0x0c : 0)));
  put_le64 (at (m, cell) + 4, UINT64_C (133658361000000000));
  for (int i = 28; i <= 48; i += 4)
    put_le32 (at (m, cell) + i, i == 36 ? 0 : HIVE_NOWHERE);
  put_le32 (at (m, cell) + 16, parent);
  put_le32 (at (m, cell) + 44, m->security);
  put_le32 (at (m, cell) + 52, 512);
  put_le32 (at (m, cell) + 60, 512);
  put_le16 (at (m, cell) + 72, (uint16_t)name_len);
  memcpy (at (m, cell) + 76, ascii ? k->name : (char *)wide, name_len);
  put_le32 (at (m, m->security) + 12, le32 (at (m, m->security) + 12) + 1);
  if (k->values.len) {
    list = add_cell (m, 4 * k->values.len);
    put_le32 (at (m, cell) + 36, (uint32_t)k->values.len);
    put_le32 (at (m, cell) + 40, list);
    for (size_t i = 0; i < k->values.len; i++) {
      uint32_t value = add_value (m, &k->values.ptr[i]);

      put_le32 (at (m, list) + 4 * i, value);
    }
  }
  for (size_t i = 0; i < k->n_children; i++)
    cells[i] = add_key (m, k->children[i], cell);
  if (k->n_children) {
    list = add_list (m, k, cells);
    put_le32 (at (m, cell) + 20, (uint32_t)k->n_children);
    put_le32 (at (m, cell) + 28, list);
  }
  return cell;
}

static void
key_release (struct key *k)
{
  for (size_t i = 0; i < k->n_children; i++) {
    key_release (k->children[i]);
    free (k->children[i]);
  }
  for (size_t i = 0; i < k->values.len; i++) {
    free (k->values.ptr[i].name);
    free (k->values.ptr[i].data);
  }
  value_vec_release (&k->values);
  free (k->children);
  free (k->name);
}

/* Owner and group SYSTEM, no lists. */
static void
add_security (struct maker *m)
{
  static const unsigned char descriptor[] = {1, 0,  0, 0x80, 20, 0, 0, 0, 32,
                                             0, 0,  0, 0,    0,  0, 0, 0, 0,
                                             0, 0,  1, 1,    0,  0, 0, 0, 0,
                                             5, 18, 0, 0,    0,  1, 1, 0, 0,
                                             0, 0,  0, 5,    18, 0, 0, 0};

  m->security = add_cell (m, 20 + sizeof descriptor);
  memcpy (at (m, m->security), "sk", 2);
  put_le32 (at (m, m->security) + 4, m->security);
  put_le32 (at (m, m->security) + 8, m->security);
  put_le32 (at (m, m->security) + 16, sizeof descriptor);
  memcpy (at (m, m->security) + 20, descriptor, sizeof descriptor);
}

struct hive_bytes
hive_make (const char *script)
{
  struct maker m = {.list = "lh"};
  struct key root = {.name = xstrdup ("ROOT")}, *last = &root;
  CLEANUP_FREE char *copy = xstrdup (script);
  char *rest = copy, *line;
  uint32_t cell;

  while ((line = strsep (&rest, "\n")) != NULL)
    if (*line)
      read_line (&m, &root, &last, line);
  m.out.ptr = xcalloc (1, HIVE_BASE_BYTES);
  m.out.len = HIVE_BASE_BYTES;
  add_bin (&m, 0);
  add_security (&m);
  cell = add_key (&m, &root, HIVE_NOWHERE);
  key_release (&root);
  memcpy (m.out.ptr, "regf", 4);
  put_le64 (m.out.ptr + 12, 0x01d59505);
  put_le32 (m.out.ptr + 20, 1);
  put_le32 (m.out.ptr + 24, 5);
  put_le32 (m.out.ptr + 32, 1);
  put_le32 (m.out.ptr + 36, cell);
  put_le32 (m.out.ptr + 40, m.end);
  put_le32 (m.out.ptr + 44, 1);
  hive_seal (m.out.ptr, 10);
  return m.out;
}
