#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "strbuf.h"

/* Length of the UTF-8 sequence at s if it is a well-formed, printable
 * character beyond ASCII; else 0.  C1 controls (U+0080..9F) and bidirectional
 * overrides can deceive a reader and count as not printable. */
static size_t
utf8_printable_length (const unsigned char *s)
{
  uint32_t c;
  size_t len;

  if (s[0] >= 0xc2 && s[0] <= 0xdf) {
    len = 2;
    c = s[0] & 0x1f;
  } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
    len = 3;
    c = s[0] & 0x0f;
  } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
    len = 4;
    c = s[0] & 0x07;
  } else
    return 0;
  for (size_t i = 1; i < len; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
    c = c << 6 | (s[i] & 0x3f);
  }
  if (c < 0xa0 || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff ||
      (len == 3 && c < 0x800) || (len == 4 && c < 0x10000) ||
      (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
    return 0;
  return len;
}

char *
text_printable (const char *s)
{
  struct strbuf sb = STRBUF_EMPTY;
  const unsigned char *p = (const unsigned char *)s;

  while (*p) {
    size_t len = *p >= 0x20 && *p < 0x7f ? 1 : utf8_printable_length (p);

    if (len) {
      strbuf_add (&sb, p, len);
      p += len;
    } else
      strbuf_addf (&sb, "\\x%02x", *p++);
  }
  return strbuf_take (&sb);
}

bool
text_glob_match (const char *pattern, const char *s, bool fold_case)
{
  return fnmatch (pattern, s, FNM_NOESCAPE | (fold_case ? FNM_CASEFOLD : 0)) ==
         0;
}

char **
text_split_commas (const char *text)
{
  char *copy = xstrdup (text), *out = copy;
  char **parts;
  size_t n = 0, max = 2;

  for (const char *p = text; *p; p++)
    max += *p == ',';
  parts = xcalloc (max, sizeof *parts);
  for (const char *p = text;; p++) {
    if (*p == '\\' && p[1] == ',')
      *out++ = *++p;
    else if (*p && *p != ',')
      *out++ = *p;
    else {
      parts[n++] = xstrndup (copy, (size_t)(out - copy));
      out = copy;
      if (*p == '\0')
        break;
    }
  }
  free (copy);
  return parts;
}

char *
hex_encode (const void *data, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  const unsigned char *p = data;
  char *hex = xmalloc (len * 2 + 1);

  for (size_t i = 0; i < len; i++) {
    hex[2 * i] = digits[p[i] >> 4];
    hex[2 * i + 1] = digits[p[i] & 15];
  }
  hex[2 * len] = '\0';
  return hex;
}

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode (const void *data, size_t len)
{
  const unsigned char *in = data;
  char *text = xmalloc ((len + 2) / 3 * 4 + 1);
  char *out = text;

  for (size_t i = 0; i < len; i += 3) {
    unsigned n = (unsigned)in[i] << 16 |
                 (i + 1 < len ? (unsigned)in[i + 1] << 8 : 0) |
                 (i + 2 < len ? (unsigned)in[i + 2] : 0);

    *out++ = base64_digits[n >> 18];
    *out++ = base64_digits[n >> 12 & 63];
    *out++ = i + 1 < len ? base64_digits[n >> 6 & 63] : '=';
    *out++ = i + 2 < len ? base64_digits[n & 63] : '=';
  }
  *out = '\0';
  return text;
}

int
base64_decode (const char *text, unsigned char **ret, size_t *len)
{
  CLEANUP_FREE unsigned char *bytes = xmalloc (strlen (text) / 4 * 3 + 3);
  size_t out = 0, chars = 0, pads = 0;
  unsigned bits = 0;

  for (const char *p = text; *p; p++) {
    const char *digit = strchr (base64_digits, *p);

    if (isspace ((unsigned char)*p))
      continue;
    /* padding only where the last group has 2 or 3 digits, then nothing */
    if (digit ? pads > 0 : *p != '=' || chars % 4 < 2)
      return -1;
    pads += digit == NULL;
    bits = bits << 6 | (digit ? (unsigned)(digit - base64_digits) : 0);
    if (++chars % 4 != 0)
      continue;
    for (size_t i = 0; i < 3 - pads; i++)
      bytes[out++] = (unsigned char)(bits >> (16 - 8 * i));
  }
  if (chars % 4)
    return -1;
  *ret = TAKE (bytes);
  *len = out;
  return 0;
}

int
hex_decode (const char *hex, unsigned char **ret, size_t *len)
{
  size_t n = strlen (hex);
  CLEANUP_FREE unsigned char *bytes = xmalloc (n / 2 + 1);

  if (n % 2)
    return -1;
  for (size_t i = 0; i < n / 2; i++) {
    int high = hex_digit (hex[2 * i]), low = hex_digit (hex[2 * i + 1]);

    if (high < 0 || low < 0)
      return -1;
    bytes[i] = (unsigned char)(high << 4 | low);
  }
  *ret = TAKE (bytes);
  *len = n / 2;
  return 0;
}

char *
text_bytes (uint64_t bytes)
{
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = (double)bytes;
  size_t unit = 0;

  if (bytes < 1024)
    return xasprintf ("%" PRIu64 " B", bytes);
  for (value /= 1024; value >= 1024 && unit + 1 < ARRAY_SIZE (units); unit++)
    value /= 1024;
  return xasprintf (value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

char *
text_duration_ms (int64_t ms)
{
  int64_t s = (ms + 500) / 1000;

  if (ms < 10000)
    return xasprintf ("%.1f s", (double)ms / 1000);
  if (s < 60)
    return xasprintf ("%" PRId64 " s", s);
  if (s < 3600)
    return xasprintf ("%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
  return xasprintf ("%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
}

int
text_parse_duration_ms (const char *text, int64_t *ms)
{
  static const struct {
    const char *unit;
    int64_t ms;
  } units[] = {{"", 1000},     {"ms", 1},      {"s", 1000},    {"m", 60000},
               {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
  char *end;
  long long value;

  if (!isdigit ((unsigned char)text[0]))
    return -1;
  errno = 0;
  value = strtoll (text, &end, 10);
  if (errno)
    return -1;
  for (size_t i = 0; i < ARRAY_SIZE (units); i++)
    if (strcmp (end, units[i].unit) == 0)
      return __builtin_mul_overflow (value, units[i].ms, ms) ? -1 : 0;
  return -1;
}
