/* Lists of keys: exports of Active Directory, Intune, MBAM, or one's own. */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <base/vec.h>
#include <bitlocker/guid.h>

#include "csv.h"
#include "source.h"

#define MAX_BYTES (256 << 20)

/* A row that can be of use. */
struct key_row {
  unsigned char guid[GUID_BYTES];
  bool has_guid;
  const char *computer, *key; /* in the text; computer may be "" */
  size_t line;
};
DEFINE_VEC (struct key_row, key_row_vec);

struct key_list {
  struct secret *text;
  struct key_row_vec rows; /* those with a GUID first, sorted by it */
  size_t n_guids;
};

/* Headers, in small letters without anything but letters and digits; the
 * earlier one counts where a list has several.  Seen in: AD's attributes and
 * scripts that export them, `Get-MgInformationProtectionBitlockerRecoveryKey`
 * (Id, Key), Intune's exports, MBAM's RecoveryAndHardware tables, manage-bde's
 * words. */
static const char *const guid_headers[] = {"protectorguid",
                                           "keyprotectorid",
                                           "recoverykeyid",
                                           "keyid",
                                           "recoveryguid",
                                           "msfverecoveryguid",
                                           "recoveryid",
                                           "recoverypasswordid",
                                           "bitlockerkeyid",
                                           "bitlockerrecoverykeyid",
                                           "bitlocerkeyid",
                                           "passwordid",
                                           "protector",
                                           "guid",
                                           "id",
                                           NULL};
static const char *const key_headers[] = {"recoverypassword",
                                          "msfverecoverypassword",
                                          "recoverykey",
                                          "bitlockerrecoverykey",
                                          "bitlockerkey",
                                          "numericalpassword",
                                          "key",
                                          "password",
                                          "secret",
                                          NULL};
static const char *const computer_headers[] = {"computer",    "computername",
                                               "devicename",  "hostname",
                                               "machinename", "machine",
                                               "dnshostname", "device",
                                               "displayname", "vm",
                                               "server",      "name",
                                               NULL};

static bool
header_is (const char *header, const char *wanted)
{
  for (; *header; header++) {
    if (!isalnum ((unsigned char)*header))
      continue;
    if (tolower ((unsigned char)*header) != *wanted)
      return false;
    wanted++;
  }
  return *wanted == '\0';
}

/* The column of the first header that is there; n: none. */
static size_t
column_of (char *const *headers, size_t n, const char *const *wanted)
{
  for (; *wanted; wanted++)
    for (size_t i = 0; i < n; i++)
      if (header_is (headers[i], *wanted))
        return i;
  return n;
}

/* "...{GUID}" in any cell, as in the names of AD's objects. */
static bool
guid_in_braces (char *const *cells, size_t n, unsigned char *guid)
{
  for (size_t i = 0; i < n; i++)
    for (const char *p = strchr (cells[i], '{'); p; p = strchr (p + 1, '{'))
      if (guid_from_text (p, guid))
        return true;
  return false;
}

/* Those with a GUID first, in its order. */
static int
by_guid (const void *a, const void *b)
{
  const struct key_row *x = a, *y = b;

  if (x->has_guid != y->has_guid)
    return x->has_guid ? -1 : 1;
  return memcmp (x->guid, y->guid, GUID_BYTES);
}

static int
read_rows (struct key_list *list, struct err **err)
{
  char *cells[CSV_MAX_CELLS];
  struct csv csv;
  size_t n, guid, key, computer;

  csv_begin (&csv, list->text->data);
  n = csv_row (&csv, cells);
  guid = column_of (cells, n, guid_headers);
  key = column_of (cells, n, key_headers);
  computer = column_of (cells, n, computer_headers);
  if (key == n)
    return err_set (err, ERR_INPUT,
                    "no column for the key is found in its first line (such "
                    "as RecoveryPassword, RecoveryKey, Key)");
  while ((n = csv_row (&csv, cells)) > 0) {
    struct key_row row = {.line = csv.line, .computer = ""};

    if (key >= n || cells[key][0] == '\0')
      continue;
    row.key = cells[key];
    row.has_guid = (guid < n && guid_from_text (cells[guid], row.guid)) ||
                   guid_in_braces (cells, n, row.guid);
    if (computer < n)
      row.computer = cells[computer];
    list->n_guids += row.has_guid;
    if (row.has_guid || row.computer[0])
      key_row_vec_push (&list->rows, row);
  }
  if (list->rows.len == 0)
    return err_set (err, ERR_INPUT,
                    "no row has a key and a protector's GUID or a computer");
  qsort (list->rows.ptr, list->rows.len, sizeof list->rows.ptr[0], by_guid);
  return 0;
}

/* PowerShell 5 writes UTF-16 with >; all that matters is ASCII. */
static void
narrow_utf16 (struct secret *text)
{
  size_t n = 0;

  if (text->len < 2 || memcmp (text->data, "\xff\xfe", 2) != 0)
    return;
  for (size_t i = 2; i + 1 < text->len; i += 2)
    text->data[n++] = text->data[i + 1] ? '?' : text->data[i];
  wipe (text->data + n, text->len - n);
}

static void
close_csv (struct key_source *source)
{
  struct key_list *list = source->data;

  if (list == NULL)
    return;
  key_row_vec_release (&list->rows);
  secret_free (list->text);
  free (list);
}

static int
open_csv (struct key_source *source, struct err **err)
{
  struct key_list *list = xcalloc (1, sizeof *list);

  source->data = list;
  list->text = secret_read_file (source->place, MAX_BYTES, err);
  if (list->text == NULL)
    return -1;
  narrow_utf16 (list->text);
  if (read_rows (list, err) == -1)
    return err_wrap (err, "%s", source->place);
  return 0;
}

static void
add_row (const struct key_source *source, const struct key_row *row,
         const char *protector, struct key_answer *answer)
{
  CLEANUP_FREE char *where = xasprintf ("line %zu", row->line);

  key_answer_add (answer, source, where, protector, row->key,
                  strlen (row->key));
}

/* All rows of one protector: a list may have an old and a new one. */
static void
find_guid (const struct key_source *source, const char *text,
           struct key_answer *answer)
{
  const struct key_list *list = source->data;
  struct key_row wanted = {.has_guid = true};
  size_t low = 0, high = list->n_guids;

  if (!guid_from_text (text, wanted.guid))
    return;
  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (by_guid (&list->rows.ptr[middle], &wanted) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < list->n_guids && by_guid (&list->rows.ptr[low], &wanted) == 0;
       low++)
    add_row (source, &list->rows.ptr[low], text, answer);
}

static bool
is_computer (const struct key_row *row, const struct key_query *query)
{
  const char *names[] = {query->computer, query->vm_name, query->vm_id};

  for (size_t i = 0; i < ARRAY_SIZE (names); i++)
    if (names[i] && strcasecmp (names[i], row->computer) == 0)
      return true;
  return false;
}

static int
find_csv (const struct key_source *source, const struct key_query *query,
          struct key_answer *answer, struct err **err)
{
  const struct key_list *list = source->data;
  json_t *protector;
  size_t i;

  (void)err;
  json_array_foreach (json_object_get (query->volume, "protectors"), i,
                      protector)
  {
    find_guid (source, json_str (protector, "guid", ""), answer);
  }
  for (i = list->n_guids; !answer->named && i < list->rows.len; i++)
    if (is_computer (&list->rows.ptr[i], query))
      add_row (source, &list->rows.ptr[i], NULL, answer);
  return 0;
}

const struct key_source_kind key_csv = {"csv:", open_csv, find_csv, close_csv};
