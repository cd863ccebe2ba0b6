/* The recipes in data/ as they are linked in; embed.cmake writes the table. */

#ifndef BOOTMEND_BUILTIN_H
#define BOOTMEND_BUILTIN_H

#include <stddef.h>

struct builtin_recipe {
  const char *name; /* of the file, without ".json" */
  const char *text;
  size_t len;
};

extern const struct builtin_recipe builtin_recipes[]; /* no name ends */

#endif
