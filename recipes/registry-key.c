#include "registry-key.h"

#include <string.h>

#include "recipe.h"

#define MAX_DEPTH 64
#define MAX_PART  255

const char *const recipe_hives[] = {"SYSTEM",   "SOFTWARE",      "SAM",
                                    "SECURITY", "DEFAULT",       "COMPONENTS",
                                    "DRIVERS",  RECIPE_HIVE_BCD, NULL};

const char *const recipe_value_types[] =
    {"none",         "sz",    "expand_sz", "binary",    "dword",
     "dword_be",     "link",  "multi_sz",  "resources", "resource",
     "requirements", "qword", NULL};

const char *
registry_key_fault (const char *key)
{
  int depth = 1;

  if (*key == '\0')
    return "is empty (the root of a hive is \".\")";
  for (const char *part = key;; part++) {
    size_t len = strcspn (part, "\\");

    if (len == 0)
      return "has an empty part (a backslash at an end, or two in a row)";
    if (len > MAX_PART)
      return "has a part longer than 255 bytes";
    if (memchr (part, '*', len) && len > 1)
      return "has a '*' in a part: only a whole part can be one";
    if (++depth > MAX_DEPTH)
      return "is too deep";
    part += len;
    if (*part == '\0')
      return NULL;
  }
}
