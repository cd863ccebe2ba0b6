/* What may be said in a JSON object, as a table.
 *
 * Every object of a recipe (the whole, a match, an action, a parameter) is
 * read into a C struct by a table of its fields, so that unknown fields, wrong
 * types and bad values are found by the same code everywhere and a further
 * action brings a table, not a parser:
 *
 *   static const struct recipe_field rename_fields[] = {
 *     { "of", FIELD_MATCH, FIELD_REQUIRED, offsetof (struct recipe_action, of)
 * }, { "to", FIELD_FILENAME, FIELD_REQUIRED, offsetof (..., to) }, { NULL } };
 */

#ifndef BOOTMEND_FIELDS_H
#define BOOTMEND_FIELDS_H

#include "recipe.h"

enum field_type {
  FIELD_LINE,     /* char *: one line for people */
  FIELD_TEXT,     /* char *: lines for people */
  FIELD_LINES,    /* char **: list of FIELD_LINE */
  FIELD_NAME,     /* char *: a-z, 0-9, '-', '_'; starts with a letter */
  FIELD_PATH,     /* char *: path in the guest */
  FIELD_PATTERN,  /* char *: the same, wildcards in its last part */
  FIELD_FILENAME, /* char *: one part of a path */
  FIELD_BOOL,     /* bool */
  FIELD_COUNT,    /* int64_t >= 0 */
  FIELD_INTEGER,  /* int64_t, and bool at `aux` (0: none) set to true */
  FIELD_TIME,     /* int64_t ms since 1970, and bool at `aux` set to true */
  FIELD_BYTES,    /* unsigned char * from hex, and size_t at `aux` */
  FIELD_CONTENT,  /* the same from text */
  FIELD_BASE64,   /* the same from base64 */
  FIELD_SHA256,   /* char *: 64 hex digits, lower case */
  FIELD_SHA256S,  /* char **: list of them, not empty */
  FIELD_WORD,     /* int: index into `words` */
  FIELD_CHOICE,   /* char *: one of `words` */
  FIELD_FLAG,     /* bool: true if the word is the second of `words` */
  FIELD_MATCH,    /* const struct recipe_match *: by its id */
  FIELD_KEY,      /* char *: path of a registry key, backslash between parts */
  FIELD_VALUE,    /* char *: name of a registry value, may be empty */
  FIELD_PIECE,    /* char *: a piece of text, may be empty */
  FIELD_DATA,     /* json_t *, owned: list of numbers and texts (or one) */
  FIELD_OBJECT,   /* further fields of the same struct: `fields` */
  FIELD_JSON      /* json_t *, borrowed: read later by other code */
};

enum field_flags {
  FIELD_REQUIRED = 1,
  FIELD_EMPTY_IS_NONE = 2 /* "" is the same as not said */
};

struct recipe_field {
  const char *name;
  enum field_type type;
  unsigned flags;
  size_t offset, aux; /* in the struct; see the types */
  size_t max;         /* bytes of a text; 0: FIELD_MAX_TEXT */
  const char *const *words;
  const struct recipe_field *fields;
};

#define FIELD_MAX_TEXT 4096

struct reader {
  const struct recipe *recipe; /* name for errors, matches, os */
  json_t *values;              /* for ${name}; NULL: ${ is plain text */
  json_t *used;                /* the names that were used are set in it */
};

/* Reads `object` into the struct at dest by the table; `also` is a key that
 * the caller has read already (NULL: none).  `place` is where in the recipe,
 * "actions[1]" ("" for the whole). */
int fields_read (struct reader *reader, const json_t *object,
                 const struct recipe_field *fields, const char *also,
                 void *dest, const char *place, struct err **err) ATTR_USE;

/* Frees what fields_read may have put into the struct. */
void fields_release (const struct recipe_field *fields, void *dest);

/* Sets ERR_INPUT "recipe "NAME": PLACE: ..." (guest words made printable). */
int recipe_error (const struct recipe *recipe, struct err **err,
                  const char *place, const char *fmt, ...) ATTR_PRINTF (4, 5);

/* "place.name", or "name" if place is empty. */
char *place_of (const char *place, const char *name);

#endif
