#include "terminal.h"

#include <langinfo.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <base/text.h>

void
terminal_resize (struct terminal *t)
{
  struct winsize size;
  const char *columns = getenv ("COLUMNS");

  t->columns = t->is_tty ? 80 : 0;
  t->rows = 24;
  if (t->is_tty && ioctl (t->fd, TIOCGWINSZ, &size) == 0 && size.ws_col) {
    t->columns = size.ws_col;
    t->rows = size.ws_row ? size.ws_row : 24;
  } else if (columns && atoi (columns) > 0)
    t->columns = atoi (columns);
}

void
terminal_init (struct terminal *t, int fd, const char *colour)
{
  const char *no_color = getenv ("NO_COLOR"), *term = getenv ("TERM");
  bool dumb = term == NULL || strcmp (term, "dumb") == 0;

  memset (t, 0, sizeof *t);
  t->fd = fd;
  t->is_tty = isatty (fd) && !dumb;
  t->utf8 = strcmp (nl_langinfo (CODESET), "UTF-8") == 0;
  if (strcmp (colour, "always") == 0)
    t->colour = true;
  else if (strcmp (colour, "auto") == 0) /* no-color.org: set and not empty */
    t->colour = t->is_tty && !(no_color && no_color[0]);
  terminal_resize (t);
}

int
terminal_text_width (const struct terminal *t)
{
  if (t->columns == 0 || t->columns > 80)
    return 80;
  return t->columns < 20 ? 20 : t->columns;
}

/* One character of well-formed UTF-8; its length is returned. */
static size_t
decode (const char *s, wchar_t *ret)
{
  unsigned char c = (unsigned char)s[0];
  size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  uint32_t value = len == 1 ? c : c & (0x7fu >> len);

  for (size_t i = 1; i < len && s[i]; i++)
    value = value << 6 | ((unsigned char)s[i] & 0x3f);
  *ret = (wchar_t)value;
  return len;
}

static int
columns_of (wchar_t c)
{
  int n = wcwidth (c);

  return n < 0 ? 1 : n;
}

char *
terminal_clean (const struct terminal *t, const char *text)
{
  char *clean = text_printable (text), *to;
  wchar_t c;

  if (t->utf8)
    return clean;
  to = clean;
  for (const char *from = clean; *from;) {
    size_t len = decode (from, &c);

    *to++ = len == 1 ? *from : '?';
    from += len;
  }
  *to = '\0';
  return clean;
}

int
text_columns (const char *text)
{
  int columns = 0;
  wchar_t c;

  while (*text) {
    text += decode (text, &c);
    columns += columns_of (c);
  }
  return columns;
}

/* Bytes of the longest start that takes at most `columns`. */
static size_t
bytes_that_fit (const char *text, int columns)
{
  const char *p = text;
  wchar_t c;

  while (*p) {
    size_t len = decode (p, &c);

    columns -= columns_of (c);
    if (columns < 0)
      break;
    p += len;
  }
  return (size_t)(p - text);
}

char *
text_fit (const char *text, int columns, bool utf8)
{
  const char *ellipsis = utf8 ? "\xe2\x80\xa6" : "...";
  int room = columns - (utf8 ? 1 : 3);

  if (text_columns (text) <= columns)
    return xstrdup (text);
  if (room < 1)
    return xstrndup (text, bytes_that_fit (text, columns < 0 ? 0 : columns));
  return xasprintf ("%.*s%s", (int)bytes_that_fit (text, room), text, ellipsis);
}

enum style
style_of_outcome (const char *outcome)
{
  static const struct {
    const char *outcome;
    enum style style;
  } rows[] = {
      {"repaired", STYLE_GOOD},        {"clean", STYLE_GOOD},
      {"recovered", STYLE_GOOD},       {"undone", STYLE_GOOD},
      {"needed", STYLE_WARN},          {"repaired-unproven", STYLE_WARN},
      {"skipped", STYLE_WARN},         {"refused", STYLE_WARN},
      {"failed-restored", STYLE_BAD},  {"failed", STYLE_BAD},
      {"failed-attention", STYLE_BAD}, {"open", STYLE_BOLD},
  };

  for (size_t i = 0; i < ARRAY_SIZE (rows); i++)
    if (strcmp (rows[i].outcome, outcome) == 0)
      return rows[i].style;
  return STYLE_PLAIN;
}

void
add_styled (struct strbuf *sb, enum style style, bool colour, const char *text)
{
  static const char *const codes[] = {[STYLE_GOOD] = "32",
                                      [STYLE_WARN] = "33",
                                      [STYLE_BAD] = "1;31",
                                      [STYLE_DIM] = "2",
                                      [STYLE_BOLD] = "1"};

  if (!colour || style == STYLE_PLAIN)
    strbuf_addstr (sb, text);
  else
    strbuf_addf (sb, "\033[%sm%s\033[0m", codes[style], text);
}

void
add_spaces (struct strbuf *sb, int n)
{
  while (n-- > 0)
    strbuf_addch (sb, ' ');
}

void
add_wrapped (struct strbuf *sb, const char *text, int at, int indent, int width)
{
  bool fresh = true; /* nothing on this line yet */

  while (*text) {
    size_t len = strcspn (text, " ");
    CLEANUP_FREE char *word = xstrndup (text, len);
    int columns = text_columns (word);

    if (!fresh && at + 1 + columns > width) {
      strbuf_addch (sb, '\n');
      add_spaces (sb, indent);
      at = indent;
      fresh = true;
    }
    if (!fresh) {
      strbuf_addch (sb, ' ');
      at++;
    }
    strbuf_addstr (sb, word);
    at += columns;
    fresh = false;
    text += len;
    text += strspn (text, " ");
  }
}
