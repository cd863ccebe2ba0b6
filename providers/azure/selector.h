/* The words after "azure:".
 *
 *   {text, subscription, ids: [id], all, impaired: bool,
 *    terms: [{by: "name" | "group" | "location" | "size" | "tag", key: of a
 * tag, patterns: [glob]}],       all must fit, each by any pattern not: [a
 * term]} */

#ifndef BOOTMEND_AZURE_SELECTOR_H
#define BOOTMEND_AZURE_SELECTOR_H

#include <providers/provider.h>

extern const char azure_selector_help[];
int azure_selector_parse (const char *words, json_t **selector,
                          struct err **err);
char *azure_spell_id (const char *text);
json_t *azure_binding_words (json_t *selector);

/* Does a VM (as ARM shows it in a list) fit terms and exclusions? */
bool azure_selector_fits (const json_t *selector, const json_t *vm);
/* The resource groups that are named without wildcards: an array (new
 * reference), NULL: any may be meant. */
json_t *azure_selector_groups (const json_t *selector);

#endif
