#include "hive-diff.h"

#include <string.h>

#include "name-match.h"

#define TOMBSTONE 0x0002 /* flags of vk */

void
hive_change_release (struct hive_change *change)
{
  free (TAKE (change->key));
  free (TAKE (change->value));
  free (TAKE (change->data));
}

void
hive_changes_release (struct hive_change_vec *changes)
{
  for (size_t i = 0; i < changes->len; i++)
    hive_change_release (&changes->ptr[i]);
  hive_change_vec_release (changes);
}

/* Two keys that are one; HIVE_NOWHERE before: it is new. */
struct pair {
  uint32_t a, b;
};
DEFINE_VEC (struct pair, pair_vec);

struct comparison {
  const struct hive_tree *a, *b;
  size_t most;
  struct hive_change_vec *out;
  struct pair_vec todo;
};

static bool
is_full (const struct comparison *c)
{
  return c->out->len >= c->most;
}

static void
add (struct comparison *c, enum hive_change_kind kind,
     const struct hive_tree *tree, uint32_t key, char *value_taken)
{
  struct hive_change change = {.kind = kind, .value = value_taken};

  change.key = hive_key_path (tree, key);
  hive_change_vec_push (c->out, change);
}

static void
add_value (struct comparison *c, enum hive_change_kind kind,
           const struct hive_tree *tree, uint32_t key,
           const struct hive_value *value)
{
  struct hive_change *last;

  add (c, kind, tree, key, hive_name_text (tree, value->name));
  last = &c->out->ptr[c->out->len - 1];
  last->type = value->type;
  last->data = hive_data (tree, value, &last->len);
}

static bool
same_name (const struct comparison *c, struct hive_name a, struct hive_name b)
{
  return a.bytes == b.bytes && (a.wide == b.wide || a.bytes == 0) &&
         memcmp (c->a->bytes + a.at, c->b->bytes + b.at, a.bytes) == 0;
}

static bool
same_data (const struct comparison *c, const struct hive_value *a,
           const struct hive_value *b)
{
  CLEANUP_FREE unsigned char *x = NULL, *y = NULL;
  size_t len;

  if (a->type != b->type || a->data_bytes != b->data_bytes ||
      (a->flags & TOMBSTONE) != (b->flags & TOMBSTONE))
    return false;
  x = hive_data (c->a, a, &len);
  y = hive_data (c->b, b, &len);
  return memcmp (x, y, len) == 0;
}

/* The value of b with the name of a's; the one at the same place first. */
static const struct hive_value *
partner (const struct comparison *c, const struct hive_key *kb, uint32_t place,
         const struct hive_value *va)
{
  const struct hive_value *values = c->b->values.ptr + kb->first_value;

  if (place < kb->n_values && same_name (c, va->name, values[place].name))
    return &values[place];
  for (uint32_t i = 0; i < kb->n_values; i++)
    if (same_name (c, va->name, values[i].name))
      return &values[i];
  return NULL;
}

static bool
has_value (const struct comparison *c, const struct hive_key *ka,
           const struct hive_value *vb)
{
  for (uint32_t i = 0; i < ka->n_values; i++)
    if (same_name (c, c->a->values.ptr[ka->first_value + i].name, vb->name))
      return true;
  return false;
}

static void
compare_values (struct comparison *c, struct pair p)
{
  static const struct hive_key none;
  const struct hive_key *ka =
      p.a == HIVE_NOWHERE ? &none : &c->a->keys.ptr[p.a];
  const struct hive_key *kb = &c->b->keys.ptr[p.b];

  for (uint32_t i = 0; i < ka->n_values && !is_full (c); i++) {
    const struct hive_value *va = &c->a->values.ptr[ka->first_value + i];
    const struct hive_value *vb = partner (c, kb, i, va);

    if (vb == NULL)
      add_value (c, HIVE_REMOVE_VALUE, c->a, p.a, va);
    else if (!same_data (c, va, vb))
      add_value (c, HIVE_SET_VALUE, c->b, p.b, vb);
  }
  for (uint32_t i = 0; i < kb->n_values && !is_full (c); i++) {
    const struct hive_value *vb = &c->b->values.ptr[kb->first_value + i];
    bool at_place =
        i < ka->n_values &&
        same_name (c, c->a->values.ptr[ka->first_value + i].name, vb->name);

    if (!at_place && !has_value (c, ka, vb))
      add_value (c, HIVE_SET_VALUE, c->b, p.b, vb);
  }
}

static const char *
compare_keys (const struct comparison *c, const struct hive_key *a,
              const struct hive_key *b)
{
  size_t len_a, len_b;
  const unsigned char *sk_a = hive_security (c->a, a, &len_a);
  const unsigned char *sk_b = hive_security (c->b, b, &len_b);

  if (!sk_a != !sk_b || len_a != len_b ||
      (sk_a && memcmp (sk_a, sk_b, len_a) != 0))
    return "security descriptor";
  if (!same_name (c, a->class_name, b->class_name))
    return "class name";
  if (a->written != b->written)
    return "time of its last change";
  return a->flags != b->flags ? "flags" : NULL;
}

static bool
is_child (const struct comparison *c, bool of_b, const struct hive_key *parent,
          uint32_t from, struct hive_name name)
{
  const struct hive_tree *tree = of_b ? c->b : c->a;

  for (uint32_t i = from; i < parent->n_children; i++) {
    struct hive_name other = tree->keys.ptr[parent->first_child + i].name;

    if (of_b ? same_name (c, name, other) : same_name (c, other, name))
      return true;
  }
  return false;
}

/* Both lists are in order, so one walk along both finds what is in one only. */
static void
compare_children (struct comparison *c, struct pair p)
{
  static const struct hive_key none;
  const struct hive_key *ka =
      p.a == HIVE_NOWHERE ? &none : &c->a->keys.ptr[p.a];
  const struct hive_key *kb = &c->b->keys.ptr[p.b];
  uint32_t i = 0, j = 0;

  while ((i < ka->n_children || j < kb->n_children) && !is_full (c)) {
    struct pair next = {i < ka->n_children ? ka->first_child + i : HIVE_NOWHERE,
                        j < kb->n_children ? kb->first_child + j
                                           : HIVE_NOWHERE};

    if (next.a != HIVE_NOWHERE && next.b != HIVE_NOWHERE &&
        same_name (c, c->a->keys.ptr[next.a].name,
                   c->b->keys.ptr[next.b].name)) {
      pair_vec_push (&c->todo, next);
      i++;
      j++;
    } else if (next.a != HIVE_NOWHERE &&
               !is_child (c, true, kb, j, c->a->keys.ptr[next.a].name)) {
      add (c, HIVE_REMOVE_KEY, c->a, next.a, NULL);
      i++;
    } else if (next.b != HIVE_NOWHERE &&
               !is_child (c, false, ka, i, c->b->keys.ptr[next.b].name)) {
      add (c, HIVE_ADD_KEY, c->b, next.b, NULL);
      pair_vec_push (&c->todo, (struct pair){HIVE_NOWHERE, next.b});
      j++;
    } else {
      add (c, HIVE_OTHER, c->b, p.b, xstrdup ("order of its subkeys"));
      return;
    }
  }
}

void
hive_compare (const struct hive_tree *before, const struct hive_tree *after,
              size_t most, struct hive_change_vec *changes)
{
  struct comparison c = {before, after, most, changes, VEC_EMPTY};

  pair_vec_push (&c.todo, (struct pair){0, 0});
  for (size_t i = 0; i < c.todo.len && !is_full (&c); i++) {
    struct pair p = c.todo.ptr[i];
    const char *what = NULL;

    if (p.a != HIVE_NOWHERE)
      what = compare_keys (&c, &before->keys.ptr[p.a], &after->keys.ptr[p.b]);
    if (what)
      add (&c, HIVE_OTHER, after, p.b, xstrdup (what));
    compare_values (&c, p);
    compare_children (&c, p);
  }
  pair_vec_release (&c.todo);
}

static bool
is_same_change (const struct hive_change *a, const struct hive_change *b)
{
  if (a->kind != b->kind || !name_equal (a->key, b->key, true) ||
      !a->value != !b->value ||
      (a->value && !name_equal (a->value, b->value, true)))
    return false;
  return a->kind != HIVE_SET_VALUE ||
         (a->type == b->type && a->len == b->len &&
          (a->len == 0 || memcmp (a->data, b->data, a->len) == 0));
}

static bool
is_among (const struct hive_change *one, const struct hive_change_vec *all)
{
  for (size_t i = 0; i < all->len; i++)
    if (is_same_change (one, &all->ptr[i]))
      return true;
  return false;
}

static int
complain (const struct hive_change *change, const char *what, struct err **err)
{
  static const char *const kinds[] = {"was set", "was removed", "was added",
                                      "was removed", "was changed"};

  return err_set (err, ERR_DISK, "%s%s%s %s, which %s", change->key,
                  change->value ? ": " : "", change->value ? change->value : "",
                  kinds[change->kind], what);
}

int
hive_changes_verify (const struct hive_tree *before,
                     const struct hive_tree *after,
                     const struct hive_change_vec *wanted, struct err **err)
{
  CLEANUP_HIVE_CHANGES struct hive_change_vec found = VEC_EMPTY;

  hive_compare (before, after, wanted->len + 8, &found);
  for (size_t i = 0; i < found.len; i++)
    if (!is_among (&found.ptr[i], wanted))
      return complain (&found.ptr[i], "nobody asked for", err);
  for (size_t i = 0; i < wanted->len; i++)
    if (!is_among (&wanted->ptr[i], &found))
      return complain (&wanted->ptr[i], "did not happen", err);
  return 0;
}
