#include "base64.h"

#include <string.h>

#include <base/strbuf.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode (const void *data, size_t len)
{
  const unsigned char *p = data;
  struct strbuf sb = STRBUF_EMPTY;

  for (size_t i = 0; i < len; i += 3) {
    size_t n = len - i < 3 ? len - i : 3;
    unsigned bits = (unsigned)p[i] << 16 | (n > 1 ? p[i + 1] << 8 : 0) |
                    (n > 2 ? p[i + 2] : 0);

    for (size_t d = 0; d < 4; d++)
      strbuf_addch (&sb, d <= n ? digits[bits >> (18 - 6 * d) & 63] : '=');
  }
  return strbuf_take (&sb);
}

int
base64_decode (const char *text, unsigned char **ret, size_t *len)
{
  size_t n = strlen (text), out = 0;
  CLEANUP_FREE unsigned char *bytes = xmalloc (n / 4 * 3 + 1);

  if (n % 4)
    return -1;
  for (size_t i = 0; i < n; i += 4) {
    unsigned bits = 0;
    size_t pads = 0;

    for (size_t d = 0; d < 4; d++) {
      const char *at = text[i + d] == '=' ? NULL : strchr (digits, text[i + d]);

      /* padding only at the very end */
      if (at == NULL && (text[i + d] != '=' || i + 4 != n || d < 2))
        return -1;
      if (at && pads)
        return -1;
      pads += at == NULL;
      bits = bits << 6 | (at ? (unsigned)(at - digits) : 0);
    }
    for (size_t b = 0; b < 3 - pads; b++)
      bytes[out++] = (unsigned char)(bits >> (16 - 8 * b));
  }
  *ret = TAKE (bytes);
  *len = out;
  return 0;
}
