/* The words after "aws:" on a command line.
 *
 * parsed: {text, ids: [..], filters: [{name, values: [..]}],
 *          not: [{by: "id" | "name" | "tag" | "tag-key", key, pattern}],
 *          impaired: bool, profile, region} */

#ifndef BOOTMEND_AWS_SELECTOR_H
#define BOOTMEND_AWS_SELECTOR_H

#include <base/json.h>

extern const char aws_selector_help[];

/* ERR_USAGE says which word is wrong and what is right. */
int aws_selector_parse (const char *words, json_t **selector, struct err **err);

/* {"profile", "region"} of the words, taken out of the selector; NULL:
 * there are none. */
json_t *aws_binding_words (json_t *selector);

/* Is it taken out again by a "!" word?  `tags` is {key: value}. */
bool aws_selector_excludes (const json_t *selector, const char *id,
                            const json_t *tags);

#endif
