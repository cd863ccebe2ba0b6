/* Regular expressions that are quick on long texts. */

#include "rule.h"

#include <ctype.h>
#include <string.h>

void
pattern_release (struct pattern *pattern)
{
  if (pattern->compiled)
    regfree (&pattern->regex);
  free (pattern->literal);
}

/* What comes after the bracket expression that begins here. */
static const char *
after_bracket (const char *p)
{
  p++;
  if (*p == '^')
    p++;
  if (*p == ']')
    p++;
  while (*p && *p != ']')
    p++;
  return *p ? p + 1 : p;
}

/* The longest run of plain characters that every match has: outside groups, not
 * made optional by what follows.  With it a long console is searched in one
 * pass, and the regular expression only sees the lines that have it. */
static char *
literal_of (const char *regex)
{
  struct strbuf run = STRBUF_EMPTY, best = STRBUF_EMPTY;
  int depth = 0;

  for (const char *p = regex; *p;) {
    const char *next = p + 1;
    bool plain = false;
    char c = *p;

    if (c == '\\' && p[1]) {
      c = p[1];
      next = p + 2;
      plain = ispunct ((unsigned char)c) != 0;
    } else if (c == '[')
      next = after_bracket (p);
    else if (c == '|' && depth == 0) {
      strbuf_release (&run);
      strbuf_release (&best);
      return xstrdup ("");
    } else if (c == '(' || c == ')')
      depth += c == '(' ? 1 : -1;
    else
      plain = strchr (".*+?{}^$|", c) == NULL;
    if (plain && depth == 0 && !strchr ("?*{", *next ? *next : 'x'))
      strbuf_addch (&run, c);
    else
      strbuf_reset (&run);
    if (c == '{' && p[0] == '{') {
      while (*next && *next != '}')
        next++;
    }
    if (run.len > best.len) {
      strbuf_reset (&best);
      strbuf_add (&best, run.buf, run.len);
    }
    p = next;
  }
  strbuf_release (&run);
  return strbuf_take (&best);
}

int
pattern_compile (struct pattern *pattern, const char *regex, struct err **err)
{
  char why[200];
  int r = regcomp (&pattern->regex, regex, REG_EXTENDED | REG_NEWLINE);

  if (r != 0) {
    regerror (r, &pattern->regex, why, sizeof why);
    return err_set (err, ERR_INPUT, "\"%s\" is no pattern: %s", regex, why);
  }
  pattern->compiled = true;
  if (pattern->regex.re_nsub >= PATTERN_GROUPS)
    return err_set (err, ERR_INPUT, "\"%s\": more than %d groups", regex,
                    PATTERN_GROUPS - 1);
  if (regexec (&pattern->regex, "", 0, NULL, 0) == 0)
    return err_set (err, ERR_INPUT, "\"%s\" fits an empty line", regex);
  pattern->literal = literal_of (regex);
  return 0;
}
