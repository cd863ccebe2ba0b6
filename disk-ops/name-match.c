#include "name-match.h"

#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

#include <base/mem.h>

/* The next character; a byte that is no UTF-8 stands for itself, beyond all
 * characters, so that it equals only itself. */
static uint32_t
next_char (const char **s)
{
  const unsigned char *p = (const unsigned char *)*s;
  uint32_t c = p[0];
  int more = c >= 0xf0 && c < 0xf5   ? 3
             : c >= 0xe0 && c < 0xf0 ? 2
             : c >= 0xc2 && c < 0xe0 ? 1
                                     : 0;

  if (c < 0x80) {
    *s += 1;
    return c;
  }
  c &= more == 3 ? 0x07 : more == 2 ? 0x0f : 0x1f;
  for (int i = 1; i <= more; i++) {
    if ((p[i] & 0xc0) != 0x80) {
      more = 0;
      break;
    }
    c = c << 6 | (p[i] & 0x3f);
  }
  if (more == 0) {
    *s += 1;
    return 0x110000 + p[0];
  }
  *s += 1 + more;
  return c;
}

/* Upper case, as NTFS' own table does it for single characters.  The C library
 * knows the mapping by its built-in C.UTF-8. */
static uint32_t
fold (uint32_t c)
{
  static locale_t unicode;

  if (c < 0x80)
    return c >= 'a' && c <= 'z' ? c - 32 : c;
  if (c >= 0x110000)
    return c;
  if (unicode == (locale_t)0)
    unicode = newlocale (LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  return unicode == (locale_t)0 ? c : (uint32_t)towupper_l (c, unicode);
}

static uint32_t
take (const char **s, bool fold_case)
{
  uint32_t c = next_char (s);

  return fold_case ? fold (c) : c;
}

bool
name_equal (const char *a, const char *b, bool fold_case)
{
  if (!fold_case)
    return strcmp (a, b) == 0;
  while (*a && *b)
    if (take (&a, true) != take (&b, true))
      return false;
  return *a == *b;
}

/* A set from after its '[': 1 in it, 0 not, -1: no set at all.  *pattern goes
 * behind the ']'. */
static int
in_set (const char **pattern, uint32_t c, bool fold_case)
{
  const char *p = *pattern;
  bool negated = *p == '!', found = false, first = true;

  if (negated)
    p++;
  while (*p && (*p != ']' || first)) {
    uint32_t from = take (&p, fold_case), to = from;

    first = false;
    if (*p == '-' && p[1] && p[1] != ']') {
      p++;
      to = take (&p, fold_case);
    }
    found |= from <= c && c <= to;
  }
  if (*p != ']')
    return -1;
  *pattern = p + 1;
  return found != negated;
}

/* Does one character of the name fit what the pattern says next?  Moves both.
 */
static bool
match_one (const char **pattern, const char **name, bool fold_case)
{
  uint32_t c = take (name, fold_case);

  if (**pattern == '?') {
    *pattern += 1;
    return true;
  }
  if (**pattern == '[') {
    const char *set = *pattern + 1;
    int r = in_set (&set, c, fold_case);

    if (r >= 0) {
      *pattern = set;
      return r;
    }
  }
  return take (pattern, fold_case) == c;
}

/* A star that fails later only has to take one character more; so the work is
 * at most the product of both lengths. */
bool
name_match (const char *pattern, const char *name, bool fold_case)
{
  const char *star = NULL, *star_name = NULL;

  while (*name) {
    if (*pattern == '*') {
      star = ++pattern;
      star_name = name;
      continue;
    }
    if (*pattern && match_one (&pattern, &name, fold_case))
      continue;
    if (star == NULL)
      return false;
    pattern = star;
    next_char (&star_name);
    name = star_name;
  }
  while (*pattern == '*')
    pattern++;
  return *pattern == '\0';
}

bool
name_has_wildcard (const char *pattern)
{
  return pattern[strcspn (pattern, "*?[")] != '\0';
}

bool
name_is_plain (const char *name)
{
  return *name && strcmp (name, ".") != 0 && strcmp (name, "..") != 0 &&
         strchr (name, '/') == NULL;
}
