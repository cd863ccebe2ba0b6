/* The actions that a recipe can ask for, one row each; recipe.h says what a
 * further one takes. */

#include "fields.h"

#include <string.h>

#include "digest.h"

#define ON_WINDOWS    (1u << RECIPE_OS_WINDOWS)
#define ON_LINUX      (1u << RECIPE_OS_LINUX)
#define ON_ANY        (1u << RECIPE_OS_ANY)
#define ON_EVERYTHING (ON_WINDOWS | ON_LINUX | ON_ANY)

#define AT(member) offsetof (struct recipe_action, member)

static const struct recipe_field of_fields[] = {
    {"of", FIELD_MATCH, FIELD_REQUIRED, AT (of)},
    {NULL},
};

static const struct recipe_field rename_fields[] = {
    {"of", FIELD_MATCH, FIELD_REQUIRED, AT (of)},
    {"to", FIELD_FILENAME, FIELD_REQUIRED, AT (to)},
    {NULL},
};

static const struct recipe_field write_fields[] = {
    {"path", FIELD_PATH, FIELD_REQUIRED, AT (path)},
    {"content", FIELD_CONTENT, 0, AT (content), AT (content_len)},
    {"content_base64", FIELD_BASE64, 0, AT (content), AT (content_len)},
    {"sha256", FIELD_SHA256, 0, AT (sha256)},
    {"overwrite", FIELD_BOOL, 0, AT (overwrite)},
    {NULL},
};

static const struct recipe_field copy_fields[] = {
    {"from", FIELD_PATH, FIELD_REQUIRED, AT (from)},
    {"to", FIELD_PATH, FIELD_REQUIRED, AT (to)},
    {"overwrite", FIELD_BOOL, 0, AT (overwrite)},
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
    {NULL},
};
