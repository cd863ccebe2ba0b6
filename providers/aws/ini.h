/* The files that AWS tools share: ~/.aws/credentials and ~/.aws/config.
 *
 * They are read as botocore reads them (Python's configparser without
 * interpolation), since that is what the operator's other tools agree on:
 * - a line whose first character is # or ; is a comment; behind a value there
 *   are none: "key = a # b" is "a # b", and quotes are part of a value
 * - keys have no case, and end at the first = or :
 * - a line that is indented deeper than its key goes on with the value; so
 *   "s3 =" with indented lines below has a value of lines
 * - [DEFAULT] gives values to all sections
 * - a section or key that is there twice is an error
 *
 * Everything stays where it was read, in memory that is wiped. */

#ifndef BOOTMEND_AWS_INI_H
#define BOOTMEND_AWS_INI_H

#include <stdbool.h>

#include <base/secret.h>
#include <base/err.h>

#define INI_MAX_BYTES (1024 * 1024)

struct ini;

/* Takes `text` over, also on error.  `what` names the file in errors, which
 * quote nothing but section names and keys: ERR_INPUT with the line. */
struct ini *ini_parse (struct secret *text, const char *what,
                       struct err **err) ATTR_USE;
void ini_free (struct ini *ini);

/* NULL if there is none.  A value of lines begins with a newline. */
const char *ini_get (const struct ini *ini, const char *section,
                     const char *key);
bool ini_has_section (const struct ini *ini, const char *section);
/* The names of the sections in their order; NULL behind the last. */
const char *ini_section (const struct ini *ini, size_t i);

/* One setting within a value of lines ("\nname = text\n..."), copied. */
char *ini_nested (const char *lines, const char *name);

#endif
