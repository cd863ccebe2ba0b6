/* JSON as XML elements, and what else goes over the wire. */

#include "cloud.h"

#include <openssl/evp.h>

/* A character that XML 1.0 can't carry at all becomes "?". */
void
fake_xml_text (struct strbuf *sb, const char *text)
{
  for (const char *p = text; *p; p++)
    switch (*p) {
    case '&':
      strbuf_addstr (sb, "&amp;");
      break;
    case '<':
      strbuf_addstr (sb, "&lt;");
      break;
    case '>':
      strbuf_addstr (sb, "&gt;");
      break;
    case '"':
      strbuf_addstr (sb, "&quot;");
      break;
    case '\r':
      strbuf_addstr (sb, "&#13;");
      break;
    default:
      if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
        strbuf_addch (sb, '?');
      else
        strbuf_addch (sb, *p);
    }
}

static void
add_scalar (struct strbuf *sb, const json_t *value)
{
  if (json_is_string (value))
    fake_xml_text (sb, json_string_value (value));
  else if (json_is_integer (value))
    strbuf_addf (sb, "%" JSON_INTEGER_FORMAT, json_integer_value (value));
  else if (json_is_real (value))
    strbuf_addf (sb, "%g", json_real_value (value));
  else if (json_is_boolean (value))
    strbuf_addstr (sb, json_is_true (value) ? "true" : "false");
}

static void
add_value (struct strbuf *sb, const json_t *value, const char *item)
{
  size_t i;
  json_t *element;

  if (json_is_object (value)) {
    fake_xml_members (sb, value, item);
    return;
  }
  if (!json_is_array (value)) {
    add_scalar (sb, value);
    return;
  }
  json_array_foreach ((json_t *)value, i, element)
  {
    strbuf_addf (sb, "<%s>", item);
    add_value (sb, element, item);
    strbuf_addf (sb, "</%s>", item);
  }
}

void
fake_xml_members (struct strbuf *sb, const json_t *object, const char *item)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)object, key, value)
  {
    if (key[0] == '_' || json_is_null (value))
      continue;
    strbuf_addf (sb, "<%s>", key);
    add_value (sb, value, item);
    strbuf_addf (sb, "</%s>", key);
  }
}

char *
fake_base64 (const void *data, size_t len)
{
  char *text = xmalloc ((len + 2) / 3 * 4 + 1);

  EVP_EncodeBlock ((unsigned char *)text, data, (int)len);
  return text;
}
