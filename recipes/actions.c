/* The actions that a recipe can ask for, one row each; recipe.h says what a
 * further one takes. */

#include "fields.h"

#include <stdint.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include <base/text.h>

#include "digest.h"

#define ON_WINDOWS    (1u << RECIPE_OS_WINDOWS)
#define ON_LINUX      (1u << RECIPE_OS_LINUX)
#define ON_ANY        (1u << RECIPE_OS_ANY)
#define ON_EVERYTHING (ON_WINDOWS | ON_LINUX | ON_ANY)

#define AT(member) offsetof (struct recipe_action, member)

static const struct recipe_field of_fields[] = {
    {"of", FIELD_MATCH, FIELD_REQUIRED, AT (of)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field rename_fields[] = {
    {"of", FIELD_MATCH, FIELD_REQUIRED, AT (of)},
    {"to", FIELD_FILENAME, FIELD_REQUIRED, AT (to)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field write_fields[] = {
    {"path", FIELD_PATH, FIELD_REQUIRED, AT (path)},
    {"content", FIELD_CONTENT, 0, AT (content), AT (content_len)},
    {"content_base64", FIELD_BASE64, 0, AT (content), AT (content_len)},
    {"sha256", FIELD_SHA256, 0, AT (sha256)},
    {"overwrite", FIELD_BOOL, 0, AT (overwrite)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field copy_fields[] = {
    {"from", FIELD_PATH, FIELD_REQUIRED, AT (from)},
    {"to", FIELD_PATH, FIELD_REQUIRED, AT (to)},
    {"overwrite", FIELD_BOOL, 0, AT (overwrite)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const char *const missing_names[] = {"refuse", "create", "skip", NULL};

static const struct recipe_field restore_fields[] = {
    {"path", FIELD_PATH, FIELD_REQUIRED, AT (path)},
    {"sha256", FIELD_SHA256, FIELD_EMPTY_IS_NONE, AT (sha256)},
    {"from", FIELD_PATH, FIELD_EMPTY_IS_NONE, AT (from)},
    {"content_base64", FIELD_BASE64, FIELD_EMPTY_IS_NONE, AT (content),
     AT (content_len)},
    {"winsxs", FIELD_BOOL, 0, AT (winsxs)},
    {"overwrite", FIELD_BOOL, 0, AT (overwrite)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field registry_set_fields[] = {
    {"hive", FIELD_CHOICE, FIELD_REQUIRED, AT (hive), .words = recipe_hives},
    {"key", FIELD_KEY, FIELD_REQUIRED, AT (key)},
    {"value", FIELD_VALUE, FIELD_REQUIRED, AT (value), .max = 255},
    {"type", FIELD_WORD, 0, AT (value_type), .words = recipe_value_types},
    {"data", FIELD_DATA, 0, AT (data)},
    {"find", FIELD_LINE, 0, AT (find)},
    {"replace", FIELD_PIECE, 0, AT (replace)},
    {"missing", FIELD_WORD, 0, AT (missing), .words = missing_names},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field registry_delete_fields[] = {
    {"hive", FIELD_CHOICE, FIELD_REQUIRED, AT (hive), .words = recipe_hives},
    {"key", FIELD_KEY, FIELD_REQUIRED, AT (key)},
    {"value", FIELD_VALUE, 0, AT (value), .max = 255},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field service_fields[] = {
    {"service", FIELD_KEY, FIELD_REQUIRED, AT (service), .max = 255},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field hive_restore_fields[] = {
    {"hive", FIELD_CHOICE, FIELD_REQUIRED, AT (hive), .words = recipe_hives},
    {"from", FIELD_PATH, FIELD_EMPTY_IS_NONE, AT (from)},
    {"content_base64", FIELD_BASE64, FIELD_EMPTY_IS_NONE, AT (content),
     AT (content_len)},
    {"sha256", FIELD_SHA256, FIELD_EMPTY_IS_NONE, AT (sha256)},
    {NULL},
};

static const struct recipe_field set_line_fields[] = {
    {"path", FIELD_PATH, FIELD_REQUIRED, AT (path)},
    {"pattern", FIELD_LINE, FIELD_REQUIRED, AT (pattern)},
    {"line", FIELD_LINE, FIELD_REQUIRED, AT (line)},
    {"add", FIELD_BOOL, 0, AT (add)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field remove_line_fields[] = {
    {"path", FIELD_PATH, FIELD_REQUIRED, AT (path)},
    {"pattern", FIELD_LINE, FIELD_REQUIRED, AT (pattern)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const struct recipe_field link_fields[] = {
    {"path", FIELD_PATH, FIELD_REQUIRED, AT (path)},
    {"target", FIELD_LINE, FIELD_REQUIRED, AT (target)},
    {"when", FIELD_MATCH, 0, AT (when)},
    {NULL},
};

static const char *const fstab_names[] = {"nofail", "comment", NULL};
static const struct recipe_field fstab_fields[] = {
    {"how", FIELD_FLAG, 0, AT (comment), .words = fstab_names},
    {NULL},
};

static const struct recipe_field no_fields[] = {
    {NULL},
};

static const struct recipe_field free_space_fields[] = {
    {"rotated", FIELD_BOOL, 0, AT (rotated)},
    {NULL},
};

/* These checks get a recipe without a name: recipe.c puts it in front. */
static const struct recipe nameless;

static int
check_delete (const struct recipe_action *action, const char *place,
              struct err **err)
{
  if (action->of->folder)
    return recipe_error (&nameless, err, place,
                         "delete is for files: rename or quarantine a folder");
  return 0;
}

static int
check_rename (const struct recipe_action *action, const char *place,
              struct err **err)
{
  const char *last = strrchr (action->of->path, '/') + 1;

  if (strpbrk (last, "*?["))
    return recipe_error (&nameless, err, place,
                         "a match with a wildcard can't be renamed: all would "
                         "get the same name");
  if (strcmp (last, action->to) == 0)
    return recipe_error (&nameless, err, place, "the new name is the old one");
  return 0;
}

static int
check_write (const struct recipe_action *action, const char *place,
             struct err **err)
{
  char hex[65];

  if (action->content == NULL)
    return recipe_error (&nameless, err, place,
                         "write needs content or content_base64");
  if (action->sha256 == NULL)
    return 0;
  digest_bytes (action->content, action->content_len, hex);
  if (strcmp (hex, action->sha256) != 0)
    return recipe_error (&nameless, err, place,
                         "the content's SHA-256 is %s, not sha256", hex);
  return 0;
}

static int
check_copy (const struct recipe_action *action, const char *place,
            struct err **err)
{
  if (strcasecmp (action->from, action->to) == 0)
    return recipe_error (&nameless, err, place, "from and to are the same");
  return 0;
}

static int
check_restore (const struct recipe_action *action, const char *place,
               struct err **err)
{
  if (action->content == NULL && action->from == NULL && !action->winsxs)
    return recipe_error (&nameless, err, place,
                         "nothing says where the file comes from: winsxs, "
                         "from or content_base64");
  if (action->sha256 == NULL && (action->from || action->content_len))
    return recipe_error (&nameless, err, place,
                         "only the component store is trusted without a "
                         "sha256");
  if (action->content_len)
    return check_write (action, place, err);
  return 0;
}

static int
check_hive_restore (const struct recipe_action *action, const char *place,
                    struct err **err)
{
  if (action->content_len == 0)
    return 0;
  if (action->sha256 == NULL)
    return recipe_error (&nameless, err, place,
                         "a hive that is brought along needs its sha256");
  return check_write (action, place, err);
}

/* Which entries suit which type; the place is the number of the type. */
static bool
is_datum_of (int type, const json_t *datum)
{
  bool is_wide = type == 4 || type == 11;

  if (is_wide != json_is_integer (datum))
    return false;
  if (type == 3) {
    CLEANUP_FREE unsigned char *bytes = NULL;
    size_t len;

    return *json_string_value (datum) == '\0' ||
           hex_decode (json_string_value (datum), &bytes, &len) == 0;
  }
  return type != 4 || (json_integer_value (datum) >= 0 &&
                       json_integer_value (datum) <= UINT32_MAX);
}

static int
check_registry_set (const struct recipe_action *action, const char *place,
                    struct err **err)
{
  static const unsigned settable =
      1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 11;
  size_t i;
  json_t *datum;

  if (!action->data == !action->find)
    return recipe_error (&nameless, err, place,
                         "needs either \"data\" or \"find\"");
  if (action->find)
    return action->value_type == 0
               ? 0
               : recipe_error (&nameless, err, place,
                               "the type stays with \"find\"");
  if (!(settable >> action->value_type & 1))
    return recipe_error (&nameless, err, place,
                         "the type is none of: sz, expand_sz, binary, dword, "
                         "multi_sz, qword");
  if (action->value_type != 7 && json_array_size (action->data) != 1)
    return recipe_error (&nameless, err, place,
                         "only multi_sz has a list of data");
  json_array_foreach (action->data, i, datum)
  {
    if (!is_datum_of (action->value_type, datum))
      return recipe_error (&nameless, err, place, "the data is no %s",
                           recipe_value_types[action->value_type]);
  }
  return 0;
}

/* Removing every key of a hive by one '*' is nobody's wish. */
static int
check_registry_delete (const struct recipe_action *action, const char *place,
                       struct err **err)
{
  const char *last = strrchr (action->key, '\\');

  if (action->value == NULL && (last == NULL || strcmp (last + 1, "*") == 0 ||
                                strcmp (action->key, "*") == 0))
    return recipe_error (&nameless, err, place,
                         "a whole key is deleted by its name, and not at the "
                         "top of a hive");
  return 0;
}

/* That it compiles is seen where it is used (disk-ops); what most likely is a
 * slip is found here: it would be tried on no line, or on every one. */
static int
check_line (const struct recipe_action *action, const char *place,
            struct err **err)
{
  regex_t regex;
  int code = regcomp (&regex, action->pattern, REG_EXTENDED | REG_NOSUB);
  bool fits_all;

  if (code != 0) {
    char why[200];

    regerror (code, &regex, why, sizeof why);
    return recipe_error (&nameless, err, place,
                         "\"%.80s\" is no extended regular expression: %s",
                         action->pattern, why);
  }
  fits_all = regexec (&regex, "", 0, NULL, 0) == 0;
  regfree (&regex);
  if (fits_all)
    return recipe_error (&nameless, err, place,
                         "the pattern \"%.80s\" fits an empty line, and so "
                         "every one",
                         action->pattern);
  return 0;
}

static int
check_service (const struct recipe_action *action, const char *place,
               struct err **err)
{
  if (strpbrk (action->service, "\\*"))
    return recipe_error (&nameless, err, place, "\"%.80s\" is no service",
                         action->service);
  return 0;
}

static int
check_set_line (const struct recipe_action *action, const char *place,
                struct err **err)
{
  regex_t regex;
  bool fits;

  if (check_line (action, place, err) == -1)
    return -1;
  if (regcomp (&regex, action->pattern, REG_EXTENDED | REG_NOSUB) != 0)
    abort (); /* it did a moment ago */
  fits = regexec (&regex, action->line, 0, NULL, 0) == 0;
  regfree (&regex);
  if (action->add && !fits)
    return recipe_error (&nameless, err, place,
                         "the pattern does not fit the new line: with \"add\" "
                         "it would be added again at each repair");
  return 0;
}

static int
check_link (const struct recipe_action *action, const char *place,
            struct err **err)
{
  if (action->target[0] != '/')
    return recipe_error (&nameless, err, place,
                         "the target of a link is an absolute path");
  return 0;
}

const struct recipe_action_type recipe_action_types[] = {
    {"delete", ACTION_DELETE, ON_EVERYTHING, of_fields, check_delete,
     "delete what was proven"},
    {"quarantine", ACTION_QUARANTINE, ON_EVERYTHING, of_fields, NULL,
     "move what was proven to /bootmend-quarantine on the same volume"},
    {"rename", ACTION_RENAME, ON_EVERYTHING, rename_fields, check_rename,
     "give what was proven another name in its folder"},
    {"write", ACTION_WRITE, ON_EVERYTHING, write_fields, check_write,
     "write a file"},
    {"copy", ACTION_COPY, ON_EVERYTHING, copy_fields, check_copy,
     "copy a file within the guest"},
    {"restore", ACTION_RESTORE, ON_EVERYTHING, restore_fields, check_restore,
     "put back a file that is missing"},
    {"registry-set", ACTION_REGISTRY_SET, ON_WINDOWS, registry_set_fields,
     check_registry_set, "set a value in the registry"},
    {"registry-delete", ACTION_REGISTRY_DELETE, ON_WINDOWS,
     registry_delete_fields, check_registry_delete,
     "delete a value or a key of the registry"},
    {"service-disable", ACTION_SERVICE_DISABLE, ON_WINDOWS, service_fields,
     check_service, "keep a driver or service from being started"},
    {"hive-restore", ACTION_HIVE_RESTORE, ON_WINDOWS, hive_restore_fields,
     check_hive_restore, "put another state in place of a damaged hive"},
    {"set-line", ACTION_SET_LINE, ON_LINUX, set_line_fields, check_set_line,
     "change the lines of a configuration file that fit a pattern"},
    {"remove-line", ACTION_REMOVE_LINE, ON_LINUX, remove_line_fields,
     check_line,
     "take out the lines of a configuration file that fit a "
     "pattern"},
    {"link", ACTION_LINK, ON_LINUX, link_fields, check_link,
     "make a symbolic link"},
    {"fstab-let-go", ACTION_FSTAB, ON_LINUX, fstab_fields, NULL,
     "no longer wait for devices that are not on this disk"},
    {"previous-kernel", ACTION_PREVIOUS_KERNEL, ON_LINUX, no_fields, NULL,
     "start the kernel before the newest one by default"},
    {"ntfs-boot-sector", ACTION_BOOT_SECTOR, ON_WINDOWS, no_fields, NULL,
     "put back a damaged boot sector of an NTFS volume from its copy"},
    {"free-space", ACTION_FREE_SPACE, ON_LINUX, free_space_fields, NULL,
     "say what fills the disk; with \"rotated\", delete rotated logs"},
    {NULL},
};
