/* Changes of the registry as rows of files.json and of results, and the way
 * back from them: value by value, so that it also works on a hive that Windows
 * has written to since. */

#include <string.h>

#include <base/bytes.h>
#include <base/text.h>

#include "disk.h"
#include "name-match.h"
#include "refuse.h"
#include "registry.h"

#define MAX_BELOW 2000 /* keys and values below a removed key */

static const char *const kind_names[] = {"set-value", "remove-value", "add-key",
                                         "remove-key", "other"};

/* {type, data, base64}: `data` is for people. */
static json_t *
data_to_json (uint32_t type, const unsigned char *data, size_t len)
{
  CLEANUP_FREE char *base64 = base64_encode (data, len);
  json_t *json =
      json_make ("{s:I, s:s}", "type", (json_int_t)type, "base64", base64);

  if (type == 4 && len == 4)
    json_put_int (json, "data", le32 (data));
  else if (type == 1 || type == 2 || type == 7) {
    CLEANUP_FREE char *text = hive_narrow (data, len, type == 7);
    CLEANUP_FREE char *printable = text_printable (text);

    json_put_str (json, "data", printable);
  }
  return json;
}

static json_t *
value_to_json (const struct hive_tree *tree, const struct hive_value *v)
{
  size_t len;
  CLEANUP_FREE unsigned char *data = hive_data (tree, v, &len);

  return data_to_json (v->type, data, len);
}

/* What goes with a key: keys and values in the order in which they can be made
 * again; NULL if that is too much to list. */
static json_t *
below_to_json (const struct hive_tree *tree, uint32_t top)
{
  CLEANUP_JSON json_t *rows = json_array ();
  CLEANUP_FREE unsigned char *inside = xcalloc (1, tree->keys.len);

  inside[top] = 1;
  for (uint32_t k = top; k < tree->keys.len; k++) {
    const struct hive_key *key = &tree->keys.ptr[k];
    CLEANUP_FREE char *path = NULL;

    if (k > top)
      inside[k] = inside[key->parent];
    if (!inside[k])
      continue;
    path = hive_key_path (tree, k);
    json_array_append_new (rows, json_make ("{s:s}", "key", path));
    for (uint32_t i = 0; i < key->n_values; i++) {
      const struct hive_value *v = &tree->values.ptr[key->first_value + i];
      CLEANUP_FREE char *name = hive_name_text (tree, v->name);
      json_t *row = value_to_json (tree, v);

      json_put_str (row, "key", path);
      json_put_str (row, "value", name);
      json_array_append_new (rows, row);
    }
    if (json_array_size (rows) > MAX_BELOW)
      return NULL;
  }
  return TAKE (rows);
}

static json_t *
change_to_json (const struct registry_hive *hive,
                const struct hive_change *change)
{
  const struct hive_tree *tree = &hive->tree;
  uint32_t key = hive_find_key (tree, 0, change->key), value = HIVE_NOWHERE;
  json_t *row = change->kind == HIVE_SET_VALUE
                    ? data_to_json (change->type, change->data, change->len)
                    : json_object ();

  json_put_str (row, "change", kind_names[change->kind]);
  json_put_str (row, "key", change->key);
  json_put_str (row, "value", change->value);
  if (key != HIVE_NOWHERE && change->value)
    value = hive_find_value (tree, key, change->value);
  if (value != HIVE_NOWHERE)
    json_put (row, "before", value_to_json (tree, &tree->values.ptr[value]));
  if (change->kind == HIVE_REMOVE_KEY && key != HIVE_NOWHERE) {
    json_t *below = below_to_json (tree, key);

    if (below)
      json_put (row, "below", below);
  }
  return row;
}

json_t *
registry_changes_to_json (const struct registry_hive *hive)
{
  json_t *rows = json_array ();

  for (size_t i = 0; i < hive->wanted.len; i++)
    json_array_append_new (rows, change_to_json (hive, &hive->wanted.ptr[i]));
  return rows;
}

/* --- the way back --- */

static int
bad_row (struct err **err)
{
  return err_set (err, ERR_INPUT,
                  "files.json: a change of the registry makes no sense");
}

/* The data of a row ("base64", "type") into a change that sets it. */
static int
read_data (const json_t *row, struct hive_change *change, struct err **err)
{
  const char *text = json_str (row, "base64", NULL);
  json_int_t type = json_int (row, "type", -1);

  if (text == NULL || type < 0 || type > UINT32_MAX ||
      base64_decode (text, &change->data, &change->len) == -1)
    return bad_row (err);
  change->type = (uint32_t)type;
  return 0;
}

static bool
is_now (const struct hive_tree *tree, const struct hive_value *v,
        const json_t *row)
{
  CLEANUP_JSON json_t *now = value_to_json (tree, v);

  return json_int (row, "type", -1) == json_int (now, "type", -2) &&
         strcmp (json_str (row, "base64", ""), json_str (now, "base64", "?")) ==
             0;
}

static int
changed_since (struct disk *disk, const struct registry_hive *hive,
               const char *key, const char *value, struct err **err)
{
  return disk_refuse (disk, err, REFUSE_CHANGED_SINCE,
                      "%s: %s%s%s was changed since the repair: it is not "
                      "overwritten",
                      hive->file.path, key, value ? ": " : "",
                      value ? value : "");
}

static void
push (struct registry_hive *hive, enum hive_change_kind kind, const char *key,
      const char *value)
{
  struct hive_change change = {.kind = kind, .key = xstrdup (key)};

  change.value = value ? xstrdup (value) : NULL;
  hive_change_vec_push (&hive->wanted, change);
}

static struct hive_change *
last (struct registry_hive *hive)
{
  return &hive->wanted.ptr[hive->wanted.len - 1];
}

/* A value gets back what it had, or goes. */
static int
undo_value (struct disk *disk, struct registry_hive *hive, const json_t *row,
            const char *path, const char *name, struct err **err)
{
  const json_t *before = json_at (row, "before");
  bool was_set = json_str (row, "base64", NULL) != NULL;
  uint32_t key = hive_find_key (&hive->tree, 0, path), value = HIVE_NOWHERE;
  const struct hive_value *v = NULL;

  if (key != HIVE_NOWHERE)
    value = hive_find_value (&hive->tree, key, name);
  if (value != HIVE_NOWHERE)
    v = &hive->tree.values.ptr[value];
  if (before ? v && is_now (&hive->tree, v, before) : v == NULL)
    return 0; /* it is as it was */
  if (key == HIVE_NOWHERE ||
      (was_set ? v == NULL || !is_now (&hive->tree, v, row) : v != NULL))
    return changed_since (disk, hive, path, name, err);
  push (hive, before ? HIVE_SET_VALUE : HIVE_REMOVE_VALUE, path, name);
  return before ? read_data (before, last (hive), err) : 0;
}

static int
undo_remove_key (struct disk *disk, struct registry_hive *hive,
                 const json_t *row, const char *path, struct err **err)
{
  json_t *below = json_object_get (row, "below"), *one;
  size_t i;

  if (hive_find_key (&hive->tree, 0, path) != HIVE_NOWHERE)
    return changed_since (disk, hive, path, NULL, err);
  if (below == NULL)
    return disk_refuse (disk, err, REFUSE_HIVE_LIMIT,
                        "%s: what was below %s is too much to be made again; "
                        "the whole hive is in the evidence",
                        hive->file.path, path);
  disk_note (disk,
             "%s: %s is made again with the security descriptor of the key "
             "above it",
             hive->file.path, path);
  json_array_foreach (below, i, one)
  {
    const char *key = json_str (one, "key", NULL);
    const char *value = json_str (one, "value", NULL);

    if (key == NULL)
      return bad_row (err);
    push (hive, value ? HIVE_SET_VALUE : HIVE_ADD_KEY, key, value);
    if (value && read_data (one, last (hive), err) == -1)
      return -1;
  }
  return 0;
}

/* A key that was added goes if it holds nothing but what was put there. */
static int
undo_add_key (struct disk *disk, struct registry_hive *hive, const char *path,
              struct err **err)
{
  uint32_t key = hive_find_key (&hive->tree, 0, path);
  uint32_t ours = 0, keys = 0;

  if (key == HIVE_NOWHERE)
    return 0;
  for (size_t i = 0; i < hive->wanted.len; i++) {
    const struct hive_change *c = &hive->wanted.ptr[i];
    size_t len = strlen (path);

    ours += c->kind == HIVE_REMOVE_VALUE && name_equal (c->key, path, true);
    keys += c->kind == HIVE_REMOVE_KEY && strncmp (c->key, path, len) == 0 &&
            c->key[len] == '\\' && !strchr (c->key + len + 1, '\\');
  }
  if (hive->tree.keys.ptr[key].n_values != ours ||
      hive->tree.keys.ptr[key].n_children != keys)
    return changed_since (disk, hive, path, NULL, err);
  /* what is below it goes with it: one change instead of several */
  for (size_t i = hive->wanted.len; i-- > 0;) {
    const struct hive_change *c = &hive->wanted.ptr[i];
    size_t len = strlen (path);

    if (strncmp (c->key, path, len) == 0 &&
        (c->key[len] == '\0' || c->key[len] == '\\')) {
      struct hive_change gone = hive_change_vec_remove (&hive->wanted, i);

      hive_change_release (&gone);
    }
  }
  push (hive, HIVE_REMOVE_KEY, path, NULL);
  return 0;
}

static int
undo_one (struct disk *disk, struct registry_hive *hive, const json_t *row,
          struct err **err)
{
  const char *change = json_str (row, "change", "");
  const char *key = json_str (row, "key", NULL);
  const char *value = json_str (row, "value", NULL);

  if (key == NULL)
    return bad_row (err);
  if (strcmp (change, "add-key") == 0)
    return undo_add_key (disk, hive, key, err);
  if (strcmp (change, "remove-key") == 0)
    return undo_remove_key (disk, hive, row, key, err);
  if (value == NULL)
    return bad_row (err);
  return undo_value (disk, hive, row, key, value, err);
}

int
registry_undo (struct disk *disk, const json_t *row, struct err **err)
{
  const json_t *changes = json_at (row, "registry");
  const char *name = json_need_str (row, "hive", err);
  struct registry_hive *hive;
  int r = name ? registry_open (disk, name, &hive, err) : -1;

  if (r == 0)
    return disk_refuse (disk, err, REFUSE_CHANGED_SINCE,
                        "the registry hive %s is gone", name);
  if (r == -1)
    return -1;
  for (size_t i = json_array_size (changes); i-- > 0;)
    if (undo_one (disk, hive, json_array_get (changes, i), err) == -1)
      return -1;
  return hive->wanted.len ? registry_apply (disk, hive, err) : 0;
}
