/* Which recipes an inspection or a diagnosis of images tries. */

#ifndef BOOTMEND_CLI_INSPECT_RECIPES_H
#define BOOTMEND_CLI_INSPECT_RECIPES_H

#include <base/json.h>

/* [{recipe, parameters}] of the built-in recipes; one that needs parameters
 * can't be tried without. */
json_t *recipes_to_try (struct err **err) ATTR_USE;

#endif
