/* Finds a recipe by name or file. */

#include "builtin.h"

#include <string.h>

#include <base/strbuf.h>
#include <base/text.h>

#include "recipe.h"

static bool
is_file_name (const char *name)
{
  size_t len = strlen (name);

  return strchr (name, '/') || (len > 5 && !strcmp (name + len - 5, ".json"));
}

json_t *
recipe_find (const char *name_or_path, struct err **err)
{
  CLEANUP_STRBUF struct strbuf all = STRBUF_EMPTY;
  CLEANUP_FREE char *shown = NULL;

  /* Indented text may be longer than the canonical one. */
  if (is_file_name (name_or_path))
    return json_parse_file (name_or_path, 2 * RECIPE_MAX_BYTES, err);
  for (const struct builtin_recipe *b = builtin_recipes; b->name; b++) {
    if (strcmp (b->name, name_or_path) == 0)
      return json_parse (b->text, b->len, b->name, err);
    strbuf_addf (&all, "%s%s", all.len ? ", " : "", b->name);
  }
  shown = text_printable (name_or_path);
  err_set (err, ERR_NOT_FOUND,
           "no recipe \"%s\" (built in: %s; a file needs a '/' or \".json\" "
           "in its name)",
           shown, all.buf);
  return NULL;
}
