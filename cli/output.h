/* Results on stdout.
 *
 * Nobody may believe in a result that did not arrive: output_close says so if
 * stdout is full (exit status 1).  A reader who has gone (`| head`) is no
 * error; SIGPIPE is ignored, because a campaign must not die of it. */

#ifndef BOOTMEND_OUTPUT_H
#define BOOTMEND_OUTPUT_H

#include <base/json.h>

/* {"bootmend": 1, "kind": kind, ...fields} */
#define OUTPUT_VERSION 1
json_t *output_object (const char *kind, json_t *fields_taken);
/* Prints an object, indented, with a newline. */
void output_whole (const json_t *object);
/* The same of output_object (). */
void output_json (const char *kind, json_t *fields_taken);

/* Flushes stdout; -1 if something written there was lost. */
int output_close (struct err **err) ATTR_USE;

#endif
