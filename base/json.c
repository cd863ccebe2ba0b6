#include "json.h"

#include <pthread.h>
#include <string.h>

#include "files.h"
#include "secret.h"
#include "strbuf.h"
#include "text.h"

void
cleanup_json (json_t **json)
{
  json_decref (*json);
}

/* jansson's own limit on depth is 2,048 levels of C stack. */
static bool
too_deep (const char *text, size_t len)
{
  int depth = 0;
  bool in_string = false;

  for (size_t i = 0; i < len; i++) {
    char c = text[i];

    if (in_string) {
      if (c == '\\')
        i++;
      else if (c == '"')
        in_string = false;
    } else if (c == '"')
      in_string = true;
    else if ((c == '{' || c == '[') && ++depth > JSON_MAX_DEPTH)
      return true;
    else if (c == '}' || c == ']')
      depth--;
  }
  return false;
}

json_t *
json_parse (const char *text, size_t len, const char *what, struct err **err)
{
  json_error_t why;
  json_t *json;

  if (too_deep (text, len)) {
    err_set (err, ERR_INPUT, "%s: nested deeper than %d levels", what,
             JSON_MAX_DEPTH);
    return NULL;
  }
  json = json_loadb (text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
  if (json == NULL) {
    CLEANUP_FREE char *reason = text_printable (why.text);

    err_set (err, ERR_INPUT, "%s: line %d: no valid JSON: %s", what, why.line,
             reason);
  }
  return json;
}

static void
wipe_what_is_freed (void)
{
  json_set_alloc_funcs (malloc, wiping_free);
}

void
json_wipe_freed (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, wipe_what_is_freed);
}

json_t *
json_parse_secret (const char *text, size_t len, const char *what,
                   struct err **err)
{
  CLEANUP_ERR struct err *quoting = NULL;
  json_t *json;

  json_wipe_freed ();
  json = json_parse (text, len, what, &quoting);
  if (json == NULL)
    err_set (err, ERR_INPUT, "%s: no valid JSON", what);
  return json;
}

json_t *
json_parse_file (const char *path, size_t max_bytes, struct err **err)
{
  CLEANUP_FREE char *text = NULL;
  size_t len;

  if (file_read (path, max_bytes, &text, &len, err) == -1)
    return NULL;
  return json_parse (text, len, path, err);
}

static char *
dump (const json_t *json, size_t flags)
{
  char *text = json_dumps (json, flags | JSON_ENCODE_ANY);

  if (text == NULL)
    abort (); /* only for lack of memory: we make no invalid values */
  return text;
}

char *
json_text (const json_t *json)
{
  return dump (json, JSON_COMPACT | JSON_SORT_KEYS);
}

char *
json_text_pretty (const json_t *json)
{
  return dump (json, JSON_INDENT (2));
}

json_t *
json_at (const json_t *json, const char *path)
{
  while (json && *path) {
    size_t len = strcspn (path, ".");
    char key[128];

    if (len >= sizeof key || !json_is_object (json))
      return NULL;
    memcpy (key, path, len);
    key[len] = '\0';
    json = json_object_get (json, key);
    path += len + (path[len] == '.');
  }
  return (json_t *)json;
}

const char *
json_str (const json_t *json, const char *path, const char *otherwise)
{
  const json_t *value = json_at (json, path);

  return json_is_string (value) ? json_string_value (value) : otherwise;
}

int64_t
json_int (const json_t *json, const char *path, int64_t otherwise)
{
  const json_t *value = json_at (json, path);

  return json_is_integer (value) ? json_integer_value (value) : otherwise;
}

bool
json_bool (const json_t *json, const char *path, bool otherwise)
{
  const json_t *value = json_at (json, path);

  return json_is_boolean (value) ? json_is_true (value) : otherwise;
}

static int
mistyped (struct err **err, const json_t *value, const char *path,
          const char *type)
{
  return err_set (err, ERR_INPUT,
                  value ? "field \"%s\" is no %s" : "field \"%s\" (%s) missing",
                  path, type);
}

const char *
json_need_str (const json_t *json, const char *path, struct err **err)
{
  const json_t *value = json_at (json, path);

  if (!json_is_string (value)) {
    mistyped (err, value, path, "string");
    return NULL;
  }
  return json_string_value (value);
}

int
json_need_int (const json_t *json, const char *path, int64_t *ret,
               struct err **err)
{
  const json_t *value = json_at (json, path);

  if (!json_is_integer (value))
    return mistyped (err, value, path, "integer");
  *ret = json_integer_value (value);
  return 0;
}

json_t *
json_need_array (const json_t *json, const char *path, struct err **err)
{
  json_t *value = json_at (json, path);

  if (!json_is_array (value)) {
    mistyped (err, value, path, "array");
    return NULL;
  }
  return value;
}

json_t *
json_need_object (const json_t *json, const char *path, struct err **err)
{
  json_t *value = json_at (json, path);

  if (!json_is_object (value)) {
    mistyped (err, value, path, "object");
    return NULL;
  }
  return value;
}

json_t *
json_make (const char *fmt, ...)
{
  json_error_t why;
  json_t *json;
  va_list args;

  va_start (args, fmt);
  json = json_vpack_ex (&why, 0, fmt, args);
  va_end (args);
  if (json == NULL) {
    fprintf (stderr, "bootmend: json_make: %s\n", why.text);
    abort ();
  }
  return json;
}

void
json_put (json_t *object, const char *key, json_t *value_taken)
{
  if (value_taken == NULL)
    json_object_del (object, key);
  else if (json_object_set_new (object, key, value_taken) == -1)
    abort ();
}

/* A text from outside that is no UTF-8 is kept readable, not dropped. */
void
json_put_str (json_t *object, const char *key, const char *value)
{
  json_t *string = value ? json_string (value) : NULL;

  if (value && string == NULL) {
    CLEANUP_FREE char *printable = text_printable (value);

    string = json_string (printable);
  }
  json_put (object, key, string);
}

void
json_put_int (json_t *object, const char *key, int64_t value)
{
  json_put (object, key, json_integer (value));
}

void
json_put_bool (json_t *object, const char *key, bool value)
{
  json_put (object, key, json_boolean (value));
}

json_t *
json_list (json_t *object, const char *key)
{
  json_t *list = json_object_get (object, key);

  if (!json_is_array (list)) {
    list = json_array ();
    json_put (object, key, list);
  }
  return list;
}

json_t *
json_from_err (const struct err *err)
{
  json_t *json = json_object ();

  json_put_str (json, "code", err_code_name (err->code));
  json_put_str (json, "message", err->msg);
  if (err->retry_after_ms)
    json_put_int (json, "retry_after_ms", err->retry_after_ms);
  return json;
}

struct err *
json_to_err (const json_t *json)
{
  struct err *err = NULL;

  err_set (&err, err_code_from_name (json_str (json, "code", "internal")), "%s",
           json_str (json, "message", "no message"));
  err->retry_after_ms = json_int (json, "retry_after_ms", 0);
  return err;
}
