/* Helpers over jansson: parse with limits, read fields with errors that name
 * the field, build, print.
 *
 * Plain data travels as json_t in this project (VM records, step results,
 * agent messages), because it is stored and sent as JSON anyway. */

#ifndef BOOTMEND_JSON_H
#define BOOTMEND_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <base/err.h>

#define CLEANUP_JSON CLEANUP (cleanup_json)
void cleanup_json (json_t **json);

/* Parses text; `what` names it in the error.  Duplicate keys are errors, and so
 * is anything nested deeper than JSON_MAX_DEPTH. */
#define JSON_MAX_DEPTH 64
json_t *json_parse (const char *text, size_t len, const char *what,
                    struct err **err) ATTR_USE;
/* The same for a file of at most max_bytes. */
json_t *json_parse_file (const char *path, size_t max_bytes,
                         struct err **err) ATTR_USE;

/* From now on everything that jansson frees is overwritten first: for programs
 * whose messages may hold secrets.  Any number of times. */
void json_wipe_freed (void);

/* The same for what may hold secrets: the error quotes nothing of it, and from
 * the first call on everything that jansson frees is overwritten. */
json_t *json_parse_secret (const char *text, size_t len, const char *what,
                           struct err **err) ATTR_USE;

/* Compact, keys sorted: equal data gives equal text.  Never NULL. */
char *json_text (const json_t *json);
/* Indented, for people. */
char *json_text_pretty (const json_t *json);

/* A path like "os_disk.size_bytes"; NULL if any part is missing. */
json_t *json_at (const json_t *json, const char *path);
/* With a default for what is missing or of another type. */
const char *json_str (const json_t *json, const char *path,
                      const char *otherwise);
int64_t json_int (const json_t *json, const char *path, int64_t otherwise);
bool json_bool (const json_t *json, const char *path, bool otherwise);

/* Required fields: NULL/-1 and an error (ERR_INPUT) if missing or mistyped. */
const char *json_need_str (const json_t *json, const char *path,
                           struct err **err) ATTR_USE;
int json_need_int (const json_t *json, const char *path, int64_t *ret,
                   struct err **err) ATTR_USE;
json_t *json_need_array (const json_t *json, const char *path,
                         struct err **err) ATTR_USE;
json_t *json_need_object (const json_t *json, const char *path,
                          struct err **err) ATTR_USE;

/* Like json_pack, but aborts on a wrong format: it never returns NULL. */
json_t *json_make (const char *fmt, ...);
/* Sets a key to a new reference; NULL removes the key. */
void json_put (json_t *object, const char *key, json_t *value_taken);
void json_put_str (json_t *object, const char *key, const char *value);
void json_put_int (json_t *object, const char *key, int64_t value);
void json_put_bool (json_t *object, const char *key, bool value);
/* The array of a key, to add to; put there, empty, if there is none. */
json_t *json_list (json_t *object, const char *key);

/* {"code": "...", "message": "..."} and back. */
json_t *json_from_err (const struct err *err);
struct err *json_to_err (const json_t *json);

#endif
