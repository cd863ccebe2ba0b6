/* Typed parameters of a recipe, and ${name} in its texts.
 *
 * Values come from an operator or from a plan, not from the recipe's author,
 * so they are checked by type before they are put in, and what results is
 * checked again as if the author had written it. */

#ifndef BOOTMEND_PARAMETERS_H
#define BOOTMEND_PARAMETERS_H

#include "recipe.h"

/* The value in force of every declared parameter: given, else its default,
 * else (examples) its example.  Refuses undeclared names, missing values and
 * values of another type.  Returns {name: value of its JSON type}. */
json_t *parameters_resolve (const struct recipe *recipe, const json_t *declared,
                            const json_t *given, bool examples,
                            struct err **err) ATTR_USE;

enum expand_flags {
  EXPAND_IN_PATH = 1 /* a value may bring no wildcard and, unless it is of
                        type path, no '/' */
};

/* Puts values into a text.  A text that is nothing but "${name}" becomes the
 * value with its JSON type; in a longer one it is written out; "$${" is a plain
 * "${".  Anything but a string comes back as it is.  New reference. */
json_t *parameters_expand (const struct recipe *recipe, const json_t *values,
                           json_t *used, const json_t *text, unsigned flags,
                           const char *place, struct err **err) ATTR_USE;

#endif
