#include "field-values.h"

#include <string.h>

#include <openssl/evp.h>

#include <base/clock.h>
#include <base/strbuf.h>
#include <base/text.h>
#include <base/vec.h>

#include "guest-path.h"
#include "parameters.h"
#include "registry-key.h"

#define MAX_LIST  64
#define MAX_BYTES 4096

static int
bad (const struct field_item *it, struct err **err, const char *what)
{
  return recipe_error (it->reader->recipe, err, it->place, "%s", what);
}

static const char *
need_text (const struct field_item *it, bool lines, struct err **err)
{
  size_t max = it->field->max ? it->field->max : FIELD_MAX_TEXT;
  const char *s = json_string_value (it->value);

  if (s == NULL) {
    bad (it, err, "is no string");
    return NULL;
  }
  if (json_string_length (it->value) > max) {
    recipe_error (it->reader->recipe, err, it->place,
                  "is longer than %zu bytes", max);
    return NULL;
  }
  for (size_t i = 0; i < json_string_length (it->value); i++) {
    unsigned char c = (unsigned char)s[i];

    if (c == 0 || c == 0x7f || (c < 0x20 && !(lines && strchr ("\n\t\r", c)))) {
      bad (it, err, c ? "has a control character" : "has a NUL character");
      return NULL;
    }
  }
  return s;
}

static int
read_line (const struct field_item *it, struct err **err)
{
  const char *s = need_text (it, it->field->type == FIELD_TEXT, err);

  if (s == NULL)
    return -1;
  if (*s == '\0')
    return bad (it, err, "is empty");
  *(char **)it->at = xstrdup (s);
  return 0;
}

static int
read_name (const struct field_item *it, struct err **err)
{
  const char *s = need_text (it, false, err);

  if (s == NULL)
    return -1;
  if (*s < 'a' || *s > 'z' || strlen (s) > 64 ||
      s[strspn (s, "abcdefghijklmnopqrstuvwxyz0123456789-_")])
    return recipe_error (it->reader->recipe, err, it->place,
                         "\"%.80s\" is no name (a-z, then a-z, 0-9, - and _; "
                         "at most 64)",
                         s);
  *(char **)it->at = xstrdup (s);
  return 0;
}

static int
read_path (const struct field_item *it, struct err **err)
{
  static const unsigned flags[] = {[FIELD_PATH] = 0,
                                   [FIELD_PATTERN] = GUEST_PATH_WILDCARDS,
                                   [FIELD_FILENAME] = GUEST_PATH_NAME};
  const char *s = json_string_value (it->value);
  const char *fault;

  if (s == NULL)
    return bad (it, err, "is no string");
  if (strlen (s) != json_string_length (it->value))
    return bad (it, err, "has a NUL character");
  fault = guest_path_fault (s, it->reader->recipe->os, flags[it->field->type]);
  if (fault)
    return recipe_error (it->reader->recipe, err, it->place, "\"%.200s\" %s", s,
                         fault);
  *(char **)it->at = xstrdup (s);
  return 0;
}

static int
read_bool (const struct field_item *it, struct err **err)
{
  if (!json_is_boolean (it->value))
    return bad (it, err, "is neither true nor false");
  *(bool *)it->at = json_is_true (it->value);
  return 0;
}

static int
read_integer (const struct field_item *it, struct err **err)
{
  if (!json_is_integer (it->value))
    return bad (it, err, "is no whole number");
  if (it->field->type == FIELD_COUNT && json_integer_value (it->value) < 0)
    return bad (it, err, "is less than 0");
  *(int64_t *)it->at = json_integer_value (it->value);
  if (it->field->aux)
    *(bool *)it->aux = true;
  return 0;
}

static int
read_time (const struct field_item *it, struct err **err)
{
  const char *s = need_text (it, false, err);

  if (s == NULL)
    return -1;
  if (time_parse_ms (s, it->at) == -1)
    return recipe_error (it->reader->recipe, err, it->place,
                         "\"%.80s\" is no time such as 2024-07-19T04:09:00Z",
                         s);
  *(bool *)it->aux = true;
  return 0;
}

static int
read_bytes (const struct field_item *it, struct err **err)
{
  const char *s = json_string_value (it->value);
  CLEANUP_FREE char *hex = xmalloc (s ? strlen (s) + 1 : 1);
  size_t n = 0;

  if (s == NULL)
    return bad (it, err, "is no string");
  for (; *s; s++) /* blanks make long ones readable */
    if (*s != ' ')
      hex[n++] = *s;
  hex[n] = '\0';
  if (n == 0 || hex_decode (hex, it->at, it->aux) == -1)
    return bad (it, err, "is no even number of hex digits");
  if (n / 2 > MAX_BYTES)
    return bad (it, err, "is more than 4096 bytes");
  return 0;
}

static int
put_content (const struct field_item *it, const void *data, size_t len,
             struct err **err)
{
  unsigned char *copy;

  if (*(void **)it->at)
    return bad (it, err, "content is given twice");
  copy = xmalloc (len + 1);
  if (len)
    memcpy (copy, data, len);
  copy[len] = 0;
  *(unsigned char **)it->at = copy;
  *(size_t *)it->aux = len;
  return 0;
}

static int
read_content (const struct field_item *it, struct err **err)
{
  if (!json_is_string (it->value))
    return bad (it, err, "is no string");
  return put_content (it, json_string_value (it->value),
                      json_string_length (it->value), err);
}

static int
read_base64 (const struct field_item *it, struct err **err)
{
  const char *s = json_string_value (it->value);
  size_t len = s ? strlen (s) : 0, padding = 0;
  CLEANUP_FREE unsigned char *data = xmalloc (len + 4);

  /* EVP_DecodeBlock counts padding as zero bytes and trims blanks. */
  while (padding < 2 && padding < len && s[len - 1 - padding] == '=')
    padding++;
  if (s == NULL || len % 4 || len > RECIPE_MAX_CONTENT ||
      strspn (s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                 "0123456789+/") != len - padding ||
      (len && EVP_DecodeBlock (data, (const unsigned char *)s, (int)len) < 0))
    return bad (it, err, "is no base64");
  return put_content (it, data, len / 4 * 3 - padding, err);
}

/* A SHA-256 in lower case, or NULL. */
static char *
sha256_text (const json_t *value)
{
  const char *s = json_string_value (value);
  CLEANUP_FREE unsigned char *bytes = NULL;
  size_t len;

  if (s == NULL || hex_decode (s, &bytes, &len) == -1 || len != 32)
    return NULL;
  return hex_encode (bytes, len);
}

static int
read_sha256 (const struct field_item *it, struct err **err)
{
  char *hex = sha256_text (it->value);

  if (hex == NULL)
    return bad (it, err, "is no SHA-256 (64 hex digits)");
  *(char **)it->at = hex;
  return 0;
}

static int
read_list (const struct field_item *it, struct err **err)
{
  struct str_vec list = VEC_EMPTY;
  size_t i;
  json_t *value;

  if (!json_is_array (it->value) || json_array_size (it->value) == 0 ||
      json_array_size (it->value) > MAX_LIST)
    return bad (it, err, "is no list of 1 to 64 entries");
  json_array_foreach (it->value, i, value)
  {
    CLEANUP_FREE char *place = xasprintf ("%s[%zu]", it->place, i);
    struct recipe_field field = *it->field;
    char *text = NULL;
    struct field_item one = {it->reader, &field, value, &text, NULL, place};
    int r;

    field.type = field.type == FIELD_LINES ? FIELD_LINE : FIELD_SHA256;
    r = field.type == FIELD_LINE ? read_line (&one, err)
                                 : read_sha256 (&one, err);
    if (r == -1) {
      str_vec_free_all (&list);
      return -1;
    }
    str_vec_push (&list, text);
  }
  *(char ***)it->at = str_vec_take (&list);
  return 0;
}

static int
read_word (const struct field_item *it, struct err **err)
{
  const char *s = json_string_value (it->value);
  CLEANUP_STRBUF struct strbuf all = STRBUF_EMPTY;

  for (int i = 0; it->field->words[i]; i++) {
    if (s && strcmp (s, it->field->words[i]) == 0) {
      if (it->field->type == FIELD_FLAG)
        *(bool *)it->at = i > 0;
      else if (it->field->type == FIELD_CHOICE)
        *(char **)it->at = xstrdup (s);
      else
        *(int *)it->at = i;
      return 0;
    }
    strbuf_addf (&all, "%s%s", i ? ", " : "", it->field->words[i]);
  }
  return recipe_error (it->reader->recipe, err, it->place,
                       "%s%.80s%s is none of: %s", s ? "\"" : "",
                       s ? s : "the value", s ? "\"" : "", all.buf);
}

static int
read_match (const struct field_item *it, struct err **err)
{
  const struct recipe *recipe = it->reader->recipe;
  const char *s = json_string_value (it->value);

  if (s == NULL)
    return bad (it, err, "is no string");
  for (size_t i = 0; i < recipe->n_matches; i++)
    if (strcmp (recipe->matches[i].id, s) == 0) {
      *(const struct recipe_match **)it->at = &recipe->matches[i];
      return 0;
    }
  return recipe_error (recipe, err, it->place, "no match has the id \"%.80s\"",
                       s);
}

static int
read_key (const struct field_item *it, struct err **err)
{
  const char *s = need_text (it, false, err);
  const char *fault = s ? registry_key_fault (s) : NULL;

  if (s == NULL)
    return -1;
  if (fault)
    return recipe_error (it->reader->recipe, err, it->place, "\"%.200s\" %s", s,
                         fault);
  *(char **)it->at = xstrdup (s);
  return 0;
}

/* Text that may be empty. */
static int
read_piece (const struct field_item *it, struct err **err)
{
  const char *s = need_text (it, false, err);

  if (s == NULL)
    return -1;
  *(char **)it->at = xstrdup (s);
  return 0;
}

static int
add_datum (const struct field_item *it, const json_t *value, json_t *list,
           struct err **err)
{
  CLEANUP_JSON json_t *one =
      parameters_expand (it->reader->recipe, it->reader->values,
                         it->reader->used, value, 0, it->place, err);
  struct field_item text = *it;

  if (one == NULL)
    return -1;
  text.value = one;
  if (!json_is_integer (one) && need_text (&text, false, err) == NULL)
    return -1;
  json_array_append (list, one);
  return 0;
}

static int
read_data (const struct field_item *it, struct err **err)
{
  CLEANUP_JSON json_t *list = json_array ();
  size_t i;
  json_t *value;

  if (!json_is_array (it->value)) {
    if (add_datum (it, it->value, list, err) == -1)
      return -1;
  } else if (json_array_size (it->value) > MAX_LIST)
    return bad (it, err, "is a list of more than 64 entries");
  json_array_foreach (it->value, i, value)
  {
    if (add_datum (it, value, list, err) == -1)
      return -1;
  }
  *(json_t **)it->at = TAKE (list);
  return 0;
}

static int
read_json (const struct field_item *it, struct err **err)
{
  (void)err;
  *(json_t **)it->at = (json_t *)it->value;
  return 0;
}

static int (*const readers[]) (const struct field_item *, struct err **) = {
    [FIELD_LINE] = read_line,       [FIELD_TEXT] = read_line,
    [FIELD_LINES] = read_list,      [FIELD_NAME] = read_name,
    [FIELD_PATH] = read_path,       [FIELD_PATTERN] = read_path,
    [FIELD_FILENAME] = read_path,   [FIELD_BOOL] = read_bool,
    [FIELD_COUNT] = read_integer,   [FIELD_INTEGER] = read_integer,
    [FIELD_TIME] = read_time,       [FIELD_BYTES] = read_bytes,
    [FIELD_CONTENT] = read_content, [FIELD_BASE64] = read_base64,
    [FIELD_SHA256] = read_sha256,   [FIELD_SHA256S] = read_list,
    [FIELD_WORD] = read_word,       [FIELD_FLAG] = read_word,
    [FIELD_MATCH] = read_match,     [FIELD_JSON] = read_json,
    [FIELD_KEY] = read_key,         [FIELD_VALUE] = read_piece,
    [FIELD_PIECE] = read_piece,     [FIELD_DATA] = read_data,
    [FIELD_CHOICE] = read_word,
};

int
field_item_read (const struct field_item *it, struct err **err)
{
  return readers[it->field->type](it, err);
}
