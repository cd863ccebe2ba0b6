/* Whatever a console says: an answer whose words are printable, and no recipe
 * without its parameters. */

#include "fuzz.h"

#include <string.h>

#include <base/mem.h>
#include <diagnoses/diagnoses.h>

/* Leaks nothing: one for the whole run. */
static const struct diagnosis_rules *
rules (void)
{
  static struct diagnosis_rules *once;

  if (once == NULL)
    once = diagnosis_rules_builtin (NULL);
  FUZZ_CHECK (once);
  return once;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  CLEANUP_FREE char *text = xstrndup ((const char *)data, size);
  CLEANUP_FREE char *all = NULL;
  CLEANUP_JSON json_t *findings =
      json_make ("{s:[{s:s}]}", "texts", "where", "console");
  CLEANUP_JSON json_t *list = NULL;
  json_t *row = json_array_get (json_object_get (findings, "texts"), 0);

  json_object_set_new (row, "text", json_string_nocheck (text));
  list = diagnose (rules (), findings);
  all = json_text (list);
  for (const char *p = all; *p; p++)
    FUZZ_CHECK ((unsigned char)*p >= ' ');
  FUZZ_CHECK (strstr (all, "${") == NULL || strstr (text, "${"));
  return 0;
}
