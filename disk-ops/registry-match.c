/* What a recipe looks for in the registry; registry.h has the contract. */

#include <string.h>
#include <strings.h>

#include <base/bytes.h>

#include "disk.h"
#include "match.h"
#include "registry.h"

#define MAX_RECORDED 200

enum {
  REG_SZ = 1,
  REG_EXPAND_SZ = 2,
  REG_DWORD = 4,
  REG_MULTI_SZ = 7,
  REG_QWORD = 11
};

static bool
text_fits (const char *text, const char *wanted, bool contains)
{
  return contains ? strcasestr (text, wanted) != NULL
                  : strcasecmp (text, wanted) == 0;
}

/* Does a text, or one line of several, fit? */
static bool
any_line_fits (const struct hive_value *v, const unsigned char *data,
               size_t len, const char *wanted, bool contains)
{
  CLEANUP_FREE char *text = NULL;
  char *rest, *line;

  if (v->type != REG_SZ && v->type != REG_EXPAND_SZ && v->type != REG_MULTI_SZ)
    return false;
  text = hive_narrow (data, len, v->type == REG_MULTI_SZ);
  if (v->type != REG_MULTI_SZ)
    return text_fits (text, wanted, contains);
  for (rest = text; (line = strsep (&rest, "\n")) != NULL;)
    if (*line && text_fits (line, wanted, contains))
      return true;
  return false;
}

static bool
number_fits (const struct hive_value *v, const unsigned char *data, size_t len,
             json_int_t wanted)
{
  if (v->type == REG_DWORD && len == 4)
    return (json_int_t)le32 (data) == wanted;
  return v->type == REG_QWORD && len == 8 && le64 (data) == (uint64_t)wanted;
}

static bool
data_fits (const struct hive_tree *tree, const struct hive_value *v,
           const struct recipe_match *match)
{
  size_t len, i;
  CLEANUP_FREE unsigned char *data = hive_data (tree, v, &len);
  json_t *wanted;
  bool fits = match->data == NULL;

  json_array_foreach (match->data, i, wanted)
  {
    fits =
        fits ||
        (json_is_integer (wanted)
             ? number_fits (v, data, len, json_integer_value (wanted))
             : any_line_fits (v, data, len, json_string_value (wanted), false));
  }
  return fits && (match->contains == NULL ||
                  any_line_fits (v, data, len, match->contains, true));
}

static void
record (struct disk *disk, const struct recipe_match *match, const char *key,
        const char *reason)
{
  const char *list = reason ? "kept" : "matches";
  json_t *array = json_list (disk->result, list), *row;

  if (json_array_size (array) >= MAX_RECORDED)
    return;
  row = json_object ();
  json_put_str (row, "hive", match->hive);
  json_put_str (row, "key", key);
  json_put_str (row, "value", match->value);
  json_put_str (row, "match", match->id);
  json_put_str (row, "reason", reason);
  json_array_append_new (array, row);
}

static void
match_key (struct disk *disk, const struct registry_hive *hive,
           const char *path, bool with_record, struct match_found *found)
{
  const struct recipe_match *match = found->match;
  uint32_t key = hive_find_key (&hive->tree, 0, path), value;
  bool fits = true;

  if (key == HIVE_NOWHERE)
    return;
  if (match->value) {
    value = hive_find_value (&hive->tree, key, match->value);
    if (value == HIVE_NOWHERE)
      return;
    fits = data_fits (&hive->tree, &hive->tree.values.ptr[value], match);
  }
  found->named++;
  if (with_record)
    record (disk, match, path, fits ? NULL : "its data are others");
  if (fits)
    guest_file_vec_push (&found->proven,
                         (struct guest_file){.path = xstrdup (path)});
}

int
registry_match (struct disk *disk, const struct recipe_match *match,
                bool with_record, struct match_found *found, struct err **err)
{
  CLEANUP_STRV char **paths = NULL;
  struct registry_hive *hive;
  int r = registry_open (disk, match->hive, &hive, err);

  if (r != 1)
    return r;
  if (registry_resolve (disk, hive, match->key, &paths, err) == -1)
    return -1;
  for (size_t i = 0; paths[i]; i++)
    match_key (disk, hive, paths[i], with_record, found);
  return 0;
}
