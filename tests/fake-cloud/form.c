/* Forms: "a=b&c=d", percent-encoded, as names and texts. */

#include "cloud.h"

#include <string.h>

static int
hex_value (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL if it is malformed: a bad escape or an encoded NUL. */
static char *
decode (const char *text, size_t len)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (size_t i = 0; i < len; i++) {
    int high, low;

    if (text[i] == '+') {
      strbuf_addch (&sb, ' ');
      continue;
    }
    if (text[i] != '%') {
      strbuf_addch (&sb, text[i]);
      continue;
    }
    high = i + 2 < len ? hex_value (text[i + 1]) : -1;
    low = i + 2 < len ? hex_value (text[i + 2]) : -1;
    if (high >= 0 && low >= 0 && high + low > 0) {
      strbuf_addch (&sb, (char)(high * 16 + low));
      i += 2;
      continue;
    }
    strbuf_release (&sb);
    return NULL;
  }
  return strbuf_take (&sb);
}

int
fake_form_parse (const char *text, size_t len, json_t *into)
{
  const char *end = text + len;

  while (text < end) {
    const char *stop = memchr (text, '&', (size_t)(end - text));
    const char *equals;
    CLEANUP_FREE char *name = NULL, *value = NULL;

    if (stop == NULL)
      stop = end;
    equals = memchr (text, '=', (size_t)(stop - text));
    if (equals == NULL)
      equals = stop;
    name = decode (text, (size_t)(equals - text));
    value = equals < stop ? decode (equals + 1, (size_t)(stop - equals - 1))
                          : xstrdup ("");
    if (name == NULL || value == NULL || json_object_get (into, name) != NULL ||
        json_object_set_new (into, name, json_string (value)) < 0)
      return -1;
    text = stop + 1;
  }
  return 0;
}
