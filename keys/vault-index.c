#include "vault-index.h"

#include <ctype.h>
#include <strings.h>

static const char *const computer_tags[] = {"machinename", "computername",
                                            "computer",    "devicename",
                                            "device",      "hostname",
                                            "machine",     "server",
                                            "vm",          "vmname"};

/* What says of a secret that it is for a disk. */
static const char *const disk_words[] = {"bitlocker", "recovery", "luks",
                                         "bek",       "fve",      "encryption"};

/* Equal but for case, and for what is neither letter nor digit in a. */
static bool
word_is (const char *a, const char *wanted)
{
  for (; *a; a++) {
    if (!isalnum ((unsigned char)*a))
      continue;
    if (tolower ((unsigned char)*a) != *wanted)
      return false;
    wanted++;
  }
  return *wanted == '\0';
}

static bool
names_a_computer (const char *tag)
{
  for (size_t i = 0; i < ARRAY_SIZE (computer_tags); i++)
    if (word_is (tag, computer_tags[i]))
      return true;
  return false;
}

static bool
says_disk (const char *text)
{
  for (size_t i = 0; i < ARRAY_SIZE (disk_words); i++)
    if (strcasestr (text, disk_words[i]))
      return true;
  return false;
}

static bool
is_for_a_disk (const json_t *row)
{
  const char *tag;
  json_t *value;

  if (says_disk (json_str (row, "name", "")) ||
      says_disk (json_str (row, "content_type", "")))
    return true;
  json_object_foreach (json_object_get (row, "tags"), tag, value)
  {
    if (says_disk (tag))
      return true;
  }
  return false;
}

/* Every GUID in a text. */
static void
add_guids (struct vault_index *index, const char *text, size_t row)
{
  struct vault_guid found = {.row = row};

  for (const char *p = text; *p; p++)
    if (isxdigit ((unsigned char)*p) &&
        (p == text || !isxdigit ((unsigned char)p[-1])) &&
        guid_from_text (p, found.guid)) {
      vault_guid_vec_push (&index->guids, found);
      p += GUID_TEXT - 2;
    }
}

static int
by_guid (const void *a, const void *b)
{
  const struct vault_guid *x = a, *y = b;

  return memcmp (x->guid, y->guid, GUID_BYTES);
}

void
vault_index_update (struct vault_index *index, const json_t *rows)
{
  size_t n = json_array_size (rows);

  if (index->rows == n)
    return;
  for (size_t i = index->rows; i < n; i++) {
    const json_t *row = json_array_get (rows, i);
    bool for_a_disk = is_for_a_disk (row);
    const char *tag;
    json_t *value;

    add_guids (index, json_str (row, "name", ""), i);
    json_object_foreach (json_object_get (row, "tags"), tag, value)
    {
      const char *text = json_string_value (value);

      if (text == NULL)
        continue;
      add_guids (index, text, i);
      if (for_a_disk && *text && names_a_computer (tag))
        vault_computer_vec_push (&index->computers,
                                 (struct vault_computer){text, i});
    }
  }
  index->rows = n;
  if (index->guids.len)
    qsort (index->guids.ptr, index->guids.len, sizeof index->guids.ptr[0],
           by_guid);
}

void
vault_index_release (struct vault_index *index)
{
  vault_guid_vec_release (&index->guids);
  vault_computer_vec_release (&index->computers);
}

/* Once each. */
static void
add_row (struct row_vec *found, size_t row)
{
  for (size_t i = 0; i < found->len; i++)
    if (found->ptr[i] == row)
      return;
  row_vec_push (found, row);
}

void
vault_index_guid (const struct vault_index *index, const char *guid,
                  struct row_vec *found)
{
  struct vault_guid wanted;
  size_t low = 0, high = index->guids.len;

  if (!guid_from_text (guid, wanted.guid))
    return;
  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (by_guid (&index->guids.ptr[middle], &wanted) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  for (;
       low < index->guids.len && by_guid (&index->guids.ptr[low], &wanted) == 0;
       low++)
    add_row (found, index->guids.ptr[low].row);
}

void
vault_index_computer (const struct vault_index *index, const char *name,
                      struct row_vec *found)
{
  for (size_t i = 0; name && *name && i < index->computers.len; i++)
    if (strcasecmp (index->computers.ptr[i].name, name) == 0)
      add_row (found, index->computers.ptr[i].row);
}
