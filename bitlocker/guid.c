#include "guid.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Which stored byte comes next in the text. */
static const int order[GUID_BYTES] = {3, 2, 1,  0,  5,  4,  7,  6,
                                      8, 9, 10, 11, 12, 13, 14, 15};

static bool
dash_before (int i)
{
  return i == 4 || i == 6 || i == 8 || i == 10;
}

void
guid_to_text (const unsigned char guid[GUID_BYTES], char text[GUID_TEXT])
{
  char *p = text;

  for (int i = 0; i < GUID_BYTES; i++) {
    if (dash_before (i))
      *p++ = '-';
    p += snprintf (p, 3, "%02X", guid[order[i]]);
  }
}

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c = (char)tolower ((unsigned char)c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
guid_from_text (const char *text, unsigned char guid[GUID_BYTES])
{
  const char *p = text;

  if (p == NULL)
    return false;
  if (*p == '{')
    p++;
  for (int i = 0; i < GUID_BYTES; i++) {
    int high, low;

    if (dash_before (i) && *p++ != '-')
      return false;
    high = hex_digit (p[0]);
    low = high == -1 ? -1 : hex_digit (p[1]);
    if (low == -1)
      return false;
    guid[order[i]] = (unsigned char)(high << 4 | low);
    p += 2;
  }
  return text[0] != '{' || *p == '}';
}

bool
guid_is_text (const char *text)
{
  unsigned char guid[GUID_BYTES];

  return strlen (text) == GUID_TEXT - 1 && guid_from_text (text, guid);
}

bool
guid_text_equal (const char *a, const char *b)
{
  unsigned char x[GUID_BYTES], y[GUID_BYTES];

  return guid_from_text (a, x) && guid_from_text (b, y) &&
         memcmp (x, y, sizeof x) == 0;
}
