/* The words that name domains on the command line, and which domains they mean.
 *
 * A selector is {"terms": [{"text": as written, "by": "name" | "uuid" | "title"
 * | "tag" | "any", "key": for tag, "pattern": text or pattern, "not": bool}]}.
 * A domain is selected if a term means it and no "not" term does. */

#ifndef BOOTMEND_LIBVIRT_SELECTOR_H
#define BOOTMEND_LIBVIRT_SELECTOR_H

#include <stdbool.h>

#include <base/json.h>

#include "domain-xml.h"

extern const char selector_help[];

/* provider->parse_selector. */
int selector_parse (const char *words, json_t **selector, struct err **err);

/* Does the term mean this domain, regardless of "not"? */
bool term_matches (const json_t *term, const struct domain_xml *domain);
bool selector_matches (const json_t *selector, const struct domain_xml *domain);

#endif
