#include "fields.h"

#include <stdarg.h>
#include <string.h>

#include <base/strbuf.h>
#include <base/text.h>

#include "field-values.h"
#include "parameters.h"

int
recipe_error (const struct recipe *recipe, struct err **err, const char *place,
              const char *fmt, ...)
{
  va_list args;
  CLEANUP_FREE char *raw = NULL, *text = NULL;

  va_start (args, fmt);
  raw = xvasprintf (fmt, args);
  va_end (args);
  text = xasprintf ("recipe%s%.64s%s: %s%s%s", recipe->name ? " \"" : "",
                    recipe->name ? recipe->name : "", recipe->name ? "\"" : "",
                    place, *place ? ": " : "", raw);
  free (raw);
  raw = text_printable (text);
  return err_set (err, ERR_INPUT, "%s", raw);
}

char *
place_of (const char *place, const char *name)
{
  return xasprintf ("%s%s%.80s", place, *place ? "." : "", name);
}

static bool
in_path (enum field_type type)
{
  return type == FIELD_PATH || type == FIELD_PATTERN ||
         type == FIELD_FILENAME || type == FIELD_KEY;
}

static int
read_field (struct reader *reader, const struct recipe_field *field,
            const json_t *value, void *dest, const char *outer,
            struct err **err)
{
  CLEANUP_FREE char *place = place_of (outer, field->name);
  CLEANUP_JSON json_t *expanded = NULL;
  struct field_item it = {reader,
                          field,
                          value,
                          (char *)dest + field->offset,
                          (char *)dest + field->aux,
                          place};

  if (field->type == FIELD_OBJECT)
    return fields_read (reader, value, field->fields, NULL, dest, place, err);
  if (field->type != FIELD_JSON) {
    expanded =
        parameters_expand (reader->recipe, reader->values, reader->used, value,
                           in_path (field->type) ? EXPAND_IN_PATH : 0, place,
                           err);
    if (expanded == NULL)
      return -1;
    it.value = expanded;
    if ((field->flags & FIELD_EMPTY_IS_NONE) && json_is_string (expanded) &&
        json_string_length (expanded) == 0)
      return 0;
  }
  return field_item_read (&it, err);
}

static int
unknown_field (const struct reader *reader, const struct recipe_field *fields,
               const char *key, const char *place, struct err **err)
{
  CLEANUP_STRBUF struct strbuf all = STRBUF_EMPTY;

  for (const struct recipe_field *f = fields; f->name; f++)
    strbuf_addf (&all, "%s%s", all.len ? ", " : "", f->name);
  return recipe_error (reader->recipe, err, place,
                       "unknown field \"%.80s\" (known: %s)", key, all.buf);
}

int
fields_read (struct reader *reader, const json_t *object,
             const struct recipe_field *fields, const char *also, void *dest,
             const char *place, struct err **err)
{
  const char *key;
  json_t *value;
  const struct recipe_field *f;

  if (!json_is_object (object))
    return recipe_error (reader->recipe, err, place, "is no object");
  json_object_foreach ((json_t *)object, key, value)
  {
    for (f = fields; f->name && strcmp (f->name, key) != 0; f++)
      ;
    if (f->name == NULL && (also == NULL || strcmp (also, key) != 0))
      return unknown_field (reader, fields, key, place, err);
  }
  for (f = fields; f->name; f++) {
    value = json_object_get (object, f->name);
    if (value == NULL && (f->flags & FIELD_REQUIRED))
      return recipe_error (reader->recipe, err, place,
                           "the field \"%s\" is missing", f->name);
    if (value && read_field (reader, f, value, dest, place, err) == -1)
      return -1;
  }
  return 0;
}

void
fields_release (const struct recipe_field *fields, void *dest)
{
  for (const struct recipe_field *f = fields; f->name; f++) {
    void *at = (char *)dest + f->offset;

    switch (f->type) {
    case FIELD_LINE:
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_PATH:
    case FIELD_PATTERN:
    case FIELD_FILENAME:
    case FIELD_SHA256:
    case FIELD_BYTES:
    case FIELD_CONTENT:
    case FIELD_BASE64:
    case FIELD_KEY:
    case FIELD_VALUE:
    case FIELD_PIECE:
    case FIELD_CHOICE:
      free (*(char **)at); /* content has two fields for one place */
      *(char **)at = NULL;
      break;
    case FIELD_LINES:
    case FIELD_SHA256S:
      strv_free (*(char ***)at);
      *(char ***)at = NULL;
      break;
    case FIELD_DATA:
      json_decref (*(json_t **)at);
      *(json_t **)at = NULL;
      break;
    case FIELD_OBJECT:
      fields_release (f->fields, dest);
      break;
    default:
      break;
    }
  }
}
