#include "parameters.h"

#include <errno.h>
#include <string.h>

#include <base/clock.h>
#include <base/strbuf.h>
#include <base/text.h>

#include "fields.h"
#include "guest-path.h"

#define MAX_PARAMETERS  64
#define MAX_VALUE_BYTES 4096

struct parameter {
  int type; /* index into type_names */
  char *description;
  json_t *otherwise, *example, *values; /* borrowed */
  int64_t min, max;
  bool has_min, has_max;
};

/* Each gives the value in its JSON form, or NULL and why it is none. */
typedef json_t *value_reader (const struct recipe *recipe, const json_t *value,
                              const char **why);

static const char *
one_line (const json_t *value)
{
  const char *s = json_string_value (value);

  if (s == NULL || strlen (s) != json_string_length (value) ||
      strlen (s) > MAX_VALUE_BYTES)
    return NULL;
  for (const char *p = s; *p; p++)
    if ((unsigned char)*p < 0x20 || *p == 0x7f)
      return NULL;
  return s;
}

static json_t *
read_string (const struct recipe *recipe, const json_t *value, const char **why)
{
  const char *s = one_line (value);

  (void)recipe;
  *why = "no text of one line and at most 4096 bytes";
  return s ? json_string (s) : NULL;
}

static json_t *
read_integer (const struct recipe *recipe, const json_t *value,
              const char **why)
{
  const char *s = one_line (value);
  char *end;
  long long number;

  (void)recipe;
  *why = "no whole number";
  if (json_is_integer (value))
    return json_integer (json_integer_value (value));
  if (s == NULL || *s == '\0' || s[strspn (s, "-0123456789")] != '\0')
    return NULL;
  errno = 0;
  number = strtoll (s, &end, 10);
  return errno || *end ? NULL : json_integer (number);
}

static json_t *
read_boolean (const struct recipe *recipe, const json_t *value,
              const char **why)
{
  const char *s = one_line (value);

  (void)recipe;
  *why = "neither true nor false";
  if (json_is_boolean (value))
    return json_boolean (json_is_true (value));
  if (s && strcmp (s, "true") == 0)
    return json_true ();
  if (s && strcmp (s, "false") == 0)
    return json_false ();
  return NULL;
}

static json_t *
read_time (const struct recipe *recipe, const json_t *value, const char **why)
{
  const char *s = one_line (value);
  int64_t ms;

  (void)recipe;
  *why = "no time such as 2024-07-19T04:09:00Z";
  return s && time_parse_ms (s, &ms) == 0 ? json_string (s) : NULL;
}

static json_t *
read_path (const struct recipe *recipe, const json_t *value, const char **why)
{
  const char *s = one_line (value);

  *why = "no path of one line";
  if (s && *s == '\0') /* none; where one is needed it is no path */
    return json_string (s);
  if (s == NULL || (*why = guest_path_fault (s, recipe->os, 0)) != NULL)
    return NULL;
  return json_string (s);
}

/* A file as base64; fields.c looks at it more closely. */
static json_t *
read_content (const struct recipe *recipe, const json_t *value,
              const char **why)
{
  const char *s = json_string_value (value);

  (void)recipe;
  *why = "no base64 of a file of at most 32 MiB";
  if (s == NULL || json_string_length (value) > RECIPE_MAX_CONTENT ||
      s[strspn (s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                   "0123456789+/=")])
    return NULL;
  return json_string (s);
}

static json_t *
read_bytes (const struct recipe *recipe, const json_t *value, const char **why)
{
  const char *s = one_line (value);
  CLEANUP_FREE unsigned char *bytes = NULL;
  CLEANUP_FREE char *hex = NULL;
  size_t len;

  (void)recipe;
  *why = "no even number of hex digits";
  if (s == NULL || *s == '\0' || hex_decode (s, &bytes, &len) == -1)
    return NULL;
  hex = hex_encode (bytes, len);
  return json_string (hex);
}

static const char *const type_names[] = {"string", "integer", "boolean", "time",
                                         "path",   "bytes",   "content", NULL};
static value_reader *const type_readers[] = {
    read_string, read_integer, read_boolean, read_time,
    read_path,   read_bytes,   read_content,
};
enum {
  TYPE_STRING,
  TYPE_INTEGER,
  TYPE_PATH = 4
};

#define AT(member) offsetof (struct parameter, member)
static const struct recipe_field parameter_fields[] = {
    {"type", FIELD_WORD, FIELD_REQUIRED, AT (type), .words = type_names},
    {"description", FIELD_TEXT, FIELD_REQUIRED, AT (description)},
    {"default", FIELD_JSON, 0, AT (otherwise)},
    {"example", FIELD_JSON, 0, AT (example)},
    {"values", FIELD_JSON, 0, AT (values)},
    {"min", FIELD_INTEGER, 0, AT (min), AT (has_min)},
    {"max", FIELD_INTEGER, 0, AT (max), AT (has_max)},
    {NULL},
};

static void
parameter_release (struct parameter *p)
{
  fields_release (parameter_fields, p);
}

static bool
listed (const json_t *list, const json_t *value)
{
  size_t i;
  json_t *item;

  json_array_foreach (list, i, item) if (json_equal (item, value)) return true;
  return false;
}

/* One value by the rules of its parameter; new reference. */
static json_t *
read_value (const struct recipe *recipe, const struct parameter *p,
            const json_t *value, const char *place, struct err **err)
{
  const char *why = NULL;
  CLEANUP_JSON json_t *normal = type_readers[p->type](recipe, value, &why);
  CLEANUP_FREE char *shown = NULL;

  if (normal && p->values && !listed (p->values, normal))
    why = "none of the allowed values";
  else if (normal && p->has_min && json_integer_value (normal) < p->min)
    why = "less than the minimum";
  else if (normal && p->has_max && json_integer_value (normal) > p->max)
    why = "more than the maximum";
  else if (normal)
    return TAKE (normal);
  shown = json_text (value);
  if (p->type == TYPE_PATH)
    recipe_error (recipe, err, place, "the path %.200s %s", shown, why);
  else
    recipe_error (recipe, err, place, "%.200s is %s", shown, why);
  return NULL;
}

static int
check_declaration (const struct recipe *recipe, const struct parameter *p,
                   const char *place, struct err **err)
{
  struct parameter plain = *p;
  size_t i;
  json_t *item;

  plain.values = NULL;
  if (p->type != TYPE_INTEGER && (p->has_min || p->has_max))
    return recipe_error (recipe, err, place,
                         "min and max are for the type integer");
  if (p->values && (p->type != TYPE_STRING || !json_is_array (p->values) ||
                    json_array_size (p->values) == 0))
    return recipe_error (recipe, err, place,
                         "values is a list for the type string");
  json_array_foreach (p->values, i, item)
  {
    CLEANUP_JSON json_t *value = NULL;

    if (!json_is_string (item))
      return recipe_error (recipe, err, place, "values[%zu] is no string", i);
    value = read_value (recipe, &plain, item, place, err);
    if (value == NULL)
      return -1;
  }
  if (p->otherwise == NULL && p->example == NULL)
    return recipe_error (recipe, err, place,
                         "has neither a default nor an example");
  return 0;
}

/* A default or example has the JSON type of its parameter: leniency is for
 * operators. */
static int
check_example (const struct recipe *recipe, const struct parameter *p,
               const json_t *value, const char *place, const char *name,
               struct err **err)
{
  CLEANUP_FREE char *here = place_of (place, name);
  CLEANUP_JSON json_t *normal = NULL;

  if (value == NULL)
    return 0;
  normal = read_value (recipe, p, value, here, err);
  if (normal == NULL)
    return -1;
  if (json_is_string (normal) != json_is_string (value))
    return recipe_error (recipe, err, here, "is no %s", type_names[p->type]);
  return 0;
}

static json_t *
resolve_one (const struct recipe *recipe, const char *name,
             const json_t *declared, const json_t *given, bool examples,
             struct err **err)
{
  CLEANUP (parameter_release) struct parameter p = {0};
  struct reader reader = {.recipe = recipe};
  CLEANUP_FREE char *place = place_of ("parameters", name);
  const json_t *value = given;

  if (fields_read (&reader, declared, parameter_fields, NULL, &p, place, err) ==
          -1 ||
      check_declaration (recipe, &p, place, err) == -1 ||
      check_example (recipe, &p, p.otherwise, place, "default", err) == -1 ||
      check_example (recipe, &p, p.example, place, "example", err) == -1)
    return NULL;
  if (value == NULL)
    value = p.otherwise;
  if (value == NULL && examples)
    value = p.example;
  if (value == NULL) {
    recipe_error (recipe, err, place, "needs a value (%s): %s",
                  type_names[p.type], p.description);
    return NULL;
  }
  return read_value (recipe, &p, value, place, err);
}

static bool
is_parameter_name (const char *s)
{
  size_t len = strlen (s);

  return len > 0 && len <= 64 && *s >= 'a' && *s <= 'z' &&
         s[strspn (s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

json_t *
parameters_resolve (const struct recipe *recipe, const json_t *declared,
                    const json_t *given, bool examples, struct err **err)
{
  CLEANUP_JSON json_t *values = json_object ();
  const char *name;
  json_t *item;

  if (declared && !json_is_object (declared)) {
    recipe_error (recipe, err, "parameters", "is no object");
    return NULL;
  }
  if (json_object_size (declared) > MAX_PARAMETERS) {
    recipe_error (recipe, err, "parameters", "more than %d", MAX_PARAMETERS);
    return NULL;
  }
  json_object_foreach ((json_t *)given, name,
                       item) if (json_object_get (declared, name) == NULL)
  {
    recipe_error (recipe, err, "parameters",
                  "the recipe has no parameter \"%s\"", name);
    return NULL;
  }
  json_object_foreach ((json_t *)declared, name, item)
  {
    json_t *value;

    if (!is_parameter_name (name)) {
      recipe_error (recipe, err, "parameters",
                    "\"%s\" is no name (a-z, then a-z, 0-9 and _)", name);
      return NULL;
    }
    value = resolve_one (recipe, name, item, json_object_get (given, name),
                         examples, err);
    if (value == NULL)
      return NULL;
    json_put (values, name, value);
  }
  return TAKE (values);
}

/* Why a value may not stand in a path; NULL if it may. */
static const char *
path_fault (const struct recipe *recipe, const char *name, const char *value)
{
  CLEANUP_FREE char *at = xasprintf ("%s.type", name);

  if (strpbrk (value, "*?["))
    return "brings a wildcard into a path";
  if (strpbrk (value, "/\\") &&
      strcmp (json_str (recipe->parameters, at, ""), "path") != 0)
    return "brings a '/' into a path (only type path may)";
  return NULL;
}

static char *
value_text (const json_t *value)
{
  if (json_is_string (value))
    return xstrdup (json_string_value (value));
  return json_text (value);
}

/* The value of the reference at *text ("${name}"), moved behind it. */
static json_t *
reference (const struct recipe *recipe, const json_t *values, json_t *used,
           const char **text, unsigned flags, const char *place,
           struct err **err)
{
  const char *start = *text + 2;
  size_t len = strcspn (start, "}");
  CLEANUP_FREE char *name = xstrndup (start, len);
  json_t *value = json_object_get (values, name);
  CLEANUP_FREE char *written = NULL;
  const char *fault;

  if (start[len] != '}' || value == NULL) {
    recipe_error (recipe, err, place,
                  start[len] == '}' ? "no parameter \"%s\" is declared "
                                      "(a plain \"${\" is written \"$${\")"
                                    : "\"${%s\" has no '}'",
                  name);
    return NULL;
  }
  written = value_text (value);
  if ((flags & EXPAND_IN_PATH) &&
      (fault = path_fault (recipe, name, written)) != NULL) {
    recipe_error (recipe, err, place, "the value of parameter \"%s\" %s", name,
                  fault);
    return NULL;
  }
  json_put_bool (used, name, true);
  *text = start + len + 1;
  return value;
}

json_t *
parameters_expand (const struct recipe *recipe, const json_t *values,
                   json_t *used, const json_t *text, unsigned flags,
                   const char *place, struct err **err)
{
  CLEANUP_STRBUF struct strbuf sb = STRBUF_EMPTY;
  const char *p = json_string_value (text);
  json_t *value;

  if (p == NULL || values == NULL || strstr (p, "${") == NULL)
    return json_incref ((json_t *)text);
  if (strncmp (p, "${", 2) == 0 && p[strcspn (p, "}")] &&
      p[strcspn (p, "}") + 1] == '\0')
    return json_incref (
        reference (recipe, values, used, &p, flags, place, err));
  while (*p) {
    CLEANUP_FREE char *written = NULL;

    if (strncmp (p, "$${", 3) == 0) {
      strbuf_addstr (&sb, "${");
      p += 3;
    } else if (strncmp (p, "${", 2) != 0)
      strbuf_addch (&sb, *p++);
    else {
      value = reference (recipe, values, used, &p, flags, place, err);
      if (value == NULL)
        return NULL;
      written = value_text (value);
      strbuf_addstr (&sb, written);
    }
    if (sb.len > RECIPE_MAX_BYTES) {
      recipe_error (recipe, err, place, "is too long with its parameters");
      return NULL;
    }
  }
  return json_stringn (sb.buf ? sb.buf : "", sb.len);
}
